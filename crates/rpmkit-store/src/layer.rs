//! One immutable layer.

use std::{
    collections::BTreeSet,
    os::fd::BorrowedFd,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::{
    error::{At, StoreError},
    format::{Driver, FORMAT},
    lock::StoreLock,
    ops::{KEPT, Usage},
};
use rpmkit_types::{LayerId, Package};

/// What a layer is for. Decides how it may be collected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LayerKind {
    /// A target's own rpm, unpacked natively.
    ToolRoot,
    /// The minimal buildroot.
    Base,
    /// A set of build dependencies on top of another layer.
    BuildDeps,
    /// Any other layer that can be made again from its key.
    Derived,
    /// A whole chain in one tree of hard links; stands in for the chain of the layer it was made of.
    Flat,
    /// A user's snapshot: nothing could make it again.
    Snapshot,
    /// A root file system read from an archive: nothing could make it again.
    Import,
}

impl LayerKind {
    /// True when the layer's id is a key, so that it can be found, or made, again.
    pub fn is_reproducible(self) -> bool {
        !matches!(self, Self::Snapshot | Self::Import)
    }

    /// A word for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::ToolRoot => "tool root",
            Self::Base => "base",
            Self::BuildDeps => "build dependencies",
            Self::Derived => "derived",
            Self::Flat => "flattened",
            Self::Snapshot => "snapshot",
            Self::Import => "import",
        }
    }
}

/// What is told about a layer when it is published.
#[derive(Debug, Clone)]
pub struct LayerSpec {
    /// What it is for.
    pub kind: LayerKind,
    /// All packages installed in the root with this layer on top, for `diff` and logs.
    pub packages: Vec<Package>,
    /// What was done, for people: a command or a list of requests.
    pub note: String,
    /// As in [`LayerMeta`].
    pub unsigned: Option<BTreeSet<String>>,
    /// As in [`LayerMeta`].
    pub dependencies: BTreeSet<String>,
}

/// The `meta.json` of a layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerMeta {
    /// Format version.
    pub format: u32,
    /// The layer's id.
    pub id: LayerId,
    /// The layer right below.
    pub parent: Option<LayerId>,
    /// What it is for.
    pub kind: LayerKind,
    /// Differences or a whole tree.
    pub driver: Driver,
    /// When it was published, seconds since 1970.
    pub created: u64,
    /// What was done, for people.
    #[serde(default)]
    pub note: String,
    /// Repositories with packages in the root whose signatures nobody looked at; the empty name
    /// stands for local files. `None` where it is not known: snapshots, imports, old layers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsigned: Option<BTreeSet<String>>,
    /// Names of packages in the root that nobody asked for: others need or recommend them. What is
    /// not listed counts as asked for.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub dependencies: BTreeSet<String>,
}

/// The `packages.json` of a layer; apart from the meta so that chains are read quickly.
#[derive(Serialize, Deserialize)]
pub(super) struct PackageList {
    pub format: u32,
    pub packages: Vec<Package>,
}

/// A published layer. While this value or a clone of it lives, the layer cannot be collected.
#[derive(Debug, Clone)]
pub struct Layer {
    pub(super) meta: Arc<LayerMeta>,
    pub(super) dir: PathBuf,
    pub(super) lock: Arc<StoreLock>,
}

impl Layer {
    /// Identity.
    pub fn id(&self) -> &LayerId {
        &self.meta.id
    }

    /// What is known about it.
    pub fn meta(&self) -> &LayerMeta {
        &self.meta
    }

    /// The layer right below.
    pub fn parent(&self) -> Option<&LayerId> {
        self.meta.parent.as_ref()
    }

    /// The directory with the layer's files: differences to the parent, or a whole tree with the
    /// plain driver. Never write there.
    pub fn fs(&self) -> PathBuf {
        self.dir.join("fs")
    }

    /// The saved content of one of the directories that are kept off the overlay.
    pub fn volume(&self, name: &str) -> PathBuf {
        self.dir.join("dirs").join(name)
    }

    /// The shared lock, to be inherited by whatever keeps using the layer.
    pub fn lock_fd(&self) -> BorrowedFd<'_> {
        self.lock.fd()
    }

    /// The packages in the root with this layer on top, as told when it was published; empty for
    /// snapshots, whose packages only the rpm database inside knows.
    pub fn packages(&self) -> Result<Vec<Package>, StoreError> {
        let path = self.dir.join("packages.json");
        match std::fs::read(&path) {
            Ok(text) => read_json::<PackageList>(&path, &text).map(|l| l.packages),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(e) => Err(e).at("read", &path),
        }
    }

    /// The measured size, if somebody measured already.
    pub(super) fn known_usage(&self) -> Option<Usage> {
        serde_json::from_slice(&std::fs::read(self.dir.join(KEPT)).ok()?).ok()
    }
}

/// Reads a `meta.json`; `None` when there is none.
pub(crate) fn read_meta(dir: &Path) -> Result<Option<LayerMeta>, StoreError> {
    let path = dir.join("meta.json");
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e).at("read", &path),
    };
    let meta: LayerMeta = read_json(&path, &text)?;
    if meta.format != FORMAT {
        return Err(StoreError::Format {
            path,
            what: "format",
            found: meta.format.to_string(),
            expected: FORMAT.to_string(),
        });
    }
    Ok(Some(meta))
}

/// JSON with an error that names the file.
pub(crate) fn read_json<T: serde::de::DeserializeOwned>(
    path: &Path,
    text: &[u8],
) -> Result<T, StoreError> {
    serde_json::from_slice(text).map_err(|e| StoreError::Corrupt {
        path: path.to_owned(),
        reason: e.to_string(),
    })
}
