//! From arguments to a mode.

use std::ffi::OsString;

use rpmkit_cli::{Context, Face, Printer, Status, Verb, VerbResult};
use rpmkit_core::ExitCode;

use crate::{
    cmdline::{self, Ending},
    request::MockRequest,
};

/// `rpmkit mock`, `rpmkit-mock`, and `mock`.
pub static VERB: Verb = Verb {
    name: "mock",
    face: Face::Mock,
    command: cmdline::command,
    run,
};

/// The version of mock whose behaviour this is. Programs compare it, so it is the whole answer to
/// `--version`.
pub const MOCK_VERSION: &str = "6.7";

fn run(cx: &mut Context, args: Vec<OsString>) -> VerbResult {
    let mut args = args.into_iter().map(|a| a.to_string_lossy().into_owned());
    let name = args.next().unwrap_or_else(|| "mock".to_owned());
    let args: Vec<String> = args.collect();
    cx.printer = Printer::new(&cx.host, Face::Mock, rpmkit_cli::Verbosity::Normal);
    let parsed = match cmdline::parse(&args) {
        Ok(parsed) => parsed,
        Err(Ending::Help) => {
            cx.printer
                .raw(cmdline::command().render_long_help().to_string().as_bytes());
            return Ok(Status::OK);
        }
        Err(Ending::Version) => {
            cx.printer.data(MOCK_VERSION);
            return Ok(Status::OK);
        }
        Err(Ending::Bad(message)) => {
            let program = name.rsplit('/').next().unwrap_or(&name);
            cx.printer.line(USAGE);
            cx.printer.line(format!("{program}: error: {message}"));
            return Ok(Status(ExitCode::Arguments.code()));
        }
    };
    let quiet = parsed.options.print_root_path || parsed.options.list_snapshots;
    let verbosity = if quiet {
        rpmkit_cli::Verbosity::Quiet
    } else {
        parsed.options.verbosity
    };
    cx.printer = Printer::new(&cx.host, Face::Mock, verbosity);
    let request = MockRequest::new(parsed, &cx.host)?;
    for line in &request.deprecations {
        cx.printer.line(format!("ERROR: {line}"));
    }
    crate::modes::run(cx, &request, &name, &args)
}

/// What stands before the message about a wrong option.
const USAGE: &str = "usage: mock [OPTION]... [--rebuild] SRPM...
       mock [OPTION]... --chain SRPM...
       mock [OPTION]... --buildsrpm --spec SPEC [--sources PATH]
       mock [OPTION]... {--init | --clean | --scrub=WHAT}
       mock [OPTION]... {--shell | --chroot} [--] COMMAND...
       mock [OPTION]... {--install | --remove | --update} PACKAGE...
       mock [OPTION]... {--copyin | --copyout} SOURCE... DESTINATION
See `mock --help` for all modes and options.";
