//! References of a remote repository.

use git2::Oid;

/// A reference of a remote repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RemoteRef {
    pub id: Oid,
    pub name: String,
}

/// What a remote repository has.
#[derive(Debug, Clone, Default)]
pub(super) struct RemoteRefs {
    /// Branches and tags; not `HEAD`, not peeled tags.
    pub refs: Vec<RemoteRef>,
    /// The full name of the branch HEAD points to, where the server says so.
    pub default: Option<String>,
    /// Where HEAD is, which tells the default branch where the server does not.
    pub head: Option<Oid>,
    /// What the server's side of the protocol can do.
    pub capabilities: Vec<String>,
}

impl RemoteRefs {
    pub fn add(&mut self, found: RemoteRef) {
        if found.name == "HEAD" {
            self.head = Some(found.id);
        } else if !found.name.ends_with("^{}")
            && (found.name.starts_with("refs/heads/") || found.name.starts_with("refs/tags/"))
        {
            self.refs.push(found);
        }
    }

    /// The hash the repository's ids are made with, where the server says so.
    pub fn object_format(&self) -> Option<&str> {
        self.capabilities
            .iter()
            .find_map(|capability| capability.strip_prefix("object-format="))
    }

    pub fn find(&self, name: &str) -> Option<&RemoteRef> {
        self.refs.iter().find(|found| found.name == name)
    }

    /// The branch a clone starts on: where HEAD points, or else one that is where HEAD is.
    pub fn default_branch(&self) -> Option<String> {
        self.default.clone().or_else(|| {
            let mut candidates: Vec<&RemoteRef> = self
                .refs
                .iter()
                .filter(|found| {
                    found.name.starts_with("refs/heads/") && Some(found.id) == self.head
                })
                .collect();
            // git prefers the usual names when several branches are there.
            candidates.sort_by_key(|found| match found.name.as_str() {
                "refs/heads/main" => 0,
                "refs/heads/master" => 1,
                _ => 2,
            });
            candidates.first().map(|found| found.name.clone())
        })
    }
}
