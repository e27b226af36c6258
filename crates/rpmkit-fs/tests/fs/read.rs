use std::{fs, os::unix::net::UnixListener};

use rpmkit_fs::{EntryKind, FsError, Links};
use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};

use crate::{Case, is_root, odd_names};

#[test]
fn nothing_but_regular_files_is_opened() {
    let case = Case::new();
    case.fifo("pipe");
    case.link("pipe", "to-pipe");
    case.file("d/f", "");
    let _socket = UnixListener::bind(case.path().join("socket")).unwrap();
    let mut all = vec![
        ("pipe", EntryKind::Fifo),
        ("socket", EntryKind::Socket),
        ("d", EntryKind::Dir),
    ];
    if is_root() {
        let path = case.path().join("null");
        mknodat(
            CWD,
            path,
            FileType::CharacterDevice,
            Mode::RUSR,
            makedev(1, 3),
        )
        .unwrap();
        all.push(("null", EntryKind::Char));
    }
    for tree in case.both(Links::Beneath) {
        for (name, kind) in &all {
            for error in [
                tree.read(name, 10).unwrap_err(),
                tree.open_file_itself(name).unwrap_err(),
                tree.append(name, 0o644).unwrap_err(),
                tree.open_or_create(name, 0o644).unwrap_err(),
                tree.copy_file(name, &case.host(), "x", &Default::default())
                    .unwrap_err(),
            ] {
                let FsError::Kind {
                    found, expected, ..
                } = error
                else {
                    panic!("{name}: {error}");
                };
                assert_eq!((found, expected), (*kind, EntryKind::File), "{name}");
            }
        }
        let error = tree.read("to-pipe", 10).unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with("is a named pipe, not a regular file"),
            "{error}"
        );
    }
}

#[test]
fn what_is_read_has_a_bound() {
    let case = Case::new();
    case.file("f", "12345");
    case.file("latin", "");
    fs::write(case.path().join("latin"), b"a\xe9").unwrap();
    let tree = case.tree(Links::Beneath);
    assert_eq!(tree.read("f", 5).unwrap(), b"12345");
    assert!(matches!(
        tree.read("f", 4),
        Err(FsError::TooLarge { limit: 4, .. })
    ));
    assert!(matches!(
        tree.read_text("latin", 9),
        Err(FsError::NotText { at: 1, .. })
    ));
    assert_eq!(tree.read_if_there("none", 9).unwrap(), None);
    assert!(tree.read("none", 9).unwrap_err().is_not_found());
    assert!(!tree.exists("none").unwrap() && !tree.exists("f/x").unwrap());
    // A file that says it is empty, and is not.
    let proc = rpmkit_fs::UntrustedTree::open("/proc/self", Links::Beneath).unwrap();
    assert!(matches!(
        proc.read("status", 10),
        Err(FsError::TooLarge { .. })
    ));
}

#[test]
fn lists_are_sorted_and_bounded() {
    let case = Case::new();
    for name in odd_names() {
        case.file(&name, "");
    }
    case.link("nowhere", "link");
    let tree = case.tree(Links::Beneath);
    let listed = tree.list("", 100).unwrap();
    assert_eq!(listed.len(), odd_names().len() + 1);
    assert!(listed.is_sorted_by_key(|entry| entry.name.clone()));
    for name in odd_names() {
        assert_eq!(tree.read(&name, 0).unwrap(), b"");
        assert!(
            listed
                .iter()
                .any(|e| e.name == name && e.kind == EntryKind::File)
        );
    }
    assert!(matches!(
        tree.list(".", 3),
        Err(FsError::TooMany { limit: 3, .. })
    ));
    assert!(tree.list("link", 3).unwrap_err().is_not_found());
}

#[test]
fn names_that_are_none() {
    let case = Case::new();
    let tree = case.tree(Links::InRoot);
    for path in ["", ".", "..", "/", "a/.."] {
        assert!(
            matches!(tree.remove_file(path), Err(FsError::Name { .. })),
            "{path}"
        );
        assert!(tree.remove_all(path, Default::default()).is_err(), "{path}");
    }
    assert!(tree.read("a\0b", 1).is_err());
    assert!(case.path().is_dir());
}
