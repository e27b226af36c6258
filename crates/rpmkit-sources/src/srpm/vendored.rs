//! `NAME-VERSION-vendor.tar.*`: the archive of a project's vendored dependencies, made where a spec
//! names it and nobody has it.
//!
//! The dependencies are those of the very tree that is archived, so cargo (or go) works on what the
//! main archive unpacks to. The result is kept by everything it depends on: manifests and lock files.
//! A second build needs neither cargo nor a network.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{SrpmError, spec::SpecSource};
use crate::template::{VendorPlace, VendorTool, beside};
use rpmkit_types::{Checksum, event::Events};
use rpmkit_vcs::distgit::SourceStore;

/// The version of the kept archives' making.
const FORMAT: u32 = 2;

/// Whether a source goes by the name such archives have.
pub(super) fn is_vendor(source: &SpecSource) -> bool {
    !source.is_url() && source.file_name().contains("-vendor.tar.")
}

/// Makes `dest` for the project in the archive `main`, below `prefix`. False when that project is
/// neither cargo's nor go's.
pub(super) fn make(
    main: &Path,
    prefix: &str,
    dest: &Path,
    place: VendorPlace<'_>,
    store: &SourceStore,
    events: &Events,
) -> Result<bool, SrpmError> {
    let scratch = beside(dest)?;
    let reader = rpmkit_types::compress::open(main).map_err(SrpmError::io("read", main))?;
    rpmkit_types::untar::unpack(reader, scratch.path()).map_err(SrpmError::io("unpack", main))?;
    let project = scratch.path().join(prefix);
    let Some(tool) = VendorTool::of(&project) else {
        return Ok(false);
    };
    let name = dest.file_name().unwrap_or_default().to_string_lossy();
    let suffix = name.split_once("-vendor").map_or("", |(_, rest)| rest);
    let key = key(&project, tool)?;
    let kept = store.made(&format!("{key}{suffix}"));
    if !kept.is_file() {
        events.info(format!(
            "`{name}` is nowhere; `{}` makes it",
            tool.command()
        ));
        let dir = kept.parent().unwrap_or(&kept);
        fs::create_dir_all(dir).map_err(SrpmError::io("create", dir))?;
        // Written beside and renamed by the archiver.
        tool.archive(&project, &kept, place, events)?;
    }
    fs::copy(&kept, dest).map_err(SrpmError::io("copy", &kept))?;
    Ok(true)
}

/// Digest of everything that decides what gets vendored.
fn key(project: &Path, tool: VendorTool) -> Result<String, SrpmError> {
    let mut paths: Vec<PathBuf> = walkdir::WalkDir::new(project)
        .into_iter()
        .filter_map(Result::ok)
        .filter(|entry| {
            entry.file_type().is_file()
                && tool
                    .decisive()
                    .iter()
                    .any(|name| entry.file_name() == *name)
        })
        .map(walkdir::DirEntry::into_path)
        .collect();
    paths.sort();
    let mut all = format!("{FORMAT} {}\n", tool.command()).into_bytes();
    for path in paths {
        let below = path.strip_prefix(project).unwrap_or(&path);
        let bytes = fs::read(&path).map_err(SrpmError::io("read", &path))?;
        all.extend(format!("{} {}\n", below.display(), bytes.len()).into_bytes());
        all.extend(bytes);
    }
    Ok(Checksum::sha256(&all).hex)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_decides_is_manifests_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("sub")).unwrap();
        fs::write(dir.path().join("sub/Cargo.toml"), "a").unwrap();
        let tool = VendorTool::Cargo;
        let first = key(dir.path(), tool).unwrap();
        fs::write(dir.path().join("main.rs"), "x").unwrap();
        assert_eq!(key(dir.path(), tool).unwrap(), first);
        fs::write(dir.path().join("Cargo.lock"), "b").unwrap();
        assert_ne!(key(dir.path(), tool).unwrap(), first);
    }
}
