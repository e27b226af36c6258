//! The way to a place of the host's that a user or a configuration has named.
//!
//! Root takes no link of another user's on it: who may put links into a directory would choose where root writes. Everybody
//! else goes where the kernel lets them.

use std::{
    ffi::{OsStr, OsString},
    os::{
        fd::{AsFd, OwnedFd},
        unix::ffi::{OsStrExt, OsStringExt},
    },
    path::{Component, Path, PathBuf},
    sync::OnceLock,
};

use rustix::{
    fs::{AtFlags, CWD, FileType, Mode, OFlags, fstat, openat, readlinkat, statat},
    io::Errno,
    process::geteuid,
};

use super::{PLACE, ResolveStop};

/// The kernel's own limit (path_resolution(7)).
const MAX_LINKS: usize = 40;

/// Opens the directory at `path`.
pub(crate) fn open_named(path: &Path) -> Result<OwnedFd, ResolveStop> {
    if is_real_root() {
        return open_trusting(path, 0);
    }
    Ok(openat(CWD, path, PLACE, Mode::empty())?)
}

/// Whether we may write everywhere on this host. Root of a user namespace is held by the rights of who made that.
fn is_real_root() -> bool {
    static MAP: OnceLock<bool> = OnceLock::new();
    let all = || {
        let map = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
        let numbers: Vec<&str> = map.split_whitespace().collect();
        // Without /proc we cannot know, and better be careful.
        numbers.is_empty() || numbers == ["0", "0", "4294967295"]
    };
    geteuid().is_root() && *MAP.get_or_init(all)
}

/// Follows those links only that this user has made. Nothing is opened by more than one name at a time, so what others rename
/// meanwhile changes nothing.
fn open_trusting(path: &Path, user: u32) -> Result<OwnedFd, ResolveStop> {
    let mut todo = parts(path);
    let mut inside = PathBuf::new();
    let mut links = 0;
    let root = |inside: &mut PathBuf| {
        *inside = PathBuf::from("/");
        openat(CWD, "/", PLACE, Mode::empty())
    };
    let mut at = if path.is_absolute() {
        root(&mut inside)?
    } else {
        openat(CWD, ".", PLACE, Mode::empty())?
    };
    while let Some(part) = todo.pop() {
        let shown = inside.join(&part);
        let found = statat(&at, &part, AtFlags::SYMLINK_NOFOLLOW)?;
        if FileType::from_raw_mode(found.st_mode) != FileType::Symlink {
            // Whatever it is by now, no link is followed.
            at = openat(at.as_fd(), &part, PLACE | OFlags::NOFOLLOW, Mode::empty())?;
            inside = shown;
            continue;
        }
        let link = openat(
            at.as_fd(),
            &part,
            OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC,
            Mode::empty(),
        )?;
        let target = readlinkat(&link, "", Vec::new())?;
        let target = PathBuf::from(OsString::from_vec(target.into_bytes()));
        if fstat(&link)?.st_uid != user {
            return Err(ResolveStop::Link(shown, Some(target)));
        }
        links += 1;
        if links > MAX_LINKS {
            return Err(Errno::LOOP.into());
        }
        if target.is_absolute() {
            at = root(&mut inside)?;
        }
        todo.extend(parts(&target));
    }
    Ok(at)
}

/// The parts of a path, last first.
fn parts(path: &Path) -> Vec<OsString> {
    let parts = path.components().rev().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some(OsStr::from_bytes(b"..").to_owned()),
        _ => None,
    });
    parts.collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    #[test]
    fn links_of_others_are_not_taken() {
        let dir = tempfile::tempdir().unwrap();
        let real = dir.path().canonicalize().unwrap();
        let us = geteuid().as_raw();
        fs::create_dir_all(real.join("a/b")).unwrap();
        symlink("../a", real.join("a/up")).unwrap();
        symlink(real.join("a"), real.join("whole")).unwrap();
        for path in ["a/b", "a/up/b", "whole/b", "whole/up/../a/b/."] {
            let fd = open_trusting(&real.join(path), us).unwrap();
            let there = fs::metadata(real.join("a/b")).unwrap();
            use std::os::unix::fs::MetadataExt;
            assert_eq!(fstat(&fd).unwrap().st_ino, there.ino(), "{path}");
            let other = open_trusting(&real.join(path), us + 1);
            match other {
                Ok(_) => assert_eq!(path, "a/b"),
                Err(stop) => assert!(matches!(stop, ResolveStop::Link(_, Some(_)))),
            }
        }
        assert!(open_trusting(&real.join("none"), us).is_err());
        symlink("loop", real.join("loop")).unwrap();
        let stop = open_trusting(&real.join("loop"), us).unwrap_err();
        assert!(matches!(stop, ResolveStop::Errno(Errno::LOOP)));
    }
}
