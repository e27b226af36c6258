//! What can go wrong while a spec is written.

use std::path::{Path, PathBuf};

use super::ProjectKind;
use rpmkit_types::{ExitCode, Hint};

/// A spec cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// Nothing in the directory tells what it is.
    #[error("`{path}` looks like none of the projects there are templates for")]
    Unknown {
        /// The directory.
        path: PathBuf,
    },
    /// A project file cannot be read.
    #[error("cannot read `{path}`: {reason}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A project file makes no sense.
    #[error("`{path}`, line {line}: {reason}")]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong, and what was expected.
        reason: String,
    },
    /// cargo does not take the project.
    #[error("cargo cannot read `{path}`: {reason}")]
    Cargo {
        /// The manifest.
        path: PathBuf,
        /// cargo's own words, on one line.
        reason: String,
    },
    /// Facts are not known, and nobody gave them.
    #[error("the project does not tell its {}", list(.what))]
    Missing {
        /// Which.
        what: Vec<&'static str>,
    },
    /// A fact has a value rpm does not take.
    #[error("`{value}` cannot be the {what} of a package: {reason}")]
    Unfit {
        /// Which.
        what: &'static str,
        /// The value.
        value: String,
        /// Why not.
        reason: &'static str,
    },
    /// The project is a part of another.
    #[error("`{path}` is a member of the workspace in `{workspace}`, which is built as a whole")]
    Member {
        /// The member's directory.
        path: PathBuf,
        /// The workspace's.
        workspace: PathBuf,
    },
    /// A dependency is not in the tree.
    #[error("`{path}` depends on `{name}` in `{dependency}`, which is outside of the project")]
    Outside {
        /// The manifest.
        path: PathBuf,
        /// The dependency.
        name: String,
        /// Where it is.
        dependency: PathBuf,
    },
    /// There is nothing to install.
    #[error("`{path}` has neither a program nor, for Rust, a single library crate to package")]
    NoBinary {
        /// The manifest.
        path: PathBuf,
    },
    /// The template itself is at fault.
    #[error("the template for {kind} cannot be filled in: {reason}")]
    Render {
        /// Which.
        kind: ProjectKind,
        /// Why.
        reason: String,
    },
    /// Vendoring failed.
    #[error(transparent)]
    Scm(#[from] rpmkit_vcs::ScmError),
}

impl TemplateError {
    /// A file that cannot be read, or makes no sense.
    pub fn read(path: &Path, reason: impl std::fmt::Display) -> Self {
        Self::Read {
            path: path.to_owned(),
            reason: reason.to_string(),
        }
    }

    /// A file that makes no sense at a line.
    pub fn syntax(path: &Path, line: usize, reason: impl Into<String>) -> Self {
        Self::Syntax {
            path: path.to_owned(),
            line,
            reason: reason.into(),
        }
    }

    /// mock has no such mode; a wrong command line comes nearest.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Unknown { .. }
            | Self::Missing { .. }
            | Self::Unfit { .. }
            | Self::Member { .. }
            | Self::NoBinary { .. } => ExitCode::CommandLine,
            Self::Read { .. }
            | Self::Syntax { .. }
            | Self::Cargo { .. }
            | Self::Outside { .. }
            | Self::Render { .. } => ExitCode::General,
            Self::Scm(error) => error.exit_code(),
        }
    }

    /// What the user can do.
    pub fn hints(&self) -> Vec<Hint> {
        match self {
            Self::Unknown { .. } => vec![Hint::new(
                "--template rust, python, autotools, cmake, meson or go says what it is",
            )],
            Self::Missing { what } => {
                let flags: Vec<String> = what.iter().map(|what| format!("--{what}")).collect();
                vec![Hint::new(format!("give it with {}", flags.join(", ")))]
            }
            Self::Unfit { what, .. } => vec![Hint::new(format!("--{what} gives another"))],
            Self::Member { workspace, .. } => vec![Hint::new(format!(
                "run `rpmkit new {}`",
                workspace.display()
            ))],
            Self::Outside { .. } => vec![Hint::new(
                "an archive of the project would be without it: move it in, or depend on a release",
            )],
            Self::NoBinary { .. } => vec![Hint::new(
                "libraries are built into the programs that use them and need no package of their own",
            )],
            Self::Syntax { .. } | Self::Cargo { .. } => vec![Hint::new(
                "mend the file, or give --template when another of the project's build systems is meant",
            )],
            Self::Scm(error) => error.hints(),
            Self::Read { .. } | Self::Render { .. } => Vec::new(),
        }
    }
}

/// `name`, `name and version`, `name, version and license`.
fn list(what: &[&str]) -> String {
    match what {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}
