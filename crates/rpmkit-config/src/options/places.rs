//! Options that name places, and limits of the program itself.

use super::{Kind, OptionSpec, Preset, Support};

/// The rows of this group.
pub(super) const OPTIONS: &[OptionSpec] = &[
    OptionSpec::new(
        "basedir",
        Kind::Str,
        Preset::Str("/var/lib/mock"),
        Support::Used,
        "Top directory of the chroots.",
    ),
    OptionSpec::new(
        "rootdir",
        Kind::Str,
        Preset::Str("{{basedir}}/{{root}}/root"),
        Support::Used,
        "The chroot's root directory.",
    ),
    OptionSpec::new(
        "resultdir",
        Kind::Str,
        Preset::Str("{{basedir}}/{{root}}/result"),
        Support::Used,
        "Where packages and logs are put.",
    ),
    OptionSpec::new(
        "cache_topdir",
        Kind::Str,
        Preset::Str("/var/cache/mock"),
        Support::Used,
        "Top directory of the caches.",
    ),
    OptionSpec::new(
        "backup_on_clean",
        Kind::Bool,
        Preset::Bool(false),
        Support::Used,
        "Keeps the packages of the result directory when a chroot is cleaned.",
    ),
    OptionSpec::new(
        "backup_base_dir",
        Kind::Str,
        Preset::Str("{{basedir}}/backup"),
        Support::Used,
        "Where cleaned results are kept.",
    ),
    OptionSpec::new(
        "local_repo_dir",
        Kind::Str,
        Preset::Unset,
        Support::Used,
        "Repository of a chain build.",
    ),
    OptionSpec::new(
        "offline_local_repository",
        Kind::Str,
        Preset::Unset,
        Support::Used,
        "Repository a hermetic build installs from.",
    ),
    OptionSpec::new(
        "recursion_limit",
        Kind::Int,
        Preset::Int(5000),
        Support::Moot,
        "Recursion limit of the Python interpreter.",
    ),
    OptionSpec::new(
        "opstimeout",
        Kind::Int,
        Preset::Int(0),
        Support::Used,
        "Seconds mock waits for its own operations; zero is no limit.",
    ),
    OptionSpec::new(
        "nosync",
        Kind::Bool,
        Preset::Bool(false),
        Support::Moot,
        "Suppresses fsync while a chroot is populated.",
    ),
    OptionSpec::new(
        "nosync_force",
        Kind::Bool,
        Preset::Bool(false),
        Support::Moot,
        "Suppresses fsync even where only one library variant exists.",
    ),
    OptionSpec::new(
        "no-config",
        Kind::Dict,
        Preset::Dict(&[]),
        Support::Used,
        "Retired names and what to use instead.",
    ),
];
