//! Dist-git: packaging repositories that keep their big files in a lookaside cache and only
//! name them, with digests, in a file called `sources`.

mod lookaside;
mod sources;
mod store;

pub use lookaside::{Lookaside, RemotePackage};
pub use sources::{ListedSource, parse_metadata, parse_sources, read_sources};
pub use store::SourceStore;
pub(super) use store::file_digest;

use std::path::{Path, PathBuf};

use super::{Download, ScmError, git};
use rpmkit_types::event::Events;

/// Whether a spec's release or changelog is counted from history (rpmautospec).
pub fn counts_commits(spec: &str) -> bool {
    spec.lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .any(|line| {
            [
                "%autorelease",
                "%{autorelease",
                "%autochangelog",
                "%{autochangelog",
            ]
            .iter()
            .any(|word| line.contains(word))
        })
}

/// Fetches what the `sources` file in `packaging` names into `dest`, through the store, and
/// gives the paths. Files that are at `dest` already with the right digest stay. Without a
/// `sources` file nothing happens.
///
/// # Errors
/// When the file cannot be read, no lookaside is known, a download fails or has another digest.
pub fn fetch_sources(
    packaging: &Path,
    dest: &Path,
    lookaside: Option<&str>,
    store: &SourceStore,
    download: &dyn Download,
    events: &Events,
) -> Result<Vec<PathBuf>, ScmError> {
    let list = packaging.join("sources");
    let listed = read_sources(&list)?;
    if listed.is_empty() {
        return Ok(Vec::new());
    }
    let lookaside = Lookaside::choose(lookaside, remote_url(packaging).as_deref());
    let mut paths = Vec::new();
    for source in &listed {
        let path = dest.join(&source.file);
        if !store.holds(&path, &source.digest)? {
            fetch_source(
                source,
                &path,
                packaging,
                lookaside.as_ref(),
                store,
                download,
                events,
            )?;
        }
        paths.push(path);
    }
    Ok(paths)
}

/// Puts one listed source at `path`: from the store, or from the lookaside through it.
///
/// # Errors
/// As [`fetch_sources`].
pub fn fetch_source(
    source: &ListedSource,
    path: &Path,
    packaging: &Path,
    lookaside: Option<&Lookaside>,
    store: &SourceStore,
    download: &dyn Download,
    events: &Events,
) -> Result<(), ScmError> {
    // What the store has needs no server.
    if store.give(&source.digest, path)? {
        return Ok(());
    }
    let remote = remote_url(packaging);
    let lookaside = lookaside.ok_or_else(|| ScmError::NoLookaside {
        path: packaging.join("sources"),
        remote: remote
            .clone()
            .unwrap_or_else(|| "a directory without a remote".to_owned()),
    })?;
    let url = lookaside.url(&RemotePackage::of(remote.as_deref(), packaging), source);
    events.info(format!("downloading {url}"));
    store.download(&url, &source.digest, download)?;
    store.give(&source.digest, path).map(drop)
}

/// The URL of `origin`, or of the only remote.
pub fn remote_url(path: &Path) -> Option<String> {
    remote_url_of(&git::discover(path).ok()?)
}

/// As [`remote_url`], of an open repository.
pub fn remote_url_of(repo: &git2::Repository) -> Option<String> {
    let names = repo.remotes().ok()?;
    let only = || {
        let mut names = names.iter().flatten().flatten();
        let first = names.next()?;
        names.next().is_none().then(|| first.to_owned())
    };
    let remote = repo
        .find_remote("origin")
        .ok()
        .or_else(|| repo.find_remote(&only()?).ok())?;
    remote.url().ok().map(str::to_owned)
}

#[cfg(test)]
mod tests;
