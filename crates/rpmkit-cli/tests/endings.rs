//! How a run ends that goes wrong in itself: a panic in a thread, a terminal that is closed. This
//! program starts itself: with an argument it is the run, without one the test of it.
#![allow(clippy::disallowed_methods, reason = "a test starts programs")]
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::{
    io::Read,
    process::{Command, ExitCode, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use nix::{
    fcntl::{FcntlArg, FdFlag, fcntl},
    pty::{OpenptyResult, openpty},
};
use rpmkit_cli::{Context, Face, Failure, Status, VerbResult, args::OutputArgs, frame, signals};
use rpmkit_core::event::{Event, Phase};

/// Words that tell the runs apart from options of the test runner.
const RUNS: [&str; 4] = ["run-panic", "run-thread", "run-unseen", "run-progress"];

fn main() -> ExitCode {
    let run = std::env::args()
        .nth(1)
        .filter(|run| RUNS.contains(&run.as_str()));
    if let Some(run) = run {
        return frame::run(Face::People, |context| body(context, &run));
    }
    a_panic_is_a_report();
    a_closed_terminal_is_a_hang_up();
    ExitCode::SUCCESS
}

/// Removed when the run unwinds.
fn scratch() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    println!("{}", dir.path().display());
    dir
}

fn body(context: &mut Context, run: &str) -> VerbResult {
    let _scratch = scratch();
    match run {
        "run-panic" => panic!("one on the main thread"),
        "run-thread" => std::thread::scope(|scope| {
            scope.spawn(|| panic!("one on another thread"));
        }),
        "run-unseen" => {
            let lost = std::thread::spawn(|| panic!("one nobody waits for"));
            while !lost.is_finished() {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        _ => return progress(context),
    }
    Ok(Status::OK)
}

/// Draws bars and writes lines until it is told to stop.
fn progress(context: &mut Context) -> VerbResult {
    let events = context.listen(&OutputArgs::default());
    let stop = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&stop);
    signals::on_stop(move || told.store(true, Ordering::SeqCst));
    let end = Instant::now() + Duration::from_secs(20);
    events.emit(Event::PhaseStart {
        phase: Phase::Rpmbuild,
        what: "demo".to_owned(),
    });
    while !stop.load(Ordering::SeqCst) && Instant::now() < end {
        context.printer.line("a line");
        events.warn("another");
        std::thread::sleep(Duration::from_millis(5));
    }
    Err(Failure::general("the run was stopped"))
}

/// A program without what would change its words.
fn program(name: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(name);
    for name in [
        "RUST_BACKTRACE",
        "RUST_LIB_BACKTRACE",
        "CI",
        "GITHUB_ACTIONS",
    ] {
        command.env_remove(name);
    }
    command.env("TERM", "xterm");
    command
}

fn a_panic_is_a_report() {
    for (run, words) in [
        ("run-panic", "one on the main thread"),
        ("run-thread", "one on another thread"),
        ("run-unseen", "one nobody waits for"),
    ] {
        let output = program(std::env::current_exe().unwrap())
            .arg(run)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{run}: {said}");
        assert!(said.contains("this is a bug of rpmkit"), "{run}: {said}");
        assert!(
            said.contains(words) && said.contains("endings.rs"),
            "{run}: {said}"
        );
        let scratch = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        assert!(!scratch.is_empty(), "{run}");
        assert!(!std::path::Path::new(&scratch).exists(), "{run}");
    }
}

fn a_closed_terminal_is_a_hang_up() {
    let OpenptyResult { master, slave } = openpty(None, None).unwrap();
    // The run must not hold the other side open itself.
    fcntl(&master, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).unwrap();
    let end = |fd: &std::os::fd::OwnedFd| Stdio::from(fd.try_clone().unwrap());
    // It gets the terminal as its controlling one, as a shell's child has it.
    let mut child = program("setsid")
        .arg("--ctty")
        .arg(std::env::current_exe().unwrap())
        .arg("run-progress")
        .stdin(end(&slave))
        .stdout(end(&slave))
        .stderr(end(&slave))
        .spawn()
        .unwrap();
    drop(slave);
    let mut terminal = std::fs::File::from(master);
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains("another") {
        let mut piece = [0; 1024];
        let count = terminal.read(&mut piece).unwrap();
        seen.extend_from_slice(&piece[..count]);
    }
    drop(terminal);
    assert_eq!(child.wait().unwrap().code(), Some(129));
    let shown = String::from_utf8_lossy(&seen);
    let scratch = shown.lines().next().unwrap().trim();
    assert!(!std::path::Path::new(scratch).exists(), "{scratch}");
}
