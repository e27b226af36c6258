//! A root shown in the caller's own mount namespace, where it outlives the process: real root only.
//!
//! Everything else here mounts in namespaces of its own. This is for who looks into a chroot from outside, after the
//! command that worked in it has ended.

use crate::error::{AtStep, SandboxStep, StepError};
use crate::overlay::SOURCE;
use crate::sources::Sources;
use crate::spec::RootFs;
use crate::sys;
use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat};
use nix::mount::{MntFlags, umount2};
use nix::sys::stat::Mode;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

/// Mounts `root` on the existing directory `at`, and each of `binds` (a source, and a place below `at`) in it.
///
/// The root was written by whoever worked in it: no symbolic link of its is followed, and a place that is not a directory
/// there is left out. With `read_only` nothing can be written through the mounts.
pub fn present(
    root: &RootFs,
    binds: &[(PathBuf, PathBuf)],
    at: &Path,
    read_only: bool,
) -> Result<(), StepError> {
    let tree = match root {
        RootFs::Dir(dir) => crate::mounts::clone_tree(dir, SandboxStep::Root)?,
        RootFs::Overlay(overlay) => {
            // Old kernels need to be elsewhere while they mount; the caller must not notice.
            let here = std::env::current_dir();
            let mounted = crate::overlay::mount(overlay, &mut Sources::Paths);
            if let Ok(here) = here {
                let _ = std::env::set_current_dir(here);
            }
            mounted?
        }
    };
    protect(tree.as_fd(), at, read_only)?;
    let path = sys::cstr(at).step_at(SandboxStep::Root, "use", at)?;
    sys::move_mount(tree.as_fd(), &path).step_at(SandboxStep::Root, "mount at", at)?;
    for (source, place) in binds {
        if let Err(error) = bind(source, at, place, read_only) {
            let _ = umount2(at, MntFlags::MNT_DETACH);
            return Err(error);
        }
    }
    Ok(())
}

fn protect(tree: BorrowedFd<'_>, at: &Path, read_only: bool) -> Result<(), StepError> {
    // Set-uid programs of a chroot are none of this host.
    let mut set = sys::ATTR_NOSUID | sys::ATTR_NODEV;
    if read_only {
        set |= sys::ATTR_RDONLY;
    }
    sys::mount_setattr(tree.as_raw_fd(), c"", true, set).step_at(
        SandboxStep::ReadOnly,
        "protect the mount at",
        at,
    )
}

fn bind(source: &Path, at: &Path, place: &Path, read_only: bool) -> Result<(), StepError> {
    let Some(dir) = below(at, place)? else {
        return Ok(());
    };
    let tree = crate::mounts::clone_tree(source, SandboxStep::Bind)?;
    protect(tree.as_fd(), source, read_only)?;
    let target = format!("/proc/self/fd/{}", dir.as_raw_fd());
    let name = sys::cstr(&target).step_at(SandboxStep::Bind, "use", place)?;
    sys::move_mount(tree.as_fd(), &name).step_at(SandboxStep::Bind, "mount at", &at.join(place))
}

/// Opens a directory below `at` without following a link; `None` when there is no such directory.
fn below(at: &Path, place: &Path) -> Result<Option<OwnedFd>, StepError> {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let mut dir = open(at, flags, Mode::empty()).step_at(SandboxStep::MountPoint, "open", at)?;
    for part in place.components() {
        let Component::Normal(name) = part else {
            continue;
        };
        match openat(&dir, name, flags, Mode::empty()) {
            Ok(next) => dir = next,
            Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP) => return Ok(None),
            Err(e) => return Err(e).step_at(SandboxStep::MountPoint, "open", &at.join(place)),
        }
    }
    Ok(Some(dir))
}

/// Whether something is mounted right at `path`, which need not exist.
pub fn is_presented(path: &Path) -> bool {
    sys::is_mount_root(path).unwrap_or(false)
}

/// Whether the mount right at `path` is an overlay of ours, whoever made it.
pub fn is_ours(path: &Path) -> bool {
    let table = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    // Blanks and the like in paths are written as octal escapes, which no mount point of ours needs to have.
    let here = path.to_string_lossy();
    let line = table
        .lines()
        .rfind(|line| line.split(' ').nth(4) == Some(&*here));
    let source = SOURCE.to_string_lossy();
    line.and_then(|line| line.split_once(" - "))
        .is_some_and(|(_, fs)| fs.split(' ').take(2).eq(["overlay", &*source]))
}

/// Takes off what [`present`] mounted. With `lazily` whoever still looks into it keeps what they have open; without, they
/// make it fail (EBUSY), and everything is still mounted then.
pub fn withdraw(at: &Path, binds: &[PathBuf], lazily: bool) -> Result<(), StepError> {
    if lazily {
        let flags = MntFlags::MNT_DETACH | MntFlags::UMOUNT_NOFOLLOW;
        return umount2(at, flags).step_at(SandboxStep::Root, "unmount", at);
    }
    let mut off = Vec::new();
    let taken = binds.iter().try_for_each(|place| {
        let dir = at.join(place.strip_prefix("/").unwrap_or(place));
        if !is_presented(&dir) {
            return Ok(());
        }
        let again = crate::mounts::clone_tree(&dir, SandboxStep::Bind)?;
        umount2(&dir, MntFlags::UMOUNT_NOFOLLOW).step_at(SandboxStep::Bind, "unmount", &dir)?;
        off.push((again, dir));
        Ok(())
    });
    let taken = taken.and_then(|()| {
        umount2(at, MntFlags::UMOUNT_NOFOLLOW).step_at(SandboxStep::Root, "unmount", at)
    });
    if taken.is_err() {
        for (again, dir) in off {
            // The directory has just been a mount point; nothing better can be done if it fails.
            if let Ok(path) = sys::cstr(&dir) {
                let _ = sys::move_mount(again.as_fd(), &path);
            }
        }
    }
    taken
}
