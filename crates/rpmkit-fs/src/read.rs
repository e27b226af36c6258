//! Reading files and directories.

use std::{
    ffi::{OsStr, OsString},
    fs::File,
    io::{self, Read},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::Path,
};

use rustix::{
    fs::{AtFlags, Mode, OFlags, fstat, openat, readlinkat, statat},
    io::Errno,
};

use crate::{
    Dir, EntryKind, FsError, Meta, Result,
    names::Names,
    resolve::{LIST, PLACE},
};

/// A pipe or device that takes the place of a file just now must not make us wait or take a terminal.
const READ: OFlags = OFlags::RDONLY
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);

/// One entry of [`Dir::list`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Any bytes but `/` and NUL, up to 255 of them.
    pub name: OsString,
    /// What it is; links are not followed.
    pub kind: EntryKind,
}

impl Dir {
    /// Opens a regular file for reading, links followed. Anything else is refused without being
    /// waited for: it is looked at before and after it is opened.
    ///
    /// # Errors
    /// When it is not there, no regular file, or a link leaves the tree.
    pub fn open_file(&self, path: impl AsRef<Path>) -> Result<File> {
        let path = path.as_ref();
        let meta = self.stat(path)?;
        self.expect(&meta, EntryKind::File, path)?;
        let fd = self.open("open", path, READ)?;
        self.checked_file(fd, path)
    }

    /// As [`Self::open_file`], but `path` itself must not be a link.
    ///
    /// # Errors
    /// As [`Self::open_file`].
    pub fn open_file_itself(&self, path: impl AsRef<Path>) -> Result<File> {
        let path = path.as_ref();
        let (place, name) = self.place("open", path)?;
        self.open_file_in(place.as_fd(), name, path, EntryKind::Unknown)
    }

    /// Opens file `name` of `dir`; `known` is what a listing said it is.
    pub(crate) fn open_file_in(
        &self,
        dir: BorrowedFd<'_>,
        name: &OsStr,
        path: &Path,
        known: EntryKind,
    ) -> Result<File> {
        if known != EntryKind::File {
            let stat = statat(dir, name, AtFlags::SYMLINK_NOFOLLOW)
                .map_err(|e| FsError::io("open", self.show(path), e))?;
            if Meta::new(stat).kind() != EntryKind::File {
                return Err(self.other_than(dir, name, path, EntryKind::File, "open", Errno::LOOP));
            }
        }
        let fd = openat(dir, name, READ | OFlags::NOFOLLOW, Mode::empty())
            .map_err(|e| self.other_than(dir, name, path, EntryKind::File, "open", e))?;
        self.checked_file(fd, path)
    }

    /// The whole file; links are followed.
    ///
    /// # Errors
    /// As [`Self::open_file`], and when it has more than `limit` bytes.
    pub fn read(&self, path: impl AsRef<Path>, limit: u64) -> Result<Vec<u8>> {
        let path = path.as_ref();
        self.read_all(&self.open_file(path)?, path, limit)
    }

    /// [`Self::read`], or `None` where nothing of that name is.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_if_there(&self, path: impl AsRef<Path>, limit: u64) -> Result<Option<Vec<u8>>> {
        match self.read(path, limit) {
            Err(e) if e.is_not_found() => Ok(None),
            other => other.map(Some),
        }
    }

    /// The whole file as text.
    ///
    /// # Errors
    /// As [`Self::read`], and when it is not UTF-8.
    pub fn read_text(&self, path: impl AsRef<Path>, limit: u64) -> Result<String> {
        let path = path.as_ref();
        String::from_utf8(self.read(path, limit)?).map_err(|e| FsError::NotText {
            path: self.show(path),
            at: e.utf8_error().valid_up_to(),
        })
    }

    /// What an open file still holds; `path` is for errors.
    ///
    /// # Errors
    /// When it has more than `limit` bytes, also when it grows meanwhile.
    pub fn read_all(&self, file: &File, path: impl AsRef<Path>, limit: u64) -> Result<Vec<u8>> {
        let path = path.as_ref();
        let too_large = || FsError::TooLarge {
            path: self.show(path),
            limit,
        };
        let size = self.stat_fd(file, path)?.len();
        if size > limit {
            return Err(too_large());
        }
        let mut content = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
        file.take(limit.saturating_add(1))
            .read_to_end(&mut content)
            .map_err(|source| self.failed("read", path, source))?;
        if content.len() as u64 > limit {
            return Err(too_large());
        }
        Ok(content)
    }

    /// The names in a directory, sorted by their bytes.
    ///
    /// # Errors
    /// When it is no directory, or has more than `limit` entries.
    pub fn list(&self, path: impl AsRef<Path>, limit: usize) -> Result<Vec<Listed>> {
        let path = path.as_ref();
        let dir = self.open("list", path, LIST.difference(OFlags::NOFOLLOW))?;
        let mut names = Names::default();
        let more = names
            .read(dir.as_fd(), &mut Vec::new(), limit, |name| {
                self.leaves_out(name)
            })
            .map_err(|e| FsError::io("list", self.show(path), e))?;
        if more {
            return Err(FsError::TooMany {
                path: self.show(path),
                limit: limit as u64,
            });
        }
        names.sort();
        let mut listed = Vec::with_capacity(names.len());
        for at in 0..names.len() {
            let Some((name, kind)) = names.get(at) else {
                break;
            };
            let kind = match kind {
                EntryKind::Unknown => match kind_of(dir.as_fd(), name) {
                    Err(Errno::NOENT) => continue,
                    other => {
                        other.map_err(|e| FsError::io("look at", self.show(path.join(name)), e))?
                    }
                },
                known => known,
            };
            listed.push(Listed {
                name: name.to_owned(),
                kind,
            });
        }
        Ok(listed)
    }

    /// A directory as a file, to change its owner or its permission bits; it must not be a link.
    ///
    /// # Errors
    /// When it is not there or no directory.
    pub fn open_directory_itself(&self, path: impl AsRef<Path>) -> Result<File> {
        let path = path.as_ref();
        let (place, name) = self.place("open", path)?;
        openat(&place, name, LIST, Mode::empty())
            .map(File::from)
            .map_err(|e| self.other_than(place.as_fd(), name, path, EntryKind::Dir, "open", e))
    }

    /// Opens a directory to name things in; it must not be a link.
    pub(crate) fn open_dir_itself(&self, path: &Path) -> Result<OwnedFd> {
        if crate::dir::is_this(path) {
            return self.open("open", Path::new(""), PLACE);
        }
        let (place, name) = self.place("open", path)?;
        openat(&place, name, PLACE | OFlags::NOFOLLOW, Mode::empty())
            .map_err(|e| self.other_than(place.as_fd(), name, path, EntryKind::Dir, "open", e))
    }

    fn checked_file(&self, fd: OwnedFd, path: &Path) -> Result<File> {
        let meta = self.stat_fd(&fd, path)?;
        self.expect(&meta, EntryKind::File, path)?;
        Ok(File::from(fd))
    }

    pub(crate) fn expect(&self, meta: &Meta, expected: EntryKind, path: &Path) -> Result<()> {
        if meta.kind() == expected {
            return Ok(());
        }
        Err(FsError::Kind {
            path: self.show(path),
            found: meta.kind(),
            expected,
        })
    }

    /// What to say when `name` could not be opened as `expected`: that it is a link or another thing,
    /// if so.
    pub(crate) fn other_than(
        &self,
        dir: BorrowedFd<'_>,
        name: &OsStr,
        path: &Path,
        expected: EntryKind,
        action: &'static str,
        error: Errno,
    ) -> FsError {
        match kind_of(dir, name) {
            Ok(EntryKind::Link) => FsError::Link {
                path: self.show(path),
                target: readlinkat(dir, name, Vec::new())
                    .ok()
                    .map(|target| std::os::unix::ffi::OsStringExt::from_vec(target.into_bytes()))
                    .map(|target: OsString| target.into()),
            },
            Ok(found) if found != expected => FsError::Kind {
                path: self.show(path),
                found,
                expected,
            },
            _ => FsError::io(action, self.show(path), error),
        }
    }

    pub(crate) fn failed(&self, action: &'static str, path: &Path, source: io::Error) -> FsError {
        FsError::Io {
            action,
            path: self.show(path),
            source,
        }
    }
}

pub(crate) fn kind_of(dir: BorrowedFd<'_>, name: &OsStr) -> std::result::Result<EntryKind, Errno> {
    statat(dir, name, AtFlags::SYMLINK_NOFOLLOW).map(|stat| Meta::new(stat).kind())
}

pub(crate) fn meta_of(fd: impl AsFd) -> std::result::Result<Meta, Errno> {
    fstat(fd).map(Meta::new)
}
