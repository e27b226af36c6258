//! `git clone` and `git checkout` without git.

use std::path::Path;

use git2::{Oid, Repository, build::CheckoutBuilder};
use rpmkit_fs::Links;

use super::{
    access::RemoteAccess,
    fetch::{Connection, UrlRoute},
    history,
    refs::RemoteRef,
};
use crate::ScmError;
use rpmkit_types::event::Events;

/// What to clone, and how much of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CloneRequest {
    /// URL or path.
    pub url: String,
    /// Branch, tag or commit to check out; none for where the remote's HEAD is.
    pub rev: Option<String>,
    /// Whether submodules are cloned too, all the way down.
    pub recursive: bool,
    /// Whether one commit of history is enough. Followed where it can be: not for paths, and
    /// not when `rev` is a commit id.
    pub shallow: bool,
}

/// Clones into `dest`, which must not exist or be empty, and checks out.
///
/// # Errors
/// When the remote cannot be reached, has no such revision, or `dest` cannot be written.
pub fn clone(
    request: &CloneRequest,
    dest: &Path,
    access: &RemoteAccess,
    events: &Events,
) -> Result<Repository, ScmError> {
    let repo = Repository::init(dest).map_err(ScmError::git("create", dest))?;
    repo.remote("origin", &request.url)
        .map_err(ScmError::git("configure", dest))?;
    let connection = Connection::open(&repo, &request.url, access, events)?;
    let default = connection.refs.default_branch();
    if connection.refs.refs.is_empty() {
        return Err(ScmError::EmptyRemote {
            url: request.url.clone(),
        });
    }
    let only = request
        .shallow
        .then(|| one_reference(&connection, request.rev.as_deref(), default.as_deref()))
        .flatten()
        .filter(|_| connection.can_be_shallow());
    match only {
        Some(wanted) => connection.fetch(&[wanted], Some(1), events)?,
        None => connection.fetch(&connection.refs.refs, None, events)?,
    }
    // The branch HEAD points to exists locally before anything is checked out, as after
    // `git clone`: it decides what a name means that a branch and a tag have.
    if let Some(default) = &default {
        let branch = default.trim_start_matches("refs/heads/");
        let tracking = format!("refs/remotes/origin/{branch}");
        if let Ok(id) = repo.refname_to_id(&tracking) {
            local_branch(&repo, branch, id)?;
            repo.reference_symbolic("refs/remotes/origin/HEAD", &tracking, true, "clone")
                .map_err(ScmError::git("write references of", dest))?;
        }
        repo.set_head(default)
            .map_err(ScmError::git("write references of", dest))?;
    }
    checkout(&repo, request.rev.as_deref().unwrap_or("HEAD"))?;
    if request.recursive {
        submodules(&repo, access, events)?;
    }
    drop(connection);
    Ok(repo)
}

/// The one reference a shallow clone needs, unless `rev` may be a commit's id.
fn one_reference(
    connection: &Connection<'_>,
    rev: Option<&str>,
    default: Option<&str>,
) -> Option<RemoteRef> {
    let refs = &connection.refs;
    let Some(rev) = rev else {
        return refs.find(default?).cloned();
    };
    let branch = format!("refs/heads/{rev}");
    let tag = format!("refs/tags/{rev}");
    if default == Some(branch.as_str()) {
        return refs.find(&branch).cloned();
    }
    refs.find(&tag).or_else(|| refs.find(&branch)).cloned()
}

/// Checks `rev` out as `git checkout REV` does in a fresh clone: a local branch, a tag, a branch
/// of the remote (which becomes a local one), or a commit.
///
/// # Errors
/// [`ScmError::UnknownRevision`], or when files cannot be written.
pub fn checkout(repo: &Repository, rev: &str) -> Result<(), ScmError> {
    let place = repo.workdir().unwrap_or(repo.path()).to_owned();
    let commit = super::resolve(repo, rev)?;
    super::modules::check_commit(repo, &commit)?;
    let local = format!("refs/heads/{rev}");
    let has = |name: &str| repo.find_reference(name).is_ok();
    let error = || ScmError::git("check out in", &place);
    if rev == "HEAD" || has(&local) {
        if rev != "HEAD" {
            repo.set_head(&local).map_err(error())?;
        }
    } else if !has(&format!("refs/tags/{rev}")) && has(&format!("refs/remotes/origin/{rev}")) {
        local_branch(repo, rev, commit.id())?;
        repo.set_head(&local).map_err(error())?;
    } else {
        repo.set_head_detached(commit.id()).map_err(error())?;
    }
    repo.checkout_tree(commit.as_object(), Some(CheckoutBuilder::new().force()))
        .map_err(error())
}

fn local_branch(repo: &Repository, name: &str, id: Oid) -> Result<(), ScmError> {
    let make = || -> Result<(), git2::Error> {
        let commit = repo.find_commit(id)?;
        let mut branch = repo.branch(name, &commit, false)?;
        // A shallow clone of a tag has no remote branch to follow.
        if repo
            .find_reference(&format!("refs/remotes/origin/{name}"))
            .is_ok()
        {
            branch.set_upstream(Some(&format!("origin/{name}")))?;
        }
        Ok(())
    };
    make().map_err(ScmError::git("write references of", repo.path()))
}

/// Clones and checks out the submodules of a working tree, and theirs.
///
/// # Errors
/// As [`clone`]; also when a submodule's remote does not have the commit that is asked for.
pub fn submodules(
    repo: &Repository,
    access: &RemoteAccess,
    events: &Events,
) -> Result<(), ScmError> {
    let place = repo.workdir().unwrap_or(repo.path()).to_owned();
    super::modules::check_worktree(repo)?;
    let list = repo
        .submodules()
        .map_err(ScmError::git("read the submodules of", &place))?;
    for mut module in list {
        let path = place.join(module.path());
        // What the commit asks for; an entry of .gitmodules without one is no submodule.
        let Some(wanted) = module.head_id().or(module.index_id()) else {
            continue;
        };
        let open = || ScmError::git("set up submodule", &path);
        module.init(false).map_err(open())?;
        let name = module.name().map(str::to_owned).map_err(open())?;
        let url = repo
            .config()
            .and_then(|config| config.get_string(&format!("submodule.{name}.url")))
            .map_err(open())?;
        allow_submodule(repo, &url, access)?;
        let inner = match module.open() {
            Ok(inner) => inner,
            Err(_) => module.repo_init(true).map_err(open())?,
        };
        if inner.find_commit(wanted).is_err() {
            let connection = Connection::of_tree(&inner, &url, access, events)?;
            connection.fetch(&connection.refs.refs, None, events)?;
            if inner.find_commit(wanted).is_err() {
                // On no branch any more: most servers give it to those who know its id.
                connection.fetch_commit(wanted, events)?;
            }
        }
        let commit = inner
            .find_commit(wanted)
            .map_err(|_| ScmError::UnknownRevision {
                rev: wanted.to_string(),
                path: path.clone(),
            })?;
        super::modules::check_commit(&inner, &commit)?;
        inner.set_head_detached(wanted).map_err(open())?;
        inner
            .checkout_tree(commit.as_object(), Some(CheckoutBuilder::new().force()))
            .map_err(open())?;
        submodules(&inner, access, events)?;
    }
    Ok(())
}

/// Refuses what git refuses with its default of `protocol.file.allow` (CVE-2022-39253): a repository must
/// not name directories of this host as its submodules and so have them built into a package, wherever it
/// came from. The user's configuration and environment allow it.
fn allow_submodule(repo: &Repository, url: &str, access: &RemoteAccess) -> Result<(), ScmError> {
    if UrlRoute::of(url) != UrlRoute::Local {
        return Ok(());
    }
    const KEY: &str = "protocol.file.allow";
    let var = |name: &str| access.host.env.var(name)?.to_str().map(str::to_owned);
    let by_protocol = var("GIT_ALLOW_PROTOCOL").map(|list| list.split(':').any(|p| p == "file"));
    // git-config(1): pairs in the environment stand above every file.
    let count = var("GIT_CONFIG_COUNT").and_then(|count| count.parse().ok());
    let by_pairs = (0..count.unwrap_or(0u16)).rev().find_map(|n| {
        let key = var(&format!("GIT_CONFIG_KEY_{n}"))?;
        let value = var(&format!("GIT_CONFIG_VALUE_{n}"))?;
        key.eq_ignore_ascii_case(KEY).then(|| value == "always")
    });
    let by_file = || {
        let value = repo.config().and_then(|config| config.get_string(KEY));
        value.is_ok_and(|value| value == "always")
    };
    if by_protocol.or(by_pairs).unwrap_or_else(by_file) {
        return Ok(());
    }
    Err(ScmError::LocalSubmodule {
        url: url.to_owned(),
    })
}

/// Gives every tracked file of a working tree the author's time of its last commit, as mock's
/// `git_timestamps` does, but from one walk over the history. Links keep theirs.
///
/// # Errors
/// When history cannot be read or a file's time cannot be set.
pub fn set_file_times(repo: &Repository) -> Result<usize, ScmError> {
    let head = super::resolve(repo, "HEAD")?;
    let times = history::file_times(repo, &head, history::Clock::Author)?;
    let tree = super::work_tree(repo)?.with_links(Links::Never)?;
    for (path, time) in &times {
        let path = super::bytes_path(path);
        if tree.lstat(path).is_ok_and(|meta| meta.is_file()) {
            let time = std::time::UNIX_EPOCH
                + std::time::Duration::from_secs((*time).max(0).unsigned_abs());
            tree.set_modified(path, time)?;
        }
    }
    Ok(times.len())
}
