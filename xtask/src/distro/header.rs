//! Headers of an RPM package, read and written back: the little that is needed to make a package as an older rpm made
//! it (see [`super::aged`]).
//!
//! A header is a magic number, counts, an index of 16-byte entries (tag, type, offset, count) and the data they point
//! into. The first entry is a region: its data, at the end of the store, says how many entries belong to it.

use anyhow::{Context, Result, ensure};

const MAGIC: [u8; 8] = [0x8e, 0xad, 0xe8, 1, 0, 0, 0, 0];

/// Sizes of the types of fixed size: null, char, int8, int16, int32, int64.
const SIZES: [usize; 6] = [1, 1, 1, 2, 4, 8];
const INT32: u32 = 4;
const STRING: u32 = 6;
const BINARY: u32 = 7;
const STRINGS: u32 = 8;
const TRANSLATED: u32 = 9;

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    tag: u32,
    kind: u32,
    count: u32,
    data: Vec<u8>,
}

/// A header, without the entry of its region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    region: u32,
    entries: Vec<Entry>,
}

impl Header {
    /// A header of signatures with nothing in it.
    pub fn of_signatures() -> Self {
        Self {
            region: 62,
            entries: Vec::new(),
        }
    }

    /// Reads a header; returns it and its length in bytes.
    pub fn read(bytes: &[u8]) -> Result<(Self, usize)> {
        ensure!(bytes.starts_with(&MAGIC), "no header: its magic is missing");
        let count = number(bytes, 8)? as usize;
        let size = number(bytes, 12)? as usize;
        let start = 16 + 16 * count;
        let store = bytes
            .get(start..start + size)
            .context("the header is cut off")?;
        let mut region = 0;
        let mut entries = Vec::new();
        for index in 0..count {
            let at = 16 + 16 * index;
            let (tag, kind) = (number(bytes, at)?, number(bytes, at + 4)?);
            let (offset, count) = (number(bytes, at + 8)? as usize, number(bytes, at + 12)?);
            if index == 0 && matches!(tag, 62 | 63) {
                region = tag;
                continue;
            }
            let rest = store.get(offset..).context("an entry points outside")?;
            let length = length(kind, count as usize, rest).context("an entry is cut off")?;
            entries.push(Entry {
                tag,
                kind,
                count,
                data: rest[..length].to_vec(),
            });
        }
        Ok((Self { region, entries }, start + size))
    }

    /// The header's bytes, everything in its region.
    pub fn write(&self) -> Vec<u8> {
        let mut entries: Vec<&Entry> = self.entries.iter().collect();
        entries.sort_by_key(|entry| entry.tag);
        let mut index = Vec::new();
        let mut store = Vec::new();
        for entry in &entries {
            let size = SIZES.get(entry.kind as usize).copied().unwrap_or(1);
            while store.len() % size != 0 {
                store.push(0);
            }
            for word in [entry.tag, entry.kind, store.len() as u32, entry.count] {
                index.extend(word.to_be_bytes());
            }
            store.extend(&entry.data);
        }
        let total = entries.len() as u32 + 1;
        let trailer = store.len() as u32;
        // The region's trailer points back over the whole index.
        for word in [self.region, BINARY, (-16 * i64::from(total)) as u32, 16] {
            store.extend(word.to_be_bytes());
        }
        let mut out = MAGIC.to_vec();
        for word in [total, store.len() as u32, self.region, BINARY, trailer, 16] {
            out.extend(word.to_be_bytes());
        }
        out.extend(index);
        out.extend(store);
        out
    }

    /// Leaves entries out.
    pub fn remove(&mut self, tags: &[u32]) {
        self.entries.retain(|entry| !tags.contains(&entry.tag));
    }

    fn put(&mut self, tag: u32, kind: u32, count: usize, data: Vec<u8>) {
        self.remove(&[tag]);
        self.entries.push(Entry {
            tag,
            kind,
            count: count as u32,
            data,
        });
    }

    /// Sets one number.
    pub fn put_number(&mut self, tag: u32, value: u32) {
        self.put_numbers(tag, &[value]);
    }

    /// Sets a list of numbers.
    pub fn put_numbers(&mut self, tag: u32, values: &[u32]) {
        let data = values
            .iter()
            .flat_map(|value| value.to_be_bytes())
            .collect();
        self.put(tag, INT32, values.len(), data);
    }

    /// A list of numbers; nothing where there is no such tag.
    pub fn numbers(&self, tag: u32) -> Vec<u32> {
        self.entries
            .iter()
            .filter(|entry| entry.tag == tag && entry.kind == INT32)
            .flat_map(|entry| entry.data.as_chunks::<4>().0)
            .map(|word| u32::from_be_bytes(*word))
            .collect()
    }

    /// Sets one string.
    pub fn put_string(&mut self, tag: u32, text: &str) {
        self.put(tag, STRING, 1, [text.as_bytes(), &[0]].concat());
    }

    /// Sets bytes.
    pub fn put_bytes(&mut self, tag: u32, bytes: &[u8]) {
        self.put(tag, BINARY, bytes.len(), bytes.to_vec());
    }

    /// Sets a list of strings.
    pub fn put_strings(&mut self, tag: u32, texts: &[String]) {
        let data = texts
            .iter()
            .flat_map(|text| [text.as_bytes(), &[0]].concat())
            .collect();
        self.put(tag, STRINGS, texts.len(), data);
    }

    /// A string or a list of strings; nothing where there is no such tag.
    pub fn strings(&self, tag: u32) -> Vec<String> {
        self.entries
            .iter()
            .filter(|entry| entry.tag == tag)
            .flat_map(|entry| {
                entry
                    .data
                    .split(|byte| *byte == 0)
                    .take(entry.count as usize)
                    .map(|text| String::from_utf8_lossy(text).into_owned())
            })
            .collect()
    }
}

fn number(bytes: &[u8], at: usize) -> Result<u32> {
    let word = bytes.get(at..at + 4).context("the header is cut off")?;
    Ok(u32::from_be_bytes(word.try_into()?))
}

/// Length in bytes of `count` values at the start of `rest`.
fn length(kind: u32, count: usize, rest: &[u8]) -> Option<usize> {
    let length = match kind {
        STRING | STRINGS | TRANSLATED => {
            let ends = rest.iter().enumerate().filter(|(_, byte)| **byte == 0);
            ends.map(|(at, _)| at + 1).nth(count.checked_sub(1)?)?
        }
        BINARY => count,
        kind => count.checked_mul(*SIZES.get(kind as usize)?)?,
    };
    (length <= rest.len()).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_as_written() -> Result<()> {
        let mut header = Header {
            region: 63,
            entries: Vec::new(),
        };
        header.put_string(1000, "name");
        header.put_number(1009, 7);
        header.put_numbers(1048, &[1, 2]);
        header.put_strings(1117, &["a".into(), String::new(), "c".into()]);
        header.put_bytes(1004, &[1, 2, 3]);
        let bytes = header.write();
        let (read, length) = Header::read(&bytes)?;
        assert_eq!(length, bytes.len());
        assert_eq!(read.write(), bytes);
        assert_eq!(read.strings(1117), ["a", "", "c"]);
        assert_eq!(read.strings(1000), ["name"]);
        assert_eq!(read.numbers(1048), [1, 2]);
        Ok(())
    }

    #[test]
    fn what_is_cut_off_is_refused() {
        let header = Header {
            region: 62,
            entries: Vec::new(),
        };
        let bytes = header.write();
        assert!(Header::read(&bytes[..bytes.len() - 1]).is_err());
        assert!(Header::read(b"PK").is_err());
    }
}
