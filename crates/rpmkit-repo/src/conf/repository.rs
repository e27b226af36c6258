//! One repository, as a section of `dnf.conf` describes it.

use std::{path::PathBuf, time::Duration};

use super::{ConfError, Expire, ini::IniEntry, main_options::Inherited, value};
use rpmkit_fetch::TransportOptions;
use rpmkit_types::{Setting, Unsigned};

/// The repository with what a chain has built so far; mock's name of it.
pub const OWN_RESULTS: &str = "local_build_repo";

/// A repository: where it is, what is trusted, and how it takes part in solving.
#[derive(Debug, Clone, PartialEq)]
pub struct Repository {
    /// The section's name.
    pub id: String,
    /// For people; the id when there is none.
    pub name: String,
    /// Whether it takes part.
    pub enabled: bool,
    /// Base URLs or absolute paths, in order of preference.
    pub baseurl: Vec<String>,
    /// URL or path of a list of base URLs.
    pub mirrorlist: Option<String>,
    /// URL or path of a metalink for `repomd.xml`.
    pub metalink: Option<String>,
    /// Lower wins over higher, whatever the versions (dnf's default is 99).
    pub priority: i32,
    /// Lower is preferred between equal packages (dnf's default is 1000).
    pub cost: i32,
    /// Packages of it that do not exist (globs).
    pub excludepkgs: Vec<String>,
    /// When not empty, its only packages (globs).
    pub includepkgs: Vec<String>,
    /// Its packages are not subject to module filtering.
    pub module_hotfixes: bool,
    /// URLs or paths of the keys its signatures are made with.
    pub gpgkey: Vec<String>,
    /// Verify package signatures.
    pub gpgcheck: bool,
    /// Where `gpgcheck` was set.
    pub gpgcheck_set: Setting,
    /// Verify the signature of `repomd.xml`.
    pub repo_gpgcheck: bool,
    /// A run goes on without it.
    pub skip_if_unavailable: bool,
    /// Its groups count.
    pub enablegroups: bool,
    /// How long its metadata counts as fresh.
    pub metadata_expire: Expire,
    /// Connections to it.
    pub transport: TransportOptions,
}

/// Takes the option if it is one of these.
pub(super) fn set_transport(
    options: &mut TransportOptions,
    entry: &IniEntry,
    text: &str,
) -> Result<bool, ConfError> {
    let wrong = |expected| ConfError::value(entry, expected);
    let path = || value::text(text).map(PathBuf::from);
    match entry.key.as_str() {
        "username" => options.username = value::text(text),
        "password" => options.password = value::text(text),
        "proxy" => options.proxy = Some(value::text(text).filter(|t| t != "_none_")),
        "proxy_username" => options.proxy_username = value::text(text),
        "proxy_password" => options.proxy_password = value::text(text),
        "proxy_auth_method" => match text.to_ascii_lowercase().as_str() {
            "any" | "none" | "basic" => {}
            // Digest, NTLM and negotiate are kept as options nothing acts on.
            _ => return Ok(false),
        },
        "sslverify" => options.sslverify = value::boolean(text).map_err(wrong)?,
        "sslcacert" => options.sslcacert = path(),
        "sslclientcert" => options.sslclientcert = path(),
        "sslclientkey" => options.sslclientkey = path(),
        "user_agent" => options.user_agent = value::text(text),
        "timeout" => options.timeout = value::seconds(text).map_err(wrong)?,
        "minrate" => options.minrate = value::bytes(text).map_err(wrong)?,
        "retries" => options.retries = value::count(text).map_err(wrong)?,
        "max_parallel_downloads" | "max_downloads_per_mirror" => {
            let count = value::count(text).map_err(wrong)? as usize;
            if entry.key == "max_parallel_downloads" {
                // dnf allows twenty at most.
                options.max_parallel_downloads = Some(count.clamp(1, 20));
            }
        }
        "ip_resolve" => options.ip_version = value::ip_version(text).map_err(wrong)?,
        _ => return Ok(false),
    }
    Ok(true)
}

impl Repository {
    /// A repository with dnf's defaults, or those `[main]` states.
    pub(super) fn new(id: &str, inherited: &Inherited) -> Self {
        Self {
            id: id.to_owned(),
            name: id.to_owned(),
            enabled: true,
            baseurl: Vec::new(),
            mirrorlist: None,
            metalink: None,
            priority: 99,
            cost: 1000,
            excludepkgs: Vec::new(),
            includepkgs: Vec::new(),
            module_hotfixes: false,
            gpgkey: Vec::new(),
            gpgcheck: inherited.gpgcheck,
            gpgcheck_set: inherited.gpgcheck_set,
            repo_gpgcheck: inherited.repo_gpgcheck,
            skip_if_unavailable: inherited.skip_if_unavailable,
            enablegroups: inherited.enablegroups,
            metadata_expire: inherited.metadata_expire,
            transport: inherited.transport.clone(),
        }
    }

    /// A repository at one URL or absolute path, unsigned and asked for news every time: what
    /// mock's `--addrepo` and chain builds add.
    pub fn at(id: &str, url: impl Into<String>) -> Self {
        Self {
            baseurl: vec![url.into()],
            cost: 1,
            module_hotfixes: true,
            metadata_expire: Expire::After(Duration::ZERO),
            ..Self::new(id, &Inherited::default())
        }
    }

    /// Why nobody looks at the signatures of its packages; `None` when somebody does.
    pub fn unsigned(&self) -> Option<Unsigned> {
        match (self.gpgcheck, self.id == OWN_RESULTS) {
            (true, _) => None,
            (false, true) => Some(Unsigned::OwnResult),
            (false, false) => Some(Unsigned::GpgcheckOff(self.gpgcheck_set)),
        }
    }

    /// Takes the option if it is known here.
    pub(super) fn set(&mut self, entry: &IniEntry, text: &str) -> Result<bool, ConfError> {
        let wrong = |expected| ConfError::value(entry, expected);
        let flag = || value::boolean(text).map_err(wrong);
        let number = || {
            let number = value::number(text).map_err(wrong)?;
            i32::try_from(number).map_err(|_| wrong("the number is too large"))
        };
        match entry.key.as_str() {
            "name" => self.name = value::text(text).unwrap_or_else(|| self.id.clone()),
            "enabled" => self.enabled = flag()?,
            "baseurl" => self.baseurl = value::list(text),
            "mirrorlist" => self.mirrorlist = value::text(text),
            "metalink" => self.metalink = value::text(text),
            "priority" => self.priority = number()?,
            "cost" => self.cost = number()?,
            "exclude" | "excludepkgs" => self.excludepkgs.extend(value::list(text)),
            "includepkgs" => self.includepkgs.extend(value::list(text)),
            "module_hotfixes" => self.module_hotfixes = flag()?,
            "gpgkey" => self.gpgkey = value::list(text),
            "gpgcheck" | "pkg_gpgcheck" => {
                self.gpgcheck = flag()?;
                self.gpgcheck_set = Setting::Repository;
            }
            // Said once more in many repositories; it means something only in `[main]`.
            "best" | "strict" | "obsoletes" | "localpkg_gpgcheck" => {
                flag()?;
                return Ok(false);
            }
            _ => {
                let mut inherited = Inherited {
                    gpgcheck: self.gpgcheck,
                    gpgcheck_set: self.gpgcheck_set,
                    repo_gpgcheck: self.repo_gpgcheck,
                    skip_if_unavailable: self.skip_if_unavailable,
                    enablegroups: self.enablegroups,
                    metadata_expire: self.metadata_expire,
                    transport: self.transport.clone(),
                };
                let taken = inherited.set(entry, text)?;
                self.repo_gpgcheck = inherited.repo_gpgcheck;
                self.skip_if_unavailable = inherited.skip_if_unavailable;
                self.enablegroups = inherited.enablegroups;
                self.metadata_expire = inherited.metadata_expire;
                self.transport = inherited.transport;
                return Ok(taken);
            }
        }
        Ok(true)
    }
}
