//! Every change the store makes on disk goes through [`Disk`], one method a system call, so that a
//! test can stop the world before any of them.
//!
//! A [`Fault`] either kills the process on the spot (as `kill -9` would) or makes this and every
//! later change fail, so that guards running on the way out cannot tidy up either.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use super::error::{At, StoreError};

/// What happens when the counter of a [`Fault`] has run out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// SIGKILL to this very process.
    Kill,
    /// An error now and for every later change.
    Fail,
}

/// A planned crash.
#[derive(Debug)]
pub struct Fault {
    kind: FaultKind,
    at: u64,
    seen: AtomicU64,
    dead: AtomicBool,
}

impl Fault {
    /// Crashes just before change number `at`, counted from 1. `u64::MAX` only counts.
    pub fn new(kind: FaultKind, at: u64) -> Arc<Self> {
        Arc::new(Self {
            kind,
            at,
            seen: AtomicU64::new(0),
            dead: AtomicBool::new(false),
        })
    }

    /// How many changes were attempted so far.
    pub fn seen(&self) -> u64 {
        self.seen.load(Ordering::SeqCst)
    }

    /// Whether the crash has happened.
    pub fn fired(&self) -> bool {
        self.dead.load(Ordering::SeqCst)
    }
}

/// Size of the spare file: room for the few small files that dropping a chroot replaces, on any
/// block size.
const SPARE: usize = 256 * 1024;

/// The hand that changes the disk.
#[derive(Debug, Clone, Default)]
pub struct Disk {
    fault: Option<Arc<Fault>>,
    /// A file that is given up when the disk is full, so that what takes the room can be dropped.
    spare: Option<PathBuf>,
}

impl Disk {
    /// A disk that crashes as planned.
    pub fn with_fault(fault: Arc<Fault>) -> Self {
        Self {
            fault: Some(fault),
            spare: None,
        }
    }

    /// Keeps a little room in reserve, in a file at `path`, made when it is missing. A disk that is
    /// full already has none to keep.
    pub(crate) fn with_spare(mut self, path: PathBuf) -> Self {
        if !path.exists() && fs::write(&path, vec![0; SPARE]).is_err() {
            let _ = fs::remove_file(&path);
        }
        self.spare = Some(path);
        self
    }

    /// Gives up the reserve; whether there was one.
    fn give_up_spare(&self) -> bool {
        self.spare
            .as_ref()
            .is_some_and(|spare| fs::remove_file(spare).is_ok())
    }

    /// Whether this is a test's disk with a planned crash.
    pub(crate) fn is_planned(&self) -> bool {
        self.fault.is_some()
    }

    /// Called before each change; an error means the crash has happened.
    pub(crate) fn step(&self) -> io::Result<()> {
        let Some(fault) = &self.fault else {
            return Ok(());
        };
        let seen = fault.seen.fetch_add(1, Ordering::SeqCst) + 1;
        if seen >= fault.at || fault.fired() {
            fault.dead.store(true, Ordering::SeqCst);
            if fault.kind == FaultKind::Kill {
                let _ = nix::sys::signal::kill(nix::unistd::getpid(), nix::sys::signal::SIGKILL);
            }
            return Err(io::Error::other("simulated crash"));
        }
        Ok(())
    }

    /// `mkdir` with permission bits; an existing directory is fine.
    pub(crate) fn mkdir(&self, path: &Path, mode: u32) -> Result<(), StoreError> {
        self.step().at("create directory", path)?;
        match DirBuilder::new().mode(mode).create(path) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            other => other.at("create directory", path),
        }
    }

    /// `chmod`, for bits the umask would take away.
    pub(crate) fn chmod(&self, path: &Path, mode: u32) -> Result<(), StoreError> {
        use std::os::unix::fs::PermissionsExt;
        self.step().at("change the mode of", path)?;
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).at("change the mode of", path)
    }

    /// `rename`.
    pub(crate) fn rename(&self, from: &Path, to: &Path) -> Result<(), StoreError> {
        self.step().at("rename", from)?;
        fs::rename(from, to).at("rename", from)
    }

    /// `unlink`; a missing file is fine.
    pub(crate) fn unlink(&self, path: &Path) -> Result<(), StoreError> {
        self.step().at("remove", path)?;
        match fs::remove_file(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other.at("remove", path),
        }
    }

    /// `symlink`; an existing name is an error.
    pub(crate) fn symlink(&self, target: &Path, link: &Path) -> Result<(), StoreError> {
        self.step().at("create link", link)?;
        std::os::unix::fs::symlink(target, link).at("create link", link)
    }

    /// Opens a file for reading and writing, making it when it is not there.
    pub(crate) fn touch(&self, path: &Path) -> Result<File, StoreError> {
        if !path.exists() {
            self.step().at("create", path)?;
        }
        OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o644)
            .open(path)
            .at("open", path)
    }

    /// Replaces a file whole: temporary name, fsync if `durable`, rename. The temporary name is
    /// fixed, so a crash leaves at most one that the next call overwrites; the caller holds a lock.
    /// On a full disk the reserve goes into it.
    pub(crate) fn replace(
        &self,
        path: &Path,
        content: &[u8],
        durable: bool,
    ) -> Result<(), StoreError> {
        let mut temporary = path.as_os_str().to_owned();
        temporary.push(".new");
        let temporary = Path::new(&temporary);
        self.step().at("create", temporary)?;
        self.step().at("write", temporary)?;
        let written = match write(temporary, content, durable) {
            Err(e) if is_full(&e) && self.give_up_spare() => write(temporary, content, durable),
            other => other,
        };
        if let Err(e) = written {
            let _ = fs::remove_file(temporary);
            return Err(e).at("write", temporary);
        }
        self.rename(temporary, path)
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

fn write(path: &Path, content: &[u8], durable: bool) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(content)?;
    if durable {
        file.sync_data()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn nothing_changes_after_a_fault() {
        let dir = tempfile::tempdir().unwrap();
        let fault = Fault::new(FaultKind::Fail, 2);
        let disk = Disk::with_fault(fault.clone());
        disk.mkdir(&dir.path().join("a"), 0o755).unwrap();
        assert!(disk.mkdir(&dir.path().join("b"), 0o755).is_err());
        assert!(disk.mkdir(&dir.path().join("c"), 0o755).is_err());
        assert!(fault.fired());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_reserve_is_kept_and_given_up_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("spare");
        let disk = Disk::default().with_spare(path.clone());
        assert_eq!(fs::metadata(&path).unwrap().len(), SPARE as u64);
        assert!(disk.give_up_spare());
        assert!(!path.exists() && !disk.give_up_spare());
        assert!(!Disk::default().give_up_spare());
    }

    #[test]
    fn replace_is_all_or_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        Disk::default().replace(&path, b"old", true).unwrap();
        for at in 1..=3 {
            let disk = Disk::with_fault(Fault::new(FaultKind::Fail, at));
            assert!(disk.replace(&path, b"new", true).is_err());
            assert_eq!(fs::read(&path).unwrap(), b"old");
        }
        Disk::default().replace(&path, b"new", true).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
