//! Other names of options. Reading, writing and adding follow them; deleting does not.

/// Pairs of an alias and the option it stands for.
pub const ALIASES: &[(&str, &str)] = &[
    ("yum.conf", "dnf.conf"),
    ("dnf5.conf", "dnf.conf"),
    ("dnf4.conf", "dnf.conf"),
    ("dnf_command", "dnf4_command"),
    ("dnf_common_opts", "dnf4_common_opts"),
    ("dnf_install_command", "dnf4_install_command"),
    ("dnf_disable_plugins", "dnf4_disable_plugins"),
    ("dnf_avoid_opts", "dnf4_avoid_opts"),
    ("dnf_builddep_opts", "dnf4_builddep_opts"),
    ("system_dnf4_command", "dnf4_system_command"),
    ("system_dnf_command", "dnf4_system_command"),
    ("system_dnf5_command", "dnf5_system_command"),
    ("system_yum_command", "yum_system_command"),
    ("system_microdnf_command", "microdnf_system_command"),
];

/// The name an option is kept under.
pub fn canonical(name: &str) -> &str {
    ALIASES
        .iter()
        .find(|(alias, _)| *alias == name)
        .map_or(name, |(_, option)| option)
}
