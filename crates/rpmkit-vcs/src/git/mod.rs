//! Git, in-process.

mod access;
mod border;
mod bounds;
mod clone;
mod credentials;
mod fetch;
pub mod history;
mod http;
mod http_options;
pub(crate) mod modules;
mod pkt;
mod refs;
#[cfg(test)]
mod tests;

pub(crate) use border::check_parts;
pub use border::check_rules;
pub(crate) use bounds::check_tree;

pub use access::{HttpSettings, RemoteAccess};
pub use clone::{CloneRequest, checkout, clone, set_file_times, submodules};

use std::{collections::HashSet, ffi::OsStr, os::unix::ffi::OsStrExt, path::Path};

use git2::{Commit, ObjectType, Oid, Repository, RepositoryOpenFlags, Tree};

use rpmkit_fs::{Links, UntrustedTree};

use super::ScmError;

/// Git's modes for what a tree can hold besides files and trees.
pub(crate) const FILEMODE_LINK: i32 = 0o120_000;
pub(crate) const FILEMODE_COMMIT: i32 = 0o160_000;

/// Passes over one packet; false at the end. For [`crate::fuzz`].
pub(crate) fn packet(stream: &mut dyn std::io::Read) -> std::io::Result<bool> {
    pkt::read(stream).map(|packet| packet.is_some())
}

/// Reads what a server says it has. For [`crate::fuzz`].
pub(crate) fn references(stream: &mut dyn std::io::Read) {
    drop(http::read_refs(stream));
}

/// Bytes of a file of ignore rules or attributes: git's own limit (gitattributes(5)).
pub(crate) const MAX_RULES: u64 = 100 << 20;

/// `info/attributes` of a repository; empty where it has none that can be read.
pub(crate) fn info_attributes(repo: &Repository) -> Vec<u8> {
    UntrustedTree::open(repo.commondir(), Links::Beneath)
        .and_then(|dir| dir.read("info/attributes", MAX_RULES))
        .unwrap_or_default()
}

/// Opens the repository `path` is in.
///
/// # Errors
/// [`ScmError::NoRepository`] when there is none, [`ScmError::ForeignOwner`] when it belongs to
/// somebody else, [`ScmError::Outside`] when parts of it lie elsewhere on this host, [`ScmError::Git`] when it
/// is damaged.
pub fn discover(path: &Path) -> Result<Repository, ScmError> {
    border::check_before(path)?;
    let refused = |source: git2::Error| match source.code() {
        git2::ErrorCode::Owner => with_environment(path, source),
        _ => Err(source),
    };
    let repo = Repository::discover(path)
        .or_else(refused)
        .map_err(|source| {
            if source.code() == git2::ErrorCode::NotFound {
                return ScmError::NoRepository {
                    path: path.to_owned(),
                };
            }
            ScmError::git("open", path)(source)
        })?;
    border::check_opened(&repo, path)?;
    Ok(repo)
}

/// Whether a commit holds no more than can be walked.
///
/// # Errors
/// [`ScmError::Tree`] for one that is too large or too deep.
pub fn check_size(repo: &Repository, commit: Oid) -> Result<(), ScmError> {
    let tree = repo.find_commit(commit).and_then(|commit| commit.tree());
    check_tree(repo, &tree.map_err(ScmError::git("read", repo.path()))?)
}

/// The repository whose work tree is `dir` itself: a submodule that is checked out.
pub(crate) fn open_inner(dir: &Path) -> Option<Repository> {
    let own = UntrustedTree::open(dir, Links::Never).ok()?;
    own.lstat(".git").ok()?;
    discover(dir).ok()
}

/// The files of a repository's work tree but for git's own, links followed while they stay there.
///
/// # Errors
/// When the repository is bare.
pub fn work_tree(repo: &Repository) -> Result<UntrustedTree, ScmError> {
    let work = repo.workdir().ok_or_else(|| ScmError::Bare {
        path: repo.path().to_owned(),
    })?;
    Ok(UntrustedTree::open(work, Links::Beneath)?.without(".git"))
}

/// Opens a repository that another user owns, where `safe.directory` of the files that
/// `GIT_CONFIG_GLOBAL` and `GIT_CONFIG_SYSTEM` name allows it.
fn with_environment(path: &Path, refused: git2::Error) -> Result<Repository, git2::Error> {
    let none: [&Path; 0] = [];
    let git_dir = Repository::discover_path(path, none)?;
    let flags = RepositoryOpenFlags::FROM_ENV | RepositoryOpenFlags::NO_SEARCH;
    match Repository::open_ext(&git_dir, flags, none) {
        // The other variables that are read along, such as GIT_DIR, choose no other repository.
        Ok(repo) if repo.path() == git_dir => Ok(repo),
        _ => Err(refused),
    }
}

/// The commit a name stands for. A name that several things have means, as for `git checkout`,
/// the local branch first, then the tag, then a remote's branch, then anything `git rev-parse`
/// knows; `refs/…` and commit ids say exactly what is meant, and so does `HEAD`: a clone has an
/// `origin/HEAD` besides, which is the other side's.
///
/// # Errors
/// [`ScmError::Unborn`] for HEAD of an empty repository, [`ScmError::UnknownRevision`].
pub fn resolve<'repo>(repo: &'repo Repository, rev: &str) -> Result<Commit<'repo>, ScmError> {
    let place = repo.workdir().unwrap_or(repo.path());
    // A reference by its full name needs no looking further: `refs/…`, and at the top what git
    // keeps there itself, HEAD and FETCH_HEAD. A branch called `RELEASE` is none of these.
    let is_full_name = repo.find_reference(rev).is_ok();
    let short_for = ["refs/heads", "refs/tags", "refs/remotes/origin"];
    for place_of in short_for.iter().filter(|_| !is_full_name) {
        if let Ok(reference) = repo.find_reference(&format!("{place_of}/{rev}")) {
            return reference
                .peel_to_commit()
                .map_err(ScmError::git("read", place));
        }
    }
    match repo.revparse_single(rev) {
        Ok(object) => object.peel_to_commit().map_err(|_| unknown(rev, place)),
        Err(error) if error.code() == git2::ErrorCode::Owner => {
            Err(ScmError::git("read", place)(error))
        }
        Err(_) if repo.is_empty().unwrap_or(false) || (rev == "HEAD" && is_unborn(repo)) => {
            Err(ScmError::Unborn {
                path: place.to_owned(),
            })
        }
        Err(error) if error.code() == git2::ErrorCode::NotFound || is_syntax(&error) => {
            Err(unknown(rev, place))
        }
        Err(error) => Err(ScmError::git("read", place)(error)),
    }
}

fn unknown(rev: &str, place: &Path) -> ScmError {
    ScmError::UnknownRevision {
        rev: rev.to_owned(),
        path: place.to_owned(),
    }
}

/// Whether HEAD is a branch without a commit.
pub fn is_unborn(repo: &Repository) -> bool {
    matches!(repo.head(), Err(error) if error.code() == git2::ErrorCode::UnbornBranch)
}

fn is_syntax(error: &git2::Error) -> bool {
    matches!(
        error.code(),
        git2::ErrorCode::InvalidSpec | git2::ErrorCode::Ambiguous
    )
}

/// A path inside a repository as the system's path type.
pub fn bytes_path(path: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(path))
}

/// `Name <address>` as git would sign a commit made in `dir`: from the repository's configuration, or else
/// the user's.
pub fn identity(dir: &Path) -> Option<String> {
    let mut config = discover(dir)
        .ok()
        .and_then(|repo| repo.config().ok())
        .or_else(|| git2::Config::open_default().ok())?;
    let config = config.snapshot().ok()?;
    let name = config.get_str("user.name").ok()?;
    let mail = config.get_str("user.email").ok()?;
    Some(format!("{name} <{mail}>"))
}

/// The file at `path` of `root`, going after symbolic links as long as they stay in the tree:
/// its blob and mode.
///
/// # Errors
/// When there is no such file, or a link leads outside, nowhere or round in circles.
pub fn follow_link(
    repo: &Repository,
    root: &Tree<'_>,
    path: &[u8],
) -> Result<(Oid, i32), git2::Error> {
    let (mut at, mut seen) = (path.to_vec(), HashSet::new());
    while seen.insert(at.clone()) {
        let entry = root.get_path(bytes_path(&at))?;
        if entry.filemode_raw() != FILEMODE_LINK {
            return match entry.kind() {
                Some(ObjectType::Blob) => Ok((entry.id(), entry.filemode_raw())),
                _ => Err(git2::Error::from_str("not a file")),
            };
        }
        let target = repo.find_blob(entry.id())?;
        at = resolve_link(&at, target.content())
            .ok_or_else(|| git2::Error::from_str("the link leads out of the tree"))?;
    }
    Err(git2::Error::from_str("the links lead round in circles"))
}

/// Where a link at `path` with `target` leads, inside the repository; `None` if outside.
fn resolve_link(path: &[u8], target: &[u8]) -> Option<Vec<u8>> {
    if target.first() == Some(&b'/') {
        return None;
    }
    let mut parts: Vec<&[u8]> = path.split(|b| *b == b'/').collect();
    parts.pop();
    for part in target.split(|b| *b == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join(&b'/'))
}
