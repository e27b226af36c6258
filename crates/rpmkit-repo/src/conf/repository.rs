//! One repository, as a section of `dnf.conf` describes it.

use std::time::Duration;

use super::{CommonOptions, ConfError, Expire, ini::IniEntry, value};
use rpmkit_types::{Setting, Unsigned};

/// The repository with what a chain has built so far; mock's name of it.
pub const OWN_RESULTS: &str = "local_build_repo";

/// Whether a repository has results of the same chain: it is called [`OWN_RESULTS`], or that with a number.
fn is_own(id: &str) -> bool {
    id.strip_prefix(OWN_RESULTS).is_some_and(|rest| {
        rest.is_empty()
            || rest
                .strip_prefix('_')
                .is_some_and(|number| number.bytes().all(|b| b.is_ascii_digit()))
    })
}

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
    /// What it states of what `[main]` may state for all, or else that.
    pub common: CommonOptions,
}

impl Repository {
    /// A repository with dnf's defaults, or those `[main]` states.
    pub(super) fn new(id: &str, common: &CommonOptions) -> Self {
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
            common: common.clone(),
        }
    }

    /// A repository at one URL or absolute path, unsigned and asked for news every time: what
    /// mock's `--addrepo` and chain builds add.
    pub fn at(id: &str, url: impl Into<String>) -> Self {
        Self {
            baseurl: vec![url.into()],
            cost: 1,
            module_hotfixes: true,
            ..Self::new(
                id,
                &CommonOptions {
                    metadata_expire: Expire::After(Duration::ZERO),
                    ..CommonOptions::default()
                },
            )
        }
    }

    /// Why nobody looks at the signatures of its packages; `None` when somebody does.
    pub fn unsigned(&self) -> Option<Unsigned> {
        match (self.common.gpgcheck, is_own(&self.id)) {
            (true, _) => None,
            (false, true) => Some(Unsigned::OwnResult),
            (false, false) => Some(Unsigned::GpgcheckOff(self.common.gpgcheck_set)),
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
            // Said once more in many repositories; it means something only in `[main]`.
            "best" | "strict" | "obsoletes" | "localpkg_gpgcheck" => {
                flag()?;
                return Ok(false);
            }
            _ => return self.common.set(entry, text, Setting::Repository),
        }
        Ok(true)
    }
}
