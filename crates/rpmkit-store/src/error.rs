//! What can go wrong with layers.

use std::path::{Path, PathBuf};

use rpmkit_types::{ExitCode, Hint, LayerId};

/// Failures of the layer store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file operation failed.
    #[error("cannot {action} `{}`: {source}", path.display())]
    Io {
        /// The verb.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The store was made by another user, with other sub-ids, or by a version we do not read.
    #[error("the layer store `{}` has {what} {found}, but {expected} is needed", path.display())]
    Format {
        /// The store's `format` file.
        path: PathBuf,
        /// Which field differs.
        what: &'static str,
        /// Its value on disk.
        found: String,
        /// The value this run needs.
        expected: String,
    },
    /// A file of ours does not read back.
    #[error("`{}` is damaged: {reason}", path.display())]
    Corrupt {
        /// Which.
        path: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// A layer that something refers to is not there.
    #[error("layer {} is missing from the store `{}`", id.short(), store.display())]
    Missing {
        /// The layer.
        id: LayerId,
        /// The store it was looked for in.
        store: PathBuf,
    },
    /// Work inside the user namespace failed.
    #[error("{op} failed: {reason}")]
    Namespace {
        /// Name of the operation.
        op: String,
        /// Its own words.
        reason: String,
    },
    /// An archive cannot be read as a root file system.
    #[error("`{}` cannot be imported: {reason}", path.display())]
    Import {
        /// The archive.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

impl StoreError {
    /// mock's code for this failure.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Io { .. } | Self::Import { .. } => ExitCode::General,
            Self::Format { .. }
            | Self::Corrupt { .. }
            | Self::Missing { .. }
            | Self::Namespace { .. } => ExitCode::Root,
        }
    }

    /// What the user can do about it.
    pub fn hints(&self) -> Vec<Hint> {
        match self {
            Self::Io { source, .. } if source.kind() == std::io::ErrorKind::StorageFull => {
                vec![Hint::new(
                    "`rpmkit snap gc --keep 5G` drops layers that can be made again",
                )]
            }
            Self::Format { path, .. } => vec![Hint::new(format!(
                "another store can be chosen, or `{}` removed with everything in it",
                path.parent().unwrap_or(path).display()
            ))],
            Self::Corrupt { path, .. } if path.ends_with("state.json") => vec![Hint::new(
                "`rpmkit snap scrub -r CHROOT` removes this chroot and its snapshots, and lets it \
                 start anew",
            )],
            Self::Io { .. }
            | Self::Corrupt { .. }
            | Self::Missing { .. }
            | Self::Namespace { .. }
            | Self::Import { .. } => Vec::new(),
        }
    }
}

/// Adds verb and path to an I/O error.
pub(crate) trait At<T> {
    /// Says what was tried on which path.
    fn at(self, action: &'static str, path: &Path) -> Result<T, StoreError>;
}

impl<T, E: Into<std::io::Error>> At<T> for Result<T, E> {
    fn at(self, action: &'static str, path: &Path) -> Result<T, StoreError> {
        self.map_err(|source| StoreError::Io {
            action,
            path: path.to_owned(),
            source: source.into(),
        })
    }
}

/// What is known of a refused step of the sandbox: its likely cause, what to do, and where to look.
pub fn sandbox_hints(error: &rpmkit_sandbox::SandboxError) -> Vec<Hint> {
    let advice = error.advice();
    advice
        .cause
        .into_iter()
        .chain(advice.remedies)
        .chain(["`rpmkit doctor` tells all this host allows and lacks".to_owned()])
        .map(Hint)
        .collect()
}
