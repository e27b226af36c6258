//! The part of a package's header that unpacking needs, with the reader left at the payload.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
};

use rpm::{IndexTag, PackageMetadata};

use super::{
    RpmFileError,
    bounds::read_metadata,
    digest::{self, Checked},
};

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
    /// The file in header order whose place in the payload has the content: this one, or for a file
    /// with several names the last of them.
    pub content_at: usize,
}

impl FileRecord {
    /// Bytes that follow the entry of the `n`th of these files in a payload whose entries have no
    /// sizes of their own; `None` without such a file.
    pub(super) fn payload_size(files: &[Self], n: usize) -> Option<u64> {
        files.get(n).map(|file| match file.kind {
            FileKind::Regular if file.content_at == n => file.size,
            FileKind::Symlink => file.size,
            _ => 0,
        })
    }
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

    /// Whether it runs something before anything of the transaction is installed.
    pub fn has_pretrans(&self) -> bool {
        let header = &self.metadata.header;
        [IndexTag::RPMTAG_PRETRANS, IndexTag::RPMTAG_PRETRANSPROG]
            .iter()
            .any(|tag| header.entry_is_present(*tag))
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
                content_at: out.len(),
            });
            Ok(())
        });
        walked.map_err(|e| RpmFileError::Header {
            path: self.path.clone(),
            reason: e.to_string(),
        })?;
        self.find_links(&mut out);
        Ok(out)
    }

    /// Hard links, as rpm finds them: regular files in the payload with the same device and inode. 0 is
    /// no inode. `FILENLINKS` is nothing but their number, which rpm computes.
    fn find_links(&self, files: &mut [FileRecord]) {
        let header = &self.metadata.header;
        let numbers = |tag| header.get_entry_data_as_u32_array(tag).unwrap_or_default();
        let inodes = numbers(IndexTag::RPMTAG_FILEINODES);
        let devices = numbers(IndexTag::RPMTAG_FILEDEVICES);
        let mut last = HashMap::new();
        for (n, file) in files.iter_mut().enumerate().rev() {
            let inode = inodes.get(n).copied().unwrap_or(0);
            if file.kind == FileKind::Regular && !file.ghost && inode > 0 {
                let device = devices.get(n).copied().unwrap_or(0);
                file.content_at = *last.entry((device, inode)).or_insert(n);
            }
        }
    }

    /// The decompressed payload. Reading it to its end fails when the payload is not the one the
    /// package has a digest of.
    pub fn payload(self) -> Result<Box<dyn Read + Send>, RpmFileError> {
        let checked = Checked::new(self.reader, digest::payload(&self.metadata));
        rpmkit_types::compress::reader(checked).map_err(|source| RpmFileError::Read {
            path: self.path,
            source,
        })
    }

    /// Holds the header against the strongest digest the package has of it.
    pub fn check_header(&self) -> Result<(), RpmFileError> {
        digest::header(&self.metadata).map_err(|reason| RpmFileError::Header {
            path: self.path.clone(),
            reason,
        })
    }

    /// Holds header and payload against the strongest digests the package has of them.
    pub fn check(self) -> Result<(), RpmFileError> {
        self.check_header()?;
        let checked = Checked::new(self.reader, digest::payload(&self.metadata));
        checked.finish().map_err(|e| match e.kind() {
            io::ErrorKind::InvalidData => RpmFileError::Payload {
                path: self.path,
                reason: e.to_string(),
            },
            _ => RpmFileError::Read {
                path: self.path,
                source: e,
            },
        })
    }
}
