//! What is written down about a repository between runs.

use std::{
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};

use super::repomd::{Record, Repomd};
use rpmkit_fetch::Validators;
use rpmkit_types::Checksum;

/// Format of `state.json`.
pub(super) const FORMAT: u32 = 1;

/// `state.json`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct RepoState {
    pub format: u32,
    /// When the server was last asked, seconds since 1970.
    pub checked: u64,
    /// SHA-256 of `repomd.xml`.
    pub repomd: String,
    /// Base that `repomd.xml` came from.
    pub base: String,
    /// Bases as last known.
    pub bases: Vec<String>,
    pub validators: Validators,
    /// The policy and the keys the signature was checked with ([`super::keys::Keys::claim`]); `None` when
    /// it was not checked.
    #[serde(default)]
    pub signed: Option<String>,
}

/// Name of a metadata file in the cache.
pub(super) fn record_name(record: &Record) -> String {
    let sum = &record.checksum;
    format!("{}-{}.{}", sum.kind.name(), sum.hex, record.kind)
}

/// Names of the metadata files a cached state speaks of.
pub(super) fn records_named(dir: &Path) -> Vec<String> {
    read_state(dir)
        .map(|(_, (_, repomd))| repomd.records.iter().map(record_name).collect())
        .unwrap_or_default()
}

/// Time since 1970.
pub(super) fn now() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

/// The state and the `repomd.xml` it speaks of, if both are there, of this format, and fit.
pub(super) fn read_state(dir: &Path) -> Option<(RepoState, (Vec<u8>, Repomd))> {
    let text = std::fs::read(dir.join("state.json")).ok()?;
    let state: RepoState = serde_json::from_slice(&text).ok()?;
    let data = std::fs::read(dir.join("repomd.xml")).ok()?;
    if state.format != FORMAT || Checksum::sha256(&data).hex != state.repomd {
        return None;
    }
    let repomd = Repomd::parse(&data).ok()?;
    Some((state, (data, repomd)))
}
