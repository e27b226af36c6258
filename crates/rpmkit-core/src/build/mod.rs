//! The pipeline: source package → build requirements to a fixed point → rpmbuild → results.

mod macros;
pub(crate) mod transfer;

pub use macros::{RpmbuildOptions, ShortCircuit, Stage, rpmmacros, shell_word};
pub use transfer::{Item, Owner};
