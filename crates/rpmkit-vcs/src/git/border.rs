//! What a checkout's `.git` may be: a repository of its own, not one of somebody else's.
//!
//! `core.worktree`, `commondir`, a `.git` that is a file or a link, links in it and
//! `objects/info/alternates` (gitrepository-layout(5)) each can make a stranger's directory pass for a
//! repository that lies elsewhere on this host, or take the user's home for its work tree. They count
//! while they stay in the checkout, or where the other side says the same: the main repository of a
//! linked work tree and the superproject of a submodule name the directory, too.

#![allow(
    clippy::disallowed_methods,
    reason = "compares where the paths lead that libgit2 found; what is read is read by descriptor"
)]

use std::{
    fs,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use git2::Repository;
use rpmkit_fs::{EntryKind, FsError, Links, UntrustedTree, WalkOptions};

use super::{ScmError, bytes_path};

const GIT: &str = ".git";
/// What libgit2 does not look into, and people do keep elsewhere.
const ELSEWHERE: &[&str] = &["hooks", "description", "lfs", "annex"];
/// Entries at the top of `.git`, and bytes of a file that names a directory.
const ENTRIES: usize = 100_000;
const POINTER: u64 = 64 << 10;

/// Looks at the nearest `.git` at or above `path` before libgit2 reads it.
///
/// # Errors
/// [`ScmError::Outside`] and [`ScmError::Tree`] for one that is not to be opened.
pub(super) fn check_before(path: &Path) -> Result<(), ScmError> {
    let Ok(path) = fs::canonicalize(path) else {
        return Ok(());
    };
    let top = path
        .ancestors()
        .find(|dir| fs::symlink_metadata(dir.join(GIT)).is_ok());
    let Some(top) = top else { return Ok(()) };
    let tree = UntrustedTree::open(top, Links::Beneath)?;
    let kind = tree.lstat(GIT)?.kind();
    if kind == EntryKind::File {
        // Where it leads is looked at once it is open.
        return Ok(());
    }
    if kind == EntryKind::Link {
        inside(&tree, Path::new(GIT))?;
    }
    if !tree.stat(GIT)?.is_dir() {
        return Ok(());
    }
    check_parts(&tree, Path::new(GIT))
}

/// Looks at the repository in `dir` of a checkout: nothing in it leads out, and nothing makes libgit2 wait.
///
/// # Errors
/// As [`check_before`].
pub(crate) fn check_parts(tree: &UntrustedTree, dir: &Path) -> Result<(), ScmError> {
    check_entries(tree, dir)?;
    for below in ["info", "objects", "objects/info", "objects/pack", "refs"] {
        let below = dir.join(below);
        if tree.exists(&below)? {
            check_entries(tree, &below)?;
        }
    }
    let alternates = dir.join("objects/info/alternates");
    let text = tree.read_if_there(&alternates, POINTER)?;
    for line in text.unwrap_or_default().split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        let to = tree.show(dir).join("objects").join(bytes_path(line));
        if let (Ok(real), Ok(top)) = (fs::canonicalize(&to), fs::canonicalize(tree.shown()))
            && !real.starts_with(&top)
        {
            return Err(outside(&tree.show(&alternates), real, &top));
        }
    }
    Ok(())
}

/// Looks at a repository found from `start`: its parts belong together.
///
/// # Errors
/// [`ScmError::Outside`].
pub(super) fn check_opened(repo: &Repository, start: &Path) -> Result<(), ScmError> {
    let real = |path: &Path| fs::canonicalize(path).map_err(ScmError::io("read", path));
    let (start, dir, common) = (real(start)?, real(repo.path())?, real(repo.commondir())?);
    let Some(work) = repo.workdir() else {
        if !start.starts_with(&dir) {
            return Err(outside(&start.join(GIT), dir, &start));
        }
        return common_belongs(&dir, &common, &dir);
    };
    let top = real(work)?;
    if !start.starts_with(&top) && !start.starts_with(&dir) {
        return Err(outside(&dir.join("config"), top, &start));
    }
    let git = top.join(GIT);
    let Ok(kind) = fs::symlink_metadata(&git) else {
        return Err(outside(&start.join(GIT), dir, &start));
    };
    let below = dir.starts_with(&top);
    let theirs = if kind.is_dir() {
        dir == git
    } else if kind.is_symlink() {
        below && real(&git)? == dir
    } else {
        let to = pointer(&git, b"gitdir: ");
        to.is_some_and(|to| leads(&top, &to, &dir))
            && (below || names_back(&dir, &common, &git, &top))
    };
    if !theirs {
        return Err(outside(&git, dir, &top));
    }
    if below {
        common_belongs(&dir, &common, &top)?;
        if dir != git {
            let tree = UntrustedTree::open(&top, Links::Beneath)?;
            check_parts(&tree, dir.strip_prefix(&top).unwrap_or(&dir))?;
        }
    }
    Ok(())
}

/// Whether a repository elsewhere says that `git` is its own: as a linked work tree of it, or by the
/// work tree in its configuration, as for submodules. `git init --separate-git-dir` leaves that to its
/// user, and without it nothing tells such a directory from one that a stranger points somewhere.
fn names_back(dir: &Path, common: &Path, git: &Path, top: &Path) -> bool {
    if dir != common {
        // COMMON/worktrees/NAME/gitdir
        let listed = dir.parent() == Some(&common.join("worktrees"));
        return listed && pointer(&dir.join("gitdir"), b"").is_some_and(|to| leads(dir, &to, git));
    }
    git2::Config::open(&dir.join("config"))
        .and_then(|config| config.get_path("core.worktree"))
        .is_ok_and(|to| leads(dir, &to, top))
}

fn leads(from: &Path, to: &Path, expected: &Path) -> bool {
    fs::canonicalize(from.join(to)).is_ok_and(|real| real == expected)
}

/// Refuses a `commondir` that leads out of the checkout.
fn common_belongs(dir: &Path, common: &Path, top: &Path) -> Result<(), ScmError> {
    if common == dir || common.starts_with(top) {
        return Ok(());
    }
    Err(outside(&dir.join("commondir"), common.to_owned(), top))
}

/// The path that is all there is in a file besides `before`.
fn pointer(path: &Path, before: &[u8]) -> Option<PathBuf> {
    let tree = UntrustedTree::open(path.parent()?, Links::Never).ok()?;
    let text = tree.read(path.file_name()?, POINTER).ok()?;
    let text = text.strip_prefix(before)?.trim_ascii();
    Some(bytes_path(text).to_owned())
}

/// Refuses what libgit2 would wait for, and links that lead out.
fn check_entries(tree: &UntrustedTree, dir: &Path) -> Result<(), ScmError> {
    for entry in tree.list(dir, ENTRIES)? {
        if ELSEWHERE.iter().any(|name| entry.name == *name) {
            continue;
        }
        let path = dir.join(&entry.name);
        match entry.kind {
            EntryKind::File | EntryKind::Dir | EntryKind::Socket => {}
            EntryKind::Link => inside(tree, &path)?,
            found => {
                return Err(FsError::Kind {
                    path: tree.show(&path),
                    found,
                    expected: EntryKind::File,
                }
                .into());
            }
        }
    }
    Ok(())
}

/// A link must lead to a file or directory of the tree, or to nothing.
fn inside(tree: &UntrustedTree, path: &Path) -> Result<(), ScmError> {
    match tree.stat(path) {
        Ok(meta) if meta.is_file() || meta.is_dir() => Ok(()),
        Ok(meta) => Err(FsError::Kind {
            path: tree.show(path),
            found: meta.kind(),
            expected: EntryKind::File,
        }
        .into()),
        Err(error) if error.is_not_found() => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Looks at the files of a work tree that libgit2 opens by itself, wherever they are: ignore and
/// attribute files that are pipes would make it wait for ever, links lead it elsewhere.
///
/// # Errors
/// [`ScmError::Tree`].
pub fn check_rules(tree: &UntrustedTree) -> Result<(), ScmError> {
    let options = WalkOptions {
        sorted: false,
        ..WalkOptions::default()
    };
    let mut walk = tree.walk("", options)?;
    while let Some(entry) = walk.next() {
        // What cannot be listed libgit2 passes over, or names.
        let Ok(entry) = entry else { continue };
        let rules = matches!(
            entry.name().as_bytes(),
            b".gitignore" | b".ignore" | b".gitattributes" | b".gitmodules"
        );
        match entry.kind() {
            EntryKind::File | EntryKind::Dir => {}
            EntryKind::Link if rules => inside(tree, entry.path())?,
            found if rules => {
                return Err(FsError::Kind {
                    path: entry.shown(),
                    found,
                    expected: EntryKind::File,
                }
                .into());
            }
            _ => {}
        }
    }
    Ok(())
}

fn outside(named: &Path, to: PathBuf, top: &Path) -> ScmError {
    ScmError::Outside {
        named: named.to_owned(),
        to,
        top: top.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::disallowed_methods,
        clippy::disallowed_types
    )]
    use std::os::unix::fs::symlink;

    use super::super::discover;
    use super::*;
    use crate::testing::TestRepo;

    fn refused(path: &Path) {
        let error = discover(path)
            .map(|repo| repo.path().to_owned())
            .unwrap_err();
        assert!(
            matches!(error, ScmError::Outside { .. } | ScmError::Tree(_)),
            "{error}"
        );
    }

    /// A repository of the user's, and a directory of a stranger's.
    fn both() -> (TestRepo, tempfile::TempDir) {
        let own = TestRepo::new();
        own.write("secret", "hunter2");
        own.commit("one");
        (own, tempfile::tempdir().unwrap())
    }

    #[test]
    fn a_gitfile_or_link_leads_to_no_repository_elsewhere() {
        let (own, theirs) = both();
        let git = theirs.path().join(".git");
        let to = own.path().join(".git");
        fs::write(&git, format!("gitdir: {}\n", to.display())).unwrap();
        refused(theirs.path());
        fs::remove_file(&git).unwrap();
        symlink(&to, &git).unwrap();
        refused(theirs.path());
        // One that stays in the tree is the tree's own.
        fs::remove_file(&git).unwrap();
        Repository::init_bare(theirs.path().join("real")).unwrap();
        fs::write(&git, "gitdir: real\n").unwrap();
        fs::write(theirs.path().join("real/config"), "[core]\nbare = false\n").unwrap();
        discover(theirs.path()).unwrap();
    }

    #[test]
    fn a_work_tree_is_where_its_git_is() {
        let (own, theirs) = both();
        let inner = own.path().join("inner");
        for place in [theirs.path(), &inner] {
            let repo = Repository::init(place).unwrap();
            let mut config = repo.config().unwrap();
            let to = own.path().to_str().unwrap();
            config.set_str("core.worktree", to).unwrap();
            refused(place);
        }
    }

    #[test]
    fn parts_of_a_repository_lie_in_it() {
        let (own, theirs) = both();
        let to = own.path().join(".git");
        let git = theirs.path().join(".git");
        let file = |name: &str, text: &str| {
            fs::create_dir_all(git.join(name).parent().unwrap()).unwrap();
            fs::write(git.join(name), text).unwrap();
        };
        file("HEAD", "ref: refs/heads/main\n");
        file("commondir", to.to_str().unwrap());
        refused(theirs.path());
        fs::remove_dir_all(&git).unwrap();
        for name in ["refs", "objects", "config", "info/exclude", "objects/pack"] {
            Repository::init(theirs.path()).unwrap();
            let path = git.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::remove_dir_all(&path)
                .or_else(|_| fs::remove_file(&path))
                .unwrap_or_default();
            symlink(to.join(name), &path).unwrap();
            refused(theirs.path());
            fs::remove_dir_all(&git).unwrap();
        }
        Repository::init(theirs.path()).unwrap();
        let objects = to.join("objects");
        file("objects/info/alternates", objects.to_str().unwrap());
        refused(theirs.path());
        fs::remove_dir_all(&git).unwrap();
        Repository::init(theirs.path()).unwrap();
        let fifo = git.join("info/attributes");
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
        refused(theirs.path());
    }

    #[test]
    fn linked_work_trees_and_submodules_are_ordinary() {
        let (own, place) = both();
        let linked = place.path().join("linked");
        own.git(&["worktree", "add", "-q", linked.to_str().unwrap()]);
        let repo = discover(&linked).unwrap();
        assert_eq!(
            repo.workdir(),
            Some(fs::canonicalize(&linked).unwrap()).as_deref()
        );
        let (apart, work) = (place.path().join("apart"), place.path().join("work"));
        let option = format!("--separate-git-dir={}", apart.display());
        own.git(&["init", "-q", &option, work.to_str().unwrap()]);
        refused(&work);
        let path = work.to_str().unwrap();
        own.git(&["-C", path, "config", "core.worktree", path]);
        discover(&work).unwrap();
        // Somebody else's directory that says it were one of them is none.
        let copy = place.path().join("copy");
        fs::create_dir(&copy).unwrap();
        for from in [&linked, &work] {
            fs::copy(from.join(".git"), copy.join(".git")).unwrap();
            refused(&copy);
        }
    }

    #[test]
    fn pipes_in_place_of_rules_are_not_waited_for() {
        let (own, _) = both();
        let fifo = own.path().join("sub/.gitignore");
        fs::create_dir(own.path().join("sub")).unwrap();
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let repo = discover(own.path()).unwrap();
        let error = crate::archive::worktree_state(&repo).unwrap_err();
        assert!(error.to_string().contains(".gitignore"), "{error}");
        fs::remove_file(&fifo).unwrap();
        symlink("/dev/tty", &fifo).unwrap();
        assert!(crate::archive::worktree_state(&repo).is_err());
    }
}
