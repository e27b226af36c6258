//! Looking at what repositories offer, and where packages can be had.

use std::{collections::HashMap, path::PathBuf};

use super::{Embedded, PmError};
use rpmkit_solve::{
    Available, Comps, HeldFile, ModuleStream, Solver, available, available_with_relations, holders,
    module_streams,
};
use rpmkit_types::{Location, Package};

impl Embedded {
    /// Hands every package on offer to `each`.
    pub fn available(&self, each: impl FnMut(Available)) -> Result<(), PmError> {
        Ok(available(self.metadata()?, each)?)
    }

    /// The same with what packages need and refuse.
    pub fn available_with_relations(&self, each: impl FnMut(Available)) -> Result<(), PmError> {
        Ok(available_with_relations(self.metadata()?, each)?)
    }

    /// The groups of all repositories.
    pub fn comps(&self) -> Result<Comps, PmError> {
        let repos = self.metadata()?;
        let mut solver = Solver::new(self.arch(), repos, &[], self.solver_cache());
        Ok(solver.comps()?.clone())
    }

    /// The module streams of all repositories.
    pub fn module_streams(&self) -> Result<Vec<ModuleStream>, PmError> {
        Ok(module_streams(self.metadata()?)?)
    }

    /// Downloads packages; where each is.
    pub fn fetch(&self, packages: &[Package]) -> Result<Vec<PathBuf>, PmError> {
        let files = self.download(packages)?;
        Ok(files.iter().map(|file| file.path().to_owned()).collect())
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
