//! `result.json`: what one build was made from, what it made, how long each part took.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use rpmkit_fs::{FsError, WriteOptions};
use serde::{Deserialize, Serialize};

use rpmkit_types::{
    Checksum, ChecksumKind, Hasher, Nevra, Package,
    event::{Event, Level, Listener, Phase},
};

/// Version of the record's layout. Raised when a member changes its meaning, not for new ones.
pub const RECORD_FORMAT: u32 = 1;

/// A finished phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PhaseTime {
    /// Which.
    pub phase: Phase,
    /// On what.
    pub what: String,
    /// How long, in seconds.
    pub seconds: f64,
    /// Whether it ended well.
    pub ok: bool,
}

/// A file the build made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// File name in the result directory.
    pub name: String,
    /// Size in bytes.
    pub size: u64,
    /// SHA-256, lower-case hexadecimal.
    pub sha256: String,
}

/// A package of the buildroot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildrootPackage {
    /// `name-[epoch:]version-release.arch`.
    pub nevra: String,
    /// Digest of the file it was installed from, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<Checksum>,
    /// Repository it came from.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub repo: String,
}

impl From<&Package> for BuildrootPackage {
    fn from(package: &Package) -> Self {
        Self {
            nevra: package.nevra.to_string(),
            checksum: package.checksum.clone(),
            repo: package.repo.clone(),
        }
    }
}

/// The whole record.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BuildRecord {
    /// [`RECORD_FORMAT`].
    pub format: u32,
    /// Version of rpmkit.
    pub rpmkit: String,
    /// Chroot name.
    pub chroot: String,
    /// Architecture built for.
    pub arch: String,
    /// `success` or `fail`.
    pub outcome: BuildOutcome,
    /// Status the process ends with.
    pub exit_code: u8,
    /// What was built, once the source package is known.
    pub package: Option<Nevra>,
    /// File name of the source package that was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// When the build ended, seconds since 1970.
    pub ended: u64,
    /// Wall time in seconds.
    pub seconds: f64,
    /// Finished phases in order.
    pub phases: Vec<PhaseTime>,
    /// Files made.
    pub artifacts: Vec<Artifact>,
    /// Packages the build ran among.
    pub buildroot: Vec<BuildrootPackage>,
    /// What was off although the run went on, a failed scriptlet for instance; each text once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<super::failure::FailureReport>,
}

/// How a build ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BuildOutcome {
    /// Packages were made.
    Success,
    /// They were not.
    Fail,
}

impl BuildRecord {
    /// Writes `result.json` into `dir` by rename, so that a reader never sees half of it.
    pub fn write(&self, dir: &Path) -> io::Result<PathBuf> {
        let target = dir.join("result.json");
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        rpmkit_fs::write_file(&target, text, &WriteOptions::with_mode(0o644))
            .map_err(FsError::into_system)?;
        Ok(target)
    }
}

impl Artifact {
    /// Measures a file.
    pub fn of(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let mut hasher = Hasher::new(ChecksumKind::Sha256);
        let mut buffer = vec![0; 1 << 17];
        let mut size = 0;
        loop {
            let count = file.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            size += count as u64;
            hasher.update(&buffer[..count]);
        }
        Ok(Self {
            name: path
                .file_name()
                .map(|n| n.to_string_lossy().into_owned())
                .unwrap_or_default(),
            size,
            sha256: hasher.finish().hex,
        })
    }
}

/// Seconds since 1970.
pub fn unix_time(at: SystemTime) -> u64 {
    at.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs())
}

/// A listener that keeps the times of finished phases, for the record and for the table at the end.
#[derive(Clone, Default)]
pub struct PhaseTimes(Arc<Mutex<Vec<PhaseTime>>>);

impl PhaseTimes {
    /// What has been collected so far.
    pub fn collected(&self) -> Vec<PhaseTime> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Listener for PhaseTimes {
    fn on_event(&self, _: SystemTime, event: &Event) {
        if let Event::PhaseEnd {
            phase,
            what,
            took,
            ok,
        } = event
        {
            self.0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(PhaseTime {
                    phase: *phase,
                    what: what.clone(),
                    seconds: took.as_secs_f64(),
                    ok: *ok,
                });
        }
    }
}

/// A listener that keeps warnings, for the record.
#[derive(Clone, Default)]
pub struct Warnings(Arc<Mutex<Vec<String>>>);

impl Warnings {
    /// What has been collected since it was last asked, each text once.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Listener for Warnings {
    fn on_event(&self, _: SystemTime, event: &Event) {
        if let Event::Message {
            level: Level::Warning,
            text,
            ..
        } = event
        {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if !kept.contains(text) {
                kept.push(text.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fs;

    use super::*;

    #[test]
    fn the_record_is_written_whole_and_read_back() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a.rpm"), "abc").unwrap();
        let artifact = Artifact::of(&dir.path().join("a.rpm")).unwrap();
        assert!(artifact.sha256.starts_with("ba7816bf"));
        let record = BuildRecord {
            format: RECORD_FORMAT,
            rpmkit: "0".into(),
            chroot: "c".into(),
            arch: "x86_64".into(),
            outcome: BuildOutcome::Success,
            exit_code: 0,
            package: None,
            source: None,
            ended: 1,
            seconds: 2.5,
            phases: Vec::new(),
            artifacts: vec![artifact],
            buildroot: Vec::new(),
            warnings: Vec::new(),
            failure: None,
        };
        let path = record.write(dir.path()).unwrap();
        let back: BuildRecord = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        assert_eq!(back.artifacts, record.artifacts);
    }

    #[test]
    fn warnings_are_kept_once() {
        let kept = Warnings::default();
        let events = rpmkit_types::event::Events::new(kept.clone());
        for text in ["a", "b", "a"] {
            events.warn(text);
        }
        events.info("c");
        assert_eq!(kept.take(), ["a", "b"]);
        assert!(kept.take().is_empty());
    }
}
