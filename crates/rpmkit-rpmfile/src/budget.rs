//! How much may come out of a payload: what the header declares, never more. A ratio says nothing:
//! zeroes pack well.

use std::{io, path::Path};

use rustix::fs::statvfs;

use super::{FileKind, FileRecord, RpmFileError};

/// Longest target of a symbolic link, which is what its entry holds (PATH_MAX).
const LINK: u64 = 4096;

/// What is left of the entries and bytes a header declares.
#[derive(Debug)]
pub(super) struct Budget {
    entries: usize,
    bytes: u64,
}

impl Budget {
    /// For a payload of these files.
    pub fn of(files: &[FileRecord]) -> Self {
        Self {
            entries: files.len(),
            bytes: files.iter().fold(0, |sum, file| {
                sum.saturating_add(match file.kind {
                    FileKind::Regular => file.size,
                    _ => LINK,
                })
            }),
        }
    }

    /// Takes one entry of `size` bytes.
    pub fn charge(&mut self, size: u64) -> io::Result<()> {
        let over = |what| {
            io::Error::new(
                io::ErrorKind::InvalidData,
                format!("it holds more {what} than the header declares"),
            )
        };
        self.entries = self.entries.checked_sub(1).ok_or_else(|| over("files"))?;
        self.bytes = self.bytes.checked_sub(size).ok_or_else(|| over("bytes"))?;
        Ok(())
    }
}

/// Makes sure that what these files declare fits in the file system of `target`.
pub(super) fn room<'a>(
    files: impl Iterator<Item = &'a FileRecord>,
    target: &Path,
    package: &Path,
) -> Result<(), RpmFileError> {
    let needed = files
        .filter(|file| file.kind == FileKind::Regular && !file.ghost)
        .fold(0_u64, |sum, file| sum.saturating_add(file.size));
    // A file system that does not say how full it is will say so when it is.
    let Ok(stat) = statvfs(target) else {
        return Ok(());
    };
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    match needed <= free {
        true => Ok(()),
        false => Err(RpmFileError::Room {
            package: package.to_owned(),
            target: target.to_owned(),
            needed,
            free,
        }),
    }
}
