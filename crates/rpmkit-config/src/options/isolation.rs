//! Options about keeping the chroot apart, and switches of one run.

use super::{OptionKind, OptionSpec, Preset, Support};

/// The rows of this group.
pub(super) const OPTIONS: &[OptionSpec] = &[
    OptionSpec::new(
        "isolation",
        OptionKind::StrOrNone,
        Preset::None,
        Support::Moot,
        "How the chroot is kept apart: auto, simple or nspawn.",
    ),
    OptionSpec::new(
        "use_nspawn",
        OptionKind::Any,
        Preset::None,
        Support::Moot,
        "Older way to choose the isolation.",
    ),
    OptionSpec::new(
        "nspawn_args",
        OptionKind::List,
        Preset::List(&["--capability=cap_ipc_lock"]),
        Support::Moot,
        "Further words for systemd-nspawn.",
    ),
    OptionSpec::new(
        "seccomp",
        OptionKind::Bool,
        Preset::Bool(false),
        Support::Moot,
        "Keeps systemd-nspawn's own system call filter.",
    ),
    OptionSpec::new(
        "internal_dev_setup",
        OptionKind::Bool,
        Preset::Bool(true),
        Support::Moot,
        "Makes the device nodes of the chroot.",
    ),
    OptionSpec::new(
        "dev_loop_count",
        OptionKind::Int,
        Preset::Int(12),
        Support::Moot,
        "Number of loop devices in the chroot.",
    ),
    OptionSpec::new(
        "no_root_shells",
        OptionKind::Bool,
        Preset::Bool(false),
        Support::Used,
        "Shells in the chroot run as the build user.",
    ),
    OptionSpec::new(
        "docker_unshare_warning",
        OptionKind::Bool,
        Preset::Unset,
        Support::Moot,
        "Warns when namespaces are refused in a container.",
    ),
    OptionSpec::new(
        "unique-ext",
        OptionKind::Str,
        Preset::Unset,
        Support::Used,
        "Text appended to the name of the chroot.",
    ),
    OptionSpec::new(
        "uniqueext",
        OptionKind::Str,
        Preset::Unset,
        Support::Moot,
        "Read by nobody; the option is unique-ext.",
    ),
    OptionSpec::new(
        "online",
        OptionKind::Bool,
        Preset::Bool(true),
        Support::Used,
        "Repositories may be refreshed.",
    ),
    OptionSpec::new(
        "cache_alterations",
        OptionKind::Bool,
        Preset::Unset,
        Support::Moot,
        "Packs the root cache again after changes.",
    ),
    OptionSpec::new(
        "enable_disable_repos",
        OptionKind::Any,
        Preset::Unset,
        Support::Used,
        "Repositories switched on and off on the command line.",
    ),
];
