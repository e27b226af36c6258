//! Options that `[main]` may state for all repositories and each repository for itself.

use std::path::PathBuf;

use super::{ConfError, Expire, ini::Entry, value};
use rpmkit_fetch::TransportOptions;
use rpmkit_types::Setting;

/// Options a repository takes from `[main]` unless it states its own.
#[derive(Debug, Clone, PartialEq)]
pub struct CommonOptions {
    /// Verify the signature of packages.
    pub gpgcheck: bool,
    /// Where `gpgcheck` was set.
    pub gpgcheck_set: Setting,
    /// Verify the signature of `repomd.xml`.
    pub repo_gpgcheck: bool,
    /// Go on without a repository that cannot be read.
    pub skip_if_unavailable: bool,
    /// Use the repository's groups.
    pub enablegroups: bool,
    /// How long metadata counts as fresh.
    pub metadata_expire: Expire,
    /// Connections.
    pub transport: TransportOptions,
}

impl Default for CommonOptions {
    fn default() -> Self {
        Self {
            gpgcheck: false,
            gpgcheck_set: Setting::Default,
            repo_gpgcheck: false,
            skip_if_unavailable: false,
            enablegroups: true,
            // Two days, as in dnf.
            metadata_expire: Expire::After(std::time::Duration::from_secs(48 * 3600)),
            transport: TransportOptions::default(),
        }
    }
}

impl CommonOptions {
    /// Takes the option, which stands in `place`, if it is one of these.
    pub(super) fn set(
        &mut self,
        entry: &Entry,
        text: &str,
        place: Setting,
    ) -> Result<bool, ConfError> {
        let wrong = |expected| ConfError::value(entry, expected);
        match entry.key.as_str() {
            "gpgcheck" | "pkg_gpgcheck" => {
                self.gpgcheck = value::boolean(text).map_err(wrong)?;
                self.gpgcheck_set = place;
            }
            "repo_gpgcheck" => self.repo_gpgcheck = value::boolean(text).map_err(wrong)?,
            "skip_if_unavailable" => {
                self.skip_if_unavailable = value::boolean(text).map_err(wrong)?;
            }
            "enablegroups" => self.enablegroups = value::boolean(text).map_err(wrong)?,
            "metadata_expire" => self.metadata_expire = value::expire(text).map_err(wrong)?,
            _ => return set_transport(&mut self.transport, entry, text),
        }
        Ok(true)
    }
}

/// Takes the option if it is one of these.
fn set_transport(
    options: &mut TransportOptions,
    entry: &Entry,
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
