//! Sets made with the `rpm` crate, unpacked and looked at.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use rpm::{FileOptions, PackageBuilder};

use super::*;
use crate::testing::{Indexed, indexed_package};

fn package(dir: &Path, name: &str, fill: impl FnOnce(&mut PackageBuilder)) -> PathBuf {
    let mut builder = PackageBuilder::new(name, "1", "MIT", "x86_64", "test");
    builder.release("1");
    fill(&mut builder);
    let path = dir.join(format!("{name}.rpm"));
    builder.build().unwrap().write_file(&path).unwrap();
    path
}

#[test]
fn links_between_directories_come_first() {
    let dir = tempfile::tempdir().unwrap();
    let files = package(dir.path(), "aaa", |b| {
        b.with_file_contents(b"elf", FileOptions::new("/lib/x.so").mode(0o100_755))
            .unwrap();
        b.with_file_contents(b"text", FileOptions::new("/usr/share/doc/x/README").doc())
            .unwrap();
    });
    let links = package(dir.path(), "filesystem", |b| {
        b.with_symlink(FileOptions::symlink("/lib", "usr/lib"))
            .unwrap();
        b.with_dir_entry(FileOptions::dir("/usr/lib").permissions(0o555))
            .unwrap();
    });
    let root = dir.path().join("root");
    fs::create_dir(&root).unwrap();
    let report = unpack_set(&[files, links], &root, 2).unwrap();
    assert_eq!(
        report,
        UnpackReport {
            packages: 2,
            files: 1
        }
    );
    assert_eq!(fs::read(root.join("usr/lib/x.so")).unwrap(), b"elf");
    assert_eq!(
        fs::read_link(root.join("lib")).unwrap(),
        Path::new("usr/lib")
    );
    assert!(!root.join("usr/share/doc/x/README").exists());
}

#[test]
fn a_truncated_package_names_itself() {
    let dir = tempfile::tempdir().unwrap();
    let path = package(dir.path(), "cut", |b| {
        b.with_file_contents(vec![7; 100_000], FileOptions::new("/data"))
            .unwrap();
    });
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 20]).unwrap();
    let root = dir.path().join("root");
    fs::create_dir(&root).unwrap();
    let error = unpack_set(std::slice::from_ref(&path), &root, 1).unwrap_err();
    assert!(error.to_string().contains("cut.rpm"), "{error}");
    assert!(matches!(error, RpmFileError::Payload { .. }));
}

#[test]
fn what_is_no_package_is_said_to_be_none() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.rpm");
    fs::write(
        &path,
        "not a package at all, just some text that is long enough",
    )
    .unwrap();
    assert!(matches!(
        unpack_set(&[path], dir.path(), 1),
        Err(RpmFileError::Header { .. })
    ));
}

/// Unpacks these files as a package in format v6.
fn indexed(dir: &Path, files: &[Indexed<'_>]) -> Result<UnpackReport, RpmFileError> {
    let path = dir.join("six.rpm");
    fs::write(&path, indexed_package(files)).unwrap();
    unpack_set(&[path], dir, 1)
}

fn file<'a>(path: &'a str, inode: u32, content: &'a str) -> Indexed<'a> {
    Indexed {
        path,
        mode: 0o100_755,
        inode,
        content,
    }
}

#[test]
fn names_by_index_with_content_at_the_last_link() {
    let dir = tempfile::tempdir().unwrap();
    let mut files = [
        file("/usr/bin", 1, "counted"),
        file("/usr/bin/a", 2, "abc"),
        file("/usr/bin/b", 3, "other"),
        file("/usr/bin/c", 2, "abc"),
        file("/usr/bin/d", 4, "a"),
        file("/usr/bin/e", 2, "abc"),
    ];
    files[0].mode = 0o040_755;
    files[4].mode = 0o120_777;
    assert_eq!(indexed(dir.path(), &files).unwrap().files, 4);
    let at = |name: &str| dir.path().join("usr/bin").join(name);
    assert_eq!(fs::read_to_string(at("b")).unwrap(), "other");
    assert_eq!(fs::read_link(at("d")).unwrap(), Path::new("a"));
    let inode = |name| std::os::unix::fs::MetadataExt::ino(&fs::metadata(at(name)).unwrap());
    for name in ["a", "c", "e"] {
        assert_eq!(fs::read_to_string(at(name)).unwrap(), "abc");
        assert_eq!(inode(name), inode("a"));
    }
}

#[test]
fn content_at_a_name_that_is_left_out_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let files = [
        file("/usr/bin/a", 2, "abc"),
        file("/usr/share/man/z", 2, "abc"),
    ];
    assert_eq!(indexed(dir.path(), &files).unwrap().files, 1);
    assert_eq!(
        fs::read_to_string(dir.path().join("usr/bin/a")).unwrap(),
        "abc"
    );
    assert!(!dir.path().join("usr/share/man/z").exists());
}
