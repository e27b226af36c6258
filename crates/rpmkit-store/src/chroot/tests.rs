//! The life of layers and names, without mounting anything: writes go straight into the upper
//! directory. One file, since all cases are told with the same few steps.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use super::{
    testing::{base, chroot, failing, store, store_with, upper_fs},
    *,
};
use crate::{Disk, Driver, Fault, FaultKind, GcOptions, LayerKind, LayerSpec, Root, Slot};

fn layers_on_disk(store: &Store) -> usize {
    store.wait_for_background();
    store.tidy(&mentioned).unwrap();
    std::fs::read_dir(store.dir().join("layers"))
        .unwrap()
        .count()
}

/// The node behind a special or user's name, as mock's references see it.
fn node(chroot: &Chroot, name: &str) -> LayerNode {
    let mut state = chroot.state().unwrap();
    let instance = state.instance("").clone();
    match name {
        ".base" => LayerNode::Base,
        ".current" => LayerNode::from(&instance.current),
        ".upper" => match &instance.upper {
            Upper::Frozen(top) => LayerNode::from(top),
            Upper::Private { id, .. } => LayerNode::Upper(id.clone()),
        },
        name => LayerNode::from(&state.names[name].layer),
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
    let upper = matches!(node(chroot, ".upper"), LayerNode::Upper(_));
    assert_eq!(
        layers_on_disk(chroot.store()) + 1 + usize::from(upper),
        layers
    );
}

fn mount(chroot: &Chroot) {
    chroot.open().unwrap().close().unwrap();
}

#[test]
fn nobody_but_the_owner_gets_into_a_store_old_or_new() {
    use std::os::unix::fs::PermissionsExt;
    let home = tempfile::tempdir().unwrap();
    let dir = store(home.path()).dir().to_owned();
    let mode = || std::fs::metadata(&dir).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(), 0o700);
    std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o711)).unwrap();
    store(home.path());
    assert_eq!(mode(), 0o700);
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
fn files_and_volumes_come_back() {
    for driver in [Driver::Overlay, Driver::Plain] {
        let home = tempfile::tempdir().unwrap();
        let c = chroot(&store_with(home.path(), driver, Disk::default()).unwrap());
        let mut s = c.open().unwrap();
        s.mark_dirty().unwrap();
        std::fs::write(upper_fs(&s).join("f"), "1").unwrap();
        std::fs::create_dir(s.volume("builddir").join("build")).unwrap();
        std::fs::write(s.volume("builddir").join("build/x"), "old").unwrap();
        s.snapshot("a", "").unwrap();
        std::fs::write(s.volume("builddir").join("build/x"), "new").unwrap();
        std::fs::write(upper_fs(&s).join("g"), "2").unwrap();
        s.close().unwrap();
        c.clean().unwrap();
        let s = c.open().unwrap();
        assert_eq!(
            std::fs::read(s.volume("builddir").join("build/x")).unwrap(),
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
            unsigned: None,
            dependencies: std::collections::BTreeSet::new(),
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
    store.wait_for_background();
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
fn scrub_leaves_an_instance_that_is_worked_in() {
    let home = tempfile::tempdir().unwrap();
    let store = store(home.path());
    let (main, other) = (
        chroot(&store),
        Chroot::new(&store, chroot(&store).name().clone(), "other"),
    );
    let own = base(&store, "own").unwrap();
    for c in [&main, &other] {
        let mut s = c.open().unwrap();
        s.rebase(&own).unwrap();
        s.mark_dirty().unwrap();
        s.close().unwrap();
    }
    let mut s = main.open().unwrap();
    s.snapshot("mine", "").unwrap();
    s.close().unwrap();
    drop(own);
    let busy = other.open().unwrap();
    store.wait_for_background();
    main.scrub().unwrap();
    assert!(main.list().unwrap().is_empty(), "names go");
    assert_eq!(
        std::fs::read_dir(store.dir().join("uppers"))
            .unwrap()
            .count(),
        1,
        "of the one that is worked in"
    );
    assert_eq!(busy.below().len(), 1);
    busy.close().unwrap();
    assert_eq!(other.open().unwrap().below().len(), 1, "it is what it was");
    main.scrub().unwrap();
    assert_eq!(Chroot::all(&store).unwrap(), []);
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
    store.wait_for_background();
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
    store.wait_for_background();
    let keep_none = GcOptions {
        keep: Some(0),
        dry_run: false,
    };
    drop(x);
    let report = store
        .gc(
            &mentioned,
            &GcOptions {
                dry_run: true,
                ..keep_none
            },
        )
        .unwrap();
    assert_eq!((report.removed.len(), report.kept), (1, 1));
    assert_eq!(layers_on_disk(&store), 2);
    assert_eq!(store.gc(&mentioned, &keep_none).unwrap().removed.len(), 1);
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

fn place(at: &std::path::Path) -> RootPlace<'_> {
    RootPlace {
        at,
        home: std::path::Path::new("/builddir"),
    }
}

/// A chroot with a file in the root and one in the home.
fn worked_in(home: &std::path::Path) -> (Store, Chroot) {
    let store = store(home);
    let c = chroot(&store);
    let mut s = c.open().unwrap();
    s.mark_dirty().unwrap();
    std::fs::create_dir(upper_fs(&s).join("builddir")).unwrap();
    std::fs::write(upper_fs(&s).join("f"), "1").unwrap();
    std::fs::write(s.volume("builddir").join("h"), "2").unwrap();
    s.close().unwrap();
    (store, c)
}

#[test]
fn a_copy_is_shown_until_somebody_works_in_the_chroot() {
    let home = tempfile::tempdir().unwrap();
    let (_store, c) = worked_in(home.path());
    let at = home.path().join("seen");
    assert!(c.show_copy(place(&at)).unwrap());
    assert!(c.show_copy(place(&at)).unwrap());
    assert_eq!(std::fs::read_to_string(at.join("f")).unwrap(), "1");
    assert_eq!(std::fs::read_to_string(at.join("builddir/h")).unwrap(), "2");
    // What is done to the copy is nothing to the chroot.
    std::fs::write(at.join("f"), "changed").unwrap();
    let s = c.open().unwrap();
    assert!(!at.is_symlink());
    assert_eq!(
        std::fs::read_to_string(upper_fs(&s).join("f")).unwrap(),
        "1"
    );
    s.close().unwrap();
    // Where something lies, nothing is shown.
    std::fs::create_dir(&at).unwrap();
    std::fs::write(at.join("mine"), "").unwrap();
    assert!(!c.show_copy(place(&at)).unwrap());
}

#[test]
fn root_sees_a_view_and_mounts() {
    if !nix::unistd::geteuid().is_root() {
        println!("NOT TESTED: mounts on the host; only root can make them");
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let (_store, c) = worked_in(home.path());
    let at = home.path().join("seen");
    if let Err(e) = c.show(place(&at)) {
        println!("NOT TESTED: this host mounts nothing for its root: {e}");
        return;
    }
    assert_eq!(std::fs::read_to_string(at.join("f")).unwrap(), "1");
    assert_eq!(std::fs::read_to_string(at.join("builddir/h")).unwrap(), "2");
    assert!(std::fs::write(at.join("f"), "changed").is_err());
    assert!(std::fs::write(at.join("builddir/h"), "changed").is_err());
    c.snapshot("a", "").unwrap();
    assert_eq!(std::fs::read_dir(&at).unwrap().count(), 0);
    // Nothing private is left to be shown.
    assert!(!c.show(place(&at)).unwrap());

    c.mount(place(&at)).unwrap();
    std::fs::write(at.join("g"), "3").unwrap();
    assert_eq!(c.mounted_at().unwrap(), Some(at.clone()));
    assert!(matches!(c.open(), Err(ChrootError::Mounted { .. })));
    assert!(matches!(
        c.snapshot("b", ""),
        Err(ChrootError::Mounted { .. })
    ));
    assert!(matches!(c.clean(), Err(ChrootError::Mounted { .. })));
    assert!(matches!(c.scrub(), Err(ChrootError::Mounted { .. })));
    assert!(c.list().is_ok());
    let inside = std::fs::File::open(at.join("g")).unwrap();
    assert!(matches!(c.unmount(), Err(ChrootError::Show { .. })));
    assert!(std::fs::write(at.join("builddir/h"), "4").is_ok());
    drop(inside);
    assert!(c.unmount().unwrap());
    assert!(!c.unmount().unwrap());
    let s = c.open().unwrap();
    assert_eq!(
        std::fs::read_to_string(upper_fs(&s).join("g")).unwrap(),
        "3"
    );
    assert_eq!(
        std::fs::read_to_string(s.volume("builddir").join("h")).unwrap(),
        "4"
    );
    s.close().unwrap();
}

#[test]
fn a_note_about_a_mount_that_is_gone_means_nothing() {
    let home = tempfile::tempdir().unwrap();
    let (store, c) = worked_in(home.path());
    for way in ["view", "mount", "keep", "copy"] {
        let note = format!(
            r#"{{"format":1,"way":"{way}","at":"{}","binds":["builddir"]}}"#,
            home.path().join("gone").display()
        );
        let path = store.dir().join("chroots/f43/shown-.json");
        std::fs::write(&path, note).unwrap();
        c.open().unwrap().close().unwrap();
        assert!(!path.exists(), "{way}");
    }
}

#[test]
fn scrubbing_caches_spares_what_somebody_needs() {
    let home = tempfile::tempdir().unwrap();
    let store = store(home.path());
    let layer = base(&store, "base").unwrap();
    let init = |name: &str| {
        let c = Chroot::new(&store, name.parse().unwrap(), "");
        let mut s = c.open().unwrap();
        s.move_to(&layer).unwrap();
        s.postinit().unwrap();
        s.close().unwrap();
        c
    };
    let id = layer.id().clone();
    let (mine, other) = (init("f43"), init("other"));
    drop(layer);
    let kinds = [LayerKind::Base];
    // Another configuration has used it.
    mine.forget_cached(&kinds).unwrap();
    assert!(mine.list().unwrap().is_empty());
    assert!(store.find(&id).unwrap().is_some());
    // Work was done on top of it.
    let mut s = other.open().unwrap();
    s.mark_dirty().unwrap();
    s.close().unwrap();
    other.forget_cached(&kinds).unwrap();
    assert_eq!(other.list().unwrap().len(), 1);
    mine.scrub().unwrap();
    other.clean().unwrap();
    other.forget_cached(&kinds).unwrap();
    assert!(store.find(&id).unwrap().is_none());
    other.scrub().unwrap();
    // With nothing left, the store and its home go, too.
    store.dissolve(&mentioned).unwrap();
    assert!(!home.path().join("host.json").exists());
    assert!(!store.dir().exists());
}

#[test]
fn an_empty_state_file_is_read_from_its_safe_name() {
    let home = tempfile::tempdir().unwrap();
    let c = {
        let (store, c) = worked_in(home.path());
        c.snapshot("a", "").unwrap();
        store.wait_for_background();
        c.dir()
    };
    // Writing it down safely is the last thing a run does.
    let state = c.join("state.json");
    assert!(c.join("state.safe").exists());
    // Another file, as every change makes one: the safe name is that of an older.
    std::fs::remove_file(&state).unwrap();
    std::fs::write(&state, "").unwrap();
    let again = chroot(&store(home.path()));
    assert_eq!(again.list().unwrap().len(), 1);
    again.open().unwrap().close().unwrap();
    assert!(std::fs::metadata(&state).unwrap().len() > 0);
    // Anything else in there is damage, and said to be.
    std::fs::write(&state, "{").unwrap();
    assert!(again.list().is_err());
}

/// Changes on disk that each verb makes of a chroot with so many files on top.
fn changes(files: usize) -> Vec<u64> {
    type Verb = fn(&Chroot) -> Result<(), ChrootError>;
    let verbs: [Verb; 4] = [
        |c| c.snapshot("b", ""),
        |c| c.rollback("a"),
        |c| c.remove(&["a"]),
        |c| c.list().map(drop),
    ];
    let count = |verb: Verb| {
        let home = tempfile::tempdir().unwrap();
        let (store, c) = worked_in(home.path());
        c.snapshot("a", "").unwrap();
        let mut s = c.open().unwrap();
        s.mark_dirty().unwrap();
        for nth in 0..files {
            std::fs::write(upper_fs(&s).join(nth.to_string()), "x").unwrap();
        }
        s.close().unwrap();
        store.wait_for_background();
        let fault = Fault::new(FaultKind::Fail, u64::MAX);
        let counting = failing(home.path(), fault.clone()).unwrap();
        verb(&chroot(&counting)).unwrap();
        fault.seen()
    };
    verbs.into_iter().map(count).collect()
}

#[test]
fn no_verb_costs_more_on_a_bigger_chroot() {
    let small = changes(1);
    assert_eq!(small, changes(500));
    assert!(small.iter().all(|n| *n < 25), "{small:?}");
    // Looking changes nothing.
    assert_eq!(small[3], 0);
}

#[test]
fn many_first_commands_at_once_make_one_store() {
    for round in 0..40 {
        let home = tempfile::tempdir().unwrap();
        let start = std::sync::Barrier::new(12);
        let first_command = |ext: String| {
            start.wait();
            let store = store_with(home.path(), Driver::Overlay, Disk::default())?;
            let base = base(&store, "base")?;
            let chroot = Chroot::new(&store, "f43".parse().unwrap(), &ext);
            let mut session = chroot.open().map_err(|e| StoreError::Namespace {
                op: "open".into(),
                reason: e.to_string(),
            })?;
            session.move_to(&base).unwrap();
            session.close().unwrap();
            Ok::<_, StoreError>(base.id().clone())
        };
        let ids = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..12)
                .map(|n| {
                    let first_command = &first_command;
                    scope.spawn(move || first_command(format!("ext{n}")))
                })
                .collect();
            threads
                .into_iter()
                .map(|t| {
                    t.join()
                        .unwrap()
                        .unwrap_or_else(|e| panic!("round {round}: {e}"))
                })
                .collect::<std::collections::BTreeSet<_>>()
        });
        assert_eq!(ids.len(), 1);
    }
}

#[test]
fn what_a_failed_init_leaves_is_no_snapshot() {
    for driver in [Driver::Overlay, Driver::Plain] {
        let home = tempfile::tempdir().unwrap();
        let store = store_with(home.path(), driver, Disk::default()).unwrap();
        let chroot = chroot(&store);
        let refused = || {
            let outcome = chroot.snapshot_prepared("s", "");
            assert!(
                matches!(outcome, Err(ChrootError::Bare { .. })),
                "{outcome:?}"
            );
            assert!(chroot.list().unwrap().is_empty());
        };
        refused();
        // Opened for an init, and nothing came of it.
        chroot.open().unwrap().close().unwrap();
        refused();
        let session = chroot.open().unwrap();
        std::fs::write(upper_fs(&session).join("by-hand"), "x").unwrap();
        session.close().unwrap();
        chroot.snapshot_prepared("s", "").unwrap();
    }
}

#[test]
fn what_a_failed_build_left_is_kept_under_a_name_and_nobody_stands_on_it() {
    let home = tempfile::tempdir().unwrap();
    let (store, c) = worked_in(home.path());
    c.snapshot("a", "").unwrap();
    let fail = |text: &str| {
        let s = c.open().unwrap();
        // As the build user, which nobody writes down.
        std::fs::write(s.volume("builddir").join("h"), text).unwrap();
        s.keep("demo", "no").unwrap()
    };
    assert_eq!(fail("failed"), "failed-demo");
    let home_of = |c: &Chroot| {
        let s = c.open().unwrap();
        let text = std::fs::read_to_string(s.volume("builddir").join("h")).unwrap();
        s.close().unwrap();
        text
    };
    assert_eq!(home_of(&c), "2");
    assert!(
        c.list()
            .unwrap()
            .iter()
            .any(|one| one.name == "a" && one.current)
    );
    c.stand_on("failed-demo").unwrap();
    assert_eq!(home_of(&c), "failed");
    // What is changed on top of it stays, and `clean` goes where it went before.
    let s = c.open().unwrap();
    std::fs::write(s.volume("builddir").join("h"), "looked into").unwrap();
    s.close().unwrap();
    c.stand_on("failed-demo").unwrap();
    assert_eq!(home_of(&c), "looked into");
    c.clean().unwrap();
    assert_eq!(home_of(&c), "2");
    // One of a name, and not without end.
    fail("again");
    for what in ["b", "c", "d"] {
        c.open().unwrap().keep(what, "").unwrap();
    }
    let kept = |c: &Chroot| -> Vec<String> {
        let names = c.list().unwrap().into_iter().map(|one| one.name);
        names.filter(|name| name.starts_with(KEPT)).collect()
    };
    assert_eq!(kept(&c).len(), 3);
    assert!(kept(&c).contains(&"failed-d".to_owned()));
    c.forget_kept("d").unwrap();
    c.forget_kept("nosuch").unwrap();
    assert!(kept(&c).len() == 2 && !kept(&c).contains(&"failed-d".to_owned()));
    assert!(c.throwaway(None).unwrap().keep("e", "").is_ok());
    assert!(layers_on_disk(&store) < 6);
}
