//! A command to run in a container, and how it ended.

use crate::budget::Exceeded;
use crate::spec::{Filters, Limit};
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// A command. Its environment is exactly what is given: nothing is inherited.
#[derive(Debug, Clone)]
pub struct Command {
    /// Program and arguments; a program without `/` is looked up in `PATH` of `env`, inside the container.
    pub argv: Vec<OsString>,
    /// The whole environment.
    pub env: Vec<(OsString, OsString)>,
    /// A directory inside that the command has as its `/`.
    pub root: Option<PathBuf>,
    /// Working directory inside.
    pub cwd: PathBuf,
    /// Who runs it.
    pub user: RunAs,
    /// Its standard input.
    pub stdin: Stdin,
    /// Its standard output and error.
    pub output: Output,
    /// SIGTERM to its process group after this long, SIGKILL one second later.
    pub timeout: Option<Duration>,
    /// File mode creation mask.
    pub umask: u32,
    /// Limits, after those of the container.
    pub limits: Vec<Limit>,
    /// Counts against the container's [`crate::Budget`].
    pub counted: bool,
    /// Own filters. None: those of the container for [`RunAs::Root`], no filters for others.
    pub filters: Option<Filters>,
    /// Runs on a read-only view of `/` itself; mounts below it keep their state.
    pub read_only_root: bool,
    /// Directories that stay writable on it; those that are not there are passed over.
    pub writable: Vec<PathBuf>,
    /// What becomes of processes it leaves behind.
    pub leftovers: Leftovers,
}

impl Command {
    /// A command as container root in `/`, with no environment but `PATH`, empty input, output to two streams.
    pub fn new<S: Into<OsString>>(argv: impl IntoIterator<Item = S>) -> Self {
        Self {
            argv: argv.into_iter().map(Into::into).collect(),
            env: vec![("PATH".into(), "/usr/bin:/bin:/usr/sbin:/sbin".into())],
            root: None,
            cwd: PathBuf::from("/"),
            user: RunAs::Root,
            stdin: Stdin::Null,
            output: Output::Separate,
            timeout: None,
            umask: 0o022,
            limits: Vec::new(),
            counted: false,
            filters: None,
            read_only_root: false,
            writable: Vec::new(),
            leftovers: Leftovers::Kill,
        }
    }

    /// Sets one variable, replacing an earlier value.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        let name = name.into();
        self.env.retain(|(known, _)| *known != name);
        self.env.push((name, value.into()));
        self
    }

    /// Runs it below another root.
    #[must_use]
    pub fn root(mut self, dir: impl Into<PathBuf>) -> Self {
        self.root = Some(dir.into());
        self
    }

    /// Sets the working directory.
    #[must_use]
    pub fn cwd(mut self, dir: impl Into<PathBuf>) -> Self {
        self.cwd = dir.into();
        self
    }

    /// Sets the user.
    #[must_use]
    pub fn user(mut self, user: RunAs) -> Self {
        self.user = user;
        self
    }

    /// Sets the standard input.
    #[must_use]
    pub fn stdin(mut self, stdin: Stdin) -> Self {
        self.stdin = stdin;
        self
    }

    /// Sets where output goes.
    #[must_use]
    pub fn output(mut self, output: Output) -> Self {
        self.output = output;
        self
    }

    /// Sets the time allowed.
    #[must_use]
    pub fn timeout(mut self, time: Duration) -> Self {
        self.timeout = Some(time);
        self
    }
}

/// Who a command runs as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RunAs {
    /// Root of the container, with all capabilities the mode has.
    Root,
    /// This user and group, no supplementary groups, no capabilities. In [`crate::IdMode::Single`] a nested user namespace:
    /// the process sees these ids, and every file of the container as its own, so give it a read-only root.
    Id {
        /// User id inside.
        uid: u32,
        /// Group id inside.
        gid: u32,
    },
}

/// Standard input of a command.
#[derive(Debug, Clone)]
pub enum Stdin {
    /// Empty.
    Null,
    /// The caller's own.
    Inherit,
    /// These bytes.
    Bytes(Vec<u8>),
    /// An open file, pipe or socket.
    Fd(Arc<OwnedFd>),
}

/// Standard output and error of a command.
#[derive(Debug, Clone)]
pub enum Output {
    /// Two pipes to the callback. Order between the two is not kept.
    Separate,
    /// One pipe for both, in the order written, to the callback as [`Stream::Stdout`].
    Merged,
    /// A terminal of 80 × 24 as output (input stays as chosen), to the callback as [`Stream::Stdout`].
    Pty,
    /// The caller's own.
    Inherit,
    /// Thrown away.
    Null,
    /// Open files for standard output and error.
    Fds(Arc<OwnedFd>, Arc<OwnedFd>),
}

/// What becomes of processes that a command leaves running.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Leftovers {
    /// They get a second to close the output, then SIGKILL.
    Kill,
    /// They stay until the container stops; output is no longer read a second after the command ended.
    Keep,
}

/// Which stream a piece of output came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output, or both when merged.
    Stdout,
    /// Standard error.
    Stderr,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Exit {
    /// It returned this.
    Code(i32),
    /// This signal killed it.
    Signal(i32),
    /// It was stopped because its time was over.
    TimedOut,
    /// It was stopped because the container's budget was used up.
    Exceeded(Exceeded),
}

impl Exit {
    /// Whether it returned 0.
    pub fn success(self) -> bool {
        self == Self::Code(0)
    }

    /// The number a shell would show: 128 + signal for a killed one, 137 for one that used too much, 124 for a time-out as timeout(1) has it.
    pub fn shell_code(self) -> i32 {
        match self {
            Self::Code(code) => code,
            Self::Signal(signal) => 128 + signal,
            Self::TimedOut => 124,
            Self::Exceeded(_) => 128 + libc::SIGKILL,
        }
    }
}

/// A finished command, with what it left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// How it ended.
    pub exit: Exit,
    /// Command lines of processes that were still there and were killed.
    pub killed: Vec<String>,
}
