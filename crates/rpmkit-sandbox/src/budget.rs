//! What the commands of a container may use together, for builders of strangers' code.

pub(crate) mod cgroup;
mod disk;
pub(crate) mod meter;
mod tasks;

use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

/// Bounds on what all processes of a container use together, apart from pid 1. They hold while a command runs that is
/// [`crate::Command::counted`]; going over one kills everything inside and ends that command with
/// [`crate::Exit::Exceeded`].
///
/// Memory and processes are bounded by the kernel where we may make a version 2 control group with these controllers. Elsewhere
/// pid 1 watches, ten times a second: then more can be used for a moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageBudget {
    /// Bytes of memory, what lies in file systems in memory included.
    pub memory: Option<u64>,
    /// Processes and threads.
    pub processes: Option<u64>,
    /// Bytes on disk: the overlay's upper directory and `places`.
    pub disk: Option<u64>,
    /// Processor time, of all processors together, one command may use.
    pub cpu: Option<Duration>,
    /// Container paths of mounts whose files count as `disk`; what is mounted below them does not.
    pub places: Vec<PathBuf>,
}

/// Which bound of a [`UsageBudget`] was passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Exceeded {
    /// [`UsageBudget::memory`].
    Memory,
    /// [`UsageBudget::processes`].
    Processes,
    /// [`UsageBudget::disk`].
    Disk,
    /// [`UsageBudget::cpu`].
    Cpu,
}
