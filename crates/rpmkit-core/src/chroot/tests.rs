//! The life of layers and names, without mounting anything: writes go straight into the upper
//! directory.
#![allow(clippy::unwrap_used)]

use super::{
    testing::{base, chroot, store, store_with, upper_fs},
    *,
};
use crate::store::{Disk, Driver, GcOptions, LayerKind, LayerSpec, Root, Slot};

fn layers_on_disk(store: &Store) -> usize {
    store.settle();
    store.tidy().unwrap();
    std::fs::read_dir(store.dir().join("layers"))
        .unwrap()
        .count()
}

/// The node behind a special or user's name, as mock's references see it.
fn node(chroot: &Chroot, name: &str) -> Node {
    let mut state = chroot.state().unwrap();
    let instance = state.instance("").clone();
    match name {
        ".base" => Node::Base,
        ".current" => Node::from(&instance.current),
        ".upper" => match &instance.upper {
            Upper::Frozen(top) => Node::from(top),
            Upper::Private { id, .. } => Node::Upper(id.clone()),
        },
        name => Node::from(&state.names[name].layer),
    }
}

/// One row: how many layers there are, and of each group of references (all of one layer, groups of
/// different layers) how often that layer is referred to.
fn row(chroot: &Chroot, layers: usize, groups: &[(&[&str], usize)]) {
    let counts = chroot.counts().unwrap();
    assert_eq!(counts.len(), layers, "{counts:?}");
    let mut seen = std::collections::BTreeSet::new();
    for (names, count) in groups {
        let first = node(chroot, names[0]);
        for name in *names {
            assert_eq!(node(chroot, name), first, "{names:?}");
        }
        assert_eq!(counts[&first], *count, "{names:?}");
        assert!(seen.insert(first), "{names:?} are not apart");
    }
    // What is counted is what is there: mock counts `.base` and the upper as layers.
    let upper = matches!(node(chroot, ".upper"), Node::Upper(_));
    assert_eq!(
        layers_on_disk(chroot.store()) + 1 + usize::from(upper),
        layers
    );
}

fn mount(chroot: &Chroot) {
    chroot.open().unwrap().close().unwrap();
}

#[test]
fn layers_and_counts_go_as_in_mocks_plugin() {
    let home = tempfile::tempdir().unwrap();
    let c = chroot(&store(home.path()));
    c.use_lock("").unwrap();
    c.change(|s| {
        s.instance("");
        Ok(())
    })
    .unwrap();
    row(&c, 1, &[(&[".base", ".upper", ".current"], 3)]);
    mount(&c);
    row(&c, 2, &[(&[".base", ".current"], 3), (&[".upper"], 1)]);
    c.snapshot("a", "").unwrap();
    row(&c, 2, &[(&[".base"], 2), (&["a", ".upper", ".current"], 3)]);
    mount(&c);
    let mounted_on_a: &[(&[&str], usize)] =
        &[(&[".base"], 2), (&["a", ".current"], 3), (&[".upper"], 1)];
    row(&c, 3, mounted_on_a);
    c.rollback("a").unwrap();
    row(&c, 2, &[(&[".base"], 2), (&["a", ".upper", ".current"], 3)]);
    mount(&c);
    row(&c, 3, mounted_on_a);
    c.snapshot("b", "").unwrap();
    let on_b: &[(&[&str], usize)] = &[
        (&[".base"], 2),
        (&["a"], 2),
        (&["b", ".current", ".upper"], 3),
    ];
    row(&c, 3, on_b);
    mount(&c);
    mount(&c);
    row(
        &c,
        4,
        &[
            (&[".base"], 2),
            (&["a"], 2),
            (&["b", ".current"], 3),
            (&[".upper"], 1),
        ],
    );
    // Back to the empty root, as mock's scrub does first.
    let old = c.change(|s| Ok(s.reset("", None))).unwrap();
    c.store.trash(&c.store.upper_dir(&old.unwrap())).unwrap();
    let on_base: &[(&[&str], usize)] = &[
        (&[".base", ".upper", ".current"], 4),
        (&["a"], 2),
        (&["b"], 1),
    ];
    row(&c, 3, on_base);
    c.remove(&["a"]).unwrap();
    row(&c, 3, &[(&[".base", ".upper", ".current"], 4), (&["b"], 1)]);
    c.remove(&["b"]).unwrap();
    row(&c, 1, &[(&[".base", ".upper", ".current"], 3)]);
}

#[test]
fn snapshots_without_work_in_between_share_a_layer() {
    let home = tempfile::tempdir().unwrap();
    let c = chroot(&store(home.path()));
    mount(&c);
    c.snapshot("one", "").unwrap();
    c.snapshot("two", "").unwrap();
    let list = c.list().unwrap();
    assert!(list.iter().all(|s| s.current), "{list:?}");
    assert_eq!(list[0].layer, list[1].layer);
    c.remove(&["one"]).unwrap();
    assert_eq!(c.list().unwrap().len(), 1);
    c.rollback("two").unwrap();
    assert_eq!(layers_on_disk(c.store()), 1);
    // Even the current one may go; the layer stays while the chroot stands on it.
    c.remove(&["two"]).unwrap();
    assert_eq!(layers_on_disk(c.store()), 1);
    mount(&c);
}

#[test]
fn files_and_side_directories_come_back() {
    for driver in [Driver::Overlay, Driver::Plain] {
        let home = tempfile::tempdir().unwrap();
        let c = chroot(&store_with(home.path(), driver, Disk::default()).unwrap());
        let mut s = c.open().unwrap();
        s.mark_dirty().unwrap();
        std::fs::write(upper_fs(&s).join("f"), "1").unwrap();
        std::fs::create_dir(s.side("builddir").join("build")).unwrap();
        std::fs::write(s.side("builddir").join("build/x"), "old").unwrap();
        s.snapshot("a", "").unwrap();
        std::fs::write(s.side("builddir").join("build/x"), "new").unwrap();
        std::fs::write(upper_fs(&s).join("g"), "2").unwrap();
        s.close().unwrap();
        c.clean().unwrap();
        let s = c.open().unwrap();
        assert_eq!(
            std::fs::read(s.side("builddir").join("build/x")).unwrap(),
            b"old"
        );
        let seen = match s.root() {
            Root::Overlay { lowers, .. } => lowers[0].clone(),
            Root::Dir(dir) => dir.clone(),
        };
        assert!(seen.join("f").exists() && !seen.join("g").exists());
    }
}

#[test]
fn a_busy_chroot_names_its_user_and_other_instances_go_on() {
    let home = tempfile::tempdir().unwrap();
    let store = store(home.path());
    let c = chroot(&store);
    let session = c.open().unwrap();
    let busy = c.snapshot("a", "").unwrap_err().to_string();
    let me = format!("process {} (`a test`) since 1970-01-01", std::process::id());
    assert!(busy.contains(&me), "{busy}");
    assert!(matches!(c.open(), Err(ChrootError::InUse { .. })));
    assert!(matches!(c.clean(), Err(ChrootError::InUse { .. })));
    assert!(matches!(c.scrub(), Err(ChrootError::InUse { .. })));
    assert!(c.list().unwrap().is_empty());
    let other = Chroot::new(&store, "f43".parse().unwrap(), "two");
    let one = other.open().unwrap();
    let (x, y) = (c.throwaway(None).unwrap(), c.throwaway(None).unwrap());
    assert_ne!(upper_fs(&x), upper_fs(&y));
    drop((x, y));
    one.close().unwrap();
    other.snapshot("b", "").unwrap();
    session.close().unwrap();
    c.rollback("b").unwrap();
}

#[test]
fn a_pristine_session_moves_onto_a_shared_layer() {
    let home = tempfile::tempdir().unwrap();
    let store = store(home.path());
    let c = chroot(&store);
    let l1 = base(&store, "one").unwrap();
    let mut s = c.open().unwrap();
    s.rebase(&l1).unwrap();
    s.postinit().unwrap();
    assert_eq!(s.top().unwrap().id(), l1.id());
    assert_eq!(c.list().unwrap()[0].layer.as_ref(), Some(l1.id()));
    // New metadata make another base layer: the implicit snapshot follows.
    let l2 = base(&store, "two").unwrap();
    s.rebase(&l2).unwrap();
    s.postinit().unwrap();
    assert_eq!(c.list().unwrap()[0].layer.as_ref(), Some(l2.id()));
    s.mark_dirty().unwrap();
    assert!(matches!(
        s.rebase(&l1),
        Err(ChrootError::NotPristine { .. })
    ));
    s.clean().unwrap();
    s.rebase(&l1).unwrap();
    s.close().unwrap();
}

#[test]
fn a_key_is_made_once() {
    let home = tempfile::tempdir().unwrap();
    let store = store(home.path());
    let id = LayerId::of(b"k");
    let waiter = {
        let Slot::Make(pending) = store.build(&id, None).unwrap() else {
            panic!("empty store");
        };
        let (other, id) = (store.clone(), id.clone());
        let waiter = std::thread::spawn(move || match other.build(&id, None).unwrap() {
            Slot::Ready(layer) => layer.id().clone(),
            Slot::Make(_) => panic!("made twice"),
        });
        std::thread::sleep(std::time::Duration::from_millis(50));
        let spec = LayerSpec {
            kind: LayerKind::Base,
            packages: Vec::new(),
            note: String::new(),
        };
        pending.publish(&spec).unwrap();
        waiter
    };
    assert_eq!(waiter.join().unwrap(), id);
}

#[test]
fn scrub_takes_everything_of_one_configuration_only() {
    let home = tempfile::tempdir().unwrap();
    let store = store(home.path());
    let (a, b) = (
        chroot(&store),
        Chroot::new(&store, "koji/x".parse().unwrap(), ""),
    );
    let shared = base(&store, "shared").unwrap();
    let own = base(&store, "own").unwrap();
    for (c, layer) in [(&a, &own), (&b, &shared)] {
        let mut s = c.open().unwrap();
        s.rebase(layer).unwrap();
        s.postinit().unwrap();
        s.mark_dirty().unwrap();
        s.snapshot("mine", "").unwrap();
        s.close().unwrap();
    }
    let mut s = a.open().unwrap();
    s.snapshot("more", "").unwrap();
    s.close().unwrap();
    drop((shared, own));
    store.settle();
    a.scrub().unwrap();
    assert_eq!(Chroot::all(&store).unwrap(), ["koji/x".parse().unwrap()]);
    assert_eq!(layers_on_disk(&store), 2, "base and snapshot of the other");
    assert_eq!(
        std::fs::read_dir(store.dir().join("uppers"))
            .unwrap()
            .count(),
        1
    );
    let s = b.open().unwrap();
    assert_eq!(s.below().len(), 2);
}

#[test]
fn scrub_is_the_way_out_of_a_damaged_state() {
    let home = tempfile::tempdir().unwrap();
    let store = store(home.path());
    let c = chroot(&store);
    let own = base(&store, "own").unwrap();
    let mut s = c.open().unwrap();
    s.rebase(&own).unwrap();
    s.postinit().unwrap();
    s.mark_dirty().unwrap();
    s.close().unwrap();
    drop(own);
    store.settle();
    let file = c.dir().join("state.json");
    std::fs::write(&file, "{").unwrap();
    let error = c.open().map(drop).unwrap_err();
    assert!(error.to_string().contains("state.json"), "{error}");
    assert!(
        error.hints().iter().any(|h| h.0.contains("snap scrub")),
        "{error:?}"
    );
    c.scrub().unwrap();
    assert_eq!(
        std::fs::read_dir(store.dir().join("uppers"))
            .unwrap()
            .count(),
        0,
        "what the state spoke of is gone too"
    );
    assert!(c.list().unwrap().is_empty());
    c.open().unwrap().close().unwrap();
}

#[test]
fn collecting_keeps_what_is_used_and_drops_the_oldest_rest() {
    let home = tempfile::tempdir().unwrap();
    let store = store(home.path());
    let (x, y) = (base(&store, "x").unwrap(), base(&store, "y").unwrap());
    store.settle();
    let keep_none = GcOptions {
        keep: Some(0),
        dry_run: false,
    };
    drop(x);
    let report = store
        .gc(&GcOptions {
            dry_run: true,
            ..keep_none
        })
        .unwrap();
    assert_eq!((report.removed.len(), report.kept), (1, 1));
    assert_eq!(layers_on_disk(&store), 2);
    assert_eq!(store.gc(&keep_none).unwrap().removed.len(), 1);
    assert_eq!(layers_on_disk(&store), 1);
    store.sweep().unwrap();
    assert_eq!(
        std::fs::read_dir(store.dir().join("trash"))
            .unwrap()
            .count(),
        0
    );
    drop(y);
}
