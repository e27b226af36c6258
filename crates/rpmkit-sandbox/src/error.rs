//! What can go wrong, named by the step that failed.

use crate::diagnose::Advice;
use nix::errno::Errno;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// A step of preparing a container or a command, in the order they are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SandboxStep {
    /// Making the new namespaces, the user namespace among them.
    Namespaces,
    /// Writing uid_map, gid_map or setgroups.
    Maps,
    /// Running newuidmap or newgidmap.
    MapTool,
    /// Dropping supplementary groups.
    Groups,
    /// Cutting mount propagation to the host: the first mount call of all.
    FirstMount,
    /// Host name.
    HostName,
    /// Loopback interface.
    Loopback,
    /// A fresh /proc.
    Proc,
    /// /sys.
    Sys,
    /// /dev and its nodes.
    Dev,
    /// devpts.
    DevPts,
    /// /dev/shm.
    Shm,
    /// A mount that shows other ids than are on disk.
    IdMapped,
    /// An overlay.
    Overlay,
    /// The root directory.
    Root,
    /// A bind mount.
    Bind,
    /// A tmpfs.
    Tmpfs,
    /// Making a mount point.
    MountPoint,
    /// pivot_root.
    Pivot,
    /// Making the root read-only.
    ReadOnly,
    /// Personality (linux32).
    Personality,
    /// Resource limits.
    Limits,
    /// Registering an emulator.
    Emulation,
    /// A seccomp filter.
    Seccomp,
    /// Becoming the user of a command.
    User,
    /// The working directory of a command.
    WorkingDirectory,
    /// A pseudo terminal.
    Pty,
    /// Starting the process of a command.
    Fork,
    /// Executing the program of a command.
    Exec,
    /// Talking between our own processes.
    Protocol,
}

/// A failed step: what was tried, on what, and what the kernel said. Crosses from the child as data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("cannot {action}{}: {}{}", quoted(path), errno_text(*errno), bracketed(detail))]
pub struct StepError {
    /// Which step.
    pub step: SandboxStep,
    /// The verb and its object, fitting after "cannot".
    pub action: String,
    /// The path it was tried on.
    pub path: Option<PathBuf>,
    /// The system's error number.
    pub errno: i32,
    /// More words: the kernel's own reason, or what a helper printed.
    pub detail: String,
}

fn quoted(path: &Option<PathBuf>) -> String {
    path.as_ref()
        .map_or_else(String::new, |path| format!(" `{}`", path.display()))
}

fn bracketed(detail: &str) -> String {
    if detail.is_empty() {
        String::new()
    } else {
        format!(" ({detail})")
    }
}

fn errno_text(errno: i32) -> String {
    let errno = Errno::from_raw(errno);
    format!("{} ({errno:?})", errno.desc())
}

impl StepError {
    pub(crate) fn new(step: SandboxStep, action: impl Into<String>, errno: Errno) -> Self {
        Self {
            step,
            action: action.into(),
            path: None,
            errno: errno as i32,
            detail: String::new(),
        }
    }

    pub(crate) fn io(
        step: SandboxStep,
        action: impl Into<String>,
        path: &Path,
        error: &std::io::Error,
    ) -> Self {
        Self::new(step, action, errno_of(error)).at(path)
    }

    pub(crate) fn at(mut self, path: &Path) -> Self {
        self.path = Some(path.to_owned());
        self
    }

    pub(crate) fn because(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    /// The likely cause and what to do, from the table of known refusals; empty for failures not in it.
    pub fn advice(&self) -> Advice {
        crate::diagnose::advise(self)
    }
}

/// The error number of an I/O error; EIO for one that has none.
pub(crate) fn errno_of(error: &std::io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
}

/// Turns a raw error into a failed step.
pub(crate) trait AtStep<T> {
    fn step(self, step: SandboxStep, action: impl Into<String>) -> Result<T, StepError>;
    fn step_at(
        self,
        step: SandboxStep,
        action: impl Into<String>,
        path: &Path,
    ) -> Result<T, StepError>;
}

impl<T> AtStep<T> for Result<T, Errno> {
    fn step(self, step: SandboxStep, action: impl Into<String>) -> Result<T, StepError> {
        self.map_err(|errno| StepError::new(step, action, errno))
    }
    fn step_at(
        self,
        step: SandboxStep,
        action: impl Into<String>,
        path: &Path,
    ) -> Result<T, StepError> {
        self.map_err(|errno| StepError::new(step, action, errno).at(path))
    }
}

impl<T> AtStep<T> for std::io::Result<T> {
    fn step(self, step: SandboxStep, action: impl Into<String>) -> Result<T, StepError> {
        self.map_err(|e| StepError::new(step, action, errno_of(&e)))
    }
    fn step_at(
        self,
        step: SandboxStep,
        action: impl Into<String>,
        path: &Path,
    ) -> Result<T, StepError> {
        self.map_err(|e| StepError::io(step, action, path, &e))
    }
}

/// Any failure of this crate.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The kernel, or something else outside, refused a step.
    #[error(transparent)]
    Step(#[from] StepError),
    /// The program of a command cannot be executed; separate because front ends answer 126 or 127 for it.
    #[error("cannot execute `{program}` in the container: {source}")]
    Exec {
        /// As given in the command line.
        program: String,
        /// `NotFound`, `PermissionDenied` or what else the system said.
        source: std::io::Error,
    },
    /// A registered function answered with a failure.
    #[error("{message}")]
    Op {
        /// Its registered name.
        op: String,
        /// What it said.
        message: String,
    },
    /// A function was called that nobody registered with `reexec`.
    #[error("no function `{0}` was registered with `reexec`: a fault of rpmkit")]
    UnknownOp(String),
    /// `main` did not call [`crate::reexec`].
    #[error("`rpmkit_sandbox::reexec` was not called first in `main`: a fault of rpmkit")]
    NotRegistered,
    /// Our own child ended without an answer.
    #[error("the sandbox process ended unexpectedly while {0}")]
    Died(String),
    /// Our processes cannot talk to each other.
    #[error("cannot {action}: {source}")]
    Io {
        /// The verb and its object.
        action: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
}

impl SandboxError {
    pub(crate) fn io(action: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { action, source }
    }

    /// Likely cause and remedies, where known.
    pub fn advice(&self) -> Advice {
        match self {
            Self::Step(step) => step.advice(),
            Self::Exec { .. }
            | Self::Op { .. }
            | Self::UnknownOp(_)
            | Self::NotRegistered
            | Self::Died(_)
            | Self::Io { .. } => Advice::default(),
        }
    }
}
