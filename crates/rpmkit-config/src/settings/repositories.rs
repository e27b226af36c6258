//! Where packages come from.

use super::{ConfigError, read::Reader};

/// Repositories and what is switched in them.
#[derive(Debug, Clone)]
pub struct RepositorySettings {
    /// The text of `dnf.conf`.
    pub dnf_conf: String,
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
}

impl RepositorySettings {
    pub(super) fn new(r: &Reader<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
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
fn repo_arch(r: &Reader<'_>) -> Result<String, ConfigError> {
    if let Some(arch) = r.optional("repo_arch")?.filter(|arch| !arch.is_empty()) {
        return Ok(arch);
    }
    let target = r.text("target_arch")?;
    let map = r.pairs("repo_arch_map")?;
    let mapped = map.into_iter().find(|(from, _)| *from == target);
    Ok(mapped.map_or(target, |(_, to)| to))
}
