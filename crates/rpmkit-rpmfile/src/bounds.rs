//! Lead, signature and header looked over before anything is made of them.
//!
//! A package is read by many before its signature can be: the chroot's planner, the repository maker,
//! the check of the signature itself. So every reader goes through [`read_metadata`], which takes no
//! number of a stranger for granted: nothing is allocated before its bytes are there, every offset lies
//! in the store, every count fits, every text ends.
//!
//! Limits of counts and sizes are rpm's own (`lib/header.c`: 65,535 tags and 256 MiB; in the signature
//! 32 tags and 64 MiB). As with rpm, data of two tags may not overlap, so the store bounds the whole.

use std::io::{self, BufRead, Read};

use rpm::PackageMetadata;

/// Tags of a header.
const MAX_TAGS: usize = 0xffff;
/// Bytes of a header's data.
const MAX_DATA: usize = 256 << 20;
/// Tags of a signature.
const MAX_SIGNATURE_TAGS: usize = 32;
/// Bytes of a signature's data.
const MAX_SIGNATURE_DATA: usize = 64 << 20;
/// Texts of a header: each costs more memory than the byte it may consist of. The largest packages
/// have a few hundred thousand files with five texts each.
const MAX_TEXTS: usize = 4 << 20;
/// Bytes of all paths together: a header names a directory once however many files it holds.
const MAX_PATHS: usize = 256 << 20;

const LEAD: usize = 96;
const LEAD_MAGIC: [u8; 4] = [0xed, 0xab, 0xee, 0xdb];
const HEADER_MAGIC: [u8; 4] = [0x8e, 0xad, 0xe8, 0x01];
const INTRO: usize = 16;
const ENTRY: usize = 16;

const DIRINDEXES: u32 = 1116;
const BASENAMES: u32 = 1117;
const DIRNAMES: u32 = 1118;

/// Why a file is no package that may be read on.
#[derive(Debug, thiserror::Error)]
pub enum HeaderError {
    /// The file cannot be read.
    #[error("{0}")]
    Read(io::Error),
    /// The file is shorter than its own beginning says.
    #[error("it ends inside the {0}")]
    Cut(&'static str),
    /// It begins as something else.
    #[error("it does not begin as {0} does")]
    Magic(&'static str),
    /// A number is beyond what rpm accepts.
    #[error("its {part} has {found} {what}, at most {limit} were expected")]
    TooMuch {
        /// `lead`, `signature` or `header`.
        part: &'static str,
        /// What is counted.
        what: &'static str,
        /// How many it has.
        found: usize,
        /// How many it may have.
        limit: usize,
    },
    /// A tag's data is not where, or not what, the index says.
    #[error("its {part} is damaged: tag {tag} {what}")]
    Tag {
        /// `signature` or `header`.
        part: &'static str,
        /// Number of the tag.
        tag: u32,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The structure is right, the content is not.
    #[error("{0}")]
    Content(rpm::Error),
}

/// Reads lead, signature and header, and leaves `input` at the payload. No file makes it panic or
/// allocate more than a small multiple of its own size.
pub fn read_metadata(input: &mut impl BufRead) -> Result<PackageMetadata, HeaderError> {
    let mut raw = Vec::with_capacity(1 << 14);
    append(input, &mut raw, LEAD, "lead")?;
    if raw[..4] != LEAD_MAGIC {
        return Err(HeaderError::Magic("an RPM package"));
    }
    let signature = Part {
        name: "signature",
        tags: MAX_SIGNATURE_TAGS,
        data: MAX_SIGNATURE_DATA,
    };
    let size = signature.append(input, &mut raw)?;
    append(input, &mut raw, (8 - size % 8) % 8, "signature")?;
    let header = Part {
        name: "header",
        tags: MAX_TAGS,
        data: MAX_DATA,
    };
    header.append(input, &mut raw)?;
    PackageMetadata::parse(&mut raw.as_slice()).map_err(HeaderError::Content)
}

fn append(
    input: &mut impl BufRead,
    raw: &mut Vec<u8>,
    count: usize,
    part: &'static str,
) -> Result<(), HeaderError> {
    // Grows with what is really there.
    let found = input
        .take(count as u64)
        .read_to_end(raw)
        .map_err(HeaderError::Read)?;
    match found == count {
        true => Ok(()),
        false => Err(HeaderError::Cut(part)),
    }
}

/// Signature and header have one structure.
struct Part {
    name: &'static str,
    tags: usize,
    data: usize,
}

impl Part {
    /// Reads it to the end of `raw` and looks it over; gives the size of its data.
    fn append(&self, input: &mut impl BufRead, raw: &mut Vec<u8>) -> Result<usize, HeaderError> {
        let start = raw.len();
        append(input, raw, INTRO, self.name)?;
        if raw[start..start + 4] != HEADER_MAGIC {
            return Err(HeaderError::Magic("the header of an RPM package"));
        }
        let tags = number(&raw[start..], 8) as usize;
        let data = number(&raw[start..], 12) as usize;
        self.within("tags", tags, self.tags)?;
        self.within("bytes", data, self.data)?;
        append(input, raw, tags * ENTRY + data, self.name)?;
        let (index, store) = raw[start + INTRO..].split_at(tags * ENTRY);
        self.check(index, store)?;
        Ok(data)
    }

    fn within(&self, what: &'static str, found: usize, limit: usize) -> Result<(), HeaderError> {
        match found <= limit {
            true => Ok(()),
            false => Err(HeaderError::TooMuch {
                part: self.name,
                what,
                found,
                limit,
            }),
        }
    }

    fn check(&self, index: &[u8], store: &[u8]) -> Result<(), HeaderError> {
        let mut used = 0;
        let mut texts = 0;
        let mut paths = Paths::default();
        for entry in index.chunks_exact(ENTRY) {
            let tag = number(entry, 0);
            let wrong = |what| HeaderError::Tag {
                part: self.name,
                tag,
                what,
            };
            let kind = number(entry, 4);
            let count = number(entry, 12) as usize;
            let data = usize::try_from(number(entry, 8))
                .ok()
                .and_then(|offset| store.get(offset..))
                .ok_or_else(|| wrong("lies outside of the data"))?;
            let size = match kind {
                1 | 2 | 7 => Some(count),
                3 => count.checked_mul(2),
                4 => count.checked_mul(4),
                5 => count.checked_mul(8),
                6 if count != 1 => return Err(wrong("is one text and has another count")),
                6 | 8 | 9 => {
                    texts += count;
                    self.within("texts", texts, MAX_TEXTS)?;
                    text_size(data, count)
                }
                _ => return Err(wrong("has no type that rpm knows")),
            };
            let size = size
                .filter(|size| *size <= data.len())
                .ok_or_else(|| wrong("does not end within the data"))?;
            used += size;
            if used > store.len() {
                return Err(wrong("overlaps with another one"));
            }
            match (tag, kind) {
                (DIRINDEXES, 4) => paths.indexes = &data[..size],
                (BASENAMES, 8) => paths.names = size,
                (DIRNAMES, 8) => paths.directories = &data[..size],
                _ => {}
            }
        }
        self.within("bytes in all paths together", paths.total(), MAX_PATHS)
    }
}

/// Where a header's file names are.
#[derive(Default)]
struct Paths<'a> {
    indexes: &'a [u8],
    names: usize,
    directories: &'a [u8],
}

impl Paths<'_> {
    /// Bytes of all paths, once put together.
    fn total(&self) -> usize {
        let directories: Vec<usize> = self
            .directories
            .split(|byte| *byte == 0)
            .map(<[u8]>::len)
            .collect();
        self.indexes
            .chunks_exact(4)
            .filter_map(|index| directories.get(number(index, 0) as usize))
            .fold(self.names, |sum, length| sum.saturating_add(*length))
    }
}

/// Bytes of `count` texts with their ends; `None` when one has none.
fn text_size(data: &[u8], count: usize) -> Option<usize> {
    let mut size = 0;
    for _ in 0..count {
        size += 1 + data[size..].iter().position(|byte| *byte == 0)?;
    }
    Some(size)
}

/// The big-endian number at `at`, which must be there.
fn number(bytes: &[u8], at: usize) -> u32 {
    bytes[at..at + 4]
        .iter()
        .fold(0, |number, byte| number << 8 | u32::from(*byte))
}

#[cfg(test)]
mod tests;
