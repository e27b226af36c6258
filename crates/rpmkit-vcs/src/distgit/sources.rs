//! The `sources` file.

use std::path::Path;

use rpmkit_fs::{Links, UntrustedTree};

use crate::ScmError;
use rpmkit_types::{Checksum, ChecksumKind};

/// Bytes of the file.
const MAX: u64 = 64 << 20;

/// One line of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedSource {
    /// File name.
    pub file: String,
    /// What the file must have.
    pub digest: Checksum,
}

/// Reads a `sources` file of either form: `SHA512 (FILE) = HEX`, as `sha512sum --tag` writes it,
/// or `HEX  FILE`, the older one, with MD5 or any other digest told by its length. A file that
/// is not there is an empty one.
///
/// # Errors
/// [`ScmError::SourcesLine`] with the line's number.
pub fn read_sources(path: &Path) -> Result<Vec<ListedSource>, ScmError> {
    let dir = path.parent().unwrap_or(Path::new("."));
    let tree = UntrustedTree::open(dir, Links::Beneath)?.without(".git");
    let name = path.file_name().unwrap_or(path.as_os_str());
    match tree.read_if_there(name, MAX)? {
        Some(text) => parse_sources(&String::from_utf8_lossy(&text), path),
        None => Ok(Vec::new()),
    }
}

/// As [`read_sources`], for the text of a file; `path` only names it in errors.
///
/// # Errors
/// As [`read_sources`].
pub fn parse_sources(text: &str, path: &Path) -> Result<Vec<ListedSource>, ScmError> {
    let mut out = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        out.push(
            tagged(line)
                .or_else(|| plain(line))
                .ok_or_else(|| ScmError::SourcesLine {
                    path: path.to_owned(),
                    line: at + 1,
                    text: line.to_owned(),
                })?,
        );
    }
    Ok(out)
}

/// Reads a `.NAME.metadata` file, in which the dist-gits of CentOS Linux, Rocky and Alma list what is
/// not in git: `HEX SOURCES/FILE`. `path` only names it in errors.
///
/// # Errors
/// As [`read_sources`].
pub fn parse_metadata(text: &str, path: &Path) -> Result<Vec<ListedSource>, ScmError> {
    let lines: Vec<String> = text
        .lines()
        .map(|line| match line.trim().split_once(char::is_whitespace) {
            Some((hex, file)) => {
                let file = file.trim_start();
                format!("{hex} {}", file.strip_prefix("SOURCES/").unwrap_or(file))
            }
            None => line.to_owned(),
        })
        .collect();
    parse_sources(&lines.join("\n"), path)
}

fn tagged(line: &str) -> Option<ListedSource> {
    let (kind, rest) = line.split_once(" (")?;
    let (file, hex) = rest.rsplit_once(") = ")?;
    source(file, ChecksumKind::parse(kind)?, hex)
}

fn plain(line: &str) -> Option<ListedSource> {
    let (hex, file) = line.split_once(char::is_whitespace)?;
    let kind = match hex.len() {
        32 => ChecksumKind::Md5,
        40 => ChecksumKind::Sha1,
        64 => ChecksumKind::Sha256,
        128 => ChecksumKind::Sha512,
        _ => return None,
    };
    // `*` marks binary mode in the output of md5sum.
    source(file.trim_start().trim_start_matches('*'), kind, hex)
}

fn source(file: &str, kind: ChecksumKind, hex: &str) -> Option<ListedSource> {
    let length = match kind {
        ChecksumKind::Md5 => 32,
        ChecksumKind::Sha1 => 40,
        ChecksumKind::Sha224 => 56,
        ChecksumKind::Sha256 | ChecksumKind::Sha3_256 => 64,
        ChecksumKind::Sha384 => 96,
        ChecksumKind::Sha512 => 128,
    };
    let hex = hex.trim();
    // The name becomes a path below a directory of ours: it must stay there.
    let safe = !file.is_empty() && !file.contains('/') && file != "." && file != "..";
    (safe && hex.len() == length && hex.bytes().all(|b| b.is_ascii_hexdigit())).then(|| {
        ListedSource {
            file: file.to_owned(),
            digest: Checksum::new(kind, hex),
        }
    })
}
