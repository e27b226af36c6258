//! What was made for a configuration and could be made again: mock's caches, as layers.
//!
//! Layers are shared by content, and none says for whom it was made. So each chroot remembers which ones
//! it has stood on. That is no reference: the collector may take them. `--scrub` reads it, to drop a
//! configuration's layers and no other's.

use std::collections::BTreeSet;

use super::{Chroot, ChrootError, ChrootState, POSTINIT, Upper};
use crate::{GcOptions, LayerKind, LockWant, StoreError, StoreLock};
use rpmkit_types::{Checksum, LayerId};

impl Chroot {
    /// Drops layers of these kinds that this configuration has used and nobody needs. Layers that are in
    /// use, that snapshots and chroots stand on, or that another configuration has used stay.
    ///
    /// The implicit `postinit` of a chroot nobody has worked in is no more than a cache of its base layer,
    /// and goes with it.
    pub fn forget_cached(&self, kinds: &[LayerKind]) -> Result<(), ChrootError> {
        let state = self.state()?;
        if kinds.contains(&LayerKind::Base) && self.is_only_a_cache(&state)? {
            // Nothing is lost: the next `init` finds, or makes, the same.
            let main = Self::new(&self.store, self.name.clone(), "");
            main.forget_postinit()?;
        }
        let path = self.store.dir().join("lock");
        let _guard = StoreLock::take(&self.store.inner().disk, &path, LockWant::Exclusive)?;
        let others = self.used_by_others()?;
        let doomed = self
            .store
            .all_metas()?
            .into_iter()
            .filter(|meta| kinds.contains(&meta.kind) && meta.kind.is_reproducible())
            .map(|meta| meta.id)
            .filter(|id| state.used.contains(id) && !others.contains(id))
            .collect();
        self.store
            .collect(&super::mentioned, &GcOptions::default(), &doomed)?;
        Ok(())
    }

    /// Whether all there is of the chroot is its implicit snapshot of a base layer, and nothing was written
    /// on top.
    fn is_only_a_cache(&self, state: &ChrootState) -> Result<bool, StoreError> {
        let Some(postinit) = state.names.get(POSTINIT).filter(|_| state.names.len() == 1) else {
            return Ok(false);
        };
        let Some(id) = &postinit.layer else {
            return Ok(false);
        };
        let meta = crate::read_meta(&self.store.layer_dir(id))?;
        let untouched = state.instances.values().all(|instance| {
            instance.current == postinit.layer
                && match &instance.upper {
                    Upper::Frozen(top) => *top == postinit.layer,
                    Upper::Private { parent, dirty, .. } => !dirty && *parent == postinit.layer,
                }
        });
        Ok(untouched && meta.is_some_and(|m| m.kind == LayerKind::Base))
    }

    /// Removes the name `postinit` and everything the instances stand on, if that is still all there is.
    fn forget_postinit(&self) -> Result<(), ChrootError> {
        let mut locks = Vec::new();
        for ext in self.state()?.instances.keys() {
            locks.push(Self::new(&self.store, self.name.clone(), ext).enter()?);
        }
        let _guard = self.store.shared()?;
        let old = self.change(|state| {
            if !self.is_only_a_cache(state)? {
                return Ok(Vec::new());
            }
            state.names.clear();
            let old = state.uppers();
            state.instances.clear();
            Ok(old)
        })?;
        for id in old {
            self.store.trash(&self.store.upper_dir(&id))?;
        }
        Ok(())
    }

    /// Layers that other configurations of this store have used.
    pub(super) fn used_by_others(&self) -> Result<BTreeSet<LayerId>, StoreError> {
        let mut out = BTreeSet::new();
        for name in Self::all(&self.store)? {
            if name != self.name {
                out.extend(Self::new(&self.store, name, "").state()?.used);
            }
        }
        Ok(out)
    }

    /// Digests of the packages that went into this configuration's layers and into nobody else's.
    pub fn own_packages(&self) -> Result<Vec<Checksum>, ChrootError> {
        let used = self.state()?.used;
        let (mut mine, mut theirs) = (Vec::new(), BTreeSet::new());
        for meta in self.store.all_metas()? {
            // It may be collected while we look.
            let Some(layer) = self.store.find(&meta.id)? else {
                continue;
            };
            let sums = layer.packages()?.into_iter().filter_map(|p| p.checksum);
            if used.contains(&meta.id) {
                mine.extend(sums);
            } else {
                theirs.extend(sums.map(|s| s.hex));
            }
        }
        mine.retain(|sum| !theirs.contains(&sum.hex));
        Ok(mine)
    }
}
