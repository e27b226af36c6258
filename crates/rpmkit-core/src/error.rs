//! Every way a run can fail.

use rpmkit_types::{ExitCode, Hint};

/// Any failure of the core. Modules have their own enums; this is their sum.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A configuration cannot be had.
    #[error(transparent)]
    Config(#[from] rpmkit_config::ConfigError),
    /// A checkout's project file.
    #[error(transparent)]
    Project(#[from] crate::project::ProjectError),
    /// Input or output failed on a named path.
    #[error("cannot {action} `{path}`: {source}")]
    Io {
        /// The verb: read, write, create, rename …
        action: &'static str,
        /// The path it was tried on.
        path: std::path::PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Repositories and downloads.
    #[error(transparent)]
    Repo(#[from] rpmkit_repo::RepoError),
    /// Source control.
    #[error(transparent)]
    Scm(#[from] rpmkit_vcs::ScmError),
    /// A spec from a template.
    #[error(transparent)]
    Template(#[from] rpmkit_sources::template::TemplateError),
    /// The way from a checkout to a source package.
    #[error(transparent)]
    Srpm(#[from] rpmkit_sources::srpm::SrpmError),
    /// The layer store.
    #[error(transparent)]
    Store(#[from] rpmkit_store::StoreError),
    /// A chroot's state or its snapshots.
    #[error(transparent)]
    Chroot(#[from] rpmkit_store::chroot::ChrootError),
    /// Solving dependencies failed.
    #[error(transparent)]
    Solve(#[from] rpmkit_solve::SolveError),
    /// The package manager.
    #[error(transparent)]
    Pm(#[from] rpmkit_pm::PmError),
    /// A build.
    #[error(transparent)]
    Build(#[from] crate::build::BuildError),
}

impl Error {
    /// mock's code for this failure. Exhaustive on purpose: a new kind must choose.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Config(error) if error.is_command_line() => ExitCode::CommandLine,
            // mock ends these as plain exceptions.
            Self::Config(
                rpmkit_config::ConfigError::NoBaseDir
                | rpmkit_config::ConfigError::PackageManager { .. },
            ) => ExitCode::General,
            Self::Config(_) | Self::Project(_) => ExitCode::Config,
            Self::Solve(_) => ExitCode::PackageManager,
            Self::Pm(error) => error.exit_code(),
            Self::Build(error) => error.exit_code(),
            Self::Io { .. } => ExitCode::General,
            Self::Repo(error) => error.exit_code(),
            Self::Scm(error) => error.exit_code(),
            Self::Srpm(error) => error.exit_code(),
            Self::Template(error) => error.exit_code(),
            Self::Store(e) => e.exit_code(),
            Self::Chroot(e) => e.exit_code(),
        }
    }

    /// What the user can do about it.
    pub fn hints(&self) -> Vec<Hint> {
        match self {
            Self::Config(error) => error.hints(),
            Self::Project(error) => error.hints(),
            Self::Solve(error) => error.hints(),
            Self::Pm(error) => error.hints(),
            Self::Build(error) => error.hints(),
            Self::Io { .. } => Vec::new(),
            Self::Repo(error) => error.hints(),
            Self::Scm(error) => error.hints(),
            Self::Srpm(error) => error.hints(),
            Self::Template(error) => error.hints(),
            Self::Store(e) => e.hints(),
            Self::Chroot(e) => e.hints(),
        }
    }
}
