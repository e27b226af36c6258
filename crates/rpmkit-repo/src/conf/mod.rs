//! What `dnf.conf` says: `[main]` and the repositories, typed, with every variable replaced.
//!
//! Options that rpmkit acts on become fields; every other one is kept as [`UnusedOption`], so that
//! nothing a user wrote is dropped without a trace.

mod common;
mod ini;
mod main_options;
mod repository;
mod set;
mod value;
mod vars;

pub use common::CommonOptions;
pub use main_options::MainOptions;
pub use repository::{OWN_RESULTS, Repository};
pub use set::RepoSet;
pub use value::Expire;
pub use vars::{Vars, base_arch};

/// A line of `dnf.conf` that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the package manager's configuration (`dnf.conf`): {problem}")]
pub struct ConfError {
    /// Line counted from one.
    pub line: usize,
    /// What is wrong and what was expected.
    pub problem: String,
}

impl ConfError {
    fn new(line: usize, problem: impl Into<String>) -> Self {
        Self {
            line,
            problem: problem.into(),
        }
    }

    fn value(entry: &ini::IniEntry, expected: &str) -> Self {
        Self::new(
            entry.line,
            format!("`{} = {}`: {expected}", entry.key, entry.value),
        )
    }
}

/// An option that was read but that nothing here acts on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnusedOption {
    /// Section it stands in.
    pub section: String,
    /// Its name.
    pub key: String,
    /// Its value as written, variables not replaced.
    pub value: String,
    /// Line counted from one.
    pub line: usize,
    /// True for an option dnf knows (it only has no meaning here); false for one nobody knows,
    /// which most likely is a slip of the pen.
    pub known: bool,
}

impl std::fmt::Display for UnusedOption {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            section,
            key,
            value,
            line,
            known,
        } = self;
        let why = if *known {
            "has no effect in rpmkit"
        } else {
            "is not an option dnf knows"
        };
        write!(
            f,
            "line {line} of `dnf.conf`, section `{section}`: `{key} = {value}` {why}"
        )
    }
}

/// Options of dnf and yum that have no effect on what rpmkit does: logging, plugins, the
/// interactive front end, caches it keeps in its own way.
const KNOWN_UNUSED: &[&str] = &[
    "allow_downgrade",
    "alwaysprompt",
    "autocheck_running_kernel",
    "bandwidth",
    "bugtracker_url",
    "build_cache",
    "cachedir",
    "cacheonly",
    "check_config_file_age",
    "color",
    "color_list_available_downgrade",
    "color_list_available_install",
    "color_list_available_reinstall",
    "color_list_available_running_kernel",
    "color_list_available_upgrade",
    "color_list_installed_extra",
    "color_list_installed_newer",
    "color_list_installed_older",
    "color_list_installed_reinstall",
    "color_list_installed_running_kernel",
    "color_search_match",
    "color_update_installed",
    "color_update_local",
    "color_update_remote",
    "comment",
    "config_file_path",
    "countme",
    "debuglevel",
    "debug_solver",
    "defaultyes",
    "deltarpm",
    "deltarpm_percentage",
    "destdir",
    "disable_multithreading",
    "diskspacecheck",
    "distroverpkg",
    "downloaddir",
    "downloadonly",
    "enabled_metadata",
    "errorlevel",
    "exit_on_lock",
    "fastestmirror",
    "gpgkey_dns_verification",
    "group_package_types",
    "history_list_view",
    "history_record",
    "history_record_packages",
    "ignorearch",
    "installonly_limit",
    "installonlypkgs",
    "installroot",
    "keepcache",
    "log_compress",
    "log_rotate",
    "log_size",
    "logdir",
    "logfile",
    "logfile_level",
    "mdpolicy",
    "mediaid",
    "metadata_timer_sync",
    "mirrorlist_expire",
    "module_obsoletes",
    "module_stream_switch",
    "multilib_policy",
    "optional_metadata_types",
    "persistdir",
    "plugin_conf_dir",
    "pluginconfpath",
    "pluginpath",
    "plugins",
    "protect_running_kernel",
    "protected_multilib",
    "protected_packages",
    "proxy_sslcacert",
    "proxy_sslclientcert",
    "proxy_sslclientkey",
    "proxy_sslverify",
    "recent",
    "report_instance_id",
    "reposdir",
    "reset_nice",
    "rpmverbosity",
    "showdupesfromrepos",
    "skip_system_repo_lock",
    "skip_broken",
    "sslverifystatus",
    "syslog_device",
    "syslog_facility",
    "syslog_ident",
    "system_cachedir",
    "system_state_dir",
    "throttle",
    "tolerant",
    "type",
    "ui_repoid_vars",
    "transaction_history_dir",
    "upgrade_group_objects_upgrade",
    "upgrade_requirements_on_install",
    "use_host_config",
    "usercache",
    "usr_drift_protected_paths",
    "varsdir",
    "zchunk",
];
