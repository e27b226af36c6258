//! `rpmkit doctor`: what this host allows, and what to do about the rest.

use clap::Args;
use rpmkit_cli::{Context, Failure, Printer, Status, Tone, VerbResult, args::OutputArgs};
use rpmkit_core::ExitCode;
use rpmkit_sandbox::{IdMode, ProbeState};
use serde::Serialize;

use crate::doctor::{self, DoctorLine};

/// Check what this machine offers: namespaces, sub-ids, overlayfs, disk, emulation, clock
///
/// Everything is tried, not guessed. Each line that is not fine says why and what to do. Ends with 1
/// when rpmkit cannot build here at all, and with 0 otherwise.
#[derive(Debug, Clone, Args)]
pub struct DoctorArgs {
    /// How to speak
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Serialize)]
struct DoctorReport<'a> {
    format: u32,
    mode: Option<&'static str>,
    able: bool,
    findings: &'a [DoctorLine],
}

/// Checks and reports.
pub fn run(cx: &mut Context, args: &DoctorArgs) -> VerbResult {
    cx.set_output(&args.output);
    let (mode, lines) = doctor::examine(&cx.host).map_err(|e| {
        Failure::new(
            ExitCode::Unshare,
            format!(
                "cannot examine this host: {}",
                rpmkit_cli::failure::chain(&e)
            ),
        )
    })?;
    let able = lines.iter().all(|line| line.state != ProbeState::Failed);
    let mode = mode.as_ref().map(mode_name);
    if args.output.is_json() {
        cx.printer.json(&DoctorReport {
            format: 1,
            mode,
            able,
            findings: &lines,
        });
    } else {
        let width = lines
            .iter()
            .map(|line| line.what.chars().count())
            .max()
            .unwrap_or(0);
        for line in &lines {
            show(&cx.printer, line, width);
        }
        cx.printer.data(match (able, mode) {
            (true, Some(mode)) => format!("\nrpmkit can build here ({mode})"),
            _ => "\nrpmkit cannot build here yet: see ✗ above".to_owned(),
        });
    }
    // The report has said it; a failure report would say it again.
    Ok(if able {
        Status::OK
    } else {
        Status(ExitCode::General.code())
    })
}

fn mode_name(mode: &IdMode) -> &'static str {
    match mode {
        IdMode::Root(_) => "as root, with ids of its own",
        IdMode::Sub(_) => "without root, with sub-ids",
        IdMode::Single => "without root, with one id",
    }
}

fn show(printer: &Printer, line: &DoctorLine, width: usize) {
    let (mark, tone) = match line.state {
        ProbeState::Ok => ("✓", Tone::Good),
        ProbeState::Degraded => ("!", Tone::Warn),
        ProbeState::Failed => ("✗", Tone::Bad),
    };
    let mark = printer.paint_data(tone, mark);
    printer.data(format!("{mark} {:<width$}  {}", line.what, line.detail).trim_end());
    if let Some(cause) = &line.cause {
        printer.data(format!("    because: {cause}"));
    }
    for remedy in &line.remedies {
        printer.data(format!("    remedy:  {remedy}"));
    }
}
