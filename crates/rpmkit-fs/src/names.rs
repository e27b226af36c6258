//! The names in a directory.

use std::{ffi::OsStr, os::fd::BorrowedFd, os::unix::ffi::OsStrExt};

use rustix::{fs::RawDir, io::Errno};

use crate::EntryKind;

/// Room for getdents64(2): what glibc and Rust's library take.
const BUFFER: usize = 32 * 1024;

/// Names of one directory in one piece of memory.
#[derive(Debug, Default)]
pub(crate) struct Names {
    bytes: Vec<u8>,
    items: Vec<Item>,
}

#[derive(Debug, Clone, Copy)]
struct Item {
    start: usize,
    len: u16,
    kind: EntryKind,
}

impl Names {
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.items.clear();
    }

    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Name and kind of entry number `at`.
    pub fn get(&self, at: usize) -> Option<(&OsStr, EntryKind)> {
        self.items.get(at).map(|item| (self.name(item), item.kind))
    }

    fn name(&self, item: &Item) -> &OsStr {
        OsStr::from_bytes(&self.bytes[item.start..item.start + usize::from(item.len)])
    }

    pub fn sort(&mut self) {
        let bytes = &self.bytes;
        let name = |item: &Item| &bytes[item.start..item.start + usize::from(item.len)];
        self.items.sort_unstable_by(|a, b| name(a).cmp(name(b)));
    }

    /// Adds what is left to read of `dir`, without `.` and `..` and what `skip` names, up to `limit`
    /// names in all. Whether there are more.
    pub fn read(
        &mut self,
        dir: BorrowedFd<'_>,
        buffer: &mut Vec<u8>,
        limit: usize,
        skip: impl Fn(&OsStr) -> bool,
    ) -> Result<bool, Errno> {
        buffer.clear();
        buffer.reserve(BUFFER);
        let mut entries = RawDir::new(dir, buffer.spare_capacity_mut());
        while let Some(entry) = entries.next() {
            let entry = match entry {
                Err(Errno::INTR) => continue,
                // A directory that was removed while it is open.
                Err(Errno::NOENT) => break,
                other => other?,
            };
            let name = entry.file_name().to_bytes();
            if name == b"." || name == b".." || skip(OsStr::from_bytes(name)) {
                continue;
            }
            if self.items.len() >= limit {
                return Ok(true);
            }
            let len = u16::try_from(name.len()).map_err(|_| Errno::NAMETOOLONG)?;
            // A file system in user space may invent such names; the kernel lets none through since 5.5.
            if name.is_empty() || name.contains(&b'/') {
                return Err(Errno::IO);
            }
            self.items.push(Item {
                start: self.bytes.len(),
                len,
                kind: entry.file_type().into(),
            });
            self.bytes.extend_from_slice(name);
        }
        Ok(false)
    }
}
