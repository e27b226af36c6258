//! Sets of packages that exist as layers, found by what is in them: a set starts from the largest one it contains.
//!
//! What is in a set is kept in a small file of its own, since the package lists of layers are large. A file
//! whose layer is gone is forgotten; a layer without a file is never started from.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use rpm::IndexTag;
use rpmkit_fs::{FsError, WriteOptions};
use rpmkit_repo::VerifiedPackage;
use rpmkit_rpmfile::PackageFile;
use rpmkit_types::LayerId;
use serde::{Deserialize, Serialize};

use super::PmError;

/// Version of the files' layout.
const FORMAT: u32 = 1;

/// What was installed on the base.
#[derive(Serialize, Deserialize)]
struct KnownSet {
    format: u32,
    added: BTreeSet<String>,
}

/// The sets on one base.
pub(super) struct KnownSets(PathBuf);

impl KnownSets {
    /// Those below `cache` on the layer `base`.
    pub fn on(cache: &Path, base: &LayerId) -> Self {
        Self(cache.join("sets-1").join(base.as_str()))
    }

    /// Notes what is in a layer.
    pub fn note(&self, id: &LayerId, added: &BTreeSet<String>) -> io::Result<()> {
        fs::create_dir_all(&self.0)?;
        let set = KnownSet {
            format: FORMAT,
            added: added.clone(),
        };
        let path = self.0.join(id.as_str());
        rpmkit_fs::write_file(
            &path,
            serde_json::to_vec(&set)?,
            &WriteOptions::with_mode(0o644),
        )
        .map_err(FsError::into_system)
    }

    /// Forgets a layer that is gone.
    pub fn forget(&self, id: &LayerId) {
        // Somebody else may have.
        let _ = fs::remove_file(self.0.join(id.as_str()));
    }

    /// Layers whose sets are part of `wanted`, the largest first, with what they have.
    pub fn parts_of(&self, wanted: &BTreeSet<String>) -> Vec<(LayerId, BTreeSet<String>)> {
        let listing = fs::read_dir(&self.0).into_iter().flatten().flatten();
        let mut found: Vec<(LayerId, BTreeSet<String>)> = listing
            .filter_map(|entry| {
                let id: LayerId = entry.file_name().to_str()?.parse().ok()?;
                let set: KnownSet = serde_json::from_slice(&fs::read(entry.path()).ok()?).ok()?;
                let part = set.format == FORMAT && set.added.is_subset(wanted);
                part.then_some((id, set.added))
            })
            .collect();
        found.sort_by(|(a, x), (b, y)| y.len().cmp(&x.len()).then_with(|| a.cmp(b)));
        found
    }
}

/// Words in scriptlets of packages that make users and groups. Which ids these get depends on the order they are
/// made in.
const MAKERS: [&str; 6] = [
    "useradd", "groupadd", "adduser", "addgroup", "sysusers", "newusers",
];

/// Whether installing one of these may allocate an id.
pub(super) fn allocate_ids(files: &[VerifiedPackage]) -> Result<bool, PmError> {
    for file in files {
        if allocates_ids(file.path())? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn allocates_ids(path: &Path) -> Result<bool, PmError> {
    let package = PackageFile::open(path)?;
    let header = &package.metadata().header;
    let single = [
        IndexTag::RPMTAG_PREIN,
        IndexTag::RPMTAG_POSTIN,
        IndexTag::RPMTAG_PRETRANS,
        IndexTag::RPMTAG_POSTTRANS,
    ];
    let several = [
        IndexTag::RPMTAG_TRIGGERSCRIPTS,
        IndexTag::RPMTAG_FILETRIGGERSCRIPTS,
        IndexTag::RPMTAG_TRANSFILETRIGGERSCRIPTS,
        IndexTag::RPMTAG_PROVIDENAME,
    ];
    let texts = single.iter().filter_map(|tag| {
        header
            .get_entry_data_as_string(*tag)
            .ok()
            .map(str::to_owned)
    });
    let lists = several
        .iter()
        .filter_map(|tag| header.get_entry_data_as_string_array(*tag).ok())
        .flatten()
        .map(|text| text.to_string());
    let files = package.files()?;
    let declared = files
        .iter()
        .any(|file| file.path.to_string_lossy().contains("sysusers.d/"));
    Ok(declared || texts.chain(lists).any(|text| makes_users(&text)))
}

fn makes_users(text: &str) -> bool {
    MAKERS.iter().any(|word| text.contains(word))
        || text.starts_with("user(")
        || text.starts_with("group(")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use rpm::{PackageBuilder, Scriptlet};

    use super::*;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn the_largest_part_comes_first_and_no_other_set_counts() {
        let dir = tempfile::tempdir().unwrap();
        let base = LayerId::of(b"base");
        let sets = KnownSets::on(dir.path(), &base);
        assert!(sets.parts_of(&set(&["a"])).is_empty());
        let ids: Vec<LayerId> = [&["a"][..], &["a", "b"], &["a", "x"]]
            .iter()
            .map(|names| {
                let id = LayerId::of(names.join(" ").as_bytes());
                sets.note(&id, &set(names)).unwrap();
                id
            })
            .collect();
        let found: Vec<LayerId> = sets
            .parts_of(&set(&["a", "b", "c"]))
            .into_iter()
            .map(|(id, _)| id)
            .collect();
        assert_eq!(found, [ids[1].clone(), ids[0].clone()]);
        sets.forget(&ids[1]);
        assert_eq!(sets.parts_of(&set(&["a", "b"])).len(), 1);
        let other = KnownSets::on(dir.path(), &LayerId::of(b"other"));
        assert!(other.parts_of(&set(&["a"])).is_empty());
    }

    #[test]
    fn packages_that_make_users_are_known() {
        let dir = tempfile::tempdir().unwrap();
        let makes = |name: &str, change: &dyn Fn(&mut PackageBuilder)| {
            let mut builder = PackageBuilder::new(name, "1", "MIT", "noarch", "test");
            change(&mut builder);
            let path = dir.path().join(name);
            builder.build().unwrap().write_file(&path).unwrap();
            allocates_ids(&path).unwrap()
        };
        assert!(!makes("plain", &|b| {
            b.post_install_script(Scriptlet::new("ldconfig"));
        }));
        assert!(makes("script", &|b| {
            b.pre_install_script(Scriptlet::new("getent passwd x || useradd x"));
        }));
        assert!(makes("declared", &|b| {
            b.provides(rpm::Dependency::any("user(x)"));
        }));
    }
}
