//! Packages that may be installed, and why.

use std::path::{Path, PathBuf};

use super::{RepoSet, error::RepoError, fetcher::Fetcher, gpg};
use rpmkit_types::{Checksum, Package, Trust, Unsigned, VerifyLevel};

/// A package file that was verified by policy, or carries why not. Only a [`Fetcher`] makes them,
/// and only they are installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedPackage {
    path: PathBuf,
    trust: Trust,
}

impl VerifiedPackage {
    /// To be called for a file whose digest is right and whose signature, if `trust` speaks of one,
    /// is good.
    pub(super) fn new(path: PathBuf, trust: Trust) -> Self {
        Self { path, trust }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Why it may be installed.
    pub fn trust(&self) -> &Trust {
        &self.trust
    }
}

impl Fetcher {
    /// What [`Fetcher::download`] would find out about the package before it gives it away. Looks at
    /// keys and at no package.
    ///
    /// # Errors
    /// A signature is asked for, and there are no keys.
    pub fn trust(&self, package: &Package, set: &RepoSet) -> Result<Trust, RepoError> {
        if package.repo.is_empty() {
            return self.trust_in_local_files(set);
        }
        let repo = set
            .find(&package.repo)
            .ok_or_else(|| RepoError::UnknownRepository {
                package: package.nevra.to_string(),
                repo: package.repo.clone(),
            })?;
        match repo.unsigned() {
            Some(why) => Ok(Trust::Unsigned(why)),
            None => Ok(signed(
                self.keys(repo, "gpgcheck")?.name.clone(),
                set.main.verify_level,
            )),
        }
    }

    /// A local file may be signed with a key of any repository.
    fn trust_in_local_files(&self, set: &RepoSet) -> Result<Trust, RepoError> {
        if !set.main.localpkg_gpgcheck {
            return Ok(Trust::Unsigned(Unsigned::LocalFile));
        }
        let mut names = Vec::new();
        for repo in set.enabled().filter(|repo| !repo.gpgkey.is_empty()) {
            // Without its keys nothing is accepted that they alone would make good.
            if let Ok(keys) = self.keys(repo, "localpkg_gpgcheck") {
                names.push(keys.name.clone());
            }
        }
        names.sort();
        names.dedup();
        Ok(signed(
            Checksum::sha256(names.join(" ").as_bytes()).hex,
            set.main.verify_level,
        ))
    }
}

fn signed(keys: String, level: VerifyLevel) -> Trust {
    Trust::Signed {
        policy: gpg::POLICY,
        keys,
        level,
    }
}
