//! A directory by descriptor, and what is common to ours and to foreign ones.

use std::{
    ffi::OsStr,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::{Component, Path, PathBuf},
};

use rustix::{
    fs::{AtFlags, OFlags, fstat, readlinkat, statat},
    io::Errno,
};

use crate::{
    EntryKind, FsError, Links, Meta, Result,
    resolve::{self, PLACE, ResolveStop},
};

/// What a [`HostDir`](crate::HostDir) and an [`UntrustedTree`](crate::UntrustedTree) can both do.
///
/// Paths are relative to it; how links in them are followed is the directory's own rule. The last
/// part of a path that is written, renamed, removed or dated is never followed.
#[derive(Debug)]
pub struct Dir {
    pub(crate) fd: OwnedFd,
    /// As the person knows it.
    pub(crate) shown: PathBuf,
    pub(crate) links: Links,
    /// Not to use openat2.
    pub(crate) stepwise: bool,
    /// A name that counts as not there.
    pub(crate) without: Option<&'static str>,
}

/// A directory to name something in.
pub(crate) enum NamedIn<'a> {
    Here(BorrowedFd<'a>),
    Below(OwnedFd),
}

impl AsFd for NamedIn<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Here(fd) => *fd,
            Self::Below(fd) => fd.as_fd(),
        }
    }
}

impl NamedIn<'_> {
    pub fn into_owned(self) -> std::io::Result<OwnedFd> {
        match self {
            Self::Here(fd) => fd.try_clone_to_owned(),
            Self::Below(fd) => Ok(fd),
        }
    }
}

impl AsFd for Dir {
    /// Opened with `O_PATH`: good for naming things in it, not for listing.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Dir {
    /// Its path as it was given.
    pub fn shown(&self) -> &Path {
        &self.shown
    }

    /// `path` as the person knows it.
    pub fn show(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = path.as_ref();
        let inside = path.strip_prefix("/").unwrap_or(path);
        if inside.as_os_str().is_empty() || inside == Path::new(".") {
            return self.shown.clone();
        }
        self.shown.join(inside)
    }

    /// What `path` is, links followed.
    ///
    /// # Errors
    /// When nothing is there, or a link leaves the tree.
    pub fn stat(&self, path: impl AsRef<Path>) -> Result<Meta> {
        let path = path.as_ref();
        let fd = self.open("look at", path, OFlags::PATH)?;
        self.stat_fd(&fd, path)
    }

    /// What `path` is; a link at its end is not followed.
    ///
    /// # Errors
    /// As [`Self::stat`].
    pub fn lstat(&self, path: impl AsRef<Path>) -> Result<Meta> {
        let path = path.as_ref();
        if is_this(path) {
            return self.stat_fd(&self.fd, path);
        }
        let (place, name) = self.place("look at", path)?;
        statat(place, name, AtFlags::SYMLINK_NOFOLLOW)
            .map(Meta::new)
            .map_err(|e| FsError::io("look at", self.show(path), e))
    }

    /// [`Self::lstat`], or `None` where nothing of that name is.
    ///
    /// # Errors
    /// When that cannot be told.
    pub fn lstat_if_there(&self, path: impl AsRef<Path>) -> Result<Option<Meta>> {
        match self.lstat(path) {
            Err(e) if e.is_not_found() => Ok(None),
            other => other.map(Some),
        }
    }

    /// Whether `path` leads to something, links followed. A link to nothing does not.
    ///
    /// # Errors
    /// When that cannot be told, or a link leaves the tree.
    pub fn exists(&self, path: impl AsRef<Path>) -> Result<bool> {
        match self.stat(path) {
            Ok(_) => Ok(true),
            Err(e) if e.is_not_found() => Ok(false),
            Err(e) if e.os_error() == Some(Errno::NOTDIR.raw_os_error()) => Ok(false),
            Err(e) => Err(e),
        }
    }

    /// Where the link `path` points, as it is written there.
    ///
    /// # Errors
    /// When it is no link.
    pub fn read_link(&self, path: impl AsRef<Path>) -> Result<PathBuf> {
        let path = path.as_ref();
        let (place, name) = self.place("read the link", path)?;
        match readlinkat(&place, name, Vec::new()) {
            Ok(target) => Ok(PathBuf::from(OsStr::from_bytes(target.as_bytes()))),
            Err(Errno::INVAL) => {
                let stat = statat(&place, name, AtFlags::SYMLINK_NOFOLLOW)
                    .map_err(|e| FsError::io("look at", self.show(path), e))?;
                Err(FsError::Kind {
                    path: self.show(path),
                    found: Meta::new(stat).kind(),
                    expected: EntryKind::Link,
                })
            }
            Err(e) => Err(FsError::io("read the link", self.show(path), e)),
        }
    }

    /// Where `path` leads, relative to this directory and without any link in it. True at the time of
    /// the call only: open what is meant through this directory, not through the path.
    ///
    /// # Errors
    /// As [`Self::stat`].
    pub fn real_path(&self, path: impl AsRef<Path>) -> Result<PathBuf> {
        self.resolved("look at", path.as_ref())
    }

    fn resolved(&self, action: &'static str, path: &Path) -> Result<PathBuf> {
        let real = resolve::real_path(self.fd.as_fd(), path, self.links)
            .map_err(|e| self.stop(action, path, e))?;
        self.check_names(path, &real)?;
        Ok(real)
    }

    /// Whether a name counts as not there.
    pub(crate) fn leaves_out(&self, name: &OsStr) -> bool {
        self.without.is_some_and(|without| name == without)
    }

    /// `real` is where `path` leads.
    fn check_names(&self, path: &Path, real: &Path) -> Result<()> {
        if self.without.is_some() && real.iter().any(|name| self.leaves_out(name)) {
            return Err(FsError::LeftOut {
                path: self.show(path),
                name: self.without.unwrap_or_default(),
            });
        }
        Ok(())
    }

    /// Opens with this directory's rule about links.
    pub(crate) fn open(&self, action: &'static str, path: &Path, flags: OFlags) -> Result<OwnedFd> {
        if self.without.is_some() {
            // What was looked at is what is opened: no link is followed a second time.
            let real = self.resolved(action, path)?;
            return resolve::open(self.fd.as_fd(), &real, flags, Links::Never, self.stepwise)
                .map_err(|e| self.stop(action, path, e));
        }
        resolve::open(self.fd.as_fd(), path, flags, self.links, self.stepwise)
            .map_err(|e| self.stop(action, path, e))
    }

    /// The directory the last part of `path` is in, and that part.
    pub(crate) fn place<'a>(
        &'a self,
        action: &'static str,
        path: &'a Path,
    ) -> Result<(NamedIn<'a>, &'a OsStr)> {
        let name = match path.components().next_back() {
            Some(Component::Normal(name)) => name,
            _ => {
                return Err(FsError::Name {
                    path: self.show(path),
                    reason: "it does not end in a name",
                });
            }
        };
        let parent = path.parent().unwrap_or(Path::new(""));
        self.check_names(path, Path::new(name))?;
        let place = if parent.as_os_str().is_empty() {
            NamedIn::Here(self.fd.as_fd())
        } else if self.without.is_some() {
            NamedIn::Below(self.open(action, parent, PLACE)?)
        } else {
            let fd = resolve::open(self.fd.as_fd(), parent, PLACE, self.links, self.stepwise);
            NamedIn::Below(fd.map_err(|e| self.stop(action, path, e))?)
        };
        Ok((place, name))
    }

    pub(crate) fn stat_fd(&self, fd: impl AsFd, path: &Path) -> Result<Meta> {
        fstat(fd)
            .map(Meta::new)
            .map_err(|e| FsError::io("look at", self.show(path), e))
    }

    pub(crate) fn stop(&self, action: &'static str, path: &Path, stop: ResolveStop) -> FsError {
        let path = self.show(path);
        match stop {
            ResolveStop::Errno(error) => FsError::io(action, path, error),
            ResolveStop::Leaves(link) => FsError::Leaves {
                path,
                tree: self.shown.clone(),
                link: link.map(|(link, target)| (self.shown.join(link), target)),
            },
            ResolveStop::Link(link, target) => FsError::Link {
                path: self.shown.join(link),
                target,
            },
        }
    }

    pub(crate) fn sibling(&self, fd: OwnedFd, shown: PathBuf) -> Self {
        Self {
            fd,
            shown,
            links: self.links,
            stepwise: self.stepwise,
            without: self.without,
        }
    }
}

/// Whether a path names the directory it is relative to.
pub(crate) fn is_this(path: &Path) -> bool {
    path.components()
        .all(|part| matches!(part, Component::CurDir | Component::RootDir))
}
