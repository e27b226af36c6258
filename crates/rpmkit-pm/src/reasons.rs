//! Why packages are in a root, as far as removing needs to know.

use std::collections::BTreeSet;

use rpmkit_solve::{Reason, Solution};

/// Names of what nobody asked for, after `solution`. What is only brought up to date stays what it was.
pub(super) fn dependencies(before: &BTreeSet<String>, solution: &Solution) -> BTreeSet<String> {
    let mut names = before.clone();
    for package in &solution.remove {
        names.remove(&package.nevra.name);
    }
    for (package, reason) in std::iter::zip(&solution.install, &solution.reasons) {
        let name = &package.nevra.name;
        let known = solution
            .replaced
            .iter()
            .any(|r| r.new == package.nevra && r.old.iter().any(|old| old.name == *name));
        match reason {
            _ if known => {}
            Reason::Dependency | Reason::Weak => {
                names.insert(name.clone());
            }
            Reason::User | Reason::Clean => {
                names.remove(name);
            }
        }
    }
    names
}
