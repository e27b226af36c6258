//! Snapshot versions, as Fedora's versioning guidelines write them: `1.2^20240131git1a2b3c4`.

use git2::Repository;
use jiff::{Timestamp, tz::TimeZone};

use super::SrpmError;
use rpmkit_vcs::{ScmError, git};

/// The suffix for a commit: `^`, the day it was made in UTC, `git`, seven digits of its id.
pub(super) fn suffix(repo: &Repository, rev: &str) -> Result<String, SrpmError> {
    let commit = git::resolve(repo, rev)?;
    let day = Timestamp::from_second(commit.time().seconds())
        .unwrap_or_default()
        .to_zoned(TimeZone::UTC)
        .strftime("%Y%m%d")
        .to_string();
    Ok(format!("^{day}git{:.7}", commit.id().to_string()))
}

/// The tags of `rev` itself, if any: a tagged commit is a release and no snapshot.
pub(super) fn tag_at(repo: &Repository, rev: &str) -> Result<Option<String>, SrpmError> {
    let commit = git::resolve(repo, rev)?;
    let mut found = None;
    repo.tag_foreach(|id, name| {
        let here = repo
            .find_object(id, None)
            .and_then(|object| object.peel_to_commit())
            .is_ok_and(|tagged| tagged.id() == commit.id());
        if here {
            let name = String::from_utf8_lossy(name);
            found = Some(name.trim_start_matches("refs/tags/").to_owned());
        }
        !here
    })
    // A callback that has seen enough ends the walk with an error of its own.
    .or_else(|error| if found.is_some() { Ok(()) } else { Err(error) })
    .map_err(ScmError::git("read the tags of", repo.path()))?;
    Ok(found)
}

/// Adds a suffix to a spec's `Version:`, whatever macros it is written with. `None` when the
/// spec has no such line.
pub(super) fn with_suffix(spec: &str, suffix: &str) -> Option<String> {
    let mut done = false;
    let mut out = String::with_capacity(spec.len() + suffix.len());
    for line in spec.split_inclusive('\n') {
        let is_version = line
            .split_once(':')
            .is_some_and(|(tag, _)| tag.trim().eq_ignore_ascii_case("version"));
        if is_version && !done {
            let text = line.trim_end();
            out.push_str(text);
            out.push_str(suffix);
            out.push_str(&line[text.len()..]);
            done = true;
        } else {
            out.push_str(line);
        }
    }
    done.then_some(out)
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
    use rpmkit_vcs::testing::TestRepo;

    #[test]
    fn the_version_line_gets_it_once() {
        let spec = "Name: a\nVersion:  %{v}  \n%package b\nVersion: 3\n";
        assert_eq!(
            with_suffix(spec, "^1").unwrap(),
            "Name: a\nVersion:  %{v}^1  \n%package b\nVersion: 3\n"
        );
        assert_eq!(with_suffix("Name: a\n", "^1"), None);
    }

    #[test]
    fn suffix_and_tag_tell_the_commit() {
        let repo = TestRepo::new();
        let id = repo.commit("one");
        let opened = repo.repository();
        assert_eq!(
            suffix(&opened, "HEAD").unwrap(),
            format!("^20200913git{}", &id[..7])
        );
        assert_eq!(tag_at(&opened, "HEAD").unwrap(), None);
        repo.git(&["tag", "-a", "-m", "x", "v1"]);
        repo.commit("two");
        assert_eq!(tag_at(&opened, "HEAD").unwrap(), None);
        assert_eq!(tag_at(&opened, "HEAD^").unwrap(), Some("v1".to_owned()));
    }
}
