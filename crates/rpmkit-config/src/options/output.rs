//! Options about logs and what is shown.

use super::{Kind, OptionSpec, Preset, Support};

/// The rows of this group.
pub(super) const OPTIONS: &[OptionSpec] = &[
    OptionSpec::new(
        "print_main_output",
        Kind::Any,
        Preset::Unset,
        Support::Used,
        "Shows the output of rpmbuild and of the package manager.",
    ),
    OptionSpec::new(
        "stderr_line_prefix",
        Kind::Str,
        Preset::Str(""),
        Support::Used,
        "Put before lines of standard error in logs.",
    ),
    OptionSpec::new(
        "log_config_file",
        Kind::Str,
        Preset::Str("logging.ini"),
        Support::Moot,
        "File that sets up mock's logging.",
    ),
    OptionSpec::new(
        "build_log_fmt_name",
        Kind::Str,
        Preset::Str("unadorned"),
        Support::Used,
        "Format of build.log.",
    ),
    OptionSpec::new(
        "root_log_fmt_name",
        Kind::Str,
        Preset::Str("detailed"),
        Support::Used,
        "Format of root.log.",
    ),
    OptionSpec::new(
        "state_log_fmt_name",
        Kind::Str,
        Preset::Str("state"),
        Support::Used,
        "Format of state.log.",
    ),
    OptionSpec::new(
        "build_log_fmt_str",
        Kind::Str,
        Preset::Unset,
        Support::Moot,
        "Pattern of build.log.",
    ),
    OptionSpec::new(
        "root_log_fmt_str",
        Kind::Str,
        Preset::Unset,
        Support::Moot,
        "Pattern of root.log.",
    ),
    OptionSpec::new(
        "state_log_fmt_str",
        Kind::Str,
        Preset::Unset,
        Support::Moot,
        "Pattern of state.log.",
    ),
    OptionSpec::new(
        "verbose",
        Kind::Int,
        Preset::Unset,
        Support::Used,
        "How much is said.",
    ),
    OptionSpec::new(
        "tar",
        Kind::Str,
        Preset::Str("gnutar"),
        Support::Moot,
        "Kind of the tar program.",
    ),
    OptionSpec::new(
        "tar_binary",
        Kind::Str,
        Preset::Str("/bin/tar"),
        Support::Moot,
        "The tar program.",
    ),
];
