//! All kernel work of rpmkit: namespaces, id maps, mounts, seccomp filters, pid 1, ptys.
//!
//! Nothing here needs privilege, a daemon or a program of the host (but `newuidmap` and `newgidmap` in [`IdMode::Sub`]).
//!
//! How it runs: a process may not make a user namespace once it has threads, so every `main` calls [`reexec`] first and we
//! start `/proc/self/exe` again under a hidden name. That child, the *monitor*, stays in the caller's namespaces; it clones
//! the container's pid 1 into new ones, writes its id maps, and waits: when the caller goes, the monitor kills pid 1, and
//! the kernel kills every process and drops every mount with it. pid 1 prepares the root, then takes commands over a socket.
//!
//! - [`Container`]: many commands in one root, [`Command`] and [`Exit`].
//! - [`call`]: one registered function run as root of the mode's user namespace, for work on files of other ids.
//! - [`detach`]: the same, going on after we have ended.
//! - [`present`]: a root shown in the caller's own namespace, for real root.
//! - [`probe`]: what this host allows, step by step, with causes and cures.

mod budget;
mod child;
mod client;
mod command;
mod dev;
mod diagnose;
mod emulate;
mod error;
mod exec;
mod first_mount;
mod ids;
mod init;
mod interactive;
mod kernfs;
mod landlock;
mod leftovers;
mod local;
mod maps;
mod mknod;
mod monitor;
mod mounts;
mod net;
mod ops;
mod output;
mod overlay;
mod overlay_reason;
mod plain;
mod plan;
mod present;
mod probe;
mod probe_steps;
mod processes;
mod pty;
mod reexec;
mod seccomp;
mod setup;
mod sources;
mod spawn;
mod spec;
mod sys;
mod wire;

pub use budget::{Exceeded, UsageBudget};
pub use client::{Container, Killer};
pub use command::{Command, Exit, Finished, Leftovers, Output, RunAs, Stdin, Stream};
pub use diagnose::Advice;
pub use emulate::Emulation;
pub use error::{SandboxError, SandboxStep, StepError};
pub use ids::{IdMode, IdRange, SubIdProblem, SubIds};
pub use landlock::closes_abstract_sockets;
pub use local::TimeZoneName;
pub use ops::{OpFn, call, call_with_fds, detach, join_ops, sent_fds};
pub use output::Lines;
pub use present::{is_ours, is_presented, present, withdraw};
pub use probe::{Probe, ProbeFinding, ProbeRequest, ProbeState, detect, probe};
pub use processes::{RootProcess, end_processes, processes_in};
pub use reexec::reexec;
pub use spec::{
    ContainerSpec, Filters, Limit, Mount, Network, Overlay, Personality, Resource, RootFs,
};
