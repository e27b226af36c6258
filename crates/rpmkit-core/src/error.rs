//! Every way a run can fail, and the one table from failures to mock's exit codes.

use serde::{Deserialize, Serialize};

/// mock's exit codes, as its manual lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[repr(u8)]
pub enum ExitCode {
    /// Anything that has no code of its own, and a failing build command.
    General = 1,
    /// The arguments do not parse.
    Arguments = 2,
    /// A configuration cannot be read or makes no sense.
    Config = 3,
    /// Some package of a chain was not built.
    ChainIncomplete = 4,
    /// The command line or the SCM set-up is wrong.
    CommandLine = 5,
    /// This host cannot build for that architecture.
    Arch = 6,
    /// Stopped by Ctrl-C.
    Interrupted = 7,
    /// The package failed to build for a reason known to be its own.
    Build = 10,
    /// A command took longer than allowed.
    Timeout = 11,
    /// The chroot could not be prepared.
    Root = 20,
    /// The package manager failed: repositories, solving, installing.
    PackageManager = 30,
    /// A dependency written `external:` is of a kind nobody knows.
    ExternalDependency = 31,
    /// The source package is no source package, or could not be made.
    Srpm = 40,
    /// A mode was used without what it needs.
    Usage = 50,
    /// Somebody else is using the chroot.
    Locked = 60,
    /// The result directory cannot be written.
    ResultDir = 70,
    /// The kernel refused a namespace.
    Unshare = 80,
    /// The bootstrap (here: the tool root) could not be made.
    Bootstrap = 90,
    /// `Start:` and `Finish:` lines of the state log do not balance.
    State = 110,
}

impl ExitCode {
    /// Every code, ascending.
    pub const ALL: [Self; 19] = [
        Self::General,
        Self::Arguments,
        Self::Config,
        Self::ChainIncomplete,
        Self::CommandLine,
        Self::Arch,
        Self::Interrupted,
        Self::Build,
        Self::Timeout,
        Self::Root,
        Self::PackageManager,
        Self::ExternalDependency,
        Self::Srpm,
        Self::Usage,
        Self::Locked,
        Self::ResultDir,
        Self::Unshare,
        Self::Bootstrap,
        Self::State,
    ];

    /// One sentence on what the code tells, for documentation.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::General => {
                "Anything without a code of its own. A failing command inside the chroot ends rpmkit with that command's status, which for rpmbuild is 1 too."
            }
            Self::Arguments => {
                "The arguments do not parse: an option misses its value, or the value is none of the allowed ones."
            }
            Self::Config => "A configuration cannot be read or makes no sense.",
            Self::ChainIncomplete => "Some package of a chain was not built.",
            Self::CommandLine => {
                "The command line contradicts itself, names something that does not exist, or the SCM set-up is wrong."
            }
            Self::Arch => "This host cannot build for that architecture.",
            Self::Interrupted => "Stopped by Ctrl-C.",
            Self::Build => "The package failed to build for a reason known to be its own.",
            Self::Timeout => "A command took longer than allowed.",
            Self::Root => "The chroot could not be prepared.",
            Self::PackageManager => {
                "Repositories, dependency solving, downloading or installing failed."
            }
            Self::ExternalDependency => "An `external:` dependency is of an unknown kind.",
            Self::Srpm => {
                "The source package is no source package, cannot be installed, or could not be made."
            }
            Self::Usage => {
                "A mode was used without what it needs: no package, no command, no snapshot name, no such file."
            }
            Self::Locked => "Somebody else is using the chroot.",
            Self::ResultDir => "The result directory cannot be made or written.",
            Self::Unshare => "The kernel refused a namespace.",
            Self::Bootstrap => "The bootstrap chroot (here: the tool root) could not be made.",
            Self::State => {
                "`Start:` and `Finish:` lines of the state log do not balance: a defect of rpmkit."
            }
        }
    }

    /// The number a process ends with.
    pub fn code(self) -> u8 {
        self as u8
    }
}

/// A thing the user can do next. Rendered once, by the front end, on a line of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hint(pub String);

impl Hint {
    /// Makes a hint of a sentence fragment without a final full stop.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
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

/// Any failure of the core. Modules have their own enums; this is their sum.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A configuration cannot be had.
    #[error(transparent)]
    Config(#[from] crate::config::ConfigError),
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
    Repo(#[from] crate::repo::RepoError),
    /// Source control.
    #[error(transparent)]
    Scm(#[from] crate::scm::ScmError),
    /// A spec from a template.
    #[error(transparent)]
    Template(#[from] crate::template::TemplateError),
    /// The way from a checkout to a source package.
    #[error(transparent)]
    Srpm(#[from] crate::srpm::SrpmError),
    /// The layer store.
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
    /// A chroot's state or its snapshots.
    #[error(transparent)]
    Chroot(#[from] crate::chroot::ChrootError),
    /// Solving dependencies failed.
    #[error(transparent)]
    Solve(#[from] crate::solve::SolveError),
    /// The package manager.
    #[error(transparent)]
    Pm(#[from] crate::pm::PmError),
    /// A build.
    #[error(transparent)]
    Build(#[from] crate::build::BuildError),
}

impl Error {
    /// mock's code for this failure. Exhaustive on purpose: a new kind must choose.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Config(error) if error.is_command_line() => ExitCode::CommandLine,
            // mock's plugin ends this as a plain exception.
            Self::Config(crate::config::ConfigError::NoBaseDir) => ExitCode::General,
            Self::Config(_) | Self::Project(_) => ExitCode::Config,
            Self::Solve(_) => ExitCode::PackageManager,
            Self::Pm(error) => error.exit_code(),
            Self::Build(error) => error.exit_code(),
            Self::Io { .. } => ExitCode::General,
            Self::Repo(error) => error.exit_code(),
            Self::Scm(error) => error.exit_code(),
            Self::Srpm(error) => error.exit_code(),
            Self::Template(error) => error.exit_code(),
            Self::Store(e) => store_code(e),
            Self::Chroot(e) => chroot_code(e),
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

pub(crate) fn store_code(error: &crate::store::StoreError) -> ExitCode {
    use crate::store::StoreError;
    match error {
        StoreError::Io { .. } | StoreError::Import { .. } => ExitCode::General,
        StoreError::Format { .. }
        | StoreError::Corrupt { .. }
        | StoreError::Missing { .. }
        | StoreError::Namespace { .. } => ExitCode::Root,
    }
}

pub(crate) fn chroot_code(error: &crate::chroot::ChrootError) -> ExitCode {
    use crate::chroot::ChrootError;
    match error {
        ChrootError::Store(e) => store_code(e),
        ChrootError::InUse { .. } => ExitCode::Locked,
        ChrootError::NotPristine { .. } => ExitCode::Root,
        // mock's plugin ends all of these as plain exceptions.
        ChrootError::SnapshotBusy { .. }
        | ChrootError::Mounted { .. }
        | ChrootError::Show { .. }
        | ChrootError::NotEmpty(_)
        | ChrootError::Bare { .. }
        | ChrootError::NoSnapshot { .. }
        | ChrootError::SnapshotExists { .. }
        | ChrootError::BadName(_) => ExitCode::General,
    }
}
