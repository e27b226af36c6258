//! Chroots of a configuration: snapshots by name, what `clean` returns to, and the private directory
//! that takes all writes. mock's overlayfs plugin, on the layers of [`crate`].
//!
//! - A snapshot is a name for a layer. Making one freezes the private upper directory: it is renamed
//!   into the store and from then on never changes. The next use finds the upper frozen and makes a
//!   new one on top, so two snapshots in a row name the same layer, and both are current.
//! - `rollback` and `clean` drop the private upper and point at a frozen layer again.
//! - Nothing counts references on disk. What no name and no instance reaches is collected.
//! - Every instance (`--uniqueext`) has its own upper and its own `current`; names are shared.
//! - Locks are the kernel's. Whoever works in an instance holds its use lock; snapshot operations
//!   need that lock, too, and say who has it when it is taken.
//!
//! `/builddir`, `/tmp` and `/var/tmp` lie in directories beside the upper one (why: see
//! [`crate::VOLUMES`]). They are frozen with it, and a new upper begins with a copy of what
//! its parent has saved of them; the copy shares blocks where the file system can do that.

mod cached;
mod error;
mod held;
mod session;
mod shown;
mod snapshot;
mod state;

use std::path::PathBuf;

pub use error::ChrootError;
pub use session::Session;
pub use shown::RootPlace;
pub use snapshot::SnapshotInfo;
pub use state::{ChrootState, Instance, LayerNode, Named, POSTINIT, Top, Upper, is_snapshot_name};

use crate::{At, Layer, LockWant, Store, StoreError, StoreLock, holder};
use rpmkit_types::{ChrootName, LayerId};

/// All ids that the states of a store's chroots mention: what collecting must keep. `store` is its directory.
///
/// # Errors
/// When a state cannot be read: nothing is collected then.
pub fn mentioned(
    store: &std::path::Path,
) -> Result<std::collections::BTreeSet<LayerId>, StoreError> {
    let mut out = std::collections::BTreeSet::new();
    for path in crate::entries(&store.join("chroots"))? {
        out.extend(ChrootState::load(&path)?.mentioned());
    }
    Ok(out)
}

/// A configuration's chroot, or one of its `--uniqueext` instances. Opening it changes nothing.
#[derive(Debug, Clone)]
pub struct Chroot {
    store: Store,
    name: ChrootName,
    ext: String,
}

impl Chroot {
    /// The chroot of configuration `name`; `ext` is the `--uniqueext`, empty for none.
    pub fn new(store: &Store, name: ChrootName, ext: &str) -> Self {
        Self {
            store: store.clone(),
            name,
            ext: ext.to_owned(),
        }
    }

    /// All configurations that have a state in this store.
    pub fn all(store: &Store) -> Result<Vec<ChrootName>, StoreError> {
        Self::all_in(store.dir())
    }

    /// [`Self::all`] of a store's directory, which is not opened.
    pub fn all_in(store: &std::path::Path) -> Result<Vec<ChrootName>, StoreError> {
        let dir = store.join("chroots");
        let mut out = Vec::new();
        for entry in std::fs::read_dir(&dir).at("list", &dir)? {
            let entry = entry.at("list", &dir)?;
            let name = entry.file_name();
            let name = name.to_str().and_then(|n| decode(n).parse().ok());
            if entry.path().join("state.json").exists() {
                out.extend(name);
            }
        }
        out.sort();
        Ok(out)
    }

    /// The configuration's name.
    pub fn name(&self) -> &ChrootName {
        &self.name
    }

    /// The `--uniqueext`; empty for none.
    pub fn ext(&self) -> &str {
        &self.ext
    }

    /// The store it lives in.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Name and uniqueext, as mock joins them.
    pub fn label(&self) -> String {
        if self.ext.is_empty() {
            self.name.to_string()
        } else {
            format!("{}-{}", self.name, self.ext)
        }
    }

    fn dir(&self) -> PathBuf {
        let dir = self.store.dir().join("chroots");
        dir.join(encode(self.name.as_str()))
    }

    fn use_path(&self, ext: &str) -> PathBuf {
        self.dir().join(format!("use-{}.lock", encode(ext)))
    }

    /// Takes an instance's use lock, or `None` when somebody has it.
    fn use_lock(&self, ext: &str) -> Result<Option<StoreLock>, StoreError> {
        let _guard = self.store.shared()?;
        let disk = &self.store.inner().disk;
        if !self.dir().exists() {
            disk.mkdir(&self.dir(), 0o755)?;
        }
        let path = self.use_path(ext);
        let lock = StoreLock::take(disk, &path, LockWant::TryExclusive)?;
        let Some(mut lock) = lock else {
            return Ok(None);
        };
        lock.sign(&self.store.inner().holder).at("write", &path)?;
        Ok(Some(lock))
    }

    /// The use lock for working in the chroot. What was shown of it is no longer.
    fn enter(&self) -> Result<StoreLock, ChrootError> {
        let Some(lock) = self.use_lock_now()? else {
            return Err(self.busy()?);
        };
        self.withdraw_shown()?;
        Ok(lock)
    }

    /// Why the use lock cannot be had.
    fn busy(&self) -> Result<ChrootError, StoreError> {
        let chroot = self.label();
        Ok(match self.mounted_at()? {
            Some(at) => ChrootError::Mounted { chroot, at },
            None => ChrootError::InUse {
                chroot,
                holder: holder(&self.use_path(&self.ext)),
            },
        })
    }

    /// The use lock for a snapshot operation.
    fn exclusive(&self) -> Result<StoreLock, ChrootError> {
        let Some(lock) = self.use_lock_now()? else {
            return Err(match self.busy()? {
                ChrootError::InUse { chroot, holder } => {
                    ChrootError::SnapshotBusy { chroot, holder }
                }
                other => other,
            });
        };
        self.withdraw_shown()?;
        Ok(lock)
    }

    /// The state as it is now. Needs no lock: the file is replaced whole.
    pub fn state(&self) -> Result<ChrootState, StoreError> {
        ChrootState::load(&self.dir())
    }

    /// Reads, mends and changes the state under its lock, and writes it when it differs. The caller
    /// holds the store's lock.
    fn change<T>(
        &self,
        change: impl FnOnce(&mut ChrootState) -> Result<T, ChrootError>,
    ) -> Result<T, ChrootError> {
        let disk = &self.store.inner().disk;
        if !self.dir().exists() {
            disk.mkdir(&self.dir(), 0o755)?;
        }
        let _lock = StoreLock::take(disk, &self.dir().join("state.lock"), LockWant::Exclusive)?;
        let before = self.state()?;
        let mut state = before.clone();
        self.mend(&mut state)?;
        let out = change(&mut state)?;
        if state != before {
            let path = self.dir().join("state.json");
            let text = serde_json::to_vec_pretty(&state).map_err(std::io::Error::other);
            // Not synced here, which would wait for all that was ever written to the chroot.
            disk.replace(&path, &text.at("write", &path)?, false)?;
            self.store.state_changed(path);
        }
        Ok(out)
    }

    /// Brings the state in line with what is there, after a crash or a loss.
    fn mend(&self, state: &mut ChrootState) -> Result<(), StoreError> {
        let there = |top: &Top| match top {
            None => true,
            Some(id) => self.store.layer_dir(id).join("meta.json").exists(),
        };
        for instance in state.instances.values_mut() {
            if let Upper::Private { id, parent, .. } = &instance.upper {
                if self.store.upper_dir(id).exists() {
                    if !there(parent) {
                        self.warn_lost("unsaved changes", "the layer they lie on");
                        instance.upper = Upper::Frozen(instance.current.clone());
                    }
                } else if there(&Some(id.clone())) {
                    // Frozen, and stopped before that was written down.
                    instance.upper = Upper::Frozen(Some(id.clone()));
                } else {
                    self.warn_lost("unsaved changes", "their directory");
                    instance.upper = Upper::Frozen(instance.current.clone());
                }
            }
        }
        let lost: Vec<String> = state
            .names
            .iter()
            .filter(|(_, named)| !there(&named.layer))
            .map(|(name, _)| name.clone())
            .collect();
        for name in lost {
            self.warn_lost(&format!("snapshot `{name}`"), "its layer");
            state.names.remove(&name);
        }
        for instance in state.instances.values_mut() {
            if !there(&instance.current) {
                instance.current = None;
            }
            if matches!(&instance.upper, Upper::Frozen(top) if !there(top)) {
                instance.upper = Upper::Frozen(instance.current.clone());
            }
        }
        Ok(())
    }

    fn warn_lost(&self, what: &str, missing: &str) {
        self.store.events().warn(format!(
            "chroot `{}`: {what} dropped, {missing} is not in the store any more",
            self.name
        ));
    }

    fn locked_layer(&self, top: &Top) -> Result<Option<Layer>, StoreError> {
        match top {
            None => Ok(None),
            Some(id) => self
                .store
                .find_unguarded(id)?
                .map(Some)
                .ok_or_else(|| self.store.missing(id)),
        }
    }

    /// How often each node of the tree is referred to; see [`ChrootState::counts`].
    pub fn counts(&self) -> Result<std::collections::BTreeMap<LayerNode, usize>, StoreError> {
        let metas = self.store.all_metas()?;
        let parent = |id: &LayerId| {
            let meta = metas.iter().find(|m| m.id == *id);
            meta.and_then(|m| m.parent.clone())
        };
        Ok(self.state()?.counts(&parent))
    }
}

/// A name as one path component.
fn encode(name: &str) -> String {
    name.replace('%', "%25").replace('/', "%2F")
}

fn decode(name: &str) -> String {
    name.replace("%2F", "/").replace("%25", "%")
}

#[cfg(test)]
mod crash;
#[cfg(test)]
mod model;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
