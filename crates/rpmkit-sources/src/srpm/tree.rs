//! The tree sources come from: a commit, a working tree, or a directory without history.

use std::{
    collections::HashMap,
    fs,
    os::unix::{ffi::OsStrExt, fs::MetadataExt},
    path::{Path, PathBuf},
};

use git2::{ObjectType, Repository};

use super::{SrpmError, files::below as below_top};
use rpmkit_vcs::{
    ArchiveOptions, ScmError,
    archive::{self, DirTimes},
    git,
};

/// Which state of a checkout is to be built.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum TreeChoice {
    /// The last commit if the working tree is clean, else the working tree.
    #[default]
    Auto,
    /// The working tree, committed or not, without what git ignores.
    WorkingTree,
    /// A branch, tag or commit.
    Commit(String),
    /// A tag and nothing else.
    Tag(String),
}

/// A readable tree of files.
pub struct SourceTree {
    root: PathBuf,
    repo: Option<Repository>,
    kind: TreeKind,
    /// Paths inside the tree, relative to `root`, sorted.
    files: Vec<Vec<u8>>,
    /// Where `root` is inside the repository; empty for its top.
    inside: Vec<u8>,
    notes: Vec<String>,
}

enum TreeKind {
    Commit {
        id: git2::Oid,
        time: i64,
    },
    Worktree {
        time: i64,
        own: HashMap<Vec<u8>, ()>,
    },
    Directory,
}

impl SourceTree {
    /// Opens the tree at directory `root`.
    ///
    /// # Errors
    /// When a commit is asked for that is not there, or the repository cannot be read.
    pub fn open(root: &Path, choice: &TreeChoice) -> Result<Self, SrpmError> {
        let root = fs::canonicalize(root).map_err(SrpmError::io("read", root))?;
        let repo = match git::discover(&root) {
            Ok(repo) => Some(repo),
            Err(ScmError::NoRepository { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let Some(repo) = repo else {
            if let TreeChoice::Commit(rev) | TreeChoice::Tag(rev) = choice {
                return Err(SrpmError::NoHistory {
                    path: root,
                    rev: rev.clone(),
                });
            }
            let files = directory_files(&root);
            return Ok(Self {
                root,
                repo: None,
                kind: TreeKind::Directory,
                files,
                inside: Vec::new(),
                notes: Vec::new(),
            });
        };
        let inside = repo
            .workdir()
            .and_then(|work| fs::canonicalize(work).ok())
            .and_then(|work| root.strip_prefix(work).ok().map(Path::to_owned))
            .map(|inside| inside.as_os_str().as_bytes().to_vec())
            .unwrap_or_default();
        let mut notes = Vec::new();
        let rev = match choice {
            TreeChoice::Commit(rev) => Some(rev.clone()),
            TreeChoice::Tag(tag) => Some(format!("refs/tags/{tag}")),
            TreeChoice::WorkingTree => None,
            TreeChoice::Auto if repo.is_bare() => Some("HEAD".to_owned()),
            TreeChoice::Auto => {
                let state = archive::worktree_state(&repo)?;
                let unborn = git::is_unborn(&repo);
                if !unborn {
                    // A branch that leads to nothing must not pass for one that has no commit yet.
                    git::resolve(&repo, "HEAD")?;
                }
                if state.is_clean() && !unborn {
                    Some("HEAD".to_owned())
                } else {
                    notes.push(format!(
                        "the working tree is built as it is: {} changed, {} new",
                        state.changed.len(),
                        state.untracked.len()
                    ));
                    None
                }
            }
        };
        let kind = match &rev {
            Some(rev) => {
                let commit = git::resolve(&repo, rev).map_err(|error| match error {
                    // As the user wrote it.
                    ScmError::UnknownRevision { rev, path } => match rev.strip_prefix("refs/tags/")
                    {
                        Some(tag) => ScmError::UnknownTag {
                            tag: tag.to_owned(),
                            path,
                        },
                        None => ScmError::UnknownRevision { rev, path },
                    },
                    other => other,
                })?;
                TreeKind::Commit {
                    id: commit.id(),
                    time: commit.time().seconds(),
                }
            }
            None => {
                let state = archive::worktree_state(&repo)?;
                TreeKind::Worktree {
                    time: repo
                        .head()
                        .ok()
                        .and_then(|head| head.peel_to_commit().ok())
                        .map_or(0, |commit| commit.time().seconds()),
                    own: state
                        .changed
                        .into_iter()
                        .chain(state.untracked)
                        .map(|path| (path, ()))
                        .collect(),
                }
            }
        };
        let all = match &kind {
            TreeKind::Commit { id, .. } => commit_files(&repo, *id)?,
            _ => archive::worktree_files(&repo)?,
        };
        let files = below(all, &inside);
        Ok(Self {
            root,
            repo: Some(repo),
            kind,
            files,
            inside,
            notes,
        })
    }

    /// Its directory on disk.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The directory links may not leave: the repository's, or the tree's own.
    pub(super) fn top(&self) -> PathBuf {
        let work = self.repo.as_ref().and_then(Repository::workdir);
        let top = work.unwrap_or(&self.root);
        fs::canonicalize(top).unwrap_or_else(|_| top.to_owned())
    }

    /// The repository, if there is one.
    pub fn repository(&self) -> Option<&Repository> {
        self.repo.as_ref()
    }

    /// The commit that is read, unless it is a working tree or has no history.
    pub fn commit(&self) -> Option<git2::Oid> {
        match self.kind {
            TreeKind::Commit { id, .. } => Some(id),
            _ => None,
        }
    }

    /// Paths relative to the root, sorted.
    pub fn files(&self) -> &[Vec<u8>] {
        &self.files
    }

    /// Remarks for people about which state was chosen.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// For people: "commit 1a2b3c4", "the working tree" …
    pub fn describe(&self) -> String {
        match &self.kind {
            TreeKind::Commit { id, .. } => format!("commit {:.10}", id.to_string()),
            TreeKind::Worktree { .. } => "the working tree".to_owned(),
            TreeKind::Directory => "a directory without history".to_owned(),
        }
    }

    /// Whether a file is in the tree.
    pub fn has(&self, path: &[u8]) -> bool {
        self.files
            .binary_search_by(|file| file.as_slice().cmp(path))
            .is_ok()
    }

    /// A file's content; links are followed as long as they stay inside the commit or below the top
    /// of the tree.
    ///
    /// # Errors
    /// When it cannot be read, [`SrpmError::LeadsOut`] for a link to somewhere else.
    pub fn read(&self, path: &[u8]) -> Result<Vec<u8>, SrpmError> {
        let disk = self.root.join(git::bytes_path(path));
        match (&self.kind, &self.repo) {
            (TreeKind::Commit { id, .. }, Some(repo)) => {
                let full = self.in_repository(path);
                let content = || -> Result<Vec<u8>, git2::Error> {
                    let tree = repo.find_commit(*id)?.tree()?;
                    let (blob, _) = git::follow_link(repo, &tree, &full)?;
                    Ok(repo.find_blob(blob)?.content().to_vec())
                };
                content().map_err(|error| ScmError::git("read", &disk)(error).into())
            }
            _ => {
                let real = below_top(&self.top(), &disk)?;
                fs::read(&real).map_err(SrpmError::io("read", &disk))
            }
        }
    }

    /// The time a file of the tree gets: its commit's, unless it was changed since.
    pub fn mtime(&self, path: &[u8]) -> i64 {
        let disk =
            || fs::metadata(self.root.join(git::bytes_path(path))).map_or(0, |data| data.mtime());
        match &self.kind {
            TreeKind::Commit { time, .. } => *time,
            TreeKind::Worktree { time, own } if !own.contains_key(&self.in_repository(path)) => {
                *time
            }
            _ => disk(),
        }
    }

    /// Whether a file may be executed; links are followed as by [`SourceTree::read`].
    pub(super) fn executable(&self, path: &[u8]) -> bool {
        match (&self.kind, &self.repo) {
            (TreeKind::Commit { id, .. }, Some(repo)) => repo
                .find_commit(*id)
                .and_then(|commit| commit.tree())
                .and_then(|tree| git::follow_link(repo, &tree, &self.in_repository(path)))
                .is_ok_and(|(_, mode)| mode & 0o100 != 0),
            _ => fs::metadata(self.root.join(git::bytes_path(path)))
                .is_ok_and(|data| data.mode() & 0o100 != 0),
        }
    }

    /// Writes an archive of the tree, or of the directory `below` in it.
    ///
    /// # Errors
    /// As the functions of [`archive`].
    pub fn archive(&self, dest: &Path, options: &ArchiveOptions) -> Result<Vec<String>, SrpmError> {
        Ok(match (&self.kind, &self.repo) {
            (TreeKind::Commit { id, .. }, Some(repo)) => {
                archive::archive_commit(repo, &id.to_string(), dest, options)?
            }
            (TreeKind::Worktree { .. }, Some(repo)) => {
                archive::archive_worktree(repo, dest, options)?
            }
            _ => {
                archive::archive_dir(&self.root, dest, options, &DirTimes::Disk, true)?;
                Vec::new()
            }
        })
    }

    /// The time of the tree as a whole: its commit's, or that of its youngest file.
    pub(super) fn newest(&self) -> i64 {
        if self.commit().is_some() {
            return self.mtime(b"");
        }
        self.files()
            .iter()
            .map(|path| self.mtime(path))
            .max()
            .unwrap_or(0)
    }

    /// Where the root is inside the repository; empty for its top.
    pub(super) fn inside(&self) -> &[u8] {
        &self.inside
    }

    /// A path of the tree as the repository has it.
    pub(super) fn in_repository(&self, path: &[u8]) -> Vec<u8> {
        if path.is_empty() {
            return self.inside.clone();
        }
        if self.inside.is_empty() {
            path.to_vec()
        } else {
            [&self.inside, b"/".as_slice(), path].concat()
        }
    }
}

fn below(files: Vec<Vec<u8>>, dir: &[u8]) -> Vec<Vec<u8>> {
    let mut files: Vec<Vec<u8>> = if dir.is_empty() {
        files
    } else {
        let prefix = [dir, b"/"].concat();
        files
            .into_iter()
            .filter_map(|path| path.strip_prefix(prefix.as_slice()).map(<[u8]>::to_vec))
            .collect()
    };
    files.sort();
    files
}

fn commit_files(repo: &Repository, id: git2::Oid) -> Result<Vec<Vec<u8>>, SrpmError> {
    let mut files = Vec::new();
    let mut walk = || -> Result<(), git2::Error> {
        let tree = repo.find_commit(id)?.tree()?;
        walk_tree(repo, &tree, b"", &mut files)
    };
    walk().map_err(ScmError::git("read", repo.path()))?;
    Ok(files)
}

fn walk_tree(
    repo: &Repository,
    tree: &git2::Tree<'_>,
    dir: &[u8],
    files: &mut Vec<Vec<u8>>,
) -> Result<(), git2::Error> {
    // Not git2's own walk: it hands directory names out as text.
    for entry in tree.iter() {
        let path = if dir.is_empty() {
            entry.name_bytes().to_vec()
        } else {
            [dir, b"/".as_slice(), entry.name_bytes()].concat()
        };
        match entry.kind() {
            Some(ObjectType::Tree) => walk_tree(repo, &repo.find_tree(entry.id())?, &path, files)?,
            _ => files.push(path),
        }
    }
    Ok(())
}

fn directory_files(root: &Path) -> Vec<Vec<u8>> {
    let mut files: Vec<Vec<u8>> = ignore::WalkBuilder::new(root)
        .hidden(false)
        .require_git(false)
        .git_global(false)
        .filter_entry(|entry| entry.file_name() != ".git")
        .build()
        .filter_map(Result::ok)
        .filter(|entry| !entry.file_type().is_some_and(|kind| kind.is_dir()))
        .filter_map(|entry| {
            let relative = entry.path().strip_prefix(root).ok()?;
            Some(relative.as_os_str().as_bytes().to_vec())
        })
        .collect();
    files.sort();
    files
}
