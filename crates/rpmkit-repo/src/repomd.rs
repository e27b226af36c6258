//! `repomd.xml`: the table of contents of a repository.

use serde::{Deserialize, Serialize};

use super::xml::Element;
use rpmkit_types::{Checksum, ChecksumKind};

/// Types of package groups.
pub(super) const GROUPS: &[&str] = &["group", "group_gz", "group_xz", "group_zst"];

/// One metadata file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    /// Its type: `primary`, `filelists`, `group` …
    pub kind: String,
    /// Path relative to the repository.
    pub href: String,
    /// Another base than the repository's own.
    pub base: Option<String>,
    /// Digest of the file as it is transferred.
    pub checksum: Checksum,
    /// Bytes to transfer.
    pub size: Option<u64>,
}

/// A metadata file without a digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bare {
    pub kind: String,
    pub href: String,
    pub base: Option<String>,
}

/// The table of contents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Repomd {
    /// The revision text, often seconds since 1970.
    pub revision: String,
    /// The files.
    pub records: Vec<Record>,
    /// Files nothing is known of but where they are.
    pub bare: Vec<Bare>,
}

impl Repomd {
    /// Reads it. The error says what is wrong.
    pub fn parse(data: &[u8]) -> Result<Self, String> {
        let root = Element::parse(data)?;
        if root.name != "repomd" {
            return Err(format!(
                "a `<repomd>` element was expected, found `<{}>`",
                root.name
            ));
        }
        let mut records = Vec::new();
        let mut bare = Vec::new();
        for data in root.all("data") {
            let kind = data
                .attribute("type")
                .ok_or("a `<data>` element has no `type`")?;
            let wrong = |what: &str| format!("the entry `{kind}` {what}");
            let location = data
                .child("location")
                .ok_or_else(|| wrong("has no `<location>`"))?;
            let href = location
                .attribute("href")
                .filter(|href| !href.is_empty())
                .ok_or_else(|| wrong("has no `href`"))?;
            let base = location.attribute("base").map(str::to_owned);
            let Some(checksum) = data.child("checksum") else {
                let (kind, href) = (kind.to_owned(), href.to_owned());
                bare.push(Bare { kind, href, base });
                continue;
            };
            let name = checksum.attribute("type").unwrap_or("sha256");
            let Some(digest) = ChecksumKind::parse(name) else {
                return Err(wrong(&format!("has a digest of unknown kind `{name}`")));
            };
            let size = data.child_text("size");
            let bytes = size.and_then(|size| size.parse().ok());
            if let (Some(text), None) = (size, bytes)
                && !text.is_empty()
                && text.bytes().all(|byte| byte.is_ascii_digit())
            {
                return Err(wrong(&format!("has a `<size>` no file can have: `{text}`")));
            }
            records.push(Record {
                kind: kind.to_owned(),
                href: href.to_owned(),
                base,
                checksum: Checksum::new(digest, checksum.text()),
                size: bytes,
            });
        }
        let repomd = Self {
            revision: root.child_text("revision").unwrap_or_default().to_owned(),
            records,
            bare,
        };
        let bare = repomd.bare.iter().any(|bare| bare.kind == "primary");
        if repomd.find(&["primary"]).is_none() && !bare {
            if let Some(zchunk) = repomd.find(&["primary_zck"]) {
                return Err(format!(
                    "its package list comes as zchunk only (`{}`), which is not read here: expected \
                     `primary` too, as gzip, xz or zstd; `createrepo_c --zck` writes both",
                    zchunk.href
                ));
            }
            return Err("it names no `primary` file".to_owned());
        }
        Ok(repomd)
    }

    /// The smallest file of these types: groups come plain and compressed.
    pub fn find(&self, kinds: &[&str]) -> Option<&Record> {
        self.variants(kinds).first().copied()
    }

    /// All files of these types, the smallest first.
    pub fn variants(&self, kinds: &[&str]) -> Vec<&Record> {
        let mut found: Vec<&Record> = self
            .records
            .iter()
            .filter(|record| kinds.contains(&record.kind.as_str()))
            .collect();
        found.sort_by_key(|record| record.size.unwrap_or(u64::MAX));
        found
    }

    /// Package groups.
    pub fn comps(&self) -> Vec<&Record> {
        self.variants(GROUPS)
    }

    /// Module definitions.
    pub fn modules(&self) -> Vec<&Record> {
        self.variants(&["modules"])
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const TEXT: &str = r#"<?xml version="1.0"?>
<repomd xmlns="http://linux.duke.edu/metadata/repo" xmlns:rpm="http://linux.duke.edu/metadata/rpm">
  <revision>17</revision>
  <data type="primary"><checksum type="sha256">AB</checksum><open-checksum type="sha256">x</open-checksum>
    <location href="repodata/ab-primary.xml.zst"/><timestamp>1</timestamp><size>10</size></data>
  <data type="group"><checksum type="sha">1</checksum><location href="repodata/comps.xml"/><size>100</size></data>
  <data type="group_gz"><checksum type="sha">2</checksum><location xml:base="http://o/" href="repodata/comps.xml.gz"/><size>30</size></data>
</repomd>"#;

    #[test]
    fn records_are_found_by_type() {
        let repomd = Repomd::parse(TEXT.as_bytes()).unwrap();
        assert_eq!(repomd.revision, "17");
        let primary = repomd.find(&["primary"]).unwrap();
        assert_eq!(primary.checksum.to_string(), "sha256:ab");
        assert_eq!(primary.size, Some(10));
        let comps = repomd.comps()[0];
        assert_eq!(comps.href, "repodata/comps.xml.gz");
        assert_eq!(comps.base.as_deref(), Some("http://o/"));
        assert!(repomd.modules().is_empty());
    }

    #[test]
    fn nonsense_is_told_apart() {
        for (from, to, part) in [
            ("type=\"primary\"", "type=\"other\"", "names no `primary`"),
            (
                "type=\"primary\"",
                "type=\"primary_zck\"",
                "as zchunk only (`repodata/ab-primary.xml.zst`)",
            ),
            (
                "type=\"sha256\">AB",
                "type=\"crc\">AB",
                "unknown kind `crc`",
            ),
            (
                "<location href=\"repodata/ab-primary.xml.zst\"/>",
                "",
                "has no `<location>`",
            ),
            (
                "<size>10<",
                "<size>18446744073709551616<",
                "a `<size>` no file can have",
            ),
            ("</repomd>", "", "ends inside"),
            ("<repomd ", "<html ", "line 8"),
        ] {
            let text = TEXT.replace(from, to);
            let error = Repomd::parse(text.as_bytes()).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }
}
