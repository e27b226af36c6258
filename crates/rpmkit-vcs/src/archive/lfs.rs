//! Files that Git LFS keeps: the commit has a pointer, `.git/lfs` may have the file itself.
//!
//! `git-lfs` is never run, and nothing is fetched. What a pointer names is taken where it is there and has
//! the digest the pointer tells (the pointers' specification, `docs/spec.md` of git-lfs).

use std::{
    fs::File,
    io::{Read, Seek},
    path::Path,
};

use git2::Repository;
use rpmkit_fs::{Links, UntrustedTree};
use rpmkit_types::{ChecksumKind, Hasher};

/// Bytes a pointer may have at most, by its specification.
pub(super) const MAX_POINTER: u64 = 1024;

/// What every pointer begins with.
pub(super) const MARK: &[u8] = b"version https://git-lfs.github.com/spec/";

/// A pointer to a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct LfsPointer {
    /// SHA-256 of the file, 64 lower-case hexadecimal digits.
    oid: String,
    /// Bytes of the file.
    pub size: u64,
}

impl LfsPointer {
    /// Reads a pointer. `None` for anything else.
    pub fn parse(content: &[u8]) -> Option<Self> {
        if content.len() as u64 >= MAX_POINTER || !content.starts_with(MARK) {
            return None;
        }
        let lines = std::str::from_utf8(content).ok()?.lines();
        let (mut oid, mut size) = (None, None);
        for line in lines {
            match line.split_once(' ') {
                Some(("oid", value)) => oid = value.strip_prefix("sha256:"),
                Some(("size", value)) => size = value.parse().ok(),
                _ => {}
            }
        }
        let hex = |c: u8| matches!(c, b'0'..=b'9' | b'a'..=b'f');
        let oid = oid.filter(|oid| oid.len() == 64 && oid.bytes().all(hex))?;
        Some(Self {
            oid: oid.to_owned(),
            size: size?,
        })
    }

    /// The file, at its start, if the repository has it whole.
    pub fn open(&self, repo: &Repository) -> Option<File> {
        // A checkout may be a stranger's, and so are the links in it.
        let tree = UntrustedTree::open(repo.commondir(), Links::Beneath).ok()?;
        let place = Path::new("lfs/objects")
            .join(&self.oid[..2])
            .join(&self.oid[2..4])
            .join(&self.oid);
        let mut file = tree.open_file(place).ok()?;
        if file.metadata().ok()?.len() != self.size || !self.has_digest(&mut file) {
            return None;
        }
        file.rewind().ok()?;
        Some(file)
    }

    fn has_digest(&self, file: &mut File) -> bool {
        let mut hasher = Hasher::new(ChecksumKind::Sha256);
        let mut block = vec![0; 1 << 16];
        loop {
            match file.read(&mut block) {
                Ok(0) => return hasher.finish().hex == self.oid,
                Ok(got) => hasher.update(&block[..got]),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
    }
}

/// The remark for a file of which only the pointer is here.
pub(super) fn absent(path: &[u8]) -> String {
    format!(
        "`{}` is kept in Git LFS and is not in .git/lfs: what is archived is only a pointer to it (`git lfs fetch` brings the file)",
        String::from_utf8_lossy(path)
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_pointer_has_a_version_an_oid_and_a_size() {
        let oid = "ab".repeat(32);
        let text =
            format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 7\n");
        let pointer = LfsPointer::parse(text.as_bytes()).unwrap();
        assert_eq!((pointer.oid.as_str(), pointer.size), (oid.as_str(), 7));
        for bad in [
            "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 7\n".to_owned(),
            text.replace("size 7", "size -7"),
            text.replace("sha256:ab", "sha256:/b"),
            text.replace("version", "Version"),
            text.clone() + &" ".repeat(2000),
        ] {
            assert_eq!(LfsPointer::parse(bad.as_bytes()), None, "{bad}");
        }
    }
}
