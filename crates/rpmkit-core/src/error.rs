//! Every way a run can fail, and the one table from failures to mock's exit codes.

use serde::Serialize;

/// mock's exit codes, as its manual lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[repr(u8)]
pub enum ExitCode {
    /// Anything that has no code of its own, and a failing build command.
    General = 1,
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
}

impl ExitCode {
    /// The number a process ends with.
    pub fn code(self) -> u8 {
        self as u8
    }
}

/// A thing the user can do next. Rendered once, by the front end, on a line of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hint(pub String);

impl Hint {
    /// Makes a hint of a sentence fragment without a final full stop.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

/// Any failure of the core. Modules have their own enums; this is their sum.
#[derive(Debug, thiserror::Error)]
pub enum Error {
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
}

impl Error {
    /// mock's code for this failure. Exhaustive on purpose: a new kind must choose.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Io { .. } => ExitCode::General,
        }
    }

    /// What the user can do about it.
    pub fn hints(&self) -> Vec<Hint> {
        match self {
            Self::Io { .. } => Vec::new(),
        }
    }
}
