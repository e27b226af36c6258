//! Deleting a tree, whatever its permission bits say.

use std::{io, path::PathBuf};

use rpmkit_fs::{HostDir, RemoveOptions};
use serde::{Deserialize, Serialize};

use super::{OpAt, OpError};

/// Deletes `path` and what is below it. What is gone already is fine.
#[derive(Debug, Serialize, Deserialize)]
pub struct RemoveTree {
    /// The tree.
    pub path: PathBuf,
}

pub(crate) fn remove_tree(input: RemoveTree) -> Result<(), OpError> {
    let path = &input.path;
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(OpError::Bad(format!(
            "`{}` is no place in a store",
            path.display()
        )));
    };
    let removed = HostDir::open(parent).and_then(|dir| {
        // A build makes trees of any depth. What is mounted in one is left, and told.
        dir.remove_all(name, RemoveOptions::default())
    });
    match removed {
        Err(error) if error.is_not_found() => Ok(()),
        Err(error) => Err(io::Error::from(error)).at("remove", path),
        Ok(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::{fs, os::unix::fs::PermissionsExt};

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

    #[test]
    fn removes_what_no_path_reaches() {
        let dir = tempfile::tempdir().unwrap();
        let tree = dir.path().join("t");
        fs::create_dir(&tree).unwrap();
        let mut at = HostDir::open(&tree).unwrap();
        let name = "d".repeat(200);
        // 60,000 bytes: the kernel takes 4096 at once.
        for _ in 0..300 {
            at.mkdir(&name, 0o755).unwrap();
            at = at.dir(&name).unwrap();
        }
        at.create_new("f", 0o644).unwrap();
        remove_tree(RemoveTree { path: tree.clone() }).unwrap();
        assert!(!tree.exists());
    }
}
