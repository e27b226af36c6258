//! What the tests of this module share.
#![allow(clippy::unwrap_used)]

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::*;
use crate::{
    Direct, Disk, Driver, Fault, LayerKind, LayerSpec, LockHolder, Mapping, Root, Slot,
    StoreFormat, StoreOptions,
};
use rpmkit_types::event::Events;

pub(super) fn store_with(home: &Path, driver: Driver, disk: Disk) -> Result<Store, StoreError> {
    Store::open(StoreOptions {
        home: home.to_owned(),
        format: StoreFormat::new(nix::unistd::getuid().as_raw(), Mapping::Root, driver),
        hands: Box::new(Direct(crate::OPS)),
        holder: LockHolder {
            pid: std::process::id(),
            command: "a test".into(),
            since: 0,
        },
        events: Events::silent(),
        disk,
    })
}

pub(super) fn store(home: &Path) -> Store {
    store_with(home, Driver::Overlay, Disk::default()).unwrap()
}

pub(super) fn failing(home: &Path, fault: std::sync::Arc<Fault>) -> Result<Store, StoreError> {
    store_with(home, Driver::Overlay, Disk::with_fault(fault))
}

pub(super) fn chroot(store: &Store) -> Chroot {
    Chroot::new(store, "f43".parse().unwrap(), "")
}

pub(super) fn upper_fs(session: &Session) -> PathBuf {
    match session.root() {
        Root::Overlay { upper, .. } => upper.clone(),
        Root::Dir(dir) => dir.clone(),
    }
}

pub(super) fn base(store: &Store, key: &str) -> Result<Layer, StoreError> {
    let pending = match store.build(&LayerId::of(key.as_bytes()), None)? {
        Slot::Ready(layer) => return Ok(layer),
        Slot::Make(pending) => pending,
    };
    std::fs::write(pending.fs().join(key), key).unwrap();
    pending.publish(&LayerSpec {
        kind: LayerKind::Base,
        packages: Vec::new(),
        note: key.to_owned(),
        unsigned: None,
        dependencies: std::collections::BTreeSet::new(),
    })
}

pub(super) fn count(dir: &Path) -> usize {
    std::fs::read_dir(dir).unwrap().count()
}

/// Regular files of a root by path, the directories beside it as `builddir/…`.
pub(super) type Files = BTreeMap<String, String>;

fn files(layers: &[PathBuf], volume: Option<PathBuf>) -> Files {
    let mut out = Files::new();
    crate::ops::walk(layers, &mut |path, node| {
        if node.meta.is_file() {
            let text = std::fs::read_to_string(&node.real).unwrap();
            out.insert(path.display().to_string(), text);
        }
        Ok(())
    })
    .unwrap();
    if let Some(volume) = volume.filter(|s| s.exists()) {
        for entry in std::fs::read_dir(volume).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let text = std::fs::read_to_string(&path).unwrap();
            out.insert(format!("builddir/{name}"), text);
        }
    }
    out
}

/// What stands at a place of the tree.
pub(super) fn content(store: &Store, top: &Top) -> Files {
    let Some(id) = top else { return Files::new() };
    let layer = store.need(id).unwrap();
    let chain = store.chain(&layer).unwrap();
    let fs: Vec<PathBuf> = chain.iter().map(Layer::fs).collect();
    files(&fs, Some(layer.volume("builddir")))
}

/// What an instance's next session would show.
pub(super) fn upper_content(store: &Store, upper: &Upper) -> Files {
    let (id, parent) = match upper {
        Upper::Frozen(top) => return content(store, top),
        Upper::Private { id, parent, .. } => (id, parent),
    };
    let dir = store.upper_dir(id);
    let mut layers = vec![dir.join("fs")];
    // Missing when a move to another layer was cut short; then nothing was written on it.
    layers.retain(|l| l.exists());
    if let Some(parent) = parent {
        let parent = store.need(parent).unwrap();
        layers.extend(store.chain(&parent).unwrap().iter().map(Layer::fs));
    }
    files(&layers, Some(dir.join("dirs/builddir")))
}

/// All a user can see of a chroot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct View {
    pub names: BTreeMap<String, (Files, bool)>,
    pub upper: Files,
    pub clean: Files,
}

pub(super) fn view(c: &Chroot) -> View {
    // As the next command would: mended first.
    let mut state = c
        .change(|s| {
            s.instance(c.ext());
            Ok(s.clone())
        })
        .unwrap();
    let store = c.store();
    let list = c.list().unwrap();
    let instance = state.instance(c.ext());
    View {
        names: list
            .into_iter()
            .map(|s| (s.name, (content(store, &s.layer), s.current)))
            .collect(),
        upper: upper_content(store, &instance.upper),
        clean: content(store, &instance.current),
    }
}

/// Fails unless the store holds exactly what its chroots need and what could be made again.
pub(super) fn no_debris(store: &Store) {
    store.wait_for_background();
    store.gc(&mentioned, &crate::GcOptions::default()).unwrap();
    store.sweep().unwrap();
    let dir = store.dir();
    for empty in ["tmp", "trash", "building", "unsynced"] {
        assert_eq!(count(&dir.join(empty)), 0, "{empty}");
    }
    let mut uppers = 0;
    for name in Chroot::all(store).unwrap() {
        uppers += Chroot::new(store, name, "").state().unwrap().uppers().len();
    }
    assert_eq!(count(&dir.join("uppers")), uppers, "uppers");
    for layer in std::fs::read_dir(dir.join("layers")).unwrap() {
        for file in std::fs::read_dir(layer.unwrap().path()).unwrap() {
            let name = file.unwrap().file_name().into_string().unwrap();
            let known = [
                "fs",
                "dirs",
                "meta.json",
                "packages.json",
                "size.json",
                "lock",
            ];
            assert!(known.contains(&name.as_str()), "{name} in a layer");
        }
    }
    for chroot in std::fs::read_dir(dir.join("chroots")).unwrap() {
        for file in std::fs::read_dir(chroot.unwrap().path()).unwrap() {
            let name = file.unwrap().file_name().into_string().unwrap();
            assert!(!name.ends_with("tmp"), "{name} in a chroot");
        }
    }
}
