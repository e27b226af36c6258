//! The hidden second entry into every one of our programs.

use crate::ops::{self, OpFn};
use crate::plan::Plan;
use crate::{monitor, probe_steps, sys, wire};
use nix::sys::signal::{SigHandler, SigSet, SigmaskHow, Signal};
use std::os::fd::{FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

/// argv\[0\] of a re-executed child. No installed program has a colon in its name.
pub(crate) const HIDDEN_NAME: &str = "rpmkit:sandbox";

static REGISTERED: AtomicBool = AtomicBool::new(false);

pub(crate) fn is_registered() -> bool {
    REGISTERED.load(Ordering::Relaxed)
}

/// Must be the first call of `main`, before any thread starts. In an ordinary start it only notes that it was called. In a
/// child started by this crate it does the child's work and never returns. Whoever started us may have ignored SIGCHLD for
/// us, which would hide how children ended: it gets its default action back.
///
/// `ops` are the functions [`crate::call`] can run, by name.
pub fn reexec(ops: &[(&str, OpFn)]) {
    // SAFETY: the default action is no function of ours, and no other thread runs yet.
    let _ = unsafe { nix::sys::signal::signal(Signal::SIGCHLD, SigHandler::SigDfl) };
    if std::env::args_os()
        .next()
        .is_none_or(|name| name != HIDDEN_NAME)
    {
        REGISTERED.store(true, Ordering::Relaxed);
        return;
    }
    let code = run(ops);
    sys::exit_now(code);
}

/// Runs the child. All results travel over the socket; the exit code only tells the client that they did.
fn run(ops: &[(&str, OpFn)]) -> i32 {
    let _ = nix::sys::signal::sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None);
    sys::close_from(3);
    // SAFETY: our starter gave us the socket as descriptor 0 and nothing in this process has used it yet.
    let given = unsafe { OwnedFd::from_raw_fd(0) };
    let Ok(socket) = sys::dup_above(&given, 3) else {
        return 1;
    };
    let Ok(null) = std::fs::File::options()
        .read(true)
        .write(true)
        .open("/dev/null")
    else {
        return 1;
    };
    std::mem::forget(given);
    use std::os::fd::AsRawFd;
    if sys::dup_to(null.as_raw_fd(), 0).is_err() {
        return 1;
    }
    drop(null);
    // Keys pressed in the caller's terminal are the caller's business: it decides what to kill.
    let _ = nix::unistd::setsid();
    match wire::receive::<Plan>(&socket) {
        Ok(Some((Plan::Container { spec, listens }, fds))) => {
            monitor::container(*spec, listens, fds, socket)
        }
        Ok(Some((Plan::Call { mode, op }, fds))) => ops::serve(&mode, &op, fds, &socket, ops),
        Ok(Some((Plan::Detached { mode, op }, fds))) => {
            ops::serve_detached(mode.as_ref(), &op, fds, ops)
        }
        Ok(Some((Plan::Probe(plan), _))) => probe_steps::serve(plan, &socket),
        // Not started by us after all, or the caller is gone already.
        Ok(None) | Err(_) => 1,
    }
}

/// Calls [`reexec`] before `main` in a program whose `main` is not ours: Rust's own test runner.
///
/// Write it once at the top of a test crate or of a `#[cfg(test)]` module: `rpmkit_sandbox::reexec_in_tests!(&[("name", op)]);`
#[macro_export]
macro_rules! reexec_in_tests {
    ($ops:expr) => {
        const _: () = {
            extern "C" fn before_main() {
                $crate::reexec($ops);
            }
            #[allow(unsafe_code)]
            #[used]
            // SAFETY: the loader calls functions of this section once, on the only thread, with libc initialised.
            #[unsafe(link_section = ".init_array")]
            static BEFORE_MAIN: extern "C" fn() = before_main;
        };
    };
}
