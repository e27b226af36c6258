//! Killed before every single change on disk that every operation makes: the next command works, and
//! nothing is lost or left over.
//!
//! The operations run in a child (this very test program, asked for [`dies_where_the_parent_test_says`] alone) that gets
//! SIGKILL from the store's fault point. Then the parent looks at what is left.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods)]

use std::{os::unix::process::ExitStatusExt, path::Path, process::Command};

use super::{
    testing::{View, base, chroot, count, failing, no_debris, store, upper_fs, view},
    *,
};
use crate::{Fault, FaultKind, GcOptions, LayerKind};

type Stage = fn(&Store) -> Result<(), ChrootError>;

/// An operation as a list of stages. A crash may leave the state before, between or after them.
const OPERATIONS: &[(&str, &[Stage])] = &[
    ("open the store", &[|_| Ok(())]),
    ("open and close", &[|s| chroot(s).open()?.close()]),
    ("throw-away", &[|s| chroot(s).throwaway(None)?.close()]),
    ("snapshot", &[|s| chroot(s).snapshot("b", "m")]),
    (
        "two snapshots",
        &[
            |s| chroot(s).snapshot("b", ""),
            |s| chroot(s).snapshot("c", ""),
        ],
    ),
    ("rollback", &[|s| chroot(s).rollback("a")]),
    ("rollback far", &[|s| chroot(s).rollback(POSTINIT)]),
    ("clean", &[|s| chroot(s).clean()]),
    ("remove the current", &[|s| chroot(s).remove(&["a"])]),
    ("remove all", &[|s| chroot(s).remove(&["a", POSTINIT])]),
    ("rename", &[|s| chroot(s).rename("a", "z")]),
    ("scrub", &[|s| chroot(s).scrub()]),
    ("make a layer", &[|s| Ok(base(s, "another").map(drop)?)]),
    ("discard", &[|s| chroot(s).open()?.discard()]),
    (
        "snapshot in a session",
        &[|s| {
            let mut session = chroot(s).open()?;
            session.snapshot("b", "")?;
            session.close()
        }],
    ),
    (
        "init on a new base",
        &[
            |s| chroot(s).rollback(POSTINIT),
            |s| {
                let layer = base(s, "newer")?;
                let mut session = chroot(s).open()?;
                session.rebase(&layer)?;
                session.close()
            },
            |s| {
                let mut session = chroot(s).open()?;
                session.postinit()?;
                session.close()
            },
        ],
    ),
    (
        "move to another layer",
        &[
            |s| chroot(s).rollback(POSTINIT),
            |s| {
                let layer = base(s, "newer")?;
                let mut session = chroot(s).open()?;
                session.move_to(&layer)?;
                session.refresh()?;
                session.close()
            },
        ],
    ),
    (
        "flatten",
        &[|s| {
            let top = chroot(s).layer("a")?.expect("a snapshot with files");
            Ok(s.flatten(&top)?)
        }],
    ),
    (
        "collect everything",
        &[|s| {
            s.gc(
                &mentioned,
                &GcOptions {
                    keep: Some(0),
                    dry_run: false,
                },
            )?;
            Ok(s.sweep()?)
        }],
    ),
    (
        "adopt",
        &[|s| {
            let layer = base(s, "found")?;
            chroot(s).adopt("found", layer.id(), "")
        }],
    ),
    (
        "export and import",
        &[|s| {
            let file = s.dir().parent().expect("a home").join("x.tar");
            let top = chroot(s).layer("a")?;
            let labels = crate::archive::Labels::default();
            s.export(top.as_ref(), &file, crate::archive::Shape::Tar, labels)?;
            let (layer, _) = s.import(&file, "n")?;
            chroot(s).adopt("in", layer.id(), "")
        }],
    ),
    (
        "show a copy, and work on",
        &[|s| {
            let at = s.dir().parent().expect("a home").join("root");
            let place = RootPlace {
                at: &at,
                home: Path::new("/builddir"),
            };
            chroot(s).show_copy(place)?;
            chroot(s).open()?.close()
        }],
    ),
    (
        "forget what could be made again",
        &[|s| chroot(s).forget_cached(&[LayerKind::Base, LayerKind::BuildDeps])],
    ),
];

/// Two configurations on one base layer: postinit, a snapshot with files and an unsaved change.
fn furnish(home: &Path) {
    let store = store(home);
    let layer = base(&store, "base").unwrap();
    for name in ["f43", "other"] {
        let c = Chroot::new(&store, name.parse().unwrap(), "");
        let mut s = c.open().unwrap();
        s.rebase(&layer).unwrap();
        s.postinit().unwrap();
        s.mark_dirty().unwrap();
        std::fs::write(upper_fs(&s).join("installed"), name).unwrap();
        std::fs::write(s.volume("builddir").join("work"), "1").unwrap();
        s.snapshot("a", "first").unwrap();
        s.mark_dirty().unwrap();
        std::fs::write(upper_fs(&s).join("unsaved"), name).unwrap();
        std::fs::write(s.volume("builddir").join("work"), "2").unwrap();
        s.close().unwrap();
    }
    drop(layer);
    no_debris(&store);
    // Something for the collector.
    base(&store, "spare").unwrap();
    store.wait_for_background();
    std::fs::create_dir_all(store.dir().join("trash/old/dir")).unwrap();
    std::fs::create_dir_all(store.dir().join("tmp/left-over/fs")).unwrap();
}

fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-a").arg(from).arg(to).status();
    assert!(status.unwrap().success());
}

/// The views that a crash may leave: before the operation and after each of its stages.
fn allowed(home: &Path, stages: &[Stage]) -> Vec<View> {
    let store = store(home);
    let mut views = vec![view(&chroot(&store))];
    for stage in stages {
        stage(&store).unwrap();
        views.push(view(&chroot(&store)));
    }
    no_debris(&store);
    views
}

const HOME: &str = "RPMKIT_TEST_CRASH_HOME";

/// The child's part; does nothing when run as an ordinary test.
#[test]
fn dies_where_the_parent_test_says() {
    let Ok(order) = std::env::var(HOME) else {
        return;
    };
    let mut parts = order.splitn(3, '|');
    let index: usize = parts.next().unwrap().parse().unwrap();
    let at: u64 = parts.next().unwrap().parse().unwrap();
    let home = Path::new(parts.next().unwrap());
    let store = failing(home, Fault::new(FaultKind::Kill, at)).unwrap();
    for stage in OPERATIONS[index].1 {
        stage(&store).unwrap();
    }
}

fn run_killed(home: &Path, index: usize, at: u64) -> bool {
    let output = Command::new(std::env::current_exe().unwrap())
        .args([
            "chroot::crash::dies_where_the_parent_test_says",
            "--exact",
            "--test-threads=1",
        ])
        .env(HOME, format!("{index}|{at}|{}", home.display()))
        .output()
        .unwrap();
    if output.status.signal() == Some(9) {
        return true;
    }
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("1 passed"), "{text}");
    false
}

fn crash_everywhere(index: usize) -> u64 {
    let (name, stages) = OPERATIONS[index];
    let dir = tempfile::tempdir().unwrap();
    let furnished = dir.path().join("furnished");
    furnish(&furnished);
    let whole = dir.path().join("whole");
    copy(&furnished, &whole);
    let views = allowed(&whole, stages);
    for at in 1.. {
        let home = dir.path().join("home");
        copy(&furnished, &home);
        let killed = run_killed(&home, index, at);
        let place = format!("{name}, killed before change {at}");
        let store = store(&home);
        let c = chroot(&store);
        let now = view(&c);
        assert!(
            views.contains(&now),
            "{place}: {now:#?}\nis none of {views:#?}"
        );
        if !killed {
            assert_eq!(Some(&now), views.last(), "{place}");
        }
        let other = Chroot::new(&store, "other".parse().unwrap(), "");
        assert_eq!(view(&other).upper["unsaved"], "other", "{place}");
        assert_eq!(view(&other).names["a"].0["builddir/work"], "1", "{place}");
        // The next commands work, and all of it can be cleaned up.
        c.open().expect(&place).close().expect(&place);
        assert_eq!(view(&c), now, "{place}");
        no_debris(&store);
        c.snapshot("next", "").expect(&place);
        assert_eq!(view(&c).names["next"].0, now.upper, "{place}");
        c.clean().expect(&place);
        c.scrub().expect(&place);
        other.scrub().expect(&place);
        no_debris(&store);
        // Nothing refers to anything now: a layer that stays is leaked.
        let all = GcOptions {
            keep: Some(0),
            dry_run: false,
        };
        store.gc(&mentioned, &all).expect(&place);
        for dir in ["layers", "uppers", "s", "chroots"] {
            assert_eq!(count(&store.dir().join(dir)), 0, "{place}: {dir}");
        }
        assert!(!home.join("root").is_symlink(), "{place}");
        store.wait_for_background();
        drop(store);
        std::fs::remove_dir_all(&home).unwrap();
        if !killed {
            return at - 1;
        }
    }
    unreachable!()
}

/// One test for each, so that they run side by side.
macro_rules! crash_tests {
    ($($name:ident = $index:literal,)*) => {
        $(#[test] fn $name() { assert!($index == 0 || crash_everywhere($index) > 0); })*
        #[test]
        fn every_operation_has_its_test() {
            assert_eq!([$($index),*].len(), OPERATIONS.len());
        }
    };
}

crash_tests! {
    killed_opening_the_store = 0,
    killed_opening = 1,
    killed_in_throwaway = 2,
    killed_in_snapshot = 3,
    killed_in_two_snapshots = 4,
    killed_in_rollback = 5,
    killed_in_far_rollback = 6,
    killed_in_clean = 7,
    killed_in_remove = 8,
    killed_in_remove_all = 9,
    killed_in_rename = 10,
    killed_in_scrub = 11,
    killed_making_a_layer = 12,
    killed_in_discard = 13,
    killed_in_session_snapshot = 14,
    killed_in_init = 15,
    killed_in_move = 16,
    killed_in_flatten = 17,
    killed_collecting = 18,
    killed_in_adopt = 19,
    killed_in_import = 20,
    killed_showing_a_copy = 21,
    killed_forgetting = 22,
}

#[test]
fn a_first_start_may_be_killed_anywhere() {
    let dir = tempfile::tempdir().unwrap();
    for at in 1.. {
        let home = dir.path().join(at.to_string());
        let killed = run_killed(&home, 1, at);
        let store = store(&home);
        chroot(&store).open().unwrap().close().unwrap();
        no_debris(&store);
        if !killed {
            assert!(at > 20, "{at}");
            return;
        }
    }
}
