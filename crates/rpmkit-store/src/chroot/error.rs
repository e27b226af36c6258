//! What can go wrong with a chroot's state.

use std::path::PathBuf;

use rpmkit_sandbox::StepError;

use crate::{LockHolder, StoreError};
use rpmkit_types::{ChrootName, ExitCode, Hint};

/// Failures of chroot and snapshot operations.
#[derive(Debug, thiserror::Error)]
pub enum ChrootError {
    /// The layers below.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Somebody is working in the chroot.
    #[error("chroot `{chroot}` is in use by {}", who(holder.as_ref()))]
    InUse {
        /// Which.
        chroot: String,
        /// By whom, if it reads.
        holder: Option<LockHolder>,
    },
    /// Its container ended when it was to stay.
    #[error("the root of chroot `{chroot}` cannot be kept visible")]
    Left {
        /// Which.
        chroot: String,
        /// Why not.
        source: rpmkit_sandbox::SandboxError,
    },
    /// A snapshot operation found somebody working in the chroot.
    #[error(
        "the snapshots of `{chroot}` cannot be changed now: it is in use by {}",
        who(holder.as_ref())
    )]
    SnapshotBusy {
        /// Which.
        chroot: String,
        /// By whom, if it reads.
        holder: Option<LockHolder>,
    },
    /// The name is not known.
    #[error("chroot `{chroot}` has no snapshot `{name}`")]
    NoSnapshot {
        /// The chroot.
        chroot: ChrootName,
        /// What was asked for.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// The name is taken.
    #[error("chroot `{chroot}` already has a snapshot `{name}`")]
    SnapshotExists {
        /// The chroot.
        chroot: ChrootName,
        /// What was asked for.
        name: String,
    },
    /// The name breaks the rule.
    #[error(
        "`{0}` is no snapshot name: it must begin with a letter, a digit, `_` or `-`, and contain no `/` and no control character"
    )]
    BadName(String),
    /// `--mount` has mounted it, and it is mounted still.
    #[error("chroot `{chroot}` is mounted at `{}`, so nothing else can be done with it", at.display())]
    Mounted {
        /// Which.
        chroot: String,
        /// Where.
        at: PathBuf,
    },
    /// The root cannot be mounted for others to see, or that cannot be undone.
    #[error("the root of chroot `{chroot}`: {source}")]
    Show {
        /// Which.
        chroot: String,
        /// What failed.
        source: StepError,
    },
    /// Something is at the place where the root should be mounted.
    #[error("`{}` is not empty: the root cannot be mounted there", .0.display())]
    NotEmpty(PathBuf),
    /// There is nothing in the root: nobody prepared it, or that failed.
    #[error("chroot `{chroot}` is empty, so there is nothing to make a snapshot of")]
    Bare {
        /// Which.
        chroot: String,
    },
    /// Something was already written on top.
    #[error("chroot `{chroot}` has changes on top; it cannot be put on another layer")]
    NotPristine {
        /// Which.
        chroot: String,
    },
}

impl ChrootError {
    /// mock's code for this failure.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Store(e) => e.exit_code(),
            Self::InUse { .. } => ExitCode::Locked,
            Self::NotPristine { .. } => ExitCode::Root,
            // mock's plugin ends all of these as plain exceptions.
            Self::SnapshotBusy { .. }
            | Self::Mounted { .. }
            | Self::Show { .. }
            | Self::Left { .. }
            | Self::NotEmpty(_)
            | Self::Bare { .. }
            | Self::NoSnapshot { .. }
            | Self::SnapshotExists { .. }
            | Self::BadName(_) => ExitCode::General,
        }
    }

    /// What the user can do about it.
    pub fn hints(&self) -> Vec<Hint> {
        match self {
            Self::Store(e) => e.hints(),
            Self::InUse { .. } => vec![Hint::new(
                "wait for it, or work in a chroot of your own with `--uniqueext NAME`",
            )],
            Self::SnapshotBusy { .. } => vec![Hint::new("wait for it, or end it")],
            Self::NoSnapshot { known, .. } if known.is_empty() => {
                vec![Hint::new("there are no snapshots yet")]
            }
            Self::NoSnapshot { known, .. } => {
                vec![Hint::new(format!("there are: {}", known.join(", ")))]
            }
            Self::SnapshotExists { name, .. } => vec![Hint::new(format!(
                "remove or rename `{name}` first, or choose another name"
            ))],
            Self::Mounted { .. } => vec![Hint::new("`--umount` unmounts it")],
            Self::Show { source, .. } if source.errno == ebusy() => vec![Hint::new(
                "somebody is in there: leave the directory, or end the programs that `fuser -m` names",
            )],
            Self::NotEmpty(_) => vec![Hint::new(
                "another mock may have a chroot there: choose another `basedir`, or remove it",
            )],
            Self::Bare { .. } => vec![Hint::new(
                "nobody prepared it, or that failed: run `--init` and see what it says",
            )],
            Self::BadName(_) | Self::Show { .. } | Self::Left { .. } => Vec::new(),
            Self::NotPristine { .. } => vec![Hint::new("`--clean` drops the changes")],
        }
    }
}

fn ebusy() -> i32 {
    nix::errno::Errno::EBUSY as i32
}

fn who(holder: Option<&LockHolder>) -> String {
    holder.map_or_else(|| "another process".to_owned(), ToString::to_string)
}
