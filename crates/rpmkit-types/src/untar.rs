//! A stream that gives out no more than it is told to between two entries of an archive: what stands
//! before an entry's content (long names, attributes) is read into memory as a whole.

use std::{
    cell::Cell,
    io::{self, Read},
    rc::Rc,
};

/// Bytes before the content of one entry. A long name has 4 KiB, an attribute 64 KiB.
const MAX_HEADERS: u64 = 8 << 20;

/// How much may still come.
#[derive(Clone)]
pub(super) struct ArchivePace(Rc<Cell<u64>>);

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

/// The stream.
pub(super) struct Paced<R> {
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
