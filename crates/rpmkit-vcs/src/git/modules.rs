//! A look at `.gitmodules` before libgit2 reads it: it takes every setting there to have a value, and
//! ends the process over one that has none (`path` instead of `path = …`). libgit2 reads the file
//! whenever it compares, checks out or lists.

use git2::{Commit, Repository};
use rpmkit_fs::FsError;

use super::ScmError;

const NAME: &str = ".gitmodules";
/// Bytes of the file.
const MAX: u64 = 1 << 20;

/// Looks at the file of a working tree.
///
/// # Errors
/// [`ScmError::Modules`] for a file that is not to be given to libgit2.
pub(crate) fn check_worktree(repo: &Repository) -> Result<(), ScmError> {
    if repo.is_bare() {
        return Ok(());
    }
    // libgit2 compares with HEAD's tree.
    if let Ok(tree) = repo.head().and_then(|head| head.peel_to_tree()) {
        super::check_tree(repo, &tree)?;
    }
    let tree = super::work_tree(repo)?;
    super::border::check_rules(&tree)?;
    // What is no file, or is not there, is none to libgit2 either.
    let text = match tree.read(NAME, MAX) {
        Ok(text) => text,
        Err(FsError::TooLarge { path, .. }) => return Err(ScmError::Modules { path, line: 1 }),
        Err(error) if error.is_not_found() => return Ok(()),
        Err(FsError::Kind { .. }) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let path = tree.show(NAME);
    check(&text).map_err(|line| ScmError::Modules { path, line })
}

/// Looks at the file of a commit that is about to be checked out.
///
/// # Errors
/// [`ScmError::Modules`] for a file that is not to be given to libgit2.
pub(crate) fn check_commit(repo: &Repository, commit: &Commit<'_>) -> Result<(), ScmError> {
    let tree = commit
        .tree()
        .map_err(ScmError::git("read a commit of", repo.path()))?;
    super::check_tree(repo, &tree)?;
    let blob = tree
        .get_name(NAME)
        .and_then(|entry| repo.find_blob(entry.id()).ok());
    let Some(blob) = blob else { return Ok(()) };
    check(blob.content()).map_err(|line| ScmError::Modules {
        path: repo.workdir().unwrap_or(repo.path()).join(NAME),
        line,
    })
}

/// The first line with a setting that has no value; line one for a file that is too large.
fn check(text: &[u8]) -> Result<(), usize> {
    if text.len() as u64 > MAX {
        return Err(1);
    }
    let mut goes_on = false;
    for (n, line) in text.split(|byte| *byte == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let part_of_value = goes_on;
        let slashes = line.iter().rev().take_while(|byte| **byte == b'\\').count();
        goes_on = slashes % 2 == 1;
        let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        let setting = match line.trim_ascii_start() {
            // A section; a setting may follow on its line.
            [b'[', rest @ ..] => after_section(rest).trim_ascii_start(),
            other => other,
        };
        let comment = matches!(setting.first(), None | Some(b'#' | b';'));
        let name = setting
            .iter()
            .take_while(|byte| byte.is_ascii_alphanumeric() || b"-_. \t".contains(byte))
            .count();
        let has_value = setting.get(name) == Some(&b'=');
        // A NUL ends a line for libgit2.
        if line.contains(&0) || !(part_of_value || comment || has_value) {
            return Err(n + 1);
        }
    }
    Ok(())
}

/// What follows the `]` of a section, whose name may hold quoted brackets.
fn after_section(rest: &[u8]) -> &[u8] {
    let (mut quoted, mut at) = (false, 0);
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 1,
            b'"' => quoted = !quoted,
            b']' if !quoted => return &rest[at + 1..],
            _ => {}
        }
        at += 1;
    }
    &[]
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::disallowed_methods,
        clippy::disallowed_types
    )]
    use super::*;
    use crate::testing::TestRepo;

    #[test]
    fn settings_without_values_are_found() {
        for good in [
            "",
            "# path\n[submodule \"a]\"]\n\tpath = a\n\turl = b \\\n c\n[x] y = z\n; path",
            "\u{feff}[submodule \"a\"] # x\r\n\tpath=a\r\n",
        ] {
            assert_eq!(check(good.as_bytes()), Ok(()), "{good}");
        }
        for (bad, line) in [
            ("[submodule \"a\"]\n\tpath", 2),
            ("[submodule \"a\"] path", 1),
            ("[submodule \"a\"]\n\tpath\0= a\n", 2),
            ("[submodule \"a\"]\n\tpath = a\n\turl\n", 3),
            ("[submodule \"a\"]\n\tpath = a\\\\\n\turl # =x\n", 3),
        ] {
            assert_eq!(check(bad.as_bytes()), Err(line), "{bad}");
        }
        assert_eq!(check(&vec![b'\n'; (MAX + 1) as usize]), Err(1));
    }

    #[test]
    fn a_checkout_with_such_a_file_is_an_error() {
        let repo = TestRepo::new();
        repo.write(".gitmodules", "[submodule \"a\"]\n\tpath\n");
        repo.commit("one");
        let git = super::super::discover(repo.path()).unwrap();
        for error in [
            crate::archive::worktree_state(&git).unwrap_err(),
            super::super::checkout(&git, "HEAD").unwrap_err(),
        ] {
            assert!(
                matches!(error, ScmError::Modules { line: 2, .. }),
                "{error}"
            );
        }
    }
}
