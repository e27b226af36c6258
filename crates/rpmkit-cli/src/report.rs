//! A failure as text: the report for people, plain lines for mock's face.

use rpmkit_core::results::failure::FailureReport;

use crate::{
    failure::Failure,
    listen::failure_line,
    printer::{Face, Printer, Tone},
};

/// Shows a failure in the printer's manner; `json` adds the record as the last line of data.
pub fn show(printer: &Printer, failure: &Failure, json: bool) {
    match printer.face() {
        Face::Mock => {
            let level = if failure.critical {
                "CRITICAL"
            } else {
                "ERROR"
            };
            for line in failure.statement() {
                printer.line(format!("{level}: {line}"));
            }
            for hint in &failure.hints {
                printer.say(format!("INFO: hint: {}", hint.0));
            }
        }
        Face::People => match &failure.report {
            Some(report) => printer.line(report_text(printer, report)),
            None => {
                let word = printer.paint(Tone::Bad, "error:");
                printer.line(format!("{word} {}", failure.message));
                for hint in &failure.hints {
                    printer.line(hint_line(printer, &hint.0));
                }
            }
        },
    }
    if json {
        printer.data(failure_line(failure));
    }
}

fn hint_line(printer: &Printer, text: &str) -> String {
    format!("{} {text}", printer.paint(Tone::Strong, "hint:"))
}

/// The report: what failed where, why, the place in the spec, the output, what to do.
fn report_text(printer: &Printer, report: &FailureReport) -> String {
    let mut head = report
        .package
        .clone()
        .unwrap_or_else(|| "the run".to_owned());
    head.push_str(" failed");
    if let Some(phase) = report.phase {
        head.push_str(&format!(" in {phase}"));
    }
    if let Some(chroot) = &report.chroot {
        head.push_str(&format!(" on {chroot}"));
    }
    let mut text = vec![
        String::new(),
        printer.paint(Tone::Bad, &format!("✗ {head}")),
        format!("  {}", printer.paint(Tone::Strong, &report.message)),
    ];
    if let Some(place) = &report.spec {
        let source = place.text.as_deref().unwrap_or("").trim();
        let line = format!("  at {}:{}  {source}", place.file.display(), place.line);
        text.push(line.trim_end().to_owned());
    }
    match &report.cause {
        rpmkit_core::results::failure::FailureCause::UnpackagedFiles { files }
        | rpmkit_core::results::failure::FailureCause::FilesMissing { files } => {
            quote(printer, &mut text, files);
        }
        rpmkit_core::results::failure::FailureCause::MissingBuildRequires { requirements } => {
            quote(printer, &mut text, requirements);
        }
        rpmkit_core::results::failure::FailureCause::Unresolvable { problems, .. } => {
            quote(printer, &mut text, problems);
        }
        _ => {}
    }
    quote(printer, &mut text, &report.lines);
    if let Some(log) = &report.log {
        text.push(format!("  log:  {}", log.display()));
    }
    for hint in &report.hints {
        text.push(format!("  {}", hint_line(printer, &hint.0)));
    }
    if let Some(next) = &report.next {
        text.push(format!("  {} {next}", printer.paint(Tone::Strong, "next:")));
    }
    text.join("\n")
}

/// The most lines quoted from one list.
const QUOTED: usize = 20;

fn quote(printer: &Printer, text: &mut Vec<String>, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    let bar = printer.paint(Tone::Faint, "│");
    text.push(String::new());
    text.extend(
        lines
            .iter()
            .take(QUOTED)
            .map(|line| format!("  {bar} {line}")),
    );
    if lines.len() > QUOTED {
        text.push(format!("  {bar} and {} more", lines.len() - QUOTED));
    }
    text.push(String::new());
}

#[cfg(test)]
mod tests {
    use rpmkit_core::{
        ExitCode, Hint,
        event::Phase,
        results::failure::{FailureCause, SpecLine},
    };

    use super::*;
    use crate::printer::Verbosity;

    fn failure() -> Failure {
        let mut report = FailureReport::new(
            ExitCode::General,
            FailureCause::Section {
                section: "%build".into(),
            },
            "`%build` failed: a.c:1:1: error: no",
        );
        report.phase = Some(Phase::Rpmbuild);
        report.package = Some("demo-1.0-1".into());
        report.chroot = Some("fedora-43-x86_64".into());
        report.spec = Some(SpecLine {
            file: "demo.spec".into(),
            line: 12,
            text: Some("make".into()),
        });
        report.lines = vec!["gcc a.c".into(), "a.c:1:1: error: no".into()];
        report.log = Some("/results/build.log".into());
        report.hints = vec![Hint::new("mend a.c")];
        report.next = Some("rpmkit mock -r fedora-43-x86_64 --no-clean --shell".into());
        Failure::of_report(report)
    }

    #[test]
    fn a_report_says_what_failed_where_and_what_to_do() {
        let (printer, out, err) = Printer::captured(Face::People, Verbosity::Normal);
        show(&printer, &failure(), false);
        assert_eq!(out.text(), "");
        assert_eq!(
            err.text(),
            "
✗ demo-1.0-1 failed in rpmbuild on fedora-43-x86_64
  `%build` failed: a.c:1:1: error: no
  at demo.spec:12  make

  │ gcc a.c
  │ a.c:1:1: error: no

  log:  /results/build.log
  hint: mend a.c
  next: rpmkit mock -r fedora-43-x86_64 --no-clean --shell
"
        );
    }

    #[test]
    fn a_failure_reads_as_mocks_or_is_json() {
        let (printer, out, err) = Printer::captured(Face::Mock, Verbosity::Normal);
        show(&printer, &failure(), true);
        show(
            &printer,
            &Failure::usage("You must specify a package list to install."),
            false,
        );
        assert_eq!(
            err.text(),
            "ERROR: `%build` failed: a.c:1:1: error: no\nINFO: hint: mend a.c\n\
             CRITICAL: You must specify a package list to install.\n"
        );
        assert!(out.text().starts_with(
            r#"{"event":"failure","format":1,"phase":"rpmbuild","cause":{"kind":"section","#
        ));
    }

    #[test]
    fn mocks_manner_names_what_nobody_provides() {
        let mut report = FailureReport::new(
            ExitCode::PackageManager,
            FailureCause::Unresolvable {
                problems: vec!["cannot install `no-such-devel >= 3`".into()],
                unmatched: vec!["No matching package to install: 'no-such-devel >= 3'".into()],
                requirements: Vec::new(),
            },
            "what the package requires cannot be installed",
        );
        report.package = Some("x-1-1.src.rpm".into());
        let (printer, _, err) = Printer::captured(Face::Mock, Verbosity::Quiet);
        show(&printer, &Failure::of_report(report), false);
        assert_eq!(
            err.text(),
            "ERROR: what the package requires cannot be installed\n\
             ERROR: No matching package to install: 'no-such-devel >= 3' (required by x-1-1.src.rpm)\n\
             ERROR: cannot install `no-such-devel >= 3`\n"
        );
    }

    #[test]
    fn a_plain_failure_shows_its_message_and_hints() {
        let (printer, _, err) = Printer::captured(Face::People, Verbosity::Quiet);
        show(
            &printer,
            &Failure::general("no spec in `/x`").hint("name one"),
            false,
        );
        assert_eq!(err.text(), "error: no spec in `/x`\nhint: name one\n");
    }
}
