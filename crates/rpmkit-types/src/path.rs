//! Paths inside a chroot, kept apart from the host's.

use std::{
    fmt,
    path::{Component, Path, PathBuf},
};

use serde::{Deserialize, Serialize};

/// An absolute path as a process inside the chroot sees it. Host paths stay plain [`PathBuf`]s;
/// the only way from one to the other is [`ChrootPath::below`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChrootPath(PathBuf);

impl ChrootPath {
    /// Takes a path, makes it absolute and lexically resolves `.` and `..`, never above `/`.
    pub fn new(path: impl AsRef<Path>) -> Self {
        let mut out = PathBuf::from("/");
        for part in path.as_ref().components() {
            match part {
                Component::Normal(name) => out.push(name),
                Component::ParentDir => {
                    out.pop();
                }
                _ => {}
            }
        }
        Self(out)
    }

    /// The path as seen inside.
    pub fn as_path(&self) -> &Path {
        &self.0
    }

    /// A path below this one.
    pub fn join(&self, path: impl AsRef<Path>) -> Self {
        Self::new(self.0.join(path))
    }

    /// Where the path lies on the host when the chroot's tree is at `root`. Symbolic links inside
    /// the tree are not followed: do not use it for trees an untrusted build has written.
    pub fn below(&self, root: &Path) -> PathBuf {
        root.join(self.0.strip_prefix("/").unwrap_or(&self.0))
    }
}

impl fmt::Display for ChrootPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(f)
    }
}
