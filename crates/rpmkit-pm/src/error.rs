//! How preparing a root can fail.

use std::path::PathBuf;

use rpmkit_sandbox::SandboxError;

use rpmkit_repo::RepoError;
use rpmkit_rpmfile::RpmFileError;
use rpmkit_solve::SolveError;
use rpmkit_store::{StoreError, sandbox_hints};
use rpmkit_types::{ExitCode, Hint};

/// A failure of the embedded package manager.
#[derive(Debug, thiserror::Error)]
pub enum PmError {
    /// Repositories or downloads.
    #[error(transparent)]
    Repo(#[from] RepoError),
    /// No solution.
    #[error(transparent)]
    Solve(#[from] SolveError),
    /// The layer store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The container rpm runs in.
    #[error("cannot run the target's rpm: {0}")]
    Sandbox(#[from] SandboxError),
    /// A package cannot be unpacked.
    #[error(transparent)]
    RpmFile(#[from] RpmFileError),
    /// The target has no rpm to install with.
    #[error("the target's own rpm cannot be put together: {0}")]
    ToolRoot(#[source] Box<PmError>),
    /// rpm said no.
    #[error(
        "rpm failed to {} the packages (status {status}){}",
        if *removing { "remove" } else { "install" },
        told(errors, output)
    )]
    Transaction {
        /// Whether it was to remove them.
        removing: bool,
        /// Its exit status.
        status: i32,
        /// Its first `error:` lines.
        errors: Vec<String>,
        /// Its last other lines, those of scriptlets among them, without the names of packages.
        output: Vec<String>,
    },
    /// There was no room for the packages.
    #[error("the disk is full at `{}` ({}): {source}", path.display(), super::space::left(*free, *total, *inodes))]
    DiskFull {
        /// Where was written to.
        path: PathBuf,
        /// Bytes left to this user.
        free: u64,
        /// Bytes of the whole file system.
        total: u64,
        /// Inodes left, where the file system counts them.
        inodes: Option<u64>,
        /// How the install failed.
        #[source]
        source: Box<PmError>,
    },
    /// The root could not be given its files.
    #[error("{reason}")]
    Skeleton {
        /// What went wrong, on which path.
        reason: String,
    },
    /// What is installed could not be found out.
    #[error("cannot list the packages of the chroot: {reason}")]
    Query {
        /// What its rpm said.
        reason: String,
    },
    /// A package file was asked for that does not exist.
    #[error("there is no package file `{0}`")]
    NoSuchFile(PathBuf),
}

/// Lines of each kind in a message.
const SHOWN: usize = 8;

/// The cause first, then what was written last.
fn told(errors: &[String], output: &[String]) -> String {
    errors
        .iter()
        .take(SHOWN)
        .chain(&output[output.len().saturating_sub(SHOWN)..])
        .map(|line| format!("\n    {line}"))
        .collect()
}

fn disk_full() -> Hint {
    Hint::new(
        "make room (`rpmkit snap gc --keep 5G` drops layers that can be made again), or keep \
         caches elsewhere: `RPMKIT_CACHE_DIR=DIR`",
    )
}

impl PmError {
    /// mock's code for this failure.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Repo(_)
            | Self::Solve(_)
            | Self::RpmFile(_)
            | Self::Transaction { .. }
            | Self::Query { .. } => ExitCode::PackageManager,
            Self::DiskFull { source, .. } => source.exit_code(),
            Self::Store(e) => e.exit_code(),
            Self::Sandbox(_) | Self::Skeleton { .. } => ExitCode::Root,
            Self::ToolRoot(e) => match **e {
                // Repositories that cannot be had are no matter of the tool root.
                Self::Repo(_) | Self::Solve(_) => e.exit_code(),
                _ => ExitCode::Bootstrap,
            },
            Self::NoSuchFile(_) => ExitCode::Usage,
        }
    }

    /// What the user can do about it.
    pub fn hints(&self) -> Vec<Hint> {
        match self {
            Self::Repo(e) => e.hints(),
            Self::Solve(e) => e.hints(),
            Self::Store(e) => e.hints(),
            Self::ToolRoot(e) => {
                let mut hints = e.hints();
                if matches!(**e, Self::Solve(_)) {
                    hints.push(Hint::new(
                        "the repositories of this chroot must offer `rpm` and all it requires",
                    ));
                }
                hints
            }
            Self::Transaction { .. } => vec![Hint::new(
                "all that rpm and the scriptlets wrote is in root.log",
            )],
            Self::Sandbox(e) => sandbox_hints(e),
            Self::DiskFull { .. } => vec![disk_full()],
            Self::RpmFile(RpmFileError::Write { source, .. })
                if matches!(
                    source.kind(),
                    std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded
                ) =>
            {
                vec![disk_full()]
            }
            Self::RpmFile(_) | Self::Skeleton { .. } | Self::Query { .. } | Self::NoSuchFile(_) => {
                Vec::new()
            }
        }
    }
}
