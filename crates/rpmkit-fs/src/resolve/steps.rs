//! Path resolution by hand: one component at a time, none opened through a link.
//!
//! `..` is never given to the kernel: the directory above is reached from the root again, by the names
//! that led to it. So what others rename meanwhile can make this fail, never leave the tree.

use std::{
    ffi::{OsStr, OsString},
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::ffi::{OsStrExt, OsStringExt},
    },
    path::{Component, Path, PathBuf},
};

use rustix::{
    fs::{Mode, OFlags, mkdirat, openat, readlinkat},
    io::Errno,
};

use super::{Links, PLACE, ResolveStop};

/// Links followed before a path is called a loop; the kernel's own limit (path_resolution(7)).
const MAX_LINKS: usize = 40;

pub(super) fn open(
    root: BorrowedFd<'_>,
    path: &Path,
    flags: OFlags,
    links: Links,
) -> Result<OwnedFd, ResolveStop> {
    Ok(Steps::new(root, links, None).run(path, flags)?.0)
}

/// Opens the directory `path`, making what is missing with `mode` less the umask.
pub(crate) fn walk_making(
    root: BorrowedFd<'_>,
    path: &Path,
    links: Links,
    mode: Mode,
) -> Result<OwnedFd, ResolveStop> {
    Ok(Steps::new(root, links, Some(mode)).run(path, PLACE)?.0)
}

/// Where `path` leads, without any link in it, from the root.
pub(crate) fn real_path(
    root: BorrowedFd<'_>,
    path: &Path,
    links: Links,
) -> Result<PathBuf, ResolveStop> {
    Ok(Steps::new(root, links, None).run(path, OFlags::PATH)?.1)
}

/// Opens the directory that `path` names from `root`, no part of which may be a link. A path of any
/// length.
pub(crate) fn walk_down(
    root: BorrowedFd<'_>,
    path: &[u8],
    flags: OFlags,
) -> Result<OwnedFd, Errno> {
    let flags = flags | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut at: Option<OwnedFd> = None;
    let mut parts = path
        .split(|b| *b == b'/')
        .filter(|p| !p.is_empty())
        .peekable();
    while let Some(part) = parts.next() {
        let here = at.as_ref().map_or(root, AsFd::as_fd);
        let flags = if parts.peek().is_some() {
            PLACE | OFlags::NOFOLLOW
        } else {
            flags
        };
        at = Some(openat(here, part, flags, Mode::empty())?);
    }
    match at {
        Some(fd) => Ok(fd),
        None => openat(root, ".", flags, Mode::empty()),
    }
}

struct Steps<'a> {
    root: BorrowedFd<'a>,
    links: Links,
    /// Mode for missing directories, if they are to be made.
    make: Option<Mode>,
    /// Where we are; `None` at the root.
    at: Option<OwnedFd>,
    /// The same as names.
    inside: PathBuf,
    /// What is left to do, last first, and the number of the link each part came from.
    todo: Vec<(OsString, Option<usize>)>,
    /// Links followed, and where they point.
    followed: Vec<(PathBuf, PathBuf)>,
}

impl<'a> Steps<'a> {
    fn new(root: BorrowedFd<'a>, links: Links, make: Option<Mode>) -> Self {
        Self {
            root,
            links,
            make,
            at: None,
            inside: PathBuf::new(),
            todo: Vec::new(),
            followed: Vec::new(),
        }
    }

    fn run(mut self, path: &Path, flags: OFlags) -> Result<(OwnedFd, PathBuf), ResolveStop> {
        self.plan(path, None)?;
        while let Some((part, origin)) = self.todo.pop() {
            if part == ".." {
                self.up(origin)?;
                continue;
            }
            let last = self.todo.is_empty();
            match readlinkat(self.here(), &part, Vec::new()) {
                Ok(target) => {
                    let target = PathBuf::from(OsString::from_vec(target.into_bytes()));
                    let link = self.inside.join(&part);
                    if last && flags.contains(OFlags::NOFOLLOW) {
                        if !flags.contains(OFlags::PATH) || flags.contains(OFlags::DIRECTORY) {
                            return Err(ResolveStop::Link(link, Some(target)));
                        }
                    } else if self.links == Links::Never {
                        return Err(ResolveStop::Link(link, Some(target)));
                    } else {
                        if self.followed.len() == MAX_LINKS {
                            return Err(Errno::LOOP.into());
                        }
                        self.followed.push((link, target.clone()));
                        self.plan(&target, Some(self.followed.len() - 1))?;
                        continue;
                    }
                }
                Err(Errno::NOENT) if self.make.is_some() => {
                    match mkdirat(self.here(), &part, self.make.unwrap_or(Mode::RWXU)) {
                        Ok(()) | Err(Errno::EXIST) => {}
                        Err(e) => return Err(e.into()),
                    }
                }
                // No link.
                Err(Errno::INVAL) => {}
                Err(e) => return Err(e.into()),
            }
            let how = if last { flags } else { PLACE } | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let fd = openat(self.here(), &part, how, Mode::empty())?;
            self.inside.push(&part);
            if last {
                return Ok((fd, self.inside));
            }
            self.at = Some(fd);
        }
        let fd = openat(
            self.here(),
            ".",
            flags.difference(OFlags::NOFOLLOW) | OFlags::CLOEXEC,
            Mode::empty(),
        )?;
        Ok((fd, self.inside))
    }

    fn here(&self) -> BorrowedFd<'_> {
        self.at.as_ref().map_or(self.root, AsFd::as_fd)
    }

    /// Puts the parts of `path`, which came from link number `origin`, before what is left to do.
    fn plan(&mut self, path: &Path, origin: Option<usize>) -> Result<(), ResolveStop> {
        if path.is_absolute() {
            if self.links != Links::InRoot {
                return Err(self.leaves(origin));
            }
            self.at = None;
            self.inside = PathBuf::new();
        }
        let parts = path.components().rev().filter_map(|part| match part {
            Component::Normal(name) => Some((name.to_owned(), origin)),
            Component::ParentDir => Some((OsStr::from_bytes(b"..").to_owned(), origin)),
            _ => None,
        });
        self.todo.extend(parts);
        Ok(())
    }

    fn up(&mut self, origin: Option<usize>) -> Result<(), ResolveStop> {
        if !self.inside.pop() {
            if self.links == Links::InRoot {
                return Ok(());
            }
            return Err(self.leaves(origin));
        }
        let path = self.inside.as_os_str().as_bytes();
        self.at = if path.is_empty() {
            None
        } else {
            Some(walk_down(self.root, path, OFlags::PATH)?)
        };
        Ok(())
    }

    fn leaves(&self, origin: Option<usize>) -> ResolveStop {
        ResolveStop::Leaves(origin.and_then(|at| self.followed.get(at).cloned()))
    }
}
