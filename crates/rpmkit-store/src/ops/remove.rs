//! Deleting a tree, whatever its permission bits say.

use std::{
    fs, io,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{OpAt, OpError};

/// Deletes `path` and what is below it. What is gone already is fine.
#[derive(Debug, Serialize, Deserialize)]
pub struct RemoveTree {
    /// The tree.
    pub path: PathBuf,
}

pub(crate) fn remove_tree(input: RemoveTree) -> Result<(), OpError> {
    match fs::symlink_metadata(&input.path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(e).at("look at", &input.path),
        Ok(meta) => {
            let parent = input.path.parent().unwrap_or(Path::new("/"));
            let device = fs::metadata(parent).at("look at", parent)?.dev();
            remove(&input.path, &meta, device)
        }
    }
}

/// Post-order. A directory on another device is a mount somebody left: never descend into it.
fn remove(path: &Path, meta: &fs::Metadata, device: u64) -> Result<(), OpError> {
    if !meta.is_dir() {
        return gone(fs::remove_file(path)).at("remove", path);
    }
    if meta.dev() != device {
        return Err(OpError::Bad(format!(
            "`{}` is a mount point; it is not removed",
            path.display()
        )));
    }
    if meta.mode() & 0o700 != 0o700 {
        // overlayfs makes its work directory with mode 000, packages make unwritable ones.
        fs::set_permissions(path, fs::Permissions::from_mode(0o700)).at("open up", path)?;
    }
    for entry in fs::read_dir(path).at("list", path)? {
        let entry = entry.at("list", path)?;
        let child = entry.path();
        match entry.metadata() {
            Ok(meta) => remove(&child, &meta, device)?,
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(e).at("look at", &child),
        }
    }
    gone(fs::remove_dir(path)).at("remove directory", path)
}

fn gone(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn removes_closed_directories_and_keeps_link_targets() {
        let dir = tempfile::tempdir().unwrap();
        let keep = dir.path().join("keep");
        fs::write(&keep, "x").unwrap();
        let tree = dir.path().join("t");
        fs::create_dir_all(tree.join("work/work")).unwrap();
        fs::write(tree.join("work/work/f"), "x").unwrap();
        std::os::unix::fs::symlink(dir.path(), tree.join("out")).unwrap();
        fs::set_permissions(tree.join("work/work"), fs::Permissions::from_mode(0o0)).unwrap();
        remove_tree(RemoveTree { path: tree.clone() }).unwrap();
        assert!(!tree.exists() && keep.exists());
        remove_tree(RemoveTree { path: tree }).unwrap();
    }
}
