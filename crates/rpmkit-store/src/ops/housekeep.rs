//! What nobody waits for: fsync and syncfs, measuring, deleting for good.
//!
//! Runs in a process of its own that outlives the command, since a sync waits for everybody's data and a
//! process does not end while one of its threads is in it. Losing any part of it is fine: the next command
//! starts it again.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};

use super::{KEPT, OpAt, OpError, UsageOf, keep_usage, remove, usage};

/// What is to be done in a store.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Housekeep {
    /// The store's directory.
    pub store: PathBuf,
    /// State files to fsync.
    pub states: Vec<PathBuf>,
    /// Whether layers have been published, which are marked in `unsynced`.
    pub layers: bool,
    /// Directories of layers to measure.
    pub measure: Vec<PathBuf>,
    /// Whether to remove what is in the trash.
    pub sweep: bool,
}

pub(crate) fn housekeep(job: Housekeep) -> Result<(), OpError> {
    for state in &job.states {
        keep_safe(state)?;
    }
    if job.layers {
        sync_layers(&job.store)?;
    }
    for layer in &job.measure {
        measure(&job.store, layer)?;
    }
    if job.sweep {
        sweep(&job.store)?;
    }
    Ok(())
}

/// Fsyncs a state file and keeps it under a second name, from which it is read when the
/// machine went down so early that the first came out empty.
pub(crate) fn keep_safe(state: &Path) -> Result<(), OpError> {
    let (new, safe) = (
        state.with_extension("safe.new"),
        state.with_extension("safe"),
    );
    let lock = state.with_extension("safe.lock");
    let Some(_lock) = try_lock(&lock)? else {
        return Ok(());
    };
    match fs::remove_file(&new) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e).at("remove", &new),
        _ => {}
    }
    match fs::hard_link(state, &new) {
        // Scrubbed.
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        other => other.at("link", state)?,
    }
    let file = fs::File::open(&new).at("open", &new)?;
    file.sync_data().at("sync", &new)?;
    fs::rename(&new, &safe).at("rename", &new)
}

/// The lock, or `None` when somebody else does the same work.
fn try_lock(path: &Path) -> Result<Option<Flock<fs::File>>, OpError> {
    let file = match fs::File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
    {
        // The store, or the chroot, is gone.
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        other => other.at("open", path)?,
    };
    Ok(Flock::lock(file, FlockArg::LockExclusiveNonblock).ok())
}

/// One sync for all layers marked so far: a mark is made when the layer's files are complete.
pub(crate) fn sync_layers(store: &Path) -> Result<(), OpError> {
    let dir = store.join("unsynced");
    let marks: Vec<PathBuf> = fs::read_dir(&dir)
        .at("list", &dir)?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_none())
        .collect();
    if marks.is_empty() {
        return Ok(());
    }
    let handle = fs::File::open(store).at("open", store)?;
    nix::unistd::syncfs(&handle).at("sync", store)?;
    for mark in marks {
        // Another process may have been faster.
        let _ = fs::remove_file(mark);
    }
    Ok(())
}

/// Keeps a layer's size beside it.
fn measure(store: &Path, layer: &Path) -> Result<(), OpError> {
    if layer.join(KEPT).exists() {
        return Ok(());
    }
    let measured = usage(UsageOf {
        paths: vec![layer.to_owned()],
    })?;
    if let Some(found) = measured.first() {
        keep_usage(store, layer, found);
    }
    Ok(())
}

/// Really removes what was trashed. When another process is at it already, leaves it to that.
fn sweep(store: &Path) -> Result<(), OpError> {
    let Some(_lock) = try_lock(&store.join("trash.lock"))? else {
        return Ok(());
    };
    let trash = store.join("trash");
    // What cannot be removed must not keep all else.
    let mut stays = HashSet::new();
    let mut first = Ok(());
    loop {
        let entries: Vec<_> = fs::read_dir(&trash)
            .at("list", &trash)?
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| !stays.contains(path))
            .collect();
        // More may have come meanwhile, from who found us at it and left it to us.
        if entries.is_empty() {
            return first;
        }
        for path in entries {
            let removed = remove::remove_tree(remove::RemoveTree { path: path.clone() });
            if removed.is_err() {
                stays.insert(path);
                first = first.and(removed);
            }
        }
    }
}
