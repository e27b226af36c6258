//! Functions run as root of a mode's user namespace, for work on files that belong to ids only it can handle.

use crate::error::{AtStep, SandboxError, SandboxStep};
use crate::ids::IdMode;
use crate::monitor::{Side, clone_mapped, watch};
use crate::plan::{OpAnswer, Plan};
use crate::{spawn, sys, wire};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Mutex;

/// A function [`call`] can run: bytes in, bytes or a message out. It runs in a child process with a single thread to start
/// with; standard input and output are `/dev/null`.
pub type OpFn = fn(&[u8]) -> Result<Vec<u8>, String>;

/// Several tables of functions as one, for [`crate::reexec`]. `N` must be the number of functions in all of them.
///
/// # Panics
/// At compile time, when there are no functions or `N` is too small.
#[must_use]
pub const fn join_ops<const N: usize>(
    parts: &[&[(&'static str, OpFn)]],
) -> [(&'static str, OpFn); N] {
    let mut all = [parts[0][0]; N];
    let (mut part, mut at) = (0, 0);
    while part < parts.len() {
        let mut nth = 0;
        while nth < parts[part].len() {
            all[at] = parts[part][nth];
            nth += 1;
            at += 1;
        }
        part += 1;
    }
    all
}

/// Descriptors sent along with the function that this process runs.
static SENT: Mutex<Vec<OwnedFd>> = Mutex::new(Vec::new());

/// Runs the function registered under this name (see [`crate::reexec`]) in a child, as root of the mode's user namespace: it
/// can read, change owner of and remove files of all mapped ids. No other namespace changes: paths are the host's. If
/// this process dies, the child is killed.
///
/// # Errors
/// [`SandboxError::Op`] with the function's own message, or why it could not be run.
pub fn call(mode: &IdMode, op: &str, input: &[u8]) -> Result<Vec<u8>, SandboxError> {
    call_with_fds(mode, op, input, &[])
}

/// As [`call`], with open files or pipes the function gets by [`sent_fds`].
///
/// # Errors
/// As [`call`].
pub fn call_with_fds(
    mode: &IdMode,
    op: &str,
    input: &[u8],
    fds: &[BorrowedFd<'_>],
) -> Result<Vec<u8>, SandboxError> {
    let input =
        sys::memfd(c"rpmkit-input", input).map_err(SandboxError::io("keep a function's input"))?;
    let output = sys::memfd(c"rpmkit-output", &[])
        .map_err(SandboxError::io("make room for a function's output"))?;
    let mut sent = vec![input.as_fd(), output.as_fd()];
    sent.extend_from_slice(fds);
    let plan = Plan::Call {
        mode: mode.clone(),
        op: op.to_owned(),
    };
    let (mut child, socket) = spawn::spawn(&plan, &sent)?;
    drop(input);
    let answer = wire::receive::<OpAnswer>(&socket);
    drop(child.wait());
    match answer.map_err(SandboxError::io("hear from a function"))? {
        Some((OpAnswer::Done, _)) => {
            wire::slurp(output).map_err(SandboxError::io("read a function's output"))
        }
        Some((OpAnswer::Said(message), _)) => Err(SandboxError::Op {
            op: op.to_owned(),
            message,
        }),
        Some((OpAnswer::Unknown, _)) => Err(SandboxError::UnknownOp(op.to_owned())),
        Some((OpAnswer::Failed(error), _)) => Err(error.into()),
        None => Err(SandboxError::Died(format!("the function `{op}` ran"))),
    }
}

/// Starts the function registered under this name as [`call`] does, and does not wait for it: it goes on when this process
/// has ended. For tidying up, quick and safe to lose: nobody learns how it went.
///
/// # Errors
/// Why it could not be started.
/// Without a mode it runs as the caller.
pub fn detach(mode: Option<&IdMode>, op: &str, input: &[u8]) -> Result<(), SandboxError> {
    let input =
        sys::memfd(c"rpmkit-input", input).map_err(SandboxError::io("keep a function's input"))?;
    let plan = Plan::Detached {
        mode: mode.cloned(),
        op: op.to_owned(),
    };
    spawn::spawn(&plan, &[input.as_fd()]).map(drop)
}

/// In a function run by [`call_with_fds`]: the descriptors sent along, in order. Empty when asked a second time.
pub fn sent_fds() -> Vec<OwnedFd> {
    SENT.lock()
        .map(|mut fds| std::mem::take(&mut *fds))
        .unwrap_or_default()
}

/// In the re-executed child.
pub(crate) fn serve(
    mode: &IdMode,
    op: &str,
    fds: Vec<OwnedFd>,
    socket: &OwnedFd,
    ops: &[(&str, OpFn)],
) -> i32 {
    let Some((_, function)) = ops.iter().find(|(name, _)| *name == op) else {
        drop(wire::send(socket, &OpAnswer::Unknown, &[]));
        return 1;
    };
    match clone_mapped(mode.for_files(), 0) {
        Ok(Side::Parent(pid)) => {
            drop(fds);
            watch(pid, socket)
        }
        Ok(Side::Child) => {
            let answer = run(*function, fds);
            sys::exit_now(i32::from(wire::send(socket, &answer, &[]).is_err()))
        }
        Err(error) => {
            drop(wire::send(socket, &OpAnswer::Failed(error), &[]));
            1
        }
    }
}

/// In the re-executed child of [`detach`].
pub(crate) fn serve_detached(
    mode: Option<&IdMode>,
    op: &str,
    fds: Vec<OwnedFd>,
    ops: &[(&str, OpFn)],
) -> i32 {
    let Some((_, function)) = ops.iter().find(|(name, _)| *name == op) else {
        return 1;
    };
    let run = |fds: Vec<OwnedFd>| {
        nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o022));
        let bytes = fds.into_iter().next().map(wire::slurp);
        let Some(Ok(bytes)) = bytes else { return 1 };
        i32::from(!matches!(
            std::panic::catch_unwind(|| function(&bytes)),
            Ok(Ok(_))
        ))
    };
    let Some(mode) = mode.and_then(IdMode::for_files) else {
        return run(fds);
    };
    match clone_mapped(Some(mode), 0) {
        Ok(Side::Parent(pid)) => {
            drop(fds);
            crate::monitor::wait(pid)
        }
        Ok(Side::Child) => sys::exit_now(run(fds)),
        Err(_) => 1,
    }
}

fn run(function: OpFn, fds: Vec<OwnedFd>) -> OpAnswer {
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o022));
    let mut fds = fds.into_iter();
    let (Some(input), Some(output)) = (fds.next(), fds.next()) else {
        return OpAnswer::Said("its input did not arrive".to_owned());
    };
    if let Ok(mut sent) = SENT.lock() {
        sent.extend(fds);
    }
    let result = wire::slurp(input).step(SandboxStep::Protocol, "read a function's input");
    let bytes = match result {
        Ok(bytes) => bytes,
        Err(error) => return OpAnswer::Failed(error),
    };
    match std::panic::catch_unwind(|| function(&bytes)) {
        Ok(Ok(answer)) => {
            match std::io::Write::write_all(&mut std::fs::File::from(output), &answer) {
                Ok(()) => OpAnswer::Done,
                Err(e) => OpAnswer::Said(format!("cannot hand over its result: {e}")),
            }
        }
        Ok(Err(message)) => OpAnswer::Said(message),
        Err(_) => OpAnswer::Said("it panicked: a fault of rpmkit".to_owned()),
    }
}
