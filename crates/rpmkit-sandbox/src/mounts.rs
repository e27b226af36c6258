//! Binds, tmpfs and mounts at a second place.

use crate::error::{AtStep, SandboxStep, StepError};
use crate::sources::Sources;
use crate::spec::Mount;
use crate::{overlay, sys};
use nix::errno::Errno;
use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;

/// A mount of the caller's, opened where that must happen before the host's tree goes away.
pub(crate) enum PreparedMount<'a> {
    /// To be attached here.
    Detached(OwnedFd, &'a Path),
    /// To be cloned from one container path to another once both exist.
    Inner {
        source: &'a Path,
        target: &'a Path,
        read_only: bool,
    },
    /// An optional source that is not there.
    Nothing,
}

/// Opens the source of a mount.
pub(crate) fn prepare<'a>(
    mount: &'a Mount,
    sources: &mut Sources,
    held: &[OwnedFd],
) -> Result<PreparedMount<'a>, StepError> {
    match mount {
        Mount::Bind {
            source,
            target,
            read_only,
            optional,
        } => {
            let tree = sources.tree(source, *read_only, *optional, SandboxStep::Bind)?;
            Ok(tree.map_or(PreparedMount::Nothing, |tree| {
                PreparedMount::Detached(tree, target)
            }))
        }
        Mount::Inner {
            source,
            target,
            read_only,
        } => Ok(PreparedMount::Inner {
            source,
            target,
            read_only: *read_only,
        }),
        Mount::Tmpfs { target, mode, size } => {
            let mode = format!("{mode:o}");
            let size = size.map(|bytes| bytes.to_string());
            let mut options = vec![("mode", mode.as_str())];
            options.extend(size.as_deref().map(|size| ("size", size)));
            let fs = new_fs(
                c"tmpfs",
                &options,
                sys::ATTR_NOSUID | sys::ATTR_NODEV,
                SandboxStep::Tmpfs,
            )?;
            Ok(PreparedMount::Detached(fs, target))
        }
        Mount::Given {
            target,
            held: number,
        } => {
            let missing =
                || StepError::new(SandboxStep::Bind, "take the mount for", Errno::EBADF).at(target);
            let tree = held.get(*number).ok_or_else(missing)?;
            let tree = tree.try_clone().map_err(|_| missing())?;
            Ok(PreparedMount::Detached(tree, target))
        }
        Mount::Overlay { target, overlay } => Ok(PreparedMount::Detached(
            overlay::mount(overlay, sources)?,
            target,
        )),
    }
}

/// Attaches it; `/` is the container's root by now.
pub(crate) fn attach(mount: PreparedMount<'_>) -> Result<(), StepError> {
    match mount {
        PreparedMount::Nothing => Ok(()),
        PreparedMount::Detached(tree, target) => attach_at(tree.as_fd(), target, SandboxStep::Bind),
        PreparedMount::Inner {
            source,
            target,
            read_only,
        } => {
            let tree = clone_tree(source, SandboxStep::Bind)?;
            if read_only {
                make_read_only(tree.as_fd(), source)?;
            }
            attach_at(tree.as_fd(), target, SandboxStep::Bind)
        }
    }
}

/// A detached copy of the mount at a path with everything below it.
pub(crate) fn clone_tree(source: &Path, step: SandboxStep) -> Result<OwnedFd, StepError> {
    let path = sys::cstr(source).step_at(step, "use", source)?;
    sys::open_tree(
        libc::AT_FDCWD,
        &path,
        sys::OPEN_TREE_CLONE | sys::AT_RECURSIVE,
    )
    .step_at(step, "take a mount of", source)
}

pub(crate) fn make_read_only(tree: BorrowedFd<'_>, source: &Path) -> Result<(), StepError> {
    sys::mount_setattr(tree.as_raw_fd(), c"", true, sys::ATTR_RDONLY).step_at(
        SandboxStep::ReadOnly,
        "make read-only the mount of",
        source,
    )
}

/// A new detached file system. Its options are short strings.
pub(crate) fn new_fs(
    kind: &CStr,
    options: &[(&str, &str)],
    attrs: u64,
    step: SandboxStep,
) -> Result<OwnedFd, StepError> {
    let name = kind.to_string_lossy();
    let fs = sys::fsopen(kind).step(step, format!("open file system `{name}`"))?;
    for (key, value) in options {
        let set = sys::cstr(key).and_then(|key| {
            if value.is_empty() {
                return sys::fsconfig_flag(fs.as_fd(), &key);
            }
            sys::fsconfig_string(fs.as_fd(), &key, &sys::cstr(value)?)
        });
        set.map_err(|e| {
            StepError::new(step, format!("set `{key}={value}` of `{name}`"), e)
                .because(sys::context_log(fs.as_fd()))
        })?;
    }
    sys::fsconfig_create(fs.as_fd()).map_err(|e| {
        StepError::new(step, format!("make `{name}`"), e).because(sys::context_log(fs.as_fd()))
    })?;
    sys::fsmount(fs.as_fd(), attrs).map_err(|e| {
        StepError::new(step, format!("mount `{name}`"), e).because(sys::context_log(fs.as_fd()))
    })
}

/// Attaches a detached mount at a container path, making the mount point if it is missing.
pub(crate) fn attach_at(
    tree: BorrowedFd<'_>,
    target: &Path,
    step: SandboxStep,
) -> Result<(), StepError> {
    let path = sys::cstr(target).step_at(step, "use", target)?;
    match sys::move_mount(tree, &path) {
        Err(Errno::ENOENT) => {
            make_point(tree, target)?;
            sys::move_mount(tree, &path).step_at(step, "mount at", target)
        }
        // Linux says so when only one of the two is a directory.
        Err(Errno::ENOTDIR) => Err(StepError::new(step, "mount at", Errno::ENOTDIR)
            .at(target)
            .because("a directory can be mounted on a directory only, a file on a file")),
        other => other.step_at(step, "mount at", target),
    }
}

fn make_point(tree: BorrowedFd<'_>, target: &Path) -> Result<(), StepError> {
    let kind = nix::sys::stat::fstat(tree)
        .step_at(SandboxStep::MountPoint, "look at the source for", target)?
        .st_mode;
    if kind & libc::S_IFMT == libc::S_IFDIR {
        return make_dirs(target, MAX_LINKS);
    }
    if let Some(parent) = target.parent() {
        make_dirs(parent, MAX_LINKS)?;
    }
    std::fs::File::options()
        .create(true)
        .append(true)
        .open(target)
        .map(drop)
        .step_at(SandboxStep::MountPoint, "make the mount point", target)
}

/// The kernel's own limit for links in a path.
const MAX_LINKS: u32 = 40;

/// Makes a directory and its parents, also where a symbolic link points to nothing yet (`/var/run` before there is a `/run`).
fn make_dirs(dir: &Path, links: u32) -> Result<(), StepError> {
    if dir.is_dir() {
        return Ok(());
    }
    let parent = dir.parent().unwrap_or(Path::new("/"));
    make_dirs(parent, links)?;
    match std::fs::read_link(dir) {
        Ok(to) if links > 0 => make_dirs(&parent.join(to), links - 1),
        Ok(_) => Err(StepError::new(
            SandboxStep::MountPoint,
            "make the mount point",
            Errno::ELOOP,
        )
        .at(dir)),
        Err(_) => {
            std::fs::create_dir(dir).step_at(SandboxStep::MountPoint, "make the mount point", dir)
        }
    }
}
