use std::{
    fs,
    io::Write,
    os::unix::fs::{MetadataExt, PermissionsExt},
    time::{Duration, SystemTime},
};

use rpmkit_fs::{Durability, FsError, HostDir, IfThere, Links, WriteOptions};

use crate::Case;

#[test]
fn logs_are_not_written_through_anything() {
    let case = Case::new();
    case.link(case.secret(), "absolute.log");
    case.link("real.log", "inside.log");
    case.file("real.log", "");
    fs::hard_link(case.secret(), case.path().join("hard.log")).unwrap();
    case.fifo("pipe.log");
    for tree in case.both(Links::Beneath) {
        for name in ["absolute.log", "inside.log"] {
            assert!(matches!(
                tree.append(name, 0o644),
                Err(FsError::Link { .. })
            ));
            assert!(matches!(
                tree.open_or_create(name, 0o644),
                Err(FsError::Link { .. })
            ));
        }
        assert!(matches!(
            tree.append("hard.log", 0o644),
            Err(FsError::HardLinked { links: 2, .. })
        ));
        assert!(tree.append("pipe.log", 0o644).is_err());
        tree.append("build.log", 0o644)
            .unwrap()
            .write_all(b"a")
            .unwrap();
    }
    assert_eq!(fs::read(case.path().join("build.log")).unwrap(), b"aa");
    case.unharmed();
}

#[test]
fn a_file_is_replaced_whole_and_a_link_goes() {
    let case = Case::new();
    case.link(case.secret(), "x");
    let durable = WriteOptions {
        sync: Durability::Name,
        mode: 0o666,
        exact_mode: true,
        ..WriteOptions::default()
    };
    for tree in case.both(Links::Beneath) {
        tree.write("x", "new", &durable).unwrap();
        let meta = tree.lstat("x").unwrap();
        assert!(meta.is_file() && meta.mode() == 0o666);
        assert_eq!(tree.read("x", 9).unwrap(), b"new");
        let there = WriteOptions {
            there: IfThere::Fail,
            ..durable
        };
        assert!(
            tree.write("x", "newer", &there)
                .unwrap_err()
                .is_already_there()
        );
        assert_eq!(tree.read("x", 9).unwrap(), b"new");
        tree.write("y", "first", &there).unwrap();
        tree.remove_file("y").unwrap();
        {
            let mut half = tree.replace("x", 0o600).unwrap();
            half.write_all(b"ha").unwrap();
        }
        assert_eq!(tree.list("", 9).unwrap().len(), 1);
        tree.mkdir("d", 0o755).unwrap();
        assert!(matches!(
            tree.write("d", "", &durable),
            Err(FsError::Kind { .. })
        ));
        assert!(
            tree.write("d/none/x", "", &durable)
                .unwrap_err()
                .is_not_found()
        );
        tree.remove_dir("d").unwrap();
    }
    case.unharmed();
}

#[test]
fn what_a_killed_writer_left_is_swept_and_nothing_else() {
    let case = Case::new();
    let host = case.host();
    fs::write(host.path().join(".rpmkit-new-killed"), "half").unwrap();
    let mut live = host.replace("x", 0o644).unwrap();
    fs::hard_link(case.secret(), host.path().join(".rpmkit-new-linked")).unwrap();
    assert_eq!(host.sweep_unfinished("").unwrap(), 1);
    live.write_all(b"whole").unwrap();
    live.commit(Durability::No, IfThere::Replace).unwrap();
    assert_eq!(host.read("x", 9).unwrap(), b"whole");
    case.unharmed();
}

#[test]
fn modes_times_and_owners_of_links_targets_stay() {
    let case = Case::new();
    let before = fs::metadata(case.secret()).unwrap();
    case.link(case.secret(), "out");
    case.file("in", "");
    case.link("in", "inside");
    case.fifo("pipe");
    let time = SystemTime::UNIX_EPOCH + Duration::new(1_000_000_000, 5);
    let early = SystemTime::UNIX_EPOCH - Duration::from_millis(1500);
    for tree in case.both(Links::Beneath) {
        for name in ["out", "inside"] {
            assert!(matches!(
                tree.set_mode(name, 0o777),
                Err(FsError::Link { .. })
            ));
            tree.set_modified(name, time).unwrap();
            assert_eq!(tree.lstat(name).unwrap().modified(), time);
        }
        assert!(tree.set_mode("pipe", 0o777).is_err());
        for mode in [0o4755, 0] {
            tree.set_mode("in", mode).unwrap();
            assert_eq!(tree.stat("in").unwrap().mode(), mode);
        }
        tree.set_modified("in", early).unwrap();
        assert_eq!(tree.stat("in").unwrap().mtime(), (-2, 500_000_000));
        assert_eq!(tree.stat("in").unwrap().modified(), early);
        tree.set_mode("", 0o750).unwrap();
        tree.set_modified("", time).unwrap();
        assert_eq!(tree.stat("").unwrap().mode(), 0o750);
        let (uid, gid) = (tree.stat("").unwrap().uid(), tree.stat("").unwrap().gid());
        for name in ["", "out", "in"] {
            tree.set_owner(name, uid, gid).unwrap();
        }
    }
    let after = fs::metadata(case.secret()).unwrap();
    assert_eq!(before.mtime(), after.mtime());
    assert_eq!(before.permissions().mode(), after.permissions().mode());
    case.unharmed();
}

#[test]
fn names_are_changed_without_following() {
    let case = Case::new();
    case.file("f", "f");
    case.link(case.secret(), "l");
    let (tree, host) = (case.tree(Links::Beneath), case.host());
    let taken = tree.rename("f", &tree, "l", IfThere::Fail).unwrap_err();
    assert!(taken.is_already_there() && taken.path().ends_with("tree/l"));
    tree.rename("l", &host, "moved", IfThere::Fail).unwrap();
    assert!(host.lstat("moved").unwrap().is_link());
    tree.rename("f", &host, "moved", IfThere::Replace).unwrap();
    assert_eq!(host.read("moved", 9).unwrap(), b"f");
    host.hard_link("moved", &host, "second").unwrap();
    assert_eq!(host.stat("second").unwrap().links(), 2);
    assert!(host.remove_file_if_there("second").unwrap());
    assert!(!host.remove_file_if_there("second").unwrap());
    case.unharmed();
}

#[test]
fn ours_may_hold_links_of_ours() {
    let case = Case::new();
    let host = case.host();
    host.symlink(case.outside(), "elsewhere").unwrap();
    let elsewhere = host.dir("elsewhere").unwrap();
    assert_eq!(elsewhere.read("secret", 9).unwrap(), b"secret");
    assert_eq!(elsewhere.path(), host.path().join("elsewhere"));
    assert!(host.dir("..").is_err() && host.dir("/").is_err());
    // It could as well have come with a foreign tree.
    assert!(matches!(
        host.read("elsewhere/secret", 9),
        Err(FsError::Leaves { .. })
    ));
    assert!(matches!(
        host.read("../outside/secret", 9),
        Err(FsError::Leaves { .. })
    ));
    assert!(matches!(
        host.read("/etc/passwd", 9),
        Err(FsError::Leaves { .. })
    ));
    assert!(matches!(
        host.tree("elsewhere", Links::Beneath),
        Err(FsError::Link { .. })
    ));
    assert!(HostDir::open(case.secret()).is_err());
    host.mkdir_all("a/b/c", 0o755).unwrap();
    host.mkdir_all("a/b/c", 0o755).unwrap();
    host.sync_names("a/b").unwrap();
    host.sync_file_system().unwrap();
    let tree = host.tree("a", Links::Beneath).unwrap();
    assert_eq!(tree.show("b"), host.path().join("a/b"));
}

#[test]
fn a_file_is_replaced_by_its_path() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    fs::write(&path, "old").unwrap();
    rpmkit_fs::write_file(&path, "new", &WriteOptions::with_mode(0o600)).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "new");
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    let nowhere = dir.path().join("no/f");
    let error = rpmkit_fs::write_file(nowhere, "", &WriteOptions::default()).unwrap_err();
    assert_eq!(error.into_system().kind(), std::io::ErrorKind::NotFound);
}
