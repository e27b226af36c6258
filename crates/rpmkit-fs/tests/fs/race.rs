//! Somebody exchanges directories and files for links all the time while we work.

use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use rpmkit_fs::{
    IfThere, LinkCopy, Links, TreeCopyOptions, UntrustedTree, WalkOptions, WriteOptions,
};
use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::Case;

/// Ends the exchanging, also when a test fails.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Exchanges `dir` for `dir-link` (to outside) and `dir/f` for `dir/f-link` (to the secret) while `work`
/// runs for a while.
fn while_swapping(mut work: impl FnMut(&Case, &UntrustedTree)) {
    let case = Case::new();
    case.file("top/dir/f", "inside");
    case.file("top/dir/secret", "inside");
    case.link(case.outside(), "top/dir-link");
    case.link(case.secret(), "top/f-link");
    case.file("top/f", "inside");
    let (stop, swaps) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        scope.spawn(|| {
            let top = case.path().join("top");
            let swap = |a: &str, b: &str| {
                let _ = renameat_with(CWD, top.join(a), CWD, top.join(b), RenameFlags::EXCHANGE);
            };
            while !stop.load(Ordering::Relaxed) {
                swap("dir", "dir-link");
                swap("f", "f-link");
                swaps.fetch_add(1, Ordering::Relaxed);
            }
        });
        let _stop = Stop(&stop);
        for tree in case.both(Links::Beneath) {
            let end = Instant::now() + Duration::from_millis(400);
            while Instant::now() < end {
                work(&case, &tree);
            }
        }
    });
    assert!(swaps.load(Ordering::Relaxed) > 100);
    case.unharmed();
}

#[test]
fn reading_never_leaves() {
    let mut good = 0;
    while_swapping(|_, tree| {
        for path in ["top/f", "top/dir/f", "top/dir/secret"] {
            let reads = [
                tree.read(path, 100),
                tree.open_file_itself(path)
                    .and_then(|file| tree.read_all(&file, path, 100)),
            ];
            for content in reads.into_iter().flatten() {
                assert_eq!(content, b"inside");
                good += 1;
            }
        }
    });
    assert!(good > 0);
}

#[test]
fn walking_never_leaves() {
    let mut files = 0;
    while_swapping(|case, tree| {
        let outside = fs::metadata(case.secret()).unwrap();
        let mut walk = tree.walk("", WalkOptions::default()).unwrap();
        while let Some(entry) = walk.next() {
            let Ok(entry) = entry else { continue };
            if let Ok(file) = entry.open_file() {
                use std::os::unix::fs::MetadataExt;
                assert_ne!(file.metadata().unwrap().ino(), outside.ino());
                files += 1;
            }
        }
    });
    assert!(files > 0);
}

#[test]
fn copying_never_leaves() {
    let mut files = 0;
    while_swapping(|case, tree| {
        let host = case.host();
        let options = TreeCopyOptions {
            links: LinkCopy::Follow,
            ..TreeCopyOptions::default()
        };
        let _ = tree.copy_tree("", &host, "copy", &options);
        for path in ["top/f", "top/dir/f", "top/dir/secret"] {
            if host
                .lstat(Path::new("copy").join(path))
                .is_ok_and(|meta| meta.is_file())
            {
                assert_eq!(
                    host.read(Path::new("copy").join(path), 99).unwrap(),
                    b"inside"
                );
                files += 1;
            }
        }
        host.remove_all("copy", Default::default()).unwrap();
    });
    assert!(files > 0);
}

#[test]
fn writing_never_leaves() {
    let mut good = 0;
    let replace = WriteOptions {
        there: IfThere::Replace,
        ..WriteOptions::default()
    };
    while_swapping(|_, tree| {
        good += u32::from(tree.write("top/dir/secret", "inside", &replace).is_ok());
        let _ = tree.set_mode("top/dir/secret", 0o644);
        let _ = tree.append("top/f", 0o644);
        let _ = tree.mkdir_all("top/dir/new/x", 0o755);
        let _ = tree.remove_all("top/dir/new", Default::default());
    });
    assert!(good > 0);
}

#[test]
fn removing_never_leaves() {
    while_swapping(|_, tree| {
        let _ = tree.remove_all("top/dir/g", Default::default());
        let _ = tree.mkdir_all("victims/a/b", 0o755);
        let _ = tree.rename("top/dir", tree, "victims/a/b/dir", IfThere::Replace);
        let _ = tree.remove_all("victims", Default::default());
        let _ = tree.mkdir_all("top/dir", 0o755);
        let _ = tree.write("top/dir/f", "inside", &WriteOptions::default());
    });
}
