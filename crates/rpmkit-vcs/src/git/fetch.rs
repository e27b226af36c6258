//! Getting a repository's objects from wherever a URL points: the file system, git's own
//! protocol, http and https, or, through the host's git, ssh.

use std::path::Path;

use git2::{Direction, FetchOptions, Oid, Repository};

use super::{
    access::RemoteAccess,
    http,
    refs::{RemoteRef, RemoteRefs},
};
use crate::{ScmError, host, url::without_secret};
use rpmkit_fs::{CopyOptions, HostDir, IfThere, TempDir};
use rpmkit_host::HostCommand;
use rpmkit_types::event::Events;

/// Where a URL leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UrlRoute {
    Local,
    Http,
    Git,
    /// By the git of this host: ssh, and whatever else it has helpers for.
    Host,
}

impl UrlRoute {
    #[allow(
        clippy::disallowed_methods,
        reason = "whether an address is a path, as git asks; nothing is read"
    )]
    pub fn of(url: &str) -> Self {
        let scheme = url.split_once("://").map(|(scheme, _)| scheme);
        match scheme {
            Some("http" | "https") => Self::Http,
            Some("git") => Self::Git,
            Some("file") => Self::Local,
            Some("ssh" | "git+ssh" | "ssh+git") => Self::Host,
            // Anything else git knows by a helper of that name: git itself must find it.
            Some(_) => Self::Host,
            None => match url.find(':') {
                // `host:path`, unless a slash comes first or it is there on disk.
                Some(at) if !url[..at].contains('/') && !Path::new(url).exists() => Self::Host,
                _ => Self::Local,
            },
        }
    }
}

/// A connection whose references are known.
pub(super) struct Connection<'a> {
    repo: &'a Repository,
    url: String,
    way: UrlRoute,
    access: &'a RemoteAccess,
    http: Option<http::Remote>,
    /// Whether a tree names the address, not the user.
    from_tree: bool,
    pub refs: RemoteRefs,
}

impl<'a> Connection<'a> {
    /// Connects to an address of the user's.
    pub fn open(
        repo: &'a Repository,
        url: &str,
        access: &'a RemoteAccess,
        events: &Events,
    ) -> Result<Self, ScmError> {
        Self::connect(repo, url, false, access, events)
    }

    /// Connects to an address that a tree names: a submodule's.
    pub fn of_tree(
        repo: &'a Repository,
        url: &str,
        access: &'a RemoteAccess,
        events: &Events,
    ) -> Result<Self, ScmError> {
        Self::connect(repo, url, true, access, events)
    }

    fn connect(
        repo: &'a Repository,
        url: &str,
        from_tree: bool,
        access: &'a RemoteAccess,
        events: &Events,
    ) -> Result<Self, ScmError> {
        // `url.X.insteadOf` of the user's git configuration applies to every way.
        let url = repo
            .remote_anonymous(url)
            .ok()
            .and_then(|remote| remote.url().ok().map(str::to_owned))
            .unwrap_or_else(|| url.to_owned());
        let way = UrlRoute::of(&url);
        // A path of this machine may hold anything; what goes to a server may not.
        if !matches!(way, UrlRoute::Local) && !rpmkit_fetch::is_clean(&url) {
            return Err(ScmError::Http {
                url: without_secret(&url),
                reason: "its URL holds a control character".to_owned(),
            });
        }
        let mut connection = Self {
            repo,
            url,
            way,
            access,
            http: None,
            from_tree,
            refs: RemoteRefs::default(),
        };
        match way {
            UrlRoute::Http => match http::Remote::connect(repo, &connection.url, access)? {
                Some(remote) => {
                    connection.refs = remote.refs().clone();
                    connection.http = Some(remote);
                }
                None => {
                    // The old protocol, files served as files: git itself knows how.
                    connection.way = UrlRoute::Host;
                    connection.list_by_host(events)?;
                }
            },
            UrlRoute::Local | UrlRoute::Git => connection.list_native()?,
            UrlRoute::Host => connection.list_by_host(events)?,
        }
        Ok(connection)
    }

    /// Whether history may be left out.
    pub fn can_be_shallow(&self) -> bool {
        match self.way {
            UrlRoute::Local => false,
            UrlRoute::Git => true,
            // Over plain files git cannot leave anything out.
            UrlRoute::Host => UrlRoute::of(&self.url) != UrlRoute::Http,
            UrlRoute::Http => self.refs.capabilities.iter().any(|has| has == "shallow"),
        }
    }

    /// Fetches `wanted` (all of them references of this connection) and writes them below
    /// `refs/remotes/origin` and `refs/tags`.
    pub fn fetch(
        &self,
        wanted: &[RemoteRef],
        depth: Option<u32>,
        events: &Events,
    ) -> Result<(), ScmError> {
        let specs: Vec<String> = wanted
            .iter()
            .map(|wanted| format!("+{}:{}", wanted.name, local_name(&wanted.name)))
            .collect();
        match (&self.http, self.way) {
            (Some(remote), _) => {
                let mut ids: Vec<Oid> = wanted.iter().map(|wanted| wanted.id).collect();
                ids.sort();
                ids.dedup();
                remote.fetch(self.repo, &ids, depth, events)?;
                for wanted in wanted {
                    self.repo
                        .reference(&local_name(&wanted.name), wanted.id, true, "clone")
                        .map_err(self.error("write references of"))?;
                }
            }
            (None, UrlRoute::Host) => self.by_host(&specs, depth, events)?,
            (None, _) => self.natively(&specs, depth)?,
        }
        Ok(())
    }

    /// Asks for a commit no reference leads to; a server that does not give it is no error here.
    pub fn fetch_commit(&self, id: Oid, events: &Events) -> Result<(), ScmError> {
        let wanted = RemoteRef {
            id,
            name: id.to_string(),
        };
        let name = format!("refs/rpmkit/{id}");
        let asked = match (&self.http, self.way) {
            (Some(remote), _) => remote.fetch(self.repo, &[wanted.id], None, events),
            (None, UrlRoute::Host) => {
                self.by_host(&[format!("+{}:{name}", wanted.name)], None, events)
            }
            (None, _) => self.natively(&[format!("+{}:{name}", wanted.name)], None),
        };
        match asked {
            Err(ScmError::Io { .. }) => asked,
            _ => Ok(()),
        }
    }

    fn by_host(
        &self,
        specs: &[String],
        depth: Option<u32>,
        events: &Events,
    ) -> Result<(), ScmError> {
        // git would read the configuration of the repository it fetches into. It works in one of ours,
        // made just now, and only the objects go where they belong.
        let scratch = TempDir::new(&HostDir::open(self.repo.path())?, "fetch", "")?;
        let made = Repository::init_bare(scratch.path())
            .map_err(ScmError::git("create", scratch.path()))?;
        let objects = self.repo.commondir().join("objects");
        let mut git = HostCommand::git_in(&self.access.host.env, scratch.path(), &objects)?
            .args(["fetch", "--quiet", "--no-tags", "--no-recurse-submodules"])
            .args(["--no-auto-maintenance", "--no-write-fetch-head"])
            .args(depth.map(|depth| format!("--depth={depth}")))
            .end_of_options()
            .operand(&self.url)?;
        for spec in specs {
            git = git.operand(spec)?;
        }
        host::run(&self.limited(git), events)?;
        self.adopt(&made)
    }

    /// Takes over the references that were fetched into `made`, and how far history goes back.
    fn adopt(&self, made: &Repository) -> Result<(), ScmError> {
        let (from, to) = (
            HostDir::open(made.path())?,
            HostDir::open(self.repo.commondir())?,
        );
        if from.lstat_if_there("shallow")?.is_some() {
            let options = CopyOptions {
                there: IfThere::Replace,
                ..CopyOptions::default()
            };
            from.copy_file_itself("shallow", &to, "shallow", &options)?;
        }
        let error = || ScmError::git("write references of", self.repo.path());
        for reference in made.references().map_err(error())? {
            let reference = reference.map_err(error())?;
            if let (Ok(name), Some(id)) = (reference.name(), reference.target()) {
                self.repo
                    .reference(name, id, true, "clone")
                    .map_err(error())?;
            }
        }
        Ok(())
    }

    /// git, limited to what the origin of the address allows.
    fn limited(&self, git: HostCommand) -> HostCommand {
        match self.from_tree {
            true => git.transports_of_a_tree(),
            false => git,
        }
    }

    fn natively(&self, specs: &[String], depth: Option<u32>) -> Result<(), ScmError> {
        let mut options = FetchOptions::new();
        options.download_tags(git2::AutotagOption::None);
        if let Some(depth) = depth {
            options.depth(i32::try_from(depth).unwrap_or(i32::MAX));
        }
        self.repo
            .remote_anonymous(&self.url)
            .and_then(|mut remote| remote.fetch(specs, Some(&mut options), None))
            .map_err(self.error("fetch from"))
    }

    fn list_native(&mut self) -> Result<(), ScmError> {
        if self.way == UrlRoute::Local {
            let path = self.url.strip_prefix("file://").unwrap_or(&self.url);
            #[allow(clippy::disallowed_methods, reason = "only for a better error")]
            let there = Path::new(path).exists();
            if !there {
                return Err(ScmError::NoRemote {
                    place: path.to_owned(),
                });
            }
        }
        let mut remote = self
            .repo
            .remote_anonymous(&self.url)
            .map_err(self.error("read"))?;
        remote
            .connect(Direction::Fetch)
            .map_err(self.error("read"))?;
        let mut refs = RemoteRefs::default();
        for head in remote.list().map_err(self.error("read"))? {
            refs.add(RemoteRef {
                id: head.oid(),
                name: head.name().to_owned(),
            });
            if head.name() == "HEAD" {
                refs.default = head.symref_target().map(str::to_owned);
            }
        }
        self.refs = refs;
        Ok(())
    }

    fn list_by_host(&mut self, events: &Events) -> Result<(), ScmError> {
        let git = self.access.host.git()?.args(["ls-remote", "--symref"]);
        let git = git.end_of_options().operand(&self.url)?;
        let out = host::output(&self.limited(git), events)?;
        for line in String::from_utf8_lossy(&out).lines() {
            let Some((left, name)) = line.split_once('\t') else {
                continue;
            };
            if let Some(target) = left.strip_prefix("ref: ") {
                if name == "HEAD" {
                    self.refs.default = Some(target.to_owned());
                }
            } else if let Ok(id) = Oid::from_str(left) {
                self.refs.add(RemoteRef {
                    id,
                    name: name.to_owned(),
                });
            }
        }
        Ok(())
    }

    fn error(&self, action: &'static str) -> impl FnOnce(git2::Error) -> ScmError {
        let place = without_secret(&self.url);
        move |source| ScmError::git(action, Path::new(&place))(source)
    }
}

/// Where a clone keeps a remote reference.
pub(super) fn local_name(name: &str) -> String {
    match name.strip_prefix("refs/heads/") {
        Some(branch) => format!("refs/remotes/origin/{branch}"),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_lead_where_git_takes_them() {
        for (url, way) in [
            ("/srv/x.git", UrlRoute::Local),
            ("../x", UrlRoute::Local),
            ("./a:b", UrlRoute::Local),
            ("file:///srv/x", UrlRoute::Local),
            ("https://h/x", UrlRoute::Http),
            ("git://h/x", UrlRoute::Git),
            ("git@h:x/y.git", UrlRoute::Host),
            ("ssh://h/x", UrlRoute::Host),
        ] {
            assert_eq!(UrlRoute::of(url), way, "{url}");
        }
    }
}
