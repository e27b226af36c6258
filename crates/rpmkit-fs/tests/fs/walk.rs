use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use rpmkit_fs::{EntryKind, FsError, Links, UntrustedTree, WalkOptions};

use crate::{Case, as_ordinary_user, odd_names};

fn paths(tree: &UntrustedTree, options: WalkOptions) -> (Vec<PathBuf>, Vec<FsError>) {
    let (mut paths, mut errors) = (Vec::new(), Vec::new());
    let mut walk = tree.walk("", options).unwrap();
    while let Some(entry) = walk.next() {
        match entry {
            Ok(entry) => paths.push(entry.path().to_owned()),
            Err(error) => errors.push(error),
        }
    }
    (paths, errors)
}

#[test]
fn the_same_as_walkdir() {
    let case = Case::new();
    for name in odd_names() {
        case.file(Path::new("d/e").join(&name), "");
        case.file(Path::new(&name).join("f"), "");
    }
    case.link("..", "up");
    case.fifo("pipe");
    let expected: Vec<PathBuf> = walkdir::WalkDir::new(case.path())
        .min_depth(1)
        .sort_by_file_name()
        .into_iter()
        .map(|entry| {
            entry
                .unwrap()
                .path()
                .strip_prefix(case.path())
                .unwrap()
                .to_owned()
        })
        .collect();
    for tree in case.both(Links::Beneath) {
        let (found, errors) = paths(&tree, WalkOptions::default());
        assert_eq!(found, expected);
        assert!(errors.is_empty());
        let unsorted = WalkOptions {
            sorted: false,
            ..WalkOptions::default()
        };
        let mut found = paths(&tree, unsorted).0;
        found.sort();
        let mut expected = expected.clone();
        expected.sort();
        assert_eq!(found, expected);
    }
}

#[test]
fn any_depth_with_few_descriptors() {
    let case = Case::new();
    case.deep("long", &"d".repeat(200), 300);
    case.deep("many", "d", 1200);
    case.file("many/d/zz", "behind");
    for tree in case.both(Links::Beneath) {
        let (found, errors) = paths(&tree, WalkOptions::default());
        assert!(errors.is_empty(), "{errors:?}");
        assert_eq!(found.len(), 2 + 300 + 1 + 1200 + 1 + 1);
        assert_eq!(found.last().unwrap(), Path::new("many/d/zz"));
    }
    let before = fs::read_dir("/proc/self/fd").unwrap().count();
    let tree = case.tree(Links::Beneath);
    let mut walk = tree.walk("many", WalkOptions::default()).unwrap();
    let mut deepest = 0;
    while let Some(entry) = walk.next() {
        let entry = entry.unwrap();
        deepest = deepest.max(entry.depth());
        if entry.depth() == 1100 {
            // Other tests open some, too.
            assert!(fs::read_dir("/proc/self/fd").unwrap().count() < before + 400);
        }
        if entry.kind() == EntryKind::File {
            entry.open_file().unwrap();
        }
    }
    assert_eq!(deepest, 1201);
    tree.remove_all("many", Default::default()).unwrap();
}

#[test]
fn parts_of_a_tree() {
    let case = Case::new();
    case.file("a/b/c/f", "x");
    case.file("z", "x");
    let tree = case.tree(Links::Beneath);
    let shallow = WalkOptions {
        max_depth: 2,
        ..WalkOptions::default()
    };
    assert_eq!(paths(&tree, shallow).0.len(), 3);
    let mut walk = tree.walk("a", WalkOptions::default()).unwrap();
    let entry = walk.next().unwrap().unwrap();
    assert_eq!(
        (entry.path(), entry.shown()),
        (Path::new("b"), case.path().join("a/b"))
    );
    walk.skip();
    assert!(walk.next().is_none());
    let few = WalkOptions {
        max_entries: 3,
        ..WalkOptions::default()
    };
    let (found, errors) = paths(&tree, few);
    assert_eq!(found.len(), 3);
    assert!(matches!(errors[..], [FsError::TooMany { limit: 3, .. }]));
}

#[test]
fn what_is_mounted_is_reported() {
    let dev = UntrustedTree::open("/", Links::Beneath).unwrap();
    for tree in [dev.with_links(Links::Never).unwrap(), dev.without_openat2()] {
        let mut walk = tree.walk("", WalkOptions::default()).unwrap();
        let mut mounts = Vec::new();
        while let Some(entry) = walk.next() {
            match entry {
                Ok(entry) if entry.name() == "proc" => {}
                Ok(_) => walk.skip(),
                Err(error) => mounts.push(error),
            }
        }
        assert!(matches!(&mounts[..], [FsError::Mount { path }] if path == Path::new("/proc")));
    }
}

#[test]
fn a_closed_directory_does_not_end_it() {
    let case = Case::new();
    case.file("a/f", "");
    case.file("closed/f", "");
    case.file("z/f", "");
    fs::set_permissions(case.path().join("closed"), fs::Permissions::from_mode(0o0)).unwrap();
    let tree = case.tree(Links::Beneath);
    let (found, errors) = as_ordinary_user(&case, &[], || paths(&tree, WalkOptions::default()));
    assert_eq!((found.len(), errors.len()), (5, 1));
    assert_eq!(errors[0].path(), case.path().join("closed"));
    assert_eq!(found.last().unwrap(), Path::new("z/f"));
    fs::set_permissions(
        case.path().join("closed"),
        fs::Permissions::from_mode(0o700),
    )
    .unwrap();
}
