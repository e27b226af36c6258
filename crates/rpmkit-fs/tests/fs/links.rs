use std::{fs, path::Path};

use rpmkit_fs::{EntryKind, FsError, Links};

use crate::Case;

#[test]
fn links_that_stay_are_followed() {
    let case = Case::new();
    case.file("packaging/x.spec", "spec");
    case.link("packaging/x.spec", "x.spec");
    case.link("./packaging/../x.spec", "again");
    case.link("packaging", "dir");
    case.link("../tree/x.spec", "over-the-top");
    for tree in case.both(Links::Beneath) {
        for name in [
            "x.spec",
            "again",
            "dir/x.spec",
            "dir//x.spec",
            "packaging/../x.spec",
        ] {
            assert_eq!(tree.read_text(name, 10).unwrap(), "spec", "{name}");
            assert_eq!(tree.real_path(name).unwrap(), Path::new("packaging/x.spec"));
            assert!(tree.exists(name).unwrap());
        }
        assert_eq!(tree.lstat("x.spec").unwrap().kind(), EntryKind::Link);
        assert_eq!(
            tree.read_link("x.spec").unwrap(),
            Path::new("packaging/x.spec")
        );
        assert!(tree.open_file_itself("x.spec").is_err());
        assert!(tree.open_file_itself("dir/x.spec").is_ok());
        // It comes back, but by way of outside.
        assert!(matches!(
            tree.read("over-the-top", 10),
            Err(FsError::Leaves { .. })
        ));
    }
}

#[test]
fn links_that_leave_are_named() {
    let case = Case::new();
    case.file("sub/f", "");
    case.link(case.secret(), "absolute");
    case.link("../outside/secret", "up");
    case.link("../../outside/secret", "sub/up");
    case.link("../..", "sub/dir");
    case.link("up", "chain");
    case.link("/proc/self/root", "magic");
    let shown = |name: &str| case.path().join(name);
    for tree in case.both(Links::Beneath) {
        for (path, link) in [
            ("absolute", "absolute"),
            ("up", "up"),
            ("sub/up", "sub/up"),
            ("sub/dir/outside/secret", "sub/dir"),
            ("chain", "up"),
            ("magic/etc/passwd", "magic"),
        ] {
            let error = tree.read(path, 10).unwrap_err();
            let FsError::Leaves {
                link: Some((at, target)),
                path: about,
                ..
            } = &error
            else {
                panic!("{path}: {error}");
            };
            assert_eq!(*at, shown(link), "{path}");
            assert_eq!(*target, fs::read_link(shown(link)).unwrap());
            assert_eq!(*about, shown(path));
            assert!(tree.stat(path).is_err() && tree.exists(path).is_err());
            assert!(error.to_string().contains(" is a link to "), "{error}");
        }
        for path in [
            "../outside/secret",
            "sub/../../outside/secret",
            "/etc/passwd",
        ] {
            let error = tree.read(path, 10).unwrap_err();
            assert!(
                matches!(error, FsError::Leaves { link: None, .. }),
                "{error}"
            );
            assert!(tree.create_new(path, 0o644).is_err());
            assert!(tree.remove_file(path).is_err());
            assert!(tree.remove_all(path, Default::default()).is_err());
            assert!(tree.mkdir_all(path, 0o755).is_err());
        }
        assert!(
            tree.write("sub/dir/outside/secret", "x", &Default::default())
                .is_err()
        );
        assert!(tree.list("sub/dir", 10).is_err());
        assert!(tree.subtree("sub/dir").is_err());
    }
    case.unharmed();
}

#[test]
fn in_a_chroot_the_root_is_the_trees() {
    let case = Case::new();
    case.file("usr/lib/x", "inside");
    case.file("outside/secret", "mine");
    case.link("/usr/lib", "lib");
    case.link("../../../..", "usr/lib/top");
    case.link("../../../../outside/secret", "usr/lib/up");
    for tree in case.both(Links::InRoot) {
        for path in [
            "lib/x",
            "/lib/x",
            "/usr/lib/../lib/x",
            "../../usr/lib/x",
            "usr/lib/top/lib/x",
        ] {
            assert_eq!(tree.read_text(path, 10).unwrap(), "inside", "{path}");
            assert_eq!(tree.real_path(path).unwrap(), Path::new("usr/lib/x"));
        }
        assert_eq!(tree.read_text("lib/up", 10).unwrap(), "mine");
        tree.mkdir_all("lib/modules/a", 0o755).unwrap();
        tree.write("/lib/modules/a/b", "c", &Default::default())
            .unwrap();
        assert_eq!(
            fs::read_to_string(case.path().join("usr/lib/modules/a/b")).unwrap(),
            "c"
        );
        tree.remove_all("/lib/modules", Default::default()).unwrap();
    }
    case.unharmed();
}

#[test]
fn missing_directories_behind_links_are_made_inside() {
    let case = Case::new();
    case.link("/var/empty", "empty");
    case.link("../outside/new", "out");
    case.file("plain", "");
    for tree in case.both(Links::InRoot) {
        tree.mkdir_all("empty/a", 0o755).unwrap();
        assert!(case.path().join("var/empty/a").is_dir());
        tree.remove_all("var", Default::default()).unwrap();
    }
    for tree in case.both(Links::Beneath) {
        assert!(matches!(
            tree.mkdir_all("out/a", 0o755),
            Err(FsError::Leaves { .. })
        ));
        assert!(tree.mkdir_all("empty/a", 0o755).is_err());
        assert!(tree.mkdir_all("plain/a", 0o755).is_err());
    }
    case.unharmed();
}

#[test]
fn where_no_link_is_followed_each_is_named() {
    let case = Case::new();
    case.file("d/f", "x");
    case.link("d", "l");
    case.link("d/f", "m");
    for tree in case.both(Links::Never) {
        assert_eq!(tree.read("d/f", 10).unwrap(), b"x");
        for (path, link) in [("l/f", "l"), ("m", "m")] {
            let error = tree.read(path, 10).unwrap_err();
            assert!(
                matches!(&error, FsError::Link { path, .. } if *path == case.path().join(link)),
                "{error}"
            );
        }
    }
}

#[test]
fn loops_of_links_end() {
    let case = Case::new();
    case.link("b", "a");
    case.link("a", "b");
    case.link("self/x", "self");
    for tree in case.both(Links::Beneath) {
        assert!(tree.read("a", 10).is_err() && tree.read("self", 10).is_err());
        assert!(tree.mkdir_all("a/x", 0o755).is_err());
    }
}

#[test]
fn a_slash_at_the_end_does_not_make_a_link_followed() {
    let case = Case::new();
    case.file("d/f", "x");
    case.link("d", "l");
    for tree in case.both(Links::Beneath) {
        assert!(tree.lstat("l/").unwrap().is_link());
        tree.remove_file("l/").unwrap();
        assert_eq!(tree.read("d/f", 10).unwrap(), b"x");
        tree.symlink("d", "l").unwrap();
    }
}

#[test]
fn paths_longer_than_the_kernel_takes_work() {
    let case = Case::new();
    case.deep("top", &"d".repeat(200), 40);
    let mut path = Path::new("top").to_owned();
    path.extend(std::iter::repeat_n("d".repeat(200), 40));
    path.push("f");
    for tree in case.both(Links::Beneath) {
        assert!(tree.open_file(&path).is_ok());
        assert!(tree.lstat(&path).unwrap().is_file());
    }
}

#[test]
fn what_is_left_out_is_led_to_by_nothing() {
    let case = Case::new();
    case.file(".git/config", "secret");
    case.file("sub/.git/config", "secret");
    case.file("sub/.gitignore", "*.o");
    case.link(".git/config", "leak");
    case.link("sub/.git", "dir");
    case.link("sub/.gitignore", "fine");
    for tree in case.both(Links::Beneath) {
        let tree = tree.without(".git");
        for path in [
            ".git",
            ".git/config",
            "sub/../.git/config",
            "sub/.git/config",
            "leak",
            "dir",
            "dir/config",
        ] {
            let error = tree.stat(path).unwrap_err();
            assert!(matches!(error, FsError::LeftOut { .. }), "{path}: {error}");
            assert!(tree.open_file(path).is_err() && tree.real_path(path).is_err());
        }
        assert!(tree.lstat("sub/.git").is_err() && tree.lstat("dir/config").is_err());
        assert!(tree.lstat("leak").unwrap().is_link());
        assert_eq!(tree.read_text("fine", 9).unwrap(), "*.o");
        let mut walk = tree.walk("", rpmkit_fs::WalkOptions::default()).unwrap();
        let mut seen = Vec::new();
        while let Some(entry) = walk.next() {
            seen.push(entry.unwrap().path().display().to_string());
        }
        assert_eq!(seen, ["dir", "fine", "leak", "sub", "sub/.gitignore"]);
        assert_eq!(tree.list("sub", 9).unwrap().len(), 1);
    }
}
