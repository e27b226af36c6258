//! The process of one command, from fork to exec.

use crate::budget::meter::UsageMeter;
use crate::command::RunAs;
use crate::error::{AtStep, SandboxStep, StepError};
use crate::exec::{self, SavedLimits};
use crate::plan::{Reply, RunPlan};
use crate::spec::{ContainerSpec, Filters, Limit};
use crate::{seccomp, sys, wire};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{SigHandler, SigSet, SigmaskHow, Signal, signal, sigprocmask};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::path::{Path, PathBuf};

/// Standard descriptors of a command, and its terminal if it controls one.
pub(crate) struct ChildIo {
    pub(crate) std: [OwnedFd; 3],
    pub(crate) controls_terminal: bool,
}

/// Number of the command's channel in the child, just above the standard descriptors.
const CHANNEL: RawFd = 3;
/// In the child: where it sends the descriptor on which faked calls are served.
const NOTIFY: RawFd = 4;

/// Never returns: executes the command, or reports on its channel why not and ends with 127.
pub(crate) fn become_command(
    spec: &ContainerSpec,
    run: &RunPlan,
    limits: SavedLimits,
    meter: Option<&UsageMeter>,
    io: &ChildIo,
    channel: &OwnedFd,
    notify: Option<&OwnedFd>,
) -> ! {
    // First, as the group's descriptors go with the others.
    if let Err(error) = meter.map_or(Ok(()), UsageMeter::join) {
        drop(wire::send(channel, &Reply::Failed(error), &[]));
        sys::exit_now(127)
    }
    let error = match arrange_descriptors(io, channel, notify) {
        Err(error) => error,
        Ok(()) => match prepare(spec, run, limits, meter.and_then(UsageMeter::backstop), io) {
            Ok(()) => exec::exec(&run.argv, &run.env),
            Err(error) => error,
        },
    };
    // SAFETY: either `arrange_descriptors` put the channel there, or the process ends right after a failed send.
    let channel = unsafe { BorrowedFd::borrow_raw(CHANNEL) };
    drop(wire::send(channel, &Reply::Failed(error), &[]));
    sys::exit_now(127)
}

fn arrange_descriptors(
    io: &ChildIo,
    channel: &OwnedFd,
    notify: Option<&OwnedFd>,
) -> Result<(), StepError> {
    let text = "arrange standard descriptors";
    // Copies above all the numbers used below, so that none is overwritten before its turn.
    let safe = |fd: &OwnedFd| sys::dup_above(fd, 16).step(SandboxStep::Fork, text);
    let mut sources = io
        .std
        .iter()
        .chain([channel])
        .chain(notify)
        .map(safe)
        .collect::<Result<Vec<_>, _>>()?;
    for (number, fd) in sources.iter().enumerate() {
        let number = number as RawFd;
        sys::dup_to(fd.as_raw_fd(), number).step(SandboxStep::Fork, text)?;
        if number >= CHANNEL {
            // SAFETY: plain integers.
            unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) };
        }
    }
    sources.clear();
    sys::close_from(if notify.is_some() { NOTIFY + 1 } else { NOTIFY });
    Ok(())
}

fn prepare(
    spec: &ContainerSpec,
    run: &RunPlan,
    limits: SavedLimits,
    backstop: Option<Limit>,
    io: &ChildIo,
) -> Result<(), StepError> {
    nix::unistd::setsid().step(SandboxStep::Fork, "start a session")?;
    if io.controls_terminal {
        // SAFETY: integers on descriptor 0, which is the terminal's slave side.
        nix::errno::Errno::result(unsafe { libc::ioctl(0, libc::TIOCSCTTY, 0) })
            .step(SandboxStep::Pty, "make the terminal the controlling one")?;
    }
    reset_signals();
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(run.umask));
    limits.apply(spec.limits.iter().chain(&run.limits).chain(&backstop))?;
    if run.read_only_root {
        read_only_root(&run.writable)?;
    }
    if let Some(root) = &run.root {
        nix::unistd::chroot(root).step_at(SandboxStep::WorkingDirectory, "enter", root)?;
    }
    if matches!(run.user, RunAs::Root) {
        std::env::set_current_dir(&run.cwd).step_at(
            SandboxStep::WorkingDirectory,
            "enter",
            &run.cwd,
        )?;
    }
    // Before the identity goes: without NO_NEW_PRIVS, which set-uid programs would suffer from, a filter needs it.
    if let Some(listener) = seccomp::install(filters(spec, run), spec.personality)? {
        // SAFETY: pid 1 gives such a socket to every command whose filters have mknod, and it was put there above.
        let notify = unsafe { BorrowedFd::borrow_raw(NOTIFY) };
        wire::send(notify, &(), &[listener.as_fd()])
            .step(SandboxStep::Seccomp, "hand the filter's listener to pid 1")?;
    }
    become_user(spec, run)?;
    if !matches!(run.user, RunAs::Root) {
        std::env::set_current_dir(&run.cwd).step_at(
            SandboxStep::WorkingDirectory,
            "enter",
            &run.cwd,
        )?;
    }
    Ok(())
}

/// Which filters a command gets.
pub(crate) fn filters(spec: &ContainerSpec, run: &RunPlan) -> Filters {
    run.filters.unwrap_or(match run.user {
        RunAs::Root => spec.filters,
        RunAs::Id { .. } => Filters::default(),
    })
}

/// pid 1 blocks SIGCHLD and Rust ignores SIGPIPE; programs expect neither.
fn reset_signals() {
    for number in Signal::iterator() {
        // SAFETY: the default action is no function of ours. KILL and STOP refuse, which is no matter.
        let _ = unsafe { signal(number, SigHandler::SigDfl) };
    }
    let _ = sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None);
}

/// In a mount namespace of this command alone.
fn read_only_root(writable: &[PathBuf]) -> Result<(), StepError> {
    let text = "make the root read-only for one command";
    unshare(CloneFlags::CLONE_NEWNS).step(SandboxStep::ReadOnly, text)?;
    let none = None::<&Path>;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)
        .step(SandboxStep::ReadOnly, text)?;
    for path in writable.iter().filter(|path| path.is_dir()) {
        // A mount of its own keeps its own state.
        let tree = crate::mounts::clone_tree(path, SandboxStep::ReadOnly)?;
        crate::mounts::attach_at(tree.as_fd(), path, SandboxStep::ReadOnly)?;
    }
    sys::mount_setattr(libc::AT_FDCWD, c"/", false, sys::ATTR_RDONLY)
        .step(SandboxStep::ReadOnly, text)
}

fn become_user(spec: &ContainerSpec, run: &RunPlan) -> Result<(), StepError> {
    let RunAs::Id { uid, gid } = run.user else {
        return Ok(());
    };
    if !spec.mode.has_ids() {
        return become_nested(uid, gid);
    }
    let (uid, gid) = (
        nix::unistd::Uid::from_raw(uid),
        nix::unistd::Gid::from_raw(gid),
    );
    let text = || format!("become uid {uid}, gid {gid}");
    give_pipes(uid, gid);
    nix::unistd::setgroups(&[]).step(SandboxStep::User, text())?;
    nix::unistd::setresgid(gid, gid, gid).step(SandboxStep::User, text())?;
    // The kernel takes all capabilities with the last uid 0.
    nix::unistd::setresuid(uid, uid, uid).step(SandboxStep::User, text())
}

/// Scripts write to `/dev/stderr`, which opens the pipe behind it anew, as its owner or not at all.
fn give_pipes(uid: nix::unistd::Uid, gid: nix::unistd::Gid) {
    /// linux/magic.h
    const PIPEFS: i64 = 0x5049_5045;
    for number in 0..CHANNEL {
        // SAFETY: the standard descriptors were put there by `arrange_descriptors`.
        let fd = unsafe { BorrowedFd::borrow_raw(number) };
        // Not a FIFO with a name, which is somebody's file.
        let is_pipe =
            nix::sys::statfs::fstatfs(fd).is_ok_and(|fs| fs.filesystem_type().0 == PIPEFS);
        if is_pipe {
            // One that came from further outside stays as it is.
            let _ = nix::unistd::fchown(fd, Some(uid), Some(gid));
        }
    }
}

/// One id only: a nested user namespace lets it be called differently. Capabilities over it end at exec.
fn become_nested(uid: u32, gid: u32) -> Result<(), StepError> {
    unshare(CloneFlags::CLONE_NEWUSER).step(SandboxStep::User, "make a nested user namespace")?;
    // Copied from pid 1, which hides itself; our own /proc files would belong to nobody.
    sys::prctl(libc::PR_SET_DUMPABLE, 1).step(SandboxStep::User, "open own id maps")?;
    for (file, text) in [
        ("setgroups", "deny".to_owned()),
        ("gid_map", format!("{gid} 0 1")),
        ("uid_map", format!("{uid} 0 1")),
    ] {
        let path = Path::new("/proc/self").join(file);
        std::fs::write(&path, &text).step_at(
            SandboxStep::User,
            format!("write `{text}` to"),
            &path,
        )?;
    }
    Ok(())
}

/// Takes three descriptors out of a message.
pub(crate) fn three(fds: Vec<OwnedFd>) -> Option<[OwnedFd; 3]> {
    fds.try_into().ok()
}

/// A second owner of the same open file.
pub(crate) fn again(fd: &OwnedFd) -> Result<OwnedFd, StepError> {
    let raw = fd.as_raw_fd();
    // SAFETY: plain integers on an open descriptor; the result is checked and is ours alone.
    let new = nix::errno::Errno::result(unsafe { libc::fcntl(raw, libc::F_DUPFD_CLOEXEC, 3) })
        .step(SandboxStep::Fork, "copy a descriptor")?;
    // SAFETY: just made by fcntl for us.
    Ok(unsafe { OwnedFd::from_raw_fd(new) })
}
