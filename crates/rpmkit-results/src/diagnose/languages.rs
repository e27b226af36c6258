//! What Perl, Ruby, Rust, Go, Node and Maven say when something they need is not there.

use crate::{failure::FailureCause, want::MissingThing};

use super::{finding::Finding, scene::Scene, text};

fn missing(scene: &Scene<'_>, at: usize, said: &str, want: MissingThing) -> Finding {
    let found = Finding::new(at, said.trim());
    let found = match want.requirement() {
        Some(requirement) => found.cause(FailureCause::MissingComponent {
            requirement,
            section: scene.section.map(str::to_owned),
        }),
        None => found,
    };
    found.want(want)
}

pub(super) fn perl(scene: &Scene<'_>) -> Option<Finding> {
    scene.rev().find_map(|(at, line)| {
        if line.starts_with('+') {
            return None;
        }
        let module =
            text::between(line, "Can't locate ", ".pm in @INC").map(|path| path.replace('/', "::"));
        let module = module.or_else(|| {
            let (_, rest) = line.split_once("Warning: prerequisite ")?;
            rest.split_whitespace()
                .next()
                .map(str::to_owned)
                .filter(|_| scene.is("%build"))
        })?;
        let end = scene
            .rev()
            .find(|(_, line)| line.contains("BEGIN failed--compilation aborted"))
            .map_or(at, |(nth, _)| nth.max(at));
        // The directories that were searched tell nobody anything.
        let said = line
            .split(" (you may need to install")
            .next()
            .unwrap_or(line);
        let said = said.split(" (@INC ").next().unwrap_or(said);
        let mut found = missing(scene, end, said, MissingThing::Perl(module));
        found.from = at;
        Some(found)
    })
}

pub(super) fn ruby(scene: &Scene<'_>) -> Option<Finding> {
    scene.rev().find_map(|(at, line)| {
        let name = text::between(line, "cannot load such file -- ", " (LoadError)")
            .or_else(|| {
                text::between(line, "Could not find '", "' (").filter(|_| line.contains("gem"))
            })
            .or_else(|| {
                text::between(line, "Could not find gem '", "'")
                    .map(|name| name.split(' ').next().unwrap_or(name))
            })?;
        let gem = name.split('/').next().unwrap_or(name);
        Some(missing(scene, at, line, MissingThing::Gem(gem.to_owned())))
    })
}

pub(super) fn rust(scene: &Scene<'_>) -> Option<Finding> {
    scene.rev().find_map(|(at, line)| {
        let name = text::between(line, "no matching package named `", "` found")
            .or_else(|| text::between(line, "no matching package found for `", "`"))
            .or_else(|| {
                text::between(
                    line,
                    "failed to select a version for the requirement `",
                    " ",
                )
            })?;
        // cargo closes with remarks about where it looked.
        let end = (at..(at + 8).min(scene.lines.len()))
            .rev()
            .find(|nth| {
                text::any(
                    scene.lines[*nth],
                    &[
                        "offline mode",
                        "location searched",
                        "required by package",
                        "perhaps you meant",
                    ],
                )
            })
            .unwrap_or(at);
        let said = line.trim().trim_start_matches("error: ");
        let mut found = missing(scene, end, said, MissingThing::Crate(name.to_owned()))
            .hint("or put the crates into a source archive with `cargo vendor`");
        found.from = at;
        Some(found)
    })
}

pub(super) fn go(scene: &Scene<'_>) -> Option<Finding> {
    scene.rev().find_map(|(at, line)| {
        if line.starts_with("go: inconsistent vendoring in ") {
            let end = (at..(at + 12).min(scene.lines.len())).rev();
            let end = end.clone().find(|nth| scene.lines[*nth].starts_with('\t')).unwrap_or(at);
            let said = scene.after(at, 1, |line| Some(line.trim())).unwrap_or_default();
            return Some(
                Finding::new(end, format!("go: inconsistent vendoring: {said}"))
                    .from(at)
                    .hint("`vendor` was not made from this `go.mod`: make the source archive anew with `go mod vendor`, or say `-mod=mod` where the modules are installed"),
            );
        }
        let name = text::between(line, "no required module provides package ", ";")
            .or_else(|| text::between(line, "cannot find package \"", "\""))
            .or_else(|| text::between(line, "cannot find module providing package ", ":"))
            .or_else(|| {
                let (head, _) = line.split_once(" is not in GOROOT (").or_else(|| line.split_once(" is not in std ("))?;
                text::behind(head, "package ")
            })?;
        let mut found = missing(scene, at, line, MissingThing::Go(name.trim_end_matches(':').to_owned()));
        if let Some((file, number)) = super::compiler::leading_place(line) {
            found = found.source(text::in_tree(file), number, None);
        }
        Some(
            found
                .hint("or put the modules into a source archive with `go mod vendor` and build with `-mod=vendor`"),
        )
    })
}

pub(super) fn node(scene: &Scene<'_>) -> Option<Finding> {
    scene.rev().find_map(|(at, line)| {
        let name = text::between(line, "Error: Cannot find module '", "'")?;
        if name.starts_with(['.', '/']) {
            return Some(Finding::new(at, line.trim()));
        }
        Some(missing(
            scene,
            at,
            line,
            MissingThing::Node(name.to_owned()),
        ))
    })
}

pub(super) fn maven(scene: &Scene<'_>) -> Option<Finding> {
    scene.rev().find_map(|(at, line)| {
        if !line.starts_with("[ERROR]") && !line.contains("No cached version of ") {
            return None;
        }
        let artifact = text::between(line, "in offline mode and the artifact ", " has not")
            .or_else(|| text::between(line, "Could not find artifact ", " "))
            .or_else(|| {
                text::between(line, "No cached version of ", " available for offline mode")
            })?;
        let mut parts = artifact.split(':');
        let name = format!("{}:{}", parts.next()?, parts.next()?);
        let said = line.trim_start_matches("[ERROR]").trim();
        let said = said
            .trim_start_matches("> ")
            .trim_end_matches(" -> [Help 1]");
        Some(missing(scene, at, said, MissingThing::Maven(name)))
    })
}

/// A package Vala knows no interface of.
pub(super) fn vala(scene: &Scene<'_>) -> Option<Finding> {
    scene.rev().find_map(|(at, line)| {
        let name = text::between(line, "Package `", "' not found in specified Vala API")?;
        Some(missing(
            scene,
            at,
            line.trim_start_matches("error: "),
            MissingThing::PkgConfig(name.to_owned()),
        ))
    })
}

/// An interface another one includes.
pub(super) fn introspection(scene: &Scene<'_>) -> Option<Finding> {
    scene.rev().find_map(|(at, line)| {
        let name = text::between(line, "Couldn't find include '", "'")?;
        let found = Finding::new(at, line.trim());
        Some(found.want(MissingThing::File(format!("/usr/share/gir-1.0/{name}"))))
    })
}

/// A document that would be fetched, as no catalog leads to a copy of it.
pub(super) fn entity(scene: &Scene<'_>) -> Option<Finding> {
    let (at, line) = scene
        .rev()
        .find(|(_, line)| line.contains("Attempt to load network entity "))?;
    let end = (at..(at + 4).min(scene.lines.len()))
        .rev()
        .find(|nth| {
            text::any(
                scene.lines[*nth],
                &["cannot parse ", "failed to load external entity"],
            )
        })
        .unwrap_or(at);
    Some(
        Finding::new(end, line.trim())
            .from(at)
            .cause(FailureCause::Network {
                section: scene.section.map(str::to_owned),
                host: None,
            })
            .hint("builds have no network on purpose, and no XML catalog of the chroot leads to a copy: install the package that has it, for docbook its style sheets or document types"),
    )
}
