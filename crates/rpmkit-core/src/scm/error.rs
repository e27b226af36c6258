//! What can go wrong with source control.

use std::path::{Path, PathBuf};

use crate::{ExitCode, Hint};

/// A failure to get at, or to pack, sources under version control.
#[derive(Debug, thiserror::Error)]
pub enum ScmError {
    /// libgit2 refused.
    #[error("cannot {action} `{place}`: {}", source.message())]
    Git {
        /// The verb.
        action: &'static str,
        /// Path or URL.
        place: String,
        /// What libgit2 said.
        source: git2::Error,
    },
    /// There is no repository at or above a path.
    #[error("`{path}` is not inside a git repository")]
    NoRepository {
        /// Where the search began.
        path: PathBuf,
    },
    /// The checkout belongs to somebody else, which git distrusts.
    #[error("the git repository of `{path}` belongs to another user, so git will not trust it")]
    ForeignOwner {
        /// The checkout.
        path: PathBuf,
    },
    /// No commit exists yet.
    #[error("the git repository `{path}` has no commit yet")]
    Unborn {
        /// The checkout.
        path: PathBuf,
    },
    /// A revision names nothing.
    #[error("`{rev}` is no branch, tag or commit of `{path}`")]
    UnknownRevision {
        /// What was asked for.
        rev: String,
        /// The repository.
        path: PathBuf,
    },
    /// The working directory of a bare repository was asked for.
    #[error("the git repository `{path}` is bare: it has no working tree")]
    Bare {
        /// The repository.
        path: PathBuf,
    },
    /// Input or output on a named path.
    #[error("cannot {action} `{path}`: {source}")]
    Io {
        /// The verb.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The archive's name asks for a format we do not write.
    #[error("cannot write `{name}`: no writer for archives that end in `{suffix}`")]
    ArchiveFormat {
        /// The archive's name.
        name: String,
        /// The end of it.
        suffix: String,
    },
}

impl ScmError {
    /// Wraps a libgit2 error, telling apart the kinds a user can do something about.
    pub fn git(action: &'static str, place: &Path) -> impl FnOnce(git2::Error) -> Self {
        move |source| {
            if source.code() == git2::ErrorCode::Owner {
                return Self::ForeignOwner {
                    path: place.to_owned(),
                };
            }
            Self::Git {
                action,
                place: place.display().to_string(),
                source,
            }
        }
    }

    /// Wraps an I/O error.
    pub fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }

    /// mock's code: everything wrong with the set-up of source control is 5.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Git { .. }
            | Self::NoRepository { .. }
            | Self::ForeignOwner { .. }
            | Self::Unborn { .. }
            | Self::UnknownRevision { .. }
            | Self::Bare { .. }
            | Self::ArchiveFormat { .. } => ExitCode::CommandLine,
            Self::Io { .. } => ExitCode::General,
        }
    }

    /// What the user can do.
    pub fn hints(&self) -> Vec<Hint> {
        match self {
            Self::ForeignOwner { path } => vec![Hint::new(format!(
                "if you trust it: git config --global --add safe.directory {}",
                path.display()
            ))],
            Self::Unborn { .. } => vec![Hint::new(
                "commit something, or build the working tree with --dirty",
            )],
            Self::ArchiveFormat { .. } => vec![Hint::new(
                "name Source0 with .tar, .tar.gz, .tar.bz2, .tar.xz, .tar.lzma or .tar.zst, or put the archive beside the spec",
            )],
            Self::Git { .. }
            | Self::NoRepository { .. }
            | Self::UnknownRevision { .. }
            | Self::Bare { .. }
            | Self::Io { .. } => Vec::new(),
        }
    }
}
