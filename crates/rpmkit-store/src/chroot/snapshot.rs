//! Snapshot operations of a chroot.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{
    Chroot, ChrootError, ChrootState, Named, Top, Unchecked, Upper, is_snapshot_name, session,
};
use crate::{
    GcOptions, LayerKind, LayerMeta, LayerSpec, LockWant, StoreError, StoreLock, holder, now,
};
use rpmkit_types::LayerId;

/// A snapshot, as a listing shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SnapshotInfo {
    /// Its name.
    pub name: String,
    /// Whether `clean` goes back to it.
    pub current: bool,
    /// The layer it names; `None` for the empty root.
    pub layer: Option<LayerId>,
    /// The nearest snapshot below, by name; of several with one layer the first.
    pub parent: Option<String>,
    /// When it was made, seconds since 1970.
    pub created: u64,
    /// What the user said about it.
    pub message: String,
    /// The commands that made it of what it lies on, as far as they are remembered.
    pub done: Vec<String>,
}

impl Chroot {
    /// Names what is there now and makes that what `clean` returns to.
    pub fn snapshot(&self, name: &str, message: &str) -> Result<(), ChrootError> {
        let _lock = self.exclusive()?;
        self.snapshot_held(name, message, false)
    }

    /// As [`Self::snapshot`], but not of a root in which there is nothing: a failed `--init` leaves one,
    /// and it must not become what `clean` returns to.
    pub fn snapshot_prepared(&self, name: &str, message: &str) -> Result<(), ChrootError> {
        let _lock = self.exclusive()?;
        check_name(name)?;
        if self.is_bare()? {
            return Err(ChrootError::Bare {
                chroot: self.label(),
            });
        }
        self.snapshot_held(name, message, false)
    }

    /// Whether nothing was ever put into the root or below it.
    fn is_bare(&self) -> Result<bool, StoreError> {
        let mut state = self.state()?;
        Ok(match &state.instance(&self.ext).upper {
            Upper::Frozen(top) => top.is_none(),
            Upper::Private { id, parent, .. } => {
                let fs = self.store.upper_dir(id).join("fs");
                parent.is_none()
                    && std::fs::read_dir(fs).is_ok_and(|mut entries| entries.next().is_none())
            }
        })
    }

    /// As [`Self::snapshot`], for whoever holds the use lock.
    pub(super) fn snapshot_held(
        &self,
        name: &str,
        message: &str,
        replace: bool,
    ) -> Result<(), ChrootError> {
        check_name(name)?;
        let top = {
            let _guard = self.store.shared()?;
            if !replace {
                // Before anything is frozen, and once more when the name is written.
                self.refuse_taken(&self.state()?, name)?;
            }
            let done = self.done_on_top()?;
            let frozen = self.freeze(name)?;
            self.change(|state| {
                if !replace {
                    self.refuse_taken(state, name)?;
                }
                let named = Named {
                    layer: frozen.clone(),
                    created: now(),
                    message: message.to_owned(),
                    done,
                };
                state.name(&self.ext, name, named);
                Ok(())
            })?;
            self.locked_layer(&frozen)?
        };
        if let Some(top) = top {
            session::keep_mountable(&self.store, &top)?;
        }
        Ok(())
    }

    /// What is remembered of the work on the private upper; for one that is frozen already, what its name
    /// remembers.
    fn done_on_top(&self) -> Result<Vec<String>, StoreError> {
        let mut state = self.state()?;
        Ok(match state.instance(&self.ext).upper.clone() {
            Upper::Private { done, .. } => done,
            Upper::Frozen(top) => {
                let named = state.names.into_values().find(|n| n.layer == top);
                named.map(|n| n.done).unwrap_or_default()
            }
        })
    }

    fn refuse_taken(&self, state: &ChrootState, name: &str) -> Result<(), ChrootError> {
        if state.names.contains_key(name) {
            return Err(ChrootError::SnapshotExists {
                chroot: self.name.clone(),
                name: name.to_owned(),
            });
        }
        Ok(())
    }

    /// Makes the upper of this instance immutable, if it is not, and says which layer it is now.
    fn freeze(&self, note: &str) -> Result<Top, ChrootError> {
        let upper = self.change(|state| Ok(state.instance(&self.ext).upper.clone()))?;
        let (id, parent, rebased, dirty, unsigned) = match upper {
            Upper::Frozen(top) => return Ok(top),
            Upper::Private {
                id,
                parent,
                rebased,
                dirty,
                unsigned,
                ..
            } => (id, parent, rebased, dirty, unsigned),
        };
        let dir = self.store.upper_dir(&id);
        let fs = dir.join("fs");
        let empty = std::fs::read_dir(&fs).is_ok_and(|mut d| d.next().is_none());
        let is_overlay = self.store.format().driver == crate::Driver::Overlay;
        if rebased && !dirty && (empty || !is_overlay) {
            // Put on a layer and left alone: that layer is what there is.
            self.change(|state| {
                state.instance(&self.ext).upper = Upper::Frozen(parent.clone());
                Ok(())
            })?;
            self.store.trash(&dir)?;
            return Ok(parent);
        }
        if !fs.exists() {
            // A move to another layer was cut short.
            let below = match self.locked_layer(&parent)? {
                Some(layer) => self.store.chain_unguarded(&layer)?,
                None => Vec::new(),
            };
            self.store.writable(&dir, &below)?;
        }
        let below = self.locked_layer(&parent)?;
        let spec = LayerSpec {
            kind: LayerKind::Snapshot,
            dependencies: below
                .map(|layer| layer.meta().dependencies.clone())
                .unwrap_or_default(),
            packages: Vec::new(),
            note: format!("{}: {note}", self.label()),
            unsigned: Unchecked::of(
                &self.store,
                unsigned.as_ref(),
                self.locked_layer(&parent)?.as_ref(),
            )?
            .known(),
        };
        self.store.commit(&dir, &id, parent.as_ref(), &spec)?;
        Ok(Some(id))
    }

    /// Drops what is on top, goes back to `name` and makes it what `clean` returns to.
    pub fn rollback(&self, name: &str) -> Result<(), ChrootError> {
        check_name(name)?;
        let _lock = self.exclusive()?;
        {
            let _guard = self.store.shared()?;
            let old = self.change(|state| {
                let top = self.named(state, name)?.layer.clone();
                Ok(state.reset(&self.ext, top))
            })?;
            if let Some(id) = old {
                self.store.trash(&self.store.upper_dir(&id))?;
            }
        }
        Ok(self.store.tidy(&super::mentioned)?)
    }

    /// Drops what is on top of the current snapshot.
    pub fn clean(&self) -> Result<(), ChrootError> {
        let _lock = self.enter()?;
        {
            let _guard = self.store.shared()?;
            let old = self.change(|state| {
                let current = state.instance(&self.ext).current.clone();
                Ok(state.reset(&self.ext, current))
            })?;
            if let Some(id) = old {
                self.store.trash(&self.store.upper_dir(&id))?;
            }
        }
        Ok(self.store.tidy(&super::mentioned)?)
    }

    /// Forgets names. Always safe, even for the current one: its layer stays while it is needed.
    pub fn remove(&self, names: &[&str]) -> Result<(), ChrootError> {
        for name in names {
            check_name(name)?;
        }
        let _lock = self.exclusive()?;
        {
            let _guard = self.store.shared()?;
            self.change(|state| {
                for name in names {
                    self.named(state, name)?;
                }
                state
                    .names
                    .retain(|name, _| !names.contains(&name.as_str()));
                Ok(())
            })?;
        }
        Ok(self.store.tidy(&super::mentioned)?)
    }

    /// Gives a snapshot another name.
    pub fn rename(&self, old: &str, new: &str) -> Result<(), ChrootError> {
        check_name(old)?;
        check_name(new)?;
        let _lock = self.exclusive()?;
        let _guard = self.store.shared()?;
        self.change(|state| {
            self.named(state, old)?;
            self.refuse_taken(state, new)?;
            if let Some(named) = state.names.remove(old) {
                state.names.insert(new.to_owned(), named);
            }
            Ok(())
        })
    }

    /// Names a layer that is in the store already, such as an imported one. Nothing else changes.
    pub fn adopt(&self, name: &str, layer: &LayerId, message: &str) -> Result<(), ChrootError> {
        check_name(name)?;
        let _guard = self.store.shared()?;
        self.change(|state| {
            self.refuse_taken(state, name)?;
            let named = Named {
                layer: Some(layer.clone()),
                created: now(),
                message: message.to_owned(),
                done: Vec::new(),
            };
            state.names.insert(name.to_owned(), named);
            Ok(())
        })
    }

    /// Removes everything of this configuration: all snapshots and chroots. Of a `--uniqueext`
    /// instance only that instance. Layers that nothing else needs go, too. This is also the way out
    /// of a state file that something else damaged.
    ///
    /// Instances that somebody is working in stay, with what they stand on: as in mock, a parallel build is no
    /// reason to refuse. Only this very instance must be free.
    pub fn scrub(&self) -> Result<(), ChrootError> {
        let state = self.state_to_scrub()?;
        let mut locks = Vec::new();
        let exts: BTreeSet<String> = if self.ext.is_empty() {
            let known = state.instances.keys().cloned();
            known.chain([String::new()]).collect()
        } else {
            BTreeSet::from([self.ext.clone()])
        };
        let mut free = BTreeSet::new();
        for ext in &exts {
            let one = Self::new(&self.store, self.name.clone(), ext);
            match one.enter() {
                Ok(lock) => {
                    locks.push(lock);
                    free.insert(ext.clone());
                }
                Err(ChrootError::InUse { .. }) if *ext != self.ext => {}
                Err(error) => return Err(error),
            }
        }
        let path = self.store.dir().join("lock");
        let _guard = StoreLock::take(&self.store.inner().disk, &path, LockWant::Exclusive)?;
        let state = self.state_to_scrub()?;
        // One that was born while we were collecting locks is being used by whoever made it.
        let all_free = state.instances.keys().all(|ext| free.contains(ext));
        let doomed = self.everything_on(&state, &free)?;
        if self.ext.is_empty() && all_free {
            self.store.trash(&self.dir())?;
            for id in state.uppers() {
                self.store.trash(&self.store.upper_dir(&id))?;
            }
        } else {
            let whole = self.ext.is_empty();
            let old = self.change(|state| {
                if whole {
                    state.names.clear();
                }
                let gone = free.iter().filter_map(|ext| state.instances.remove(ext));
                Ok(gone.collect::<Vec<_>>())
            })?;
            for instance in old {
                if let Upper::Private { id, .. } = instance.upper {
                    self.store.trash(&self.store.upper_dir(&id))?;
                }
            }
            for ext in &free {
                self.store.inner().disk.unlink(&self.use_path(ext))?;
            }
        }
        self.store
            .collect(&super::mentioned, &GcOptions::default(), &doomed)?;
        Ok(())
    }

    /// What is to be removed; of a damaged state nothing is known but that all of it goes.
    fn state_to_scrub(&self) -> Result<ChrootState, StoreError> {
        match self.state() {
            Err(StoreError::Corrupt { .. }) if self.ext.is_empty() => Ok(ChrootState::default()),
            other => other,
        }
    }

    /// The layers these instances (and, for the main one, the names) stand on, and all that was made
    /// on top of those. What something else needs is kept by the collector.
    fn everything_on(
        &self,
        state: &ChrootState,
        exts: &BTreeSet<String>,
    ) -> Result<BTreeSet<LayerId>, StoreError> {
        let metas = self.store.all_metas()?;
        let mut mine: Vec<LayerId> = Vec::new();
        for (ext, instance) in &state.instances {
            if exts.contains(ext) {
                mine.extend(instance.current.clone());
                mine.extend(instance.upper.ground().clone());
            }
        }
        if self.ext.is_empty() {
            mine.extend(state.names.values().filter_map(|n| n.layer.clone()));
            mine.extend(state.used.iter().cloned());
        }
        let others = self.used_by_others()?;
        let find = |id: &LayerId| metas.iter().find(|m| m.id == *id);
        let mut doomed = BTreeSet::new();
        let mut todo = mine;
        while let Some(id) = todo.pop() {
            if !doomed.insert(id.clone()) {
                continue;
            }
            todo.extend(find(&id).and_then(|m| m.parent.clone()));
            let above = |m: &&LayerMeta| m.parent.as_ref() == Some(&id);
            todo.extend(metas.iter().filter(above).map(|m| m.id.clone()));
        }
        doomed.retain(|id| !others.contains(id));
        Ok(doomed)
    }

    pub(super) fn named<'a>(
        &self,
        state: &'a ChrootState,
        name: &str,
    ) -> Result<&'a Named, ChrootError> {
        state
            .names
            .get(name)
            .ok_or_else(|| ChrootError::NoSnapshot {
                chroot: self.name.clone(),
                name: name.to_owned(),
                known: state.names.keys().cloned().collect(),
            })
    }

    /// The layer a snapshot names, locked; `None` for the empty root.
    pub fn layer(&self, name: &str) -> Result<Option<crate::Layer>, ChrootError> {
        check_name(name)?;
        let _guard = self.store.shared()?;
        let state = self.state()?;
        let top = self.named(&state, name)?.layer.clone();
        Ok(self.locked_layer(&top)?)
    }

    /// All snapshots by name. Never waits and never fails because the chroot is in use.
    pub fn list(&self) -> Result<Vec<SnapshotInfo>, ChrootError> {
        let mut state = self.state()?;
        let current = state.instance(&self.ext).current.clone();
        let mut out = Vec::new();
        for (name, named) in &state.names {
            out.push(SnapshotInfo {
                name: name.clone(),
                current: named.layer == current,
                layer: named.layer.clone(),
                parent: self.nearest_named(&state, &named.layer)?,
                created: named.created,
                message: named.message.clone(),
                done: named.done.clone(),
            });
        }
        Ok(out)
    }

    /// The first strict ancestor of a layer that has a name.
    fn nearest_named(
        &self,
        state: &ChrootState,
        layer: &Top,
    ) -> Result<Option<String>, StoreError> {
        let mut next = layer.clone();
        while let Some(id) = next {
            let meta = crate::read_meta(&self.store.layer_dir(&id))?;
            next = meta.and_then(|m| m.parent);
            let found = state.names.iter().find(|(_, n)| n.layer == next);
            if let (Some((name, _)), Some(_)) = (found, &next) {
                return Ok(Some(name.clone()));
            }
        }
        Ok(None)
    }

    /// Who is working in this instance now, if somebody is.
    pub fn in_use_by(&self) -> Result<Option<Option<crate::LockHolder>>, StoreError> {
        let path = self.use_path(&self.ext);
        if !path.exists() || StoreLock::existing(&path, LockWant::TryExclusive)?.is_some() {
            return Ok(None);
        }
        Ok(Some(holder(&path)))
    }
}

fn check_name(name: &str) -> Result<(), ChrootError> {
    if is_snapshot_name(name) {
        return Ok(());
    }
    Err(ChrootError::BadName(name.to_owned()))
}
