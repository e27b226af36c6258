//! From the phase, the exit and the output of a command to the cause of a failure.
//!
//! The cause comes from what failed, not from what was printed. rpm's own closing lines (`error: …`)
//! decide first, because they say what rpm acted on. For a failing section the shell's tracing tells
//! which command ended it; only that command's output is searched, cut down to the first target that
//! failed where it is make's, and of several findings the latest one counts: the command survived
//! those before. Texts are those of rpm 4.14 to 6.0.
//!
//! Each family of causes is a function in a file of its own; `FAMILIES` lists them.

mod archive;
mod autotools;
mod cmake;
mod compiler;
mod disk;
mod finding;
mod generic;
mod killed;
mod languages;
mod linker;
mod loader;
mod make;
mod mentioned;
mod meson;
mod message;
mod network;
mod patch;
mod pkgconfig;
mod python;
mod rpm;
mod rpmtools;
pub(crate) mod scene;
mod shell;
mod show;
mod suites;
mod text;

use std::path::Path;

use rpmkit_types::{ExitCode, event::Phase};

use crate::{
    failure::{FailureCause, FailureReport, SpecLine},
    lines,
};
use finding::{Family, Finding};
pub(crate) use generic::alarming;
pub use mentioned::survived;
use scene::Scene;
pub(crate) use suites::sentence as tests_sentence;

/// Everything that is looked for in a failing command's output. Of findings that end on the same line
/// the one further up counts.
const FAMILIES: [Family; 38] = [
    shell::syntax,
    shell::carriage,
    shell::macros,
    shell::interpreter,
    shell::directory,
    shell::script,
    patch::find,
    archive::find,
    killed::memory,
    killed::crash,
    disk::find,
    network::find,
    loader::find,
    python::module,
    python::syntax,
    python::traceback,
    python::plugin,
    python::requirement,
    languages::perl,
    languages::ruby,
    languages::rust,
    languages::go,
    languages::node,
    languages::maven,
    languages::vala,
    languages::introspection,
    languages::entity,
    cmake::find,
    meson::find,
    pkgconfig::find,
    autotools::tools,
    autotools::configure,
    compiler::parts,
    compiler::find,
    linker::find,
    shell::command,
    shell::permission,
    rpmtools::find,
];

/// How the command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// By itself, with a status other than zero.
    Status(i32),
    /// Killed by a signal.
    Signal(i32),
    /// Stopped for taking longer than this many seconds, where known.
    TimedOut(Option<u64>),
    /// Stopped for using more than an option allows.
    Limit {
        /// The option.
        option: &'static str,
        /// Its value.
        most: u64,
        /// What was used, with its unit.
        of: &'static str,
    },
}

/// What is known about a command that failed.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// The phase it ran in.
    pub phase: Phase,
    /// How it ended.
    pub end: End,
    /// Its output, oldest first, without colour codes; [`crate::excerpt::OutputExcerpt`] keeps enough of it.
    pub lines: &'a [String],
    /// The spec as the user knows it (path to show) and its text.
    pub spec: Option<(&'a Path, &'a str)>,
}

/// States the cause. Package, chroot, log and the next command are for the caller to add.
pub fn diagnose(evidence: &Evidence<'_>) -> FailureReport {
    let text = evidence.spec.map(|(_, text)| text);
    let by_rpm = match evidence.end {
        End::TimedOut(seconds) => {
            Some(Finding::new(0, "").cause(FailureCause::Timeout { seconds }))
        }
        End::Limit { option, most, of } => Some(Finding::new(0, "").cause(FailureCause::Limit {
            option: option.to_owned(),
            most,
            of: of.to_owned(),
        })),
        End::Signal(signal) => Some(Finding::new(0, "").cause(FailureCause::Killed { signal })),
        End::Status(_) => rpm::stated(
            evidence.lines,
            text,
            evidence.phase == Phase::Srpm && rpm::failed_section(evidence.lines).is_none(),
        ),
    };
    let section = rpm::failed_section(evidence.lines);
    // A command that was stopped says nothing about the section it was in.
    let section = match evidence.end {
        End::Status(_) => section,
        End::Signal(_) | End::TimedOut(_) | End::Limit { .. } => {
            section.or_else(|| rpm::running_section(evidence.lines))
        }
    };
    let scene = match section {
        Some((name, lines)) => Scene::of(Some(name), lines),
        None => Scene::of(None, rpm::own_lines(evidence.lines)),
    };
    let mut scene = scene;
    make::narrow(&mut scene);
    let stated = by_rpm.is_some();
    let finding = by_rpm.or_else(|| find(&scene));
    let finding = finding.map(|found| settle(found, &scene, text));
    let cause = finding
        .as_ref()
        .and_then(|found| found.cause.clone())
        .or_else(|| {
            scene.section.map(|section| FailureCause::Section {
                section: section.to_owned(),
            })
        })
        .unwrap_or(FailureCause::Other);
    let exit_code = match (&cause, evidence.end) {
        (FailureCause::MissingBuildRequires { .. }, _) => ExitCode::Build.code(),
        // mock ends with the failing command's own status; a status that does not fit says "general".
        (_, End::Status(status)) => u8::try_from(status).unwrap_or(ExitCode::General.code()),
        (_, End::Signal(_)) => ExitCode::General.code(),
        (_, End::TimedOut(_)) => ExitCode::Timeout.code(),
        // Who knows which code belongs to which limit says it.
        (_, End::Limit { .. }) => ExitCode::Build.code(),
    };
    let mut report = FailureReport {
        phase: Some(evidence.phase),
        message: message::message(&cause, finding.as_ref(), &scene, evidence.end),
        spec: evidence.spec.and_then(|(path, text)| {
            let said = finding.as_ref().map(|found| found.text.as_str());
            place(path, text, &cause, &scene, (evidence.lines, said))
        }),
        hints: message::hints(&cause, finding.as_ref(), scene.section),
        lines: show::shown(&scene, finding.as_ref().filter(|_| !stated), &cause),
        wants: finding
            .as_ref()
            .map(|found| found.wants.clone())
            .unwrap_or_default(),
        directory: scene.directory(),
        script: rpm::script(evidence.lines),
        source: finding.as_ref().and_then(|found| found.source.clone()),
        ..FailureReport::new(ExitCode::General, cause, String::new())
    };
    report.exit_code = exit_code;
    report
}

/// The latest finding of all families; tests before others, as what a test prints is its own affair.
fn find(scene: &Scene<'_>) -> Option<Finding> {
    let mut best: Option<Finding> = None;
    for family in FAMILIES {
        if let Some(found) = family(scene)
            && best.as_ref().is_none_or(|known| found.at > known.at)
        {
            best = Some(found);
        }
    }
    let tests = suites::find(scene);
    if let Some(tests) = tests
        && best
            .as_ref()
            .is_none_or(|known| known.at <= tests.at || scene.is("%check") && !is_of_build(known))
    {
        return Some(tests);
    }
    let complaint = make::complaint(scene)
        .filter(|found| best.as_ref().is_none_or(|known| found.at > known.at + 3));
    complaint
        .or(best)
        .or_else(|| generic::find(scene))
        .or_else(|| generic::last_words(scene))
}

/// Whether a finding says that something could not be built, which also keeps tests from running.
fn is_of_build(found: &Finding) -> bool {
    matches!(
        found.cause,
        Some(
            FailureCause::Compile { .. }
                | FailureCause::MissingCommand { .. }
                | FailureCause::MissingComponent { .. }
                | FailureCause::Killed { .. }
        )
    )
}

/// What only the spec can tell about a finding.
fn settle(mut found: Finding, scene: &Scene<'_>, spec: Option<&str>) -> Finding {
    if let Some(FailureCause::MissingDirectory {
        directory,
        section: Some(section),
    }) = &found.cause
        && section == "%prep"
        && spec.is_none_or(|spec| !spec.contains(&format!("cd {directory}")))
    {
        found.cause = Some(FailureCause::WrongSourceDirectory {
            directory: directory.clone(),
        });
    }
    // Line ends of DOS explain whatever the shell says about words it does not know.
    let of_shell = matches!(
        found.cause,
        Some(FailureCause::MissingCommand { .. } | FailureCause::ShellSyntax { .. })
    );
    if of_shell
        && spec.is_some_and(|spec| spec.contains("\r\n"))
        && let Some(carriage) = shell::carriage(scene)
    {
        return carriage;
    }
    found
}

fn place(
    path: &Path,
    text: &str,
    cause: &FailureCause,
    scene: &Scene<'_>,
    (all, said): (&[String], Option<&str>),
) -> Option<SpecLine> {
    let line = rpm::spec_line(cause, all, text)
        .or_else(|| lines::locate(text, cause, scene))
        // What rpm itself says outside of any section, in its own words.
        .or_else(|| {
            let of_rpm = scene.section.is_none() && matches!(cause, FailureCause::Other);
            mentioned::mentioned(said.filter(|_| of_rpm)?, text)
        })?;
    Some(SpecLine {
        file: path.to_owned(),
        line,
        text: text
            .lines()
            .nth(usize::try_from(line).ok()?.checked_sub(1)?)
            .map(|l| l.trim_end().to_owned()),
    })
}

#[cfg(test)]
mod tests;
