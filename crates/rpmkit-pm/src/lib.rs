//! The embedded package manager: solve, download, and let the target's own rpm install.

mod attempts;
mod dialect;
mod doubts;
mod embedded;
mod error;
mod installed;
mod movable;
mod nearest;
mod offers;
mod reasons;
mod skeleton;
mod space;
mod sysusers;
mod transaction;

pub use attempts::Attempts;
pub use dialect::{Dialect, bytes as short_size};
pub use doubts::Doubts;
pub use embedded::{Embedded, PmParts, after};
pub use error::PmError;
pub use installed::{parse as parse_installed, query_format};
pub use skeleton::{Account, OPS, Skeleton, SkeletonFile};
pub use transaction::TransactionOptions;

/// What tests may ask of hands.
#[cfg(test)]
const TEST_OPS: rpmkit_store::Ops =
    &rpmkit_sandbox::join_ops::<{ rpmkit_store::OPS.len() + OPS.len() }>(&[rpmkit_store::OPS, OPS]);
