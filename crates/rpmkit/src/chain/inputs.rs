//! Packages found in what a user names.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use rpmkit_cli::{Failure, sources::RESULTS};
use rpmkit_core::{
    Error,
    project::{BootstrapRule, Project},
    types::is_source_package,
};

/// How deep below a directory packages are looked for.
const DEPTH: usize = 3;
/// Directories looked into before giving up.
const MOST: usize = 50_000;

/// One package to build.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChainInput {
    /// A source package.
    Package(PathBuf),
    /// A spec in a checkout.
    Spec(PathBuf),
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChainInputs {
    /// Packages, sorted, each once.
    pub packages: Vec<ChainInput>,
    /// Where circles may be broken, by project files.
    pub bootstrap: Vec<BootstrapRule>,
}

/// Packages of all paths: source packages, specs, directories with one or the other, or with directories of them;
/// or what the directory's `rpmkit.toml` says under `[chain]`.
///
/// # Errors
/// A path without packages, or that is not there.
pub fn find(paths: &[PathBuf]) -> Result<ChainInputs, Failure> {
    let mut found = BTreeSet::new();
    let mut bootstrap = Vec::new();
    for path in paths {
        if !path.exists() {
            return Err(Failure::usage(format!(
                "there is no `{}`; a source package, a spec, a checkout or a directory of them was expected",
                path.display()
            )));
        }
        let before = found.len();
        let mut wanted = vec![path.clone()];
        if path.is_dir()
            && let Some(project) = Project::find(path).map_err(Error::from)?.project
            && fs::canonicalize(path).is_ok_and(|real| project.file.parent() == Some(&real))
        {
            bootstrap.extend(project.chain.bootstrap);
            if !project.chain.packages.is_empty() {
                wanted = project.chain.packages;
            }
        }
        for one in &wanted {
            if !one.exists() {
                return Err(Failure::usage(format!(
                    "`[chain]` names `{}`, which is not there",
                    one.display()
                )));
            }
            let mut left = MOST;
            collect(one, DEPTH, &mut left, &mut found);
        }
        if found.len() == before && !found.iter().any(|one| is_below(one, path)) {
            return Err(Failure::usage(format!(
                "`{}` has no source package and no spec, nor do the directories in it",
                path.display()
            )));
        }
    }
    Ok(ChainInputs {
        packages: found.into_iter().collect(),
        bootstrap,
    })
}

fn is_below(input: &ChainInput, path: &Path) -> bool {
    let (ChainInput::Package(file) | ChainInput::Spec(file)) = input;
    file.starts_with(path)
}

fn is_spec(path: &Path) -> bool {
    path.extension().is_some_and(|kind| kind == "spec")
}

/// A directory with specs is a package, or several; what is below it is its own. Links are not followed below what
/// the user named.
fn collect(path: &Path, depth: usize, left: &mut usize, found: &mut BTreeSet<ChainInput>) {
    if path.is_file() {
        if is_source_package(path) {
            found.insert(ChainInput::Package(path.to_owned()));
        } else if is_spec(path) {
            found.insert(ChainInput::Spec(path.to_owned()));
        }
        return;
    }
    let Ok(listing) = fs::read_dir(path) else {
        return;
    };
    let (mut specs, mut packages, mut directories) = (Vec::new(), Vec::new(), Vec::new());
    for entry in listing.flatten() {
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        let (name, path) = (entry.file_name(), entry.path());
        if name.to_string_lossy().starts_with('.') {
            continue;
        }
        if kind.is_file() && is_spec(&path) {
            specs.push(ChainInput::Spec(path));
        } else if kind.is_file() && is_source_package(&path) {
            packages.push(ChainInput::Package(path));
        } else if kind.is_dir() && name != RESULTS {
            directories.push(path);
        }
    }
    if !specs.is_empty() {
        found.extend(specs);
        return;
    }
    found.extend(packages);
    if depth == 0 {
        return;
    }
    for directory in directories {
        if *left == 0 {
            return;
        }
        *left -= 1;
        collect(&directory, depth - 1, left, found);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn packages_are_found_where_they_are() {
        let dir = tempfile::tempdir().unwrap();
        let top = fs::canonicalize(dir.path()).unwrap();
        for file in [
            "a/a.spec",
            "a/tests/x.spec",
            "group/b/b.spec",
            "results/c/c.spec",
            ".git/d.spec",
            "old-1-1.src.rpm",
            "notes.txt",
        ] {
            let path = top.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        std::os::unix::fs::symlink("/", top.join("link")).unwrap();
        let names = |paths: &[PathBuf]| -> Vec<String> {
            let found = find(paths).unwrap().packages;
            found
                .iter()
                .map(|one| {
                    let (ChainInput::Package(path) | ChainInput::Spec(path)) = one;
                    path.strip_prefix(&top).unwrap().display().to_string()
                })
                .collect()
        };
        let all = ["old-1-1.src.rpm", "a/a.spec", "group/b/b.spec"];
        assert_eq!(names(std::slice::from_ref(&top)), all);
        assert_eq!(names(&[top.clone(), top.join("a")]), all);
        fs::write(
            top.join("rpmkit.toml"),
            "[chain]\npackages = [\"group\"]\nbootstrap = [\"b\"]\n",
        )
        .unwrap();
        let found = find(std::slice::from_ref(&top)).unwrap();
        assert_eq!(
            found.packages,
            [ChainInput::Spec(top.join("group/b/b.spec"))]
        );
        assert_eq!(found.bootstrap, [BootstrapRule::usual("b")]);
        let empty = top.join("a/tests/none");
        fs::create_dir(&empty).unwrap();
        assert!(
            find(&[empty])
                .unwrap_err()
                .message
                .contains("has no source package")
        );
        assert!(find(&[top.join("gone")]).is_err());
    }
}
