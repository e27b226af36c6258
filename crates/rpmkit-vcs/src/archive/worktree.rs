//! An archive of a working tree: tracked files as they are on disk and new files git would not
//! ignore.

use std::{collections::BTreeSet, fs::File, io::Read, os::unix::ffi::OsStrExt, path::Path};

use git2::{Oid, Repository, StatusOptions};
use rpmkit_fs::{EntryKind, Links, Meta, UntrustedTree};

use super::{
    ArchiveOptions, FileTimes, MODE_DIR, MODE_EXEC, MODE_FILE, MODE_LINK, ScmError, TarWriter,
    attributes::Attributes,
    commit::open_submodule,
    join,
    lfs::{self, LfsPointer},
    subst::Substitution,
    tar::{TarEntry, TarKind},
    write_archive,
};
use crate::git;

/// How a working tree differs from its commit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorktreeState {
    /// Tracked files that were changed, added, removed or renamed.
    pub changed: Vec<Vec<u8>>,
    /// Files git neither tracks nor ignores.
    pub untracked: Vec<Vec<u8>>,
}

impl WorktreeState {
    /// Whether the tree is exactly the commit.
    pub fn is_clean(&self) -> bool {
        self.changed.is_empty() && self.untracked.is_empty()
    }
}

/// Compares the working tree with HEAD.
///
/// # Errors
/// When the repository is bare or cannot be read.
pub fn worktree_state(repo: &Repository) -> Result<WorktreeState, ScmError> {
    if repo.is_bare() {
        return Err(ScmError::Bare {
            path: repo.path().to_owned(),
        });
    }
    git::modules::check_worktree(repo)?;
    let mut options = StatusOptions::new();
    options
        .include_untracked(true)
        .recurse_untracked_dirs(true)
        .include_ignored(false)
        // A refreshed index would be written back: looking must not touch the checkout.
        .update_index(false);
    let statuses = repo
        .statuses(Some(&mut options))
        .map_err(ScmError::git("compare", repo.path()))?;
    let mut state = WorktreeState::default();
    for entry in statuses.iter() {
        let path = entry.path_bytes().to_vec();
        if entry.status() == git2::Status::WT_NEW {
            state.untracked.push(path);
        } else if entry.status() != git2::Status::CURRENT {
            state.changed.push(path);
        }
    }
    Ok(state)
}

/// The paths of a working tree: what the index has and the disk still has, and what is
/// untracked but not ignored. Sorted. Submodules are paths of their own, without their files.
///
/// # Errors
/// As [`worktree_state`].
pub fn worktree_files(repo: &Repository) -> Result<Vec<Vec<u8>>, ScmError> {
    let state = worktree_state(repo)?;
    let index = repo
        .index()
        .map_err(ScmError::git("read the index of", repo.path()))?;
    let mut paths: BTreeSet<Vec<u8>> = index.iter().map(|entry| entry.path).collect();
    // A nested repository that is no submodule shows as a directory; its files are not ours.
    paths.extend(
        state
            .untracked
            .into_iter()
            .filter(|path| path.last() != Some(&b'/')),
    );
    // A directory that has become a link has none of the files that were in it, as for git.
    let tree = git::work_tree(repo)?.with_links(Links::Never)?;
    paths.retain(|path| tree.lstat(git::bytes_path(path)).is_ok());
    Ok(paths.into_iter().collect())
}

/// Writes the working tree to `dest`. Files that equal HEAD have its commit's time (or the
/// time `options` gives), changed and new ones their own. Answers with remarks for people.
///
/// # Errors
/// When the tree cannot be read or `dest` cannot be written.
pub fn archive_worktree(
    repo: &Repository,
    dest: &Path,
    options: &ArchiveOptions,
) -> Result<Vec<String>, ScmError> {
    let mut notes = Vec::new();
    write_archive(dest, |tar| {
        let mut walk = WorktreeWalk {
            tar,
            dest,
            options,
            top_time: 0,
            written: BTreeSet::new(),
            notes: Vec::new(),
        };
        walk.repository(repo, b"")?;
        notes = walk.notes;
        Ok(())
    })?;
    Ok(notes)
}

struct WorktreeWalk<'a, W: std::io::Write> {
    tar: &'a mut TarWriter<W>,
    dest: &'a Path,
    options: &'a ArchiveOptions,
    top_time: i64,
    /// Directories that are in the archive already.
    written: BTreeSet<Vec<u8>>,
    notes: Vec<String>,
}

impl<W: std::io::Write> WorktreeWalk<'_, W> {
    /// Adds one repository's files below `at` of the archive's root.
    fn repository(&mut self, repo: &Repository, at: &[u8]) -> Result<(), ScmError> {
        let files = Files::of(repo)?;
        let state = worktree_state(repo)?;
        let mine: BTreeSet<&Vec<u8>> = state.changed.iter().chain(&state.untracked).collect();
        let head = repo.head().ok().and_then(|head| head.peel_to_commit().ok());
        let commit_time = head.as_ref().map_or(0, |commit| commit.time().seconds());
        if at.is_empty() {
            self.top_time = commit_time;
            if !self.options.prefix.is_empty() {
                self.dir(b"")?;
            }
        }
        let subst = head.map(|commit| Substitution::new(repo, commit));
        let attributes = disk_attributes(repo, &files)?;
        for path in worktree_files(repo)? {
            let Some(relative) = (if at.is_empty() {
                self.options.relative(&path)
            } else {
                Some(path.as_slice())
            }) else {
                continue;
            };
            let shown = join(at, relative);
            let inside = join(at, &path);
            if self.options.excludes(&inside) || ignored(&attributes, &path, self.options) {
                continue;
            }
            let disk = git::bytes_path(&path);
            let mut metadata = files.own.lstat(disk)?;
            if metadata.is_dir() {
                self.submodule(repo, &path, &shown)?;
                continue;
            }
            let mut file = None;
            if metadata.is_link() && self.options.dereference {
                match files.linked.open_file(disk) {
                    Ok(opened) => {
                        metadata = files.linked.stat(disk)?;
                        file = Some(opened);
                    }
                    Err(_) => self.notes.push(format!(
                        "the symbolic link `{}` stays one: it does not lead to a file of the tree",
                        String::from_utf8_lossy(&shown)
                    )),
                }
            }
            if metadata.is_file() && file.is_none() {
                file = Some(files.own.open_file_itself(disk)?);
            }
            let mtime = match &self.options.times {
                _ if mine.contains(&path) => metadata.mtime().0,
                FileTimes::Commit => commit_time,
                FileTimes::Each(times) => times.get(&inside).copied().unwrap_or(commit_time),
            };
            let export = attributes.get(&path, false);
            if export.is_lfs()
                && let Ok(text) = files.own.read(disk, lfs::MAX_POINTER - 1)
                && text.starts_with(lfs::MARK)
            {
                let pointer = LfsPointer::parse(&text);
                if let Some((size, file)) = pointer.and_then(|it| Some((it.size, it.open(repo)?))) {
                    self.stored(&shown, &metadata, mtime, size, file)?;
                    continue;
                }
                self.notes.push(lfs::absent(&shown));
            }
            let subst = subst
                .as_ref()
                .filter(|_| export.subst && self.options.attributes);
            self.file(&shown, &files, disk, &metadata, file, mtime, subst)?;
        }
        self.notes.extend(subst.and_then(|subst| subst.note()));
        Ok(())
    }

    fn submodule(&mut self, repo: &Repository, path: &[u8], shown: &[u8]) -> Result<(), ScmError> {
        self.parents(shown)?;
        self.dir(shown)?;
        if !self.options.submodules {
            return Ok(());
        }
        match open_submodule(repo, path).filter(|inner| git::work_tree(inner).is_ok()) {
            Some(inner) => self.repository(&inner, shown),
            None => {
                self.notes.push(format!(
                    "submodule `{}` is not checked out, so its directory is empty (git submodule update --init --recursive)",
                    String::from_utf8_lossy(shown)
                ));
                Ok(())
            }
        }
    }

    /// Adds a link, or the file that was opened.
    #[allow(clippy::too_many_arguments)]
    fn file(
        &mut self,
        path: &[u8],
        files: &Files,
        disk: &Path,
        metadata: &Meta,
        file: Option<File>,
        mtime: i64,
        subst: Option<&Substitution<'_>>,
    ) -> Result<(), ScmError> {
        self.parents(path)?;
        let full = join(&self.options.prefix, path);
        let shown = files.own.show(disk);
        let read = || ScmError::io("read", &shown);
        let write = ScmError::io("write", self.dest);
        if metadata.kind() == EntryKind::Link {
            let target = files.own.read_link(disk)?;
            let target = target.as_os_str().as_bytes();
            let id = hash(target);
            return self
                .tar
                .append(&TarEntry {
                    path: &full,
                    kind: TarKind::Symlink,
                    mode: MODE_LINK,
                    mtime,
                    size: 0,
                    link: target,
                    id: &id,
                })
                .map_err(write);
        }
        let Some(mut file) = file else {
            self.notes.push(format!(
                "`{}` is left out: neither file nor link",
                String::from_utf8_lossy(path)
            ));
            return Ok(());
        };
        let size = file.metadata().map_err(read())?.len();
        let executable = metadata.mode() & 0o100 != 0;
        // Only a path that needs a pax header shows its id; it depends on the path alone then.
        let id = hash(&full);
        let mut entry = TarEntry {
            path: &full,
            kind: TarKind::File,
            mode: if executable { MODE_EXEC } else { MODE_FILE },
            mtime,
            size,
            link: b"",
            id: &id,
        };
        if let Some(subst) = subst {
            let mut text = Vec::new();
            file.take(size).read_to_end(&mut text).map_err(read())?;
            let content = subst.expand(&text)?;
            entry.size = content.len() as u64;
            return self
                .tar
                .append_data(&entry, &mut content.as_slice())
                .map_err(write);
        }
        self.tar.append_data(&entry, &mut file).map_err(write)
    }

    /// Adds a file whose pointer is in the tree and whose content is in `.git/lfs`.
    fn stored(
        &mut self,
        path: &[u8],
        metadata: &Meta,
        mtime: i64,
        size: u64,
        mut file: File,
    ) -> Result<(), ScmError> {
        self.parents(path)?;
        let full = join(&self.options.prefix, path);
        let id = hash(&full);
        let entry = TarEntry {
            path: &full,
            kind: TarKind::File,
            mode: if metadata.mode() & 0o100 != 0 {
                MODE_EXEC
            } else {
                MODE_FILE
            },
            mtime,
            size,
            link: b"",
            id: &id,
        };
        self.tar
            .append_data(&entry, &mut file)
            .map_err(ScmError::io("write", self.dest))
    }

    /// Writes the directories above a path that are not in the archive yet.
    fn parents(&mut self, path: &[u8]) -> Result<(), ScmError> {
        for (at, byte) in path.iter().enumerate() {
            if *byte == b'/' && !self.written.contains(&path[..at]) {
                self.dir(&path[..at])?;
            }
        }
        Ok(())
    }

    fn dir(&mut self, path: &[u8]) -> Result<(), ScmError> {
        if !self.written.insert(path.to_vec()) {
            return Ok(());
        }
        let mut full = join(&self.options.prefix, path);
        if full.last() != Some(&b'/') {
            full.push(b'/');
        }
        let id = hash(&full);
        self.tar
            .append(&TarEntry {
                path: &full,
                kind: TarKind::Dir,
                mode: MODE_DIR,
                mtime: self.top_time,
                size: 0,
                link: b"",
                id: &id,
            })
            .map_err(ScmError::io("write", self.dest))
    }
}

/// A working tree, looked at twice.
struct Files {
    /// As git has it: no path leads through a link.
    own: UntrustedTree,
    /// As links of the tree have it.
    linked: UntrustedTree,
}

impl Files {
    fn of(repo: &Repository) -> Result<Self, ScmError> {
        let linked = git::work_tree(repo)?;
        let own = linked.with_links(Links::Never)?;
        Ok(Self { own, linked })
    }
}

/// The attribute files of a working tree, by the directory they are in, outermost first.
fn disk_attributes(repo: &Repository, tree: &Files) -> Result<Attributes, ScmError> {
    let info = git::info_attributes(repo);
    let mut attributes = Attributes::new(&info);
    let mut files: Vec<Vec<u8>> = worktree_files(repo)?
        .into_iter()
        .filter(|path| path == b".gitattributes" || path.ends_with(b"/.gitattributes"))
        .collect();
    files.sort_by_key(|path| path.iter().filter(|b| **b == b'/').count());
    for path in files {
        let text = tree.linked.read(git::bytes_path(&path), git::MAX_RULES)?;
        let dir = path
            .strip_suffix(b".gitattributes")
            .map(|dir| dir.strip_suffix(b"/").unwrap_or(dir))
            .unwrap_or_default();
        attributes = attributes.descend(dir, &text);
    }
    Ok(attributes)
}

/// Whether a path or a directory above it is `export-ignore`.
fn ignored(attributes: &Attributes, path: &[u8], options: &ArchiveOptions) -> bool {
    options.attributes
        && (attributes.get(path, false).ignore
            || path
                .iter()
                .enumerate()
                .any(|(at, byte)| *byte == b'/' && attributes.get(&path[..at], true).ignore))
}

fn hash(data: &[u8]) -> String {
    Oid::hash_object(git2::ObjectType::Blob, data)
        .map(|id| id.to_string())
        .unwrap_or_default()
}
