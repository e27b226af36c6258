//! Source packages for tests, which the `rpm` crate cannot write. Layout: rpm's description of its file
//! format.

/// One entry of a header: tag, type, count, data.
type Tag = (u32, u32, usize, Vec<u8>);

/// rpm's flag for the spec.
pub(super) const SPEC: u32 = 1 << 5;
/// rpm's flag for what is listed and not in the payload.
pub(super) const GHOST: u32 = 1 << 6;

const INT16: u32 = 3;
const INT32: u32 = 4;
const INT64: u32 = 5;
const STRING: u32 = 6;
const STRINGS: u32 = 8;

fn strings<'a>(tag: u32, list: impl ExactSizeIterator<Item = &'a str>) -> Tag {
    let count = list.len();
    let data = list.flat_map(|text| [text.as_bytes(), b"\0"].concat());
    (tag, STRINGS, count, data.collect())
}

fn numbers(tag: u32, list: impl ExactSizeIterator<Item = u32>) -> Tag {
    let count = list.len();
    (tag, INT32, count, list.flat_map(u32::to_be_bytes).collect())
}

fn shorts(tag: u32, count: usize, value: u16) -> Tag {
    (tag, INT16, count, value.to_be_bytes().repeat(count))
}

fn header(tags: &[Tag]) -> Vec<u8> {
    let (mut index, mut store) = (Vec::new(), Vec::new());
    for (tag, kind, count, data) in tags {
        let align = match *kind {
            INT16 => 2,
            INT32 => 4,
            INT64 => 8,
            _ => 1,
        };
        store.resize(usize::next_multiple_of(store.len(), align), 0);
        for number in [*tag, *kind, store.len() as u32, *count as u32] {
            index.extend(number.to_be_bytes());
        }
        store.extend(data);
    }
    [intro(tags.len(), store.len()), index, store].concat()
}

fn intro(tags: usize, data: usize) -> Vec<u8> {
    let mut out = b"\x8e\xad\xe8\x01\0\0\0\0".to_vec();
    out.extend((tags as u32).to_be_bytes());
    out.extend((data as u32).to_be_bytes());
    out
}

/// A header of just these entries (tag, type, offset, count) and data.
pub(super) fn raw_header(entries: &[[u32; 4]], store: &[u8]) -> Vec<u8> {
    let mut out = intro(entries.len(), store.len());
    out.extend(entries.iter().flatten().flat_map(|n| n.to_be_bytes()));
    out.extend(store);
    out
}

fn cpio(name: &str, data: &str) -> Vec<u8> {
    let mut out = format!(
        "070701{:08x}{:08x}{}{:08x}{:08x}{:08x}{}{:08x}{:08x}{name}\0",
        1,
        0o100_644,
        "0".repeat(16),
        1,
        0,
        data.len(),
        "0".repeat(32),
        name.len() + 1,
        0
    )
    .into_bytes();
    out.resize(out.len().next_multiple_of(4), 0);
    out.extend(data.as_bytes());
    out.resize(out.len().next_multiple_of(4), 0);
    out
}

/// Everything before the header.
pub(super) fn lead_and_signature() -> Vec<u8> {
    let mut out = vec![0xed, 0xab, 0xee, 0xdb, 3, 0, 0, 1];
    out.resize(78, 0);
    // Signature type "header style".
    out.extend([0, 5]);
    out.resize(96, 0);
    out.extend(header(&[numbers(1000, [0].into_iter())]));
    out.resize(out.len().next_multiple_of(8), 0);
    out
}

/// A source package of files, each with its name for content, and their flags in the header.
pub(super) fn source_package(files: &[(&str, u32)]) -> Vec<u8> {
    let count = files.len();
    let names = || files.iter().map(|(name, _)| *name);
    let each = |text| files.iter().map(move |_| text);
    let mut out = lead_and_signature();
    out.extend(header(&[
        numbers(1028, files.iter().map(|(name, _)| name.len() as u32)),
        shorts(1030, count, 0o100_644),
        shorts(1033, count, 0),
        numbers(1034, files.iter().map(|_| 1_600_000_000)),
        strings(1035, each("")),
        strings(1036, each("")),
        numbers(1037, files.iter().map(|(_, flags)| *flags)),
        strings(1039, each("root")),
        strings(1040, each("root")),
        numbers(1106, [1].into_iter()),
        numbers(1116, files.iter().map(|_| 0)),
        strings(1117, names()),
        strings(1118, [""].into_iter()),
    ]));
    for (name, _) in files.iter().filter(|(_, flags)| flags & GHOST == 0) {
        out.extend(cpio(name, name));
    }
    out.extend(cpio("TRAILER!!!", ""));
    out
}

/// A file of a package in format v6.
pub(super) struct Indexed<'a> {
    pub path: &'a str,
    pub mode: u16,
    pub inode: u32,
    /// Of all names of one file only the last one's is written.
    pub content: &'a str,
}

/// A package whose payload names files by index and whose header has long sizes; with a source
/// package's marks where the files have no directory.
pub(super) fn indexed_package(files: &[Indexed<'_>]) -> Vec<u8> {
    let base = |file: &Indexed<'_>| file.path.rfind('/').map_or(0, |at| at + 1);
    let source = files.iter().all(|file| base(file) == 0);
    let each = |text| files.iter().map(move |_| text);
    let flags = |file: &Indexed<'_>| match file.path.ends_with(".spec") {
        true => SPEC,
        false => 0,
    };
    let link = |file: &Indexed<'_>| file.mode & 0o170_000 == 0o120_000;
    let modes = files.iter().flat_map(|file| file.mode.to_be_bytes());
    let sizes = files
        .iter()
        .flat_map(|file| (file.content.len() as u64).to_be_bytes());
    let mut tags = vec![
        (1030, INT16, files.len(), modes.collect()),
        shorts(1033, files.len(), 0),
        numbers(1034, files.iter().map(|_| 1_600_000_000)),
        strings(1035, each("")),
        strings(
            1036,
            files
                .iter()
                .map(|file| if link(file) { file.content } else { "" }),
        ),
        numbers(1037, files.iter().map(flags)),
        strings(1039, each("root")),
        strings(1040, each("root")),
        numbers(1095, files.iter().map(|_| 1)),
        numbers(1096, files.iter().map(|file| file.inode)),
        numbers(1116, 0..files.len() as u32),
        strings(1117, files.iter().map(|file| &file.path[base(file)..])),
        strings(1118, files.iter().map(|file| &file.path[..base(file)])),
        (5008, INT64, files.len(), sizes.collect()),
    ];
    if source {
        tags.push(numbers(1106, [1].into_iter()));
    } else {
        tags.push((1044, STRING, 1, b"a-1-1.src.rpm\0".to_vec()));
    }
    let mut out = lead_and_signature();
    out.extend(header(&tags));
    for (n, file) in files.iter().enumerate() {
        let regular = file.mode & 0o170_000 == 0o100_000;
        let later = regular && files[n + 1..].iter().any(|f| f.inode == file.inode);
        out.extend(format!("07070X{n:08x}\0\0").into_bytes());
        if (regular && !later) || link(file) {
            out.extend(file.content.as_bytes());
            out.resize(out.len() + (4 - file.content.len() % 4) % 4, 0);
        }
    }
    out.extend(cpio("TRAILER!!!", ""));
    out
}
