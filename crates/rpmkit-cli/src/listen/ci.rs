//! Annotations for CI services: a foldable group a phase, the failure as an error on its spec line,
//! a summary table.

use std::{
    fmt::Write as _,
    fs::OpenOptions,
    io::Write as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use rpmkit_core::{
    event::{Event, Level, Listener, Phase},
    types::{ChecksumKind, Hasher},
};

use super::terminal::elapsed;
use crate::{
    failure::Failure,
    host::Ci,
    printer::Printer,
    visible::{one_line, visible},
};

/// Listener for one service. Groups of GitHub do not nest, so only outermost phases become groups.
/// Put it before [`super::People`] in a fan-out, so that a phase's closing line stays visible.
#[derive(Clone)]
pub struct CiLog(Arc<Inner>);

struct Inner {
    printer: Printer,
    ci: Ci,
    /// Where paths of reports start.
    cwd: PathBuf,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    depth: usize,
    /// How a group begins that has nothing in it yet: empty ones are not shown.
    pending: Option<String>,
    warnings: usize,
    phases: Vec<(Phase, String, Duration, bool)>,
}

/// GitHub shows no more warnings than this a step.
const WARNINGS: usize = 9;

impl CiLog {
    /// Speaks to `ci` through `printer`. `None` for services without annotations.
    pub fn new(printer: Printer, ci: Option<&Ci>, cwd: &Path) -> Option<Self> {
        let ci = ci.filter(|ci| **ci != Ci::Other)?.clone();
        Some(Self(Arc::new(Inner {
            printer,
            ci,
            cwd: cwd.to_owned(),
            seen: Mutex::default(),
        })))
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.0.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins the group that is due, now that something is to stand in it.
    fn open_group(&self) {
        let Some(beginning) = self.seen().pending.take() else {
            return;
        };
        match &self.0.ci {
            Ci::GitHub { .. } => self.0.printer.command(&beginning),
            _ => self.0.printer.err_raw(beginning.as_bytes()),
        }
    }

    /// Ends the run: the failure, if any, as an annotation, and the summary.
    pub fn finish(&self, failure: Option<&Failure>) {
        let (summary, workspace) = match &self.0.ci {
            Ci::GitHub { summary, workspace } => (summary, workspace),
            Ci::GitLab { project } => {
                if let Some(failure) = failure {
                    let top = project.as_deref().unwrap_or(&self.0.cwd);
                    self.quality(failure, top);
                }
                return;
            }
            Ci::Other => return,
        };
        if let Some(failure) = failure {
            let top = workspace.as_deref().unwrap_or(&self.0.cwd);
            self.0
                .printer
                .command(&annotation(failure, &self.0.cwd, top));
        }
        if let Some(path) = summary {
            let text = self.summary(failure);
            let written = OpenOptions::new()
                .append(true)
                .create(true)
                .open(path)
                .and_then(|mut file| file.write_all(text.as_bytes()));
            if let Err(error) = written {
                self.0.printer.command(&format!(
                    "::warning::cannot write the job summary: {}",
                    data(&error.to_string())
                ));
            }
        }
    }

    /// Writes the failure beside the logs as a report that GitLab shows in a merge request.
    fn quality(&self, failure: &Failure, top: &Path) {
        let dir = failure
            .report
            .as_ref()
            .and_then(|report| report.log.as_deref()?.parent());
        let (Some(dir), Some(text)) = (dir, code_quality(failure, &self.0.cwd, top)) else {
            return;
        };
        let path = self.0.cwd.join(dir).join(CODE_QUALITY);
        let options = rpmkit_fs::WriteOptions::with_mode(0o644);
        if let Err(error) = rpmkit_fs::write_file(&path, &text, &options) {
            self.0.printer.line(format!(
                "warning: cannot write `{}`: {error}",
                path.display()
            ));
        }
    }

    fn summary(&self, failure: Option<&Failure>) -> String {
        let mut text = String::from("| phase | what | time |\n| --- | --- | ---: |\n");
        for (phase, what, took, ok) in &self.seen().phases {
            let mark = if *ok { "" } else { " ✗" };
            let what = markdown(what).replace('|', "\\|");
            // Writing to a string cannot fail.
            let _ = writeln!(text, "| {phase}{mark} | {what} | {} |", elapsed(*took));
        }
        if let Some(failure) = failure {
            let _ = writeln!(text, "\n**Failed:** {}", markdown(&failure.message));
            if let Some(report) = failure
                .report
                .as_ref()
                .filter(|report| !report.lines.is_empty())
            {
                let lines = report.lines.join("\n");
                // A fence that the lines do not have.
                let fence = "`".repeat(3.max(longest_run(&lines) + 1));
                let _ = writeln!(text, "\n{fence}\n{}\n{fence}", visible(&lines));
            }
        }
        text
    }
}

impl Listener for CiLog {
    fn on_event(&self, at: SystemTime, event: &Event) {
        let printer = &self.0.printer;
        match event {
            Event::PhaseStart { phase, what } => {
                let mut seen = self.seen();
                seen.depth += 1;
                if seen.depth > 1 {
                    drop(seen);
                    if super::terminal::slow(*phase) {
                        self.open_group();
                    }
                    return;
                }
                let title = format!("{phase} {what}");
                seen.pending = match &self.0.ci {
                    Ci::GitHub { .. } => Some(format!("::group::{}", data(title.trim_end()))),
                    Ci::GitLab { .. } => Some(format!(
                        "\x1b[0Ksection_start:{}:rpmkit_{phase}[collapsed=true]\r\x1b[0K{}\n",
                        seconds(at),
                        one_line(title.trim_end())
                    )),
                    Ci::Other => None,
                };
            }
            Event::PhaseEnd {
                phase,
                what,
                took,
                ok,
            } => {
                let mut seen = self.seen();
                seen.depth = seen.depth.saturating_sub(1);
                seen.phases.push((*phase, what.clone(), *took, *ok));
                if seen.depth > 0 {
                    drop(seen);
                    if *took >= super::terminal::WORTH_A_LINE || !ok {
                        self.open_group();
                    }
                    return;
                }
                if seen.pending.take().is_some() {
                    return;
                }
                match &self.0.ci {
                    Ci::GitHub { .. } => printer.command("::endgroup::"),
                    Ci::GitLab { .. } => {
                        let end = format!(
                            "\x1b[0Ksection_end:{}:rpmkit_{phase}\r\x1b[0K\n",
                            seconds(at)
                        );
                        printer.err_raw(end.as_bytes());
                    }
                    Ci::Other => {}
                }
            }
            Event::Output { .. } => self.open_group(),
            Event::Message { level, text, .. } => {
                if *level == Level::Debug {
                    return;
                }
                self.open_group();
                if *level != Level::Warning || !matches!(self.0.ci, Ci::GitHub { .. }) {
                    return;
                }
                let mut seen = self.seen();
                seen.warnings += 1;
                if seen.warnings <= WARNINGS {
                    printer.command(&format!("::warning::{}", data(text)));
                }
            }
            _ => {}
        }
    }
}

fn seconds(at: SystemTime) -> u64 {
    at.duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |d| d.as_secs())
}

/// Name of GitLab's report among the results.
const CODE_QUALITY: &str = "gl-code-quality-report.json";

/// The place of a failure in the repository at `top`: the source file a compiler refused, else the spec.
fn place(failure: &Failure, cwd: &Path, top: &Path) -> Option<(PathBuf, u32, Option<u32>)> {
    let report = failure.report.as_ref()?;
    let inside = |file: &Path| -> Option<PathBuf> {
        let path = cwd.join(file);
        let below = path.strip_prefix(top).ok()?;
        path.is_file().then(|| below.to_owned())
    };
    let source = report
        .source
        .as_ref()
        .and_then(|place| Some((inside(&place.file)?, place.line, place.column)));
    source.or_else(|| {
        let place = report.spec.as_ref()?;
        Some((inside(&place.file)?, place.line, None))
    })
}

/// GitLab's report of code quality, where the failure has a place in the repository.
fn code_quality(failure: &Failure, cwd: &Path, top: &Path) -> Option<String> {
    let (file, line, _) = place(failure, cwd, top)?;
    let file = file.to_string_lossy();
    let mut hasher = Hasher::new(ChecksumKind::Sha256);
    hasher.update(format!("{file}\n{}", failure.message).as_bytes());
    let kind = failure
        .report
        .as_ref()
        .and_then(|report| serde_json::to_value(&report.cause).ok())
        .and_then(|cause| Some(cause["kind"].as_str()?.to_owned()))
        .unwrap_or_else(|| "failure".to_owned());
    let report = serde_json::json!([{
        "description": one_line(&failure.message),
        "check_name": format!("rpmkit-{kind}"),
        "fingerprint": hasher.finish().hex,
        "severity": "blocker",
        "location": {"path": file, "lines": {"begin": line}},
    }]);
    Some(format!("{report:#}\n"))
}

/// `::error file=F,line=N,title=T::message`. The file is one of the repository at `top`, or none is named.
fn annotation(failure: &Failure, cwd: &Path, top: &Path) -> String {
    let mut properties = Vec::new();
    if let Some(report) = &failure.report {
        if let Some((file, line, column)) = place(failure, cwd, top) {
            properties.push(format!("file={}", property(&file.to_string_lossy())));
            properties.push(format!("line={line}"));
            if let Some(column) = column {
                properties.push(format!("col={column}"));
            }
        }
        if let Some(package) = &report.package {
            properties.push(format!("title={}", property(package)));
        }
    }
    let space = if properties.is_empty() { "" } else { " " };
    format!(
        "::error{space}{}::{}",
        properties.join(","),
        data(&failure.message)
    )
}

/// Text that is no markup.
fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in one_line(text).chars() {
        if "\\`*_[]<>#&!".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// The most backquotes in a row.
fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// GitHub's escapes for the text of a command.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// GitHub's escapes for a property, which commas and colons would end.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use rpmkit_core::{
        ExitCode,
        results::failure::{FailureCause, FailureReport, SpecLine},
    };

    use super::*;
    use crate::{
        listen::tests::tell,
        printer::{Face, Verbosity},
    };

    #[test]
    fn github_gets_groups_annotations_and_a_summary() {
        let dir = tempfile::tempdir().unwrap();
        let summary = dir.path().join("summary.md");
        let (printer, _, err) = Printer::captured(Face::People, Verbosity::Normal);
        let ci = Ci::GitHub {
            summary: Some(summary.clone()),
            workspace: None,
        };
        std::fs::write(dir.path().join("a,b.spec"), "").unwrap();
        let log = CiLog::new(printer, Some(&ci), dir.path()).unwrap();
        tell(&log);
        let mut report =
            FailureReport::new(ExitCode::General, FailureCause::Other, "100% wrong\nreally");
        report.spec = Some(SpecLine {
            file: "a,b.spec".into(),
            line: 7,
            text: None,
        });
        report.lines.push("the last line".into());
        log.finish(Some(&Failure::of_report(report)));
        assert_eq!(
            err.text(),
            "::group::download 3 packages\n\
             ::warning::mirror 1 is gone\n\
             ::endgroup::\n\
             ::group::rpmbuild demo-1.0-1\n\
             ::endgroup::\n\
             ::error file=a%2Cb.spec,line=7::100%25 wrong%0Areally\n"
        );
        let text = std::fs::read_to_string(summary).unwrap();
        assert!(
            text.contains("| rpmbuild ✗ | demo-1.0-1 | 1 min 15 s |\n"),
            "{text}"
        );
        assert!(text.ends_with("```\nthe last line\n```\n"), "{text}");
    }

    #[test]
    fn annotations_name_files_of_the_repository_only() {
        let dir = tempfile::tempdir().unwrap();
        let below = dir.path().join("sub");
        std::fs::create_dir_all(below.join("src")).unwrap();
        std::fs::write(below.join("src/a.c"), "").unwrap();
        let mut report = FailureReport::new(ExitCode::General, FailureCause::Other, "no");
        report.spec = Some(SpecLine {
            file: "gone.spec".into(),
            line: 7,
            text: None,
        });
        let said = |report: &FailureReport| {
            annotation(&Failure::of_report(report.clone()), &below, dir.path())
        };
        assert_eq!(said(&report), "::error::no");
        report.source = Some(rpmkit_core::results::failure::SourcePlace {
            file: "src/a.c".into(),
            line: 3,
            column: Some(5),
        });
        assert_eq!(said(&report), "::error file=sub/src/a.c,line=3,col=5::no");
    }

    #[test]
    fn groups_with_nothing_in_them_are_not_shown() {
        let (printer, _, err) = Printer::captured(Face::People, Verbosity::Normal);
        let ci = Ci::GitHub {
            summary: None,
            workspace: None,
        };
        let log = CiLog::new(printer, Some(&ci), Path::new("/")).unwrap();
        let phase = Phase::Solve;
        let what = String::new();
        let now = SystemTime::UNIX_EPOCH;
        log.on_event(
            now,
            &Event::PhaseStart {
                phase,
                what: what.clone(),
            },
        );
        let took = Duration::from_secs(1);
        log.on_event(
            now,
            &Event::PhaseEnd {
                phase,
                what,
                took,
                ok: true,
            },
        );
        assert_eq!(err.text(), "");
    }

    #[test]
    fn gitlab_reads_a_report_of_code_quality() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("results")).unwrap();
        std::fs::write(dir.path().join("a.spec"), "").unwrap();
        let (printer, _, _) = Printer::captured(Face::People, Verbosity::Normal);
        let ci = Ci::GitLab {
            project: Some(dir.path().to_owned()),
        };
        let log = CiLog::new(printer, Some(&ci), dir.path()).unwrap();
        let mut report = FailureReport::new(ExitCode::General, FailureCause::Other, "no\nway");
        report.spec = Some(SpecLine {
            file: "a.spec".into(),
            line: 7,
            text: None,
        });
        report.log = Some("results/build.log".into());
        log.finish(Some(&Failure::of_report(report)));
        let text = std::fs::read(dir.path().join("results").join(CODE_QUALITY)).unwrap();
        let issues: serde_json::Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(issues[0]["location"]["path"], "a.spec");
        assert_eq!(issues[0]["location"]["lines"]["begin"], 7);
        assert_eq!(issues[0]["check_name"], "rpmkit-other");
    }

    #[test]
    fn gitlab_folds_and_others_are_left_alone() {
        let (printer, _, err) = Printer::captured(Face::People, Verbosity::Normal);
        let gitlab = Ci::GitLab { project: None };
        tell(&CiLog::new(printer.clone(), Some(&gitlab), Path::new("/")).unwrap());
        assert!(err.text().starts_with(
            "\x1b[0Ksection_start:1767323045:rpmkit_download[collapsed=true]\r\x1b[0Kdownload 3 packages\n"
        ));
        assert!(CiLog::new(printer.clone(), Some(&Ci::Other), Path::new("/")).is_none());
        assert!(CiLog::new(printer, None, Path::new("/")).is_none());
    }
}
