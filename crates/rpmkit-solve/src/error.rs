//! What can go wrong while solving.

use std::path::PathBuf;

use super::{Unsolvable, xml::XmlError};
use rpmkit_types::Hint;

/// A failure of [`crate`].
#[derive(Debug, thiserror::Error)]
pub enum SolveError {
    /// A file could not be read or written.
    #[error("cannot {action} `{path}`: {source}", path = path.display())]
    Io {
        /// The verb.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A metadata file makes no sense.
    #[error("repository `{repo}`: `{path}` {error}", path = path.display())]
    Metadata {
        /// Id of the repository.
        repo: String,
        /// The file.
        path: PathBuf,
        /// Where and what.
        error: XmlError,
    },
    /// filelists.xml was needed and could not be had.
    #[error("repository `{repo}`: file lists are needed to look for `{wanted}`, but: {why}")]
    Filelists {
        /// Id of the repository.
        repo: String,
        /// A path that made them necessary.
        wanted: String,
        /// What went wrong.
        why: String,
    },
    /// modules.yaml makes no sense.
    #[error("repository `{repo}`: `{path}`, line {line}: {what}", path = path.display())]
    Modules {
        /// Id of the repository.
        repo: String,
        /// The file.
        path: PathBuf,
        /// Line, counted from one.
        line: usize,
        /// What was expected.
        what: String,
    },
    /// A text is no package manager command this program knows.
    #[error(
        "`{text}` is no command for preparing a root: install, groupinstall, group install, update or remove was expected"
    )]
    Command {
        /// The text.
        text: String,
    },
    /// A module was to be enabled that no repository has. dnf's words.
    #[error("Unable to resolve argument {spec}: no repository has such a module or stream")]
    NoModule {
        /// As asked for: `NAME` or `NAME:STREAM`.
        spec: String,
    },
    /// libsolv could not be used.
    #[error("the solver could not be set up: {0}")]
    Pool(#[from] rpmkit_solv::PoolError),
    /// The request cannot be met.
    #[error("{0}")]
    Unsolvable(Box<Unsolvable>),
}

impl SolveError {
    /// What the user can do about it.
    pub fn hints(&self) -> Vec<Hint> {
        match self {
            Self::Metadata { repo, .. } | Self::Modules { repo, .. } => vec![Hint::new(format!(
                "the repository `{repo}` may be broken or half updated; refresh its metadata and try again"
            ))],
            Self::Unsolvable(why) => why.hints(),
            Self::NoModule { .. } => vec![Hint::new(
                "enable the repository that has it, or take it out of `module_setup_commands`",
            )],
            Self::Io { .. } | Self::Filelists { .. } | Self::Command { .. } | Self::Pool(_) => {
                Vec::new()
            }
        }
    }
}
