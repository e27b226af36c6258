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
    let found = tell(scene, at, line).from(start);
    // The innermost line of the project's own.
    let place = scene.lines[start..at]
        .iter()
        .rev()
        .find_map(|line| file_line(line).filter(|(file, _)| own(file)));
    let found = match VERSIONS.iter().find(|(sign, _)| line.contains(sign)) {
        Some((_, variable)) => found.hint(format!(
            "the sources have no history here that tells a version: `export {variable}=%{{version}}` before it"
        )),
        None => found,
    };
    Some(match place {
        Some((file, number)) if found.source.is_none() => {
            found.source(text::in_tree(file), number, None)
        }
        _ => found,
    })
}

/// What tools that ask git for a version say without one, and the variable that tells it to them.
const VERSIONS: [(&str, &str); 3] = [
    (
        "setuptools-scm was unable to detect version",
        "SETUPTOOLS_SCM_PRETEND_VERSION",
    ),
    (
        "Versioning for this project requires either an sdist tarball",
        "PBR_VERSION",
    ),
    (
        "Error getting the version from source `vcs`",
        "SETUPTOOLS_SCM_PRETEND_VERSION",
    ),
];

/// File and line of a frame: `  File "x.py", line 3, in main`.
fn file_line(line: &str) -> Option<(&str, u32)> {
    let (file, rest) = line
        .trim_start()
        .strip_prefix("File \"")?
        .split_once("\", line ")?;
    Some((file, u32::try_from(text::number(rest)?).ok()?))
}

/// Whether a file is one of the sources.
fn own(file: &str) -> bool {
    file.contains("/BUILD/") && !file.contains("/BUILDROOT/") && !file.contains("/site-packages/")
        || !file.starts_with(['/', '<'])
}

/// A file Python cannot read, outside of a traceback.
pub(super) fn syntax(scene: &Scene<'_>) -> Option<Finding> {
    scene.rev().find_map(|(at, line)| {
        let said = line.trim();
        let told = ["SyntaxError: ", "IndentationError: ", "TabError: "]
            .iter()
            .any(|kind| said.starts_with(kind));
        if !told {
            return None;
        }
        let (file, number) = scene.before(at, 4, file_line)?;
        let shown = text::in_tree(file);
        let found = Finding::new(at, format!("{shown}:{number}: {said}"));
        Some(if own(file) {
            found.source(shown, number, None)
        } else {
            found
        })
    })
}

/// Options of pytest that its plugins bring, by how they begin.
const PLUGINS: [(&str, &str); 12] = [
    ("--cov", "pytest-cov"),
    ("--no-cov", "pytest-cov"),
    ("-n", "pytest-xdist"),
    ("--numprocesses", "pytest-xdist"),
    ("--timeout", "pytest-timeout"),
    ("--asyncio-mode", "pytest-asyncio"),
    ("--benchmark", "pytest-benchmark"),
    ("--reruns", "pytest-rerunfailures"),
    ("--flake8", "pytest-flake8"),
    ("--mypy", "pytest-mypy"),
    ("--forked", "pytest-forked"),
    ("--mpl", "pytest-mpl"),
];

/// Options that pytest does not know without a plugin.
pub(super) fn plugin(scene: &Scene<'_>) -> Option<Finding> {
    scene.rev().find_map(|(at, line)| {
        let unknown = text::behind(line, ": error: unrecognized arguments: ")?;
        let of_pytest = scene
            .command
            .is_some_and(|command| command.contains("pytest"))
            || line.contains("pytest");
        if !of_pytest {
            return None;
        }
        let end = scene.lines.len().min(at + 3);
        let end = (at..end)
            .rev()
            .find(|nth| {
                scene.lines[*nth].contains("file: ") || scene.lines[*nth].contains("rootdir: ")
            })
            .unwrap_or(at);
        let mut found = Finding::new(end, line.trim()).from(at);
        for option in unknown.split_whitespace() {
            if let Some((_, plugin)) = PLUGINS.iter().find(|(start, _)| option.starts_with(start)) {
                found = found.want(MissingThing::PythonDist((*plugin).to_owned()));
            }
        }
        Some(found)
    })
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
