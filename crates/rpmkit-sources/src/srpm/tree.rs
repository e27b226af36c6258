//! The tree sources come from: a commit, a working tree, or a directory without history.

use std::{
    collections::HashMap,
    fs,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use git2::{ObjectType, Repository};
use rpmkit_fs::{Links, Meta, UntrustedTree};

use super::{
    SrpmError,
    files::{MAX_TEXT, copy_dated, write_dated},
};
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
    /// What is on disk, from the repository's top (or `root`) on, without git's own files.
    disk: UntrustedTree,
    /// `root` in `disk`.
    at: PathBuf,
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
        #[allow(clippy::disallowed_methods, reason = "a directory the user named")]
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
            let disk = UntrustedTree::open(&root, Links::Beneath)?.without(".git");
            git::check_rules(&disk)?;
            let files = directory_files(&root);
            return Ok(Self {
                root,
                disk,
                at: PathBuf::new(),
                repo: None,
                kind: TreeKind::Directory,
                files,
                inside: Vec::new(),
                notes: Vec::new(),
            });
        };
        #[allow(
            clippy::disallowed_methods,
            reason = "the repository was found above a directory the user named"
        )]
        let top = repo.workdir().and_then(|work| fs::canonicalize(work).ok());
        let top = top.filter(|top| root.starts_with(top));
        let top = top.unwrap_or_else(|| root.clone());
        let at = root.strip_prefix(&top).unwrap_or(&root).to_owned();
        let disk = UntrustedTree::open(top, Links::Beneath)?.without(".git");
        let inside = at.as_os_str().as_bytes().to_vec();
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
            disk,
            at,
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

    /// The directory links may not leave: the repository's, or the tree's own. Seen without git's own
    /// files, which hold credentials.
    pub(super) fn disk(&self) -> &UntrustedTree {
        &self.disk
    }

    /// A path of the tree in [`SourceTree::disk`].
    fn on_disk(&self, path: &[u8]) -> PathBuf {
        self.at.join(git::bytes_path(path))
    }

    fn look(&self, path: &[u8]) -> Option<Meta> {
        self.disk.stat(self.on_disk(path)).ok()
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

    /// A text's content; links are followed as long as they stay inside the commit or below the top
    /// of the tree.
    ///
    /// # Errors
    /// When it cannot be read, leads out or has more than 64 MiB.
    pub fn read(&self, path: &[u8]) -> Result<Vec<u8>, SrpmError> {
        self.read_up_to(path, MAX_TEXT)
    }

    /// As [`SourceTree::read`], up to `limit` bytes.
    pub(super) fn read_up_to(&self, path: &[u8], limit: u64) -> Result<Vec<u8>, SrpmError> {
        match self.blob(path)? {
            Some(blob) if blob.size() as u64 > limit => Err(rpmkit_fs::FsError::TooLarge {
                path: self.root.join(git::bytes_path(path)),
                limit,
            }
            .into()),
            Some(blob) => Ok(blob.content().to_vec()),
            None => Ok(self.disk.read(self.on_disk(path), limit)?),
        }
    }

    /// Puts a file of any size at `dest`, with its time.
    pub(super) fn copy_to(&self, path: &[u8], dest: &Path) -> Result<(), SrpmError> {
        let (mtime, executable) = (self.mtime(path), self.executable(path));
        match self.blob(path)? {
            Some(blob) => write_dated(dest, blob.content(), mtime, executable),
            None => {
                copy_dated(&self.disk, &self.on_disk(path), dest)?;
                super::files::date_exactly(dest, mtime)
            }
        }
    }

    /// A file of the commit; `None` where the disk has the content.
    fn blob(&self, path: &[u8]) -> Result<Option<git2::Blob<'_>>, SrpmError> {
        let (TreeKind::Commit { id, .. }, Some(repo)) = (&self.kind, &self.repo) else {
            return Ok(None);
        };
        let full = self.in_repository(path);
        let find = || {
            let tree = repo.find_commit(*id)?.tree()?;
            let (blob, _) = git::follow_link(repo, &tree, &full)?;
            repo.find_blob(blob)
        };
        let shown = self.root.join(git::bytes_path(path));
        let blob = find().map_err(ScmError::git("read", &shown))?;
        Ok(Some(blob))
    }

    /// The time a file of the tree gets: its commit's, unless it was changed since.
    pub fn mtime(&self, path: &[u8]) -> i64 {
        let disk = || self.look(path).map_or(0, |meta| meta.mtime().0);
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
            _ => self.look(path).is_some_and(|meta| meta.mode() & 0o100 != 0),
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
    git::check_size(repo, id)?;
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
