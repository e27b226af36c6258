//! The process between caller and container: clones pid 1, writes its maps, and sees that it dies with the caller.

use crate::budget::cgroup::{self, Group, GroupFiles};
use crate::error::{AtStep, SandboxStep, StepError};
use crate::ids::IdMode;
use crate::plan::Started;
use crate::spec::{ContainerSpec, Network};
use crate::{init, maps, setup, sys, wire};
use nix::poll::{PollFd, PollFlags, PollTimeout};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};

/// A child in new namespaces.
pub(crate) enum Side {
    /// We are the child, with working maps.
    Child,
    /// We are the parent of this process.
    Parent(Pid),
}

/// Clones into a user namespace (unless root) and `flags`, and returns in the child once its maps are written.
pub(crate) fn clone_mapped(mode: &IdMode, flags: libc::c_int) -> Result<Side, StepError> {
    let user = if mode.is_rootless() {
        libc::CLONE_NEWUSER
    } else {
        0
    };
    let (mut wait, mut go) = std::io::pipe().step(SandboxStep::Namespaces, "make a pipe")?;
    // SAFETY: re-executed children of this crate have one thread and start none.
    let pid =
        unsafe { sys::clone(user | flags) }.step(SandboxStep::Namespaces, clone_text(mode))?;
    if pid != 0 {
        drop(wait);
        if let Err(error) = maps::write(mode, pid) {
            // Closing the pipe without a byte ends the child.
            drop(go);
            let _ = waitpid(Pid::from_raw(pid), None);
            return Err(error);
        }
        // A failure means the child is dead already, which its parent notices on its own.
        drop(go.write_all(b"g"));
        return Ok(Side::Parent(Pid::from_raw(pid)));
    }
    drop(go);
    // Dies with the monitor. No later change of identity may happen in this process: it would clear this.
    let _ = sys::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as libc::c_ulong);
    let mut byte = [0];
    if wait.read(&mut byte).unwrap_or(0) != 1 {
        sys::exit_now(1);
    }
    Ok(Side::Child)
}

fn clone_text(mode: &IdMode) -> &'static str {
    if mode.is_rootless() {
        "make a user namespace and the others"
    } else {
        "make namespaces"
    }
}

/// Namespaces of a container besides the user namespace.
fn namespaces(network: Network) -> libc::c_int {
    let all = libc::CLONE_NEWNS
        | libc::CLONE_NEWPID
        | libc::CLONE_NEWIPC
        | libc::CLONE_NEWUTS
        | libc::CLONE_NEWCGROUP;
    match network {
        Network::None => all | libc::CLONE_NEWNET,
        Network::Host => all,
    }
}

/// Runs a container until it ends or the caller is gone. Returns our exit code: 0 only for an orderly end.
pub(crate) fn container(
    spec: ContainerSpec,
    listens: bool,
    mut held: Vec<OwnedFd>,
    socket: OwnedFd,
) -> i32 {
    let group = spec.budget.as_ref().and_then(Group::make);
    let path = group.as_ref().map(Group::path);
    let code = match clone_mapped(&spec.mode, namespaces(spec.network)) {
        Ok(Side::Child) => {
            let listener = if listens { held.pop() } else { None };
            let group = group.map(Group::into_files);
            sys::exit_now(first_process(&spec, group, listener, held, socket))
        }
        Ok(Side::Parent(pid)) => {
            drop(held);
            watch(pid, &socket)
        }
        Err(error) => {
            // Nobody left to tell is fine.
            drop(wire::send(&socket, &Started::Failed(error), &[]));
            1
        }
    };
    if let Some(path) = path {
        cgroup::remove(&path);
    }
    code
}

fn first_process(
    spec: &ContainerSpec,
    group: Option<GroupFiles>,
    listener: Option<OwnedFd>,
    held: Vec<OwnedFd>,
    socket: OwnedFd,
) -> i32 {
    let (limits, meter) = match setup::prepare(spec, group) {
        Ok(prepared) => prepared,
        Err(error) => {
            drop(wire::send(&socket, &Started::Failed(error), &[]));
            return 1;
        }
    };
    if wire::send(&socket, &Started::Ready, &[]).is_err() {
        return 1;
    }
    let code = init::run(spec, limits, meter, socket, listener);
    drop(held);
    code
}

/// Waits for the child; kills it when the other end of `socket` closes.
pub(crate) fn watch(pid: Pid, socket: &OwnedFd) -> i32 {
    if let Ok(pidfd) = sys::pidfd_open(pid.as_raw()) {
        let mut fds = [
            PollFd::new(socket.as_fd(), PollFlags::empty()),
            PollFd::new(pidfd.as_fd(), PollFlags::POLLIN),
        ];
        loop {
            let polled = nix::poll::poll(&mut fds, PollTimeout::NONE);
            let gone = fds[0].revents().is_some_and(|got| !got.is_empty());
            let ended = fds[1].revents().is_some_and(|got| !got.is_empty());
            if gone && !ended {
                let _ = kill(pid, Signal::SIGKILL);
            }
            if gone || ended || (polled.is_err() && polled != Err(nix::errno::Errno::EINTR)) {
                break;
            }
        }
    }
    wait(pid)
}

/// Waits for the child and gives its exit code; 1 when a signal killed it.
pub(crate) fn wait(pid: Pid) -> i32 {
    loop {
        match waitpid(pid, None) {
            Err(nix::errno::Errno::EINTR) => {}
            Ok(WaitStatus::Exited(_, code)) => return code,
            Ok(_) | Err(_) => return 1,
        }
    }
}
