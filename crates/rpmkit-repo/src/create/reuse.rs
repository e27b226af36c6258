//! Taking over entries of packages that have not changed.

use std::{collections::HashMap, io::Read as _, os::unix::fs::MetadataExt, path::Path};

use super::records::Chunks;
use crate::repomd::Repomd;
use rpmkit_types::{MAX_METADATA, Packed};

/// Entries of the metadata that is there, by the package's path.
#[derive(Default)]
pub(super) struct Previous {
    entries: HashMap<String, ReusedRecord>,
    /// When `repomd.xml` was written, seconds since 1970.
    written: i64,
}

struct ReusedRecord {
    chunks: Chunks,
    size: String,
    time: String,
}

impl Previous {
    /// Reads `dir/repodata`. Anything missing or odd means only that less is taken over.
    pub fn read(dir: &Path) -> Self {
        Self::try_read(dir).unwrap_or_default()
    }

    fn try_read(dir: &Path) -> Option<Self> {
        let path = dir.join("repodata/repomd.xml");
        let written = std::fs::metadata(&path).ok()?.mtime();
        let repomd = Repomd::parse(&std::fs::read(&path).ok()?).ok()?;
        let text = |kind: &str| {
            let record = repomd.find(&[kind])?;
            let mut text = String::new();
            let packed = Packed {
                path: dir.join(&record.href),
                open_size: record.open_size,
            };
            packed
                .open(MAX_METADATA)
                .ok()?
                .read_to_string(&mut text)
                .ok()?;
            Some(text)
        };
        let primary = text("primary")?;
        let filelists = text("filelists")?;
        let other = text("other")?;
        let filelists = by_id(&filelists);
        let other = by_id(&other);
        let mut entries = HashMap::new();
        for chunk in packages(&primary) {
            let Some((href, known)) = known(chunk, &filelists, &other) else {
                continue;
            };
            entries.insert(href, known);
        }
        Some(Self { entries, written })
    }

    /// The entries of `dir/href`, if the file is still the one they speak of.
    pub fn find(&self, dir: &Path, href: &str) -> Option<Chunks> {
        let known = self.entries.get(&*super::attribute(href))?;
        let stat = std::fs::metadata(dir.join(href)).ok()?;
        // A file changed within the second of the last writing may have changed after it.
        let older = stat.mtime().max(stat.ctime()) < self.written;
        let same = known.size == stat.len().to_string() && known.time == stat.mtime().to_string();
        (older && same).then(|| known.chunks.clone())
    }
}

fn known(
    chunk: &str,
    filelists: &HashMap<&str, &str>,
    other: &HashMap<&str, &str>,
) -> Option<(String, ReusedRecord)> {
    // Entries are named by their SHA-256; with any other digest they are made anew.
    let id = between(chunk, "<checksum type=\"sha256\" pkgid=\"YES\">", "<")?;
    let location = between(chunk, "<location ", "/>")?;
    let href = between(location, "href=\"", "\"")?;
    if location.contains("base=") {
        return None;
    }
    Some((
        href.to_owned(),
        ReusedRecord {
            chunks: Chunks {
                primary: chunk.to_owned(),
                filelists: (*filelists.get(id)?).to_owned(),
                other: (*other.get(id)?).to_owned(),
            },
            size: between(between(chunk, "<size ", "/>")?, "package=\"", "\"")?.to_owned(),
            time: between(between(chunk, "<time ", "/>")?, "file=\"", "\"")?.to_owned(),
        },
    ))
}

/// The `<package>` elements of a metadata text. They are never nested, and the text between tags
/// is escaped, so that the tags can be found as plain text.
fn packages(text: &str) -> impl Iterator<Item = &str> {
    const END: &str = "</package>";
    let mut rest = text;
    std::iter::from_fn(move || {
        let start = rest.find("<package ")?;
        let end = start + rest[start..].find(END)? + END.len();
        let chunk = &rest[start..end];
        rest = &rest[end..];
        Some(chunk)
    })
}

fn by_id(text: &str) -> HashMap<&str, &str> {
    packages(text)
        .filter_map(|chunk| Some((between(chunk, "pkgid=\"", "\"")?, chunk)))
        .collect()
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let rest = &text[text.find(start)? + start.len()..];
    Some(&rest[..rest.find(end)?])
}
