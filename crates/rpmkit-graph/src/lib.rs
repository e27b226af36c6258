//! Chains of packages as graphs: who waits for whom, which circles there are, what may be built next.
//!
//! [`ChainGraph::new`] makes a graph of packages with what they require and provide; a [`JobScheduler`]
//! knows what is ready, in which order and within which limits; [`drive`] joins it with an [`Executor`],
//! the only part that does anything. [`SimulatedExecutor`] does nothing and takes no time.

mod capability;
mod cycles;
mod drive;
mod executor;
mod graph;
mod provides;
mod schedule;
mod simulated;

pub use capability::{operands, satisfies};
pub use cycles::{Cycle, CycleStep};
pub use drive::{ChainObserver, DrivePolicy, Reaction, drive};
pub use executor::{Executor, ExecutorError, JobEnd, JobTicket};
pub use graph::{ChainGraph, ChainPackage, GraphNode, NodeId, NodeNeed, NodeStage, PackageDeps};
pub use provides::ProvideIndex;
pub use schedule::{JobEstimate, JobLimits, JobScheduler, JobState};
pub use simulated::SimulatedExecutor;
