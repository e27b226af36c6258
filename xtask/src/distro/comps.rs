//! The group file: what `@buildsys-build` and `@c-development` mean.

use std::fmt::Write;

use quick_xml::escape::escape;

use super::recipe;

/// What a buildroot of older distributions starts from, see [`super::aged`].
pub const OLD_GROUP: &[&str] = &[
    "bash",
    "bzip2",
    "coreutils",
    "cpio",
    "diffutils",
    "epel-release",
    "epel-rpm-macros",
    "findutils",
    "gawk",
    "gcc",
    "gcc-c++",
    "grep",
    "gzip",
    "info",
    "make",
    "patch",
    "redhat-rpm-config",
    "rpm-build",
    "sed",
    "shadow-utils",
    "tar",
    "unzip",
    "util-linux",
    "which",
    "xz",
];

/// The file of the older packages.
pub fn old_xml() -> String {
    let members: Vec<(&str, &str)> = OLD_GROUP.iter().map(|name| ("mandatory", *name)).collect();
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<comps>\n");
    for id in ["build", "buildsys-build"] {
        out += &group(
            id,
            "Buildroot",
            "What every buildroot starts from",
            false,
            &members,
        );
    }
    out + "</comps>\n"
}

/// The whole file.
pub fn xml() -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<comps>\n");
    let buildroot: Vec<(&str, &str)> = recipe::BUILDROOT_GROUP
        .iter()
        .map(|name| ("mandatory", *name))
        .collect();
    out += &group(
        "buildsys-build",
        "Buildroot",
        "What every buildroot starts from",
        false,
        &buildroot,
    );
    out += &group(
        "c-development",
        "C Development",
        "Compilers and what they need",
        true,
        recipe::C_DEVELOPMENT_GROUP,
    );
    out += "  <environment>\n    <id>development-environment</id>\n    <name>Development</name>\n    \
            <description>A place to build things in</description>\n    <display_order>1</display_order>\n    \
            <grouplist>\n      <groupid>buildsys-build</groupid>\n      <groupid>c-development</groupid>\n    \
            </grouplist>\n    <optionlist/>\n  </environment>\n";
    out + "</comps>\n"
}

/// What installing a group brings besides weak dependencies: its mandatory and default members.
pub fn members(group: &str) -> Vec<String> {
    let all: Vec<(&str, &str)> = match group {
        "buildsys-build" => recipe::BUILDROOT_GROUP
            .iter()
            .map(|name| ("mandatory", *name))
            .collect(),
        "c-development" => recipe::C_DEVELOPMENT_GROUP.to_vec(),
        _ => Vec::new(),
    };
    all.into_iter()
        .filter(|(kind, _)| *kind != "optional")
        .map(|(_, name)| name.to_owned())
        .collect()
}

fn group(
    id: &str,
    name: &str,
    description: &str,
    visible: bool,
    members: &[(&str, &str)],
) -> String {
    let mut out = format!(
        "  <group>\n    <id>{id}</id>\n    <name>{name}</name>\n    <description>{description}</description>\n    \
         <default>false</default>\n    <uservisible>{visible}</uservisible>\n    <packagelist>\n"
    );
    for (kind, package) in members {
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "      <packagereq type=\"{kind}\">{}</packagereq>",
            escape(*package)
        );
    }
    out + "    </packagelist>\n  </group>\n"
}
