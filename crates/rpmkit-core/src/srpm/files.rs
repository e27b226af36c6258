//! Writing staged files with the times they are to have.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use super::SrpmError;

/// Where a file really is that a project names below `top`: links count while they stay below it, but
/// for git's own files, which hold credentials.
///
/// # Errors
/// [`SrpmError::LeadsOut`], and when there is no such file.
pub(super) fn below(top: &Path, path: &Path) -> Result<PathBuf, SrpmError> {
    let real = fs::canonicalize(path).map_err(SrpmError::io("read", path))?;
    let top = fs::canonicalize(top).map_err(SrpmError::io("read", top))?;
    match real.strip_prefix(&top) {
        Ok(inside) if inside.components().all(|part| part.as_os_str() != ".git") => Ok(real),
        _ => Err(SrpmError::LeadsOut {
            path: path.to_owned(),
            top,
        }),
    }
}

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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_count_while_they_stay_below() {
        let dir = tempfile::tempdir().unwrap();
        let top = fs::canonicalize(dir.path()).unwrap().join("top");
        fs::create_dir_all(top.join(".git")).unwrap();
        fs::create_dir(top.join("sub")).unwrap();
        fs::write(top.join("sub/a"), "").unwrap();
        fs::write(top.join(".git/config"), "").unwrap();
        fs::write(dir.path().join("secret"), "").unwrap();
        symlink("sub/a", top.join("link")).unwrap();
        symlink("../secret", top.join("out")).unwrap();
        symlink(".git/config", top.join("config")).unwrap();
        assert_eq!(below(&top, &top.join("link")).unwrap(), top.join("sub/a"));
        assert_eq!(
            below(&top, &top.join("sub/../link")).unwrap(),
            top.join("sub/a")
        );
        for out in ["out", "../secret", "config"] {
            let error = below(&top, &top.join(out)).unwrap_err();
            assert!(matches!(error, SrpmError::LeadsOut { .. }), "{error}");
            assert!(error.to_string().contains(out), "{error}");
        }
        let error = below(&top, &top.join("none")).unwrap_err();
        assert!(matches!(error, SrpmError::Io { .. }), "{error}");
    }
}
