//! Looking at what repositories offer, and where packages can be had.

use std::collections::HashMap;

use super::{Embedded, PmError};
use rpmkit_solve::{Available, HeldFile, available, holders};
use rpmkit_types::{Location, Package};

impl Embedded {
    /// Hands every package on offer to `each`.
    pub fn available(&self, each: impl FnMut(Available)) -> Result<(), PmError> {
        Ok(available(self.metadata()?, each)?)
    }

    /// Which packages hold files that `wanted` takes, and the repositories whose file lists are not at
    /// hand; with `fetch` they are fetched.
    ///
    /// # Errors
    /// When a file list cannot be fetched or read.
    pub fn holders(
        &self,
        fetch: bool,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<(Vec<HeldFile>, Vec<String>), PmError> {
        Ok(holders(self.metadata()?, fetch, wanted)?)
    }

    /// The URL a package came from; `None` for one that is of no repository known here.
    pub fn location(&self, package: &Package) -> Result<Option<String>, PmError> {
        if package.repo.is_empty() || package.location.href.is_empty() {
            return Ok(None);
        }
        self.url(&package.location, &package.repo)
    }

    /// The URL of a place in a repository; `None` for a repository not known here.
    pub fn url(&self, place: &Location, repo: &str) -> Result<Option<String>, PmError> {
        match self.repos().find(repo) {
            Some(repo) => Ok(Some(self.fetcher().package_url(place, repo)?)),
            None => Ok(None),
        }
    }

    /// URLs, by `NAME-VERSION-RELEASE.ARCH`, of those of `wanted` that are on offer. The first repository
    /// that has one counts.
    pub fn offered(&self, wanted: &[String]) -> Result<HashMap<String, String>, PmError> {
        let mut found: HashMap<String, (String, Location)> = HashMap::new();
        self.available(|package| {
            let name = package.nvra();
            if wanted.contains(&name) {
                let location = Location {
                    href: package.href,
                    base: package.base,
                };
                found.entry(name).or_insert((package.repo, location));
            }
        })?;
        let mut urls = HashMap::new();
        for (name, (repo, location)) in found {
            if let Some(repo) = self.repos().find(&repo) {
                urls.insert(name, self.fetcher().package_url(&location, repo)?);
            }
        }
        Ok(urls)
    }
}
