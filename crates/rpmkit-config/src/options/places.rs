//! Options that name places, and limits of the program itself.

use super::{OptionKind, OptionSpec, Preset, Support};

/// The rows of this group.
pub(super) const OPTIONS: &[OptionSpec] = &[
    OptionSpec::new(
        "basedir",
        OptionKind::Str,
        Preset::Str("/var/lib/mock"),
        Support::Used,
        "Top directory of the chroots.",
    ),
    OptionSpec::new(
        "rootdir",
        OptionKind::Str,
        Preset::Str("{{basedir}}/{{root}}/root"),
        Support::Used,
        "The chroot's root directory.",
    ),
    OptionSpec::new(
        "resultdir",
        OptionKind::Str,
        Preset::Str("{{basedir}}/{{root}}/result"),
        Support::Used,
        "Where packages and logs are put.",
    ),
    OptionSpec::new(
        "cache_topdir",
        OptionKind::Str,
        Preset::Str("/var/cache/mock"),
        Support::Used,
        "Top directory of the caches.",
    ),
    OptionSpec::new(
        "backup_on_clean",
        OptionKind::Bool,
        Preset::Bool(false),
        Support::Used,
        "Keeps the packages of the result directory when a chroot is cleaned.",
    ),
    OptionSpec::new(
        "backup_base_dir",
        OptionKind::Str,
        Preset::Str("{{basedir}}/backup"),
        Support::Used,
        "Where cleaned results are kept.",
    ),
    OptionSpec::new(
        "local_repo_dir",
        OptionKind::Str,
        Preset::Unset,
        Support::Moot,
        "Repository of a chain build.",
    ),
    OptionSpec::new(
        "offline_local_repository",
        OptionKind::Str,
        Preset::Unset,
        Support::Used,
        "Repository a hermetic build installs from.",
    ),
    OptionSpec::new(
        "recursion_limit",
        OptionKind::Int,
        Preset::Int(5000),
        Support::Moot,
        "Recursion limit of the Python interpreter.",
    ),
    OptionSpec::new(
        "opstimeout",
        OptionKind::Int,
        Preset::Int(0),
        Support::Moot,
        "Seconds mock waits for its own operations; zero is no limit.",
    ),
    OptionSpec::new(
        "nosync",
        OptionKind::Bool,
        Preset::Bool(false),
        Support::Moot,
        "Suppresses fsync while a chroot is populated.",
    ),
    OptionSpec::new(
        "nosync_force",
        OptionKind::Bool,
        Preset::Bool(false),
        Support::Moot,
        "Suppresses fsync even where only one library variant exists.",
    ),
    OptionSpec::new(
        "no-config",
        OptionKind::Dict,
        Preset::Dict(&[]),
        Support::Used,
        "Retired names and what to use instead.",
    ),
];
