//! Options about plugins, version control and templates.

use super::{OptionKind, OptionSpec, Preset, Support, computed};

/// The rows of this group.
pub(super) const OPTIONS: &[OptionSpec] = &[
    OptionSpec::new(
        "plugins",
        OptionKind::List,
        Preset::Computed(super::plugins::names),
        Support::Used,
        "Names of the plugins, in order of their turn.",
    ),
    OptionSpec::new(
        "plugin_dir",
        OptionKind::Str,
        Preset::Computed(computed::plugin_dir),
        Support::Moot,
        "Directory of mock's Python plugins.",
    ),
    OptionSpec::new(
        "plugin_conf",
        OptionKind::Dict,
        Preset::Computed(super::plugins::conf),
        Support::Used,
        "For each plugin NAME, NAME_enable and a table NAME_opts.",
    ),
    OptionSpec::new(
        "hooks",
        OptionKind::Dict,
        Preset::Unset,
        Support::Used,
        "Programs of the host's for mock's hook points: for each, a command line or a list of them. Not in mock.",
    ),
    OptionSpec::new(
        "scm",
        OptionKind::Bool,
        Preset::Bool(false),
        Support::Used,
        "Takes the sources from version control.",
    ),
    OptionSpec::new(
        "scm_opts",
        OptionKind::Dict,
        Preset::Computed(computed::scm_opts),
        Support::Used,
        "How version control is asked.",
    ),
    OptionSpec::new(
        "jinja_max_recursion",
        OptionKind::Int,
        Preset::Unset,
        Support::Used,
        "How often a template may be rendered before it counts as endless.",
    ),
    OptionSpec::new(
        "__jinja_expand",
        OptionKind::Bool,
        Preset::Unset,
        Support::Used,
        "Whether templates are expanded; set by the loader.",
    ),
];
