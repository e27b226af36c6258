//! What a project's version control knows: the last release's tag, and where the project lives.

#![allow(
    clippy::disallowed_methods,
    reason = "looks whether files are there; what is read goes through `read::bytes`"
)]

use std::path::Path;

use rpmkit_vcs::git;

/// The version the newest tag before HEAD names: `v1.2`, `release-1.2` and `name-1.2` are 1.2.
pub(super) fn version(dir: &Path) -> Option<String> {
    let repo = git::discover(dir).ok()?;
    let mut options = git2::DescribeOptions::new();
    options.describe_tags();
    let found = repo.describe(&options).ok()?;
    let mut format = git2::DescribeFormatOptions::new();
    format.abbreviated_size(0);
    version_of_tag(&found.format(Some(&format)).ok()?)
}

fn version_of_tag(tag: &str) -> Option<String> {
    let starts = |at: usize| {
        tag[..at]
            .chars()
            .next_back()
            .is_none_or(|before| "-_/vV".contains(before))
    };
    tag.char_indices()
        .find(|(at, c)| c.is_ascii_digit() && starts(*at))
        .map(|(at, _)| tag[at..].to_owned())
}

/// Whether a file will be missing from an archive of the repository, because git ignores it.
pub(super) fn ignored(dir: &Path, name: &str) -> bool {
    let Ok(repo) = git::discover(dir) else {
        return false;
    };
    let path = dir.join(name);
    let path = path.canonicalize().unwrap_or(path);
    let tracked = repo
        .workdir()
        .and_then(|top| path.strip_prefix(top.canonicalize().ok()?).ok())
        .is_some_and(|below| {
            repo.index()
                .is_ok_and(|index| index.get_path(below, 0).is_some())
        });
    !tracked && repo.is_path_ignored(&path).unwrap_or(false)
}

/// The page of the remote `origin`.
pub(super) fn url(dir: &Path) -> Option<String> {
    let repo = git::discover(dir).ok()?;
    let remote = repo.find_remote("origin").ok()?;
    page(remote.url().ok()?)
}

/// The page of a repository, from the address git uses.
fn page(remote: &str) -> Option<String> {
    let remote = remote.trim().trim_end_matches('/');
    let path = remote
        .strip_prefix("https://")
        .or_else(|| remote.strip_prefix("http://"))
        .or_else(|| remote.strip_prefix("ssh://"))
        .or_else(|| remote.strip_prefix("git://"))
        .map(str::to_owned)
        .or_else(|| {
            // `git@host:path`
            let (host, path) = remote.split_once(':')?;
            (host.contains('@') && !host.contains('/')).then(|| format!("{host}/{path}"))
        })?;
    // Neither a name nor a token belongs into a spec.
    let (host, rest) = path.split_once('/')?;
    let host = host.rsplit('@').next().unwrap_or(host);
    (host.contains('.')).then(|| format!("https://{host}/{}", rest.trim_end_matches(".git")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_give_versions() {
        for (tag, version) in [
            ("v1.2.3", Some("1.2.3")),
            ("release-2.0-rc1", Some("2.0-rc1")),
            ("tool-3.1", Some("3.1")),
            ("2024.1", Some("2024.1")),
            ("latest", None),
        ] {
            assert_eq!(version_of_tag(tag).as_deref(), version, "{tag}");
        }
    }

    #[test]
    fn remotes_give_pages_without_secrets() {
        let wanted = Some("https://example.org/a/b".to_owned());
        for remote in [
            "https://user:secret@example.org/a/b.git",
            "git@example.org:a/b.git",
            "ssh://git@example.org/a/b/",
        ] {
            assert_eq!(page(remote), wanted);
        }
        assert_eq!(page("/srv/git/b"), None);
        assert_eq!(page("../b"), None);
    }
}
