//! The first thing done in a new mount namespace: nothing mounted in it may come out again.

use crate::error::{AtStep, SandboxStep, StepError};
use crate::{mounts, sys};
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, setns};
use nix::sys::stat::Mode;
use nix::unistd::{chdir, fchdir};
use std::path::Path;

const ACTION: &str = "cut mounts off from the host's";

/// Cuts this namespace's mounts off from the host's, and makes `/` a mount if it was none.
pub(crate) fn cut_off() -> Result<(), StepError> {
    match make_slave() {
        // The kernel's word for a root that is no mount: somebody did `chroot` into a plain directory.
        Err(Errno::EINVAL) => leave_chroot(),
        other => other.step(SandboxStep::FirstMount, ACTION),
    }
}

/// Slave, not private: the host can still unmount things we hold copies of. Nothing of ours goes back.
fn make_slave() -> nix::Result<()> {
    let none = None::<&Path>;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_SLAVE, none)
}

/// Makes the directory we were put into by `chroot` this namespace's root. It is not enough to bind it over itself: what lies
/// above it would stay in the namespace, and be reached by container root with the old trick of a second `chroot`.
fn leave_chroot() -> Result<(), StepError> {
    let step = SandboxStep::FirstMount;
    let directory = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let here = open("/", directory, Mode::empty()).step(step, "open `/`")?;
    // Entering the namespace we are in leads to its own root. Without /proc, which need not be there.
    let own = sys::pidfd_open(nix::unistd::getpid().as_raw()).step(step, "name this process")?;
    setns(own, CloneFlags::CLONE_NEWNS).step(step, "leave the chroot around us")?;
    make_slave().step(step, ACTION)?;
    fchdir(&here).step(step, "return to the chroot")?;
    let tree = mounts::clone_tree(Path::new("."), step)?;
    sys::move_mount(std::os::fd::AsFd::as_fd(&tree), c".")
        .step(step, "bind the chroot on itself")?;
    fchdir(&tree).step(step, "enter the chroot's mount")?;
    sys::pivot_here().step(step, "make the chroot a root of its own")?;
    umount2(".", MntFlags::MNT_DETACH).step(step, "let go of what is around the chroot")?;
    chdir("/").step(step, "enter the chroot")
}
