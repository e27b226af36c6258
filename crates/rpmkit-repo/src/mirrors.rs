//! Lists of mirrors: `mirrorlist` (lines) and `metalink` (XML with digests of `repomd.xml`).

use super::xml::Element;
use rpmkit_types::{Checksum, ChecksumKind};

/// What a metalink says about `repomd.xml`.
#[derive(Debug, Default)]
pub(super) struct Metalink {
    /// Base URLs, the preferred first.
    pub bases: Vec<String>,
    /// Digests of the versions that are in order: the newest first, then those that mirrors which
    /// lag behind may still have. Each version has one entry, its strongest digest.
    pub versions: Vec<Checksum>,
}

/// Base URLs of a mirror list: one a line, `#` begins a comment.
pub(super) fn parse_list(text: &str) -> Vec<String> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with(['#', '<']))
        .filter(|line| usable(line))
        .map(str::to_owned)
        .collect()
}

/// Schemes we can talk; a list may hold ftp and rsync as well.
fn usable(url: &str) -> bool {
    ["http://", "https://", "file:/", "/"]
        .iter()
        .any(|start| url.starts_with(start))
}

/// Reads a metalink of version 3 (as the Fedora and CentOS mirror managers write it) or 4.
pub(super) fn parse_metalink(data: &[u8]) -> Result<Metalink, String> {
    let root = Element::parse(data)?;
    if root.name != "metalink" {
        return Err(format!(
            "a `<metalink>` element was expected, found `<{}>`",
            root.name
        ));
    }
    let files = root.child("files").unwrap_or(&root);
    let file = files
        .all("file")
        .find(|file| file.attribute("name") == Some("repomd.xml"))
        .ok_or("it has no entry for `repomd.xml`")?;

    let mut versions = Vec::new();
    versions.extend(strongest(file));
    for alternates in file.all("alternates") {
        versions.extend(alternates.all("alternate").filter_map(strongest));
    }

    let mut urls: Vec<(i64, String)> = Vec::new();
    for holder in file.all("resources").chain([file]) {
        for url in holder.all("url") {
            let Some(base) = url.text().strip_suffix("repodata/repomd.xml") else {
                continue;
            };
            if !usable(base) {
                continue;
            }
            // Version 3: higher preference first. Version 4: lower priority first.
            let number = |name| url.attribute(name).and_then(|n| n.parse::<i64>().ok());
            let rank = match (number("preference"), number("priority")) {
                (Some(preference), _) => -preference,
                (None, Some(priority)) => priority,
                (None, None) => 0,
            };
            urls.push((rank, base.to_owned()));
        }
    }
    if urls.is_empty() {
        return Err("it names no mirror that can be used".to_owned());
    }
    urls.sort_by_key(|(rank, _)| *rank);
    Ok(Metalink {
        bases: urls.into_iter().map(|(_, url)| url).collect(),
        versions,
    })
}

/// The strongest digest of a `<file>` or `<alternate>`.
fn strongest(holder: &Element) -> Option<Checksum> {
    holder
        .all("verification")
        .chain([holder])
        .flat_map(|v| v.all("hash"))
        .filter_map(|hash| {
            let kind = ChecksumKind::parse(hash.attribute("type")?)?;
            Some(Checksum::new(kind, hash.text()))
        })
        .max_by_key(|sum| sum.kind)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn mirror_lists_keep_what_we_can_fetch() {
        let text = "# repo = x\nhttp://a/os/\n\n rsync://b/\nftp://c/\nhttps://d/os\n";
        assert_eq!(parse_list(text), ["http://a/os/", "https://d/os"]);
    }

    #[test]
    fn metalinks_of_version_3_are_read() {
        let text = br#"<?xml version="1.0" encoding="utf-8"?>
<metalink version="3.0" xmlns="http://www.metalinker.org/" xmlns:mm0="http://fedorahosted.org/mirrormanager">
 <files><file name="repomd.xml">
  <mm0:timestamp>5</mm0:timestamp><size>9</size>
  <verification><hash type="md5">AA</hash><hash type="sha256">bb</hash></verification>
  <mm0:alternates><mm0:alternate><size>8</size><verification><hash type="sha1">cc</hash></verification></mm0:alternate></mm0:alternates>
  <resources maxconnections="1">
   <url protocol="rsync" type="rsync" location="US" preference="100">rsync://r/os/repodata/repomd.xml</url>
   <url protocol="http" type="http" location="DE" preference="90">http://low/os/repodata/repomd.xml</url>
   <url protocol="https" type="https" location="US" preference="99">https://high/os/repodata/repomd.xml</url>
  </resources></file></files></metalink>"#;
        let link = parse_metalink(text).unwrap();
        assert_eq!(link.bases, ["https://high/os/", "http://low/os/"]);
        let digests: Vec<String> = link.versions.iter().map(ToString::to_string).collect();
        assert_eq!(digests, ["sha256:bb", "sha1:cc"]);
    }

    #[test]
    fn metalinks_of_version_4_are_read_and_nonsense_refused() {
        let text = b"<metalink xmlns='urn:ietf:params:xml:ns:metalink'><file name='repomd.xml'><hash type='sha-256'>dd</hash><url priority='2'>http://b/repodata/repomd.xml</url><url priority='1'>http://a/repodata/repomd.xml</url></file></metalink>";
        let link = parse_metalink(text).unwrap();
        assert_eq!(link.bases, ["http://a/", "http://b/"]);
        assert_eq!(link.versions[0].to_string(), "sha256:dd");
        for (text, part) in [
            (&b"<html><body>gone</body></html>"[..], "found `<html>`"),
            (b"<metalink><files/></metalink>", "no entry"),
            (
                b"<metalink><files><file name='repomd.xml'/></files></metalink>",
                "no mirror",
            ),
        ] {
            assert!(parse_metalink(text).unwrap_err().contains(part));
        }
    }
}
