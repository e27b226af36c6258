//! Copying a tree.

use std::{
    ffi::OsStr,
    fs::File,
    os::fd::{AsFd, BorrowedFd},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{AtFlags, Mode, OFlags, chownat, mkdirat, openat, symlinkat, unlinkat, utimensat},
    io::Errno,
};

use super::{CopyOptions, Filled, as_dir, attributes, bounded, fill};
use crate::{
    Dir, Entry, EntryKind, FsError, IfThere, NAMED_FAILURES, RemoveOptions, Result, WalkOptions,
    read::meta_of,
    resolve::{LIST, reopen},
    stack::DirStack,
    write::times_of,
};

/// What becomes of links in a tree that is copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LinkCopy {
    /// They are links again, wherever they point.
    #[default]
    Copy,
    /// They are left out.
    Skip,
    /// What they lead to is copied where that is a regular file of the tree, by the tree's rule about
    /// links; else they are links again.
    Follow,
}

/// How a tree is copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TreeCopyOptions {
    /// For each file. Directories have their mode, owner and time by this, too.
    pub file: CopyOptions,
    /// What becomes of links.
    pub links: LinkCopy,
    /// Most bytes of data in all. No bound unless set.
    pub max_total: u64,
    /// Bounds of the walk.
    pub walk: WalkOptions,
}

impl Default for TreeCopyOptions {
    fn default() -> Self {
        Self {
            file: CopyOptions::default(),
            links: LinkCopy::Copy,
            max_total: u64::MAX,
            walk: WalkOptions::default(),
        }
    }
}

/// What [`Dir::copy_tree`] did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Copied {
    /// Regular files.
    pub files: u64,
    /// Directories that were made.
    pub dirs: u64,
    /// Links.
    pub links: u64,
    /// Bytes of data.
    pub bytes: u64,
    /// Pipes, sockets and device nodes, which are never copied: how many.
    pub skipped: u64,
    /// The first [`NAMED_FAILURES`] of those, from where the copy started.
    pub skipped_first: Vec<PathBuf>,
}

struct Job<'a> {
    from: &'a Dir,
    to: &'a Dir,
    at: &'a Path,
    options: &'a TreeCopyOptions,
    stack: DirStack<Filled>,
    copied: Copied,
}

impl Dir {
    /// Copies what is in directory `path` into directory `at` of `to`, which is made if it is missing.
    /// Files with several names become several files. Nothing is ever written through a link. Goes on
    /// after an error.
    ///
    /// # Errors
    /// When either directory cannot be opened; [`FsError::Partly`] when something was not copied.
    pub fn copy_tree(
        &self,
        path: impl AsRef<Path>,
        to: &Self,
        at: impl AsRef<Path>,
        options: &TreeCopyOptions,
    ) -> Result<Copied> {
        self.copy_tree_where(path, to, at, options, |_| true)
    }

    /// [`Self::copy_tree`] without the entries, and what is below them, of which `wanted` says no.
    ///
    /// # Errors
    /// As [`Self::copy_tree`].
    pub fn copy_tree_where(
        &self,
        path: impl AsRef<Path>,
        to: &Self,
        at: impl AsRef<Path>,
        options: &TreeCopyOptions,
        mut wanted: impl FnMut(&Entry<'_>) -> bool,
    ) -> Result<Copied> {
        let (path, at) = (path.as_ref(), at.as_ref());
        let mut walk = self.walk(path, options.walk)?;
        let mut job = Job {
            from: self,
            to,
            at,
            options,
            stack: DirStack::new(),
            copied: Copied::default(),
        };
        job.start(path)?;
        let mut failed = 0;
        let mut examples = Vec::new();
        let mut fail = |error| {
            failed += 1;
            if examples.len() < NAMED_FAILURES {
                examples.push(error);
            }
        };
        while let Some(entry) = walk.next() {
            let done = match entry {
                Err(error) => Err(error),
                Ok(entry) => {
                    job.up_to(entry.depth(), &mut fail);
                    let is_dir = entry.kind() == EntryKind::Dir;
                    let done = if wanted(&entry) {
                        job.entry(&entry).map(|()| true)
                    } else {
                        Ok(false)
                    };
                    if is_dir && !matches!(done, Ok(true)) {
                        walk.skip();
                    }
                    done.map(drop)
                }
            };
            if let Err(error) = done {
                fail(error);
            }
        }
        job.up_to(0, &mut fail);
        if failed == 0 {
            return Ok(job.copied);
        }
        Err(FsError::Partly {
            path: self.show(path),
            what: "copied",
            failed,
            examples,
        })
    }
}

impl Job<'_> {
    fn start(&mut self, path: &Path) -> Result<()> {
        let missing = self.to.lstat_if_there(self.at)?.is_none();
        let place = if missing {
            self.to.mkdir(self.at, 0o700)?;
            self.to.open_dir_itself(self.at)?
        } else {
            self.to.open("open", self.at, crate::resolve::PLACE)?
        };
        let shown = || self.to.show(self.at);
        let dir = reopen(place.as_fd()).map_err(|e| FsError::io("open", shown(), e))?;
        let meta = meta_of(&dir).map_err(|e| FsError::io("look at", shown(), e))?;
        let attributes = if missing {
            self.copied.dirs += 1;
            Some(self.from.stat(path)?)
        } else {
            None
        };
        self.stack.push(dir.into(), &meta, Filled { attributes });
        Ok(())
    }

    /// Completes the directories that nothing more comes into, so that entries of `depth` can follow.
    fn up_to(&mut self, depth: usize, fail: &mut impl FnMut(FsError)) {
        while self.stack.len() > depth {
            let filled = self
                .stack
                .data()
                .and_then(|filled| filled.attributes.take());
            if let (Some(meta), Some(dir)) = (filled, self.stack.top())
                && let Err((action, e)) = attributes(dir, &meta, &self.options.file)
            {
                fail(FsError::io(action, self.shown(self.stack.top_path()), e));
            }
            if !self.stack.pop().1 {
                fail(FsError::Changed {
                    path: self.shown(self.stack.top_path()),
                });
            }
        }
    }

    fn entry(&mut self, entry: &Entry<'_>) -> Result<()> {
        match entry.kind() {
            EntryKind::Dir => self.dir(entry),
            EntryKind::File => {
                let file = entry.open_file()?;
                self.file(entry, &file)
            }
            EntryKind::Link => self.link(entry),
            _ => {
                self.copied.skipped += 1;
                if self.copied.skipped_first.len() < NAMED_FAILURES {
                    self.copied.skipped_first.push(entry.path().to_owned());
                }
                Ok(())
            }
        }
    }

    fn dir(&mut self, entry: &Entry<'_>) -> Result<()> {
        let name = entry.name();
        let meta = entry.metadata()?;
        let place = self.place(entry)?;
        let failed = |e| FsError::io("create the directory", self.shown(entry.path()), e);
        let made = match mkdirat(place, name, Mode::RWXU) {
            Ok(()) => true,
            Err(Errno::EXIST) if self.options.file.there == IfThere::Replace => {
                if crate::read::kind_of(place, name).map_err(failed)? == EntryKind::Dir {
                    false
                } else {
                    unlinkat(place, name, AtFlags::empty()).map_err(failed)?;
                    mkdirat(place, name, Mode::RWXU).map_err(failed)?;
                    true
                }
            }
            Err(e) => return Err(failed(e)),
        };
        let fd = openat(place, name, LIST, Mode::empty()).map_err(failed)?;
        let now = meta_of(&fd).map_err(failed)?;
        self.copied.dirs += u64::from(made);
        self.stack.point(name);
        let attributes = made.then_some(meta);
        self.stack.push(fd, &now, Filled { attributes });
        Ok(())
    }

    fn file(&mut self, entry: &Entry<'_>, file: &File) -> Result<()> {
        let meta = meta_of(file).map_err(|e| FsError::io("look at", entry.shown(), e))?;
        bounded(&meta, &self.options.file, || entry.shown())?;
        let left = self.options.max_total - self.copied.bytes;
        if meta.on_disk().min(meta.len()) > left {
            return Err(FsError::TooLarge {
                path: self.from.shown().to_owned(),
                limit: self.options.max_total,
            });
        }
        let place = self.place(entry)?;
        let name = entry.name();
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        let target = self.make_room(place, entry, || openat(place, name, flags, mode))?;
        let target = File::from(target);
        let done = fill(file, &meta, &target, &self.options.file, || {
            (entry.shown(), self.shown(entry.path()))
        });
        match done {
            Ok(bytes) => {
                self.copied.bytes = self
                    .copied
                    .bytes
                    .saturating_add(bytes)
                    .min(self.options.max_total);
                self.copied.files += 1;
                Ok(())
            }
            Err(error) => {
                // Half a file is worse than none.
                let _ = unlinkat(place, name, AtFlags::empty());
                Err(error)
            }
        }
    }

    fn link(&mut self, entry: &Entry<'_>) -> Result<()> {
        match self.options.links {
            LinkCopy::Skip => return Ok(()),
            LinkCopy::Follow => {
                if let Ok(file) = entry.open_followed() {
                    return self.file(entry, &file);
                }
            }
            LinkCopy::Copy => {}
        }
        let target = entry.read_link()?;
        let place = self.place(entry)?;
        let name = entry.name();
        self.make_room(place, entry, || symlinkat(&target, place, name))?;
        let failed = |action, e| FsError::io(action, self.shown(entry.path()), e);
        if let Some(owner) = self.options.file.owner {
            owner
                .give(|uid, gid| chownat(place, name, uid, gid, AtFlags::SYMLINK_NOFOLLOW))
                .map_err(|e| failed("change the owner of", e))?;
        }
        if self.options.file.times {
            let times = times_of(&entry.metadata()?);
            utimensat(place, name, &times, AtFlags::SYMLINK_NOFOLLOW)
                .map_err(|e| failed("set the time of", e))?;
        }
        self.copied.links += 1;
        Ok(())
    }

    /// Makes something; where its name is taken, takes what has it away first if that is asked for.
    fn make_room<T>(
        &self,
        place: BorrowedFd<'_>,
        entry: &Entry<'_>,
        make: impl Fn() -> std::result::Result<T, Errno>,
    ) -> Result<T> {
        let failed = |e| FsError::io("create", self.shown(entry.path()), e);
        match make() {
            Err(Errno::EXIST) if self.options.file.there == IfThere::Replace => {
                self.clear_away(place, entry.name(), entry.path())?;
                make().map_err(failed)
            }
            other => other.map_err(failed),
        }
    }

    fn clear_away(&self, place: BorrowedFd<'_>, name: &OsStr, path: &Path) -> Result<()> {
        let owned = place.try_clone_to_owned().map_err(|source| FsError::Io {
            action: "remove",
            path: self.shown(path),
            source,
        })?;
        let above = self.shown(path.parent().unwrap_or(Path::new("")));
        as_dir(owned, above)
            .remove_all(name, RemoveOptions::default())
            .map(drop)
    }

    fn place(&self, entry: &Entry<'_>) -> Result<BorrowedFd<'_>> {
        self.stack.top().ok_or_else(|| FsError::Changed {
            path: self.shown(entry.path()),
        })
    }

    fn shown(&self, path: &Path) -> PathBuf {
        self.to.show(self.at.join(path))
    }
}
