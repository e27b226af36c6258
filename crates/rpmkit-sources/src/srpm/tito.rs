//! tito's convention: releases are tags `NAME-VERSION-RELEASE`, and what is built between them has
//! the commit in its release and in its archive's name, as `tito build --test` writes them.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt, path::PathBuf};

use git2::{Commit, Oid, Repository};

use super::{SourceTree, SrpmError};
use rpmkit_vcs::{ScmError, git};

/// How a package of tito's is built.
pub(super) struct Tito {
    /// The package's directory in the tree, which the archive is made of.
    pub dir: Option<PathBuf>,
    /// The spec, changed unless a release is built.
    pub text: String,
    /// Remarks for people.
    pub notes: Vec<String>,
}

/// Reads what `.tito/` says about the package `name` and changes its spec's text as needed.
pub(super) fn arrange(tree: &SourceTree, name: &str, text: &str) -> Result<Tito, SrpmError> {
    let (version, dir) = match package(tree, name) {
        Some((version, dir)) => (Some(version), Some(dir)),
        None => (None, None),
    };
    let mut tito = Tito {
        dir: dir.filter(|dir| !dir.as_os_str().is_empty()),
        text: text.to_owned(),
        notes: Vec::new(),
    };
    let props = props(tree);
    if let Some(builder) = value(&props, "builder").filter(|name| *name != "tito.builder.Builder") {
        tito.notes
            .push(format!("tito's builder `{builder}` is not run"));
    }
    let Some(repo) = tree.repository() else {
        return Ok(tito);
    };
    let tag = version.map(|version| tag_name(value(&props, "tag_format"), name, &version));
    let rev = tree.commit().map_or("HEAD".to_owned(), |id| id.to_string());
    let head = match git::resolve(repo, &rev) {
        Ok(head) => head,
        Err(ScmError::Unborn { .. }) => return Ok(tito),
        Err(error) => return Err(error.into()),
    };
    let tagged = tag
        .as_ref()
        .and_then(|tag| git::resolve(repo, &format!("refs/tags/{tag}")).ok());
    if tree.commit().is_some()
        && let (Some(tag), Some(tagged)) = (&tag, &tagged)
        && tagged.id() == head.id()
    {
        tito.notes.push(format!("release `{tag}` of tito's"));
        return Ok(tito);
    }
    let below = tito.dir.as_ref().map(|dir| dir.as_os_str().as_bytes());
    let (last, count) = place(
        repo,
        head,
        &tree.in_repository(below.unwrap_or_default()),
        tagged,
    )
    .map_err(ScmError::git("read the history of", repo.path()))?;
    let commit = format!("{count}.{:.7}", last.to_string());
    tito.text = munge(text, &format!("{name}-git-{commit}"), &commit);
    tito.notes.push(match tag {
        Some(tag) => {
            format!(
                "{count} after tito's release `{tag}` (commits), so named as tito build --test does"
            )
        }
        None => "never tagged by tito, so named as tito build --test does".to_owned(),
    });
    Ok(tito)
}

/// `.tito/packages/NAME`: "VERSION-RELEASE DIRECTORY".
fn package(tree: &SourceTree, name: &str) -> Option<(String, PathBuf)> {
    let path = [".tito", "rel-eng"]
        .map(|base| format!("{base}/packages/{name}"))
        .into_iter()
        .find(|path| tree.has(path.as_bytes()))?;
    let text = tree.read(path.as_bytes()).ok()?;
    let text = String::from_utf8_lossy(&text).into_owned();
    let mut words = text.split_whitespace();
    let version = words.next()?.to_owned();
    let dir = words.next().unwrap_or_default().trim_start_matches("./");
    let dir = PathBuf::from(OsStr::from_bytes(dir.trim_end_matches('/').as_bytes()));
    Some((version, dir))
}

fn props(tree: &SourceTree) -> String {
    [".tito/tito.props", "rel-eng/tito.props"]
        .iter()
        .find_map(|path| {
            tree.has(path.as_bytes())
                .then(|| tree.read(path.as_bytes()).ok())?
        })
        .map(|text| String::from_utf8_lossy(&text).into_owned())
        .unwrap_or_default()
}

/// What any text of settings and spec leads to.
pub(super) fn settings(text: &str) {
    let format = value(text, "tag_format");
    let _ = tag_name(format, "name", value(text, "version").unwrap_or("1-1"));
    let _ = munge(text, "name-git-1.abcdef0", "1.abcdef0");
}

/// A setting of `[buildconfig]`; its names stand in no other section.
fn value<'p>(props: &'p str, key: &str) -> Option<&'p str> {
    props
        .lines()
        .filter_map(|line| line.split_once(['=', ':']))
        .find(|(name, _)| name.trim() == key)
        .map(|(_, value)| value.trim())
}

fn tag_name(format: Option<&str>, name: &str, version: &str) -> String {
    let (version, release) = version.rsplit_once('-').unwrap_or((version, ""));
    format
        .unwrap_or("{component}-{version}-{release}")
        .replace("{component}", name)
        .replace("{version}", version)
        .replace("{release}", release)
        .trim_matches('-')
        .to_owned()
}

/// The last commit that changed a directory, and how many come after the tag, or after the first.
fn place(
    repo: &Repository,
    head: Commit<'_>,
    dir: &[u8],
    tagged: Option<Commit<'_>>,
) -> Result<(Oid, usize), git2::Error> {
    let mut last = head;
    loop {
        let here = content(&last, dir);
        // As git log: on along a parent that has the same.
        match last.parents().find(|parent| content(parent, dir) == here) {
            Some(parent) => last = parent,
            None => break,
        }
    }
    let mut walk = repo.revwalk()?;
    walk.push(last.id())?;
    if let Some(tagged) = &tagged {
        walk.hide(tagged.id())?;
    }
    let count = walk.count();
    // Without a tag the first commit is what is counted from.
    let count = if tagged.is_some() {
        count
    } else {
        count.saturating_sub(1)
    };
    Ok((last.id(), count))
}

fn content(commit: &Commit<'_>, dir: &[u8]) -> Option<Oid> {
    let tree = commit.tree().ok()?;
    if dir.is_empty() {
        return Some(tree.id());
    }
    tree.get_path(git::bytes_path(dir))
        .ok()
        .map(|entry| entry.id())
}

/// Changes release, main source and the directory `%setup` enters.
fn munge(text: &str, full_name: &str, commit: &str) -> String {
    let mut out = String::with_capacity(text.len() + 200);
    for line in text.lines() {
        let changed = release(line, commit)
            .or_else(|| source(line, full_name))
            .or_else(|| setup(line, full_name));
        out.push_str(changed.as_deref().unwrap_or(line));
        out.push('\n');
    }
    out
}

fn release(line: &str, commit: &str) -> Option<String> {
    let value = line.trim_start().strip_prefix("Release:")?.trim();
    let start = &line[..line.len() - line.trim_start().len() + "Release:".len()];
    let (value, dist) = match value.strip_suffix("%{?dist}") {
        Some(value) => (value, "%{?dist}"),
        None => (value, ""),
    };
    let blank: String = line[start.len()..]
        .chars()
        .take_while(|c| c.is_whitespace())
        .collect();
    Some(format!("{start}{blank}{value}.git.{commit}{dist}"))
}

fn source(line: &str, full_name: &str) -> Option<String> {
    let (tag, _) = line.split_once(':')?;
    matches!(tag.trim_start(), "Source" | "Source0").then(|| format!("{tag}: {full_name}.tar.gz"))
}

fn setup(line: &str, full_name: &str) -> Option<String> {
    let trimmed = line.trim_start();
    let (word, rest) = ["%autosetup", "%setup"]
        .into_iter()
        .find_map(|word| Some((word, trimmed.strip_prefix(word)?)))?;
    if rest.starts_with(|c: char| c.is_alphanumeric() || c == '_') {
        return None;
    }
    let mut kept = Vec::new();
    let mut words = rest.split_whitespace();
    while let Some(argument) = words.next() {
        if argument == "-n" {
            words.next();
        } else {
            kept.push(argument);
        }
    }
    let blank = &line[..line.len() - trimmed.len()];
    let mut changed = format!("{blank}{word}");
    for argument in kept {
        changed.push(' ');
        changed.push_str(argument);
    }
    changed.push_str(&format!(" -n {full_name}"));
    Some(changed)
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::disallowed_methods,
        clippy::disallowed_types
    )]
    use super::*;
    use crate::srpm::TreeChoice;
    use rpmkit_vcs::testing::TestRepo;

    const SPEC: &str = "Name: hello\nVersion: 1.0\nRelease:   1%{?dist}\nSource0: %{name}-%{version}.tar.gz\n\
        Source1: other\n%prep\n%setup -q -n x -a 1\n";

    fn arranged(repo: &TestRepo) -> Tito {
        let tree = SourceTree::open(repo.path(), &TreeChoice::Auto).unwrap();
        arrange(&tree, "hello", SPEC).unwrap()
    }

    #[test]
    fn releases_are_as_they_stand_and_others_have_their_commit() {
        let repo = TestRepo::new();
        repo.write(
            ".tito/tito.props",
            "[buildconfig]\nbuilder = tito.builder.Builder\n",
        );
        repo.write(".tito/packages/hello", "1.0-1 pkg/\n");
        repo.write("pkg/hello.spec", SPEC);
        repo.commit("one");
        repo.git(&["tag", "-a", "-m", "x", "hello-1.0-1"]);
        let tito = arranged(&repo);
        assert_eq!((tito.text.as_str(), tito.dir), (SPEC, Some("pkg".into())));
        repo.write("pkg/a", "");
        let id = repo.commit("two");
        // Another package's commit is none of this one's.
        repo.write("elsewhere", "");
        repo.commit("three");
        let commit = format!("1.{:.7}", id);
        let expected = format!(
            "Name: hello\nVersion: 1.0\nRelease:   1.git.{commit}%{{?dist}}\nSource0: hello-git-{commit}.tar.gz\n\
             Source1: other\n%prep\n%setup -q -a 1 -n hello-git-{commit}\n"
        );
        assert_eq!(arranged(&repo).text, expected);
        repo.write(
            ".tito/tito.props",
            "[buildconfig]\nbuilder = custom.Builder\ntag_format = v{version}\n",
        );
        repo.commit("four");
        repo.git(&["tag", "v1.0"]);
        let tito = arranged(&repo);
        assert_eq!(tito.text, SPEC);
        assert_eq!(tito.notes[0], "tito's builder `custom.Builder` is not run");
    }
}
