//! The results of a build, found by what a user types: a result directory, the checkout it lies below,
//! or nothing for the latest.

use std::{
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use rpmkit_cli::{Context, Failure, history, sources::RESULTS};
use rpmkit_core::results::record::BuildRecord;

/// Name of the record in a result directory.
const RECORD: &str = "result.json";

/// The result directory `given` means; without it, the latest below the current directory, then the
/// latest that was built at all.
///
/// # Errors
/// When there is none.
pub fn directory(cx: &Context, given: Option<&Path>) -> Result<PathBuf, Failure> {
    let place = given.map_or_else(|| cx.host.cwd.clone(), |path| cx.host.cwd.join(path));
    if place.ends_with(RECORD) && place.is_file() {
        return Ok(place.parent().unwrap_or(&place).to_owned());
    }
    if is_results(&place) {
        return Ok(place);
    }
    if let Some(found) = latest(&place.join(RESULTS)) {
        return Ok(found);
    }
    if given.is_none() {
        let entries = history::read(&cx.host.dirs.state)
            .map_err(|e| Failure::general(format!("cannot read the history of builds: {e}")))?;
        if let Some(entry) = entries
            .iter()
            .rev()
            .find(|entry| is_results(&entry.results))
        {
            return Ok(entry.results.clone());
        }
    }
    Err(Failure::command_line(format!(
        "there are no results of a build in `{}`",
        place.display()
    ))
    .hint("name a result directory, or the checkout that was built"))
}

/// The record of a build.
///
/// # Errors
/// When it cannot be read.
pub fn record(dir: &Path) -> Result<BuildRecord, Failure> {
    let path = dir.join(RECORD);
    let text = fs::read(&path)
        .map_err(|e| Failure::general(format!("cannot read `{}`: {e}", path.display())))?;
    serde_json::from_slice(&text)
        .map_err(|e| Failure::general(format!("`{}` is no record of a build: {e}", path.display())))
}

/// The snapshot that keeps the latest failed build for `chroot`, of the results in or below `place`.
pub fn kept(place: &Path, chroot: &str) -> Option<String> {
    let mut dirs = vec![place.to_owned()];
    dirs.extend(entries(place));
    dirs.extend(entries(&place.join(chroot)));
    dirs.sort_by_key(|dir| std::cmp::Reverse(written(dir)));
    let mut records = dirs.iter().filter_map(|dir| record(dir).ok());
    records
        .find(|record| record.chroot == chroot)?
        .failure?
        .kept
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    let listing = fs::read_dir(dir).into_iter().flatten();
    listing
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect()
}

/// When a result directory was written to last.
fn written(dir: &Path) -> SystemTime {
    ["build.log", RECORD]
        .iter()
        .filter_map(|name| fs::metadata(dir.join(name)).ok()?.modified().ok())
        .max()
        .unwrap_or(SystemTime::UNIX_EPOCH)
}

fn is_results(dir: &Path) -> bool {
    ["build.log", RECORD]
        .iter()
        .any(|name| dir.join(name).is_file())
}

/// The result directory below `top/CHROOT/PACKAGE` that was written to last.
fn latest(top: &Path) -> Option<PathBuf> {
    entries(top)
        .iter()
        .flat_map(|chroot| entries(chroot))
        .filter(|dir| is_results(dir))
        .max_by_key(|dir| written(dir))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_latest_results_are_found() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(latest(dir.path()), None);
        for name in ["c/a-1", "d/b-1"] {
            fs::create_dir_all(dir.path().join(name)).unwrap();
            fs::write(dir.path().join(name).join("build.log"), "").unwrap();
        }
        let later = SystemTime::now() + std::time::Duration::from_secs(60);
        let log = fs::File::options()
            .write(true)
            .open(dir.path().join("c/a-1/build.log"))
            .unwrap();
        log.set_modified(later).unwrap();
        assert_eq!(latest(dir.path()), Some(dir.path().join("c/a-1")));
    }
}
