//! What can go wrong while a spec is written.

use std::path::{Path, PathBuf};

use super::Kind;
use crate::{ExitCode, Hint};

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
    /// A fact is not known, and nobody gave it.
    #[error("the project does not tell its {what}")]
    Missing {
        /// Which.
        what: &'static str,
    },
    /// A workspace without a program cannot be packaged as one.
    #[error("`{path}` has no binary target, and libraries of crates are not packaged")]
    NoBinary {
        /// The manifest.
        path: PathBuf,
    },
    /// The template itself is at fault.
    #[error("the template for {kind} cannot be filled in: {reason}")]
    Render {
        /// Which.
        kind: Kind,
        /// Why.
        reason: String,
    },
    /// Vendoring failed.
    #[error(transparent)]
    Scm(#[from] crate::scm::ScmError),
}

impl TemplateError {
    /// A file that cannot be read, or makes no sense.
    pub fn read(path: &Path, reason: impl std::fmt::Display) -> Self {
        Self::Read {
            path: path.to_owned(),
            reason: reason.to_string(),
        }
    }

    /// mock has no such mode; a wrong command line comes nearest.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Unknown { .. } | Self::Missing { .. } | Self::NoBinary { .. } => {
                ExitCode::CommandLine
            }
            Self::Read { .. } | Self::Render { .. } => ExitCode::General,
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
                vec![Hint::new(format!(
                    "give it with --{}",
                    what.replace(' ', "-")
                ))]
            }
            Self::Scm(error) => error.hints(),
            Self::Read { .. } | Self::NoBinary { .. } | Self::Render { .. } => Vec::new(),
        }
    }
}
