//! The frame all binaries share: from the first line of `main` to the exit status.

use std::{ffi::OsString, process::ExitCode};

use clap::{CommandFactory, Parser, error::ErrorKind};
use rpmkit_core::{
    event::Events,
    results::record::{PhaseTimes, Warnings},
};

use crate::{
    args::OutputArgs,
    bug,
    failure::{Failure, Status, VerbResult},
    host::{Ci, Host},
    listen::{CiLog, Fanout, JsonLines, LogFiles, People},
    printer::{Face, Printer, Verbosity},
    report, signals,
};

/// What a verb is given.
pub struct Context {
    /// The environment, read once.
    pub host: Host,
    /// The way to speak.
    pub printer: Printer,
    /// Whether events and the end are JSON lines on standard output.
    pub json: bool,
    /// The log files of the run; a verb that has a result directory opens them.
    pub logs: LogFiles,
    /// How long the phases of the run took.
    pub times: PhaseTimes,
    /// What the run warned of.
    pub warnings: Warnings,
    /// Group that results are given to.
    pub results_group: Option<u32>,
    ci: Option<CiLog>,
}

impl Context {
    /// A context around a printer, for tests of verbs.
    pub fn new(host: Host, printer: Printer) -> Self {
        Self {
            host,
            printer,
            json: false,
            logs: LogFiles::default(),
            times: PhaseTimes::default(),
            warnings: Warnings::default(),
            results_group: None,
            ci: None,
        }
    }

    /// Decides how to speak, after the arguments are known, and returns the event stream whose
    /// listeners do it: log files (once opened), CI annotations, then JSON lines or the terminal.
    pub fn listen(&mut self, output: &OutputArgs) -> Events {
        self.set_output(output);
        self.stop_commands();
        self.ci = CiLog::new(self.printer.clone(), self.host.ci.as_ref(), &self.host.cwd)
            .filter(|_| !self.json);
        // A folded group is the place for everything.
        let live = output.live || self.ci.is_some();
        let fanout = Fanout::default()
            .with(self.logs.clone())
            .with(self.times.clone())
            .with(self.warnings.clone())
            .with_option(self.ci.clone());
        Events::new(if self.json {
            fanout.with(JsonLines::new(self.printer.clone()))
        } else {
            fanout.with(People::new(self.printer.clone(), live))
        })
    }

    /// Where GitHub reads along: what comes now is output, and obeyed only where we say so. For verbs
    /// that show what builds write.
    pub fn stop_commands(&self) {
        if matches!(self.host.ci, Some(Ci::GitHub { .. })) && !self.json {
            self.printer.stop_commands(self.host.run_id());
        }
    }

    /// Decides how to speak, for verbs that run nothing.
    pub fn set_output(&mut self, output: &OutputArgs) {
        self.json = output.is_json();
        self.printer = Printer::new(&self.host, Face::People, output.verbosity());
    }
}

/// Runs a program: reads the environment, watches signals, calls `body`, shows a failure.
pub fn run(face: Face, body: impl FnOnce(&mut Context) -> VerbResult) -> ExitCode {
    // Layers, roots and results are made for others to read: the build user, whoever shares a
    // cache. With a stricter mask of the caller's the build user could not even enter its root.
    bug::watch();
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o022));
    let host = match Host::read() {
        Ok(host) => host,
        Err(failure) => return early(&failure),
    };
    let printer = Printer::new(&host, face, Verbosity::Normal);
    if let Err(error) = signals::watch(&printer) {
        printer.line(format!("warning: signals cannot be watched: {error}"));
    }
    let mut context = Context::new(host, printer);
    let mut outcome = bug::caught(|| body(&mut context));
    if outcome.is_ok()
        && let Some(failure) = bug::taken()
    {
        // In a thread that nobody waits for.
        outcome = Err(failure);
    }
    let code = finish(&context, outcome);
    context.printer.resume_commands();
    ExitCode::from(code)
}

/// Without an environment there is no printer to speak through.
#[expect(
    clippy::print_stderr,
    reason = "the printer needs the environment that could not be read"
)]
fn early(failure: &Failure) -> ExitCode {
    eprintln!("error: {failure}");
    ExitCode::from(failure.code)
}

fn finish(context: &Context, outcome: VerbResult) -> u8 {
    let printer = &context.printer;
    if let Some(code) = signals::stopped() {
        // Whatever failed then failed because of the signal, and that has been said.
        return code;
    }
    if printer.broken_pipe() {
        // Nobody reads on: for `| head` that is no error. mock dies of the signal instead.
        return match printer.face() {
            Face::People => outcome.map_or_else(|failure| failure.code, |status| status.0),
            Face::Mock => 141,
        };
    }
    match outcome {
        Ok(Status(code)) => {
            if let Some(ci) = &context.ci {
                ci.finish(None);
            }
            code
        }
        Err(failure) => {
            context.logs.error(&failure.statement());
            report::show(printer, &failure, context.json);
            if let Some(ci) = &context.ci {
                ci.finish(Some(&failure));
            }
            failure.code
        }
    }
}

/// Parses arguments (the first is the program's name). Help and version go to standard output and
/// end well; a wrong argument goes to standard error and ends with 2.
pub fn parse<T: Parser + CommandFactory>(
    context: &Context,
    args: impl IntoIterator<Item = OsString>,
) -> Result<T, VerbResult> {
    T::try_parse_from(args).map_err(|error| usage(context, &error))
}

/// How clap's own endings end a verb.
pub fn usage(context: &Context, error: &clap::Error) -> VerbResult {
    let text = error.render();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            context.printer.raw(text.to_string().as_bytes());
            Ok(Status::OK)
        }
        _ => {
            context.printer.err_raw(text.to_string().as_bytes());
            Ok(Status(rpmkit_core::ExitCode::Arguments.code()))
        }
    }
}
