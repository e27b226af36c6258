//! Write, sync, rename: a file is there whole, old or new, at every moment.

use std::{
    ffi::{OsStr, OsString},
    fs::File,
    hash::{BuildHasher, Hasher, RandomState},
    io::{self, Write},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{
        AtFlags, FlockOperation, Mode, OFlags, RenameFlags, fchmod, flock, openat, renameat,
        renameat_with, statat, unlinkat,
    },
    io::Errno,
};

use crate::{
    Dir, EntryKind, FsError, HostDir, IfThere, Meta, Result, read::meta_of, resolve::reopen,
};

/// Names of files that are being written begin so.
pub(crate) const UNFINISHED: &str = ".rpmkit-new-";

/// What is to survive the machine going down. A killed process loses nothing either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Durability {
    /// Nothing is waited for. Afterwards the file may be old, new, or on some file systems empty.
    #[default]
    No,
    /// Its content is synced to disk before it gets its name: afterwards it is old or new.
    Content,
    /// Its name is, too: afterwards it is new.
    Name,
}

/// How [`Dir::write`] writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriteOptions {
    /// Permission bits, 0 to 0o777. 0o644 unless set.
    pub mode: u32,
    /// Whether `mode` counts as it is, not less the umask.
    pub exact_mode: bool,
    /// What is waited for.
    pub sync: Durability,
    /// What of an older file. It is replaced unless set.
    pub there: IfThere,
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self {
            mode: 0o644,
            exact_mode: false,
            sync: Durability::No,
            there: IfThere::Replace,
        }
    }
}

impl WriteOptions {
    /// A file with `mode`, less the umask.
    pub fn with_mode(mode: u32) -> Self {
        Self {
            mode,
            ..Self::default()
        }
    }
}

/// A file under a temporary name that becomes `path` by [`Self::commit`], or goes away when dropped.
///
/// It is locked while it is written, which is how [`Dir::sweep_unfinished`] tells what a killed run has
/// left.
#[derive(Debug)]
pub struct Replacement {
    place: OwnedFd,
    temporary: OsString,
    name: OsString,
    shown: PathBuf,
    file: File,
    finished: bool,
}

impl Dir {
    /// Replaces a file, or what link stands in its place, by one with this content.
    ///
    /// # Errors
    /// When it cannot be written; what was there stays then.
    pub fn write(
        &self,
        path: impl AsRef<Path>,
        content: impl AsRef<[u8]>,
        options: &WriteOptions,
    ) -> Result<()> {
        let path = path.as_ref();
        let mut new = self.replace(path, options.mode)?;
        new.write_all(content.as_ref())
            .map_err(|source| self.failed("write", path, source))?;
        if options.exact_mode {
            new.set_mode(options.mode)?;
        }
        new.commit(options.sync, options.there).map(drop)
    }

    /// Starts a new file that is to become `path`, with `mode` less the umask.
    ///
    /// # Errors
    /// When it cannot be made in that directory.
    pub fn replace(&self, path: impl AsRef<Path>, mode: u32) -> Result<Replacement> {
        let path = path.as_ref();
        let (place, name) = self.place("write", path)?;
        if let Ok(stat) = statat(&place, name, AtFlags::SYMLINK_NOFOLLOW)
            && Meta::new(stat).is_dir()
        {
            return Err(FsError::Kind {
                path: self.show(path),
                found: EntryKind::Dir,
                expected: EntryKind::File,
            });
        }
        let (temporary, file) = locked_new(place.as_fd(), UNFINISHED, "", mode)
            .map_err(|e| FsError::io("write", self.show(path), e))?;
        let place = place
            .into_owned()
            .map_err(|source| self.failed("write", path, source))?;
        Ok(Replacement {
            place,
            temporary,
            name: name.to_owned(),
            shown: self.show(path),
            file,
            finished: false,
        })
    }

    /// Removes files in directory `path` that killed processes of ours were writing. How many.
    ///
    /// # Errors
    /// When it cannot be listed.
    pub fn sweep_unfinished(&self, path: impl AsRef<Path>) -> Result<u64> {
        let path = path.as_ref();
        let place = self.open("list", path, crate::resolve::PLACE)?;
        let mut removed = 0;
        for entry in self.list(path, usize::MAX)? {
            let ours = entry
                .name
                .as_encoded_bytes()
                .starts_with(UNFINISHED.as_bytes());
            if ours
                && entry.kind == EntryKind::File
                && abandoned(place.as_fd(), &entry.name).is_some()
            {
                removed += u64::from(unlinkat(&place, &entry.name, AtFlags::empty()).is_ok());
            }
        }
        Ok(removed)
    }
}

/// [`Dir::write`] for one file in a directory of ours, named by its path on the host.
///
/// # Errors
/// As there, and when its directory is missing.
pub fn write_file(
    path: impl AsRef<Path>,
    content: impl AsRef<[u8]>,
    options: &WriteOptions,
) -> Result<()> {
    let path = path.as_ref();
    let dir = HostDir::open(path.parent().unwrap_or(Path::new("")))?;
    dir.write(path.file_name().unwrap_or_default(), content, options)
}

impl Replacement {
    /// The file being written.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Sets its permission bits, exactly.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn set_mode(&self, mode: u32) -> Result<()> {
        fchmod(&self.file, Mode::from_raw_mode(mode))
            .map_err(|e| FsError::io("change the mode of", &self.shown, e))
    }

    /// Gives it its name.
    ///
    /// # Errors
    /// When that fails; then what had the name before still has it.
    pub fn commit(mut self, sync: Durability, there: IfThere) -> Result<()> {
        let failed = |action, e| FsError::io(action, &self.shown, e);
        if sync >= Durability::Content {
            rustix::fs::fsync(&self.file).map_err(|e| failed("sync", e))?;
        }
        let renamed = match there {
            IfThere::Replace => renameat(&self.place, &self.temporary, &self.place, &self.name),
            IfThere::Fail => rename_new(self.place.as_fd(), &self.temporary, &self.name),
        };
        renamed.map_err(|e| failed("write", e))?;
        if sync == Durability::Name {
            reopen(self.place.as_fd())
                .and_then(rustix::fs::fsync)
                .map_err(|e| failed("sync the directory of", e))?;
        }
        self.finished = true;
        Ok(())
    }
}

impl Write for Replacement {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.file.write(data)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Replacement {
    fn drop(&mut self) {
        if !self.finished {
            // Left for a sweep if this fails.
            let _ = unlinkat(&self.place, &self.temporary, AtFlags::empty());
        }
    }
}

/// Not every file system knows `RENAME_NOREPLACE`; a hard link does not replace either.
fn rename_new(place: BorrowedFd<'_>, from: &OsStr, to: &OsStr) -> std::result::Result<(), Errno> {
    match renameat_with(place, from, place, to, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS) => {
            rustix::fs::linkat(place, from, place, to, AtFlags::empty())?;
            unlinkat(place, from, AtFlags::empty())
        }
        other => other,
    }
}

/// Makes a file with a new name and locks it, so that no sweep takes it for an abandoned one.
pub(crate) fn locked_new(
    place: BorrowedFd<'_>,
    prefix: &str,
    suffix: &str,
    mode: u32,
) -> std::result::Result<(OsString, File), Errno> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    for _ in 0..1000 {
        let name = OsString::from(format!("{prefix}{}{suffix}", random_name()));
        let fd = match openat(place, &name, flags, Mode::from_raw_mode(mode)) {
            Err(Errno::EXIST) => continue,
            other => other?,
        };
        match flock(&fd, FlockOperation::NonBlockingLockExclusive) {
            // A sweep was quicker than we: between its making and its lock the file looks abandoned.
            Err(Errno::WOULDBLOCK) => continue,
            // A file system without locks has no sweeps either.
            Err(_) => {}
            Ok(()) if meta_of(&fd)?.links() == 0 => continue,
            Ok(()) => {}
        }
        return Ok((name, File::from(fd)));
    }
    Err(Errno::EXIST)
}

/// Locks file `name` if it is ours and nobody holds it; it may be removed while the answer is held.
pub(crate) fn abandoned(place: BorrowedFd<'_>, name: &OsStr) -> Option<OwnedFd> {
    let flags =
        OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let fd = openat(place, name, flags, Mode::empty()).ok()?;
    let meta = meta_of(&fd).ok()?;
    // With several names it could be a file of ours that somebody else gave this name.
    if !meta.is_file() || meta.links() != 1 || meta.uid() != rustix::process::geteuid().as_raw() {
        return None;
    }
    flock(&fd, FlockOperation::NonBlockingLockExclusive).ok()?;
    // Whoever had it may have renamed it before the lock was ours.
    let there = Meta::new(statat(place, name, AtFlags::SYMLINK_NOFOLLOW).ok()?);
    (there.id() == meta.id()).then_some(fd)
}

/// 12 random characters. The library's hash keys are random for each process and differ at each call.
pub(crate) fn random_name() -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut bits = RandomState::new().build_hasher().finish();
    let mut name = String::with_capacity(12);
    for _ in 0..12 {
        name.push(char::from(LETTERS[(bits & 31) as usize]));
        bits >>= 5;
    }
    name
}
