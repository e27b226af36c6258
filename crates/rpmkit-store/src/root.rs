//! How a root directory is to be put together for a container.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

/// The directories of mock's root that are kept off the overlay, by their short names, with their
/// places inside and their permission bits.
///
/// They cannot be on it because a directory that exists in a lower layer cannot be renamed there
/// (EXDEV), which builds do all the time. They belong to a snapshot all the same: a layer keeps a
/// copy of each next to its files.
pub const VOLUMES: [(&str, &str, u32); 3] = [
    ("builddir", "/builddir", 0o755),
    ("tmp", "/tmp", 0o1777),
    ("vartmp", "/var/tmp", 0o1777),
];

/// A writable root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Root {
    /// To be mounted.
    Overlay {
        /// Read-only directories, top first; never empty. The paths are short ones.
        lowers: Vec<PathBuf>,
        /// Takes all writes.
        upper: PathBuf,
        /// overlayfs's own; fresh.
        work: PathBuf,
    },
    /// A plain tree, to be used as it is.
    Dir(PathBuf),
}

impl Root {
    /// Directories at the top that no layer has: somebody made them in this very root. Places inside. Nothing in a plain tree,
    /// where that cannot be told.
    pub fn made_by_hand(&self) -> Vec<PathBuf> {
        let Self::Overlay { lowers, upper, .. } = self else {
            return Vec::new();
        };
        let entries = std::fs::read_dir(upper).into_iter().flatten().flatten();
        let names = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        let names = names.map(|entry| entry.file_name());
        let known = |name: &OsString| {
            lowers
                .iter()
                .any(|lower| lower.join(name).symlink_metadata().is_ok())
        };
        let new = names.filter(|name| !known(name));
        new.map(|name| Path::new("/").join(name)).collect()
    }
}

impl From<&Root> for rpmkit_sandbox::RootFs {
    /// For a container that writes: never synced, because a layer is synced once, when it is
    /// published.
    fn from(root: &Root) -> Self {
        match root {
            Root::Dir(dir) => Self::Dir(dir.clone()),
            Root::Overlay {
                lowers,
                upper,
                work,
            } => Self::Overlay(rpmkit_sandbox::Overlay {
                lowers: lowers.clone(),
                upper: Some(upper.clone()),
                work: Some(work.clone()),
                volatile: true,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn directories_made_by_hand_are_told_from_those_of_layers() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["lower/usr", "upper/usr", "upper/workdir/x"] {
            std::fs::create_dir_all(dir.path().join(name)).unwrap();
        }
        std::fs::write(dir.path().join("upper/script"), "").unwrap();
        let root = Root::Overlay {
            lowers: vec![dir.path().join("none"), dir.path().join("lower")],
            upper: dir.path().join("upper"),
            work: dir.path().join("work"),
        };
        assert_eq!(root.made_by_hand(), [Path::new("/workdir")]);
        assert!(Root::Dir(dir.path().into()).made_by_hand().is_empty());
    }
}
