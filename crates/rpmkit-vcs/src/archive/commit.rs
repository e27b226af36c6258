//! An archive of one commit.

use std::path::Path;

use git2::{Commit, ObjectType, Oid, Repository, Tree};
use rpmkit_fs::{Links, UntrustedTree};

use super::{
    ArchiveOptions, FileTimes, MODE_DIR, MODE_EXEC, MODE_FILE, MODE_LINK, ScmError, TarWriter,
    attributes::{Attributes, Export},
    convert::convert,
    join,
    lfs::{self, LfsPointer},
    subst::Substitution,
    tar::{TarEntry, TarKind},
    write_archive,
};
use crate::git::{self, FILEMODE_COMMIT, FILEMODE_LINK};

/// Writes the files of `rev` (a branch, tag or commit) to `dest`, compressed as its name says.
/// Answers with remarks for people: submodules left empty, files that are only LFS pointers because
/// `.git/lfs` does not have them.
///
/// # Errors
/// When the revision or one of its objects cannot be read, or `dest` cannot be written.
pub fn archive_commit(
    repo: &Repository,
    rev: &str,
    dest: &Path,
    options: &ArchiveOptions,
) -> Result<Vec<String>, ScmError> {
    let commit = git::resolve(repo, rev)?;
    git::check_tree(
        repo,
        &commit.tree().map_err(ScmError::git("read", repo.path()))?,
    )?;
    let mut notes = Vec::new();
    write_archive(dest, |tar| {
        let mut walk = CommitWalk::new(repo, commit.clone(), options, tar, dest)?;
        walk.run()?;
        notes = walk.notes;
        notes.extend(walk.subst.note());
        Ok(())
    })?;
    Ok(notes)
}

struct CommitWalk<'a, W: std::io::Write> {
    repo: &'a Repository,
    commit: Commit<'a>,
    mtime: i64,
    options: &'a ArchiveOptions,
    tar: &'a mut TarWriter<W>,
    dest: &'a Path,
    subst: Substitution<'a>,
    /// Directories met but not written: git writes one only when something comes in it.
    pending: Vec<(Vec<u8>, Oid)>,
    notes: Vec<String>,
    top: Option<Tree<'a>>,
}

impl<'a, W: std::io::Write> CommitWalk<'a, W> {
    fn new(
        repo: &'a Repository,
        commit: Commit<'a>,
        options: &'a ArchiveOptions,
        tar: &'a mut TarWriter<W>,
        dest: &'a Path,
    ) -> Result<Self, ScmError> {
        let top = commit.tree().map_err(ScmError::git("read", repo.path()))?;
        Ok(Self {
            mtime: commit.time().seconds(),
            subst: Substitution::new(repo, commit.clone()),
            repo,
            commit,
            options,
            tar,
            dest,
            pending: Vec::new(),
            notes: Vec::new(),
            top: Some(top),
        })
    }

    fn run(&mut self) -> Result<(), ScmError> {
        let id = self.commit.id().to_string();
        self.tar
            .commit_comment(&id, self.mtime)
            .map_err(ScmError::io("write", self.dest))?;
        let Some(tree) = self.top.take() else {
            return Ok(());
        };
        if !self.options.prefix.is_empty() {
            self.dir(b"", tree.id())?;
        }
        let info = git::info_attributes(self.repo);
        let mut attributes = Attributes::new(&info);
        if self.options.subdir.is_empty() {
            return self.tree(&tree, b"", &attributes);
        }
        let read = || ScmError::git("read", self.repo.path());
        let (mut tree, mut dir) = (tree, Vec::new());
        let subdir = self.options.subdir.clone();
        for name in subdir.split(|b| *b == b'/') {
            attributes = self.attributes_of(&tree, &dir, &attributes)?;
            let id = tree
                .get_name_bytes(name)
                .map(|entry| entry.id())
                .ok_or_else(|| ScmError::UnknownRevision {
                    rev: format!("{}:{}", self.commit.id(), String::from_utf8_lossy(&subdir)),
                    path: self.repo.path().to_owned(),
                })?;
            tree = self.repo.find_tree(id).map_err(read())?;
            dir = join(&dir, name);
        }
        self.tree(&tree, &dir, &attributes)
    }

    /// The attributes that hold in a directory.
    fn attributes_of(
        &self,
        tree: &Tree<'_>,
        dir: &[u8],
        above: &Attributes,
    ) -> Result<Attributes, ScmError> {
        Ok(match tree.get_name_bytes(b".gitattributes") {
            Some(entry) if entry.kind() == Some(ObjectType::Blob) => {
                let blob = self
                    .repo
                    .find_blob(entry.id())
                    .map_err(ScmError::git("read", self.repo.path()))?;
                above.descend(dir, blob.content())
            }
            _ => above.clone(),
        })
    }

    /// A repository's path as the archive has it.
    fn full(&self, path: &[u8]) -> Vec<u8> {
        join(
            &self.options.prefix,
            self.options.relative(path).unwrap_or(path),
        )
    }

    fn tree(&mut self, tree: &Tree<'_>, dir: &[u8], above: &Attributes) -> Result<(), ScmError> {
        let attributes = self.attributes_of(tree, dir, above)?;
        for entry in tree.iter() {
            let path = join(dir, entry.name_bytes());
            if self.options.excludes(&path) {
                continue;
            }
            let is_dir = entry.kind() == Some(ObjectType::Tree);
            let mut export = attributes.get(&path, is_dir);
            if !self.options.attributes {
                (export.ignore, export.subst) = (false, false);
            }
            if is_dir {
                if export.ignore {
                    continue;
                }
                self.pending.push((path.clone(), entry.id()));
                let inner = self
                    .repo
                    .find_tree(entry.id())
                    .map_err(ScmError::git("read", self.repo.path()))?;
                let depth = self.pending.len();
                self.tree(&inner, &path, &attributes)?;
                // Still there: nothing was written in it.
                if self.pending.len() == depth {
                    self.pending.pop();
                }
                continue;
            }
            for (dir, id) in std::mem::take(&mut self.pending) {
                self.dir(&dir, id)?;
            }
            if export.ignore {
                continue;
            }
            if entry.filemode() == FILEMODE_COMMIT {
                self.submodule(&path, entry.id())?;
                continue;
            }
            self.notes.extend(export.note(&path));
            self.blob(&path, entry.id(), entry.filemode_raw(), &export)?;
        }
        Ok(())
    }

    fn dir(&mut self, path: &[u8], id: Oid) -> Result<(), ScmError> {
        let mut full = self.full(path);
        if full.last() != Some(&b'/') {
            full.push(b'/');
        }
        let id = id.to_string();
        self.tar
            .append(&TarEntry {
                path: &full,
                kind: TarKind::Dir,
                mode: MODE_DIR,
                mtime: self.mtime,
                size: 0,
                link: b"",
                id: &id,
            })
            .map_err(ScmError::io("write", self.dest))
    }

    fn blob(&mut self, path: &[u8], id: Oid, mode: i32, export: &Export) -> Result<(), ScmError> {
        let mut oid = id;
        let mut mode = mode;
        if mode == FILEMODE_LINK && self.options.dereference {
            let root = self
                .commit
                .tree()
                .map_err(ScmError::git("read", self.repo.path()))?;
            match git::follow_link(self.repo, &root, path) {
                Ok((target, target_mode)) => (oid, mode) = (target, target_mode),
                Err(_) => self.notes.push(format!(
                    "the symbolic link `{}` stays one: it does not lead to a file of the commit",
                    String::from_utf8_lossy(path)
                )),
            }
        }
        let blob = self
            .repo
            .find_blob(oid)
            .map_err(ScmError::git("read", self.repo.path()))?;
        let mut content = std::borrow::Cow::Borrowed(blob.content());
        if mode != FILEMODE_LINK {
            content = convert(blob.content(), export, &oid.to_string());
            if export.subst {
                content = self.subst.expand(&content)?.into();
            }
        }
        let content: &[u8] = &content;
        let full = self.full(path);
        let mtime = match &self.options.times {
            FileTimes::Commit => self.mtime,
            FileTimes::Each(times) => times.get(path).copied().unwrap_or(self.mtime),
        };
        let id = id.to_string();
        let link = mode == FILEMODE_LINK;
        let entry = TarEntry {
            path: &full,
            kind: if link {
                TarKind::Symlink
            } else {
                TarKind::File
            },
            mode: match mode {
                FILEMODE_LINK => MODE_LINK,
                mode if mode & 0o100 != 0 => MODE_EXEC,
                _ => MODE_FILE,
            },
            mtime,
            size: if link { 0 } else { content.len() as u64 },
            link: if link { content } else { b"" },
            id: &id,
        };
        let stored = match LfsPointer::parse(content) {
            Some(pointer) if export.is_lfs() && !link => {
                pointer.open(self.repo).map(|file| (pointer.size, file))
            }
            _ => None,
        };
        if let Some((size, mut file)) = stored {
            let entry = TarEntry { size, ..entry };
            self.tar.append_data(&entry, &mut file)
        } else {
            if export.is_lfs() && !link {
                self.notes.push(lfs::absent(path));
            }
            match link {
                true => self.tar.append(&entry),
                false => self.tar.append_data(&entry, &mut &*content),
            }
        }
        .map_err(ScmError::io("write", self.dest))
    }

    fn submodule(&mut self, path: &[u8], id: Oid) -> Result<(), ScmError> {
        let shown = String::from_utf8_lossy(path).into_owned();
        let repo = self
            .options
            .submodules
            .then(|| open_submodule(self.repo, path))
            .flatten();
        let commit = repo.as_ref().and_then(|repo| repo.find_commit(id).ok());
        let (Some(repo), Some(commit)) = (&repo, commit) else {
            if self.options.submodules {
                self.notes.push(format!(
                    "submodule `{shown}` is not checked out, so its directory is empty (git submodule update --init --recursive)"
                ));
            }
            return self.dir(path, id);
        };
        let mut options = self.options.clone();
        options.prefix = self.full(path);
        options.subdir = Vec::new();
        options.exclude = Vec::new();
        if let FileTimes::Each(_) = options.times {
            options.times = FileTimes::Commit;
        }
        self.dir(path, id)?;
        git::check_tree(
            repo,
            &commit.tree().map_err(ScmError::git("read", repo.path()))?,
        )?;
        let mut inner = CommitWalk::new(repo, commit, &options, self.tar, self.dest)?;
        // The superproject's commit dates the whole archive.
        inner.mtime = self.mtime;
        let tree = inner.top.take();
        if let Some(tree) = tree {
            inner.tree(&tree, b"", &Attributes::default())?;
        }
        let notes = inner.notes;
        self.notes.extend(notes);
        Ok(())
    }
}

/// The repository of a submodule: its checkout, or what an earlier checkout left under
/// `modules/`.
pub(super) fn open_submodule(repo: &Repository, path: &[u8]) -> Option<Repository> {
    let path = git::bytes_path(path);
    if let Ok(tree) = git::work_tree(repo)
        && let Ok(inner) = tree.with_links(Links::Never).and_then(|t| t.subtree(path))
    {
        // A directory that is no checkout must not find the superproject.
        if let Some(found) = git::open_inner(inner.shown()) {
            return Some(found);
        }
    }
    let kept = UntrustedTree::open(repo.commondir(), Links::Never).ok()?;
    let dir = Path::new("modules").join(path);
    git::check_parts(&kept, &dir).ok()?;
    Repository::open_bare(kept.show(&dir)).ok()
}
