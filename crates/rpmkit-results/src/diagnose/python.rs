//! Python: tracebacks by their last line, modules, requirements of builds.

use crate::{failure::FailureCause, want::MissingThing};

use super::{finding::Finding, scene::Scene, text};

pub(super) fn traceback(scene: &Scene<'_>) -> Option<Finding> {
    let (start, _) = scene.rev().find(|(_, line)| {
        line.trim_start()
            .starts_with("Traceback (most recent call last)")
    })?;
    let indent = scene.lines[start].len() - scene.lines[start].trim_start().len();
    let at = (start + 1..scene.lines.len()).find(|nth| {
        let line = scene.lines[*nth];
        let own = line.len() - line.trim_start().len();
        own <= indent && !line.trim().is_empty() && !line.trim_start().starts_with("File \"")
    })?;
    let line = scene.lines[at].trim();
    Some(tell(scene, at, line).from(start))
}

/// A missing module named without a traceback.
pub(super) fn module(scene: &Scene<'_>) -> Option<Finding> {
    scene.rev().find_map(|(at, line)| {
        let told = line.contains("No module named ")
            || line.contains("BackendUnavailable")
            || line.contains("Cannot import '")
            || line.contains("ERROR Missing dependencies");
        (told && !line.starts_with('+')).then(|| {
            let below = scene.after(at, 1, |below| below.starts_with('\t').then(|| below.trim()));
            let mut found = tell(scene, at, line.trim());
            if let Some(requirement) = below.filter(|_| line.contains("Missing dependencies")) {
                found.text = format!("{}: {requirement}", found.text.trim_end_matches(':'));
                found = found.want(MissingThing::PythonDist(name(requirement).to_owned()));
            }
            found
        })
    })
}

/// A requirement that pip found nowhere, with the network not being asked.
pub(super) fn requirement(scene: &Scene<'_>) -> Option<Finding> {
    scene.rev().find_map(|(at, line)| {
        let rest = text::behind(line, "No matching distribution found for ")
            .or_else(|| text::between(line, "DistributionNotFound: The '", "'"))
            .or_else(|| {
                text::behind(
                    line,
                    "Could not find a version that satisfies the requirement ",
                )
            })?;
        Some(Finding::new(at, line.trim()).want(MissingThing::PythonDist(name(rest).to_owned())))
    })
}

fn tell(scene: &Scene<'_>, at: usize, line: &str) -> Finding {
    let found = Finding::new(at, line);
    if let Some(module) = text::between(line, "No module named '", "'")
        .or_else(|| text::between(line, "Cannot import '", "'"))
        .or_else(|| {
            text::behind(line, "No module named ")
                .map(|rest| rest.split([' ', ';']).next().unwrap_or(rest))
        })
    {
        let want = MissingThing::Python(module.to_owned());
        let found = match want.requirement() {
            Some(requirement) => found.cause(FailureCause::MissingComponent {
                requirement,
                section: scene.section.map(str::to_owned),
            }),
            None => found,
        };
        return found.want(want);
    }
    found
}

/// The name a requirement begins with.
fn name(requirement: &str) -> &str {
    let end = requirement
        .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')))
        .unwrap_or(requirement.len());
    requirement[..end].trim_end_matches('.')
}
