//! Who provides what.

use std::collections::HashMap;

use rpmkit_types::Dep;

use crate::{operands, satisfies};

/// Packages, by number, found by what they provide.
#[derive(Debug, Clone, Default)]
pub struct ProvideIndex {
    by_name: HashMap<String, Vec<(usize, Dep)>>,
}

impl ProvideIndex {
    /// Notes that `package` provides `provide`; once is enough.
    pub fn add(&mut self, package: usize, provide: &Dep) {
        let known = self.by_name.entry(provide.name.clone()).or_default();
        if !known
            .iter()
            .any(|(of, one)| *of == package && one == provide)
        {
            known.push((package, provide.clone()));
        }
    }

    /// Whoever answers the requirement, ascending. Where one of several is called just what is required,
    /// it is the one that is meant.
    pub fn providers(&self, requirement: &Dep, name_of: impl Fn(usize) -> String) -> Vec<usize> {
        let mut found = Vec::new();
        let plain;
        let wanted: &[Dep] = if requirement.is_rich() {
            plain = operands(&requirement.name);
            &plain
        } else {
            std::slice::from_ref(requirement)
        };
        for one in wanted {
            let answers = self.by_name.get(&one.name).into_iter().flatten();
            let mut mine: Vec<usize> = answers
                .filter(|(_, provide)| satisfies(one, provide))
                .map(|(package, _)| *package)
                .collect();
            if mine.len() > 1
                && let Some(same) = mine.iter().copied().find(|p| name_of(*p) == one.name)
            {
                mine = vec![same];
            }
            found.extend(mine);
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}
