//! Writing staged files with the times they are to have.

use std::{
    fs,
    path::Path,
    time::{Duration, SystemTime},
};

use super::SrpmError;

/// Copies with its time. Links are followed: a source package that holds a link builds nowhere.
pub(crate) fn copy_dated(from: &Path, to: &Path) -> Result<(), SrpmError> {
    fs::copy(from, to).map_err(SrpmError::io("copy", from))?;
    let modified = fs::metadata(from)
        .and_then(|data| data.modified())
        .map_err(SrpmError::io("read", from))?;
    set_time(to, modified)
}

pub(super) fn write_dated(to: &Path, content: &[u8], mtime: i64) -> Result<(), SrpmError> {
    fs::write(to, content).map_err(SrpmError::io("write", to))?;
    date(to, mtime)
}

pub(super) fn date(path: &Path, mtime: i64) -> Result<(), SrpmError> {
    set_time(
        path,
        SystemTime::UNIX_EPOCH + Duration::from_secs(mtime.max(0).unsigned_abs()),
    )
}

fn set_time(path: &Path, time: SystemTime) -> Result<(), SrpmError> {
    fs::File::options()
        .write(true)
        .open(path)
        .and_then(|file| file.set_modified(time))
        .map_err(SrpmError::io("write", path))
}
