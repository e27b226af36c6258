//! Walking a tree.

use std::{
    ffi::OsStr,
    fs::File,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::{Path, PathBuf},
};

use rustix::{
    fs::{AtFlags, Mode, OFlags, openat, readlinkat, statat},
    io::Errno,
};

use crate::{
    Dir, EntryKind, FsError, Meta, Result,
    names::Names,
    read::{kind_of, meta_of},
    resolve::{LIST, open_same_mount},
    stack::DirStack,
};

/// How a tree is walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WalkOptions {
    /// Most entries in all; one more ends the walk with an error. Ten million unless set.
    pub max_entries: u64,
    /// How deep to go: 1 is the directory's own entries. No bound unless set.
    pub max_depth: usize,
    /// Whether each directory's names come sorted by their bytes. Yes unless set.
    pub sorted: bool,
    /// Whether to go into what is mounted in the tree. No unless set: it is reported instead.
    pub cross_mounts: bool,
}

impl Default for WalkOptions {
    fn default() -> Self {
        Self {
            max_entries: 10_000_000,
            max_depth: usize::MAX,
            sorted: true,
            cross_mounts: false,
        }
    }
}

/// A walk through a tree of any depth, each directory before what is in it. No link is followed.
///
/// Not an [`Iterator`], since an [`WalkEntry`] borrows from it:
/// `while let Some(entry) = walk.next() { … }`. An error is about one entry, and the walk goes on after
/// it.
pub struct Walk<'d> {
    tree: &'d Dir,
    /// Where the walk starts, below the tree.
    start: PathBuf,
    options: WalkOptions,
    stack: DirStack<Listing>,
    buffer: Vec<u8>,
    /// Listings to be used again.
    spare: Vec<Names>,
    seen: u64,
    /// The last entry is a directory that is to be gone into.
    descend: bool,
    kind: EntryKind,
}

#[derive(Default)]
struct Listing {
    names: Names,
    next: usize,
}

impl Dir {
    /// Walks what is in directory `path`; links on the way there are followed.
    ///
    /// # Errors
    /// When it cannot be listed.
    pub fn walk(&self, path: impl AsRef<Path>, options: WalkOptions) -> Result<Walk<'_>> {
        let path = path.as_ref();
        let fd = self.open("list", path, LIST.difference(OFlags::NOFOLLOW))?;
        let mut walk = Walk {
            tree: self,
            start: path.to_owned(),
            options,
            stack: DirStack::new(),
            buffer: Vec::new(),
            spare: Vec::new(),
            seen: 0,
            descend: false,
            kind: EntryKind::Dir,
        };
        walk.enter(fd)?;
        Ok(walk)
    }
}

impl Walk<'_> {
    /// The next entry.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Option<Result<WalkEntry<'_>>> {
        match self.advance()? {
            Err(error) => Some(Err(error)),
            Ok(()) => {
                let dir = self.stack.top()?;
                Some(Ok(WalkEntry {
                    tree: self.tree,
                    start: &self.start,
                    dir,
                    path: self.stack.path(),
                    name: self.stack.name(),
                    kind: self.kind,
                    depth: self.stack.len(),
                }))
            }
        }
    }

    /// Does not go into the directory last given.
    pub fn skip(&mut self) {
        self.descend = false;
    }

    fn advance(&mut self) -> Option<Result<()>> {
        if std::mem::take(&mut self.descend)
            && let Err(error) = self.go_down()
        {
            return Some(Err(error));
        }
        loop {
            let listing = self.stack.data()?;
            let at = listing.next;
            listing.next += 1;
            // Out of the stack for a moment, so that the name can be pointed at.
            let names = std::mem::take(&mut listing.names);
            let found = names.get(at).map(|(name, kind)| {
                self.stack.point(name);
                kind
            });
            if let Some(listing) = self.stack.data() {
                listing.names = names;
            }
            let Some(kind) = found else {
                let (done, found) = self.stack.pop();
                if let Some(mut done) = done {
                    done.names.clear();
                    self.spare.push(done.names);
                }
                if !found {
                    let path = self.shown(self.stack.top_path());
                    if let Some(listing) = self.stack.data() {
                        listing.next = usize::MAX / 2;
                    }
                    return Some(Err(FsError::Changed { path }));
                }
                continue;
            };
            self.seen += 1;
            if self.seen > self.options.max_entries {
                self.stack = DirStack::new();
                return Some(Err(FsError::TooMany {
                    path: self.shown(Path::new("")),
                    limit: self.options.max_entries,
                }));
            }
            self.kind = match (kind, self.stack.top()) {
                (EntryKind::Unknown, Some(dir)) => match kind_of(dir, self.stack.name()) {
                    // Removed meanwhile.
                    Err(Errno::NOENT) => continue,
                    Err(e) => {
                        let path = self.shown(self.stack.path());
                        return Some(Err(FsError::io("look at", path, e)));
                    }
                    Ok(kind) => kind,
                },
                (kind, _) => kind,
            };
            self.descend = self.kind == EntryKind::Dir && self.stack.len() < self.options.max_depth;
            return Some(Ok(()));
        }
    }

    fn go_down(&mut self) -> Result<()> {
        let Some(dir) = self.stack.top() else {
            return Ok(());
        };
        let name = self.stack.name();
        let opened = if self.options.cross_mounts {
            openat(dir, name, LIST, Mode::empty())
        } else {
            open_same_mount(dir, name, self.tree.stepwise)
        };
        match opened {
            Ok(fd) => self.enter(fd),
            Err(Errno::NOENT) => Ok(()),
            Err(Errno::XDEV) => Err(FsError::Mount {
                path: self.shown(self.stack.path()),
            }),
            // A link or file has taken its place: it is not what was listed.
            Err(Errno::LOOP | Errno::NOTDIR) => Err(FsError::Changed {
                path: self.shown(self.stack.path()),
            }),
            Err(e) => Err(FsError::io("list", self.shown(self.stack.path()), e)),
        }
    }

    /// Reads the names of the directory pointed at and makes it the deepest.
    fn enter(&mut self, fd: OwnedFd) -> Result<()> {
        let meta =
            meta_of(&fd).map_err(|e| FsError::io("look at", self.shown(self.stack.path()), e))?;
        let mut names = self.spare.pop().unwrap_or_default();
        let room = usize::try_from(self.options.max_entries - self.seen).unwrap_or(usize::MAX);
        let read = names.read(
            fd.as_fd(),
            &mut self.buffer,
            room.saturating_add(1),
            |name| self.tree.leaves_out(name),
        );
        if self.options.sorted {
            names.sort();
        }
        // What could be read counts even if there was an error.
        self.stack.push(fd, &meta, Listing { names, next: 0 });
        read.map(drop)
            .map_err(|e| FsError::io("list", self.shown(self.stack.path()), e))
    }

    fn shown(&self, path: &Path) -> PathBuf {
        self.tree.show(self.start.join(path))
    }
}

/// What a [`Walk`] came to.
pub struct WalkEntry<'w> {
    tree: &'w Dir,
    start: &'w Path,
    dir: BorrowedFd<'w>,
    path: &'w Path,
    name: &'w OsStr,
    kind: EntryKind,
    depth: usize,
}

impl<'w> WalkEntry<'w> {
    /// Path from where the walk started. May be longer than the kernel takes.
    pub fn path(&self) -> &'w Path {
        self.path
    }

    /// Its name.
    pub fn name(&self) -> &'w OsStr {
        self.name
    }

    /// What it is, as the directory says.
    pub fn kind(&self) -> EntryKind {
        self.kind
    }

    /// 1 for what is directly where the walk started.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Its path as the person knows it.
    pub fn shown(&self) -> PathBuf {
        self.tree.show(self.start.join(self.path))
    }

    /// The directory it is in.
    pub fn dir(&self) -> BorrowedFd<'w> {
        self.dir
    }

    /// All about it; a link is not followed.
    ///
    /// # Errors
    /// When it is gone.
    pub fn metadata(&self) -> Result<Meta> {
        statat(self.dir, self.name, AtFlags::SYMLINK_NOFOLLOW)
            .map(Meta::new)
            .map_err(|e| FsError::io("look at", self.shown(), e))
    }

    /// Opens a regular file for reading.
    ///
    /// # Errors
    /// When it is anything else, also when it has become that.
    pub fn open_file(&self) -> Result<File> {
        let path = self.start.join(self.path);
        self.tree
            .open_file_in(self.dir, self.name, &path, self.kind)
    }

    /// Opens the regular file that a link leads to, by the tree's rule about links.
    ///
    /// # Errors
    /// When it leads to anything else, or out of the tree.
    pub fn open_followed(&self) -> Result<File> {
        self.tree.open_file(self.start.join(self.path))
    }

    /// Where a link points.
    ///
    /// # Errors
    /// When it is no link.
    pub fn read_link(&self) -> Result<PathBuf> {
        readlinkat(self.dir, self.name, Vec::new())
            .map(|target| PathBuf::from(OsStr::from_bytes(target.as_bytes())))
            .map_err(|e| FsError::io("read the link", self.shown(), e))
    }
}
