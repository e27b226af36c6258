//! Dropping what is kept of some repositories: mock's `--scrub=dnf-cache`.

use std::{collections::HashSet, fs, io, path::Path};

use super::{
    conf::RepoSet, disk::CacheLock, error::RepoError, fetcher::Fetcher, state::records_named,
};
use rpmkit_types::Checksum;

impl Fetcher {
    /// Forgets the metadata of all repositories of a set, switched on or not, and these packages. The next
    /// run fetches anew what it needs. Safe beside running builds: files in use stay readable.
    pub fn forget(&self, repos: &RepoSet, packages: &[Checksum]) -> Result<(), RepoError> {
        let mut doomed = HashSet::new();
        for repo in &repos.repos {
            let dir = self.repo_dir(repo);
            if !dir.is_dir() {
                continue;
            }
            let _lock = CacheLock::take(&dir.join("lock"))?;
            doomed.extend(records_named(&dir));
            for name in ["state.json", "repomd.xml"] {
                gone(&dir.join(name), fs::remove_file(dir.join(name)))?;
            }
        }
        let states = self.dirs.metadata.join("repos-1");
        if let Ok(entries) = fs::read_dir(&states) {
            for entry in entries.flatten() {
                for name in records_named(&entry.path()) {
                    doomed.remove(&name);
                }
            }
        }
        for name in doomed {
            let path = self.dirs.metadata.join("files-1").join(name);
            gone(&path, fs::remove_file(&path))?;
        }
        for sum in packages {
            if let Some(dir) = self.package_dir(sum) {
                gone(&dir, fs::remove_dir_all(&dir))?;
            }
        }
        Ok(())
    }
}

/// A file that is not there is as good as removed.
fn gone(path: &Path, result: io::Result<()>) -> Result<(), RepoError> {
    match result {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(RepoError::io("remove", path)(e)),
        _ => Ok(()),
    }
}
