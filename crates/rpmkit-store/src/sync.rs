//! Syncing published layers to disk without making anybody wait.
//!
//! A layer is usable the moment it is published. One `syncfs` later its `unsynced` mark goes away.
//! If the machine stops in between, the mark tells the next run, by the boot id in it, that the
//! layer may be incomplete.

use std::path::PathBuf;

use super::{
    Store,
    error::{At, StoreError},
    layer::{Layer, LayerKind, read_meta},
    lock::{Lock, Want},
    ops::{Housekeep, Usage, UsageOf, keep_usage, sync_layers},
};
use rpmkit_types::LayerId;

impl Store {
    /// Runs `work` beside us. A panic in there is no reason to fail.
    pub(super) fn in_background(&self, name: &str, work: impl FnOnce() + Send + 'static) {
        let handle = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(work);
        if let (Ok(handle), Ok(mut list)) = (handle, self.0.background.lock()) {
            list.retain(|h| !h.is_finished());
            list.push(handle);
        }
    }

    /// Waits for all background work of this store. Front ends call it last of all.
    pub fn wait_for_background(&self) {
        loop {
            let Ok(mut list) = self.0.background.lock() else {
                return;
            };
            let Some(handle) = list.pop() else { return };
            drop(list);
            let _ = handle.join();
        }
    }

    /// Marks a layer as not yet safe; called just before it is published.
    pub(super) fn mark_unsynced(&self, id: &LayerId) -> Result<(), StoreError> {
        let path = self.0.dir.join("unsynced").join(id.as_str());
        self.0.disk.replace(&path, self.0.boot.as_bytes(), false)
    }

    /// Starts what nobody waits for, in a process that outlives this one. `false` when these hands cannot.
    pub(crate) fn housekeep(&self, mut job: Housekeep) -> bool {
        job.store.clone_from(&self.0.dir);
        let foreign = job.sweep || !job.measure.is_empty();
        serde_json::to_vec(&job)
            .is_ok_and(|input| self.0.hands.detach("housekeep", &input, foreign))
    }

    /// Syncs and measures beside us.
    pub(super) fn sync_in_background(&self, layer: Layer) {
        if self.housekeep(Housekeep {
            layers: true,
            measure: vec![layer.dir.clone()],
            ..Housekeep::default()
        }) {
            return;
        }
        let store = self.clone();
        self.in_background("sync", move || {
            if let Err(e) = sync_layers(&store.0.dir) {
                store.events().warn(format!("syncing layers: {e}"));
            }
            let _ = store.usage(&layer);
        });
    }

    fn unsynced(&self) -> Result<Vec<(LayerId, PathBuf)>, StoreError> {
        let dir = self.0.dir.join("unsynced");
        let mut out = Vec::new();
        for entry in std::fs::read_dir(&dir).at("list", &dir)? {
            let path = entry.at("list", &dir)?.path();
            let name = path.file_name().and_then(|n| n.to_str());
            if let Some(id) = name.and_then(|n| n.parse().ok()) {
                out.push((id, path));
            }
        }
        Ok(out)
    }

    /// On opening: finishes what an earlier process of this boot left, and judges what an earlier
    /// boot left.
    pub(super) fn recover_unsynced(&self) -> Result<(), StoreError> {
        let mut same_boot = false;
        for (id, path) in self.unsynced()? {
            match std::fs::read_to_string(&path) {
                Ok(boot) if boot == self.0.boot => same_boot = true,
                Ok(_) => self.judge(&id)?,
                Err(_) => {}
            }
        }
        let job = Housekeep {
            layers: true,
            ..Housekeep::default()
        };
        if same_boot && !self.housekeep(job) {
            let store = self.clone();
            self.in_background("sync", move || {
                if let Err(e) = sync_layers(&store.0.dir) {
                    store.events().warn(format!("syncing layers: {e}"));
                }
            });
        }
        Ok(())
    }

    /// A layer published before the machine went down, never known to be complete on disk.
    fn judge(&self, id: &LayerId) -> Result<(), StoreError> {
        let dir = self.layer_dir(id);
        let kind = read_meta(&dir).ok().flatten().map(|m| m.kind);
        let stands_alone = !self
            .all_metas()?
            .iter()
            .any(|m| m.parent.as_ref() == Some(id));
        if kind.is_none_or(LayerKind::is_reproducible) && stands_alone {
            let lock = self.0.dir.join("lock");
            let Some(_guard) = Lock::take(&self.0.disk, &lock, Want::TryExclusive)? else {
                return Ok(());
            };
            self.trash(&dir)?;
        } else {
            self.0.events.warn(format!(
                "the machine went down while layer {} was being written; it may be incomplete",
                id.short()
            ));
        }
        self.0
            .disk
            .unlink(&self.0.dir.join("unsynced").join(id.as_str()))
    }

    /// What a layer takes, where that has been measured. Otherwise a process that outlives this
    /// command begins to, so that nobody waits for a look at every file.
    pub fn usage_if_known(&self, layer: &Layer) -> Option<Usage> {
        let known = layer.known_usage();
        if known.is_none() {
            self.housekeep(Housekeep {
                measure: vec![layer.dir.clone()],
                ..Housekeep::default()
            });
        }
        known
    }

    /// Disk use of a layer, measured once.
    pub fn usage(&self, layer: &Layer) -> Result<Usage, StoreError> {
        if let Some(known) = layer.known_usage() {
            return Ok(known);
        }
        let input = UsageOf {
            paths: vec![layer.dir.clone()],
        };
        let measured: Vec<Usage> = super::ask(&*self.0.hands, "usage", &input)?;
        let usage = measured.first().copied().unwrap_or_default();
        keep_usage(&self.0.dir, &layer.dir, &usage);
        Ok(usage)
    }
}
