//! What rpmkit's commands share: the environment they read, the way they speak, how they end.
//!
//! [`frame::run`] is the body of every `main`. A verb gets a [`Context`] and returns a [`VerbResult`];
//! it speaks through [`printer::Printer`] only and reads the environment through [`host::Host`] only.

pub mod args;
mod bug;
pub mod choose;
pub mod complete;
pub mod failure;
pub mod frame;
pub mod history;
pub mod homes;
pub mod host;
pub mod job;
pub mod listen;
pub mod places;
pub mod printer;
pub mod report;
pub mod setup;
pub mod signals;
pub mod sources;
pub mod speclines;
mod steady;
pub mod verb;
pub mod visible;

pub use rpmkit_core::results::nearest;

pub use failure::{Failure, Status, VerbResult};
pub use frame::{Context, parse, run};
pub use host::Host;
pub use printer::{Face, Printer, Tone, Verbosity};
pub use verb::{Verb, run_program};
