//! What the solver answers.

use serde::{Deserialize, Serialize};

use rpmkit_types::{Nevra, Package};

/// Why a package is part of the solution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reason {
    /// It was asked for.
    User,
    /// Another package needs it.
    Dependency,
    /// Another package recommends it, or it supplements one.
    Weak,
    /// It goes as nobody needs it any more.
    Clean,
}

/// Installed packages that give way to a new one (upgrade, downgrade, reinstallation, obsoletes).
/// rpm removes them itself when it installs the new one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replacement {
    /// What comes.
    pub new: Nevra,
    /// What goes for it.
    pub old: Vec<Nevra>,
}

/// An exact, ordered answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Solution {
    /// What to install, by name, then version, then architecture.
    pub install: Vec<Package>,
    /// Why; one for each of `install`.
    pub reasons: Vec<Reason>,
    /// Places in `install` in the order in which the target's package manager hands packages to rpm. Empty
    /// where nobody asked for one: as they are.
    #[serde(default)]
    pub order: Vec<usize>,
    /// What to remove without replacement, in the same order.
    pub remove: Vec<Package>,
    /// Why; one for each of `remove`.
    pub remove_reasons: Vec<Reason>,
    /// What replaces what.
    pub replaced: Vec<Replacement>,
    /// Specs nothing matched, when the request was not strict, and group members that do not exist.
    pub skipped: Vec<String>,
}

impl Solution {
    /// True when nothing has to be done.
    pub fn is_empty(&self) -> bool {
        self.install.is_empty() && self.remove.is_empty()
    }

    /// What belongs to each package of `install`, in the order for rpm.
    pub fn ordered<'a, T>(&self, of_each: &'a [T]) -> Vec<&'a T> {
        if self.order.len() == of_each.len() {
            self.order.iter().filter_map(|&n| of_each.get(n)).collect()
        } else {
            of_each.iter().collect()
        }
    }

    /// Bytes to download, were nothing cached.
    pub fn download_size(&self) -> u64 {
        self.install.iter().map(|p| p.size).sum()
    }
}
