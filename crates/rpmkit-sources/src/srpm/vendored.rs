//! `NAME-VERSION-vendor.tar.*`: the archive of a project's vendored dependencies, made where a spec
//! names it and nobody has it.
//!
//! The dependencies are those of the very tree that is archived, so cargo (or go) works on what the
//! main archive unpacks to. The result is kept by everything it depends on: manifests and lock files.
//! A second build needs neither cargo nor a network.

use std::path::Path;

use rpmkit_fs::{EntryKind, HostDir, Links, UntrustedTree, WalkOptions};

use super::{
    SrpmError,
    files::{MAX_TEXT, copy_dated},
    spec::SpecSource,
};
use crate::template::{VendorPlace, VendorTool, beside};
use rpmkit_types::{Checksum, event::Events};
use rpmkit_vcs::distgit::SourceStore;

/// The version of the kept archives' making.
const FORMAT: u32 = 3;

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
    let unpacked = UntrustedTree::open(scratch.path(), Links::Never)?;
    let Ok(project) = unpacked.subtree(prefix) else {
        return Ok(false);
    };
    let Some(tool) = VendorTool::of(project.shown()) else {
        return Ok(false);
    };
    let name = dest.file_name().unwrap_or_default().to_string_lossy();
    let suffix = name.split_once("-vendor").map_or("", |(_, rest)| rest);
    let key = key(&project, tool)?;
    let kept = store.made(&format!("{key}{suffix}"));
    let place_of = kept.parent().unwrap_or(&kept);
    let dir = HostDir::create(place_of, 0o777)?;
    let kept_name = kept.file_name().unwrap_or(kept.as_os_str());
    if !dir.exists(kept_name)? {
        events.info(format!(
            "`{name}` is nowhere; `{}` makes it",
            tool.command()
        ));
        // Written beside and renamed by the archiver.
        tool.archive(project.shown(), &kept, place, events)?;
    }
    copy_dated(&dir, Path::new(kept_name), dest)?;
    Ok(true)
}

/// Digest of everything that decides what gets vendored.
fn key(project: &UntrustedTree, tool: VendorTool) -> Result<String, SrpmError> {
    let mut all = format!("{FORMAT} {}\n", tool.command()).into_bytes();
    let mut walk = project.walk("", WalkOptions::default())?;
    while let Some(entry) = walk.next() {
        let entry = entry?;
        let decides = entry.kind() == EntryKind::File
            && tool.decisive().iter().any(|name| entry.name() == *name);
        if !decides {
            continue;
        }
        let bytes = project.read(entry.path(), MAX_TEXT)?;
        all.extend(format!("{} {}\n", entry.path().display(), bytes.len()).into_bytes());
        all.extend(bytes);
    }
    Ok(Checksum::sha256(&all).hex)
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::disallowed_methods,
        clippy::disallowed_types
    )]
    use std::fs;

    use super::*;

    #[test]
    fn what_decides_is_manifests_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("sub")).unwrap();
        fs::write(dir.path().join("sub/Cargo.toml"), "a").unwrap();
        let tool = VendorTool::Cargo;
        let key = || {
            key(
                &UntrustedTree::open(dir.path(), Links::Never).unwrap(),
                tool,
            )
            .unwrap()
        };
        let first = key();
        fs::write(dir.path().join("main.rs"), "x").unwrap();
        assert_eq!(key(), first);
        fs::write(dir.path().join("Cargo.lock"), "b").unwrap();
        assert_ne!(key(), first);
    }
}
