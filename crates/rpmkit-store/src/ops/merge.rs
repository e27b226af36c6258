//! The merged view of a stack of layers, computed without mounting it, and flattening by hard link.
//!
//! The rules are overlayfs's with `userxattr`: a character device 0:0 hides what is below; a
//! directory merges with the directories right below it down to, and including, the first one that
//! is opaque (`user.overlay.opaque`); anything that is no directory ends the merge.

use std::{
    collections::{BTreeMap, HashMap},
    ffi::OsString,
    fs, io,
    os::unix::fs::{FileTypeExt, MetadataExt},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{OpAt, OpError, copy};

/// One thing of the merged view, and where it really is.
pub(crate) struct Node {
    /// The path in the layer that shows.
    pub real: PathBuf,
    /// Its metadata.
    pub meta: fs::Metadata,
}

/// True for overlayfs's mark of a deleted name.
pub(super) fn is_whiteout(meta: &fs::Metadata) -> bool {
    meta.file_type().is_char_device() && meta.rdev() == 0
}

fn is_opaque(path: &Path) -> io::Result<bool> {
    Ok(xattr::get(path, "user.overlay.opaque")?.is_some_and(|v| v == b"y"))
}

/// Walks the merged view of `layers` (top first), parents before children, names in byte order.
/// `visit` gets the path relative to the root; the root itself is the empty path.
pub(crate) fn walk(
    layers: &[PathBuf],
    visit: &mut dyn FnMut(&Path, &Node) -> Result<(), OpError>,
) -> Result<(), OpError> {
    let mut parts = Vec::new();
    for layer in layers {
        let meta = fs::symlink_metadata(layer).at("look at", layer)?;
        parts.push((layer.clone(), meta));
    }
    let Some((real, meta)) = parts.first() else {
        return Ok(());
    };
    let root = Node {
        real: real.clone(),
        meta: meta.clone(),
    };
    visit(Path::new(""), &root)?;
    let parts: Vec<PathBuf> = parts.into_iter().map(|(p, _)| p).collect();
    walk_dir(Path::new(""), &until_opaque(parts)?, visit)
}

/// Cuts the list after the first opaque directory.
fn until_opaque(parts: Vec<PathBuf>) -> Result<Vec<PathBuf>, OpError> {
    let mut kept = Vec::new();
    for part in parts {
        let stop = is_opaque(&part).at("read attributes of", &part)?;
        kept.push(part);
        if stop {
            break;
        }
    }
    Ok(kept)
}

fn walk_dir(
    relative: &Path,
    parts: &[PathBuf],
    visit: &mut dyn FnMut(&Path, &Node) -> Result<(), OpError>,
) -> Result<(), OpError> {
    // For each name: the layers that have it, top first, until something ends the merge.
    let mut names: BTreeMap<OsString, (Vec<(PathBuf, fs::Metadata)>, bool)> = BTreeMap::new();
    for part in parts {
        for entry in fs::read_dir(part).at("list", part)? {
            let entry = entry.at("list", part)?;
            let (found, closed) = names.entry(entry.file_name()).or_default();
            if *closed {
                continue;
            }
            let path = entry.path();
            let meta = entry.metadata().at("look at", &path)?;
            if !meta.is_dir() {
                *closed = true;
                if found.is_empty() {
                    found.push((path, meta));
                }
                continue;
            }
            found.push((path, meta));
        }
    }
    for (name, (found, _)) in names {
        let Some((real, meta)) = found.first() else {
            continue;
        };
        if is_whiteout(meta) {
            continue;
        }
        let relative = relative.join(&name);
        let is_dir = meta.is_dir();
        visit(
            &relative,
            &Node {
                real: real.clone(),
                meta: meta.clone(),
            },
        )?;
        if is_dir {
            let parts = until_opaque(found.into_iter().map(|(p, _)| p).collect())?;
            walk_dir(&relative, &parts, visit)?;
        }
    }
    Ok(())
}

/// Makes `dest` (which must be an empty directory) the merged view of `layers`, top first.
#[derive(Debug, Serialize, Deserialize)]
pub struct Flatten {
    /// Roots of the layers, top first.
    pub layers: Vec<PathBuf>,
    /// Where to.
    pub dest: PathBuf,
    /// Hard-link files (only right for a destination nobody writes to) instead of copying them.
    pub link: bool,
}

pub(crate) fn flatten(input: Flatten) -> Result<(), OpError> {
    let mut linked: HashMap<(u64, u64), PathBuf> = HashMap::new();
    let mut times = Vec::new();
    walk(&input.layers, &mut |relative, node| {
        let dest = input.dest.join(relative);
        if node.meta.is_dir() {
            if relative.as_os_str().is_empty() {
                fs::create_dir_all(&dest).at("create directory", &dest)?;
            } else {
                fs::create_dir(&dest).at("create directory", &dest)?;
            }
            copy::attributes(&node.real, &node.meta, &dest)?;
            times.push((dest, node.meta.clone()));
            return Ok(());
        }
        if input.link {
            match fs::hard_link(&node.real, &dest) {
                Ok(()) => return Ok(()),
                // Too many links, or a kernel that protects this kind of file: copy it.
                Err(e) if may_copy_instead(&e) => {}
                Err(e) => return Err(e).at("link", &dest),
            }
        }
        copy::one(&node.real, &node.meta, &dest, &mut linked)
    })?;
    // Children change their directory's time, so it is set when all of them are there.
    for (dest, meta) in times.iter().rev() {
        copy::times(meta, dest)?;
    }
    Ok(())
}

fn may_copy_instead(e: &io::Error) -> bool {
    matches!(
        e.kind(),
        io::ErrorKind::TooManyLinks
            | io::ErrorKind::PermissionDenied
            | io::ErrorKind::CrossesDevices
    )
}
