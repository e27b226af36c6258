//! Work on the files of layers, done as root of the mode's user namespace.
//!
//! Each operation is called by name (`crate::table`) and holds no state. They never follow symbolic links of the
//! trees they work on.

mod copy;
mod diff;
mod error;
mod housekeep;
mod merge;
mod remove;
mod usage;

pub use copy::CopyTree;
pub use diff::{Change, ChangeKind, Diff};
pub use housekeep::Housekeep;
pub use merge::Flatten;
pub use remove::RemoveTree;
pub use usage::{Usage, UsageOf};

pub(crate) use copy::{attributes, copy_tree};
pub(crate) use diff::diff;
pub(crate) use error::{OpAt, OpError};
pub(crate) use housekeep::{housekeep, keep_safe, sync_layers};
pub(crate) use merge::{flatten, walk};
pub(crate) use remove::remove_tree as delete;
pub(crate) use usage::{KEPT, keep_usage, usage};
