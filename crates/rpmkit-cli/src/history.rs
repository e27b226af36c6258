//! What was built on this machine: one line a build, in a file that is only ever appended to.

use std::{
    fs::{self, OpenOptions},
    io::{self, BufRead, Write},
    path::{Path, PathBuf},
};

use rpmkit_core::{
    results::record::{BuildOutcome, BuildRecord},
    types::{ChecksumKind, Hasher},
};
use serde::{Deserialize, Serialize};

/// Version of a line's layout.
pub const FORMAT: u32 = 1;

/// Name of the file in the state directory.
const FILE: &str = "history.jsonl";

/// The packages a build ran among.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Set {
    /// How many.
    pub packages: usize,
    /// SHA-256 of their sorted names with versions, lower-case hexadecimal: equal for equal sets.
    pub sha256: String,
}

/// One build.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// [`FORMAT`].
    pub format: u32,
    /// When it ended, seconds since 1970.
    pub ended: u64,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// What was built.
    pub package: String,
    /// In which chroot.
    pub chroot: String,
    /// How it ended.
    pub outcome: BuildOutcome,
    /// Why it failed, in one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Against which set of packages, where it got so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<Set>,
    /// Where its results are.
    pub results: PathBuf,
}

impl Entry {
    /// What a record and its place say.
    pub fn of(record: &BuildRecord, results: &Path) -> Self {
        let mut names: Vec<&str> = record
            .buildroot
            .iter()
            .map(|one| one.nevra.as_str())
            .collect();
        names.sort_unstable();
        let set = (!names.is_empty()).then(|| {
            let mut hasher = Hasher::new(ChecksumKind::Sha256);
            hasher.update(names.join("\n").as_bytes());
            Set {
                packages: names.len(),
                sha256: hasher.finish().hex,
            }
        });
        Self {
            format: FORMAT,
            ended: record.ended,
            seconds: record.seconds,
            package: record
                .package
                .as_ref()
                .map(|nevra| nevra.to_string().trim_end_matches(".src").to_owned())
                .or_else(|| record.failure.as_ref()?.package.clone())
                .or_else(|| record.source.clone())
                .unwrap_or_default(),
            chroot: record.chroot.clone(),
            outcome: record.outcome,
            cause: record
                .failure
                .as_ref()
                .map(|failure| failure.message.clone()),
            set,
            results: results.to_owned(),
        }
    }

    /// When it ended, as `2026-11-26 17:20Z`.
    pub fn when(&self) -> String {
        i64::try_from(self.ended)
            .ok()
            .and_then(|seconds| jiff::Timestamp::from_second(seconds).ok())
            .map_or_else(String::new, |time| {
                time.strftime("%Y-%m-%d %H:%MZ").to_string()
            })
    }

    /// Appends it to the history in `state`. One write of one line: a reader never sees part of it, and
    /// builds that end at once do not mix.
    ///
    /// # Errors
    /// What the system says.
    pub fn append(&self, state: &Path) -> io::Result<()> {
        fs::create_dir_all(state)?;
        let mut line = serde_json::to_vec(self)?;
        line.push(b'\n');
        OpenOptions::new()
            .append(true)
            .create(true)
            .open(state.join(FILE))?
            .write_all(&line)
    }
}

/// Everything in the history, oldest first. Lines of another format, or cut off, are left out.
///
/// # Errors
/// What the system says; that there is no history is none.
pub fn read(state: &Path) -> io::Result<Vec<Entry>> {
    let file = match fs::File::open(state.join(FILE)) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(e),
    };
    let mut entries = Vec::new();
    for line in io::BufReader::new(file).lines() {
        if let Ok(entry) = serde_json::from_str::<Entry>(&line?)
            && entry.format == FORMAT
        {
            entries.push(entry);
        }
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn lines_are_added_and_broken_ones_left_out() {
        let dir = tempfile::tempdir().unwrap();
        assert!(read(dir.path()).unwrap().is_empty());
        let entry = Entry {
            format: FORMAT,
            ended: 7,
            seconds: 1.5,
            package: "a-1-1".into(),
            chroot: "c".into(),
            outcome: BuildOutcome::Fail,
            cause: Some("no".into()),
            set: None,
            results: "/r".into(),
        };
        entry.append(dir.path()).unwrap();
        let path = dir.path().join(FILE);
        let mut text = fs::read_to_string(&path).unwrap();
        text.push_str("{\"format\":1,\"ended\":");
        fs::write(&path, &text).unwrap();
        assert_eq!(read(dir.path()).unwrap(), [entry]);
    }
}
