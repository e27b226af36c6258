//! A copy of a tree for commands that want to work in it, with its git history where it has one.

use std::path::Path;

use git2::build::{CheckoutBuilder, RepoBuilder};
use rpmkit_fs::{CopyMode, CopyOptions, Dir, HostDir, IfThere, Links, UntrustedTree};

use super::{SourceTree, SrpmError};
use rpmkit_vcs::{ScmError, git};

/// Makes `dest`, which must not exist, a copy of the tree. From a repository it is a clone of its
/// top, checked out at the chosen commit, or with the working tree's changes on it; the original
/// is not touched.
pub(super) fn copy_tree(tree: &SourceTree, dest: &Path) -> Result<(), SrpmError> {
    let Some(repo) = tree.repository() else {
        let to = HostDir::create(dest, 0o755)?;
        let disk = tree.disk().with_links(Links::Never)?;
        for path in tree.files() {
            place(&disk, git::bytes_path(path), &to)?;
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
        // What was checked out may have links anywhere in it.
        let to = UntrustedTree::open(dest, Links::Never)?;
        let disk = git::work_tree(repo)?.with_links(Links::Never)?;
        let gone = state.changed.iter().chain(&state.untracked);
        for path in gone.clone().map(|path| git::bytes_path(path)) {
            if to.lstat(path).is_ok_and(|meta| !meta.is_dir()) {
                to.remove_file(path)?;
            }
        }
        for path in gone.map(|path| git::bytes_path(path)) {
            if disk.lstat(path).is_ok_and(|meta| !meta.is_dir()) {
                place(&disk, path, &to)?;
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

/// Copies one file or link; neither a link on the way to it nor one on the way to its copy is followed.
fn place(from: &Dir, path: &Path, to: &Dir) -> Result<(), SrpmError> {
    let meta = from.lstat(path)?;
    if let Some(dir) = path.parent() {
        to.mkdir_all(dir, 0o755)?;
    }
    if meta.is_link() {
        to.symlink(from.read_link(path)?, path)?;
    } else if meta.is_file() {
        let options = CopyOptions {
            mode: CopyMode::Plain,
            there: IfThere::Replace,
            ..CopyOptions::default()
        };
        from.copy_file_itself(path, to, path, &options)?;
    }
    Ok(())
}
