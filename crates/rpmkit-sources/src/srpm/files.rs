//! Writing staged files with the times they are to have.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    time::{Duration, SystemTime},
};

use super::SrpmError;

/// Copies with its time. Links are followed: a source package that holds a link builds nowhere.
pub(crate) fn copy_dated(from: &Path, to: &Path) -> Result<(), SrpmError> {
    fs::copy(from, to).map_err(SrpmError::io("copy", from))?;
    let metadata = fs::metadata(from).map_err(SrpmError::io("read", from))?;
    let modified = metadata.modified().map_err(SrpmError::io("read", from))?;
    set_mode(to, metadata.permissions().mode() & 0o100 != 0)?;
    set_time(to, modified)
}

pub(super) fn write_dated(
    to: &Path,
    content: &[u8],
    mtime: i64,
    executable: bool,
) -> Result<(), SrpmError> {
    fs::write(to, content).map_err(SrpmError::io("write", to))?;
    date(to, mtime)?;
    set_mode(to, executable)
}

pub(super) fn date(path: &Path, mtime: i64) -> Result<(), SrpmError> {
    set_mode(path, false)?;
    set_time(
        path,
        SystemTime::UNIX_EPOCH + Duration::from_secs(mtime.max(0).unsigned_abs()),
    )
}

/// A source package records modes: they must not tell of the umask of who made it.
fn set_mode(path: &Path, executable: bool) -> Result<(), SrpmError> {
    let mode = if executable { 0o755 } else { 0o644 };
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
        .map_err(SrpmError::io("write", path))
}

fn set_time(path: &Path, time: SystemTime) -> Result<(), SrpmError> {
    fs::File::options()
        .write(true)
        .open(path)
        .and_then(|file| file.set_modified(time))
        .map_err(SrpmError::io("write", path))
}
