//! The pipeline: source package → build requirements to a fixed point → rpmbuild → results.

mod buildroot;
mod conventions;
mod emulation;
mod engine;
mod error;
mod failure_report;
pub mod hints;
mod hooks;
mod limits;
mod macros;
mod narrative;
mod plugins;
mod rebuild;
mod repositories;
mod rpmbuild;
mod run;
mod skeleton;
mod source;
pub(crate) mod transfer;
mod tree;
mod undone;

pub use buildroot::{Buildroot, ChrootAccess};
pub use conventions::Shared;
pub use engine::{Engine, Surroundings, scratch};
pub use error::BuildError;
pub use failure_report::{About, failure_report};
pub use hooks::traced;
pub use macros::{BuildStage, ResumeFrom, RpmbuildOptions, ShortCircuit, rpmmacros, shell_word};
pub use narrative::plugins_loaded;
pub use plugins::compress_logs;
pub use rebuild::{Built, Rebuild, rebuild, supersede};
pub use repositories::{added_repository, repositories_of};
pub use run::{Ran, Run};
pub use source::{InChroot, MakeSource, source_package};
pub use transfer::{CopyItem, ItemOwner};
pub use tree::DirContents;
