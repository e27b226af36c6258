//! Names of snapshots, completed when TAB is pressed.

use std::ffi::OsStr;

use clap_complete::CompletionCandidate;
use rpmkit_cli::{Host, homes};
use rpmkit_core::chroot::ChrootState;

/// Names of all snapshots in all stores of this user: the shell does not tell us which chroot the
/// rest of the line names.
pub fn snapshots(current: &OsStr) -> Vec<CompletionCandidate> {
    let (Ok(host), Some(typed)) = (Host::read(), current.to_str()) else {
        return Vec::new();
    };
    let mut names = Vec::new();
    for store in homes::all(&host).iter().flat_map(|home| entries(home)) {
        for chroot in entries(&store.join("chroots")) {
            let state = std::fs::read(chroot.join("state.json")).ok();
            let state = state.and_then(|t| serde_json::from_slice::<ChrootState>(&t).ok());
            names.extend(state.into_iter().flat_map(|s| s.names.into_keys()));
        }
    }
    names.sort();
    names.dedup();
    names
        .into_iter()
        .filter(|name| name.starts_with(typed))
        .map(CompletionCandidate::new)
        .collect()
}

fn entries(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    std::fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .map(|e| e.path())
        .collect()
}
