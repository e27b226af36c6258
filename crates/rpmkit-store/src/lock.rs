//! Kernel locks on files. They die with their last holder, so none is ever stale.
//!
//! The lock belongs to the open file description: a child that inherits the descriptor keeps it.

use std::{
    fs::File,
    io::{self, Read, Seek, Write},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::fs::MetadataExt,
    },
    path::Path,
};

use nix::{
    errno::Errno,
    fcntl::{Flock, FlockArg},
};
use serde::{Deserialize, Serialize};

use super::{
    disk::Disk,
    error::{At, StoreError},
};

/// Who holds a lock, as the holder wrote it down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockHolder {
    /// Process id in the holder's pid namespace.
    pub pid: u32,
    /// What it was asked to do, for people.
    pub command: String,
    /// Since when, seconds since 1970.
    pub since: u64,
}

impl std::fmt::Display for LockHolder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let since = i64::try_from(self.since)
            .ok()
            .and_then(|s| jiff::Timestamp::from_second(s).ok())
            .map(|t| t.strftime("%Y-%m-%d %H:%M:%S UTC").to_string());
        let since = since.unwrap_or_else(|| "an unknown time".to_owned());
        write!(f, "process {} (`{}`) since {since}", self.pid, self.command)
    }
}

/// Shared or exclusive, waiting or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LockWant {
    /// Shared; waits.
    Shared,
    /// Exclusive; waits.
    Exclusive,
    /// Exclusive, or `None` at once.
    TryExclusive,
}

/// A lock that is held until it is dropped.
#[derive(Debug)]
pub(crate) struct StoreLock(Flock<File>);

impl StoreLock {
    /// Locks the file at `path`, making it first. `None` only for [`LockWant::TryExclusive`].
    ///
    /// When the file was renamed away while we waited, the lock we got protects nothing; then the
    /// path is opened anew.
    pub(crate) fn take(
        disk: &Disk,
        path: &Path,
        want: LockWant,
    ) -> Result<Option<Self>, StoreError> {
        loop {
            let file = disk.touch(path)?;
            let Some(lock) = Self::on(file, want).at("lock", path)? else {
                return Ok(None);
            };
            let ours = lock.0.metadata().at("look at", path)?;
            match std::fs::symlink_metadata(path) {
                Ok(there) if (there.ino(), there.dev()) == (ours.ino(), ours.dev()) => {
                    return Ok(Some(lock));
                }
                Ok(_) => {}
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(e) => return Err(e).at("look at", path),
            }
        }
    }

    /// Locks an open file.
    fn on(file: File, want: LockWant) -> io::Result<Option<Self>> {
        let arg = match want {
            LockWant::Shared => FlockArg::LockShared,
            LockWant::Exclusive => FlockArg::LockExclusive,
            LockWant::TryExclusive => FlockArg::LockExclusiveNonblock,
        };
        let mut file = file;
        loop {
            match Flock::lock(file, arg) {
                Ok(lock) => return Ok(Some(Self(lock))),
                Err((back, Errno::EINTR)) => file = back,
                Err((_, Errno::EWOULDBLOCK)) if want == LockWant::TryExclusive => return Ok(None),
                Err((_, e)) => return Err(e.into()),
            }
        }
    }

    /// As [`StoreLock::take`] for an existing file only; `None` also when it is not there.
    pub(crate) fn existing(path: &Path, want: LockWant) -> Result<Option<Self>, StoreError> {
        match File::options().read(true).write(true).open(path) {
            Ok(file) => Self::on(file, want).at("lock", path),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e).at("open", path),
        }
    }

    /// Writes down who we are, for whoever is refused.
    pub(crate) fn sign(&mut self, holder: &LockHolder) -> io::Result<()> {
        let text = serde_json::to_vec(holder).map_err(io::Error::other)?;
        let file: &mut File = &mut self.0;
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(&text)
    }

    /// The descriptor, to be inherited by a container.
    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    /// Lets go of it without unlocking: who has inherited the descriptor keeps the lock.
    pub(crate) fn leave(self) {
        use std::os::fd::AsRawFd;
        let fd = self.0.as_raw_fd();
        // Dropping would unlock it for everybody.
        std::mem::forget(self.0);
        // What could fail is a delayed write, and nothing is written here.
        let _ = nix::unistd::close(fd);
    }

    /// Records the present time as last use, in the file's modification time.
    pub(crate) fn mark_used(&self) -> io::Result<()> {
        self.0.set_modified(std::time::SystemTime::now())
    }
}

/// What the present holder of the lock at `path` wrote down, if it reads.
pub(crate) fn holder(path: &Path) -> Option<LockHolder> {
    let mut text = String::new();
    File::open(path).ok()?.read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_lock_that_is_left_is_its_heirs() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("l");
        let disk = Disk::default();
        let take = || StoreLock::take(&disk, &path, LockWant::TryExclusive).unwrap();
        let lock = take().unwrap();
        let heir = lock.fd().try_clone_to_owned().unwrap();
        lock.leave();
        assert!(take().is_none());
        drop(heir);
        assert!(take().is_some());
    }

    #[test]
    fn refused_lock_names_its_holder() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("l");
        let disk = Disk::default();
        let mut held = StoreLock::take(&disk, &path, LockWant::Exclusive)
            .unwrap()
            .unwrap();
        let me = LockHolder {
            pid: 7,
            command: "mock --shell".into(),
            since: 0,
        };
        held.sign(&me).unwrap();
        assert!(
            StoreLock::take(&disk, &path, LockWant::TryExclusive)
                .unwrap()
                .is_none()
        );
        assert_eq!(holder(&path), Some(me.clone()));
        assert_eq!(
            me.to_string(),
            "process 7 (`mock --shell`) since 1970-01-01 00:00:00 UTC"
        );
        drop(held);
        assert!(
            StoreLock::take(&disk, &path, LockWant::TryExclusive)
                .unwrap()
                .is_some()
        );
    }
}
