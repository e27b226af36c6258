#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::disallowed_types
)]

use std::{cell::RefCell, fs};

use super::*;
use crate::testing::TestRepo;
use rpmkit_types::{Checksum, ChecksumKind, Hasher};

/// A server in memory that remembers what it was asked for.
#[derive(Default)]
struct Shelf {
    content: Vec<u8>,
    asked: RefCell<Vec<String>>,
}

impl Download for Shelf {
    fn download(
        &self,
        url: &str,
        dest: &Path,
        expected: Option<&Checksum>,
    ) -> Result<Checksum, ScmError> {
        self.asked.borrow_mut().push(url.to_owned());
        let kind = expected.map_or(ChecksumKind::Sha512, |expected| expected.kind);
        let found = digest(kind, &self.content);
        if let Some(expected) = expected.filter(|expected| **expected != found) {
            return Err(ScmError::Digest {
                url: url.to_owned(),
                expected: expected.clone(),
                found,
            });
        }
        fs::write(dest, &self.content).unwrap();
        Ok(found)
    }
}

fn digest(kind: ChecksumKind, data: &[u8]) -> Checksum {
    let mut hasher = Hasher::new(kind);
    hasher.update(data);
    hasher.finish()
}

#[test]
fn both_forms_of_the_sources_file_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("sources");
    let sha = digest(ChecksumKind::Sha512, b"x").hex;
    let md5 = digest(ChecksumKind::Md5, b"x").hex;
    fs::write(
        &path,
        format!("# note\nSHA512 (a (1).tar.gz) = {sha}\n\n{md5}  b.tar.gz\n{md5} *c\n"),
    )
    .unwrap();
    let names: Vec<_> = read_sources(&path)
        .unwrap()
        .into_iter()
        .map(|source| (source.file, source.digest.kind))
        .collect();
    assert_eq!(
        names,
        [
            ("a (1).tar.gz".to_owned(), ChecksumKind::Sha512),
            ("b.tar.gz".to_owned(), ChecksumKind::Md5),
            ("c".to_owned(), ChecksumKind::Md5)
        ]
    );
    for (text, line) in [
        ("SHA512 (a) = 12\n", 1),
        ("\nhello\n", 2),
        (&format!("{md5}  ../x\n"), 1),
        (&format!("MD5 (/etc/passwd) = {md5}"), 1),
    ] {
        fs::write(&path, text).unwrap();
        let error = read_sources(&path).unwrap_err();
        assert!(
            matches!(error, ScmError::SourcesLine { line: at, .. } if at == line),
            "{error}"
        );
    }
    assert_eq!(read_sources(&dir.path().join("none")).unwrap(), []);
}

#[test]
fn lookasides_follow_their_remotes() {
    let source = ListedSource {
        file: "a+b.tar.gz".to_owned(),
        digest: Checksum::new(ChecksumKind::Sha512, "abc"),
    };
    let url = |configured: Option<&str>, remote: &str| {
        let package = RemotePackage::of(Some(remote), Path::new("x"));
        Lookaside::choose(configured, Some(remote))
            .map(|lookaside| lookaside.url(&package, &source))
    };
    let fedora =
        "https://src.fedoraproject.org/repo/pkgs/rpms/hello/a%2Bb.tar.gz/sha512/abc/a%2Bb.tar.gz";
    assert_eq!(
        url(None, "https://src.fedoraproject.org/rpms/hello.git").unwrap(),
        fedora
    );
    assert_eq!(
        url(None, "ssh://me@pkgs.fedoraproject.org/rpms/hello").unwrap(),
        fedora
    );
    assert_eq!(
        url(None, "git@gitlab.com:redhat/centos-stream/rpms/hello.git").unwrap(),
        "https://sources.stream.centos.org/sources/rpms/hello/a%2Bb.tar.gz/sha512/abc/a%2Bb.tar.gz"
    );
    assert_eq!(url(None, "https://example.org/x/hello"), None);
    assert_eq!(
        url(Some("https://l/{hash}"), "https://example.org/x/hello").unwrap(),
        "https://l/abc"
    );
    assert_eq!(
        url(
            Some("https://l/%(name)s/%(filename)s"),
            "https://example.org/x/hello"
        )
        .unwrap(),
        "https://l/hello/a%2Bb.tar.gz"
    );
    assert_eq!(
        url(Some("https://l/pkgs"), "https://example.org/x/hello").unwrap(),
        "https://l/pkgs/hello/a%2Bb.tar.gz/sha512/abc/a%2Bb.tar.gz"
    );
}

#[test]
fn a_source_is_downloaded_once_and_checked() {
    let repo = TestRepo::new();
    repo.git(&[
        "remote",
        "add",
        "origin",
        "https://src.fedoraproject.org/rpms/hello",
    ]);
    let good = digest(ChecksumKind::Sha512, b"content");
    repo.write("sources", format!("SHA512 (a.tar.gz) = {}\n", good.hex));
    let dirs = tempfile::tempdir().unwrap();
    let store = SourceStore::new(dirs.path().join("store"));
    let shelf = Shelf {
        content: b"content".to_vec(),
        ..Shelf::default()
    };
    let fetch = |shelf: &Shelf, dest: &str| {
        let dest = dirs.path().join(dest);
        fs::create_dir_all(&dest).unwrap();
        fetch_sources(repo.path(), &dest, None, &store, shelf, &Events::silent())
    };
    let paths = fetch(&shelf, "one").unwrap();
    assert_eq!(fs::read(&paths[0]).unwrap(), b"content");
    fetch(&shelf, "one").unwrap();
    fetch(&shelf, "two").unwrap();
    assert_eq!(shelf.asked.borrow().len(), 1);

    // A rotten copy in the store is not handed out.
    let stored = dirs.path().join("store/sha512").join(&good.hex);
    fs::write(&stored, "rotten").unwrap();
    fetch(&shelf, "three").unwrap();
    assert_eq!(shelf.asked.borrow().len(), 2);

    fs::remove_file(stored).unwrap();
    let wrong = Shelf {
        content: b"other".to_vec(),
        ..Shelf::default()
    };
    let error = fetch(&wrong, "four").unwrap_err();
    assert!(matches!(error, ScmError::Digest { .. }), "{error}");
    assert_eq!(fs::read_dir(dirs.path().join("four")).unwrap().count(), 0);

    repo.git(&["remote", "set-url", "origin", "https://example.org/hello"]);
    let error = fetch(&shelf, "five").unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("no lookaside cache is known for `https://example.org/hello`"),
        "{error}"
    );
}

#[test]
fn a_url_keeps_the_digest_it_was_first_seen_with() {
    let dirs = tempfile::tempdir().unwrap();
    let store = SourceStore::new(dirs.path().join("store"));
    let shelf = Shelf {
        content: b"one".to_vec(),
        ..Shelf::default()
    };
    let dest = dirs.path().join("f");
    let (digest, new) = store.fetch_url("https://x/f", &dest, &shelf).unwrap();
    assert!(new);
    assert_eq!(store.recorded("https://x/f"), Some(digest.clone()));
    let (_, new) = store.fetch_url("https://x/f", &dest, &shelf).unwrap();
    assert!(!new);
    assert_eq!(shelf.asked.borrow().len(), 1);
    // Gone from the store and changed upstream: refused.
    fs::remove_file(dirs.path().join("store/sha512").join(&digest.hex)).unwrap();
    let changed = Shelf {
        content: b"two".to_vec(),
        ..Shelf::default()
    };
    let error = store.fetch_url("https://x/f", &dest, &changed).unwrap_err();
    assert!(matches!(error, ScmError::Digest { .. }));
    // A record of another version does not bind.
    let record = dirs
        .path()
        .join("store/url")
        .join(Checksum::sha256(b"https://x/f").hex);
    let text = fs::read_to_string(&record)
        .unwrap()
        .replace("\"format\": 1", "\"format\": 2");
    fs::write(&record, text).unwrap();
    assert_eq!(store.recorded("https://x/f"), None);
    assert!(store.fetch_url("https://x/f", &dest, &changed).unwrap().1);
}

#[test]
fn counting_macros_are_seen() {
    assert!(counts_commits("Release: %autorelease -p\n"));
    assert!(counts_commits("Release: %{autorelease}\n"));
    assert!(counts_commits("%changelog\n%autochangelog\n"));
    assert!(!counts_commits("# Release: %autorelease\nRelease: 1\n"));
}
