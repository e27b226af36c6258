//! Walking the two cpio dialects rpm uses as payload.
//!
//! `070701`/`070702` entries carry their names; `07070X` entries (all of format v6, and older packages
//! with files over 4 GiB) carry only the file's index in the header, which must then supply the size.
//! Data of hard-linked files stands at the last link only. Source: rpm's file format documentation
//! and cpio(5).

use std::io::{self, Read};

use super::budget::Budget;

/// How an entry names its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum EntryName {
    /// Path relative to the root, without a leading `./` or `/`.
    Path(String),
    /// Index into the header's file list.
    Index(usize),
}

/// One entry, its data still unread.
#[derive(Debug)]
pub(super) struct CpioEntry {
    pub name: EntryName,
    /// The same for all names of one file, where there are several; of no meaning with an index.
    pub inode: u32,
    pub links: u32,
    pub size: u64,
}

/// Reads entries one after another; the caller must consume each entry's data through
/// [`Walker::copy`] or [`Walker::skip`] before asking for the next.
pub(super) struct Walker<R> {
    input: R,
    budget: Budget,
    buffer: Vec<u8>,
}

/// Bytes that may stand behind the trailer: archivers fill up a block, of a mebibyte at most.
const MAX_PADDING: u64 = 1 << 20;

fn bad(text: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text.into())
}

fn hex(field: &[u8]) -> io::Result<u32> {
    std::str::from_utf8(field)
        .ok()
        .and_then(|text| u32::from_str_radix(text, 16).ok())
        .ok_or_else(|| bad("a cpio header field is not hexadecimal"))
}

fn padding(length: u64) -> u64 {
    (4 - length % 4) % 4
}

impl<R: Read> Walker<R> {
    /// Reads `input` as far as `budget` allows.
    pub fn new(input: R, budget: Budget) -> Self {
        Self {
            input,
            budget,
            buffer: vec![0; 1 << 16],
        }
    }

    /// The next entry, or `None` at the trailer. `size_of` gives how much follows the entry of a file
    /// with this index.
    pub fn next(
        &mut self,
        size_of: impl Fn(usize) -> Option<u64>,
    ) -> io::Result<Option<CpioEntry>> {
        let mut magic = [0; 6];
        self.input.read_exact(&mut magic)?;
        if &magic == b"07070X" {
            let mut field = [0; 8];
            self.input.read_exact(&mut field)?;
            let index = hex(&field)? as usize;
            self.discard(padding(14))?;
            let size =
                size_of(index).ok_or_else(|| bad(format!("no file has the index {index}")))?;
            self.budget.charge(size)?;
            return Ok(Some(CpioEntry {
                name: EntryName::Index(index),
                inode: 0,
                links: 1,
                size,
            }));
        }
        if &magic != b"070701" && &magic != b"070702" {
            return Err(bad("a cpio entry does not start with its magic number"));
        }
        let mut fields = [0; 104];
        self.input.read_exact(&mut fields)?;
        let field = |n: usize| hex(&fields[n * 8..n * 8 + 8]);
        let name_size = u64::from(field(11)?);
        if name_size == 0 || name_size > 8192 {
            return Err(bad("a cpio entry has an impossible name length"));
        }
        let mut name = vec![0; name_size as usize];
        self.input.read_exact(&mut name)?;
        name.pop();
        self.discard(padding(110 + name_size))?;
        let name = String::from_utf8_lossy(&name).into_owned();
        if name == "TRAILER!!!" {
            return Ok(None);
        }
        let size = u64::from(field(6)?);
        self.budget.charge(size)?;
        let path = name
            .strip_prefix("./")
            .or_else(|| name.strip_prefix('/'))
            .unwrap_or(&name)
            .to_owned();
        Ok(Some(CpioEntry {
            name: EntryName::Path(path),
            inode: field(0)?,
            links: field(4)?,
            size,
        }))
    }

    /// Hands the entry's data to `sink` piece by piece.
    pub fn copy(
        &mut self,
        size: u64,
        mut sink: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut left = size;
        while left > 0 {
            let want =
                usize::try_from(left).map_or(self.buffer.len(), |n| n.min(self.buffer.len()));
            self.input.read_exact(&mut self.buffer[..want])?;
            sink(&self.buffer[..want])?;
            left -= want as u64;
        }
        self.discard(padding(size))
    }

    /// Passes over the entry's data.
    pub fn skip(&mut self, size: u64) -> io::Result<()> {
        self.copy(size, |_| Ok(()))
    }

    /// Reads what comes after the trailer, which is padding, so that all was read.
    pub fn finish(mut self) -> io::Result<()> {
        let mut rest = self.input.by_ref().take(MAX_PADDING + 1);
        match io::copy(&mut rest, &mut io::sink())? {
            0..=MAX_PADDING => Ok(()),
            _ => Err(bad("it goes on behind its end")),
        }
    }

    fn discard(&mut self, count: u64) -> io::Result<()> {
        let mut small = [0; 4];
        self.input.read_exact(&mut small[..count as usize])
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{FileKind, FileRecord};

    fn entry(name: &str, data: &[u8]) -> Vec<u8> {
        let mut out = format!(
            "070701{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}",
            7,
            0o100_644,
            0,
            0,
            1,
            0,
            data.len(),
            0,
            0,
            0,
            0,
            name.len() + 1,
            0
        )
        .into_bytes();
        out.extend(name.as_bytes());
        out.push(0);
        out.resize(out.len().next_multiple_of(4), 0);
        out.extend(data);
        out.resize(out.len().next_multiple_of(4), 0);
        out
    }

    /// As a header with this many files would have it, the first with all the bytes.
    fn budget(files: usize, bytes: u64) -> Budget {
        let record = |n| FileRecord {
            path: "x".into(),
            kind: FileKind::Regular,
            mode: 0o644,
            mtime: 0,
            size: if n == 0 { bytes } else { 0 },
            link: String::new(),
            doc: false,
            ghost: false,
            spec: false,
            content_at: n,
        };
        Budget::of(&(0..files).map(record).collect::<Vec<_>>())
    }

    #[test]
    fn no_more_comes_out_than_the_header_declares() {
        let mut archive = entry("a", b"data");
        archive.extend(entry("b", b""));
        for (files, bytes, what) in [(2, 3, "more bytes"), (1, 4, "more files")] {
            let mut walker = Walker::new(archive.as_slice(), budget(files, bytes));
            let error = loop {
                match walker.next(|_| None) {
                    Ok(entry) => walker.skip(entry.unwrap().size).unwrap(),
                    Err(error) => break error,
                }
            };
            assert!(error.to_string().contains(what), "{error}");
        }
    }

    #[test]
    fn what_stands_behind_the_end_is_bounded() {
        let end = entry("TRAILER!!!", b"");
        for (more, good) in [(MAX_PADDING, true), (MAX_PADDING + 1, false)] {
            let mut walker = Walker::new(end.chain(io::repeat(0).take(more)), budget(1, 0));
            assert!(walker.next(|_| None).unwrap().is_none());
            assert_eq!(walker.finish().is_ok(), good, "{more}");
        }
    }

    #[test]
    fn walks_entries_to_the_trailer() {
        let mut archive = entry("./usr/bin/a", b"hello");
        archive.extend(entry("b", b""));
        archive.extend(entry("TRAILER!!!", b""));
        let mut walker = Walker::new(archive.as_slice(), budget(2, 5));
        let first = walker.next(|_| None).unwrap().unwrap();
        assert_eq!(first.name, EntryName::Path("usr/bin/a".into()));
        let mut data = Vec::new();
        walker
            .copy(first.size, |piece| {
                data.extend_from_slice(piece);
                Ok(())
            })
            .unwrap();
        assert_eq!(data, b"hello");
        assert_eq!(walker.next(|_| None).unwrap().unwrap().size, 0);
        assert!(walker.next(|_| None).unwrap().is_none());
    }

    #[test]
    fn truncation_and_garbage_are_errors() {
        let archive = entry("a", b"data");
        let mut walker = Walker::new(&archive[..archive.len() - 3], budget(1, 4));
        let first = walker.next(|_| None).unwrap().unwrap();
        assert!(walker.skip(first.size).is_err());
        assert!(
            Walker::new(&b"junk in place of a header"[..], budget(1, 1))
                .next(|_| None)
                .is_err()
        );
    }
}
