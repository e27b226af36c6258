//! Where chains keep what outlives a run: results by key, what is known of packages, and the runs themselves.
//!
//! ```text
//! results-1/KEY            a link to the results of a key, put in place by rename
//! results-1/KEY.NUMBER/    packages, logs, result.json, chain.json, repodata: never changed once they are there
//! known-1/CHROOT/NAME.json what the last build of a package was made of, took and made
//! specs-1/DIGEST.json      what specs say
//! runs-1/ID/               a run: `lock`, source packages, a directory a build
//! ```

use std::{
    fs::{self, File},
    io,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use nix::fcntl::{Flock, FlockArg};
use rpmkit_core::types::Dep;
use rpmkit_graph::PackageDeps;
use serde::{Deserialize, Serialize};

use super::{
    key::KeyParts,
    task::{read, write},
};

/// Name of the record beside results.
const RECORD: &str = "chain.json";

/// What a build of a chain was made of and took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChainRecord {
    /// What the key is the digest of.
    pub parts: KeyParts,
    /// Name of the source package.
    pub package: String,
    /// What it generated.
    pub generated: Vec<Dep>,
    /// What its packages really provide and require.
    pub deps: PackageDeps,
    /// Seconds.
    pub seconds: f64,
    /// Peak of memory, in bytes.
    pub memory: u64,
    /// Where the results are.
    pub results: PathBuf,
}

/// The place.
#[derive(Debug, Clone)]
pub struct ChainHome {
    dir: PathBuf,
}

/// A run in its directory, for as long as the value lives.
#[derive(Debug)]
pub struct ChainRun {
    /// The directory.
    pub dir: PathBuf,
    _lock: Flock<File>,
}

impl ChainHome {
    /// Opens it, made where it is missing.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(dir: &Path) -> io::Result<Self> {
        for name in ["results-1", "known-1", "specs-1", "runs-1"] {
            fs::create_dir_all(dir.join(name))?;
        }
        Ok(Self {
            dir: dir.to_owned(),
        })
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where all results are.
    pub fn results(&self) -> PathBuf {
        self.dir.join("results-1")
    }

    /// The results of a key, with their record.
    pub fn find(&self, key: &str) -> Option<(PathBuf, ChainRecord)> {
        let dir = fs::canonicalize(self.results().join(key)).ok()?;
        let record = read(&dir.join(RECORD)).ok()?;
        // The time of the last use, for those who make room.
        let _ = File::open(&dir).and_then(|f| f.set_modified(std::time::SystemTime::now()));
        Some((dir, record))
    }

    /// Makes `dir`, which is complete, the results of its key. Gives where they are.
    ///
    /// # Errors
    /// What the system says. Either all is there or nothing.
    pub fn publish(&self, dir: &Path, record: &ChainRecord) -> io::Result<PathBuf> {
        let (results, key) = (self.results(), record.parts.key());
        for number in 1u32.. {
            let place = results.join(format!("{key}.{number}"));
            if place.exists() {
                continue;
            }
            let record = ChainRecord {
                results: place.clone(),
                ..record.clone()
            };
            write(&dir.join(RECORD), &record)?;
            sync(dir)?;
            match fs::rename(dir, &place) {
                Err(e)
                    if matches!(
                        e.kind(),
                        io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists
                    ) =>
                {
                    continue;
                }
                other => other?,
            }
            let link = results.join(format!(".{key}.{}", std::process::id()));
            // Of a run that was killed and had our number.
            let _ = fs::remove_file(&link);
            symlink(format!("{key}.{number}"), &link)?;
            fs::rename(&link, results.join(&key))?;
            File::open(&results)?.sync_all()?;
            return Ok(place);
        }
        Err(io::Error::other("there are too many results of this key"))
    }

    fn known_path(&self, chroot: &str, package: &str) -> PathBuf {
        let plain = |name: &str| name.replace('/', "%2F");
        self.dir
            .join("known-1")
            .join(plain(chroot))
            .join(format!("{}.json", plain(package)))
    }

    /// What is known of the last build of a package for a chroot.
    pub fn known(&self, chroot: &str, package: &str) -> Option<ChainRecord> {
        read(&self.known_path(chroot, package)).ok()
    }

    /// Remembers it.
    ///
    /// # Errors
    /// What the system says.
    pub fn remember(&self, record: &ChainRecord) -> io::Result<()> {
        let path = self.known_path(&record.parts.chroot, &record.package);
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir)?;
        }
        write(&path, record)
    }

    /// A file for what a spec says.
    pub fn spec_path(&self, digest: &str) -> PathBuf {
        self.dir.join("specs-1").join(format!("{digest}.json"))
    }

    /// A directory for a run. What killed ones have left goes first.
    ///
    /// # Errors
    /// What the system says.
    pub fn run(&self) -> io::Result<ChainRun> {
        let runs = self.dir.join("runs-1");
        self.sweep(&runs)?;
        let made = tempfile::Builder::new()
            .prefix("")
            .rand_bytes(10)
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .tempdir_in(&runs)?;
        let lock = locked(&made.path().join("lock"))?
            .ok_or_else(|| io::Error::other("somebody else took the run's directory"))?;
        Ok(ChainRun {
            dir: made.keep(),
            _lock: lock,
        })
    }

    /// Removes runs nobody works on: neither who started them nor any of their workers.
    fn sweep(&self, runs: &Path) -> io::Result<()> {
        for entry in fs::read_dir(runs)? {
            let dir = entry?.path();
            let locks = || -> io::Result<bool> {
                if locked(&dir.join("lock"))?.is_none() {
                    return Ok(true);
                }
                for task in fs::read_dir(&dir)? {
                    let lock = task?.path().join("lock");
                    if lock.exists() && locked(&lock)?.is_none() {
                        return Ok(true);
                    }
                }
                Ok(false)
            };
            // One that was made a moment ago has no lock yet.
            let fresh = fs::metadata(&dir)
                .and_then(|m| m.modified())
                .is_ok_and(|at| at.elapsed().is_ok_and(|age| age.as_secs() < 2));
            let bare = fresh && !dir.join("lock").exists();
            if !bare && !locks().unwrap_or(true) {
                // Another run may be doing the same.
                let _ = fs::remove_dir_all(&dir);
            }
        }
        // Results that were on their way when their worker was killed.
        for entry in fs::read_dir(self.results())? {
            let entry = entry?;
            let name = entry.file_name();
            let pid = name
                .to_string_lossy()
                .strip_prefix('.')
                .and_then(|rest| rest.rsplit('.').next()?.parse::<u32>().ok());
            if pid.is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists()) {
                let _ = fs::remove_file(entry.path());
            }
        }
        Ok(())
    }
}

impl Drop for ChainRun {
    fn drop(&mut self) {
        // The next run removes what cannot be removed now.
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// Whether somebody builds a chain whose results are kept in `dir`.
pub fn at_work(dir: &Path) -> bool {
    let runs = fs::read_dir(dir.join("runs-1"));
    let mut runs = runs.into_iter().flatten().flatten();
    runs.any(|run| {
        let lock = run.path().join("lock");
        lock.exists() && !matches!(locked(&lock), Ok(Some(_)))
    })
}

/// Takes the lock of a file, which is made; `None` when somebody has it.
///
/// # Errors
/// What the system says.
pub fn locked(path: &Path) -> io::Result<Option<Flock<File>>> {
    let file = File::options().create(true).append(true).open(path)?;
    match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(lock) => Ok(Some(lock)),
        Err((_, nix::errno::Errno::EWOULDBLOCK)) => Ok(None),
        Err((_, error)) => Err(error.into()),
    }
}

/// Has the files of a directory and its `repodata` on disk.
fn sync(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync(&entry.path())?;
        } else if entry.file_type()?.is_file() {
            File::open(entry.path())?.sync_all()?;
        }
    }
    File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeMap;

    use super::*;

    fn record() -> ChainRecord {
        ChainRecord {
            parts: KeyParts {
                format: 1,
                rpmkit: "1".into(),
                chroot: "c".into(),
                options: String::new(),
                sources: BTreeMap::new(),
                packages: BTreeMap::new(),
            },
            package: "a".into(),
            generated: Vec::new(),
            deps: PackageDeps::default(),
            seconds: 1.0,
            memory: 2,
            results: PathBuf::new(),
        }
    }

    #[test]
    fn results_are_found_by_key_and_the_last_ones_count() {
        let dir = tempfile::tempdir().unwrap();
        let home = ChainHome::open(dir.path()).unwrap();
        let key = record().parts.key();
        assert!(home.find(&key).is_none());
        let mut places = Vec::new();
        for text in ["one", "two"] {
            let made = dir.path().join("made");
            fs::create_dir(&made).unwrap();
            fs::write(made.join("x.rpm"), text).unwrap();
            places.push(home.publish(&made, &record()).unwrap());
            let (found, known) = home.find(&key).unwrap();
            assert_eq!(fs::read_to_string(found.join("x.rpm")).unwrap(), text);
            assert_eq!(known.results, found);
        }
        // Whoever still uses the first ones finds them as they were.
        assert_eq!(fs::read_to_string(places[0].join("x.rpm")).unwrap(), "one");
    }

    #[test]
    fn what_killed_runs_left_goes_and_what_is_at_work_stays() {
        let dir = tempfile::tempdir().unwrap();
        let home = ChainHome::open(dir.path()).unwrap();
        let mine = home.run().unwrap();
        let runs = dir.path().join("runs-1");
        for name in ["dead", "working/1"] {
            fs::create_dir_all(runs.join(name)).unwrap();
        }
        fs::write(runs.join("dead/lock"), "").unwrap();
        fs::write(runs.join("working/lock"), "").unwrap();
        let worker = locked(&runs.join("working/1/lock")).unwrap().unwrap();
        fs::write(home.results().join(".key.4000000"), "").unwrap();
        let other = home.run().unwrap();
        assert!(at_work(dir.path()));
        assert!(mine.dir.exists() && other.dir.exists());
        assert!(!runs.join("dead").exists() && runs.join("working").exists());
        assert!(!home.results().join(".key.4000000").exists());
        drop(worker);
        drop(other);
        home.run().unwrap();
        assert!(!runs.join("working").exists());
    }

    #[test]
    fn packages_are_remembered_by_chroot() {
        let dir = tempfile::tempdir().unwrap();
        let home = ChainHome::open(dir.path()).unwrap();
        home.remember(&record()).unwrap();
        assert_eq!(home.known("c", "a"), Some(record()));
        assert_eq!(home.known("d", "a"), None);
    }
}
