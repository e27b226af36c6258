//! The process between caller and container: clones pid 1, writes its maps, and sees that it dies with the caller.

use crate::budget::cgroup::{self, ControlGroup, GroupFiles};
use crate::error::{AtStep, SandboxStep, StepError};
use crate::ids::IdMode;
use crate::plan::Started;
use crate::spec::{ContainerSpec, Network};
use crate::{first_mount, init, maps, plain, setup, sources, sys, wire};
use nix::poll::{PollFd, PollFlags, PollTimeout};
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{Gid, Pid, Uid, setgroups, setresgid, setresuid};
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

/// A child in new namespaces.
pub(crate) enum Side {
    /// We are the child, with working maps.
    Child,
    /// We are the parent of this process.
    Parent(Pid),
}

/// Clones into the mode's user namespace (none without a mode) and `flags`, and returns in the child once its maps are
/// written.
pub(crate) fn clone_mapped(mode: Option<&IdMode>, flags: libc::c_int) -> Result<Side, StepError> {
    let user = mode.map_or(0, |_| libc::CLONE_NEWUSER);
    if mode.is_some_and(|mode| !mode.is_rootless()) {
        leave_chroot()?;
    }
    let (mut wait, mut go) = std::io::pipe().step(SandboxStep::Namespaces, "make a pipe")?;
    // SAFETY: re-executed children of this crate have one thread and start none.
    let pid =
        unsafe { sys::clone(user | flags) }.step(SandboxStep::Namespaces, clone_text(mode))?;
    if pid != 0 {
        drop(wait);
        if let Err(error) = mode.map_or(Ok(()), |mode| maps::write(mode, pid)) {
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
    let die_with_monitor = || sys::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as libc::c_ulong);
    let _ = die_with_monitor();
    let mut byte = [0];
    if wait.read(&mut byte).unwrap_or(0) != 1 {
        sys::exit_now(1);
    }
    if mode.is_some_and(|mode| !mode.is_rootless()) && become_mapped_root().is_err() {
        sys::exit_now(1);
    }
    // Dies with the monitor. No later change of identity may happen in this process: it would clear this, as the one just
    // done has.
    let _ = die_with_monitor();
    Ok(Side::Child)
}

/// Real root's own id does not exist in its containers' namespaces: the child is nobody there until it has become 0. It has
/// all capabilities from the start.
fn become_mapped_root() -> nix::Result<()> {
    let (uid, gid) = (Uid::from_raw(0), Gid::from_raw(0));
    setgroups(&[])?;
    setresgid(gid, gid, gid)?;
    setresuid(uid, uid, uid)?;
    // The change has hidden our own files in /proc from us.
    sys::prctl(libc::PR_SET_DUMPABLE, 1)
}

/// The kernel makes no user namespace for who sits in a plain chroot; real root can get out of it.
fn leave_chroot() -> Result<(), StepError> {
    if sys::is_mount_root(Path::new("/")) != Ok(false) {
        return Ok(());
    }
    unshare(CloneFlags::CLONE_NEWNS)
        .step(SandboxStep::Namespaces, "leave the plain chroot around us")?;
    first_mount::cut_off()
}

fn clone_text(mode: Option<&IdMode>) -> &'static str {
    if mode.is_some() {
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
    held: Vec<OwnedFd>,
    socket: OwnedFd,
) -> i32 {
    let group = spec.budget.as_ref().and_then(ControlGroup::make);
    let path = group.as_ref().map(ControlGroup::path);
    let code = run(spec, group, listens, held, socket);
    if let Some(path) = path {
        cgroup::remove(&path);
    }
    code
}

fn run(
    spec: ContainerSpec,
    group: Option<ControlGroup>,
    listens: bool,
    mut held: Vec<OwnedFd>,
    socket: OwnedFd,
) -> i32 {
    // As real root, where pid 1 gets its mounts from.
    let channel = (!spec.mode.is_rootless()).then(wire::pair).transpose();
    let cloned = channel.map_err(|e| no_socket(&e)).and_then(|channel| {
        let ready = wire::pair().map_err(|e| no_socket(&e))?;
        let side = clone_mapped(Some(&spec.mode), namespaces(spec.network))?;
        Ok((side, channel, ready))
    });
    match cloned {
        Ok((Side::Child, channel, ready)) => {
            let outside = Outside {
                mapped: channel.map(|(_, theirs)| theirs),
                ready: ready.1,
            };
            let listener = if listens { held.pop() } else { None };
            let group = group.map(ControlGroup::into_files);
            sys::exit_now(first_process(&spec, group, outside, listener, held, socket))
        }
        Ok((Side::Parent(pid), channel, (ready, theirs_ready))) => {
            drop(theirs_ready);
            if let Some((ours, theirs)) = channel {
                drop(theirs);
                sources::serve(sources::wanted(&spec), pid, ours.as_fd());
            }
            drop(held);
            // Without a word from it pid 1 has told what went wrong, and is gone.
            let Ok(Some(((), namespaces))) = wire::receive(&ready) else {
                return wait(pid);
            };
            drop(ready);
            if !spec.visible {
                let _ = wire::send(&socket, &Started::Ready, &[]);
                return watch(pid, &socket);
            }
            let started = match show(&spec, namespaces) {
                Ok(()) => Started::Ready,
                Err(error) => {
                    let _ = kill(pid, Signal::SIGKILL);
                    Started::Failed(error)
                }
            };
            let _ = wire::send(&socket, &started, &[]);
            // It may outlive its caller, so pid 1 alone looks after that.
            drop(socket);
            wait(pid)
        }
        Err(error) => {
            // Nobody left to tell is fine.
            drop(wire::send(&socket, &Started::Failed(error), &[]));
            1
        }
    }
}

fn no_socket(error: &crate::SandboxError) -> StepError {
    StepError::new(
        SandboxStep::Protocol,
        "make a socket pair",
        nix::errno::Errno::EMFILE,
    )
    .because(error.to_string())
}

/// What pid 1 has from and for the monitor.
struct Outside {
    /// As real root, where its mounts come from.
    mapped: Option<OwnedFd>,
    /// Told when the root is ready.
    ready: OwnedFd,
}

/// Enters the container's root, so that it is seen at our own `/proc/PID/root`.
fn show(spec: &ContainerSpec, namespaces: Vec<OwnedFd>) -> Result<(), StepError> {
    let mode = &spec.mode;
    let plain = match mode {
        IdMode::Root(range) => plain::open(&spec.plain, *range)?,
        IdMode::Sub(_) | IdMode::Single => Vec::new(),
    };
    let kinds = [CloneFlags::CLONE_NEWUSER, CloneFlags::CLONE_NEWNS];
    let text = "show the root to the caller";
    for (kind, namespace) in kinds.into_iter().zip(namespaces) {
        // Real root may enter the mounts as it is.
        if kind == CloneFlags::CLONE_NEWNS || mode.is_rootless() {
            setns(namespace, kind).step(SandboxStep::Root, text)?;
        }
    }
    if !mode.is_rootless() {
        plain::attach(plain)?;
    }
    // Lost with the change of rights; the caller has ours.
    sys::prctl(libc::PR_SET_DUMPABLE, 1).step(SandboxStep::Root, text)
}

/// User and mount namespace of this process, opened before it hides itself: nobody but root could do that later.
fn own_namespaces() -> Vec<OwnedFd> {
    ["/proc/self/ns/user", "/proc/self/ns/mnt"]
        .iter()
        .filter_map(|path| std::fs::File::open(path).map(OwnedFd::from).ok())
        .collect()
}

fn first_process(
    spec: &ContainerSpec,
    group: Option<GroupFiles>,
    mut outside: Outside,
    listener: Option<OwnedFd>,
    held: Vec<OwnedFd>,
    socket: OwnedFd,
) -> i32 {
    let namespaces = if spec.visible {
        own_namespaces()
    } else {
        Vec::new()
    };
    let (limits, meter) = match setup::prepare(spec, outside.mapped.take(), group, &held) {
        Ok(prepared) => prepared,
        Err(error) => {
            drop(wire::send(&socket, &Started::Failed(error), &[]));
            return 1;
        }
    };
    let fds: Vec<_> = namespaces.iter().map(AsFd::as_fd).collect();
    if wire::send(&outside.ready, &(), &fds).is_err() {
        return 1;
    }
    drop((outside, namespaces));
    let code = init::run(spec, limits, meter, socket, listener, &held);
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
