//! Removing trees of any depth, with any names and any permission bits.

use std::{
    collections::HashSet,
    ffi::{OsStr, OsString},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{AtFlags, Mode, OFlags, SeekFrom, openat, seek, unlinkat},
    io::Errno,
};

use crate::{
    Dir, EntryKind, FsError, NAMED_FAILURES, Result,
    names::Names,
    read::{kind_of, meta_of},
    resolve::{LIST, open_same_mount},
    stack::DirStack,
    write::set_mode_of,
};

/// Names of one directory that are read before they are removed; bounds the memory.
const BATCH: usize = 20_000;
/// How often a directory is read again because something new was in it.
const AGAIN: u32 = 16;

/// How a tree is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RemoveOptions {
    /// Whether to empty what is mounted in the tree. No unless set: it is reported and left.
    pub cross_mounts: bool,
}

struct Removal<'d> {
    tree: &'d Dir,
    /// What is removed, below the tree.
    start: &'d Path,
    options: RemoveOptions,
    stack: DirStack<Emptied>,
    buffer: Vec<u8>,
    removed: u64,
    failed: u64,
    examples: Vec<FsError>,
}

/// A directory that is being emptied.
#[derive(Default)]
struct Emptied {
    names: Names,
    next: usize,
    /// There was no more to read than `names`.
    complete: bool,
    rounds: u32,
    /// What stays. A directory is read again after part of it is gone.
    kept: HashSet<OsString>,
    /// There may be more in it than could be tried.
    unfinished: bool,
}

impl Dir {
    /// Removes `path` and all below it; a link is removed, not followed. Directories of ours are opened
    /// up first where their permission bits do not let us in. Goes on after an error. What is not
    /// there is fine. How many entries were removed.
    ///
    /// # Errors
    /// [`FsError::Partly`] with what is left.
    pub fn remove_all(&self, path: impl AsRef<Path>, options: RemoveOptions) -> Result<u64> {
        let path = path.as_ref();
        let (place, name) = match self.place("remove", path) {
            Err(e) if e.is_not_found() => return Ok(0),
            other => other?,
        };
        match kind_of(place.as_fd(), name) {
            Err(Errno::NOENT) => return Ok(0),
            Err(e) => return Err(FsError::io("remove", self.show(path), e)),
            Ok(EntryKind::Dir) => {}
            Ok(_) => {
                return match unlinkat(&place, name, AtFlags::empty()) {
                    Ok(()) => Ok(1),
                    Err(Errno::NOENT) => Ok(0),
                    Err(e) => Err(FsError::io("remove", self.show(path), e)),
                };
            }
        }
        let mut removal = Removal::new(self, path, options);
        match removal.open(place.as_fd(), name) {
            Ok(fd) => removal.enter(fd),
            Err(Errno::NOENT) => return Ok(0),
            // One that cannot be opened may still be empty.
            Err(e) => {
                return match unlinkat(&place, name, AtFlags::REMOVEDIR) {
                    Ok(()) => Ok(1),
                    Err(_) => Err(removal.refused(path.to_owned(), e)),
                };
            }
        }
        for round in 0.. {
            removal.run();
            if removal.failed > 0 {
                break;
            }
            match unlinkat(&place, name, AtFlags::REMOVEDIR) {
                Ok(()) => removal.removed += 1,
                Err(Errno::NOENT) => {}
                // Somebody is still writing there.
                Err(Errno::NOTEMPTY | Errno::EXIST) if round < AGAIN => {
                    if let Ok(fd) = removal.open(place.as_fd(), name) {
                        removal.enter(fd);
                    }
                    continue;
                }
                Err(e) => removal.fail(FsError::io("remove", self.show(path), e)),
            }
            break;
        }
        removal.result()
    }

    /// Removes what is in directory `path` but for the paths in `keep` (relative to it) and what leads
    /// to them; links lead nowhere here. As [`Self::remove_all`] otherwise.
    ///
    /// # Errors
    /// As [`Self::remove_all`], and when it cannot be listed.
    pub fn clear(
        &self,
        path: impl AsRef<Path>,
        keep: &[PathBuf],
        options: RemoveOptions,
    ) -> Result<u64> {
        let path = path.as_ref();
        let mut removed = 0;
        let mut failed = 0;
        let mut examples = Vec::new();
        for entry in self.list(path, usize::MAX)? {
            let name = Path::new(&entry.name);
            if keep.iter().any(|kept| kept == name) {
                continue;
            }
            let inside = path.join(name);
            let below: Vec<PathBuf> = keep
                .iter()
                .filter_map(|kept| kept.strip_prefix(name).ok().map(Path::to_owned))
                .collect();
            let done = if below.is_empty() || entry.kind != EntryKind::Dir {
                self.remove_all(&inside, options)
            } else {
                self.clear(&inside, &below, options)
            };
            match done {
                Ok(count) => removed += count,
                Err(FsError::Partly {
                    failed: more,
                    examples: these,
                    ..
                }) => {
                    failed += more;
                    examples.extend(these);
                }
                Err(error) => {
                    failed += 1;
                    examples.push(error);
                }
            }
        }
        if failed == 0 {
            return Ok(removed);
        }
        examples.truncate(NAMED_FAILURES);
        Err(FsError::Partly {
            path: self.show(path),
            what: "removed",
            failed,
            examples,
        })
    }
}

impl<'d> Removal<'d> {
    fn new(tree: &'d Dir, start: &'d Path, options: RemoveOptions) -> Self {
        Self {
            tree,
            start,
            options,
            stack: DirStack::new(),
            buffer: Vec::new(),
            removed: 0,
            failed: 0,
            examples: Vec::new(),
        }
    }

    fn result(self) -> Result<u64> {
        if self.failed == 0 {
            return Ok(self.removed);
        }
        Err(FsError::Partly {
            path: self.tree.show(self.start),
            what: "removed",
            failed: self.failed,
            examples: self.examples,
        })
    }

    /// Opens a directory to empty it, with rights to do so where they can be had.
    fn open(&self, dir: BorrowedFd<'_>, name: &OsStr) -> std::result::Result<OwnedFd, Errno> {
        let open = || {
            if self.options.cross_mounts {
                openat(dir, name, LIST, Mode::empty())
            } else {
                open_same_mount(dir, name, self.tree.stepwise)
            }
        };
        let fd = match open() {
            Err(Errno::ACCESS) => {
                let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::DIRECTORY | OFlags::CLOEXEC;
                set_mode_of(&openat(dir, name, flags, Mode::empty())?, 0o700)
                    .map_err(|_| Errno::ACCESS)?;
                open()?
            }
            other => other?,
        };
        if meta_of(&fd)?.mode() & 0o700 != 0o700 {
            // Where it is not ours, removing will tell.
            let _ = set_mode_of(&fd, 0o700);
        }
        Ok(fd)
    }

    /// Makes the directory pointed at the deepest.
    fn enter(&mut self, fd: OwnedFd) {
        match meta_of(&fd) {
            Ok(meta) => self.stack.push(fd, &meta, Emptied::default()),
            Err(e) => self.fail_here("look at", e),
        }
    }

    fn run(&mut self) {
        while self.stack.len() > 0 {
            if !self.remove_next() {
                self.leave();
            }
        }
    }

    /// Removes or enters the next entry. `false` when there is none.
    fn remove_next(&mut self) -> bool {
        let Some(listing) = self.stack.data() else {
            return false;
        };
        let names = std::mem::take(&mut listing.names);
        let found = names.get(listing.next).map(|(name, kind)| {
            self.stack.point(name);
            kind
        });
        if let Some(listing) = self.stack.data() {
            listing.names = names;
            listing.next += 1;
        }
        match found {
            Some(kind) => {
                self.remove_entry(kind);
                true
            }
            None => self.read_more(),
        }
    }

    fn remove_entry(&mut self, kind: EntryKind) {
        let Some(dir) = self.stack.top() else {
            return;
        };
        if kind != EntryKind::Dir {
            match unlinkat(dir, self.stack.name(), AtFlags::empty()) {
                Ok(()) => {
                    self.removed += 1;
                    return;
                }
                Err(Errno::NOENT) => return,
                Err(e) => {
                    if !matches!(kind_of(dir, self.stack.name()), Ok(EntryKind::Dir)) {
                        self.keep(e);
                        return;
                    }
                }
            }
        }
        match self.open(dir, self.stack.name()) {
            Ok(fd) => self.enter(fd),
            Err(Errno::NOENT) => {}
            Err(e) => match unlinkat(dir, self.stack.name(), AtFlags::REMOVEDIR) {
                Ok(()) => self.removed += 1,
                // A file or link has taken its place.
                Err(Errno::NOTDIR) => match unlinkat(dir, self.stack.name(), AtFlags::empty()) {
                    Ok(()) => self.removed += 1,
                    Err(e) => self.keep(e),
                },
                Err(_) => self.keep(e),
            },
        }
    }

    /// Reads names of the deepest directory that were not tried yet. Whether there are any.
    fn read_more(&mut self) -> bool {
        let Some(listing) = self.stack.data() else {
            return false;
        };
        if listing.complete {
            return false;
        }
        let mut names = std::mem::take(&mut listing.names);
        let kept = std::mem::take(&mut listing.kept);
        names.clear();
        let read = match self.stack.top() {
            Some(dir) => seek(dir, SeekFrom::Start(0))
                .and_then(|_| names.read(dir, &mut self.buffer, BATCH, |name| kept.contains(name))),
            None => Err(Errno::BADF),
        };
        if let Err(e) = read {
            let path = self.shown(self.stack.top_path());
            self.fail(FsError::io("list", path, e));
        }
        let any = names.len() > 0;
        if let Some(listing) = self.stack.data() {
            listing.complete = read != Ok(true);
            listing.names = names;
            listing.next = 0;
            listing.kept = kept;
            listing.unfinished |= read.is_err();
        }
        any
    }

    /// Goes up from an emptied directory and removes it.
    fn leave(&mut self) {
        let (done, found) = self.stack.pop();
        let Some(mut done) = done else { return };
        if self.stack.len() == 0 {
            // The caller removes the start.
            return;
        }
        let Some(dir) = self.stack.top().filter(|_| found) else {
            let path = self.shown(self.stack.top_path());
            self.fail(FsError::Changed { path });
            if let Some(above) = self.stack.data() {
                above.names.clear();
                above.complete = true;
                above.unfinished = true;
            }
            return;
        };
        if done.unfinished || !done.kept.is_empty() {
            self.keep_quietly();
            return;
        }
        match unlinkat(dir, self.stack.name(), AtFlags::REMOVEDIR) {
            Ok(()) => self.removed += 1,
            Err(Errno::NOENT) => {}
            // Somebody is still writing there.
            Err(Errno::NOTEMPTY | Errno::EXIST) if done.rounds < AGAIN => {
                done.rounds += 1;
                done.complete = false;
                done.names.clear();
                match self
                    .open(dir, self.stack.name())
                    .and_then(|fd| Ok((meta_of(&fd)?, fd)))
                {
                    Ok((meta, fd)) => self.stack.push(fd, &meta, done),
                    Err(Errno::NOENT) => {}
                    Err(e) => self.keep(e),
                }
            }
            Err(e) => self.keep(e),
        }
    }

    /// What is pointed at stays, and the directories it is in with it.
    fn keep(&mut self, error: Errno) {
        let path = self.start.join(self.stack.path());
        let error = self.refused(path, error);
        self.fail(error);
        self.keep_quietly();
    }

    fn keep_quietly(&mut self) {
        let name = self.stack.name().to_owned();
        if let Some(listing) = self.stack.data() {
            listing.kept.insert(name);
        }
    }

    fn refused(&self, path: PathBuf, error: Errno) -> FsError {
        let path = self.tree.show(path);
        match error {
            Errno::XDEV => FsError::Mount { path },
            e => FsError::io("remove", path, e),
        }
    }

    fn fail_here(&mut self, action: &'static str, error: Errno) {
        let error = FsError::io(action, self.shown(self.stack.path()), error);
        self.fail(error);
        self.keep_quietly();
    }

    fn fail(&mut self, error: FsError) {
        self.failed += 1;
        if self.examples.len() < NAMED_FAILURES {
            self.examples.push(error);
        }
    }

    fn shown(&self, path: &Path) -> PathBuf {
        self.tree.show(self.start.join(path))
    }
}
