//! When each file was last changed, from one walk over the history.

use std::collections::{BinaryHeap, HashMap, HashSet};

use git2::{Commit, ObjectType, Oid, Repository, Tree};

use crate::ScmError;

/// Which of a commit's two times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// When the change was written; what mock's `git_timestamps` uses.
    Author,
    /// When it was committed.
    Committer,
}

/// For every file of `commit`, the time of the commit that made it what it is: the one
/// `git rev-list -1 COMMIT -- FILE` names. Seconds since 1970, by path in the repository.
///
/// Each commit is compared with its parents once, looking only into directories that differ,
/// and hands the files it did not change on to the parent it has them from. So the work is one
/// comparison a commit, however many files there are.
///
/// # Errors
/// When an object cannot be read. In a shallow clone, files older than its history get the time
/// of its oldest commit.
pub fn file_times(
    repo: &Repository,
    commit: &Commit<'_>,
    clock: Clock,
) -> Result<HashMap<Vec<u8>, i64>, ScmError> {
    walk(repo, commit, clock).map_err(ScmError::git("read the history of", repo.path()))
}

type Paths = HashSet<Vec<u8>>;

fn walk(
    repo: &Repository,
    commit: &Commit<'_>,
    clock: Clock,
) -> Result<HashMap<Vec<u8>, i64>, git2::Error> {
    let mut open = Paths::new();
    let top = commit.tree()?;
    list(repo, &top, &mut Vec::new(), &mut open)?;
    let mut times = HashMap::with_capacity(open.len());
    // Commits that were handed files, youngest first. One may come up again when a clock was
    // wrong and a child of it turns up late; the files it is handed then are others.
    let mut waiting: HashMap<Oid, Paths> = HashMap::from([(commit.id(), open)]);
    let mut queue = BinaryHeap::from([(commit.time().seconds(), commit.id())]);
    let mut tree_of_last: Option<(Oid, Tree<'_>)> = Some((commit.id(), top));
    while let Some((_, id)) = queue.pop() {
        let Some(mut mine) = waiting.remove(&id) else {
            continue;
        };
        let commit = repo.find_commit(id)?;
        let tree = match tree_of_last.take() {
            Some((last, tree)) if last == id => tree,
            _ => commit.tree()?,
        };
        for parent in commit.parents() {
            if mine.is_empty() {
                break;
            }
            let parent_tree = parent.tree()?;
            let mut differing = Vec::new();
            if parent_tree.id() != tree.id() {
                differ(repo, &tree, &parent_tree, &mut Vec::new(), &mut differing)?;
            }
            // Files that differ stay for the next parent; the others come from this one.
            let kept: Paths = differing
                .into_iter()
                .filter_map(|path| mine.take(&path))
                .collect();
            let handed = std::mem::replace(&mut mine, kept);
            if !handed.is_empty() {
                let slot = waiting.entry(parent.id()).or_default();
                if slot.is_empty() {
                    *slot = handed;
                } else {
                    slot.extend(handed);
                }
                queue.push((parent.time().seconds(), parent.id()));
            }
            tree_of_last = Some((parent.id(), parent_tree));
        }
        let time = match clock {
            Clock::Author => commit.author().when().seconds(),
            Clock::Committer => commit.time().seconds(),
        };
        times.extend(mine.into_iter().map(|path| (path, time)));
    }
    Ok(times)
}

/// Adds the paths of all files below `tree`.
fn list(
    repo: &Repository,
    tree: &Tree<'_>,
    path: &mut Vec<u8>,
    out: &mut Paths,
) -> Result<(), git2::Error> {
    let length = path.len();
    for entry in tree.iter() {
        path.extend_from_slice(entry.name_bytes());
        if entry.kind() == Some(ObjectType::Tree) {
            path.push(b'/');
            list(repo, &repo.find_tree(entry.id())?, path, out)?;
        } else {
            out.insert(path.clone());
        }
        path.truncate(length);
    }
    Ok(())
}

/// Adds the paths of files in `new` that `old` does not have or has differently.
fn differ(
    repo: &Repository,
    new: &Tree<'_>,
    old: &Tree<'_>,
    path: &mut Vec<u8>,
    out: &mut Vec<Vec<u8>>,
) -> Result<(), git2::Error> {
    let length = path.len();
    // Both are sorted the same way, so one pass over both would do; but most entries are equal
    // at the same place, which this finds at once, and a look-up by name finds the others.
    let mut at = 0;
    for entry in new.iter() {
        let name = entry.name_bytes();
        let mut other = old.get(at).filter(|other| other.name_bytes() == name);
        if other.is_none() {
            other = old.get_name_bytes(name);
            if other.is_some() {
                // Something was removed before this one; the places have shifted.
                while old.get(at).is_some_and(|other| other.name_bytes() != name) {
                    at += 1;
                }
                at += 1;
            }
        } else {
            at += 1;
        }
        if let Some(other) = &other
            && other.id() == entry.id()
            && other.filemode_raw() == entry.filemode_raw()
        {
            continue;
        }
        path.extend_from_slice(name);
        if entry.kind() == Some(ObjectType::Tree) {
            path.push(b'/');
            let inner = repo.find_tree(entry.id())?;
            match other.filter(|other| other.kind() == Some(ObjectType::Tree)) {
                Some(other) => differ(repo, &inner, &repo.find_tree(other.id())?, path, out)?,
                None => {
                    let mut all = Paths::new();
                    list(repo, &inner, path, &mut all)?;
                    out.extend(all);
                }
            }
        } else {
            out.push(path.clone());
        }
        path.truncate(length);
    }
    Ok(())
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
    use crate::testing::TestRepo;

    /// Asks git itself, a file at a time, the way mock does it.
    fn oracle(repo: &TestRepo) -> HashMap<Vec<u8>, i64> {
        let names = repo.git(&["ls-files", "-z"]);
        names
            .split(|b| *b == 0)
            .filter(|name| !name.is_empty())
            .map(|name| {
                let name = String::from_utf8(name.to_vec()).unwrap();
                let out = repo.git(&["log", "-1", "--format=%at", "HEAD", "--", &name]);
                let time = String::from_utf8(out).unwrap().trim().parse().unwrap();
                (name.into_bytes(), time)
            })
            .collect()
    }

    fn assert_as_git(repo: &TestRepo) {
        let opened = repo.repository();
        let head = opened.head().unwrap().peel_to_commit().unwrap();
        assert_eq!(
            file_times(&opened, &head, Clock::Author).unwrap(),
            oracle(repo)
        );
    }

    #[test]
    fn a_straight_history_gives_each_file_its_last_change() {
        let repo = TestRepo::new();
        for at in 0..12 {
            repo.write(&format!("dir{}/file{at}", at % 3), "x");
            repo.write("changing", format!("{at}"));
            repo.commit("add");
        }
        repo.git(&["rm", "-q", "dir0/file0"]);
        repo.git(&["mv", "dir1/file1", "moved"]);
        repo.write("dir2/file2", "changed");
        repo.commit("shuffle");
        std::fs::remove_file(repo.path().join("moved")).unwrap();
        repo.write("moved/inner", "a file became a directory");
        repo.commit("file to directory");
        assert_as_git(&repo);
    }

    #[test]
    fn merges_follow_the_side_a_file_came_from() {
        let repo = TestRepo::new();
        for name in ["a", "b", "c", "d"] {
            repo.write(name, "0");
        }
        repo.commit("base");
        repo.git(&["checkout", "-q", "-b", "side"]);
        repo.write("a", "side");
        repo.write("c", "side");
        repo.commit("side");
        repo.git(&["checkout", "-q", "main"]);
        repo.write("b", "main");
        repo.write("c", "main");
        repo.commit("main");
        repo.git(&["merge", "-q", "-s", "ours", "--no-commit", "side"]);
        repo.write("a", "side");
        repo.write("c", "both");
        repo.commit("merge");
        repo.write("e", "new");
        repo.commit("after");
        assert_as_git(&repo);
    }

    #[test]
    fn a_revert_counts_as_a_change() {
        let repo = TestRepo::new();
        repo.write("a", "1");
        repo.commit("one");
        repo.write("a", "2");
        repo.commit("two");
        repo.write("a", "1");
        repo.commit("back");
        assert_as_git(&repo);
    }
}
