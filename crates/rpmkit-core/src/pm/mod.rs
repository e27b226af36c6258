//! The embedded package manager: solve, download, and let the target's own rpm install.

mod installed;
mod skeleton;

pub use skeleton::{Skeleton, SkeletonFile};
