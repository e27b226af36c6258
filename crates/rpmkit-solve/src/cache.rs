//! Files of our own in a format-versioned directory: written under a temporary name and renamed,
//! read only when their end says that all of them is there.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Raise it whenever what is stored, or what it is made from, changes its meaning.
const FORMAT: u32 = 2;
const MAGIC: &[u8; 8] = b"rpmkit\x00S";

/// A directory of caches of one kind.
#[derive(Debug, Clone)]
pub(crate) struct CacheDir {
    dir: PathBuf,
    extension: &'static str,
    keep: usize,
}

impl CacheDir {
    /// `keep` is the number of files a group (see [`CacheDir::store`]) may have.
    pub(crate) fn new(base: &Path, kind: &str, extension: &'static str, keep: usize) -> Self {
        Self {
            dir: base.join(format!("{kind}-v{FORMAT}")),
            extension,
            keep,
        }
    }

    fn path(&self, group: &str, key: &str) -> PathBuf {
        self.dir
            .join(format!("{}{key}.{}", prefix(group), self.extension))
    }

    /// The file of a key, if it is there and whole.
    pub(crate) fn find(&self, group: &str, key: &str) -> Option<PathBuf> {
        let path = self.path(group, key);
        whole(&path).then_some(path)
    }

    /// The content stored under a key.
    pub(crate) fn read(&self, group: &str, key: &str) -> Option<Vec<u8>> {
        let mut data = fs::read(self.path(group, key)).ok()?;
        let body = data.len().checked_sub(TRAILER)?;
        (trailer(&data[..body]) == data[body..]).then(|| data.truncate(body))?;
        Some(data)
    }

    /// Writes a file through `fill`, seals it and gives it its name. Older files of the same group
    /// are removed when there are too many.
    pub(crate) fn store(
        &self,
        group: &str,
        key: &str,
        fill: impl FnOnce(fs::File) -> io::Result<()>,
    ) -> io::Result<PathBuf> {
        fs::create_dir_all(&self.dir)?;
        let temp = tempfile::Builder::new()
            .prefix(".new-")
            .tempfile_in(&self.dir)?;
        fill(temp.as_file().try_clone()?)?;
        let body = fs::read(temp.path())?;
        let mut file = fs::OpenOptions::new().append(true).open(temp.path())?;
        io::Write::write_all(&mut file, &trailer(&body))?;
        let path = self.path(group, key);
        temp.persist(&path).map_err(|e| e.error)?;
        self.prune(group, &path);
        Ok(path)
    }

    /// Removes the oldest files of a group. Failing to is no failure: they are only old.
    fn prune(&self, group: &str, newest: &Path) {
        let prefix = prefix(group);
        let Ok(entries) = fs::read_dir(&self.dir) else {
            return;
        };
        let mut files: Vec<_> = entries
            .flatten()
            .filter(|e| {
                let name = e.file_name();
                let name = name.to_string_lossy();
                !name.starts_with('.') && name.starts_with(&prefix) && e.path() != newest
            })
            .filter_map(|e| Some((e.metadata().ok()?.modified().ok()?, e.path())))
            .collect();
        files.sort();
        let surplus = (files.len() + 1).saturating_sub(self.keep);
        for (_, path) in files.iter().take(surplus) {
            let _ = fs::remove_file(path);
        }
    }
}

/// The group as the start of a file name; `=` ends it, so that no group is the start of another.
fn prefix(group: &str) -> String {
    if group.is_empty() {
        return String::new();
    }
    let safe: String = group
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') {
                c
            } else {
                '_'
            }
        })
        .take(80)
        .collect();
    format!("r{safe}=")
}

const TRAILER: usize = 24;

/// Magic, length and a hash: enough to notice a file that is cut or mixed up. Nobody hostile can
/// write here; a cryptographic digest would double the time a warm load takes.
fn trailer(body: &[u8]) -> [u8; TRAILER] {
    let mut out = [0; TRAILER];
    out[..8].copy_from_slice(MAGIC);
    out[8..16].copy_from_slice(&(body.len() as u64).to_le_bytes());
    out[16..].copy_from_slice(&hash(body).to_le_bytes());
    out
}

fn hash(body: &[u8]) -> u64 {
    const PRIME: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut chunks = body.chunks_exact(8);
    let mut state = body.len() as u64;
    for chunk in &mut chunks {
        let mut word = [0; 8];
        word.copy_from_slice(chunk);
        state = (state ^ u64::from_le_bytes(word))
            .wrapping_mul(PRIME)
            .rotate_left(29);
    }
    for &byte in chunks.remainder() {
        state = (state ^ u64::from(byte))
            .wrapping_mul(PRIME)
            .rotate_left(29);
    }
    state ^ (state >> 32)
}

fn whole(path: &Path) -> bool {
    let Ok(data) = fs::read(path) else {
        return false;
    };
    let Some(body) = data.len().checked_sub(TRAILER) else {
        return false;
    };
    trailer(&data[..body]) == data[body..]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Write;

    use super::*;

    #[test]
    fn only_whole_files_count() {
        let base = tempfile::tempdir().unwrap();
        let cache = CacheDir::new(base.path(), "t", "bin", 2);
        assert!(cache.read("g", "k").is_none());
        let path = cache
            .store("g", "k", |mut f| f.write_all(b"content of some length"))
            .unwrap();
        assert_eq!(cache.read("g", "k").unwrap(), b"content of some length");
        assert_eq!(cache.find("g", "k").unwrap(), path);
        let good = fs::read(&path).unwrap();
        for bad in [
            &good[..good.len() - 1],
            &good[1..],
            b"",
            &[good.clone(), vec![0]].concat(),
        ] {
            fs::write(&path, bad).unwrap();
            assert!(cache.read("g", "k").is_none() && cache.find("g", "k").is_none());
        }
        let mut flipped = good;
        flipped[3] ^= 1;
        fs::write(&path, flipped).unwrap();
        assert!(cache.find("g", "k").is_none());
    }

    #[test]
    fn old_files_of_a_group_go() {
        let base = tempfile::tempdir().unwrap();
        let cache = CacheDir::new(base.path(), "t", "bin", 2);
        for key in ["1", "2", "3"] {
            cache.store("a", key, |mut f| f.write_all(b"x")).unwrap();
        }
        cache.store("ab", "1", |mut f| f.write_all(b"x")).unwrap();
        assert!(cache.find("a", "3").is_some() && cache.find("ab", "1").is_some());
        let left = fs::read_dir(&cache.dir).unwrap().count();
        assert_eq!(left, 3);
    }
}
