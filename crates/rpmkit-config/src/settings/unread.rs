//! Options of mock's that nothing here acts on yet. A value of the wrong kind is a mistake all the same,
//! and is told as it is for the others.

use super::{ConfigError, read::Reader};

/// Fails on the first such option that cannot be expanded or has a value of the wrong kind.
pub(super) fn check(r: &Reader<'_>, places: &Reader<'_>) -> Result<(), ConfigError> {
    for name in [
        "config_file",
        "description",
        "dist",
        "host_arch",
        "forcearch",
        "package_manager",
        "user_agent",
        "createrepo_command",
        "ssl_ca_bundle_path",
        "stderr_line_prefix",
    ] {
        r.optional(name)?;
    }
    places.text("backup_base_dir")?;
    for name in ["legal_host_arches", "copy_host_users", "nspawn_args"] {
        r.words(name)?;
    }
    for name in [
        "backup_on_clean",
        "update_before_build",
        "use_bootstrap",
        "external_buildrequires",
        "createrepo_on_rpms",
        "internal_dev_setup",
    ] {
        r.flag(name)?;
    }
    for name in [
        "package_manager_max_attempts",
        "package_manager_attempt_delay",
        "dev_loop_count",
    ] {
        r.number(name)?;
    }
    r.nullable_pairs("qemu_user_static_mapping")?;
    r.nullable_pairs("scm_opts")?;
    r.two_each("ssl_copied_ca_trust_dirs")?;
    r.isolation()
}
