//! Metadata of a repository: what is cached, whether it is still good, and getting it anew.
//!
//! ```text
//! metadata/repos-1/ID-HASH/   repomd.xml, state.json, lock    one for each set of addresses
//! metadata/files-1/KIND-HEX.TYPE                              verified files, by digest
//! ```
//! `state.json` is written last, by rename; without it, or in another format, everything is
//! fetched again. Metadata files are named by their digest and appear by rename after they were
//! verified; that they still are as they were then is known of each file (see [`super::memo`]).

use std::{
    path::{Path, PathBuf},
    sync::{Arc, PoisonError},
    time::Duration,
};

use super::{
    conf::{Expire, RepoSet, Repository},
    contents::{REPOMD, RepoContents, unavailable},
    disk::{CacheLock, replace},
    error::RepoError,
    fetcher::{Fetcher, as_cause},
    memo::Look,
    progress::Meter,
    repomd::{Record, Repomd},
    state::{FORMAT, RepoState, now, read_state, record_name},
};
use rpmkit_fetch::{
    Address, FetchCause, Mirrors,
    transfer::{self, Expect},
};
use rpmkit_openpgp::SignatureProblem;
use rpmkit_types::{Checksum, MAX_METADATA, Packed, event::Phase};

/// Verified metadata of one repository.
#[derive(Debug, Clone)]
pub struct RepoData {
    /// Id of the repository.
    pub id: String,
    /// SHA-256 of `repomd.xml`: the name of this state of the repository.
    pub key: String,
    /// Revision text of `repomd.xml`.
    pub revision: String,
    /// Package list, compressed as it came.
    pub primary: PathBuf,
    /// Groups, where the repository has them and `enablegroups` is on.
    pub comps: Option<PathBuf>,
    /// Module definitions, where the repository has them.
    pub modules: Option<PathBuf>,
    /// The file list, to be had by [`Fetcher::filelists`].
    filelists: Option<Record>,
    /// What the table of contents promises of the files' contents.
    open_sizes: Vec<(PathBuf, u64)>,
}

impl RepoData {
    /// One of the files, with the size its content has to have.
    pub fn packed(&self, path: &Path) -> Packed {
        let known = self.open_sizes.iter().find(|(of, _)| of == path);
        Packed {
            path: path.to_owned(),
            open_size: known.map(|(_, size)| *size),
        }
    }
}

impl Fetcher {
    /// Metadata of every enabled repository, in the order of the set, several at a time. One that
    /// cannot be had is left out with a warning when its `skip_if_unavailable` is on.
    pub fn refresh_all(&self, set: &RepoSet) -> Result<Vec<RepoData>, RepoError> {
        let repos: Vec<&Repository> = set.enabled().collect();
        let outcomes = super::parallel::map(self.options.parallel.max(1), &repos, |repo| {
            self.refresh(repo)
        });
        self.memo.save()?;
        let mut all = Vec::new();
        for (repo, outcome) in repos.iter().zip(outcomes) {
            match outcome {
                Ok(data) => all.push(data),
                Err(error) if repo.common.skip_if_unavailable && error.skippable() => {
                    self.events.warn(format!(
                        "going on without repository `{}`: {error}",
                        repo.id
                    ));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(all)
    }

    /// Metadata of one repository: from the cache while it is fresh by `metadata_expire`, else
    /// after asking the server, which transfers only what has changed.
    pub fn refresh(&self, repo: &Repository) -> Result<RepoData, RepoError> {
        let started = now();
        let dir = self.repo_dir(repo);
        let cached = read_state(&dir);
        if let Some((state, contents)) = &cached {
            super::prune::mark_used(&dir);
            let good = self.signature_known(repo, state);
            if good
                && self.fresh(repo, state)
                && let Some(data) = self.present(repo, contents)
            {
                self.remember(&dir, &state.bases);
                return Ok(data);
            }
        }
        let offline = self.options.offline && !all_local(repo);
        if offline {
            // Not fresh by the above means: not there, incomplete, or never verified.
            return Err(RepoError::Offline {
                repo: repo.id.clone(),
                what: REPOMD.to_owned(),
            });
        }
        let _lock = CacheLock::take(&dir.join("lock"))?;
        // Whoever held the lock before may have done the work just now.
        let cached = read_state(&dir);
        if let Some((state, contents)) = &cached
            && state.checked > started.as_secs()
            && self.signature_known(repo, state)
            && let Some(data) = self.present(repo, contents)
        {
            self.remember(&dir, &state.bases);
            return Ok(data);
        }
        self.update(repo, &dir, cached)
    }

    /// The file list of a repository, if it was fetched before.
    pub fn filelists_at_hand(&self, data: &RepoData) -> Option<PathBuf> {
        self.have(data.filelists.as_ref()?)
    }

    /// The file list of a repository, fetched when it is first asked for. `None` when the
    /// repository has none.
    pub fn filelists(
        &self,
        repo: &Repository,
        data: &RepoData,
    ) -> Result<Option<PathBuf>, RepoError> {
        let Some(record) = &data.filelists else {
            return Ok(None);
        };
        if let Some(path) = self.have(record) {
            return Ok(Some(path));
        }
        if self.options.offline && !all_local(repo) {
            return Err(RepoError::Offline {
                repo: repo.id.clone(),
                what: record.href.clone(),
            });
        }
        let mirrors = self.mirrors_of(repo)?;
        let label = format!("{} filelists", repo.id);
        let meter = Meter::new(
            &self.events,
            Phase::Metadata,
            label,
            record.size.unwrap_or(0),
        );
        let path = self
            .fetch_record(repo, &mirrors, record, &meter)
            .map_err(|(_, error)| error)?;
        meter.finish();
        Ok(Some(path))
    }

    /// Addresses of a repository that was refreshed before, or else found out now.
    pub(super) fn mirrors_of(&self, repo: &Repository) -> Result<Arc<Mirrors>, RepoError> {
        let dir = self.repo_dir(repo);
        let known = self
            .mirrors
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&dir)
            .cloned();
        if let Some(mirrors) = known {
            return Ok(mirrors);
        }
        let cached = read_state(&dir).map(|(state, _)| state.bases);
        let bases = match cached {
            Some(bases) => bases,
            None => self.bases(repo, None)?.0,
        };
        Ok(self.remember(&dir, &bases))
    }

    fn remember(&self, dir: &Path, bases: &[String]) -> Arc<Mirrors> {
        let mut all = self.mirrors.lock().unwrap_or_else(PoisonError::into_inner);
        let addresses: Vec<Address> = bases
            .iter()
            .filter_map(|base| Address::parse(base).ok())
            .collect();
        if let Some(known) = all.get(dir)
            && known.addresses().eq(addresses.iter())
        {
            return Arc::clone(known);
        }
        let mirrors = Arc::new(Mirrors::new(addresses));
        all.insert(dir.to_owned(), Arc::clone(&mirrors));
        mirrors
    }

    /// The cache directory of a repository: other addresses are another repository.
    pub(super) fn repo_dir(&self, repo: &Repository) -> PathBuf {
        let addresses = format!(
            "{:?} {:?} {:?}",
            repo.baseurl, repo.mirrorlist, repo.metalink
        );
        let hash = Checksum::sha256(addresses.as_bytes()).hex;
        let name = format!("{}-{}", repo.id, &hash[..16]);
        self.dirs.metadata.join("repos-1").join(name)
    }

    /// Whether the cached state may be used without asking.
    fn fresh(&self, repo: &Repository, state: &RepoState) -> bool {
        if all_local(repo) {
            // Looking is as cheap as reading the cache.
            return false;
        }
        if self.options.offline {
            return true;
        }
        if self.options.refresh {
            return false;
        }
        match repo.common.metadata_expire {
            Expire::Never => true,
            Expire::After(span) => {
                let age = now().checked_sub(Duration::from_secs(state.checked));
                // A time in the future says nothing.
                age.is_some_and(|age| age < span)
            }
        }
    }

    /// Whether the signature was checked by the policy, and with the keys, of now.
    pub(super) fn signature_known(&self, repo: &Repository, state: &RepoState) -> bool {
        let known = |signed: &String| {
            let keys = self.keys(repo, "repo_gpgcheck");
            keys.is_ok_and(|keys| keys.claim() == *signed)
        };
        !repo.common.repo_gpgcheck || state.signed.as_ref().is_some_and(known)
    }

    /// The cached files, if all are there.
    fn present(&self, repo: &Repository, contents: &(Vec<u8>, Repomd)) -> Option<RepoData> {
        let (data, repomd) = contents;
        // Any variant will do; which one is there depends on what the server had.
        let any = |variants: &[&Record]| variants.iter().find_map(|record| self.have(record));
        let optional = |variants: &[&Record]| match variants {
            [] => Some(None),
            variants => any(variants).map(Some),
        };
        let comps = match repo.common.enablegroups {
            true => repomd.comps(),
            false => Vec::new(),
        };
        Some(RepoData {
            id: repo.id.clone(),
            key: Checksum::sha256(data).hex,
            revision: repomd.revision.clone(),
            primary: any(&repomd.variants(&["primary"]))?,
            comps: optional(&comps)?,
            modules: optional(&repomd.modules())?,
            filelists: repomd.find(&["filelists"]).cloned(),
            open_sizes: repomd
                .records
                .iter()
                .filter_map(|record| Some((self.record_path(record), record.open_size?)))
                .collect(),
        })
    }

    fn record_path(&self, record: &Record) -> PathBuf {
        self.dirs.metadata.join("files-1").join(record_name(record))
    }

    /// A metadata file of the cache, if its digest is right. One that is not as it should be is fetched
    /// again, and that is said.
    fn have(&self, record: &Record) -> Option<PathBuf> {
        let path = self.record_path(record);
        let file = Look::at(&path).ok().filter(|file| file.meta.is_file())?;
        let claim = record.checksum.to_string();
        if self.memo.holds(&file, &claim) {
            return Some(path);
        }
        let found = super::packages::hash_file(&path, &record.checksum).ok()?;
        if found != record.checksum {
            let text = format!(
                "metadata in the cache is damaged and is fetched again: `{}`",
                path.display()
            );
            let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
            if said.insert(text.clone()) {
                self.events.warn(text);
            }
            return None;
        }
        self.memo.note(&file, &claim);
        Some(path)
    }

    /// Asks the servers, and gets what is missing.
    fn update(
        &self,
        repo: &Repository,
        dir: &Path,
        cached: Option<(RepoState, (Vec<u8>, Repomd))>,
    ) -> Result<RepoData, RepoError> {
        let (bases, versions) = self.bases(repo, cached.as_ref().map(|(state, _)| state))?;
        let mirrors = self.remember(dir, &bases);
        let mut again = false;
        loop {
            let known = cached.as_ref().filter(|_| !again);
            let contents = match self.contents(repo, &mirrors, &versions, known, again) {
                // Table and signature may be of two versions: once more, past all caches.
                Err(RepoError::Signature {
                    problem: SignatureProblem::Wrong { .. },
                    ..
                }) if !again => {
                    again = true;
                    continue;
                }
                other => other?,
            };
            let contents = self.settle(repo, &mirrors, contents)?;
            match self.fetch_all(repo, &mirrors, &contents) {
                Ok(()) => {
                    let old = cached.as_ref().map(|(state, _)| state);
                    return self.keep(repo, dir, &bases, old, contents);
                }
                // The repository may have changed between its table of contents and this.
                Err((stale, _)) if stale && !again => again = true,
                Err((_, error)) => return Err(error),
            }
        }
    }

    /// Writes down what was fetched, if it is anything new.
    fn keep(
        &self,
        repo: &Repository,
        dir: &Path,
        bases: &[String],
        old: Option<&RepoState>,
        contents: RepoContents,
    ) -> Result<RepoData, RepoError> {
        let state = RepoState {
            format: FORMAT,
            checked: now().as_secs(),
            repomd: Checksum::sha256(&contents.data).hex,
            base: contents.base.shown(),
            bases: bases.to_vec(),
            validators: contents.validators.clone(),
            signed: contents.signed.clone(),
        };
        // The time of asking matters only where there is a time of expiry.
        let ages = !all_local(repo) && repo.common.metadata_expire != Expire::After(Duration::ZERO);
        let same = old.is_some_and(|old| {
            old.repomd == state.repomd
                && old.base == state.base
                && old.bases == state.bases
                && old.validators == state.validators
                && old.signed == state.signed
        });
        if same && !ages {
            return self.gathered(repo, contents);
        }
        let text = serde_json::to_vec(&state).map_err(|e| {
            RepoError::io("write", dir.join("state.json"))(std::io::Error::other(e))
        })?;
        replace(&dir.join("repomd.xml"), &contents.data)?;
        replace(&dir.join("state.json"), &text)?;
        self.gathered(repo, contents)
    }

    /// The files, which have all just been seen.
    fn gathered(&self, repo: &Repository, contents: RepoContents) -> Result<RepoData, RepoError> {
        self.present(repo, &(contents.data, contents.repomd))
            .ok_or_else(|| RepoError::Metadata {
                repo: repo.id.clone(),
                url: contents.base.shown(),
                reason: "a metadata file vanished from the cache just after it was fetched"
                    .to_owned(),
            })
    }

    /// Gets the files every run needs, side by side. The flag of the error tells that another
    /// `repomd.xml` might help.
    fn fetch_all(
        &self,
        repo: &Repository,
        mirrors: &Mirrors,
        contents: &RepoContents,
    ) -> Result<(), (bool, RepoError)> {
        let repomd = &contents.repomd;
        let comps = match repo.common.enablegroups {
            true => repomd.comps(),
            false => Vec::new(),
        };
        let missing: Vec<Vec<&Record>> = [repomd.variants(&["primary"]), comps, repomd.modules()]
            .into_iter()
            .filter(|variants| !variants.is_empty())
            .filter(|variants| variants.iter().all(|record| self.have(record).is_none()))
            .collect();
        let sizes = missing.iter().filter_map(|variants| variants[0].size);
        let total = sizes.fold(0, u64::saturating_add);
        let meter = Meter::new(&self.events, Phase::Metadata, repo.id.clone(), total);
        super::parallel::map(missing.len().max(1), &missing, |variants| {
            self.fetch_variant(repo, mirrors, variants, &meter)
        })
        .into_iter()
        .try_for_each(|outcome| outcome.map(drop))?;
        meter.finish();
        Ok(())
    }

    /// The first of several forms of a file that can be had.
    fn fetch_variant(
        &self,
        repo: &Repository,
        mirrors: &Mirrors,
        variants: &[&Record],
        meter: &Meter<'_>,
    ) -> Result<(), (bool, RepoError)> {
        let mut first = Ok(());
        for record in variants {
            match self.fetch_record(repo, mirrors, record, meter) {
                Ok(_) => return Ok(()),
                // Another form does not help where something else than the file is wrong.
                Err((false, error)) => return Err((false, error)),
                Err(error) => first = first.and(Err(error)),
            }
        }
        first
    }

    fn fetch_record(
        &self,
        repo: &Repository,
        mirrors: &Mirrors,
        record: &Record,
        meter: &Meter<'_>,
    ) -> Result<PathBuf, (bool, RepoError)> {
        let plain = |error| (false, error);
        let path = self.record_path(record);
        let dir = self.dirs.metadata.join("files-1");
        let _lock = self.lock_for(&dir, &record.checksum).map_err(plain)?;
        if let Some(path) = self.have(record) {
            return Ok(path);
        }
        let part = super::disk::with_suffix(&path, ".part");
        let expect = Expect {
            checksum: Some(&record.checksum),
            size: None,
            at_most: Some(MAX_METADATA),
        };
        let fetched = mirrors.each(
            &record.href,
            &repo.common.transport,
            self.options.wait,
            |base| {
                let base = match &record.base {
                    Some(other) => &Address::parse(other).map_err(FetchCause::Content)?,
                    None => base,
                };
                let file = base.join(&record.href).map_err(FetchCause::Content)?;
                transfer::to_part(
                    &self.agents,
                    &file,
                    &repo.common.transport,
                    &part,
                    expect,
                    &|n| {
                        meter.add(n);
                    },
                )?;
                std::fs::rename(&part, &path)
                    .map_err(|e| as_cause(RepoError::io("rename", &part)(e)))?;
                // It was hashed on its way.
                if let Ok(file) = Look::at_own(&path) {
                    self.memo.note(&file, &record.checksum.to_string());
                }
                Ok(())
            },
        );
        match fetched {
            Ok(_) => Ok(path),
            Err(failures) => {
                let stale = failures.0.iter().any(|failure| {
                    matches!(
                        failure.cause,
                        FetchCause::Digest { .. }
                            | FetchCause::Length { .. }
                            | FetchCause::Missing
                            | FetchCause::Status(404 | 410)
                    )
                });
                Err((stale, unavailable(repo, &record.href, failures)))
            }
        }
    }
}

/// True when nothing of the repository is on the network.
pub(super) fn all_local(repo: &Repository) -> bool {
    repo.baseurl
        .iter()
        .chain(&repo.mirrorlist)
        .chain(&repo.metalink)
        .all(|url| matches!(Address::parse(url), Ok(Address::Local(_))))
}
