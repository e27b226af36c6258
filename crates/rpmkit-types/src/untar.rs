//! Reading tar archives that a stranger made: what stands before an entry's content (long names,
//! attributes) is read into memory as a whole, so there may be no more of it than is of any use.

use std::{
    cell::Cell,
    io::{self, Read},
    path::Path,
    rc::Rc,
};

use tar::{Archive, EntryType};

/// Bytes before the content of one entry. A long name has 4 KiB, an attribute 64 KiB.
const MAX_HEADERS: u64 = 8 << 20;

/// How much may still come.
#[derive(Debug, Clone)]
pub struct ArchivePace(Rc<Cell<u64>>);

impl ArchivePace {
    /// The headers of an entry come next.
    pub fn headers(&self) {
        self.0.set(MAX_HEADERS);
    }

    /// The content of an entry comes next, which is not kept in memory.
    pub fn content(&self) {
        self.0.set(u64::MAX);
    }
}

/// A stream that gives out no more than it is told to between two entries of an archive.
#[derive(Debug)]
pub struct Paced<R> {
    inner: R,
    pace: ArchivePace,
}

impl<R: Read> Paced<R> {
    /// Begins with headers.
    pub fn new(inner: R) -> (Self, ArchivePace) {
        let pace = ArchivePace(Rc::new(Cell::new(MAX_HEADERS)));
        let stream = Self {
            inner,
            pace: pace.clone(),
        };
        (stream, pace)
    }
}

impl<R: Read> Read for Paced<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let found = self.inner.read(buffer)?;
        let left = self.pace.0.get().checked_sub(found as u64).ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidData,
                format!("more than {MAX_HEADERS} bytes before the content of an entry"),
            )
        })?;
        self.pace.0.set(left);
        Ok(found)
    }
}

/// Unpacks an archive below `dir`, which must be there. Nothing is written outside, whatever the archive
/// says; owners are the caller's, and only plain files, directories and links are made.
///
/// # Errors
/// What the archive cannot be read for, or the file system refuses.
pub fn unpack(reader: impl Read, dir: &Path) -> io::Result<()> {
    let (reader, pace) = Paced::new(reader);
    let mut archive = Archive::new(reader);
    archive.set_preserve_mtime(false);
    let mut entries = archive.entries()?;
    let mut directories = Vec::new();
    loop {
        pace.headers();
        let Some(entry) = entries.next() else { break };
        pace.content();
        let mut entry = entry?;
        match entry.header().entry_type() {
            // Last: one may forbid writing into it.
            EntryType::Directory => directories.push(entry),
            EntryType::Char | EntryType::Block | EntryType::Fifo | EntryType::XGlobalHeader => {}
            _ => {
                entry.unpack_in(dir)?;
                io::copy(&mut entry, &mut io::sink())?;
            }
        }
    }
    directories.sort_by(|a, b| b.path_bytes().cmp(&a.path_bytes()));
    for mut directory in directories {
        directory.unpack_in(dir)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn archive(fill: impl Fn(&mut tar::Builder<Vec<u8>>)) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        fill(&mut builder);
        builder.into_inner().unwrap()
    }

    fn add(
        builder: &mut tar::Builder<Vec<u8>>,
        kind: EntryType,
        mode: u32,
        name: &str,
        size: usize,
    ) {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(size as u64);
        builder
            .append_data(&mut header, name, vec![b'x'; size].as_slice())
            .unwrap();
    }

    #[test]
    fn headers_are_bounded_and_content_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let most = usize::try_from(MAX_HEADERS).unwrap();
        let good = archive(|b| {
            add(b, EntryType::Directory, 0o555, "d", 0);
            add(b, EntryType::Regular, 0o644, "d/large", most + 1);
            add(b, EntryType::Fifo, 0o644, "pipe", 0);
        });
        unpack(good.as_slice(), dir.path()).unwrap();
        assert_eq!(
            dir.path().join("d/large").metadata().unwrap().len(),
            MAX_HEADERS + 1
        );
        assert!(!dir.path().join("pipe").exists());
        for kind in [EntryType::GNULongName, EntryType::XHeader] {
            let bad = archive(|b| add(b, kind, 0o644, "x", most + 1));
            let error = unpack(bad.as_slice(), dir.path()).unwrap_err();
            assert!(
                error.to_string().contains("before the content"),
                "{kind:?}: {error}"
            );
        }
    }
}
