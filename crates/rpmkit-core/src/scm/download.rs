//! Getting single files by URL, their digest checked while they stream in.

use std::{
    fs::File,
    io::{Read, Write},
    path::Path,
};

use super::{ScmError, git::HttpSettings};
use crate::{Checksum, ChecksumKind, Hasher};

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

/// The usual way: http and https with ureq, `file://` from disk.
#[derive(Debug, Clone, Default)]
pub struct HttpDownload {
    /// Proxy and certificates.
    pub settings: HttpSettings,
}

impl Download for HttpDownload {
    fn download(
        &self,
        url: &str,
        dest: &Path,
        expected: Option<&Checksum>,
    ) -> Result<Checksum, ScmError> {
        let failed = |reason: String| ScmError::Http {
            url: url.to_owned(),
            reason,
        };
        let mut body: Box<dyn Read> = if let Some(path) = url.strip_prefix("file://") {
            let path = Path::new(path);
            Box::new(File::open(path).map_err(ScmError::io("read", path))?)
        } else {
            let response = self
                .settings
                .agent()?
                .get(url)
                .call()
                .map_err(|error| failed(error.to_string()))?;
            if response.status() != 200 {
                return Err(failed(format!("the server answered {}", response.status())));
            }
            Box::new(response.into_body().into_reader())
        };
        let kind = expected.map_or(ChecksumKind::Sha512, |expected| expected.kind);
        let dir = dest.parent().unwrap_or(Path::new("."));
        let mut part = tempfile::NamedTempFile::new_in(dir).map_err(ScmError::io("create", dir))?;
        let mut hasher = Hasher::new(kind);
        let mut buffer = vec![0; 1 << 16];
        loop {
            let count = body
                .read(&mut buffer)
                .map_err(|error| failed(error.to_string()))?;
            if count == 0 {
                break;
            }
            hasher.update(&buffer[..count]);
            part.write_all(&buffer[..count])
                .map_err(ScmError::io("write", dest))?;
        }
        let found = hasher.finish();
        if let Some(expected) = expected.filter(|expected| **expected != found) {
            return Err(ScmError::Digest {
                url: url.to_owned(),
                expected: expected.clone(),
                found,
            });
        }
        part.persist(dest)
            .map_err(|error| ScmError::io("create", dest)(error.error))?;
        Ok(found)
    }
}
