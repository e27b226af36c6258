//! Copying between directories, in either direction between ours and foreign ones.

mod content;
mod tree;

use std::{
    fs::File,
    os::fd::{AsFd, OwnedFd},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{Gid, Mode, Uid, fchmod, fchown, futimens},
    io::Errno,
};

pub use tree::{Copied, LinkCopy, TreeCopyOptions};

use crate::{Dir, Durability, FsError, IfThere, Meta, Result, write::times_of};

/// Permission bits of a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyMode {
    /// Those of the original without set-uid, set-gid and sticky.
    Keep,
    /// Those of the original.
    KeepAll,
    /// As [`Self::Keep`], and the owner may read and write, and enter directories.
    Readable,
    /// 0o755 for directories and for files that their owner may execute, else 0o644.
    Plain,
    /// These; on directories whoever may read may enter, too.
    Fixed(u32),
}

impl CopyMode {
    fn of(self, meta: &Meta) -> u32 {
        let mode = meta.mode();
        match self {
            Self::Keep => mode & 0o777,
            Self::KeepAll => mode,
            Self::Readable if meta.is_dir() => mode & 0o777 | 0o700,
            Self::Readable => mode & 0o777 | 0o600,
            Self::Plain if meta.is_dir() || mode & 0o100 != 0 => 0o755,
            Self::Plain => 0o644,
            Self::Fixed(mode) if meta.is_dir() => mode | (mode & 0o444) >> 2,
            Self::Fixed(mode) => mode,
        }
    }
}

/// Whom a copy is to belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// The user.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// Whether ids that our user namespace does not have are no error: where it has a single one,
    /// everything is that user's anyway.
    pub if_mapped: bool,
}

impl Owner {
    fn give(
        self,
        chown: impl FnOnce(Option<Uid>, Option<Gid>) -> std::result::Result<(), Errno>,
    ) -> std::result::Result<(), Errno> {
        match chown(Some(Uid::from_raw(self.uid)), Some(Gid::from_raw(self.gid))) {
            Err(Errno::INVAL) if self.if_mapped => Ok(()),
            other => other,
        }
    }
}

/// How a file is copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopyOptions {
    /// Largest apparent size, bytes. No bound unless set.
    pub max_bytes: u64,
    /// Its permission bits, exactly. [`CopyMode::Keep`] unless set.
    pub mode: CopyMode,
    /// Whether the copy has the original's time of modification. Yes unless set.
    pub times: bool,
    /// Whom it is to belong to; us unless set.
    pub owner: Option<Owner>,
    /// What of something that has the name already. It stays unless set.
    pub there: IfThere,
    /// What is waited for.
    pub sync: Durability,
}

impl Default for CopyOptions {
    fn default() -> Self {
        Self {
            max_bytes: u64::MAX,
            mode: CopyMode::Keep,
            times: true,
            owner: None,
            there: IfThere::Fail,
            sync: Durability::No,
        }
    }
}

impl Dir {
    /// Copies a regular file to `new` in `to`, where it appears whole. Links to the original are
    /// followed by this directory's rule; one at the destination is replaced or refused, never written
    /// through. How many bytes of data were copied.
    ///
    /// # Errors
    /// When it is no regular file, too large, or leaves the tree; when the copy cannot be made.
    pub fn copy_file(
        &self,
        path: impl AsRef<Path>,
        to: &Self,
        new: impl AsRef<Path>,
        options: &CopyOptions,
    ) -> Result<u64> {
        let path = path.as_ref();
        self.copy_open(&self.open_file(path)?, path, to, new.as_ref(), options)
    }

    /// As [`Self::copy_file`], but `path` itself must not be a link.
    ///
    /// # Errors
    /// As [`Self::copy_file`].
    pub fn copy_file_itself(
        &self,
        path: impl AsRef<Path>,
        to: &Self,
        new: impl AsRef<Path>,
        options: &CopyOptions,
    ) -> Result<u64> {
        let path = path.as_ref();
        let file = self.open_file_itself(path)?;
        self.copy_open(&file, path, to, new.as_ref(), options)
    }

    fn copy_open(
        &self,
        file: &File,
        path: &Path,
        to: &Self,
        new: &Path,
        options: &CopyOptions,
    ) -> Result<u64> {
        let meta = self.stat_fd(file, path)?;
        bounded(&meta, options, || self.show(path))?;
        let target = to.replace(new, 0o600)?;
        let copied = fill(file, &meta, target.file(), options, || {
            (self.show(path), to.show(new))
        })?;
        target.commit(options.sync, options.there)?;
        Ok(copied)
    }
}

fn bounded(meta: &Meta, options: &CopyOptions, path: impl FnOnce() -> PathBuf) -> Result<()> {
    if meta.len() > options.max_bytes {
        return Err(FsError::TooLarge {
            path: path(),
            limit: options.max_bytes,
        });
    }
    Ok(())
}

/// Writes content and attributes. `shown` gives both paths, for errors.
fn fill(
    from: &File,
    meta: &Meta,
    to: &File,
    options: &CopyOptions,
    shown: impl Fn() -> (PathBuf, PathBuf),
) -> Result<u64> {
    let copied = content::copy_data(from, to, meta).map_err(|source| FsError::Io {
        action: "copy",
        path: shown().0,
        source,
    })?;
    attributes(to, meta, options).map_err(|(action, e)| FsError::io(action, shown().1, e))?;
    Ok(copied)
}

/// Owner first: changing it takes set-uid bits away. Time last: everything else changes it.
fn attributes(
    to: impl AsFd,
    meta: &Meta,
    options: &CopyOptions,
) -> std::result::Result<(), (&'static str, Errno)> {
    if let Some(owner) = options.owner {
        owner
            .give(|uid, gid| fchown(&to, uid, gid))
            .map_err(|e| ("change the owner of", e))?;
    }
    fchmod(&to, Mode::from_raw_mode(options.mode.of(meta)))
        .map_err(|e| ("change the mode of", e))?;
    if options.times {
        futimens(&to, &times_of(meta)).map_err(|e| ("set the time of", e))?;
    }
    Ok(())
}

/// A directory that is being filled.
struct Filled {
    /// To be given to it when it is complete; `None` for one that was there before.
    attributes: Option<Meta>,
}

/// What a new place for names looks like to [`Dir::remove_all`].
fn as_dir(fd: OwnedFd, shown: PathBuf) -> Dir {
    Dir {
        fd,
        shown,
        links: crate::Links::Never,
        stepwise: false,
        without: None,
    }
}
