//! What a worker is told, and what it answers. Both are files, so that a worker may run anywhere.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use rpmkit_core::types::{Dep, Nevra};
use rpmkit_fs::{FsError, WriteOptions, write_file};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// Version of both files' layout.
pub const TASK_FORMAT: u32 = 1;

/// Name of the task in its directory.
pub const TASK: &str = "task.json";
/// Name of the answer.
pub const ANSWER: &str = "answer.json";

/// One build of a chain.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ChainTask {
    /// [`TASK_FORMAT`].
    pub format: u32,
    /// Where results are kept.
    pub home: PathBuf,
    /// The source package.
    pub srpm: PathBuf,
    /// Its name, version and release.
    pub package: Nevra,
    /// Whether it is a first build, which breaks a circle.
    pub bootstrap: bool,
    /// Spec and sources with digests.
    pub sources: BTreeMap<String, String>,
    /// What has to be installed to build it, as its spec says.
    pub build_requires: Vec<Dep>,
    /// What it was known to generate when it had these sources.
    pub generated: Vec<Dep>,
    /// Directories of the tasks whose results it sees.
    pub visible: Vec<PathBuf>,
    /// What tasks provide whose results it does not see.
    pub withheld: Vec<Dep>,
    /// Build it though its results are there.
    pub force: bool,
    /// Only say what its key is made of.
    pub explain: bool,
    /// The process that ends it by ending; none on a cluster.
    pub parent: Option<u32>,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "end", rename_all = "kebab-case")]
pub enum ChainAnswer {
    /// Results are there.
    Built {
        /// Their directory.
        results: PathBuf,
        /// They were there before.
        reused: bool,
        /// How long it took, in seconds; of reused ones, when they were made.
        seconds: f64,
        /// Peak of memory in bytes, likewise.
        memory: u64,
    },
    /// It generated requirements that others of the chain answer.
    Withheld {
        /// Those.
        requirements: Vec<Dep>,
    },
    /// Requirements are met by nothing that is there.
    Unmet {
        /// Those, as written.
        requirements: Vec<String>,
        /// In one line.
        reason: String,
    },
    /// It failed.
    Failed {
        /// Exit status.
        code: u8,
        /// In one line.
        reason: String,
    },
    /// What was asked for: what the key is made of.
    Explained {
        /// Those.
        parts: super::key::KeyParts,
    },
}

/// Reads one of the files.
///
/// # Errors
/// When it is not there, or of another format.
pub fn read<T: DeserializeOwned>(path: &Path) -> io::Result<T> {
    serde_json::from_slice(&std::fs::read(path)?).map_err(io::Error::from)
}

/// Writes one of the files, whole or not at all.
///
/// # Errors
/// What the system says.
pub fn write(path: &Path, value: &impl Serialize) -> io::Result<()> {
    let mut text = serde_json::to_vec_pretty(value)?;
    text.push(b'\n');
    write_file(path, text, &WriteOptions::with_mode(0o644)).map_err(FsError::into_system)
}
