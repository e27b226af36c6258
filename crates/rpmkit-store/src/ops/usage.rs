//! How much disk trees use.

use std::{
    collections::HashSet,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{OpAt, OpError};

/// Measures each tree on its own; files with several names count once per tree.
#[derive(Debug, Serialize, Deserialize)]
pub struct UsageOf {
    /// The trees.
    pub paths: Vec<PathBuf>,
}

/// Disk use of one tree.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Bytes of disk taken by blocks that only this tree names.
    pub own: u64,
    /// Bytes of disk taken by files that have further names outside the tree.
    pub linked: u64,
    /// Number of files, directories and the rest.
    pub entries: u64,
}

pub(crate) fn usage(input: UsageOf) -> Result<Vec<Usage>, OpError> {
    input.paths.iter().map(|p| measure(p)).collect()
}

fn measure(path: &Path) -> Result<Usage, OpError> {
    let mut total = Usage::default();
    let mut several: std::collections::HashMap<(u64, u64), (u64, u64, u64)> = Default::default();
    let mut seen_dirs = HashSet::new();
    let mut stack = vec![path.to_owned()];
    while let Some(path) = stack.pop() {
        let meta = match fs::symlink_metadata(&path) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => continue,
            other => other.at("look at", &path)?,
        };
        total.entries += 1;
        let bytes = meta.blocks() * 512;
        if meta.is_dir() {
            if seen_dirs.insert((meta.dev(), meta.ino())) {
                total.own += bytes;
                for entry in fs::read_dir(&path).at("list", &path)? {
                    stack.push(entry.at("list", &path)?.path());
                }
            }
        } else if meta.nlink() > 1 {
            let entry = several
                .entry((meta.dev(), meta.ino()))
                .or_insert((bytes, meta.nlink(), 0));
            entry.2 += 1;
        } else {
            total.own += bytes;
        }
    }
    for (bytes, links, here) in several.into_values() {
        if here >= links {
            total.own += bytes;
        } else {
            total.linked += bytes;
        }
    }
    Ok(total)
}

/// The file beside a layer's directories that has its size.
pub(crate) const KEPT: &str = "size.json";

/// Keeps a layer's size beside it. A cache: losing the race, or the write, only means measuring again.
/// Half-written ones stay in the store's `tmp`, where the collector finds them.
pub(crate) fn keep_usage(store: &Path, layer: &Path, usage: &Usage) {
    let Ok(text) = serde_json::to_vec(usage) else {
        return;
    };
    let name = layer.file_name().unwrap_or_default().to_string_lossy();
    let temporary = store
        .join("tmp")
        .join(format!("size-{}-{name}", std::process::id()));
    let written =
        fs::write(&temporary, text).and_then(|()| fs::rename(&temporary, layer.join(KEPT)));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
}
