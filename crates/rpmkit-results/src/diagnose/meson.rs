//! Meson's errors: `meson.build:3:0: ERROR: …`.

use crate::{failure::FailureCause, want::MissingThing};

use super::{finding::Finding, scene::Scene, text};

pub(super) fn find(scene: &Scene<'_>) -> Option<Finding> {
    let (at, line) = scene.rev().find(|(_, line)| {
        line.contains(" ERROR: ")
            && (line.contains("meson.build:")
                || line.contains("meson_options.txt:")
                || line.contains("meson.options:"))
            || line.starts_with("ERROR: Dependency \"")
            || line.starts_with("ERROR: Program ")
    })?;
    let said = text::behind(line, "ERROR: ").unwrap_or(line);
    let mut found = Finding::new(at, line.trim());
    if let Some((place, _)) = line.split_once(": ERROR: ") {
        let mut parts = place.rsplitn(3, ':');
        let column = parts.next().and_then(|n| n.parse().ok());
        let number = parts.next().and_then(|n| n.parse().ok());
        if let (Some(file), Some(number)) = (parts.next(), number) {
            found = found.source(
                text::below_build(file.trim_start_matches("../")),
                number,
                column,
            );
        }
    }
    let section = scene.section.map(str::to_owned);
    if let Some(name) = text::between(said, "Dependency \"", "\"")
        .or_else(|| text::between(said, "Dependency '", "'"))
    {
        if said.contains("Invalid version") {
            return Some(found.hint(super::pkgconfig::NEWER));
        }
        return Some(
            found
                .cause(FailureCause::MissingComponent {
                    requirement: format!("pkgconfig({name})"),
                    section,
                })
                .want(MissingThing::PkgConfig(name.to_owned()))
                .want(MissingThing::Cmake(name.to_owned())),
        );
    }
    if said.contains("Invalid version") || said.starts_with("Meson version is ") {
        return Some(found.hint(super::pkgconfig::NEWER));
    }
    if said.contains("Pkg-config for machine") && said.contains("not found") {
        return Some(found.want(MissingThing::Command("pkg-config".into())));
    }
    if let Some(modules) = text::behind(said, "is missing modules: ") {
        for module in modules.split(',') {
            found = found.want(MissingThing::Python(module.trim().to_owned()));
        }
        return Some(found);
    }
    if said.starts_with("Program") && said.contains("not found") {
        // Newer releases name all that was tried between the same quotes.
        let name = text::quoted(said).unwrap_or_default();
        let name = name.split(' ').next().unwrap_or(name).to_owned();
        return Some(
            found
                .cause(FailureCause::MissingCommand {
                    command: name.clone(),
                    section,
                })
                .want(MissingThing::Command(name)),
        );
    }
    if said.contains("library '") {
        if let Some(name) = text::between(said, "library '", "' not found") {
            found = found.want(MissingThing::Library(name.to_owned()));
        }
    } else if said.contains("Unknown compiler") {
        let program = if said.contains("c++") { "g++" } else { "gcc" };
        found = found.want(MissingThing::Command(program.to_owned()));
    } else if let Some(name) = text::quoted(said).filter(|name| name.ends_with(".h")) {
        found = found.want(MissingThing::Header(name.to_owned()));
    }
    Some(found)
}
