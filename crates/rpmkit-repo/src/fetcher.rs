//! The fetcher: everything that gets files from repositories shares its connections, locks,
//! keys and memory.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use super::{disk::Lock, error::RepoError, keys::Keys, memo::Memo};
use rpmkit_fetch::{
    Address, Agents, Ask, FetchCause, FetchFailure, FetchFailures, Mirrors, Proxies,
    TransportOptions, transfer,
};
use rpmkit_types::{Checksum, event::Events};

/// Where fetched things are kept. All of it is a cache: any part may be removed when no rpmkit
/// runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dirs {
    /// Repository metadata, keys, and the memory of verified files.
    pub metadata: PathBuf,
    /// Packages by digest.
    pub packages: PathBuf,
}

impl Dirs {
    /// The usual layout below a cache directory.
    pub fn below(cache: &Path) -> Self {
        Self {
            metadata: cache.join("metadata"),
            packages: cache.join("packages"),
        }
    }
}

/// How to fetch, beyond what a repository says itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchOptions {
    /// Use no network; whatever is cached is good, however old.
    pub offline: bool,
    /// Ask for news whatever `metadata_expire` says.
    pub refresh: bool,
    /// The front end's proxies.
    pub proxies: Proxies,
    /// `User-Agent` where a repository sets none.
    pub user_agent: String,
    /// Transfers at once where `max_parallel_downloads` is not set.
    pub parallel: usize,
    /// Wait before the second round of attempts; it doubles from round to round.
    pub wait: Duration,
}

impl Default for FetchOptions {
    fn default() -> Self {
        Self {
            offline: false,
            refresh: false,
            proxies: Proxies::default(),
            user_agent: concat!("rpmkit/", env!("CARGO_PKG_VERSION")).to_owned(),
            parallel: 6,
            wait: Duration::from_millis(400),
        }
    }
}

/// Gets metadata, packages and other files. Cheap to make; may be used by many threads.
pub struct Fetcher {
    pub(super) dirs: Dirs,
    pub(super) options: FetchOptions,
    pub(super) events: Events,
    pub(super) agents: Agents,
    pub(super) memo: Memo,
    /// Addresses of the repositories met so far, by their directory in the cache.
    pub(super) mirrors: Mutex<HashMap<PathBuf, Arc<Mirrors>>>,
    pub(super) keys: Mutex<HashMap<Vec<String>, Arc<Keys>>>,
}

impl Fetcher {
    /// A fetcher that keeps things in `dirs` and tells `events` of its progress.
    pub fn new(dirs: Dirs, options: FetchOptions, events: Events) -> Self {
        Self {
            agents: Agents::new(options.proxies.clone(), options.user_agent.clone()),
            memo: Memo::new(dirs.metadata.join("verified")),
            dirs,
            options,
            events,
            mirrors: Mutex::default(),
            keys: Mutex::default(),
        }
    }

    /// Where this fetcher keeps things.
    pub fn dirs(&self) -> &Dirs {
        &self.dirs
    }

    /// Reads a small file from a URL or absolute path, with retries.
    pub(super) fn small(
        &self,
        repo: &str,
        url: &str,
        options: &TransportOptions,
    ) -> Result<Vec<u8>, RepoError> {
        let address = address(repo, url)?;
        self.may_connect(repo, &address, url)?;
        self.check(repo, &address, options)?;
        let server = Mirrors::new(vec![address]);
        let fetched = server.each("", options, self.options.wait, |address| {
            transfer::small(&self.agents, address, options, &Ask::default())
        });
        match fetched {
            Ok((Some(small), _)) => Ok(small.data),
            Ok((None, _)) => Ok(Vec::new()),
            Err(failures) => Err(RepoError::Unavailable {
                repo: repo.to_owned(),
                what: url.to_owned(),
                failures,
            }),
        }
    }

    /// Checks that a repository's options can be used, before anything is transferred.
    pub(super) fn check(
        &self,
        repo: &str,
        address: &Address,
        options: &TransportOptions,
    ) -> Result<(), RepoError> {
        self.agents
            .check(address, options)
            .map_err(|(option, reason)| RepoError::Option {
                repo: repo.to_owned(),
                option,
                reason,
            })
    }

    /// Refuses addresses on the network when offline.
    pub(super) fn may_connect(
        &self,
        repo: &str,
        address: &Address,
        what: &str,
    ) -> Result<(), RepoError> {
        if self.options.offline && address.local().is_none() {
            return Err(RepoError::Offline {
                repo: repo.to_owned(),
                what: what.to_owned(),
            });
        }
        Ok(())
    }

    /// Makes sure that only one thread or process fetches what has this digest. A fixed number of
    /// lock files serves for all, so that none is left over.
    pub(super) fn lock_for(&self, dir: &Path, checksum: &Checksum) -> Result<Lock, RepoError> {
        let stripe = checksum.hex.get(..3).unwrap_or("000");
        Lock::take(&dir.join(".locks").join(stripe))
    }
}

/// Reads an address a repository names.
pub(super) fn address(repo: &str, url: &str) -> Result<Address, RepoError> {
    Address::parse(url).map_err(|reason| RepoError::Address {
        repo: repo.to_owned(),
        url: url.to_owned(),
        reason,
    })
}

/// Turns one of our own errors into the cause of an attempt's failure.
pub(super) fn as_cause(error: RepoError) -> FetchCause {
    match error {
        RepoError::Io {
            action,
            path,
            source,
        } => FetchCause::Local {
            action,
            path,
            source,
        },
        other => FetchCause::Content(other.to_string()),
    }
}

/// One failure as the whole list.
pub(super) fn failed(address: &Address, cause: FetchCause) -> FetchFailures {
    FetchFailures(vec![FetchFailure {
        url: address.shown(),
        cause,
    }])
}
