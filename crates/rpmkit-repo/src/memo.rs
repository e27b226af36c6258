//! Remembers what was found out about files, so that nothing is hashed twice.
//!
//! A file is known by device, inode, size and both times. Whoever changes its content changes one
//! of them, unless he sets out to deceive, and then he could as well change the memory: it lies in
//! a directory only the user may write. File systems count time in ticks, so a file that was changed
//! in the tick in which it was looked at is not remembered: it may change once more and look the same.

use std::{
    collections::HashSet,
    fs::Metadata,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, UNIX_EPOCH},
};

use super::{
    disk::{CacheLock, replace, with_suffix},
    error::RepoError,
};

/// First line of the file; the number is the format.
const HEAD: &str = "rpmkit verified files 1";
/// Longer than a tick of any kernel, 10 ms where they are longest.
const TICK: Duration = Duration::from_millis(30);
/// Lines kept; the oldest go first.
const MOST: usize = 100_000;

/// A file as it was seen before its content was read.
pub(super) struct Look {
    /// What the file system says of it.
    pub meta: Metadata,
    settled: bool,
}

impl Look {
    /// Looks at a file, behind links.
    pub fn at(path: &Path) -> std::io::Result<Self> {
        let now = UNIX_EPOCH.elapsed().unwrap_or_default();
        let meta = std::fs::metadata(path)?;
        let changed = Duration::new(
            u64::try_from(meta.ctime()).unwrap_or(0),
            u32::try_from(meta.ctime_nsec()).unwrap_or(0),
        );
        // A time in the future is of another clock, which says nothing of the past.
        let settled = now.checked_sub(changed).is_some_and(|age| age > TICK);
        Ok(Self { meta, settled })
    }

    /// Of a file that nobody else may write.
    pub fn at_own(path: &Path) -> std::io::Result<Self> {
        let settled = true;
        Ok(Self {
            settled,
            ..Self::at(path)?
        })
    }
}

pub(super) struct Memo {
    path: PathBuf,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    loaded: bool,
    known: HashSet<String>,
    new: Vec<String>,
}

impl Memo {
    pub fn new(path: PathBuf) -> Self {
        Self {
            path,
            inner: Mutex::default(),
        }
    }

    /// True when `claim` was found true of this very file.
    pub fn holds(&self, file: &Look, claim: &str) -> bool {
        self.inner().known.contains(&line(&file.meta, claim))
    }

    /// Notes that `claim` is true of this file.
    pub fn note(&self, file: &Look, claim: &str) {
        if !file.settled {
            return;
        }
        let line = line(&file.meta, claim);
        let mut inner = self.inner();
        if inner.known.insert(line.clone()) {
            inner.new.push(line);
        }
    }

    /// Writes down what is new. Cheap when nothing is.
    pub fn save(&self) -> Result<(), RepoError> {
        let new = std::mem::take(&mut self.inner().new);
        if new.is_empty() {
            return Ok(());
        }
        let _lock = CacheLock::take(&with_suffix(&self.path, ".lock"))?;
        let mut lines = read(&self.path);
        lines.extend(new);
        if lines.len() > MOST {
            lines.drain(..lines.len() - MOST / 2);
        }
        let mut text = String::from(HEAD);
        for line in &lines {
            text.push('\n');
            text.push_str(line);
        }
        text.push('\n');
        replace(&self.path, text.as_bytes())
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if !inner.loaded {
            inner.loaded = true;
            inner.known.extend(read(&self.path));
        }
        inner
    }
}

/// Lines of the file; none when it is missing or of another format (then everything is checked
/// again and the file written anew).
fn read(path: &Path) -> Vec<String> {
    let Ok(text) = std::fs::read_to_string(path) else {
        return Vec::new();
    };
    let mut lines = text.lines();
    if lines.next() != Some(HEAD) {
        return Vec::new();
    }
    lines.map(str::to_owned).collect()
}

fn line(meta: &Metadata, claim: &str) -> String {
    format!(
        "{} {} {} {}.{:09} {}.{:09} {claim}",
        meta.dev(),
        meta.ino(),
        meta.size(),
        meta.mtime(),
        meta.mtime_nsec(),
        meta.ctime(),
        meta.ctime_nsec(),
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn answers_outlive_processes_and_changed_files_are_asked_again() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a");
        std::fs::write(&file, "one").unwrap();
        let path = dir.path().join("memo");
        let first = Memo::new(path.clone());
        // Changed a moment ago: it may be changed again and look the same.
        first.note(&Look::at(&file).unwrap(), "sha256:x");
        assert!(!first.holds(&Look::at(&file).unwrap(), "sha256:x"));
        std::thread::sleep(2 * TICK);
        let meta = Look::at(&file).unwrap();
        assert!(!first.holds(&meta, "sha256:x"));
        first.note(&meta, "sha256:x");
        first.save().unwrap();

        let second = Memo::new(path.clone());
        assert!(second.holds(&meta, "sha256:x"));
        assert!(!second.holds(&meta, "sha256:y"));
        std::fs::write(&file, "other").unwrap();
        assert!(!second.holds(&Look::at(&file).unwrap(), "sha256:x"));

        // Two writers add to each other's notes.
        first.note(&meta, "gpg:1");
        second.note(&meta, "gpg:2");
        first.save().unwrap();
        second.save().unwrap();
        let third = Memo::new(path.clone());
        assert!(third.holds(&meta, "gpg:1") && third.holds(&meta, "gpg:2"));

        std::fs::write(&path, "rpmkit verified files 0\nold\n").unwrap();
        assert!(!Memo::new(path).holds(&meta, "gpg:1"));
    }
}
