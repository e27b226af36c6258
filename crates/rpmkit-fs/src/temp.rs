//! Temporary directories that go away, at the latest when the next run looks for those of killed ones.
//!
//! `rpmkit-LABEL-RANDOM` has a lock file `.rpmkit-LABEL-RANDOM.lock` beside it, made and locked with
//! flock(2) before the directory is made. The lock dies with the process (and with children that keep
//! the descriptor), so a lock file that can be locked belongs to nobody any more.

use std::{
    ffi::{OsStr, OsString},
    fs::File,
    os::{fd::AsFd, unix::ffi::OsStrExt},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{AtFlags, FlockOperation, Mode, flock, mkdirat, statat, unlinkat},
    io::Errno,
};

use crate::{
    Dir, EntryKind, FsError, HostDir, Meta, RemoveOptions, Result,
    replace::{abandoned, locked_new},
    resolve::reopen,
};

const PREFIX: &str = "rpmkit-";
const LOCK: &str = ".lock";

/// A directory of ours with mode 0700 that is removed when it is dropped.
#[derive(Debug)]
pub struct TempDir {
    base: HostDir,
    dir: HostDir,
    name: OsString,
    lock_name: OsString,
    _lock: File,
    /// systemd-tmpfiles leaves directories alone that somebody has locked (tmpfiles.d(5)).
    _shared: Option<File>,
    /// Nothing is to be done when it is dropped.
    kept: bool,
}

/// What [`TempDir::sweep`] did.
#[derive(Debug, Default)]
pub struct Swept {
    /// Names of the directories that were removed.
    pub removed: Vec<OsString>,
    /// What could not be removed.
    pub failed: Vec<FsError>,
}

impl TempDir {
    /// A new directory in `base` whose name ends in `suffix` (empty for none). `label` says what it is
    /// for; both are part of a file name.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new(base: &HostDir, label: &str, suffix: &str) -> Result<Self> {
        let failed = |e| FsError::io("create a directory in", base.path(), e);
        if label.contains('/') || suffix.contains('/') {
            return Err(FsError::Name {
                path: base.path().join(format!("{label}{suffix}")),
                reason: "it has a `/` in it",
            });
        }
        let base = base.dir("")?;
        let prefix = format!(".{PREFIX}{label}-");
        let end = format!("{suffix}{LOCK}");
        let (lock_name, lock) = locked_new(base.as_fd(), &prefix, &end, 0o600).map_err(failed)?;
        let name = directory_of(&lock_name).unwrap_or_default().to_owned();
        let made = mkdirat(base.as_fd(), &name, Mode::RWXU)
            .map_err(failed)
            .and_then(|()| base.open_dir_itself(Path::new(&name)))
            .map(|fd| HostDir::from_dir(base.sibling(fd, base.path().join(&name))));
        let dir = match made {
            Ok(dir) => dir,
            Err(error) => {
                let _ = unlinkat(base.as_fd(), &lock_name, AtFlags::empty());
                return Err(error);
            }
        };
        let shared = reopen(dir.as_fd())
            .ok()
            .filter(|file| flock(file, FlockOperation::NonBlockingLockShared).is_ok());
        Ok(Self {
            base,
            dir,
            name,
            lock_name,
            _lock: lock,
            _shared: shared,
            kept: false,
        })
    }

    /// The directory.
    pub fn dir(&self) -> &HostDir {
        &self.dir
    }

    /// Its path on the host.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Leaves it where it is, for good: no sweep removes it.
    pub fn keep(mut self) -> PathBuf {
        self.kept = true;
        self.dir.path().to_owned()
    }

    /// Removes it now, to know whether that worked.
    ///
    /// # Errors
    /// With what is left.
    pub fn close(mut self) -> Result<()> {
        let done = self
            .base
            .remove_all(Path::new(&self.name), RemoveOptions::default());
        self.kept = done.is_ok();
        done.map(drop)
    }

    /// Removes directories in `base` that killed processes of the same user have left.
    ///
    /// # Errors
    /// When `base` cannot be listed.
    pub fn sweep(base: &HostDir) -> Result<Swept> {
        let mut swept = Swept::default();
        for entry in base.list("", usize::MAX)? {
            let Some(name) = directory_of(&entry.name).filter(|_| entry.kind == EntryKind::File)
            else {
                continue;
            };
            let Some(_lock) = abandoned(base.as_fd(), &entry.name) else {
                continue;
            };
            match remove_ours(base, name) {
                Ok(removed) => {
                    let _ = unlinkat(base.as_fd(), &entry.name, AtFlags::empty());
                    if removed {
                        swept.removed.push(name.to_owned());
                    }
                }
                Err(error) => swept.failed.push(error),
            }
        }
        Ok(swept)
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let gone = self.kept
            || self
                .base
                .remove_all(Path::new(&self.name), RemoveOptions::default())
                .is_ok();
        // While something is left, the lock file lets a sweep find it.
        if gone {
            let _ = unlinkat(self.base.as_fd(), &self.lock_name, AtFlags::empty());
        }
    }
}

/// The directory that a lock file's name stands for.
fn directory_of(lock: &OsStr) -> Option<&OsStr> {
    let name = lock.as_bytes().strip_prefix(b".")?;
    let name = name.strip_suffix(LOCK.as_bytes())?;
    name.starts_with(PREFIX.as_bytes())
        .then(|| OsStr::from_bytes(name))
}

/// Removes a directory if it is ours. Whether it was there.
fn remove_ours(base: &Dir, name: &OsStr) -> Result<bool> {
    let stat = match statat(base, name, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => return Ok(false),
        other => other.map_err(|e| FsError::io("look at", base.show(Path::new(name)), e))?,
    };
    let meta = Meta::new(stat);
    if !meta.is_dir() || meta.uid() != rustix::process::geteuid().as_raw() {
        return Ok(false);
    }
    base.remove_all(Path::new(name), RemoveOptions::default())
        .map(|_| true)
}
