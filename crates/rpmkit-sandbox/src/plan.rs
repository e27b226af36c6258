//! The messages our processes exchange.

use crate::budget::Exceeded;
use crate::command::{Leftovers, RunAs};
use crate::error::StepError;
use crate::ids::IdMode;
use crate::spec::{ContainerSpec, Filters, Limit};
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::path::PathBuf;

/// First message to a re-executed child: what it is to become.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Plan {
    /// A container. Descriptors beside it are kept open by pid 1; the last is a listening socket if `listens`.
    Container {
        spec: Box<ContainerSpec>,
        listens: bool,
    },
    /// A registered function. Descriptors: input, output, then the caller's own.
    Call { mode: IdMode, op: String },
    /// A registered function nobody waits for. Descriptor: its input.
    Detached { mode: Option<IdMode>, op: String },
    /// The probe.
    Probe(crate::probe::ProbePlan),
}

/// pid 1's answer to the plan.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Started {
    Ready,
    Failed(StepError),
}

/// Requests to pid 1 on a control socket.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum ControlRequest {
    /// Start a command. Descriptors: the command's own channel, then what `io` asks for.
    Run(Box<RunPlan>),
    /// SIGKILL to everything but pid 1.
    KillAll,
    /// Kill everything and end.
    Stop,
    /// Do not end with the client that started us.
    Stay,
    /// Who is here? Descriptor: where to answer, with [`Reply::Company`].
    Ask,
    /// Give a mount of the root with all below. Descriptor: where to answer, with [`Reply::Root`].
    Root,
    /// End, if nobody else is here. Descriptor and answer as for `Ask`.
    Yield,
}

/// How a command's standard descriptors are made from those sent along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Io {
    /// Three descriptors: input, output, error.
    Fds,
    /// One descriptor, input; output and error are a new terminal.
    PtyOutput,
    /// None: everything is a new, controlling terminal of this size (rows, columns).
    Terminal(u16, u16),
}

/// A command as pid 1 needs it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RunPlan {
    pub(crate) argv: Vec<OsString>,
    pub(crate) env: Vec<(OsString, OsString)>,
    pub(crate) cwd: PathBuf,
    pub(crate) user: RunAs,
    pub(crate) io: Io,
    pub(crate) umask: u32,
    pub(crate) limits: Vec<Limit>,
    pub(crate) counted: bool,
    pub(crate) filters: Option<Filters>,
    pub(crate) read_only_root: bool,
    pub(crate) writable: Vec<PathBuf>,
    pub(crate) leftovers: Leftovers,
}

/// From client to pid 1 on a command's channel.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Order {
    /// Send this signal to the command's process group.
    Signal(i32),
    /// After its end: kill what it left running and answer [`Reply::Gone`].
    KillLeftovers,
}

/// From pid 1 (or from the command's process before it executes) on a command's channel.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Reply {
    /// The master side of the command's terminal comes with this message.
    Terminal,
    /// The process could not be prepared; it ends with 127 at once.
    Failed(StepError),
    /// Ended: exactly one of code and signal. `leftovers`: other processes are still there.
    Exited {
        code: Option<i32>,
        signal: Option<i32>,
        leftovers: bool,
        exceeded: Option<Exceeded>,
    },
    /// Command lines of what was killed.
    Gone(Vec<String>),
    /// A detached mount comes with this message.
    Root,
    /// What the container is, and how many other clients it has.
    Company {
        spec: Box<ContainerSpec>,
        others: usize,
    },
}

/// Answer of a called function: its output is in the memfd, this is how it went.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum OpAnswer {
    Done,
    Said(String),
    Unknown,
    Failed(StepError),
}
