//! Dropping what nobody has used for long.
//!
//! A repository's state and a package's directory have the time of their last use (to a day) as
//! their time of change. Metadata files live as long as a state names them.

use std::{
    collections::HashSet,
    fs::{self, DirEntry, Metadata},
    path::Path,
    time::{Duration, SystemTime},
};

use super::{error::RepoError, fetcher::Fetcher, state::records_named};

/// How exact the time of the last use is: finer would mean a write for every use.
const USE: Duration = Duration::from_secs(24 * 3600);

/// What was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pruned {
    /// Files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Notes that a directory of the cache is in use.
pub(super) fn mark_used(dir: &Path) {
    let aged = fs::metadata(dir)
        .and_then(|meta| meta.modified())
        .is_ok_and(|at| at.elapsed().is_ok_and(|age| age > USE));
    if aged {
        // Without the right to write there is nothing to prune either.
        let _ = fs::File::open(dir).and_then(|file| file.set_modified(SystemTime::now()));
    }
}

impl Fetcher {
    /// Drops repository states, metadata files and packages that were not used for `unused_for`
    /// (not less than two days, since use is known to a day). Safe beside running builds.
    pub fn prune(&self, unused_for: Duration) -> Result<Pruned, RepoError> {
        let mut sweep = Sweep {
            limit: unused_for.max(USE * 2),
            done: Pruned::default(),
        };
        let states = self.dirs.metadata.join("repos-1");
        let mut named = HashSet::new();
        for entry in entries(&states)? {
            let dir = entry.path();
            if sweep.old(&entry)?.is_some() {
                sweep.tree(&dir)?;
            } else {
                named.extend(records_named(&dir));
            }
        }
        for entry in entries(&self.dirs.metadata.join("files-1"))? {
            let name = entry.file_name();
            if let Some(meta) = sweep.old(&entry)?
                && meta.is_file()
                && !named.contains(&*name.to_string_lossy())
            {
                sweep.file(&entry.path(), &meta)?;
            }
        }
        for shard in entries(&self.dirs.packages.join("store-1"))? {
            if shard.file_name().to_string_lossy().starts_with('.') {
                continue;
            }
            for entry in entries(&shard.path())? {
                match sweep.old(&entry)? {
                    Some(meta) if meta.is_dir() => sweep.tree(&entry.path())?,
                    Some(meta) => sweep.file(&entry.path(), &meta)?,
                    None => {}
                }
            }
        }
        Ok(sweep.done)
    }
}

struct Sweep {
    limit: Duration,
    done: Pruned,
}

impl Sweep {
    /// The entry's data, if it is old enough to go.
    fn old(&self, entry: &DirEntry) -> Result<Option<Metadata>, RepoError> {
        let meta = match entry.metadata() {
            Ok(meta) => meta,
            // Somebody else was faster.
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(RepoError::io("read", entry.path())(e)),
        };
        let age = meta.modified().ok().and_then(|at| at.elapsed().ok());
        Ok(age.is_some_and(|age| age > self.limit).then_some(meta))
    }

    fn file(&mut self, path: &Path, meta: &Metadata) -> Result<(), RepoError> {
        fs::remove_file(path).map_err(RepoError::io("remove", path))?;
        self.done.files += 1;
        self.done.bytes += meta.len();
        Ok(())
    }

    /// Removes a directory that holds only files.
    fn tree(&mut self, dir: &Path) -> Result<(), RepoError> {
        for entry in entries(dir)? {
            let path = entry.path();
            let meta = entry.metadata().map_err(RepoError::io("read", &path))?;
            self.file(&path, &meta)?;
        }
        fs::remove_dir(dir).map_err(RepoError::io("remove", dir))
    }
}

/// The entries of a directory; none when there is no such directory.
fn entries(dir: &Path) -> Result<Vec<DirEntry>, RepoError> {
    match fs::read_dir(dir) {
        Ok(entries) => entries
            .collect::<Result<_, _>>()
            .map_err(RepoError::io("read", dir)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(e) => Err(RepoError::io("read", dir)(e)),
    }
}
