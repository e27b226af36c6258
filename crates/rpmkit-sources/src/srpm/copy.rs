//! A copy of a tree for commands that want to work in it, with its git history where it has one.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use git2::build::{CheckoutBuilder, RepoBuilder};

use super::{SourceTree, SrpmError};
use rpmkit_vcs::{ScmError, git};

/// Makes `dest`, which must not exist, a copy of the tree. From a repository it is a clone of its
/// top, checked out at the chosen commit, or with the working tree's changes on it; the original
/// is not touched.
pub(super) fn copy_tree(tree: &SourceTree, dest: &Path) -> Result<(), SrpmError> {
    let Some(repo) = tree.repository() else {
        fs::create_dir_all(dest).map_err(SrpmError::io("create", dest))?;
        for path in tree.files() {
            place(
                &tree.root().join(git::bytes_path(path)),
                &dest.join(git::bytes_path(path)),
            )?;
        }
        return Ok(());
    };
    let from = repo.workdir().unwrap_or(repo.path());
    let clone = RepoBuilder::new()
        .clone(&from.to_string_lossy(), dest)
        .map_err(ScmError::git("copy", from))?;
    if let Some(id) = tree.commit() {
        let error = || ScmError::git("check out in", dest);
        let commit = clone.find_commit(id).map_err(error())?;
        if clone.head().ok().and_then(|head| head.target()) != Some(id) {
            clone.set_head_detached(id).map_err(error())?;
        }
        clone
            .checkout_tree(commit.as_object(), Some(CheckoutBuilder::new().force()))
            .map_err(error())?;
    } else {
        let state = rpmkit_vcs::archive::worktree_state(repo)?;
        for path in state.changed.iter().chain(&state.untracked) {
            let to = dest.join(git::bytes_path(path));
            let from = from.join(git::bytes_path(path));
            if fs::symlink_metadata(&to).is_ok_and(|data| !data.is_dir()) {
                fs::remove_file(&to).map_err(SrpmError::io("remove", &to))?;
            }
            if fs::symlink_metadata(&from).is_ok_and(|data| !data.is_dir()) {
                place(&from, &to)?;
            }
        }
    }
    // The remote's URL is the project's, not the place it was copied from.
    if let Some(url) = rpmkit_vcs::distgit::remote_url(from) {
        clone
            .remote_set_url("origin", &url)
            .map_err(ScmError::git("configure", dest))?;
    }
    Ok(())
}

fn place(from: &Path, to: &Path) -> Result<(), SrpmError> {
    if let Some(dir) = to.parent() {
        fs::create_dir_all(dir).map_err(SrpmError::io("create", dir))?;
    }
    let data = fs::symlink_metadata(from).map_err(SrpmError::io("read", from))?;
    if data.is_symlink() {
        let target = fs::read_link(from).map_err(SrpmError::io("read", from))?;
        return std::os::unix::fs::symlink(target, to).map_err(SrpmError::io("create", to));
    }
    if data.is_file() {
        super::copy_dated(from, to)?;
        let mode = if data.permissions().mode() & 0o100 != 0 {
            0o755
        } else {
            0o644
        };
        fs::set_permissions(to, fs::Permissions::from_mode(mode))
            .map_err(SrpmError::io("write", to))?;
    }
    Ok(())
}
