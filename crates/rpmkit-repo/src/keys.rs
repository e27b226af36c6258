//! The keys a repository trusts, read when first asked for and parsed only when something has to
//! be verified: a warm run needs no more than their name.

use std::sync::{Arc, OnceLock, PoisonError};

use super::{conf::Repository, disk::replace, error::RepoError, fetcher::Fetcher, gpg::Keyring};
use rpmkit_fetch::Address;
use rpmkit_types::{Checksum, event::Level};

/// Key files as they are.
pub(super) struct Keys {
    /// Name of this set of keys: the digest of the files.
    pub name: String,
    /// Addresses and contents.
    files: Vec<(String, Vec<u8>)>,
    ring: OnceLock<Keyring>,
}

impl Fetcher {
    /// The key files of a repository.
    ///
    /// # Errors
    /// No `gpgkey` at all, or none of them can be had. A key that cannot be had is no error while
    /// another one can: lists name keys of releases to come.
    pub(super) fn keys(
        &self,
        repo: &Repository,
        option: &'static str,
    ) -> Result<Arc<Keys>, RepoError> {
        if repo.gpgkey.is_empty() {
            return Err(RepoError::NoKeys {
                repo: repo.id.clone(),
                option,
            });
        }
        let mut known = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(keys) = known.get(&repo.gpgkey) {
            return Ok(Arc::clone(keys));
        }
        let mut files = Vec::new();
        let mut first_error = None;
        for url in &repo.gpgkey {
            match self.key_file(repo, url) {
                Ok(data) => files.push((url.clone(), data)),
                Err(error) => {
                    self.left_out(&error);
                    first_error.get_or_insert(error);
                }
            }
        }
        if let (true, Some(error)) = (files.is_empty(), first_error) {
            return Err(error);
        }
        let digests: Vec<String> = files
            .iter()
            .map(|(_, data)| Checksum::sha256(data).hex)
            .collect();
        let keys = Arc::new(Keys {
            name: Checksum::sha256(digests.join(" ").as_bytes()).hex,
            files,
            ring: OnceLock::new(),
        });
        known.insert(repo.gpgkey.clone(), Arc::clone(&keys));
        Ok(keys)
    }

    /// The parsed keys.
    ///
    /// # Errors
    /// None of the files holds a key.
    pub(super) fn ring<'k>(
        &self,
        repo: &Repository,
        keys: &'k Keys,
    ) -> Result<&'k Keyring, RepoError> {
        if let Some(ring) = keys.ring.get() {
            return Ok(ring);
        }
        let mut ring = Keyring::default();
        let mut first_error = None;
        for (url, data) in &keys.files {
            if let Err(reason) = ring.add(data) {
                let error = RepoError::Key {
                    repo: repo.id.clone(),
                    url: url.clone(),
                    reason,
                };
                self.left_out(&error);
                first_error.get_or_insert(error);
            }
        }
        match first_error {
            Some(error) if ring.is_empty() => Err(error),
            _ => Ok(keys.ring.get_or_init(|| ring)),
        }
    }

    fn left_out(&self, error: &RepoError) {
        let text = format!("a key is left out: {error}");
        self.events.message(Level::Debug, None, text);
    }

    /// The bytes of a key file. Keys from the network are kept, so that a warm run asks nobody.
    fn key_file(&self, repo: &Repository, url: &str) -> Result<Vec<u8>, RepoError> {
        let bad = |reason: String| RepoError::Key {
            repo: repo.id.clone(),
            url: url.to_owned(),
            reason,
        };
        let address = Address::parse(url).map_err(bad)?;
        if let Some(path) = address.local() {
            return std::fs::read(path).map_err(|e| bad(e.to_string()));
        }
        let name = Checksum::sha256(url.as_bytes()).hex;
        let cached = self.dirs.metadata.join("keys-1").join(name);
        if !self.options.refresh
            && let Ok(data) = std::fs::read(&cached)
        {
            return Ok(data);
        }
        let data = self.small(&repo.id, url, &repo.common.transport)?;
        replace(&cached, &data)?;
        Ok(data)
    }
}
