//! Opening a path below a directory so that it cannot lead out of it.
//!
//! The kernel does it in one call, openat2(2) (Linux 5.6). Where that is missing, or a seccomp filter
//! that does not know it answers EPERM (docker before 20.10), [`steps`] does the same by hand.

mod named;
mod steps;

use std::{
    fs::File,
    os::{
        fd::{BorrowedFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::{Component, Path, PathBuf},
    sync::atomic::{AtomicU8, Ordering},
};

use rustix::{
    fs::{CWD, Mode, OFlags, ResolveFlags, openat, openat2},
    io::Errno,
};

pub(crate) use named::open_named;
pub(crate) use steps::{real_path, walk_down, walk_making};

/// Which symbolic links of a tree are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Links {
    /// Those that stay in the tree. An absolute link leaves it: for checkouts and archives, whose
    /// links speak of the machine they are on.
    Beneath,
    /// All, with `/` and `..` of the tree's root leading to that root: for chroots, whose links speak
    /// of the chroot.
    InRoot,
    /// None at all, in no part of a path.
    Never,
}

/// Why a path was not opened.
#[derive(Debug)]
pub(crate) enum ResolveStop {
    Errno(Errno),
    /// With the link that leads out and its target; paths from the tree's root.
    Leaves(Option<(PathBuf, PathBuf)>),
    /// A link where none is followed.
    Link(PathBuf, Option<PathBuf>),
}

impl From<Errno> for ResolveStop {
    fn from(error: Errno) -> Self {
        Self::Errno(error)
    }
}

/// Flags with which a directory is opened to be listed and to name things in.
pub(crate) const LIST: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);
/// Flags with which a directory is opened only to name things in.
pub(crate) const PLACE: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// Longest path the kernel takes, with its NUL (path_resolution(7)).
const PATH_MAX: usize = 4096;

/// Opens `path`, which may be empty for `root` itself. `flags` never create.
pub(crate) fn open(
    root: BorrowedFd<'_>,
    path: &Path,
    flags: OFlags,
    links: Links,
    stepwise: bool,
) -> Result<OwnedFd, ResolveStop> {
    let flags = flags | OFlags::CLOEXEC;
    let path = trimmed(path);
    let resolve = match links {
        Links::Beneath => ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS,
        Links::InRoot => ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS,
        Links::Never => ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS,
    };
    let by_hand = || steps::open(root, path, flags, links);
    if stepwise || KERNEL.load(Ordering::Relaxed) == ABSENT {
        return by_hand();
    }
    // The kernel gives up with EAGAIN when something was renamed while it followed a `..`.
    for _ in 0..16 {
        match openat2(root, path, flags, Mode::empty(), resolve) {
            Ok(fd) => return Ok(fd),
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(Errno::NOSYS | Errno::PERM) if !kernel_can() => return by_hand(),
            Err(Errno::NAMETOOLONG) if path.as_os_str().len() >= PATH_MAX => return by_hand(),
            // The kernel does not say which link it was.
            Err(e @ (Errno::XDEV | Errno::LOOP)) => {
                return Err(match by_hand() {
                    Err(stop @ (ResolveStop::Leaves(_) | ResolveStop::Link(..))) => stop,
                    _ if e == Errno::XDEV => ResolveStop::Leaves(None),
                    _ => ResolveStop::Errno(e),
                });
            }
            Err(e) => return Err(ResolveStop::Errno(e)),
        }
    }
    by_hand()
}

/// With a `/` at its end the kernel would follow a link in spite of `O_NOFOLLOW`.
fn trimmed(path: &Path) -> &Path {
    let mut bytes = path.as_os_str().as_bytes();
    while let [rest @ .., b'/'] = bytes
        && !rest.is_empty()
    {
        bytes = rest;
    }
    if bytes.is_empty() {
        return Path::new(".");
    }
    Path::new(std::ffi::OsStr::from_bytes(bytes))
}

/// Opens a directory of ours wherever links of ours lead; `path` itself stays below `root`.
pub(crate) fn open_ours(root: BorrowedFd<'_>, path: &Path) -> Result<OwnedFd, ResolveStop> {
    let down = |part| matches!(part, Component::Normal(_) | Component::CurDir);
    if !path.components().all(down) {
        return Err(ResolveStop::Leaves(None));
    }
    Ok(openat(root, trimmed(path), PLACE, Mode::empty())?)
}

const UNKNOWN: u8 = 0;
const PRESENT: u8 = 1;
const ABSENT: u8 = 2;

/// Whether the kernel has openat2 and lets us use it.
static KERNEL: AtomicU8 = AtomicU8::new(UNKNOWN);

fn kernel_can() -> bool {
    if KERNEL.load(Ordering::Relaxed) == UNKNOWN {
        let tried = openat2(CWD, ".", PLACE, Mode::empty(), ResolveFlags::NO_MAGICLINKS);
        let absent = matches!(tried, Err(Errno::NOSYS | Errno::PERM));
        KERNEL.store(if absent { ABSENT } else { PRESENT }, Ordering::Relaxed);
    }
    KERNEL.load(Ordering::Relaxed) == PRESENT
}

/// Opens directory `name` in `dir` to list it, unless something is mounted on it.
pub(crate) fn open_same_mount(
    dir: BorrowedFd<'_>,
    name: &std::ffi::OsStr,
    stepwise: bool,
) -> Result<OwnedFd, Errno> {
    if !stepwise && KERNEL.load(Ordering::Relaxed) != ABSENT {
        let resolve = ResolveFlags::NO_XDEV | ResolveFlags::NO_SYMLINKS | ResolveFlags::BENEATH;
        match openat2(dir, name, LIST, Mode::empty(), resolve) {
            Err(Errno::NOSYS | Errno::PERM) if !kernel_can() => {}
            other => return other,
        }
    }
    use rustix::fs::{AtFlags, StatxAttributes, StatxFlags, fstat, statx};
    let fd = openat(dir, name, LIST, Mode::empty())?;
    let mounted = statx(&fd, "", AtFlags::EMPTY_PATH, StatxFlags::BASIC_STATS)
        .is_ok_and(|stat| stat.stx_attributes.contains(StatxAttributes::MOUNT_ROOT));
    if mounted || fstat(&fd)?.st_dev != fstat(dir)?.st_dev {
        return Err(Errno::XDEV);
    }
    Ok(fd)
}

/// Opens `.` of a place, with rights to read.
pub(crate) fn reopen(place: BorrowedFd<'_>) -> Result<File, Errno> {
    openat(place, ".", LIST, Mode::empty()).map(File::from)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::{ffi::OsStr, os::fd::AsFd};

    #[test]
    fn mounts_are_told_from_directories() {
        let root = openat(CWD, "/", PLACE, Mode::empty()).unwrap();
        for stepwise in [false, true] {
            let open = |name| open_same_mount(root.as_fd(), OsStr::new(name), stepwise);
            assert_eq!(open("proc").unwrap_err(), Errno::XDEV);
            assert!(open("usr").is_ok());
            assert_eq!(open("none").unwrap_err(), Errno::NOENT);
        }
    }
}
