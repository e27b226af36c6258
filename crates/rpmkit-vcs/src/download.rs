//! Getting single files by URL, their digest checked while they stream in.

use std::path::Path;

use super::{ScmError, distgit::file_digest};
use rpmkit_fetch::{FetchCause, TransportOptions};
use rpmkit_repo::{Fetcher, RepoError, Target};
use rpmkit_types::{Checksum, ChecksumKind};

/// Somebody who can fetch a file.
pub trait Download {
    /// Puts what `url` has at `dest`, by way of a temporary name, and answers with its digest:
    /// of `expected`'s kind, or SHA-512 when nothing is expected.
    ///
    /// # Errors
    /// When it cannot be had, or is not what was expected; nothing is at `dest` then.
    fn download(
        &self,
        url: &str,
        dest: &Path,
        expected: Option<&Checksum>,
    ) -> Result<Checksum, ScmError>;
}

/// As packages are fetched: with retries, going on where an earlier attempt was cut off.
impl Download for Fetcher {
    fn download(
        &self,
        url: &str,
        dest: &Path,
        expected: Option<&Checksum>,
    ) -> Result<Checksum, ScmError> {
        let options = TransportOptions::default();
        // What is behind `#` is for rpm and no part of the file's address.
        let address = url.split_once('#').map_or(url, |(address, _)| address);
        self.download_url(address, Target::File(dest), expected, &options)
            .map_err(|error| refused(url, expected, error))?;
        match expected {
            Some(expected) => Ok(expected.clone()),
            None => file_digest(dest, ChecksumKind::Sha512),
        }
    }
}

/// Other content than expected is told apart: nobody should try that again.
fn refused(url: &str, expected: Option<&Checksum>, error: RepoError) -> ScmError {
    let found = match &error {
        RepoError::Unavailable { failures, .. } => {
            failures.0.iter().find_map(|failure| match &failure.cause {
                FetchCause::Digest { found, .. } => Some(found.clone()),
                _ => None,
            })
        }
        _ => None,
    };
    match (expected, found, error) {
        (Some(expected), Some(found), _) => ScmError::Digest {
            url: url.to_owned(),
            expected: expected.clone(),
            found,
        },
        // One address was all there was: it need not be named twice.
        (.., RepoError::Unavailable { mut failures, .. }) if !failures.0.is_empty() => {
            let attempts = failures.0.len();
            let cause = failures.0.remove(attempts - 1).cause;
            ScmError::Http {
                url: url.to_owned(),
                reason: match attempts {
                    1 => cause.to_string(),
                    _ => format!("{cause} ({attempts} attempts)"),
                },
            }
        }
        (.., error) => ScmError::Download(Box::new(error)),
    }
}
