//! The keys a repository trusts, read when first asked for and parsed only when something has to
//! be verified: a warm run needs no more than their name.

use std::sync::{Arc, OnceLock, PoisonError};

use super::{conf::Repository, disk::replace, error::RepoError, fetcher::Fetcher, state::now};
use rpmkit_fetch::Address;
use rpmkit_openpgp::{Keyring, Note, POLICY};
use rpmkit_types::{Checksum, event::Level};

/// Key files as they are.
pub(super) struct Keys {
    /// Name of this set of keys: the digest of the files, and whether SHA-1 may stand behind them.
    pub name: String,
    /// Addresses and contents.
    files: Vec<(String, Vec<u8>)>,
    ring: OnceLock<Keyring>,
}

impl Keys {
    /// What is known of something that these keys were found to have signed, by the policy of today.
    pub fn claim(&self) -> String {
        format!("gpg-{}:{}", POLICY, self.name)
    }
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
        let name = Checksum::sha256(digests.join(" ").as_bytes()).hex;
        let keys = Arc::new(Keys {
            name: match self.options.sha1_keys {
                true => format!("sha1-{name}"),
                false => name,
            },
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
        let mut ring = match self.options.sha1_keys {
            true => Keyring::with_sha1_keys(),
            false => Keyring::default(),
        };
        let mut first_error = None;
        for (url, data) in &keys.files {
            match ring.add(data, now().as_secs()) {
                Ok(notes) => self.tell(url, &notes),
                Err(reason) => {
                    let error = RepoError::Key {
                        repo: repo.id.clone(),
                        url: url.clone(),
                        reason,
                    };
                    self.left_out(&error);
                    first_error.get_or_insert(error);
                }
            }
        }
        match first_error {
            Some(error) if ring.is_empty() => Err(error),
            _ => Ok(keys.ring.get_or_init(|| ring)),
        }
    }

    /// Says, once for each, what was accepted and is not what rpm 6 would accept.
    pub(super) fn weak(&self, repo: &str, warnings: Vec<String>) {
        for warning in warnings {
            let text = format!("repository `{repo}`: {warning}, which rpm 6 refuses");
            let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
            if said.insert(text.clone()) {
                self.events.warn(text);
            }
        }
    }

    /// Odd keys of a file: which are left out, and which are used all the same.
    fn tell(&self, url: &str, notes: &[Note]) {
        for note in notes {
            let (level, what) = match note.kept {
                true => (Level::Debug, "is odd"),
                false => (Level::Warning, "is left out"),
            };
            let text = format!("key {} of `{url}` {what}: {}", note.key, note.text);
            self.events.message(level, None, text);
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
