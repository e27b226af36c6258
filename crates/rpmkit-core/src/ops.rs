//! Everything the core does as root of the mode's user namespace, by name.
//!
//! Every `main` hands this table to `rpmkit_sandbox::reexec`, so that the re-executed child knows
//! the operations that its parent calls.

use crate::{build::transfer, pm, store::ops as store};

pub use rpmkit_sandbox::OpFn;

/// The operations by name.
pub const OPS: &[(&str, OpFn)] = &[
    ("remove-tree", store::remove_tree),
    ("copy-tree", store::copy_tree),
    ("flatten", store::flatten),
    ("diff", store::diff),
    ("usage", store::usage),
    ("housekeep", store::housekeep),
    ("pack", store::pack),
    ("unpack-archive", store::unpack_archive),
    ("skeleton", pm::skeleton::operation),
    ("copy-in", transfer::copy_in),
    ("copy-out", transfer::copy_out),
    ("remove-files", transfer::remove_files),
];
