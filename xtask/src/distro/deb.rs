//! Reading a `.deb`: an `ar` archive with a compressed tar of control files and one of the files themselves.
//!
//! Paths come out absolute and already moved below `/usr` (merged `/usr`), as every current distribution has it.

use std::io::{Cursor, Read};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use super::control::Paragraph;

/// What an entry is.
#[derive(Debug, Clone)]
pub enum DebKind {
    /// A regular file and its bytes.
    File(Vec<u8>),
    /// A directory.
    Dir,
    /// A symbolic link and its target, verbatim.
    Symlink(String),
    /// Another name of the file at this (merged) path.
    Hardlink(String),
}

/// One file of a package.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Absolute path after the merge.
    pub path: String,
    /// The path as packaged, for `/bin/sh`-like provides.
    pub original: String,
    /// What it is.
    pub kind: DebKind,
    /// Permission bits, setuid and friends included.
    pub mode: u16,
    /// Owner by name.
    pub user: String,
    /// Group by name.
    pub group: String,
    /// Modification time, seconds since 1970.
    pub mtime: u32,
}

/// A package taken apart.
#[derive(Debug)]
pub struct Deb {
    /// The control paragraph.
    pub control: Paragraph,
    /// Paths of configuration files, merged.
    pub conffiles: Vec<String>,
    /// The files in archive order.
    pub entries: Vec<Entry>,
}

/// Reads the package at `path` into memory.
pub fn read(path: &Path) -> Result<Deb> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    parse(&bytes)
        .with_context(|| format!("`{}` is no Debian package rpmkit can read", path.display()))
}

fn parse(bytes: &[u8]) -> Result<Deb> {
    let mut control = None;
    let mut conffiles = Vec::new();
    let mut entries = Vec::new();
    for (name, body) in ar_members(bytes)? {
        if name.starts_with("control.tar") {
            for (path, text) in small_files(decompress(&name, body)?)? {
                match path.as_str() {
                    "control" => control = Some(Paragraph::parse(&text)),
                    // A trailing word such as `remove-on-upgrade` comes first on its line: only plain paths count.
                    "conffiles" => {
                        conffiles = text
                            .lines()
                            .filter(|line| line.starts_with('/'))
                            .map(merged)
                            .collect();
                    }
                    _ => {}
                }
            }
        } else if name.starts_with("data.tar") {
            entries = data_entries(decompress(&name, body)?)?;
        }
    }
    Ok(Deb {
        control: control.context("no control file")?,
        conffiles,
        entries,
    })
}

fn ar_members(bytes: &[u8]) -> Result<Vec<(String, &[u8])>> {
    let mut rest = bytes.strip_prefix(b"!<arch>\n").context("no `ar` magic")?;
    let mut members = Vec::new();
    while rest.len() >= 60 {
        let (head, body) = rest.split_at(60);
        let name = String::from_utf8_lossy(&head[..16])
            .trim()
            .trim_end_matches('/')
            .to_owned();
        let size: usize = String::from_utf8_lossy(&head[48..58])
            .trim()
            .parse()
            .context("bad member size")?;
        ensure!(body.len() >= size, "member `{name}` is cut off");
        members.push((name, &body[..size]));
        rest = body.get(size + size % 2..).unwrap_or_default();
    }
    Ok(members)
}

fn decompress<'a>(name: &str, body: &'a [u8]) -> Result<Box<dyn Read + 'a>> {
    Ok(match name.rsplit('.').next() {
        Some("xz") => Box::new(liblzma::read::XzDecoder::new(body)),
        Some("zst") => Box::new(zstd::Decoder::new(body)?),
        Some("gz") => Box::new(flate2::read::GzDecoder::new(body)),
        Some("tar") => Box::new(body),
        _ => bail!("member `{name}`: unknown compression"),
    })
}

fn small_files(reader: Box<dyn Read + '_>) -> Result<Vec<(String, String)>> {
    let mut archive = tar::Archive::new(reader);
    let mut files = Vec::new();
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = entry
            .path()?
            .to_string_lossy()
            .trim_start_matches("./")
            .to_owned();
        if entry.header().entry_type().is_file() {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes)?;
            files.push((path, String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
    Ok(files)
}

fn data_entries(mut reader: Box<dyn Read + '_>) -> Result<Vec<Entry>> {
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes)?;
    let mut archive = tar::Archive::new(Cursor::new(bytes));
    let mut entries = Vec::new();
    for entry in archive.entries()? {
        let mut entry = entry?;
        let original = absolute(&entry.path()?.to_string_lossy());
        let link = entry
            .link_name()?
            .map(|link| link.to_string_lossy().into_owned());
        let header = entry.header().clone();
        let kind = match (header.entry_type(), link) {
            (tar::EntryType::Regular, _) => {
                let mut content = Vec::with_capacity(usize::try_from(header.size()?)?);
                entry.read_to_end(&mut content)?;
                DebKind::File(content)
            }
            (tar::EntryType::Directory, _) => DebKind::Dir,
            (tar::EntryType::Symlink, Some(link)) => DebKind::Symlink(link),
            (tar::EntryType::Link, Some(link)) => DebKind::Hardlink(merged(&absolute(&link))),
            (other, _) => bail!("`{original}`: cannot convert a tar entry of type {other:?}"),
        };
        if original == "/" {
            continue;
        }
        let name = |name: Option<&str>| {
            name.filter(|name| !name.is_empty())
                .unwrap_or("root")
                .to_owned()
        };
        entries.push(Entry {
            path: merged(&original),
            original,
            kind,
            mode: u16::try_from(header.mode()? & 0o7777)?,
            user: name(header.username().ok().flatten()),
            group: name(header.groupname().ok().flatten()),
            mtime: u32::try_from(header.mtime()?)?,
        });
    }
    Ok(entries)
}

fn absolute(path: &str) -> String {
    format!("/{}", path.trim_start_matches("./").trim_matches('/'))
}

/// Where a path lies in a root with merged `/usr`.
pub fn merged(path: &str) -> String {
    let moved = ["/bin", "/sbin", "/lib", "/lib64", "/lib32", "/libx32"];
    let first = path[1..].find('/').map_or(path, |end| &path[..=end]);
    if moved.contains(&first) {
        format!("/usr{path}")
    } else {
        path.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merging() {
        assert_eq!(merged("/bin/sh"), "/usr/bin/sh");
        assert_eq!(merged("/lib64"), "/usr/lib64");
        assert_eq!(merged("/libexec/x"), "/libexec/x");
        assert_eq!(merged("/etc/bin"), "/etc/bin");
    }

    #[test]
    fn truncated_archives_are_refused() {
        assert!(
            parse(b"!<arch>\ndebian-binary   0           0     0     100644  400       `\n2.0\n")
                .is_err()
        );
        assert!(parse(b"PK").is_err());
    }
}
