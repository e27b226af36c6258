//! Tells a full file system from other failures of an install.
//!
//! rpm names the wrong reason once writing fails (it reports whatever errno its clean-up left), so
//! the file system itself is asked right after the failure.

use std::path::Path;

use nix::sys::statvfs::statvfs;

use super::PmError;
use rpmkit_store::Root;

/// Less than this many bytes free means that the failed write found none: rpm removes the one file
/// it could not finish, but what it wrote before stays until the attempt is dropped.
const NEARLY_NOTHING: u64 = 1 << 20;
/// The same for inodes.
const NEARLY_NO_INODES: u64 = 16;

/// `error`, as [`PmError::DiskFull`] where the file system that `root` is written to has no room.
pub(super) fn explain(error: PmError, root: &Root) -> PmError {
    let place = match root {
        Root::Dir(dir) => dir,
        Root::Overlay { upper, .. } => upper,
    };
    match (&error, free(place)) {
        (PmError::Transaction { .. }, Some(free)) if free.is_none_left() => PmError::DiskFull {
            path: place.clone(),
            free: free.bytes,
            total: free.total,
            inodes: free.inodes,
            source: Box::new(error),
        },
        _ => error,
    }
}

struct Free {
    bytes: u64,
    total: u64,
    /// `None` where the file system makes inodes as it needs them.
    inodes: Option<u64>,
}

impl Free {
    fn is_none_left(&self) -> bool {
        self.bytes < NEARLY_NOTHING || self.inodes.is_some_and(|left| left < NEARLY_NO_INODES)
    }
}

fn free(place: &Path) -> Option<Free> {
    let stat = statvfs(place).ok()?;
    Some(Free {
        bytes: stat.blocks_available() * stat.fragment_size(),
        total: stat.blocks() * stat.fragment_size(),
        inodes: (stat.files() > 0).then(|| stat.files_available()),
    })
}

/// What is left, for a sentence: inodes where these are what is missing.
pub(super) fn left(free: u64, total: u64, inodes: Option<u64>) -> String {
    match inodes {
        Some(inodes) if inodes < NEARLY_NO_INODES && free >= NEARLY_NOTHING => {
            format!("{inodes} inodes left")
        }
        _ => format!("{} MiB of {} MiB left", free >> 20, total >> 20),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn failed() -> PmError {
        PmError::Transaction {
            removing: false,
            status: 1,
            errors: Vec::new(),
            output: vec!["cpio: write failed - No such file or directory".into()],
        }
    }

    #[test]
    fn room_for_more_leaves_the_error_alone() {
        let dir = tempfile::tempdir().unwrap();
        let error = explain(failed(), &Root::Dir(dir.path().to_owned()));
        assert!(matches!(error, PmError::Transaction { .. }), "{error}");
    }

    #[test]
    fn no_room_is_what_the_error_says_first() {
        let error = PmError::DiskFull {
            path: "/cache".into(),
            free: 4096,
            total: 40 << 20,
            inodes: Some(1000),
            source: Box::new(failed()),
        };
        let text = error.to_string();
        assert!(text.starts_with("the disk is full"), "{text}");
        assert!(text.contains("0 MiB of 40 MiB left"), "{text}");
        assert!(text.contains("cpio: write failed"), "{text}");
        assert!(!error.hints().is_empty());
    }

    #[test]
    fn inodes_run_out_too() {
        assert_eq!(left(50 << 20, 100 << 20, Some(0)), "0 inodes left");
        assert_eq!(left(0, 100 << 20, Some(0)), "0 MiB of 100 MiB left");
    }
}
