//! The part of a package's header that unpacking needs, with the reader left at the payload.

use std::{
    fs::File,
    io::{BufReader, Read},
    path::{Path, PathBuf},
};

use rpm::PackageMetadata;

use super::{RpmFileError, bounds::read_metadata};

/// What a file of a package is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// Regular file.
    Regular,
    /// Directory.
    Directory,
    /// Symbolic link.
    Symlink,
    /// Device node, FIFO or socket.
    Special,
}

/// One file as the header describes it.
#[derive(Debug, Clone)]
pub struct FileRecord {
    /// Path below the root, without a leading slash.
    pub path: PathBuf,
    /// What it is.
    pub kind: FileKind,
    /// Permission bits, setuid and sticky included.
    pub mode: u32,
    /// Modification time, seconds since 1970.
    pub mtime: i64,
    /// Size in bytes.
    pub size: u64,
    /// Where a symbolic link points.
    pub link: String,
    /// Marked `%doc`.
    pub doc: bool,
    /// Marked `%ghost`: owned but not in the payload.
    pub ghost: bool,
    /// The spec of a source package.
    pub spec: bool,
}

/// A package file opened for reading.
pub struct PackageFile {
    path: PathBuf,
    metadata: PackageMetadata,
    reader: BufReader<File>,
}

const S_IFMT: u32 = 0o170_000;

impl PackageFile {
    /// Opens `path` and parses lead, signature and header.
    pub fn open(path: &Path) -> Result<Self, RpmFileError> {
        let file = File::open(path).map_err(|source| RpmFileError::Read {
            path: path.to_owned(),
            source,
        })?;
        let mut reader = BufReader::with_capacity(1 << 17, file);
        let metadata = read_metadata(&mut reader).map_err(|e| RpmFileError::Header {
            path: path.to_owned(),
            reason: e.to_string(),
        })?;
        Ok(Self {
            path: path.to_owned(),
            metadata,
            reader,
        })
    }

    /// Where the package lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The whole header.
    pub fn metadata(&self) -> &PackageMetadata {
        &self.metadata
    }

    /// The files it lists, in header order.
    pub fn files(&self) -> Result<Vec<FileRecord>, RpmFileError> {
        let mut out = Vec::new();
        let walked = self.metadata.for_each_file_entry(|entry| {
            let raw = u32::from(entry.mode().raw_mode());
            let path = entry.path();
            out.push(FileRecord {
                path: path.strip_prefix("/").unwrap_or(&path).to_owned(),
                kind: match raw & S_IFMT {
                    0o100_000 => FileKind::Regular,
                    0o040_000 => FileKind::Directory,
                    0o120_000 => FileKind::Symlink,
                    _ => FileKind::Special,
                },
                mode: raw & 0o7777,
                mtime: i64::from(u32::from(entry.modified_at())),
                size: entry.size() as u64,
                link: entry.linkto().unwrap_or_default().to_owned(),
                doc: entry.flags().contains(rpm::FileFlags::DOC),
                ghost: entry.flags().contains(rpm::FileFlags::GHOST),
                spec: entry.flags().contains(rpm::FileFlags::SPECFILE),
            });
            Ok(())
        });
        walked.map_err(|e| RpmFileError::Header {
            path: self.path.clone(),
            reason: e.to_string(),
        })?;
        Ok(out)
    }

    /// The decompressed payload.
    pub fn payload(self) -> Result<Box<dyn Read + Send>, RpmFileError> {
        rpmkit_types::compress::reader(self.reader).map_err(|source| RpmFileError::Read {
            path: self.path,
            source,
        })
    }
}
