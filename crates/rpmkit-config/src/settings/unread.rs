//! Options of mock's that no build acts on: see `options/compat.rs` for why, or who else reads them. A value of the wrong kind is a mistake all the same,
//! and is told as it is for the others.

use super::{ConfigError, read::SettingsReader};

/// Fails on the first such option that cannot be expanded or has a value of the wrong kind.
pub(super) fn check(r: &SettingsReader<'_>) -> Result<(), ConfigError> {
    for name in [
        "config_file",
        "description",
        "dist",
        "host_arch",
        "createrepo_command",
    ] {
        r.optional(name)?;
    }
    for name in ["legal_host_arches", "nspawn_args"] {
        r.words(name)?;
    }
    r.flag("internal_dev_setup")?;
    r.number("dev_loop_count")?;
    r.nullable_pairs("scm_opts")?;
    r.isolation()
}
