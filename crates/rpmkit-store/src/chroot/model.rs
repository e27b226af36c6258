//! Random sequences of operations against a model that works as mock's plugin does, with stored
//! reference counts and all. Contents, current marks, counts and the layers on disk always agree.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{
    testing::{Files, content, count, failing, store, upper_content, upper_fs},
    *,
};
use crate::{Fault, FaultKind, GcOptions, LayerKind};

/// A layer as mock keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct MockLayer {
    parent: Option<usize>,
    immutable: bool,
    references: usize,
    files: Files,
}

/// mock's plugin in memory. References are names, and `.current EXT`, `.upper EXT` of instances.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Model {
    layers: BTreeMap<usize, MockLayer>,
    refs: BTreeMap<String, usize>,
    next: usize,
}

impl Model {
    fn new() -> Self {
        let base = MockLayer {
            parent: None,
            immutable: true,
            references: 1,
            files: Files::new(),
        };
        Self {
            layers: BTreeMap::from([(0, base)]),
            refs: BTreeMap::new(),
            next: 1,
        }
    }

    fn point(&mut self, name: &str, layer: usize) {
        self.layers.get_mut(&layer).unwrap().references += 1;
        if let Some(old) = self.refs.insert(name.to_owned(), layer) {
            self.release(old);
        }
    }

    fn release(&mut self, layer: usize) {
        let node = self.layers.get_mut(&layer).unwrap();
        node.references -= 1;
        if node.references == 0 {
            let parent = node.parent;
            self.layers.remove(&layer);
            self.release(parent.unwrap());
        }
    }

    fn forget(&mut self, name: &str) {
        if let Some(layer) = self.refs.remove(name) {
            self.release(layer);
        }
    }

    fn instance(&mut self, ext: &str) {
        if !self.refs.contains_key(&format!(".upper {ext}")) {
            let main = self.refs.get(".current ").or(self.refs.get(POSTINIT));
            let start = main.copied().unwrap_or(0);
            self.point(&format!(".upper {ext}"), start);
            self.point(&format!(".current {ext}"), start);
        }
    }

    fn upper(&self, ext: &str) -> usize {
        self.refs[&format!(".upper {ext}")]
    }

    fn mount(&mut self, ext: &str) {
        self.instance(ext);
        let upper = self.upper(ext);
        if self.layers[&upper].immutable {
            let files = self.layers[&upper].files.clone();
            let layer = MockLayer {
                parent: Some(upper),
                immutable: false,
                references: 0,
                files,
            };
            self.layers.get_mut(&upper).unwrap().references += 1;
            let id = self.next;
            self.next += 1;
            self.layers.insert(id, layer);
            self.point(&format!(".upper {ext}"), id);
        }
    }

    fn reset(&mut self, ext: &str, layer: usize) {
        self.point(&format!(".upper {ext}"), layer);
        self.point(&format!(".current {ext}"), layer);
    }

    /// False when the operation is refused.
    fn apply(&mut self, op: &Op) -> bool {
        match op {
            Op::Mount(ext) => self.mount(ext),
            Op::Write(ext, key, value) => {
                self.mount(ext);
                let upper = self.upper(ext);
                let files = &mut self.layers.get_mut(&upper).unwrap().files;
                files.insert((*key).to_owned(), value.to_string());
            }
            Op::Delete(ext, key) => {
                self.mount(ext);
                let upper = self.upper(ext);
                self.layers.get_mut(&upper).unwrap().files.remove(*key);
            }
            Op::Snapshot(ext, name) => {
                if self.refs.contains_key(*name) {
                    return false;
                }
                self.instance(ext);
                let upper = self.upper(ext);
                self.point(name, upper);
                self.layers.get_mut(&upper).unwrap().immutable = true;
                self.point(&format!(".current {ext}"), upper);
            }
            Op::Rollback(ext, name) => {
                let Some(&layer) = self.refs.get(*name) else {
                    return false;
                };
                self.instance(ext);
                self.reset(ext, layer);
            }
            Op::Remove(name) => {
                if !self.refs.contains_key(*name) {
                    return false;
                }
                self.forget(name);
            }
            Op::Rename(old, new) => {
                if !self.refs.contains_key(*old) || self.refs.contains_key(*new) {
                    return false;
                }
                let layer = self.refs[*old];
                self.point(new, layer);
                self.forget(old);
            }
            Op::Import(name) => {
                if self.refs.contains_key(*name) {
                    return false;
                }
                let id = self.next;
                self.next += 1;
                let layer = MockLayer {
                    parent: Some(0),
                    immutable: true,
                    references: 0,
                    files: Files::from([("f".to_owned(), "imported".to_owned())]),
                };
                self.layers.get_mut(&0).unwrap().references += 1;
                self.layers.insert(id, layer);
                self.point(name, id);
            }
            Op::Clean(ext) => {
                self.instance(ext);
                let current = self.refs[&format!(".current {ext}")];
                self.reset(ext, current);
            }
            Op::Scrub => *self = Self::new(),
            // Nothing anybody could tell by content, marks or counts.
            Op::Gc | Op::Throwaway(_) | Op::Copy(_) | Op::Flatten(_) | Op::Export(_) => {}
            Op::Crash(_, _) => unreachable!("crashes do not nest"),
        }
        true
    }

    /// What a crash in the middle of `op` may leave.
    fn candidates(&self, op: &Op) -> Vec<Self> {
        let mut out = vec![self.clone()];
        let mut push = |change: &dyn Fn(&mut Self)| {
            let mut model = self.clone();
            change(&mut model);
            out.push(model);
        };
        match op {
            Op::Write(ext, ..) | Op::Delete(ext, _) => push(&|m| m.mount(ext)),
            // Frozen, but not named yet; `instance` may be all that was written.
            Op::Snapshot(ext, name) if !self.refs.contains_key(*name) => {
                push(&|m| m.instance(ext));
                push(&|m| {
                    m.instance(ext);
                    let upper = m.upper(ext);
                    m.layers.get_mut(&upper).unwrap().immutable = true;
                });
            }
            _ => {}
        }
        push(&|m| {
            m.apply(op);
        });
        out
    }
}

#[derive(Debug, Clone)]
enum Op {
    Mount(&'static str),
    Write(&'static str, &'static str, u8),
    Delete(&'static str, &'static str),
    Snapshot(&'static str, &'static str),
    Rollback(&'static str, &'static str),
    Remove(&'static str),
    Rename(&'static str, &'static str),
    Import(&'static str),
    Export(&'static str),
    Flatten(&'static str),
    Copy(&'static str),
    Clean(&'static str),
    Scrub,
    Gc,
    Throwaway(&'static str),
    Crash(u64, Box<Op>),
}

fn op() -> impl Strategy<Value = Op> {
    let ext = || prop::sample::select(vec!["", "", "x"]);
    let key = || prop::sample::select(vec!["f", "g", "builddir/h"]);
    let name = || prop::sample::select(vec!["a", "b", POSTINIT]);
    let plain = prop_oneof![
        2 => ext().prop_map(Op::Mount),
        5 => (ext(), key(), any::<u8>()).prop_map(|(e, k, v)| Op::Write(e, k, v)),
        2 => (ext(), key()).prop_map(|(e, k)| Op::Delete(e, k)),
        4 => (ext(), name()).prop_map(|(e, n)| Op::Snapshot(e, n)),
        3 => (ext(), name()).prop_map(|(e, n)| Op::Rollback(e, n)),
        2 => name().prop_map(Op::Remove),
        1 => (name(), name()).prop_map(|(o, n)| Op::Rename(o, n)),
        1 => name().prop_map(Op::Import),
        1 => name().prop_map(Op::Export),
        1 => name().prop_map(Op::Flatten),
        1 => ext().prop_map(Op::Copy),
        2 => ext().prop_map(Op::Clean),
        1 => Just(Op::Scrub),
        1 => Just(Op::Gc),
        1 => ext().prop_map(Op::Throwaway),
    ];
    (plain, prop::option::weighted(0.3, 1u64..40)).prop_map(|(op, crash)| match crash {
        Some(at) => Op::Crash(at, Box::new(op)),
        None => op,
    })
}

fn at(store: &Store, ext: &str) -> Chroot {
    Chroot::new(store, "f43".parse().unwrap(), ext)
}

fn edit(session: &Session, key: &str, value: Option<u8>) {
    let path = match key.strip_prefix("builddir/") {
        Some(name) => session.volume("builddir").join(name),
        None => upper_fs(session).join(key),
    };
    let _ = std::fs::remove_file(&path);
    match value {
        Some(value) => std::fs::write(&path, value.to_string()).unwrap(),
        None if key.contains('/') => {}
        // A whiteout, as overlayfs makes it.
        None => nix::sys::stat::mknod(
            &path,
            nix::sys::stat::SFlag::S_IFCHR,
            nix::sys::stat::Mode::empty(),
            0,
        )
        .unwrap(),
    }
}

fn perform(store: &Store, op: &Op) -> Result<(), ChrootError> {
    match op {
        Op::Mount(ext) => at(store, ext).open()?.close(),
        Op::Write(ext, key, value) => {
            let mut session = at(store, ext).open()?;
            session.mark_dirty()?;
            edit(&session, key, Some(*value));
            session.close()
        }
        Op::Delete(ext, key) => {
            let mut session = at(store, ext).open()?;
            session.mark_dirty()?;
            edit(&session, key, None);
            session.close()
        }
        Op::Snapshot(ext, name) => at(store, ext).snapshot(name, ""),
        Op::Rollback(ext, name) => at(store, ext).rollback(name),
        Op::Remove(name) => at(store, "").remove(&[name]),
        Op::Rename(old, new) => at(store, "").rename(old, new),
        Op::Import(name) => {
            // A name that is taken is refused before anything is read, as the command does.
            if at(store, "").state()?.names.contains_key(*name) {
                return at(store, "").adopt(name, &LayerId::of(b"none"), "");
            }
            let file = store.dir().parent().unwrap().join("in.tar");
            if !file.exists() {
                let mut tar = tar::Builder::new(std::fs::File::create(&file).unwrap());
                let mut header = tar::Header::new_gnu();
                header.set_mode(0o644);
                header.set_size(8);
                tar.append_data(&mut header, "f", &b"imported"[..]).unwrap();
                tar.finish().unwrap();
            }
            let (layer, _) = store.import(&file, name)?;
            at(store, "").adopt(name, layer.id(), "")
        }
        Op::Export(name) => {
            if let Ok(top) = at(store, "").layer(name) {
                let file = store.dir().parent().unwrap().join("out.tar");
                let labels = crate::archive::Labels::default();
                let shape = crate::archive::Shape::Tar;
                store.export(top.as_ref(), &file, shape, labels)?;
            }
            Ok(())
        }
        Op::Flatten(name) => {
            if let Ok(Some(top)) = at(store, "").layer(name) {
                store.flatten(&top)?;
            }
            Ok(())
        }
        Op::Copy(ext) => {
            let root = store.dir().parent().unwrap().join(format!("root-{ext}"));
            let place = Place {
                at: &root,
                home: std::path::Path::new("/builddir"),
            };
            at(store, ext).show_copy(place)?;
            Ok(())
        }
        Op::Clean(ext) => at(store, ext).clean(),
        Op::Scrub => at(store, "").scrub(),
        Op::Gc => {
            let all = GcOptions {
                keep: Some(0),
                dry_run: false,
            };
            store.gc(&mentioned, &all)?;
            Ok(store.sweep()?)
        }
        Op::Throwaway(ext) => {
            let session = at(store, ext).throwaway(None)?;
            edit(&session, "f", Some(0));
            session.close()
        }
        Op::Crash(..) => unreachable!("crashes do not nest"),
    }
}

/// What both sides must agree on.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    /// Of each snapshot: content, and of which instances it is current.
    names: BTreeMap<String, (Files, Vec<String>)>,
    /// Of each instance: what the next session shows, what `clean` goes back to, and whether the upper
    /// is frozen.
    instances: BTreeMap<String, (Files, Files, bool)>,
    /// How often each reference's layer is referred to.
    counts: BTreeMap<String, usize>,
    /// The same of all layers, in order of number.
    all_counts: Vec<usize>,
}

fn seen_in_model(model: &Model) -> Seen {
    let exts: Vec<String> = model
        .refs
        .keys()
        .filter_map(|k| k.strip_prefix(".upper "))
        .map(str::to_owned)
        .collect();
    let files = |layer: usize| model.layers[&layer].files.clone();
    let mut all_counts: Vec<usize> = model.layers.values().map(|l| l.references).collect();
    all_counts.sort_unstable();
    Seen {
        names: model
            .refs
            .iter()
            .filter(|(name, _)| !name.starts_with('.'))
            .map(|(name, layer)| {
                let current = |e: &&String| model.refs[&format!(".current {e}")] == *layer;
                let current = exts.iter().filter(current).cloned().collect();
                (name.clone(), (files(*layer), current))
            })
            .collect(),
        instances: exts
            .iter()
            .map(|e| {
                let clean = model.refs[&format!(".current {e}")];
                let upper = model.upper(e);
                let frozen = model.layers[&upper].immutable;
                (e.clone(), (files(upper), files(clean), frozen))
            })
            .collect(),
        counts: model
            .refs
            .iter()
            .map(|(name, layer)| (name.clone(), model.layers[layer].references))
            .collect(),
        all_counts,
    }
}

fn seen_in_store(store: &Store) -> Seen {
    let main = at(store, "");
    let state = main.change(|s| Ok(s.clone())).unwrap();
    let counts = main.counts().unwrap();
    let node = |upper: &Upper| match upper {
        Upper::Frozen(top) => Node::from(top),
        Upper::Private { id, .. } => Node::Upper(id.clone()),
    };
    let mut by_name = BTreeMap::new();
    for (name, named) in &state.names {
        by_name.insert(name.clone(), counts[&Node::from(&named.layer)]);
    }
    for (ext, instance) in &state.instances {
        by_name.insert(
            format!(".current {ext}"),
            counts[&Node::from(&instance.current)],
        );
        by_name.insert(format!(".upper {ext}"), counts[&node(&instance.upper)]);
    }
    let mut all_counts: Vec<usize> = counts.values().copied().collect();
    all_counts.sort_unstable();
    Seen {
        names: state
            .names
            .iter()
            .map(|(name, named)| {
                let current = |(_, i): &(&String, &Instance)| i.current == named.layer;
                let current = state.instances.iter().filter(current);
                let current = current.map(|(e, _)| e.clone()).collect();
                (name.clone(), (content(store, &named.layer), current))
            })
            .collect(),
        instances: state
            .instances
            .iter()
            .map(|(ext, i)| {
                let clean = content(store, &i.current);
                let frozen = matches!(i.upper, Upper::Frozen(_));
                (ext.clone(), (upper_content(store, &i.upper), clean, frozen))
            })
            .collect(),
        counts: by_name,
        all_counts,
    }
}

/// The layers on disk are those of the model: mock counts `.base` and the uppers, too.
fn same_on_disk(store: &Store, model: &Model) {
    store.wait_for_background();
    store.gc(&mentioned, &GcOptions::default()).unwrap();
    // A flattened tree is nothing mock has.
    let flat = store.all_metas().unwrap();
    let flat = flat.iter().filter(|m| m.kind == LayerKind::Flat).count();
    let here = count(&store.dir().join("layers")) + count(&store.dir().join("uppers")) + 1 - flat;
    assert_eq!(here, model.layers.len());
}

fn check(ops: &[Op]) {
    let home = tempfile::tempdir().unwrap();
    let mut model = Model::new();
    let mut store_now = store(home.path());
    for op in ops {
        match op {
            Op::Crash(at, inner) => {
                store_now.wait_for_background();
                drop(store_now);
                let fault = Fault::new(FaultKind::Fail, *at);
                if let Ok(dying) = failing(home.path(), fault.clone()) {
                    let _ = perform(&dying, inner);
                    dying.wait_for_background();
                }
                store_now = store(home.path());
                let now = seen_in_store(&store_now);
                let left = model
                    .candidates(inner)
                    .into_iter()
                    .find(|m| seen_in_model(m) == now);
                let left = left.unwrap_or_else(|| {
                    panic!("{op:?} left {now:#?}\nbefore: {:#?}", seen_in_model(&model))
                });
                if !fault.fired() {
                    let mut whole = model.clone();
                    whole.apply(inner);
                    assert_eq!(seen_in_model(&left), seen_in_model(&whole), "{op:?}");
                }
                model = left;
            }
            op => {
                let did = perform(&store_now, op).is_ok();
                assert_eq!(did, model.apply(op), "{op:?}");
                assert_eq!(seen_in_store(&store_now), seen_in_model(&model), "{op:?}");
            }
        }
        same_on_disk(&store_now, &model);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]
    #[test]
    fn the_store_and_mocks_model_agree(ops in prop::collection::vec(op(), 1..25)) {
        check(&ops);
    }
}
