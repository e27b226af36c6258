//! What differs between the merged views of two stacks of layers.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read},
    os::unix::{ffi::OsStrExt, fs::MetadataExt},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{OpAt, OpError, copy, merge};

/// Compares two stacks, each top first. An empty stack is an empty root.
#[derive(Debug, Serialize, Deserialize)]
pub struct Diff {
    /// The old view.
    pub old: Vec<PathBuf>,
    /// The new view.
    pub new: Vec<PathBuf>,
}

/// How a path differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    /// Only in the new view.
    Added,
    /// Only in the old view.
    Removed,
    /// Another type, content, owner, mode, attribute or link target.
    Changed,
}

/// One differing path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Change {
    /// Absolute path inside the chroot; bytes that are no UTF-8 are replaced.
    pub path: String,
    /// How it differs.
    pub kind: ChangeKind,
}

pub(crate) fn diff(input: Diff) -> Result<Vec<Change>, OpError> {
    let mut old: BTreeMap<PathBuf, merge::Node> = BTreeMap::new();
    merge::walk(&input.old, &mut |path, node| {
        let node = merge::Node {
            real: node.real.clone(),
            meta: node.meta.clone(),
        };
        old.insert(path.to_owned(), node);
        Ok(())
    })?;
    let mut changes = Vec::new();
    let mut tell = |path: &Path, kind| {
        changes.push(Change {
            path: format!("/{}", path.display()),
            kind,
        });
    };
    merge::walk(&input.new, &mut |path, node| {
        match old.remove(path) {
            // The root always is there, whatever the layers say about it.
            None if path.as_os_str().is_empty() => {}
            None => tell(path, ChangeKind::Added),
            Some(before) if differs(&before, node)? => tell(path, ChangeKind::Changed),
            Some(_) => {}
        }
        Ok(())
    })?;
    for path in old.keys().filter(|p| !p.as_os_str().is_empty()) {
        tell(path, ChangeKind::Removed);
    }
    changes.sort();
    Ok(changes)
}

fn differs(a: &merge::Node, b: &merge::Node) -> Result<bool, OpError> {
    if (a.meta.dev(), a.meta.ino()) == (b.meta.dev(), b.meta.ino()) {
        return Ok(false);
    }
    let key = |m: &fs::Metadata| (m.mode(), m.uid(), m.gid(), m.rdev());
    if key(&a.meta) != key(&b.meta) || attributes(&a.real)? != attributes(&b.real)? {
        return Ok(true);
    }
    let kind = a.meta.file_type();
    if kind.is_symlink() {
        let read = |p: &Path| fs::read_link(p).at("read link", p);
        return Ok(read(&a.real)? != read(&b.real)?);
    }
    if kind.is_file() {
        return Ok(a.meta.len() != b.meta.len() || !same_content(&a.real, &b.real)?);
    }
    Ok(false)
}

fn attributes(path: &Path) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, OpError> {
    let mut out = BTreeMap::new();
    for name in xattr::list(path).at("read attributes of", path)? {
        if !copy::is_overlay_mark(name.as_bytes()) {
            let value = xattr::get(path, &name).at("read attributes of", path)?;
            out.insert(name.as_bytes().to_vec(), value.unwrap_or_default());
        }
    }
    Ok(out)
}

fn same_content(a: &Path, b: &Path) -> Result<bool, OpError> {
    let (mut x, mut y) = (File::open(a).at("open", a)?, File::open(b).at("open", b)?);
    let (mut p, mut q) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        let (n, m) = (
            fill(&mut x, &mut p).at("read", a)?,
            fill(&mut y, &mut q).at("read", b)?,
        );
        if p[..n] != q[..m] {
            return Ok(false);
        }
        if n == 0 {
            return Ok(true);
        }
    }
}

fn fill(from: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut have = 0;
    while have < buffer.len() {
        match from.read(&mut buffer[have..])? {
            0 => break,
            n => have += n,
        }
    }
    Ok(have)
}
