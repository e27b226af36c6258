//! How a root directory is to be put together for a container.

use std::path::PathBuf;

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
