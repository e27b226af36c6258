//! A failed build as one record for people and machines.

#![allow(clippy::disallowed_methods, reason = "whether a log is there")]

use std::path::{Path, PathBuf};

use super::BuildError;
use rpmkit_pm::PmError;
use rpmkit_results::{
    diagnose::{End, Evidence, diagnose},
    failure::{FailureCause, FailureReport, SpecLine, Unmet},
    requirement_line,
};
use rpmkit_solve::{SolveError, Unsolvable};
use rpmkit_types::event::Phase;

/// What is known about the build besides its error.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// Chroot name.
    pub chroot: String,
    /// The words that chose it on the command line, for a shell, where its name is not enough.
    pub chosen_by: Option<String>,
    /// The package: a file name or `name-version-release`.
    pub package: String,
    /// The spec as the user knows it, and its text.
    pub spec: Option<(PathBuf, String)>,
    /// The checkout the spec and the sources came from.
    pub top: Option<PathBuf>,
    /// Where the logs are.
    pub resultdir: Option<PathBuf>,
}

/// States why a build failed.
pub fn failure_report(error: &BuildError, about: &About) -> FailureReport {
    let spec = about
        .spec
        .as_ref()
        .map(|(path, text)| (path.as_path(), text.as_str()));
    let by_output = |phase: Phase, end: End, lines: &[String]| {
        diagnose(&Evidence {
            phase,
            end,
            lines,
            spec,
        })
    };
    let mut report = match error {
        BuildError::Command {
            phase,
            status,
            signal,
            tail,
            ..
        } => {
            let end = signal.map_or(End::Status(*status), End::Signal);
            let mut report = by_output(*phase, end, tail);
            if *phase == Phase::DynamicBuildRequires {
                report.exit_code = error.exit_code().code();
            }
            report
        }
        BuildError::Timeout {
            phase,
            seconds,
            tail,
            ..
        } => by_output(*phase, End::TimedOut(Some(*seconds)), tail),
        BuildError::Limit {
            phase, limit, tail, ..
        } => {
            let end = End::Limit {
                option: limit.option,
                most: limit.most,
                of: limit.of,
            };
            let mut report = by_output(*phase, end, tail);
            report.exit_code = error.exit_code().code();
            report
        }
        BuildError::Pm(PmError::Solve(SolveError::Unsolvable(problems))) => {
            unresolvable(problems, error, spec)
        }
        other => {
            let cause = match other {
                BuildError::Pm(PmError::DiskFull { path, .. }) => FailureCause::DiskFull {
                    path: Some(path.display().to_string()),
                },
                BuildError::Withheld(requirements) => FailureCause::Withheld {
                    requirements: requirements.clone(),
                },
                _ => FailureCause::Other,
            };
            let mut report = FailureReport::new(other.exit_code(), cause, chain(other));
            report.phase = phase_of(other);
            report.hints = other.hints();
            report
        }
    };
    if !about.chroot.is_empty() {
        report.chroot = Some(about.chroot.clone());
    }
    if !about.package.is_empty() {
        report.package = Some(about.package.clone());
    }
    report.log = about.resultdir.as_deref().and_then(|dir| log(dir, &report));
    report
}

/// Requirements that nothing meets: all of them at once, each with the line that asks for it.
fn unresolvable(
    problems: &Unsolvable,
    error: &BuildError,
    spec: Option<(&Path, &str)>,
) -> FailureReport {
    let mut requirements: Vec<Unmet> = Vec::new();
    for requirement in problems.obstacles.iter().flat_map(|one| &one.wanted) {
        if !requirements
            .iter()
            .any(|known| known.requirement == *requirement)
        {
            requirements.push(Unmet {
                requirement: requirement.clone(),
                line: spec.and_then(|(_, text)| requirement_line(text, requirement)),
            });
        }
    }
    let place = spec.and_then(|(path, text)| {
        let line = requirements.iter().find_map(|one| one.line)?;
        let nth = usize::try_from(line).ok()?.checked_sub(1)?;
        Some(SpecLine {
            file: path.to_owned(),
            line,
            text: text.lines().nth(nth).map(|line| line.trim_end().to_owned()),
        })
    });
    let quoted: Vec<String> = requirements
        .iter()
        .map(|one| format!("`{}`", one.requirement))
        .collect();
    let together = problems.obstacles.iter().any(|one| one.wanted.len() > 1);
    let message = match quoted.as_slice() {
        all if together && all.len() > 1 => {
            format!("{} cannot be installed together", all.join(" and "))
        }
        [] => "what the package requires cannot be installed".to_owned(),
        [one] => format!("{one}, which the package requires, cannot be installed"),
        all => format!(
            "{} requirements cannot be installed: {}",
            all.len(),
            all.join(", ")
        ),
    };
    let mut lines: Vec<String> = problems.to_string().lines().map(str::to_owned).collect();
    if let Some((path, _)) = spec
        && requirements.len() > 1
    {
        let name = path.display();
        lines.extend(
            requirements
                .iter()
                .filter_map(|one| Some(format!("{name}:{}: {}", one.line?, one.requirement))),
        );
    }
    let unmatched = problems
        .obstacles
        .iter()
        .filter_map(|one| one.unmatched.clone())
        .collect();
    let cause = FailureCause::Unresolvable {
        problems: lines,
        unmatched,
        requirements,
    };
    let mut report = FailureReport::new(error.exit_code(), cause, message);
    report.phase = Some(Phase::Solve);
    report.spec = place;
    report.hints = error.hints();
    report
}

fn log(dir: &Path, report: &FailureReport) -> Option<PathBuf> {
    let name = match report.which_log() {
        rpmkit_types::event::Log::Build => "build.log",
        rpmkit_types::event::Log::Root => "root.log",
    };
    Some(dir.join(name)).filter(|path| path.exists())
}

fn phase_of(error: &BuildError) -> Option<Phase> {
    Some(match error {
        BuildError::Pm(PmError::Solve(_)) => Phase::Solve,
        BuildError::Pm(PmError::Repo(_)) | BuildError::Repo(_) => Phase::Download,
        BuildError::Pm(PmError::ToolRoot(_)) => Phase::ToolRoot,
        BuildError::Pm(_) => Phase::BuildDeps,
        BuildError::SourcePackages { .. } | BuildError::RpmFile(_) => Phase::Srpm,
        BuildError::DynamicOff | BuildError::NoFixedPoint { .. } | BuildError::Withheld(_) => {
            Phase::DynamicBuildRequires
        }
        BuildError::NoResults | BuildError::ResultDir { .. } | BuildError::Link { .. } => {
            Phase::Results
        }
        _ => return None,
    })
}

/// An error with its causes in one line, none of them twice.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let more = cause.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        source = cause.source();
    }
    text
}
