//! Packages in a root that nobody verified, judged by what is asked for now.

use std::collections::BTreeSet;

use super::{Embedded, PmError};
use rpmkit_repo::VerifiedPackage;
use rpmkit_store::chroot::Unchecked;
use rpmkit_types::{Package, Trust, Unsigned};

/// What is to be said of a root that packages were installed in without a look at their signatures.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Doubts {
    /// Repositories that ask for signatures now; the empty name stands for local files.
    pub unverified: BTreeSet<String>,
    /// Repositories that this configuration, which asks for signatures everywhere, does not have.
    pub strange: BTreeSet<String>,
    /// An older rpmkit made part of the root and did not write down what it looked at.
    pub unknown: bool,
}

impl Doubts {
    /// There are none.
    pub fn none(&self) -> bool {
        *self == Self::default()
    }
}

impl Embedded {
    /// Judges a root.
    pub fn doubts(&self, unchecked: &Unchecked) -> Doubts {
        let main = &self.repos().main;
        let checks: Vec<bool> = self.repos().enabled().map(|r| r.common.gpgcheck).collect();
        let mut doubts = Doubts {
            unknown: unchecked.unknown && checks.contains(&true),
            ..Doubts::default()
        };
        for id in &unchecked.repos {
            let asked = match id.as_str() {
                "" => Some(main.localpkg_gpgcheck),
                id => self.repos().find(id).map(|repo| repo.common.gpgcheck),
            };
            match asked {
                Some(true) => drop(doubts.unverified.insert(id.clone())),
                Some(false) => {}
                None if checks.contains(&false) => {}
                None => drop(doubts.strange.insert(id.clone())),
            }
        }
        doubts
    }

    /// Repositories of those among these packages whose signatures nobody is going to look at.
    ///
    /// # Errors
    /// As for [`rpmkit_repo::Fetcher::trust`].
    pub fn unchecked(&self, packages: &[Package]) -> Result<BTreeSet<String>, PmError> {
        let mut repos = BTreeSet::new();
        for package in packages {
            if is_unchecked(&self.fetcher().trust(package, self.repos())?) {
                repos.insert(package.repo.clone());
            }
        }
        Ok(repos)
    }
}

/// Repositories of packages that were taken without a look at their signature.
pub(super) fn unsigned(packages: &[Package], files: &[VerifiedPackage]) -> BTreeSet<String> {
    std::iter::zip(packages, files)
        .filter(|(_, file)| is_unchecked(file.trust()))
        .map(|(package, _)| package.repo.clone())
        .collect()
}

/// Results of the same chain are no matter of `gpgcheck`.
fn is_unchecked(trust: &Trust) -> bool {
    matches!(
        trust,
        Trust::Unsigned(Unsigned::GpgcheckOff(_) | Unsigned::LocalFile)
    )
}
