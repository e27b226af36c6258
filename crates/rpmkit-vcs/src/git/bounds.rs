//! How much a commit may hold. A few objects, each of which names the next one many times, stand for more
//! files than any machine has ("git bombs"); directories within each other exhaust a stack, in libgit2 too.

use std::collections::HashMap;

use git2::{ObjectType, Oid, Repository, Tree};
use rpmkit_fs::FsError;

use super::ScmError;

/// Files and directories of a commit. The largest repositories there are have some hundred thousand.
const ENTRIES: u64 = 10_000_000;
/// Directories within each other; their paths would be longer than the kernel takes.
const DEPTH: u64 = 1000;

/// Looks at a tree before it is walked.
///
/// # Errors
/// [`ScmError::Tree`] for one that is too large or too deep.
pub(crate) fn check_tree(repo: &Repository, tree: &Tree<'_>) -> Result<(), ScmError> {
    let too_many = |limit| {
        ScmError::from(FsError::TooMany {
            path: repo.workdir().unwrap_or(repo.path()).to_owned(),
            limit,
        })
    };
    // Of each directory what is below it, whatever leads there: entries and depth.
    let mut known: HashMap<Oid, (u64, u64)> = HashMap::new();
    let mut stack = vec![tree.id()];
    while let Some(id) = stack.last().copied() {
        if stack.len() as u64 > DEPTH {
            return Err(too_many(DEPTH));
        }
        let Ok(tree) = repo.find_tree(id) else {
            // Damaged, or not here: who needs it says so.
            known.insert(id, (0, 0));
            stack.pop();
            continue;
        };
        let (mut entries, mut depth, mut missing) = (0u64, 0u64, None);
        for entry in &tree {
            entries += 1;
            if entry.kind() != Some(ObjectType::Tree) {
                continue;
            }
            match known.get(&entry.id()) {
                Some((inner, below)) => {
                    entries = entries.saturating_add(*inner);
                    depth = depth.max(below + 1);
                }
                None => missing = Some(entry.id()),
            }
        }
        if let Some(missing) = missing {
            stack.push(missing);
            continue;
        }
        if entries > ENTRIES {
            return Err(too_many(ENTRIES));
        }
        if depth > DEPTH {
            return Err(too_many(DEPTH));
        }
        known.insert(id, (entries, depth));
        stack.pop();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::disallowed_methods)]
    use super::*;
    use crate::testing::TestRepo;

    /// A commit whose tree has `wide` directories with the same content, `deep` times over.
    fn bomb(wide: usize, deep: usize) -> (TestRepo, Oid) {
        let test = TestRepo::new();
        test.write("a", "");
        test.commit("one");
        let repo = test.repository();
        let mut id = repo.head().unwrap().peel_to_tree().unwrap().id();
        for _ in 0..deep {
            let mut builder = repo.treebuilder(None).unwrap();
            for n in 0..wide {
                builder.insert(format!("d{n}"), id, 0o040_000).unwrap();
            }
            id = builder.write().unwrap();
        }
        let tree = repo.find_tree(id).unwrap();
        let who = git2::Signature::new("a", "a@b", &git2::Time::new(1, 0)).unwrap();
        let parent = repo.head().unwrap().peel_to_commit().unwrap();
        let id = repo
            .commit(Some("HEAD"), &who, &who, "bomb", &tree, &[&parent])
            .unwrap();
        drop(tree);
        drop(parent);
        drop(repo);
        (test, id)
    }

    #[test]
    fn bombs_are_refused_before_anybody_walks_them() {
        for (wide, deep) in [(10, 12), (1, 1500)] {
            let (test, id) = bomb(wide, deep);
            let repo = super::super::discover(test.path()).unwrap();
            let tree = repo.find_commit(id).unwrap().tree().unwrap();
            assert!(check_tree(&repo, &tree).is_err(), "{wide} {deep}");
            assert!(crate::archive::worktree_state(&repo).is_err());
            let dest = test.path().join("x.tar");
            let options = crate::ArchiveOptions::with_prefix("x");
            let archive = crate::archive::archive_commit(&repo, "HEAD", &dest, &options);
            assert!(archive.is_err() && !dest.exists());
        }
        let (test, id) = bomb(3, 5);
        let repo = test.repository();
        check_tree(&repo, &repo.find_commit(id).unwrap().tree().unwrap()).unwrap();
    }
}
