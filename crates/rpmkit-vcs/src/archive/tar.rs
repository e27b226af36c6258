//! The tar format, laid out the way `git archive` does it: ustar headers, owner root, pax
//! headers only for what does not fit, blocks of 10,240 bytes.

use std::io::{self, Read, Write};

const RECORD: usize = 512;
const BLOCK: u64 = 20 * RECORD as u64;
/// The largest size eleven octal digits hold.
const MAX_SIZE: u64 = 0o77_777_777_777;

/// What kind of entry a header announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TarKind {
    File,
    Symlink,
    Dir,
}

/// One entry's header.
pub(crate) struct Entry<'a> {
    /// Path in the archive; a directory's ends with a slash.
    pub path: &'a [u8],
    pub kind: TarKind,
    pub mode: u32,
    /// Seconds since 1970.
    pub mtime: i64,
    /// Bytes of content; zero unless a file.
    pub size: u64,
    /// A symbolic link's target.
    pub link: &'a [u8],
    /// Names the entry's pax header, should one be needed: the object id, in hexadecimal.
    pub id: &'a str,
}

/// Writes entries one after another.
pub(crate) struct TarWriter<W: Write> {
    out: W,
    written: u64,
}

impl<W: Write> TarWriter<W> {
    pub fn new(out: W) -> Self {
        Self { out, written: 0 }
    }

    /// The comment by which `git get-tar-commit-id` knows the commit.
    pub fn commit_comment(&mut self, commit: &str, mtime: i64) -> io::Result<()> {
        let mut text = Vec::new();
        pax_record(&mut text, b"comment", commit.as_bytes());
        let mut header = Header::new(b"pax_global_header", b'g', 0o666, mtime);
        header.size(text.len() as u64);
        self.put(&header.done())?;
        self.body(&text)
    }

    /// An entry without content: directory or link.
    pub fn append(&mut self, entry: &Entry<'_>) -> io::Result<()> {
        self.header(entry)
    }

    /// An entry with its content, which must be `entry.size` bytes.
    pub fn append_data(&mut self, entry: &Entry<'_>, data: &mut dyn Read) -> io::Result<()> {
        self.header(entry)?;
        let copied = io::copy(&mut data.take(entry.size), &mut self.out)?;
        if copied != entry.size {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                format!("{copied} bytes where {} were announced", entry.size),
            ));
        }
        self.written += copied;
        self.pad()
    }

    /// Ends the archive and gives the stream back.
    pub fn finish(mut self) -> io::Result<W> {
        let tail = BLOCK - self.written % BLOCK;
        self.zeros(tail)?;
        // Two empty records end an archive; a block with less room needs another one.
        if tail < 2 * RECORD as u64 {
            self.zeros(BLOCK)?;
        }
        Ok(self.out)
    }

    fn header(&mut self, entry: &Entry<'_>) -> io::Result<()> {
        let mut pax = Vec::new();
        let flag = match entry.kind {
            TarKind::File => b'0',
            TarKind::Symlink => b'2',
            TarKind::Dir => b'5',
        };
        let mut header = Header::new(b"", flag, entry.mode, entry.mtime);
        if entry.path.len() <= 100 {
            header.field(0, entry.path);
        } else if let Some(cut) = split_point(entry.path) {
            header.field(345, &entry.path[..cut]);
            header.field(0, &entry.path[cut + 1..]);
        } else {
            header.field(0, format!("{}.data", entry.id).as_bytes());
            pax_record(&mut pax, b"path", entry.path);
        }
        if entry.kind == TarKind::Symlink {
            if entry.link.len() > 100 {
                header.field(157, format!("see {}.paxheader", entry.id).as_bytes());
                pax_record(&mut pax, b"linkpath", entry.link);
            } else {
                header.field(157, entry.link);
            }
        }
        if entry.size > MAX_SIZE {
            pax_record(&mut pax, b"size", entry.size.to_string().as_bytes());
            header.size(0);
        } else {
            header.size(entry.size);
        }
        if !pax.is_empty() {
            let name = format!("{}.paxheader", entry.id);
            let mut extended = Header::new(name.as_bytes(), b'x', 0o666, entry.mtime);
            extended.size(pax.len() as u64);
            self.put(&extended.done())?;
            self.body(&pax)?;
        }
        self.put(&header.done())
    }

    fn body(&mut self, data: &[u8]) -> io::Result<()> {
        self.put(data)?;
        self.pad()
    }

    fn put(&mut self, data: &[u8]) -> io::Result<()> {
        self.written += data.len() as u64;
        self.out.write_all(data)
    }

    fn pad(&mut self) -> io::Result<()> {
        match self.written % RECORD as u64 {
            0 => Ok(()),
            over => self.zeros(RECORD as u64 - over),
        }
    }

    fn zeros(&mut self, count: u64) -> io::Result<()> {
        self.written += count;
        io::copy(&mut io::repeat(0).take(count), &mut self.out).map(drop)
    }
}

struct Header([u8; RECORD]);

impl Header {
    fn new(name: &[u8], flag: u8, mode: u32, mtime: i64) -> Self {
        let mut header = Self([0; RECORD]);
        header.field(0, name);
        header.field(100, format!("{:07o}", mode & 0o7777).as_bytes());
        header.field(108, b"0000000");
        header.field(116, b"0000000");
        header.field(136, format!("{:011o}", mtime.max(0)).as_bytes());
        header.0[156] = flag;
        header.field(257, b"ustar\x0000");
        header.field(265, b"root");
        header.field(297, b"root");
        header.field(329, b"0000000");
        header.field(337, b"0000000");
        header
    }

    /// Puts bytes at an offset of the ustar layout; what is too long for its field was dealt
    /// with by the caller.
    fn field(&mut self, at: usize, value: &[u8]) {
        self.0[at..at + value.len()].copy_from_slice(value);
    }

    fn size(&mut self, size: u64) {
        self.field(124, format!("{size:011o}").as_bytes());
    }

    fn done(mut self) -> [u8; RECORD] {
        self.field(148, b"        ");
        let sum: u32 = self.0.iter().map(|b| u32::from(*b)).sum();
        self.field(148, format!("{sum:07o}\0").as_bytes());
        self.0
    }
}

/// Where a path over 100 bytes can be cut at a slash into ustar's prefix (up to 155 bytes) and
/// name (up to 100): the last slash among the first 155 bytes, as git chooses it.
fn split_point(path: &[u8]) -> Option<usize> {
    // A directory's final slash cannot be the cut: the name would be empty.
    let end = path.len() - usize::from(path.ends_with(b"/"));
    let cut = path[..end.min(155)].iter().rposition(|b| *b == b'/')?;
    (cut > 0 && path.len() - cut - 1 <= 100).then_some(cut)
}

/// `LENGTH key=value\n`, where the length counts itself.
fn pax_record(out: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while rest + length.to_string().len() != length {
        length = rest + length.to_string().len();
    }
    out.extend_from_slice(length.to_string().as_bytes());
    out.push(b' ');
    out.extend_from_slice(key);
    out.push(b'=');
    out.extend_from_slice(value);
    out.push(b'\n');
}
