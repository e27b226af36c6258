//! `rpmkit.toml` in a checkout: what a project wants of rpmkit when the command line does not say.
//!
//! It holds choices, never commands: reading a stranger's checkout runs nothing of it.

use std::{
    io,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use rpmkit_types::Hint;

/// The file's name.
pub const PROJECT_FILE: &str = "rpmkit.toml";

/// A project file that was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Project {
    /// Where it is.
    pub file: PathBuf,
    /// Chroots to build for, as for `-r`; none leaves the choice to others.
    pub chroots: Vec<String>,
    /// The spec, an absolute path.
    pub spec: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    #[serde(default)]
    chroots: Vec<String>,
    spec: Option<PathBuf>,
}

/// A project file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// It cannot be read.
    #[error("cannot read `{}`: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is no TOML, or has other keys or values than expected.
    #[error("{}:{line}: {reason}", path.display())]
    Content {
        /// Which.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
}

impl ProjectError {
    /// What the user can do about it.
    pub fn hints(&self) -> Vec<Hint> {
        match self {
            Self::Read { .. } => Vec::new(),
            Self::Content { .. } => vec![Hint::new(
                "it may hold `chroots = [\"NAME\", …]` and `spec = \"PATH\"`, nothing else",
            )],
        }
    }
}

impl Project {
    /// The project file of the checkout that `path` is in: in its directory or one above, up to the
    /// top of the work tree (the directory with `.git`). `None` where there is none.
    pub fn find(path: &Path) -> Result<Option<Self>, ProjectError> {
        let start = if path.is_dir() {
            Some(path)
        } else {
            path.parent()
        };
        for dir in start.into_iter().flat_map(Path::ancestors) {
            let file = dir.join(PROJECT_FILE);
            match std::fs::read_to_string(&file) {
                Ok(text) => return Self::parse(&file, &text).map(Some),
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(source) => return Err(ProjectError::Read { path: file, source }),
            }
            if dir.join(".git").exists() {
                break;
            }
        }
        Ok(None)
    }

    fn parse(file: &Path, text: &str) -> Result<Self, ProjectError> {
        let raw: Raw = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start.min(text.len()));
            ProjectError::Content {
                path: file.to_owned(),
                line: text.as_bytes()[..at]
                    .iter()
                    .filter(|b| **b == b'\n')
                    .count()
                    + 1,
                reason: error.message().to_owned(),
            }
        })?;
        let dir = file.parent().unwrap_or(Path::new("."));
        Ok(Self {
            file: file.to_owned(),
            chroots: raw.chroots,
            spec: raw.spec.map(|spec| dir.join(spec)),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn found_from_below_but_not_beyond_the_work_tree() {
        let dir = tempfile::tempdir().unwrap();
        let tree = dir.path().join("outer/tree");
        std::fs::create_dir_all(tree.join("sub/.empty")).unwrap();
        std::fs::create_dir(tree.join(".git")).unwrap();
        std::fs::write(dir.path().join("outer").join(PROJECT_FILE), "x = 1").unwrap();
        assert_eq!(Project::find(&tree.join("sub")).unwrap(), None);
        std::fs::write(
            tree.join(PROJECT_FILE),
            "chroots = [\"a\", \"b\"]\nspec = \"sub/x.spec\"\n",
        )
        .unwrap();
        let project = Project::find(&tree.join("sub")).unwrap().unwrap();
        assert_eq!(project.chroots, ["a", "b"]);
        assert_eq!(project.spec, Some(tree.join("sub/x.spec")));
    }

    #[test]
    fn mistakes_name_file_and_line() {
        let file = Path::new("/p/rpmkit.toml");
        for (text, line, word) in [
            ("chroots = [\"a\"]\nchroot = \"b\"\n", 2, "chroot"),
            ("\n\nchroots = 3\n", 3, "sequence"),
            ("chroots = [\n", 1, ""),
        ] {
            let error = Project::parse(file, text).unwrap_err();
            let said = error.to_string();
            assert!(
                said.starts_with(&format!("/p/rpmkit.toml:{line}: ")),
                "{said}"
            );
            assert!(said.contains(word), "{said}");
            assert!(!error.hints().is_empty());
        }
    }
}
