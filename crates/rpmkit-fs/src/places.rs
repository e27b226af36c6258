//! The two kinds of directories.

use std::{
    fs::DirBuilder,
    ops::Deref,
    os::{fd::AsFd, unix::fs::DirBuilderExt},
    path::{Path, PathBuf},
};

use rustix::io::Errno;

use crate::{
    Dir, FsError, Links, Result,
    resolve::{PLACE, ResolveStop, open_named, open_ours},
};

/// A directory of ours: only we, the user or the administrator write in it.
///
/// A link that leads out of it is followed on the way to it ([`Self::open`]) and to a directory in it
/// ([`Self::dir`]), since it was one of those who moved things elsewhere. Nowhere else, since foreign
/// trees get copied into directories of ours. A directory that others write in as well (`/tmp`) will do
/// for [`TempDir`](crate::TempDir).
#[derive(Debug)]
pub struct HostDir(Dir);

impl Deref for HostDir {
    type Target = Dir;

    fn deref(&self) -> &Dir {
        &self.0
    }
}

impl HostDir {
    /// The directory at `path`, which is taken as the host takes it, but that root takes no link of another user's on the way.
    ///
    /// # Errors
    /// When it is not there or no directory.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        Ok(Self(ambient(path.into(), Links::Beneath)?))
    }

    /// The directory at `path`, made with `mode` less the umask where it is missing, with all above it.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn create(path: impl Into<PathBuf>, mode: u32) -> Result<Self> {
        let path = path.into();
        DirBuilder::new()
            .recursive(true)
            .mode(mode)
            .create(&path)
            .map_err(|source| FsError::Io {
                action: "create the directory",
                path: path.clone(),
                source,
            })?;
        Self::open(path)
    }

    /// Its path on the host.
    pub fn path(&self) -> &Path {
        &self.0.shown
    }

    /// A directory of ours in this one, or where links of ours lead from here.
    ///
    /// # Errors
    /// As [`Self::open`], and when `path` is absolute or has `..` in it.
    pub fn dir(&self, path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let fd = open_ours(self.0.fd.as_fd(), path).map_err(|e| self.0.stop("open", path, e))?;
        Ok(Self(self.0.sibling(fd, self.0.show(path))))
    }

    /// A directory in this one that others fill. It must not be a link itself.
    ///
    /// # Errors
    /// When it is not there, a link or no directory.
    pub fn tree(&self, path: impl AsRef<Path>, links: Links) -> Result<UntrustedTree> {
        let path = path.as_ref();
        let fd = self.0.open_dir_itself(path)?;
        let mut dir = self.0.sibling(fd, self.0.show(path));
        dir.links = links;
        Ok(UntrustedTree(dir))
    }

    pub(crate) fn from_dir(dir: Dir) -> Self {
        Self(dir)
    }
}

/// A tree that somebody else made or still changes: a checkout, a build, an unpacked archive, a chroot,
/// a result directory that other users write in.
///
/// No path given to it and no link in it leads out of it.
#[derive(Debug)]
pub struct UntrustedTree(Dir);

impl Deref for UntrustedTree {
    type Target = Dir;

    fn deref(&self) -> &Dir {
        &self.0
    }
}

impl UntrustedTree {
    /// The tree at `path`, which the user named: links on the way to it are followed, by root those that root has made; only
    /// what is below is foreign.
    ///
    /// # Errors
    /// When it is not there or no directory.
    pub fn open(path: impl Into<PathBuf>, links: Links) -> Result<Self> {
        Ok(Self(ambient(path.into(), links)?))
    }

    /// Part of this tree as a tree of its own: what leads out of the part is refused, too.
    ///
    /// # Errors
    /// When it is not there or no directory.
    pub fn subtree(&self, path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let fd = self.0.open("open", path, PLACE)?;
        Ok(Self(self.0.sibling(fd, self.0.show(path))))
    }

    /// The same tree with another rule about links.
    ///
    /// # Errors
    /// When there are no more descriptors.
    pub fn with_links(&self, links: Links) -> Result<Self> {
        let fd = self.0.open("open", Path::new(""), PLACE)?;
        let mut dir = self.0.sibling(fd, self.0.shown.clone());
        dir.links = links;
        Ok(Self(dir))
    }

    /// The same tree as if nothing in it, at any depth, were called `name`: a path or link that leads to
    /// or through such a thing is refused, walks and listings pass it over. For reading: what is made
    /// is only checked for its own name, and what is removed goes whole.
    #[must_use]
    pub fn without(mut self, name: &'static str) -> Self {
        self.0.without = Some(name);
        self
    }

    /// Resolves paths by hand from now on, as on a kernel without openat2(2).
    #[must_use]
    pub fn without_openat2(mut self) -> Self {
        self.0.stepwise = true;
        self
    }
}

fn ambient(shown: PathBuf, links: Links) -> Result<Dir> {
    let path = if shown.as_os_str().is_empty() {
        Path::new(".")
    } else {
        &shown
    };
    let fd = open_named(path).map_err(|stop| match stop {
        ResolveStop::Link(path, target) => FsError::Link { path, target },
        ResolveStop::Errno(e) => FsError::io("open", &shown, e),
        ResolveStop::Leaves(_) => FsError::io("open", &shown, Errno::XDEV),
    })?;
    Ok(Dir {
        fd,
        shown,
        links,
        stepwise: false,
        without: None,
    })
}
