//! rpkg's spec templates: `{{{ git_dir_name }}}` and its relatives (rpkg-util's macro reference).
//!
//! The built-in macros are expanded here, not by bash: those that ask git for something. Macros of the
//! project's own, and arguments that are not literal, run in the build root. Any other shell command in
//! the braces is refused. One file, since each built-in macro is a few lines of the same dispatch.

use std::{
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use git2::{Commit, ObjectType};
use jiff::{Timestamp, tz::Offset};

use super::{
    SourceTree, SrpmError,
    rpkg_user::{Shell, UserMacros, plain_path},
    runner::TREE_IN_ROOT,
};
use rpmkit_vcs::{ArchiveOptions, ScmError, archive, git};

/// A rendered spec and the archives its macros made.
pub(super) struct Rendered {
    pub text: String,
    pub archives: Vec<PathBuf>,
    pub notes: Vec<String>,
}

/// Expands a template. `spec` is its path in the tree; archives are written to `out`, and `shell` runs what
/// is the project's.
pub(super) fn render(
    tree: &SourceTree,
    spec: &Path,
    text: &str,
    out: &Path,
    shell: &mut Shell<'_>,
) -> Result<Rendered, SrpmError> {
    let mut context = RpkgContext::new(tree, spec, out)?;
    let user = UserMacros::of(tree, spec);
    let rendered = expanded(spec, text, |words, body, line| {
        let (name, arguments) = words.split_first().unwrap_or((body, &[]));
        let call = Call::new(name, arguments);
        let unknown = || SrpmError::RpkgMacro {
            spec: spec.to_owned(),
            line,
            body: body.trim().to_owned(),
            place: user.place.clone(),
        };
        if user.has(name) {
            let known = context.defaults()?;
            let printed = shell(&user.script(&known, body))?;
            return Ok(printed.trim_end_matches('\n').to_owned());
        }
        // Words of a `$(…)` are no arguments yet.
        if Call::new(name, &[]).is_none() || !body.contains(['$', '`']) {
            return context.expand(&call.ok_or_else(unknown)?);
        }
        let known = context.defaults()?;
        let rest = body
            .trim()
            .strip_prefix(name.as_str())
            .ok_or_else(unknown)?;
        let printed = shell(&user.script(&known, &format!("printf '%s\\n' {rest}")))?;
        let arguments: Vec<String> = printed.lines().map(str::to_owned).collect();
        context.expand(&Call::new(name, &arguments).ok_or_else(unknown)?)
    })?;
    Ok(Rendered {
        text: rendered,
        archives: context.archives,
        notes: context.notes,
    })
}

/// The text with its macros as `expand` has them, which gets their words, their text and their line.
fn expanded(
    spec: &Path,
    text: &str,
    mut expand: impl FnMut(&[String], &String, usize) -> Result<String, SrpmError>,
) -> Result<String, SrpmError> {
    let mut rendered = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("{{{") {
        let line = text[..text.len() - rest.len() + start]
            .matches('\n')
            .count()
            + 1;
        let error = |reason: String| SrpmError::Rpkg {
            spec: spec.to_owned(),
            line,
            reason,
        };
        let body = &rest[start + 3..];
        let end = body
            .find("}}}")
            .ok_or_else(|| error("`{{{` without `}}}`".to_owned()))?;
        rendered.push_str(&rest[..start]);
        let words = shlex::split(&body[..end])
            .ok_or_else(|| error(format!("unbalanced quotes in `{}`", body[..end].trim())))?;
        if !words.is_empty() {
            rendered.push_str(&expand(&words, &body[..end].to_owned(), line)?);
        }
        rest = &body[end + 3..];
    }
    rendered.push_str(rest);
    Ok(rendered)
}

/// How many macros a text calls.
pub(super) fn calls(spec: &Path, text: &str) -> Result<usize, SrpmError> {
    let mut count = 0;
    expanded(spec, text, |words, _, _| {
        let call = words
            .split_first()
            .and_then(|(name, arguments)| Call::new(name, arguments));
        count += usize::from(call.is_some_and(|call| call.get("path").is_none()));
        Ok(String::new())
    })?;
    Ok(count)
}

/// What a macro works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// `git_…`: the whole repository.
    Repository,
    /// `git_dir_…` and `git_cwd_…`: the directory the spec is in.
    Directory,
}

struct Call<'a> {
    scope: Scope,
    what: &'a str,
    arguments: Vec<(&'a str, &'a str)>,
}

impl<'a> Call<'a> {
    fn new(name: &'a str, arguments: &'a [String]) -> Option<Self> {
        let (scope, what) = [
            ("git_dir_", Scope::Directory),
            ("git_cwd_", Scope::Directory),
            ("git_repo_", Scope::Repository),
            ("git_", Scope::Repository),
        ]
        .into_iter()
        .find_map(|(prefix, scope)| Some((scope, name.strip_prefix(prefix)?)))?;
        const KNOWN: &[&str] = &[
            "name",
            "version",
            "release",
            "pack",
            "archive",
            "vcs",
            "setup_macro",
            "changelog",
        ];
        let arguments: Option<Vec<_>> = arguments
            .iter()
            .map(|argument| argument.split_once('='))
            .collect();
        Some(Self {
            scope,
            what: KNOWN.contains(&what).then_some(what)?,
            arguments: arguments?,
        })
    }

    fn get(&self, key: &str) -> Option<&'a str> {
        self.arguments
            .iter()
            .find(|(name, _)| *name == key)
            .map(|(_, value)| *value)
    }
}

struct RpkgContext<'a> {
    tree: &'a SourceTree,
    repo: &'a git2::Repository,
    head: Commit<'a>,
    /// The spec's directory inside the repository.
    dir: Vec<u8>,
    out: &'a Path,
    remote: Option<String>,
    /// What the last name, version and release macros gave: the others' defaults.
    name: Option<String>,
    version: Option<String>,
    archives: Vec<PathBuf>,
    notes: Vec<String>,
}

/// A tag `NAME-VERSION-RELEASE` in the history.
struct Release {
    version: String,
    release: String,
    /// Commits since.
    since: usize,
    tag: String,
}

impl<'a> RpkgContext<'a> {
    fn new(tree: &'a SourceTree, spec: &Path, out: &'a Path) -> Result<Self, SrpmError> {
        let repo = tree.repository().ok_or_else(|| {
            SrpmError::Scm(ScmError::NoRepository {
                path: tree.root().to_owned(),
            })
        })?;
        let rev = tree.commit().map_or("HEAD".to_owned(), |id| id.to_string());
        let dir = spec.parent().unwrap_or(Path::new(""));
        Ok(Self {
            head: git::resolve(repo, &rev)?,
            dir: tree.in_repository(dir.as_os_str().as_bytes()),
            remote: rpmkit_vcs::distgit::remote_url(tree.root()),
            tree,
            repo,
            out,
            name: None,
            version: None,
            archives: Vec::new(),
            notes: Vec::new(),
        })
    }

    /// What the built-in macros give without arguments, for the project's own ones to call.
    fn defaults(&mut self) -> Result<Vec<(String, String)>, SrpmError> {
        let before = (self.name.clone(), self.version.clone());
        let mut known = Vec::new();
        for prefix in ["git_", "git_dir_", "git_cwd_", "git_repo_"] {
            for what in ["name", "version", "release", "vcs", "setup_macro"] {
                let name = format!("{prefix}{what}");
                if let Some(call) = Call::new(&name, &[]) {
                    let value = self.expand(&call)?;
                    known.push((name.clone(), value));
                }
                (self.name, self.version) = before.clone();
            }
        }
        Ok(known)
    }

    fn expand(&mut self, call: &Call<'_>) -> Result<String, SrpmError> {
        Ok(match call.what {
            "name" => {
                let name = format!(
                    "{}{}{}",
                    call.get("prepend").unwrap_or_default(),
                    call.get("name")
                        .map_or_else(|| self.default_name(call.scope), str::to_owned),
                    call.get("append").unwrap_or_default()
                );
                self.name.insert(name).clone()
            }
            "version" => {
                let version = self.version(call)?;
                self.version.insert(version).clone()
            }
            "release" => {
                let name = self.name_for(call);
                match self.last_release(&name)? {
                    Some(last) if last.since == 0 => last.release,
                    Some(last) => format!("{}{}", last.release, self.appendix(last.since)?),
                    None => "1".to_owned(),
                }
            }
            "pack" | "archive" => self.pack(call)?,
            "vcs" => {
                let dir = match call.scope {
                    Scope::Directory => String::from_utf8_lossy(&self.dir).into_owned(),
                    Scope::Repository => String::new(),
                };
                let url = self.remote.clone().unwrap_or_default();
                format!("git+{url}#{}:{dir}", self.head.id())
            }
            "setup_macro" => {
                let name = call
                    .get("dir_name")
                    .map_or_else(|| self.name_for(call), str::to_owned);
                format!("%setup -T -b 0 -q -n {name}")
            }
            "changelog" => self.changelog(&self.name_for(call))?,
            _ => String::new(),
        })
    }

    /// The remote's base name; in a sub-directory, that directory's name.
    fn default_name(&self, scope: Scope) -> String {
        if scope == Scope::Directory && !self.dir.is_empty() {
            let last = self.dir.rsplit(|b| *b == b'/').next().unwrap_or(&self.dir);
            return String::from_utf8_lossy(last).into_owned();
        }
        let top = self.repo.workdir().unwrap_or(self.repo.path());
        let path = self
            .remote
            .clone()
            .unwrap_or_else(|| top.display().to_string());
        let path = path.trim_end_matches('/');
        let name = path.rsplit(['/', ':']).next().unwrap_or(path);
        name.strip_suffix(".git").unwrap_or(name).to_owned()
    }

    fn name_for(&self, call: &Call<'_>) -> String {
        call.get("name")
            .map(str::to_owned)
            .or_else(|| self.name.clone())
            .unwrap_or_else(|| self.default_name(call.scope))
    }

    /// `LEAD.FOLLOW`, and since a tag `.git.COMMITS.HASH`.
    fn version(&self, call: &Call<'_>) -> Result<String, SrpmError> {
        let name = self.name_for(call);
        let last = self.last_release(&name)?;
        let since = match &last {
            Some(last) => last.since,
            None => self.count_commits()?,
        };
        let lead = call.get("lead");
        let base = match (lead, call.get("follow"), last) {
            (lead, Some(follow), _) => format!("{}.{follow}", lead.unwrap_or("0")),
            (Some(lead), None, Some(last))
                if last.version == lead || last.version.starts_with(&format!("{lead}.")) =>
            {
                last.version
            }
            (Some(lead), None, _) => format!("{lead}.0"),
            (None, None, Some(last)) => last.version,
            (None, None, None) => "0.0".to_owned(),
        };
        Ok(format!("{base}{}", self.appendix(since)?))
    }

    fn appendix(&self, since: usize) -> Result<String, SrpmError> {
        let mut text = String::new();
        if since > 0 {
            text = format!(".git.{since}.{:.8}", self.head.id().to_string());
        }
        if self.tree.commit().is_none() {
            let state = archive::worktree_state(self.repo)?;
            if !state.is_clean() {
                let mut seen = Vec::new();
                for path in state.changed.iter().chain(&state.untracked) {
                    seen.extend_from_slice(path);
                    seen.push(0);
                }
                text.push_str(&format!(
                    ".dirty.{:.6}",
                    rpmkit_types::Checksum::sha256(&seen).hex
                ));
            }
        }
        Ok(text)
    }

    fn count_commits(&self) -> Result<usize, SrpmError> {
        let count = || -> Result<usize, git2::Error> {
            let mut walk = self.repo.revwalk()?;
            walk.push(self.head.id())?;
            Ok(walk.count())
        };
        Ok(count().map_err(ScmError::git("read the history of", self.repo.path()))?)
    }

    /// The releases of `name` in this history, the nearest first.
    fn releases(&self, name: &str) -> Result<Vec<Release>, SrpmError> {
        let read = || ScmError::git("read the tags of", self.repo.path());
        let prefix = format!("{name}-");
        let mut releases = Vec::new();
        let names = self.repo.tag_names(None).map_err(read())?;
        for tag in names.iter().flatten().flatten() {
            let Some((version, release)) = tag
                .strip_prefix(&prefix)
                .and_then(|rest| rest.rsplit_once('-'))
            else {
                continue;
            };
            // A longer name of another package: `hello-data-1-1` is none of `hello`.
            if version.contains('-') {
                continue;
            }
            let id = self
                .repo
                .revparse_single(&format!("refs/tags/{tag}"))
                .and_then(|object| object.peel(ObjectType::Commit))
                .map_err(read())?
                .id();
            let (since, behind) = self
                .repo
                .graph_ahead_behind(self.head.id(), id)
                .map_err(read())?;
            if behind == 0 {
                releases.push(Release {
                    version: version.to_owned(),
                    release: release.to_owned(),
                    since,
                    tag: tag.to_owned(),
                });
            }
        }
        releases.sort_by(|a, b| {
            let newer =
                || rpm_version::Evr::parse(&b.version).cmp(&rpm_version::Evr::parse(&a.version));
            a.since.cmp(&b.since).then_with(newer)
        });
        Ok(releases)
    }

    fn last_release(&self, name: &str) -> Result<Option<Release>, SrpmError> {
        Ok(self.releases(name)?.into_iter().next())
    }

    fn pack(&mut self, call: &Call<'_>) -> Result<String, SrpmError> {
        let name = self.name_for(call);
        let version = match &self.version {
            Some(version) => version.clone(),
            None => self.version(call)?,
        };
        let file = call
            .get("source_name")
            .map_or_else(|| format!("{name}-{version}.tar.gz"), str::to_owned);
        let dest = self.out.join(&file);
        let mut options =
            ArchiveOptions::with_prefix(call.get("dir_name").unwrap_or(&name).to_owned());
        if call.scope == Scope::Directory {
            options.subdir.clone_from(&self.dir);
        }
        if let Some(path) = call.get("path") {
            let inside = path.strip_prefix(TREE_IN_ROOT).unwrap_or(path);
            let top = inside.len() < path.len();
            let inside = inside.trim_start_matches('/');
            let path = plain_path(inside)
                .filter(|_| top || !path.starts_with('/'))
                .ok_or_else(|| rpmkit_fs::FsError::Leaves {
                    path: PathBuf::from(path),
                    tree: self.tree.root().to_owned(),
                    link: None,
                })?;
            let path = path.as_os_str().as_bytes();
            options.subdir = if top {
                path.to_vec()
            } else {
                self.tree.in_repository(path)
            };
        }
        if call.what == "archive" {
            // Only what is committed, whatever the working tree holds.
            let id = self.head.id().to_string();
            self.notes
                .extend(archive::archive_commit(self.repo, &id, &dest, &options)?);
        } else {
            self.notes.extend(self.tree.archive(&dest, &options)?);
        }
        self.notes
            .push(format!("`{file}` made from {}", self.tree.describe()));
        self.archives.push(dest);
        Ok(file)
    }

    /// An entry a release, from its tag's message and tagger.
    fn changelog(&self, name: &str) -> Result<String, SrpmError> {
        let mut text = String::new();
        for release in self.releases(name)? {
            let tag = self
                .repo
                .find_reference(&format!("refs/tags/{}", release.tag))
                .and_then(|reference| reference.peel_to_tag());
            // A light tag has neither message nor tagger.
            let Ok(tag) = tag else { continue };
            let Some(tagger) = tag.tagger() else { continue };
            let when = tagger.when();
            let day = Offset::from_seconds(when.offset_minutes() * 60)
                .ok()
                .zip(Timestamp::from_second(when.seconds()).ok())
                .map(|(offset, time)| {
                    time.to_zoned(offset.to_time_zone())
                        .strftime("%a %b %d %Y")
                        .to_string()
                })
                .unwrap_or_default();
            text.push_str(&format!(
                "* {day} {} <{}> {}-{}\n",
                String::from_utf8_lossy(tagger.name_bytes()),
                String::from_utf8_lossy(tagger.email_bytes()),
                release.version,
                release.release
            ));
            let message = tag
                .message_bytes()
                .map(|message| String::from_utf8_lossy(message).into_owned())
                .unwrap_or_default();
            for line in message.lines().filter(|line| !line.trim().is_empty()) {
                let line = line.trim();
                let bullet = if line.starts_with(['-', '*']) {
                    ""
                } else {
                    "- "
                };
                // A `%` would be a macro to rpm.
                text.push_str(&format!("{bullet}{}\n", line.replace('%', "%%")));
            }
            text.push('\n');
        }
        Ok(text.trim_end().to_owned())
    }
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
    use crate::srpm::{TreeChoice, tests::names};
    use rpmkit_vcs::testing::TestRepo;

    const TEMPLATE: &str = "Name: {{{ git_dir_name }}}\nVersion: {{{ git_dir_version }}}\n\
        VCS: {{{ git_dir_vcs }}}\nSource: {{{ git_dir_pack }}}\n%prep\n{{{ git_dir_setup_macro }}}\n\
        %changelog\n{{{ git_dir_changelog }}}\n";

    fn rendered(repo: &TestRepo, text: &str) -> Result<(Rendered, tempfile::TempDir), SrpmError> {
        let out = tempfile::tempdir().unwrap();
        let tree = SourceTree::open(repo.path(), &TreeChoice::Auto)?;
        let rendered = render(
            &tree,
            Path::new("x.spec"),
            text,
            out.path(),
            &mut |script| panic!("ran {script}"),
        )?;
        Ok((rendered, out))
    }

    #[test]
    fn versions_come_from_tags_where_there_are_any() {
        let repo = TestRepo::new();
        repo.git(&["remote", "add", "origin", "https://example.org/x/hello.git"]);
        repo.write("a.c", "");
        repo.write("x.spec", TEMPLATE);
        let first = repo.commit("one");
        let (spec, _out) = rendered(&repo, TEMPLATE).unwrap();
        let version = format!("0.0.git.1.{}", &first[..8]);
        assert_eq!(
            spec.text,
            format!(
                "Name: hello\nVersion: {version}\nVCS: git+https://example.org/x/hello.git#{first}:\n\
                 Source: hello-{version}.tar.gz\n%prep\n%setup -T -b 0 -q -n hello\n%changelog\n\n"
            )
        );
        assert!(names(&spec.archives[0]).contains(&"hello/a.c".to_owned()));

        repo.git(&[
            "tag",
            "-a",
            "-m",
            "new things\n\n- 100% better",
            "hello-1.2-3",
        ]);
        repo.git(&["tag", "-a", "-m", "other", "hello-data-9-9"]);
        let (spec, _out) = rendered(&repo, TEMPLATE).unwrap();
        assert!(spec.text.contains("Version: 1.2\n"), "{}", spec.text);
        assert!(
            spec.text.ends_with(
                "* Sun Sep 13 2020 Carl Committer <carl@example.org> 1.2-3\n- new things\n- 100%% better\n"
            ),
            "{}",
            spec.text
        );
        let second = repo.commit("two");
        let (spec, _out) = rendered(
            &repo,
            "{{{git_version}}} {{{ git_release }}} {{{ git_version lead=2 }}}",
        )
        .unwrap();
        let appendix = format!(".git.1.{}", &second[..8]);
        assert_eq!(
            spec.text,
            format!("1.2{appendix} 3{appendix} 2.0{appendix}")
        );
        repo.write("new", "");
        let (spec, _out) = rendered(&repo, "{{{ git_dir_version }}}").unwrap();
        assert!(spec.text.contains(".dirty."), "{}", spec.text);
    }

    #[test]
    fn shell_commands_are_refused_with_their_line() {
        let repo = TestRepo::new();
        repo.commit("one");
        for (text, reason) in [
            (
                "a\nb {{{ cat VERSION }}}",
                "`cat VERSION` is no macro that is known here",
            ),
            (
                "a\n{{{ git_dir_name | tr a b }}}",
                "`git_dir_name | tr a b` is no macro that is known here",
            ),
            ("a\n{{{ git_dir_name", "`{{{` without `}}}`"),
            (
                "a\n{{{ git_name name='x }}}",
                "unbalanced quotes in `git_name name='x`",
            ),
        ] {
            let error = rendered(&repo, text).err().unwrap();
            assert_eq!(error.to_string(), format!("spec `x.spec` line 2: {reason}"));
        }
    }
}
