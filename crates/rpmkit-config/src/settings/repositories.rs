//! Where packages come from.

use std::time::Duration;

use super::{ConfigError, read::SettingsReader};
use crate::{Config, Origin};

/// Repositories and what is switched in them.
#[derive(Debug, Clone)]
pub struct RepositorySettings {
    /// The package manager the chroot is to be made like: one of those mock knows.
    pub package_manager: String,
    /// Whether a chroot with the target's own package manager is wanted.
    pub use_bootstrap: bool,
    /// Whether a chroot that is there is brought up to date before a build.
    pub update_before_build: bool,
    /// The text of `dnf.conf`.
    pub dnf_conf: String,
    /// The same as the configuration has it, whatever a run adds.
    pub own_conf: String,
    /// Variables for repository addresses.
    pub dnf_vars: Vec<(String, String)>,
    /// Release for `$releasever`.
    pub releasever: Option<String>,
    /// Architecture for `$basearch`.
    pub repo_arch: String,
    /// Repositories switched on and off by the command line: `--enablerepo`/`--disablerepo` and a name.
    pub enable_disable_repos: Vec<String>,
    /// Pairs of a module action and its module specs.
    pub module_setup_commands: Vec<(String, String)>,
    /// Whether metadata may be refreshed.
    pub online: bool,
    /// How downloads name themselves, where the configuration says so.
    pub user_agent: Option<String>,
    /// How often metadata and packages are asked for; one at least.
    pub attempts: u32,
    /// Time between two attempts.
    pub attempt_delay: Duration,
}

/// The package managers mock knows.
const MANAGERS: [&str; 5] = ["dnf", "dnf4", "dnf5", "yum", "microdnf"];

impl RepositorySettings {
    pub(super) fn new(config: &Config, r: &SettingsReader<'_>) -> Result<Self, ConfigError> {
        let manager = r.text("package_manager")?;
        if !MANAGERS.contains(&manager.as_str()) {
            return Err(ConfigError::PackageManager {
                name: manager,
                bootstrap: r.flag("use_bootstrap")?,
            });
        }
        let agent = r.optional("user_agent")?;
        let by_default = matches!(config.origins().get(&["user_agent"]), Origin::Default);
        Ok(Self {
            user_agent: agent.filter(|agent| !by_default && !agent.is_empty()),
            package_manager: manager,
            use_bootstrap: r.flag("use_bootstrap")?,
            update_before_build: r.flag("update_before_build")?,
            attempts: r.number("package_manager_max_attempts")?.max(1),
            attempt_delay: r.seconds("package_manager_attempt_delay")?,
            own_conf: r.text("dnf.conf")?,
            dnf_conf: r.text("dnf.conf")?,
            dnf_vars: r.pairs("dnf_vars")?,
            releasever: r.optional("releasever")?,
            repo_arch: repo_arch(r)?,
            enable_disable_repos: r.words("enable_disable_repos")?,
            module_setup_commands: r.modules()?,
            online: r.flag("online")?,
        })
    }
}

/// `repo_arch`, else what `repo_arch_map` makes of the target's architecture.
fn repo_arch(r: &SettingsReader<'_>) -> Result<String, ConfigError> {
    if let Some(arch) = r.optional("repo_arch")?.filter(|arch| !arch.is_empty()) {
        return Ok(arch);
    }
    let target = r.text("target_arch")?;
    let map = r.pairs("repo_arch_map")?;
    let mapped = map.into_iter().find(|(from, _)| *from == target);
    Ok(mapped.map_or(target, |(_, to)| to))
}
