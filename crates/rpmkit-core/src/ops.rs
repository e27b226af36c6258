//! Everything that is done as root of the mode's user namespace, by name.
//!
//! Every `main` hands this table to `rpmkit_sandbox::reexec`, so that the re-executed child knows
//! the operations that its parent calls.

use crate::build::transfer;

pub use rpmkit_sandbox::OpFn;

/// The operations of all crates.
pub const OPS: &[(&str, OpFn)] = &joined();

const PARTS: [&[(&str, OpFn)]; 3] = [rpmkit_store::OPS, rpmkit_pm::OPS, transfer::OPS];
const COUNT: usize = PARTS[0].len() + PARTS[1].len() + PARTS[2].len();

const fn joined() -> [(&'static str, OpFn); COUNT] {
    let mut all = [PARTS[0][0]; COUNT];
    let (mut part, mut at) = (0, 0);
    while part < PARTS.len() {
        let mut nth = 0;
        while nth < PARTS[part].len() {
            all[at] = PARTS[part][nth];
            (nth, at) = (nth + 1, at + 1);
        }
        part += 1;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_has_a_name_of_its_own() {
        let names: std::collections::BTreeSet<&str> = OPS.iter().map(|(name, _)| *name).collect();
        assert_eq!(names.len(), COUNT);
        for name in ["remove-tree", "skeleton", "copy-out"] {
            assert!(names.contains(name), "{name}");
        }
    }
}
