//! Everything that is done as root of the mode's user namespace, by name.
//!
//! Every `main` hands this table to `rpmkit_sandbox::reexec`, so that the re-executed child knows
//! the operations that its parent calls.

use rpmkit_sandbox::join_ops;

use crate::build::{hints::reports, transfer};

pub use rpmkit_sandbox::OpFn;

/// The operations of all crates.
pub const OPS: &[(&str, OpFn)] = &join_ops::<COUNT>(&[
    rpmkit_store::OPS,
    rpmkit_pm::OPS,
    transfer::OPS,
    reports::OPS,
]);

const COUNT: usize =
    rpmkit_store::OPS.len() + rpmkit_pm::OPS.len() + transfer::OPS.len() + reports::OPS.len();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_has_a_name_of_its_own() {
        let names: std::collections::BTreeSet<&str> = OPS.iter().map(|(name, _)| *name).collect();
        assert_eq!(names.len(), COUNT);
        for name in ["remove-tree", "skeleton", "copy-out", "test-reports"] {
            assert!(names.contains(name), "{name}");
        }
    }
}
