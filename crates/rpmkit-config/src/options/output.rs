//! Options about logs and what is shown.

use super::{OptionKind, OptionSpec, Preset, Support};

/// The rows of this group.
pub(super) const OPTIONS: &[OptionSpec] = &[
    OptionSpec::new(
        "print_main_output",
        OptionKind::Any,
        Preset::Unset,
        Support::Used,
        "Shows the output of rpmbuild and of the package manager.",
    ),
    OptionSpec::new(
        "stderr_line_prefix",
        OptionKind::Str,
        Preset::Str(""),
        Support::Used,
        "Put before lines of standard error in logs.",
    ),
    OptionSpec::new(
        "log_config_file",
        OptionKind::Str,
        Preset::Str("logging.ini"),
        Support::Moot,
        "File that sets up mock's logging.",
    ),
    OptionSpec::new(
        "build_log_fmt_name",
        OptionKind::Str,
        Preset::Str("unadorned"),
        Support::Moot,
        "Format of build.log.",
    ),
    OptionSpec::new(
        "root_log_fmt_name",
        OptionKind::Str,
        Preset::Str("detailed"),
        Support::Moot,
        "Format of root.log.",
    ),
    OptionSpec::new(
        "state_log_fmt_name",
        OptionKind::Str,
        Preset::Str("state"),
        Support::Moot,
        "Format of state.log.",
    ),
    OptionSpec::new(
        "build_log_fmt_str",
        OptionKind::Str,
        Preset::Unset,
        Support::Moot,
        "Pattern of build.log.",
    ),
    OptionSpec::new(
        "root_log_fmt_str",
        OptionKind::Str,
        Preset::Unset,
        Support::Moot,
        "Pattern of root.log.",
    ),
    OptionSpec::new(
        "state_log_fmt_str",
        OptionKind::Str,
        Preset::Unset,
        Support::Moot,
        "Pattern of state.log.",
    ),
    OptionSpec::new(
        "verbose",
        OptionKind::Int,
        Preset::Unset,
        Support::Used,
        "How much is said.",
    ),
    OptionSpec::new(
        "tar",
        OptionKind::Str,
        Preset::Str("gnutar"),
        Support::Moot,
        "Kind of the tar program.",
    ),
    OptionSpec::new(
        "tar_binary",
        OptionKind::Str,
        Preset::Str("/bin/tar"),
        Support::Moot,
        "The tar program.",
    ),
];
