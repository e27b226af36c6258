//! Signals end a run in an orderly way: Ctrl-C with 7, TERM, HUP and PIPE with 128 + number.
//!
//! The signals are blocked in every thread and one thread waits for them, so that no handler runs
//! in the middle of anything. Children get their mask back: the standard library and the sandbox
//! reset it. When a signal comes, the processes we started are killed (containers die with theirs)
//! and the hooks run, which makes the main thread's work fail; it then unwinds, removing its
//! temporary files, and the frame ends the process with the signal's code. Should the main thread not get there soon, or a second signal
//! come, the process ends where it is: nothing survives that either, since the kernel tears down
//! namespaces with their last process.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicI32, Ordering},
    },
    time::Duration,
};

use nix::sys::signal::{SigSet, Signal};
use rpmkit_core::ExitCode;

use crate::printer::{Face, Printer};

/// Kills the programs this process has started, which fails whatever waits for them.
fn kill_children() {
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else {
        return;
    };
    for task in tasks.flatten() {
        let Ok(children) = std::fs::read_to_string(task.path().join("children")) else {
            continue;
        };
        for child in children
            .split_whitespace()
            .filter_map(|pid| pid.parse().ok())
        {
            // Gone already is as good.
            let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(child), Signal::SIGKILL);
        }
    }
}

/// How long the main thread may take to unwind.
const GRACE: Duration = Duration::from_millis(1500);

static RECEIVED: AtomicI32 = AtomicI32::new(0);

type Hook = Box<dyn Fn() + Send>;
static HOOKS: Mutex<Vec<Hook>> = Mutex::new(Vec::new());

/// Runs `hook` when the process is told to stop. It may run on another thread and must be quick.
pub fn on_stop(hook: impl Fn() + Send + 'static) {
    HOOKS
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(Box::new(hook));
}

/// The code to end with, once a signal has come.
pub fn stopped() -> Option<u8> {
    let number = RECEIVED.load(Ordering::SeqCst);
    Signal::try_from(number).ok().map(code)
}

/// The code a signal ends the process with.
fn code(signal: Signal) -> u8 {
    match signal {
        Signal::SIGINT => ExitCode::Interrupted.code(),
        // Numbers of the signals waited for are below 16.
        other => u8::try_from(128 + other as i32).unwrap_or(ExitCode::General.code()),
    }
}

/// Starts waiting. To be called before any other thread exists, since threads inherit the mask.
pub fn watch(printer: &Printer) -> nix::Result<()> {
    let mut set = SigSet::empty();
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGPIPE] {
        set.add(signal);
    }
    // `nohup` means it: a hang-up that was ignored when we started stays ignored.
    if !ignored(Signal::SIGHUP) {
        set.add(Signal::SIGHUP);
    }
    set.thread_block()?;
    let printer = printer.clone();
    let waiter = std::thread::Builder::new().name("signals".to_owned());
    // Without that thread signals would be lost; better none blocked then.
    if waiter.spawn(move || wait(&set, &printer)).is_err() {
        set.thread_unblock()?;
    }
    Ok(())
}

/// Whether a signal is being ignored, by the kernel's word.
fn ignored(signal: Signal) -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| {
        let mask = status
            .lines()
            .find_map(|line| line.strip_prefix("SigIgn:"))
            .and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok());
        mask.is_some_and(|mask| mask & (1 << (signal as i32 - 1)) != 0)
    })
}

#[expect(
    clippy::exit,
    reason = "the one way out when the main thread does not unwind in time"
)]
fn wait(set: &SigSet, printer: &Printer) {
    let Ok(signal) = set.wait() else {
        return;
    };
    RECEIVED.store(signal as i32, Ordering::SeqCst);
    if let Some(bars) = printer.progress() {
        // The terminal must not keep half a bar; there may be nothing to clear.
        let _ = bars.clear();
    }
    printer.line(words(signal, printer.face()));
    kill_children();
    for hook in HOOKS.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        hook();
    }
    let code = i32::from(code(signal));
    std::thread::spawn(move || {
        std::thread::sleep(GRACE);
        std::process::exit(code);
    });
    // A second signal means now.
    let _ = set.wait();
    std::process::exit(code);
}

fn words(signal: Signal, face: Face) -> String {
    match (face, signal) {
        (Face::Mock, Signal::SIGINT) => "ERROR: Exiting on user interrupt, <CTRL>-C".to_owned(),
        (Face::Mock, other) => format!("INFO: \nReceived signal {other} activating orphansKill"),
        (Face::People, Signal::SIGINT) => "interrupted".to_owned(),
        (Face::People, other) => format!("stopped by {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_says_what_is_ignored() {
        // Rust's runtime ignores this one in every program.
        assert!(ignored(Signal::SIGPIPE));
        assert!(!ignored(Signal::SIGKILL));
    }

    #[test]
    fn codes_are_mocks() {
        assert_eq!(code(Signal::SIGINT), 7);
        assert_eq!(code(Signal::SIGHUP), 129);
        assert_eq!(code(Signal::SIGPIPE), 141);
        assert_eq!(code(Signal::SIGTERM), 143);
    }
}
