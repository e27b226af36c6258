//! What the host's root sees, and may write, of a container of its own: see [`crate::ContainerSpec::plain`].

use crate::error::{AtStep, SandboxStep, StepError};
use crate::ids::IdRange;
use crate::mounts::{attach_at, clone_tree};
use crate::{maps, sys};
use nix::fcntl::{OFlag, open as open_file};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::stat::Mode;
use nix::sys::wait::waitpid;
use nix::unistd::Pid;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

/// Opens the directories, while the host's tree is there.
pub(crate) fn open(
    plain: &[(PathBuf, PathBuf)],
    range: IdRange,
) -> Result<Vec<(OwnedFd, &Path)>, StepError> {
    if plain.is_empty() {
        return Ok(Vec::new());
    }
    let ids = namespace(range)?;
    plain
        .iter()
        .map(|(source, target)| {
            let tree = clone_tree(source, SandboxStep::Bind)?;
            sys::map_ids(tree.as_fd(), ids.as_fd(), false).step_at(
                SandboxStep::IdMapped,
                "map the ids of",
                source,
            )?;
            Ok((tree, target.as_path()))
        })
        .collect()
}

/// A user namespace for such maps, which nobody is in.
fn namespace(range: IdRange) -> Result<OwnedFd, StepError> {
    let step = SandboxStep::Namespaces;
    let (mut wait, go) = std::io::pipe().step(step, "make a pipe")?;
    // SAFETY: the monitor has one thread, and the child does nothing but wait.
    let pid = unsafe { sys::clone(libc::CLONE_NEWUSER) }.step(step, "make a user namespace")?;
    if pid == 0 {
        drop(go);
        let _ = wait.read(&mut [0]);
        sys::exit_now(0);
    }
    drop(wait);
    let path = PathBuf::from(format!("/proc/{pid}/ns/user"));
    let made = maps::write_plain(range, pid).and_then(|()| {
        let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC;
        open_file(&path, flags, Mode::empty()).step_at(step, "open", &path)
    });
    drop(go);
    let _ = waitpid(Pid::from_raw(pid), None);
    made
}

/// Attaches them in a copy of the container's mounts that is this process' alone. What is seen through that is no program of
/// the host's with somebody's rights, and no device.
pub(crate) fn attach(plain: Vec<(OwnedFd, &Path)>) -> Result<(), StepError> {
    let step = SandboxStep::Root;
    unshare(CloneFlags::CLONE_NEWNS).step(step, "copy the container's mounts")?;
    let none = None::<&Path>;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_SLAVE, none)
        .step(step, "cut mounts off from the container's")?;
    for (tree, target) in &plain {
        attach_at(tree.as_fd(), target, step)?;
    }
    let quiet = sys::ATTR_NOSUID | sys::ATTR_NODEV;
    sys::mount_setattr(libc::AT_FDCWD, c"/", true, quiet).step(step, "protect the view of the root")
}
