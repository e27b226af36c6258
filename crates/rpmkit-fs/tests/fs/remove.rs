use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use rpmkit_fs::{FsError, Links, RemoveOptions};

use crate::{Case, as_ordinary_user, is_root, odd_names};

#[test]
fn trees_go_whatever_is_in_them() {
    let case = Case::new();
    for name in odd_names() {
        case.file(Path::new("t").join(&name).join("f"), "");
        case.file(Path::new("t/d").join(&name), "");
    }
    case.link(case.outside(), "t/out");
    case.link(case.secret(), "t/file");
    case.link("nowhere", "t/dangling");
    case.fifo("t/pipe");
    case.file("t/closed/in/f", "");
    case.file("t/unwritable/f", "");
    case.file("t/empty/f", "");
    fs::remove_file(case.path().join("t/empty/f")).unwrap();
    for (name, mode) in [
        ("closed/in", 0),
        ("closed", 0),
        ("unwritable", 0o555),
        ("empty", 0),
        ("", 0o500),
    ] {
        let path = case.path().join("t").join(name);
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
    case.link("t", "link");
    let tree = case.tree(Links::Beneath).without_openat2();
    let entries = 3 * odd_names().len() as u64;
    as_ordinary_user(&case, &[], || {
        let remove = |name| tree.remove_all(name, RemoveOptions::default()).unwrap();
        assert_eq!(remove("link"), 1);
        assert_eq!(remove("t"), entries + 12);
    });
    assert!(tree.list("", 9).unwrap().is_empty());
    assert_eq!(tree.remove_all("t", RemoveOptions::default()).unwrap(), 0);
    assert_eq!(
        tree.remove_all("none/t", RemoveOptions::default()).unwrap(),
        0
    );
    case.unharmed();
}

#[test]
fn trees_of_any_depth_are_removed() {
    for (name, levels) in [("d".repeat(200), 300), ("d".to_owned(), 1500)] {
        let case = Case::new();
        for tree in case.both(Links::Beneath) {
            case.deep("t", &name, levels);
            case.file(format!("t/{name}/zz"), "");
            let removed = tree.remove_all("t", RemoveOptions::default()).unwrap();
            assert_eq!(removed, levels as u64 + 3);
        }
        assert_eq!(fs::read_dir(case.path()).unwrap().count(), 0);
    }
}

#[test]
fn more_names_than_fit_at_once_are_removed() {
    let case = Case::new();
    fs::create_dir(case.path().join("t")).unwrap();
    for at in 0..20_100 {
        fs::hard_link(case.secret(), case.path().join(format!("t/{at}")))
            .or_else(|_| fs::write(case.path().join(format!("t/{at}")), ""))
            .unwrap();
    }
    let tree = case.tree(Links::Beneath);
    assert_eq!(
        tree.remove_all("t", RemoveOptions::default()).unwrap(),
        20_101
    );
    case.unharmed();
}

#[test]
fn what_stays_is_reported_and_the_rest_goes() {
    let case = Case::new();
    for name in ["a/f", "b/locked/f", "b/locked/g", "b/z", "c/f"] {
        case.file(Path::new("t").join(name), "");
    }
    let tree = case.tree(Links::Beneath);
    if !is_root() {
        // Nothing can be locked for us here but what the kernel keeps.
        let proc = rpmkit_fs::UntrustedTree::open("/proc/self", Links::Beneath).unwrap();
        assert!(proc.remove_all("attr", RemoveOptions::default()).is_err());
        return;
    }
    let error = as_ordinary_user(&case, &["t/b/locked"], || {
        tree.remove_all("t", RemoveOptions::default()).unwrap_err()
    });
    let FsError::Partly {
        failed, examples, ..
    } = &error
    else {
        panic!("{error}");
    };
    let mut named: Vec<_> = examples.iter().map(FsError::path).collect();
    named.sort();
    let locked = case.path().join("t/b/locked");
    assert_eq!(
        (*failed, named),
        (2, vec![&*locked.join("f"), &*locked.join("g")])
    );
    assert_eq!(tree.list("t", 9).unwrap().len(), 1);
    assert_eq!(tree.list("t/b", 9).unwrap().len(), 1);
    assert_eq!(tree.remove_all("t", RemoveOptions::default()).unwrap(), 5);
}

#[test]
fn clearing_keeps_what_it_is_told() {
    let case = Case::new();
    case.file("build/SOURCES/kept", "1");
    case.file("build/BUILD/x/y", "");
    case.file("other", "");
    case.file("kept/deep/f", "");
    case.link(case.outside(), "build/out");
    let tree = case.tree(Links::Beneath);
    let keep = ["build/SOURCES".into(), "kept".into(), "not/there".into()];
    assert_eq!(tree.clear("", &keep, RemoveOptions::default()).unwrap(), 5);
    assert_eq!(tree.read("build/SOURCES/kept", 9).unwrap(), b"1");
    assert!(tree.exists("kept/deep/f").unwrap() && !tree.exists("build/BUILD").unwrap());
    // What was to be kept has become a link.
    tree.remove_all("build", RemoveOptions::default()).unwrap();
    case.link(case.outside(), "build");
    tree.clear("", &keep, RemoveOptions::default()).unwrap();
    assert!(tree.lstat("build").unwrap_err().is_not_found());
    case.unharmed();
}
