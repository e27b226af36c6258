//! Small doings on disk: whole files replaced at once, locks that die with their holder.

use std::{
    fs::{File, OpenOptions},
    path::{Path, PathBuf},
};

use nix::fcntl::{Flock, FlockArg};
use rpmkit_fs::WriteOptions;

use super::error::RepoError;

/// An exclusive lock, held while the value lives and released by the kernel at the latest when the
/// process ends.
pub(super) struct Lock(#[expect(dead_code, reason = "held, never read")] Flock<File>);

impl Lock {
    /// Waits for the lock on `path`, which is created when it is not there.
    pub fn take(path: &Path) -> Result<Self, RepoError> {
        make_parent(path)?;
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(RepoError::io("open", path))?;
        Self::wait(file, path)
    }

    /// Waits for the lock on a directory itself, which leaves no lock file in it.
    pub fn directory(path: &Path) -> Result<Self, RepoError> {
        let file = File::open(path).map_err(RepoError::io("open", path))?;
        Self::wait(file, path)
    }

    fn wait(mut file: File, path: &Path) -> Result<Self, RepoError> {
        loop {
            match Flock::lock(file, FlockArg::LockExclusive) {
                Ok(lock) => return Ok(Self(lock)),
                Err((again, nix::errno::Errno::EINTR)) => file = again,
                Err((_, e)) => return Err(RepoError::io("lock", path)(e.into())),
            }
        }
    }
}

/// Makes the directory a file is to lie in.
pub(super) fn make_parent(path: &Path) -> Result<(), RepoError> {
    match path.parent() {
        Some(dir) => std::fs::create_dir_all(dir).map_err(RepoError::io("create", dir)),
        None => Ok(()),
    }
}

/// Writes a file so that others see the old one or the new one, whole. Only the user may read it:
/// addresses may hold passwords.
pub(super) fn replace(path: &Path, data: &[u8]) -> Result<(), RepoError> {
    make_parent(path)?;
    rpmkit_fs::write_file(path, data, &WriteOptions::with_mode(0o600))
        .map_err(|e| RepoError::io("write", path)(e.into_system()))
}

/// `path` with something appended to its last part.
pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
