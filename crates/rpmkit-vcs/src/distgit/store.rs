//! The user's store of downloaded sources: files by digest, and the digests URLs were seen with.

#![allow(
    clippy::disallowed_methods,
    reason = "the store is the user's own; what leaves it goes through rpmkit-fs"
)]

use std::{
    ffi::OsStr,
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
};

use rpmkit_fs::{CopyOptions, HostDir, IfThere, WriteOptions};
use serde::{Deserialize, Serialize};

use crate::{Download, ScmError};
use rpmkit_types::{Checksum, Hasher};

/// The version of the records; another one is not read.
const FORMAT: u32 = 1;

/// A directory of downloads. `KIND/HEX` is a file with that digest, `url/HEX` a record of what a
/// URL gave, under the SHA-256 of the URL, `made/NAME` what was made instead of downloaded. Entries appear whole, by rename, so any number of
/// processes may share it.
#[derive(Debug, Clone)]
pub struct SourceStore {
    dir: PathBuf,
}

#[derive(Debug, Serialize, Deserialize)]
struct UrlRecord {
    format: u32,
    url: String,
    digest: Checksum,
}

impl SourceStore {
    /// Uses `dir`, which is made when something is first stored.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    fn path(&self, digest: &Checksum) -> PathBuf {
        self.dir.join(digest.kind.name()).join(&digest.hex)
    }

    /// Whether `path` is a file with this digest.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn holds(&self, path: &Path, digest: &Checksum) -> Result<bool, ScmError> {
        // It may lie in a checkout, where a link that leads out stands for nothing.
        let opened = split(path).and_then(|(dir, name)| dir.open_file(name));
        match opened {
            Ok(file) => Ok(digest_of(file, path, digest.kind)? == *digest),
            Err(error) if error.is_not_found() || error.is_refusal() => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Copies the file with this digest to `dest`; false when the store does not have it. A
    /// stored file that has rotted is removed and counts as absent.
    ///
    /// # Errors
    /// When reading or writing fails.
    pub fn give(&self, digest: &Checksum, dest: &Path) -> Result<bool, ScmError> {
        let path = self.path(digest);
        if !path.is_file() {
            return Ok(false);
        }
        if file_digest(&path, digest.kind)? != *digest {
            fs::remove_file(&path).map_err(ScmError::io("remove", &path))?;
            return Ok(false);
        }
        let ((from, name), (to, new)) = (split(&path)?, split(dest)?);
        let options = CopyOptions {
            times: false,
            there: IfThere::Replace,
            ..CopyOptions::default()
        };
        from.copy_file(name, &to, new, &options)?;
        Ok(true)
    }

    /// Downloads into the store what must have this digest.
    ///
    /// # Errors
    /// As [`Download::download`].
    pub fn download(
        &self,
        url: &str,
        digest: &Checksum,
        download: &dyn Download,
    ) -> Result<(), ScmError> {
        let path = self.path(digest);
        make_parent(&path)?;
        download.download(url, &path, Some(digest)).map(drop)
    }

    /// Gets a URL to `dest`. The first time its digest is recorded; after that the store answers
    /// without the network, and a download that differs from the record is refused. Answers with
    /// the digest and whether it is new.
    ///
    /// # Errors
    /// As [`Download::download`].
    pub fn fetch_url(
        &self,
        url: &str,
        dest: &Path,
        download: &dyn Download,
    ) -> Result<(Checksum, bool), ScmError> {
        let record = self.record_path(url);
        if let Some(digest) = self.recorded(url) {
            if !self.give(&digest, dest)? {
                self.download(url, &digest, download)?;
                self.give(&digest, dest)?;
            }
            return Ok((digest, false));
        }
        make_parent(&record)?;
        let part = record.with_extension("part");
        let digest = download.download(url, &part, None)?;
        let path = self.path(&digest);
        make_parent(&path)?;
        fs::rename(&part, &path).map_err(ScmError::io("create", &path))?;
        let text = serde_json::to_string_pretty(&UrlRecord {
            format: FORMAT,
            url: url.to_owned(),
            digest: digest.clone(),
        })
        .map_err(|error| ScmError::io("write", &record)(error.into()))?;
        rpmkit_fs::write_file(&record, text, &WriteOptions::with_mode(0o666))
            .map_err(|e| ScmError::io("create", &record)(e.into_system()))?;
        self.give(&digest, dest)?;
        Ok((digest, true))
    }

    /// The digest a URL was seen with.
    pub fn recorded(&self, url: &str) -> Option<Checksum> {
        let text = fs::read(self.record_path(url)).ok()?;
        // Records of another version, or damaged ones, are as good as none: they only spare a
        // download.
        let record: UrlRecord = serde_json::from_slice(&text).ok()?;
        (record.format == FORMAT && record.url == url).then_some(record.digest)
    }

    /// Where something made here is kept, by a name that says all of what it was made from.
    pub fn made(&self, name: &str) -> PathBuf {
        self.dir.join("made").join(name)
    }

    fn record_path(&self, url: &str) -> PathBuf {
        self.dir
            .join("url")
            .join(Checksum::sha256(url.as_bytes()).hex)
    }
}

fn make_parent(path: &Path) -> Result<(), ScmError> {
    let dir = path.parent().unwrap_or(path);
    fs::create_dir_all(dir).map_err(ScmError::io("create", dir))
}

/// The directory a file is in, and its name there.
fn split(path: &Path) -> rpmkit_fs::Result<(HostDir, &OsStr)> {
    let dir = path.parent().unwrap_or(Path::new("."));
    Ok((
        HostDir::open(dir)?,
        path.file_name().unwrap_or(path.as_os_str()),
    ))
}

/// The digest of the content of a file of ours.
pub(crate) fn file_digest(
    path: &Path,
    kind: rpmkit_types::ChecksumKind,
) -> Result<Checksum, ScmError> {
    let (dir, name) = split(path)?;
    digest_of(dir.open_file(name)?, path, kind)
}

fn digest_of(
    mut file: File,
    path: &Path,
    kind: rpmkit_types::ChecksumKind,
) -> Result<Checksum, ScmError> {
    let mut hasher = Hasher::new(kind);
    let mut buffer = vec![0; 1 << 16];
    loop {
        let count = file.read(&mut buffer).map_err(ScmError::io("read", path))?;
        if count == 0 {
            return Ok(hasher.finish());
        }
        hasher.update(&buffer[..count]);
    }
}
