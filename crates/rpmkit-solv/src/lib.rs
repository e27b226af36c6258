//! A safe face on libsolv, the dependency solver dnf uses.
//!
//! The whole of rpmkit's contact with the C library is here. [`Pool`] holds packages and their
//! dependencies, is filled package by package through [`Pool::add_package`], written to and read
//! from binary caches ([`Pool::write_solv`], [`Pool::read_solv`]) and asked through [`Pool::solve`].
//! Ids ([`Id`], [`SolvId`]) are only good for the pool that gave them; every method checks their
//! range, so that a foreign id gives a wrong answer or a panic but never touches foreign memory.
//!
//! libsolv's choices between equal candidates depend on its sort being stable, which libcs do not
//! promise. So this crate defines `qsort_r` itself: see [`sort`].
//!
//! A pool belongs to one thread: it is neither `Send` nor `Sync`.

mod ffi;
mod known;
mod pool;
mod problem;
mod queue;
mod read;
mod repo;
mod solver;
pub mod sort;

pub use pool::{Id, Pool, PoolError, RelOp, RepoId, SolvId};
pub use problem::{Problem, Rule, RuleKind};
pub use repo::{DepKind, PackageData};
pub use solver::{Job, JobAction, JobSelect, Reason, Solved, SolverFlags, SolverOutcome, Step};

#[cfg(test)]
mod tests;
