//! What is in a root that nobody verified.

use std::collections::BTreeSet;

use crate::{Layer, LayerKind, Store, StoreError};

/// What is known of packages in a root whose signatures nobody looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unchecked {
    /// The repositories they are of; the empty name stands for local files.
    pub repos: BTreeSet<String>,
    /// Part of the root was made by an older rpmkit, which did not write this down.
    pub unknown: bool,
}

impl Unchecked {
    /// Of a root with `upper` on top of the layer `top`. What a layer knows is true of all below it. The
    /// caller keeps the collector away.
    pub(super) fn of(
        store: &Store,
        upper: Option<&BTreeSet<String>>,
        top: Option<&Layer>,
    ) -> Result<Self, StoreError> {
        let mut found = Self::default();
        found.add(upper);
        let mut next = top.cloned();
        while let Some(layer) = next {
            // The user named the archive an import was read from.
            if layer.meta().kind == LayerKind::Import {
                break;
            }
            found.add(known(&layer));
            if known(&layer).is_some() {
                break;
            }
            next = match layer.parent() {
                Some(parent) => store.find_unguarded(parent)?,
                None => None,
            };
        }
        Ok(found)
    }

    fn add(&mut self, repos: Option<&BTreeSet<String>>) {
        match repos {
            Some(repos) => self.repos.extend(repos.iter().cloned()),
            None => self.unknown = true,
        }
    }

    /// As it is kept in a layer's meta.
    pub(super) fn known(self) -> Option<BTreeSet<String>> {
        (!self.unknown).then_some(self.repos)
    }
}

fn known(layer: &Layer) -> Option<&BTreeSet<String>> {
    layer.meta().unsigned.as_ref()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use crate::{LayerSpec, Slot, chroot::testing::*};
    use rpmkit_types::LayerId;

    use super::*;

    fn set(ids: &[&str]) -> BTreeSet<String> {
        ids.iter().map(|&id| id.to_owned()).collect()
    }

    fn layer(store: &Store, key: &str, unsigned: Option<BTreeSet<String>>) -> Layer {
        match store.build(&LayerId::of(key.as_bytes()), None).unwrap() {
            Slot::Ready(layer) => layer,
            Slot::Make(pending) => pending
                .publish(&LayerSpec {
                    kind: LayerKind::Base,
                    dependencies: BTreeSet::new(),
                    packages: Vec::new(),
                    note: key.to_owned(),
                    unsigned,
                })
                .unwrap(),
        }
    }

    #[test]
    fn what_nobody_verified_stays_known_through_snapshots() {
        let home = tempfile::tempdir().unwrap();
        let store = store(home.path());
        let chroot = chroot(&store);
        let found = |repos: &[&str], unknown| Unchecked {
            repos: set(repos),
            unknown,
        };
        let mut session = chroot.open().unwrap();
        assert_eq!(session.unchecked().unwrap(), found(&[], false));
        session
            .rebase(&layer(&store, "base", Some(set(&["a"]))))
            .unwrap();
        assert_eq!(session.unchecked().unwrap(), found(&["a"], false));
        session.mark_dirty().unwrap();
        session.note_unchecked(set(&["b", ""])).unwrap();
        session.close().unwrap();
        // Another process; a snapshot; one on top of it.
        let mut session = chroot.open().unwrap();
        assert_eq!(session.unchecked().unwrap(), found(&["", "a", "b"], false));
        session.snapshot("one", "").unwrap();
        session.mark_dirty().unwrap();
        session.snapshot("two", "").unwrap();
        assert_eq!(session.unchecked().unwrap(), found(&["", "a", "b"], false));
        session.close().unwrap();
        // What was written is gone with it.
        chroot.rollback("one").unwrap();
        let mut session = chroot.open().unwrap();
        session.mark_dirty().unwrap();
        session.note_unchecked(set(&["c"])).unwrap();
        session.clean().unwrap();
        assert_eq!(session.unchecked().unwrap(), found(&["", "a", "b"], false));
        session.close().unwrap();
    }

    #[test]
    fn what_an_older_version_made_is_not_known() {
        let home = tempfile::tempdir().unwrap();
        let store = store(home.path());
        let chroot = chroot(&store);
        let mut session = chroot.open().unwrap();
        session.rebase(&layer(&store, "old", None)).unwrap();
        assert!(session.unchecked().unwrap().unknown);
        session.mark_dirty().unwrap();
        session.close().unwrap();
        // As it wrote its state.
        let path = chroot.dir().join("state.json");
        let mut state: serde_json::Value =
            serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let upper = &mut state["instances"][""]["upper"]["private"];
        assert!(upper.as_object_mut().unwrap().remove("unsigned").is_some());
        std::fs::write(&path, state.to_string()).unwrap();
        assert!(chroot.open().unwrap().unchecked().unwrap().unknown);
    }
}
