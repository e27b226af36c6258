//! What a failed build left, kept as a layer under a name: nobody's next build stands on it, and it can
//! be gone back to when that build is looked into or gone on with.

use super::super::{Chroot, ChrootError, Named, Unchecked, Upper, is_snapshot_name, mentioned};
use super::{Session, keep_mountable};
use crate::{LayerKind, LayerSpec, now};

/// How the names begin.
pub const KEPT: &str = "failed-";

/// Failed builds kept of one chroot; the oldest make room.
const MOST_KEPT: usize = 3;

impl Session {
    /// Ends the session and keeps what was written, as a layer under the name `failed-WHAT`, which it
    /// gives. `clean` and the next use return to where they did before. An older one of that name is
    /// forgotten, and so are others when there are too many. No container may be running.
    ///
    /// # Errors
    /// When the layer or the state cannot be written; what was written is lost then.
    pub fn keep(mut self, what: &str, message: &str) -> Result<String, ChrootError> {
        let name = format!("{KEPT}{what}");
        if !is_snapshot_name(&name) {
            return Err(ChrootError::BadName(name));
        }
        self.finished = true;
        let chroot = self.chroot.clone();
        let (forgotten, layer) = {
            let _guard = chroot.store.shared()?;
            let below = self.upper.parent.as_ref();
            let parent = below.map(|layer| layer.id().clone());
            let spec = LayerSpec {
                kind: LayerKind::Snapshot,
                dependencies: below
                    .map(|layer| layer.meta().dependencies.clone())
                    .unwrap_or_default(),
                packages: Vec::new(),
                note: format!("{}: {name}", chroot.label()),
                unsigned: Unchecked::of(&chroot.store, self.upper.unsigned.as_ref(), below)?
                    .known(),
            };
            let id = self.upper.id.clone();
            let layer = chroot
                .store
                .commit(&self.upper.dir, &id, parent.as_ref(), &spec)?;
            let own = !self.is_throwaway();
            let forgotten = chroot.change(|state| {
                if own {
                    let current = state.instance(&chroot.ext).current.clone();
                    state.instance(&chroot.ext).upper = Upper::Frozen(current);
                    state.used.extend(self.used.iter().cloned());
                }
                let named = Named {
                    layer: Some(id.clone()),
                    created: now(),
                    message: message.to_owned(),
                    done: self.upper.done.clone(),
                };
                let replaced = state.names.insert(name.clone(), named).is_some();
                let mut kept: Vec<(u64, String)> = state
                    .names
                    .iter()
                    .filter(|(other, _)| other.starts_with(KEPT) && **other != name)
                    .map(|(other, named)| (named.created, other.clone()))
                    .collect();
                kept.sort();
                let surplus = (kept.len() + 1).saturating_sub(MOST_KEPT);
                for (_, other) in &kept[..surplus] {
                    state.names.remove(other);
                }
                Ok(replaced || surplus > 0)
            })?;
            (forgotten, layer)
        };
        keep_mountable(&chroot.store, &layer)?;
        if forgotten {
            chroot.store.tidy(&mentioned)?;
        }
        Ok(name)
    }
}

impl Chroot {
    /// Puts the chroot on the snapshot `name`, for the next use and without moving what `clean` goes back
    /// to. What was written on top of that very snapshot stays; anything else on top is dropped.
    ///
    /// # Errors
    /// [`ChrootError::NoSnapshot`] when there is none of that name, and when somebody works in the chroot.
    pub fn stand_on(&self, name: &str) -> Result<(), ChrootError> {
        let _lock = self.exclusive()?;
        {
            let _guard = self.store.shared()?;
            let old = self.change(|state| {
                let top = self.named(state, name)?.layer.clone();
                let instance = state.instance(&self.ext);
                if *instance.upper.ground() == top {
                    return Ok(None);
                }
                let old = std::mem::replace(&mut instance.upper, Upper::Frozen(top));
                Ok(match old {
                    Upper::Private { id, .. } => Some(id),
                    Upper::Frozen(_) => None,
                })
            })?;
            if let Some(id) = old {
                self.store.trash(&self.store.upper_dir(&id))?;
            }
        }
        Ok(self.store.tidy(&mentioned)?)
    }

    /// Forgets a kept build, if there is one of that name: it was built since.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub fn forget_kept(&self, what: &str) -> Result<(), ChrootError> {
        let name = format!("{KEPT}{what}");
        if !self.state()?.names.contains_key(&name) {
            return Ok(());
        }
        {
            let _guard = self.store.shared()?;
            self.change(|state| {
                state.names.remove(&name);
                Ok(())
            })?;
        }
        Ok(self.store.tidy(&mentioned)?)
    }
}
