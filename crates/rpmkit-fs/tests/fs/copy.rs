use std::{
    fs::{self, File},
    io::{Seek, SeekFrom, Write},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
};

use rpmkit_fs::{CopyMode, CopyOptions, FsError, IfThere, LinkCopy, Links, Owner, TreeCopyOptions};

use crate::{Case, as_ordinary_user, is_root};

fn replacing(links: LinkCopy) -> TreeCopyOptions {
    TreeCopyOptions {
        file: CopyOptions {
            there: IfThere::Replace,
            ..CopyOptions::default()
        },
        links,
        ..TreeCopyOptions::default()
    }
}

#[test]
fn a_file_comes_out_with_what_it_is() {
    let case = Case::new();
    case.file("a.rpm", "rpm");
    fs::set_permissions(
        case.path().join("a.rpm"),
        fs::Permissions::from_mode(0o6755),
    )
    .unwrap();
    case.link("a.rpm", "in.rpm");
    case.link(case.secret(), "out.rpm");
    let host = case.host();
    let before = fs::metadata(case.path().join("a.rpm")).unwrap();
    for tree in case.both(Links::Beneath) {
        tree.copy_file("a.rpm", &host, "a.rpm", &CopyOptions::default())
            .unwrap();
        let (copy, own) = (host.lstat("a.rpm").unwrap(), tree.lstat("a.rpm").unwrap());
        assert_eq!((copy.mode(), copy.mtime()), (0o755, own.mtime()));
        assert!(
            tree.copy_file("a.rpm", &host, "a.rpm", &CopyOptions::default())
                .unwrap_err()
                .is_already_there()
        );
        for (mode, expected) in [
            (CopyMode::KeepAll, 0o6755),
            (CopyMode::Fixed(0o600), 0o600),
            (CopyMode::Plain, 0o755),
        ] {
            let options = CopyOptions {
                mode,
                there: IfThere::Replace,
                ..CopyOptions::default()
            };
            tree.copy_file("in.rpm", &host, "a.rpm", &options).unwrap();
            assert_eq!(host.stat("a.rpm").unwrap().mode(), expected);
        }
        let few = CopyOptions {
            max_bytes: 2,
            ..CopyOptions::default()
        };
        assert!(matches!(
            tree.copy_file("a.rpm", &host, "b", &few),
            Err(FsError::TooLarge { .. })
        ));
        assert!(matches!(
            tree.copy_file("out.rpm", &host, "b", &few),
            Err(FsError::Leaves { .. })
        ));
        assert!(matches!(
            tree.copy_file_itself("in.rpm", &host, "b", &few),
            Err(FsError::Link { .. })
        ));
        host.remove_file("a.rpm").unwrap();
        assert!(host.list("", 9).unwrap().is_empty());
    }
    let after = fs::metadata(case.path().join("a.rpm")).unwrap();
    assert_eq!(
        (before.mode(), before.mtime()),
        (after.mode(), after.mtime())
    );
}

#[test]
fn nothing_is_written_through_a_link_at_the_destination() {
    let case = Case::new();
    case.file("f", "new");
    case.file("d/g", "new");
    let host = case.host();
    for name in ["f", "single"] {
        host.symlink(case.secret(), name).unwrap();
    }
    host.symlink(case.outside(), "d").unwrap();
    let tree = case.tree(Links::Beneath);
    let error = tree
        .copy_tree("", &host, "", &TreeCopyOptions::default())
        .unwrap_err();
    assert!(
        matches!(error, FsError::Partly { failed: 2, .. }),
        "{error}"
    );
    let one = CopyOptions {
        there: IfThere::Replace,
        ..CopyOptions::default()
    };
    tree.copy_file("f", &host, "single", &one).unwrap();
    let copied = tree
        .copy_tree("", &host, "", &replacing(LinkCopy::Copy))
        .unwrap();
    assert_eq!((copied.files, copied.dirs, copied.bytes), (2, 1, 6));
    for name in ["f", "single", "d/g"] {
        assert!(host.lstat(name).unwrap().is_file());
        assert_eq!(host.read(name, 9).unwrap(), b"new");
    }
    assert!(host.lstat("d").unwrap().is_dir());
    case.unharmed();
}

#[test]
fn a_tree_with_everything_in_it_is_copied() {
    let case = Case::new();
    case.file("sub/f", "x");
    case.file(".git/config", "x");
    case.link(case.secret(), "out");
    case.link("sub/f", "in");
    case.link("sub", "dir");
    case.fifo("pipe");
    fs::set_permissions(case.path().join("sub"), fs::Permissions::from_mode(0o1755)).unwrap();
    let host = case.host();
    let tree = case.tree(Links::Beneath);
    let copied = tree
        .copy_tree_where("", &host, "a", &replacing(LinkCopy::Copy), |entry| {
            entry.name() != ".git"
        })
        .unwrap();
    assert_eq!(
        (copied.files, copied.dirs, copied.links, copied.skipped),
        (1, 2, 3, 1)
    );
    assert_eq!(copied.skipped_first, [Path::new("pipe")]);
    assert_eq!(host.read_link("a/out").unwrap(), case.secret());
    assert_eq!(host.lstat("a/sub").unwrap().mode(), 0o755);
    assert_eq!(
        host.lstat("a/sub").unwrap().mtime(),
        tree.lstat("sub").unwrap().mtime()
    );
    // What they lead to, while it is a file of the tree.
    tree.copy_tree("", &host, "a", &replacing(LinkCopy::Follow))
        .unwrap();
    assert!(host.lstat("a/in").unwrap().is_file());
    assert!(host.lstat("a/dir").unwrap().is_link() && host.lstat("a/out").unwrap().is_link());
    // A directory gives way to a file, and a file to a directory.
    fs::remove_file(case.path().join("in")).unwrap();
    case.file("in/deep/f", "y");
    fs::remove_dir_all(case.path().join("sub")).unwrap();
    case.file("sub", "z");
    tree.copy_tree("", &host, "a", &replacing(LinkCopy::Skip))
        .unwrap();
    assert_eq!(host.read("a/in/deep/f", 9).unwrap(), b"y");
    assert_eq!(host.read("a/sub", 9).unwrap(), b"z");
    case.unharmed();
}

#[test]
fn copies_have_bounds() {
    let case = Case::new();
    for name in ["a", "b", "c"] {
        case.file(name, "1234");
    }
    let host = case.host();
    let tree = case.tree(Links::Beneath);
    let mut options = TreeCopyOptions {
        max_total: 9,
        ..TreeCopyOptions::default()
    };
    let error = tree.copy_tree("", &host, "x", &options).unwrap_err();
    assert!(
        matches!(error, FsError::Partly { failed: 1, .. }),
        "{error}"
    );
    options.walk.max_entries = 2;
    options.max_total = 100;
    assert!(tree.copy_tree("", &host, "y", &options).is_err());
    assert_eq!(host.list("y", 9).unwrap().len(), 2);
}

#[test]
fn holes_stay_holes() {
    let case = Case::new();
    case.file("sparse", "begin");
    let mut file = File::options()
        .write(true)
        .open(case.path().join("sparse"))
        .unwrap();
    file.seek(SeekFrom::Start(64 << 20)).unwrap();
    file.write_all(b"middle").unwrap();
    file.set_len(1 << 40).unwrap();
    let host = case.host();
    let tree = case.tree(Links::Beneath);
    let bytes = tree
        .copy_file("sparse", &host, "copy", &CopyOptions::default())
        .unwrap();
    let meta = host.stat("copy").unwrap();
    assert_eq!(meta.len(), 1 << 40);
    assert!(
        bytes < 1 << 20 && meta.on_disk() < 1 << 20,
        "{bytes} {meta:?}"
    );
    let mut copy = host.open_file("copy").unwrap();
    let mut middle = [0; 6];
    copy.seek(SeekFrom::Start(64 << 20)).unwrap();
    std::io::Read::read_exact(&mut copy, &mut middle).unwrap();
    assert_eq!(&middle, b"middle");
}

#[test]
fn trees_of_any_depth_are_copied_in_both_directions() {
    let case = Case::new();
    case.deep("long", &"d".repeat(200), 300);
    case.file(format!("long/{}/zz", "d".repeat(200)), "behind");
    let host = case.host();
    let tree = case.tree(Links::Beneath);
    let copied = tree
        .copy_tree("long", &host, "out", &TreeCopyOptions::default())
        .unwrap();
    assert_eq!((copied.dirs, copied.files), (301, 2));
    let copied = host
        .copy_tree("out", &tree, "in", &TreeCopyOptions::default())
        .unwrap();
    assert_eq!((copied.dirs, copied.files), (301, 2));
    let path = format!("in/{}/zz", "d".repeat(200));
    assert_eq!(tree.read(path, 9).unwrap(), b"behind");
    for dir in ["long", "in"] {
        tree.remove_all(dir, Default::default()).unwrap();
    }
    host.remove_all("out", Default::default()).unwrap();
}

#[test]
fn a_closed_file_does_not_end_it() {
    let case = Case::new();
    case.file("closed", "x");
    case.file("dir/x", "x");
    case.file("z", "x");
    for (name, mode) in [("closed", 0), ("dir", 0o500)] {
        fs::set_permissions(case.path().join(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    let host = case.host();
    let tree = case.tree(Links::Beneath);
    tree.mkdir("to", 0o755).unwrap();
    let error = as_ordinary_user(&case, &[], || {
        tree.copy_tree_where("", &tree, "to", &TreeCopyOptions::default(), |entry| {
            entry.name() != "to"
        })
        .unwrap_err()
    });
    assert!(
        matches!(error, FsError::Partly { failed: 1, .. }),
        "{error}"
    );
    tree.rename("to", &host, "x", IfThere::Fail).unwrap();
    assert_eq!(host.read("x/z", 9).unwrap(), b"x");
    assert_eq!(host.lstat("x/dir").unwrap().mode(), 0o500);
    assert_eq!(host.lstat("x/dir/x").unwrap().len(), 1);
    assert!(!host.exists("x/closed").unwrap());
    host.remove_all("x", Default::default()).unwrap();
    tree.remove_all("dir", Default::default()).unwrap();
}

#[test]
fn an_owner_can_be_given() {
    let case = Case::new();
    case.file("d/f", "x");
    case.link("f", "d/l");
    let host = case.host();
    let (uid, gid) = if is_root() {
        (12345, 12346)
    } else {
        (
            rustix::process::getuid().as_raw(),
            rustix::process::getgid().as_raw(),
        )
    };
    let mut options = TreeCopyOptions::default();
    options.file.owner = Some(Owner {
        uid,
        gid,
        if_mapped: false,
    });
    host.mkdir("in", 0o755).unwrap();
    case.tree(Links::Beneath)
        .copy_tree("", &host, "in", &options)
        .unwrap();
    for name in ["in/d", "in/d/f", "in/d/l"] {
        let meta = host.lstat(name).unwrap();
        assert_eq!((meta.uid(), meta.gid()), (uid, gid), "{name}");
    }
}
