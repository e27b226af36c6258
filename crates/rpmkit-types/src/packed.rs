//! A file of a repository's metadata, and how much may come out of it.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use crate::compress;

/// Most that any metadata file may unpack to, whatever its table of contents says.
pub const MAX_METADATA: u64 = 4 << 30;

/// A compressed file with the size that its table of contents promises for its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// The file.
    pub path: PathBuf,
    /// Bytes of its content, `open-size`; `None` where the repository does not say.
    pub open_size: Option<u64>,
}

impl Packed {
    /// A reader of the content. It fails as soon as more comes than was promised, or than `most`, or
    /// than [`MAX_METADATA`].
    pub fn open(&self, most: u64) -> io::Result<Limited<Box<dyn Read + Send>>> {
        let most = most.min(MAX_METADATA);
        let limit = match self.open_size {
            Some(size) if size > most => return Err(too_much(most)),
            Some(size) => size,
            // A file that is not compressed is as large as it is.
            None => most,
        };
        let input = compress::reader(io::BufReader::with_capacity(
            1 << 17,
            File::open(&self.path)?,
        ))?;
        Ok(Limited::new(input, limit))
    }
}

impl From<PathBuf> for Packed {
    fn from(path: PathBuf) -> Self {
        Self {
            path,
            open_size: None,
        }
    }
}

impl From<&Path> for Packed {
    fn from(path: &Path) -> Self {
        path.to_owned().into()
    }
}

impl From<&str> for Packed {
    fn from(path: &str) -> Self {
        PathBuf::from(path).into()
    }
}

/// A reader that fails, instead of going on, when more comes than `limit` bytes.
#[derive(Debug)]
pub struct Limited<R> {
    inner: R,
    left: u64,
    limit: u64,
}

impl<R: Read> Limited<R> {
    /// At most `limit` bytes of `inner`.
    pub fn new(inner: R, limit: u64) -> Self {
        Self {
            inner,
            left: limit,
            limit,
        }
    }
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let found = self.inner.read(buffer)?;
        self.left = self
            .left
            .checked_sub(found as u64)
            .ok_or_else(|| too_much(self.limit))?;
        Ok(found)
    }
}

fn too_much(limit: u64) -> io::Error {
    io::Error::new(
        io::ErrorKind::FileTooLarge,
        format!("more than {limit} bytes come out of it, which is all there may be"),
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Write;

    use super::*;

    #[test]
    fn what_was_promised_comes_and_nothing_more() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("primary.xml.gz");
        let mut packer =
            flate2::write::GzEncoder::new(File::create(&path).unwrap(), Default::default());
        packer.write_all(&[b'x'; 100_000]).unwrap();
        packer.finish().unwrap();
        let read = |open_size, most| {
            let packed = Packed {
                path: path.clone(),
                open_size,
            };
            let mut out = Vec::new();
            packed.open(most)?.read_to_end(&mut out).map(|_| out.len())
        };
        assert_eq!(read(None, MAX_METADATA).unwrap(), 100_000);
        assert_eq!(read(Some(100_000), u64::MAX).unwrap(), 100_000);
        for (open_size, most) in [(Some(99_999), u64::MAX), (None, 99_999), (Some(100_000), 9)] {
            let error = read(open_size, most).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::FileTooLarge, "{error}");
        }
        let error = read(Some(u64::MAX), u64::MAX).unwrap_err();
        assert!(error.to_string().contains("4294967296"), "{error}");
    }
}
