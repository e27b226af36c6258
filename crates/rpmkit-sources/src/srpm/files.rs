//! Writing staged files with the times they are to have.

use std::{
    ffi::OsStr,
    path::Path,
    time::{Duration, SystemTime},
};

use rpmkit_fs::{
    CopyMode, CopyOptions, Dir, Durability, HostDir, IfThere, UntrustedTree, WriteOptions,
};

use super::SrpmError;

/// Bytes of a text that is read whole: a spec, a configuration, a list.
pub(super) const MAX_TEXT: u64 = 64 << 20;

/// A staged file: the directory of ours it is in, and its name there.
fn ours(path: &Path) -> Result<(HostDir, &OsStr), SrpmError> {
    let dir = path.parent().unwrap_or(Path::new("."));
    Ok((
        HostDir::open(dir)?,
        path.file_name().unwrap_or(path.as_os_str()),
    ))
}

/// Copies file `path` of `from` to `to`, with its time. Links to it are followed by the rule of `from`: a
/// source package that holds a link builds nowhere.
pub(super) fn copy_dated(from: &Dir, path: &Path, to: &Path) -> Result<(), SrpmError> {
    let (dir, name) = ours(to)?;
    let options = CopyOptions {
        // A source package records modes: they must not tell of the umask of who made it.
        mode: CopyMode::Plain,
        there: IfThere::Replace,
        ..CopyOptions::default()
    };
    from.copy_file(path, &dir, name, &options)?;
    Ok(())
}

pub(super) fn write_dated(
    to: &Path,
    content: &[u8],
    mtime: i64,
    executable: bool,
) -> Result<(), SrpmError> {
    let (dir, name) = ours(to)?;
    let options = WriteOptions {
        mode: if executable { 0o755 } else { 0o644 },
        exact_mode: true,
        sync: Durability::No,
        there: IfThere::Replace,
    };
    dir.write(name, content, &options)?;
    Ok(dir.set_modified(name, at(mtime))?)
}

/// Gives a staged file its time, and the mode of one that is not executed.
pub(super) fn date(path: &Path, mtime: i64) -> Result<(), SrpmError> {
    let (dir, name) = ours(path)?;
    dir.set_mode(name, 0o644)?;
    Ok(dir.set_modified(name, at(mtime))?)
}

/// Gives a staged file its time and leaves its mode.
pub(super) fn date_exactly(path: &Path, mtime: i64) -> Result<(), SrpmError> {
    let (dir, name) = ours(path)?;
    Ok(dir.set_modified(name, at(mtime))?)
}

fn at(mtime: i64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(mtime.max(0).unsigned_abs())
}

/// What the project's commands filled, seen from outside: its own files and none of git's, which hold
/// credentials.
pub(super) fn left_in(dir: &Path) -> Result<UntrustedTree, SrpmError> {
    Ok(UntrustedTree::open(dir, rpmkit_fs::Links::Beneath)?.without(".git"))
}
