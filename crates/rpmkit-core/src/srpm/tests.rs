#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{fs, io::Read, os::unix::fs::MetadataExt};

use super::*;
use crate::scm::testing::TestRepo;

/// Stands for the target's rpm: expands `%{name}` and `%{version}`, nothing else.
pub(crate) struct PlainParser;

impl SpecParser for PlainParser {
    fn expand(
        &mut self,
        spec: &Path,
        _: &Path,
        _: &[(String, String)],
    ) -> Result<String, crate::Error> {
        let text = fs::read_to_string(spec).unwrap();
        let tag = |tag: &str| {
            text.lines()
                .find_map(|line| line.strip_prefix(tag))
                .unwrap_or_default()
                .trim()
                .to_owned()
        };
        Ok(text
            .replace("%{name}", &tag("Name:"))
            .replace("%{version}", &tag("Version:")))
    }
}

pub(crate) const SPEC: &str = "Name: hello\nVersion: 2.1\nRelease: 1\nSummary: x\nLicense: MIT\n\
    Source0: https://example.org/%{name}-%{version}.tar.gz\nSource1: hello.conf\nPatch0: fix.patch\n\
    %description\nx\n%prep\n%autosetup -p1\n";

pub(crate) fn upstream() -> TestRepo {
    let repo = TestRepo::new();
    repo.write("hello.c", "int main(){}\n");
    repo.write("Makefile", "all:\n");
    repo.write("packaging/hello.spec", SPEC);
    repo.write("packaging/fix.patch", "--- a\n");
    repo.write("hello.conf", "a=b\n");
    repo.commit("one");
    repo
}

pub(crate) fn run(request: &Request) -> Result<(Prepared, tempfile::TempDir), SrpmError> {
    let staging = tempfile::tempdir().unwrap();
    let prepared = prepare(request, staging.path(), &mut PlainParser, None)?;
    Ok((prepared, staging))
}

pub(crate) fn of(repo: &TestRepo) -> Request {
    Request {
        path: repo.path().to_owned(),
        ..Request::default()
    }
}

pub(crate) fn names(archive: &Path) -> Vec<String> {
    tar::Archive::new(crate::compress::open(archive).unwrap())
        .entries()
        .unwrap()
        .map(|entry| entry.unwrap().path().unwrap().display().to_string())
        .collect()
}

#[test]
fn an_upstream_tree_gives_its_own_source0() {
    let repo = upstream();
    let (prepared, _staging) = run(&of(&repo)).unwrap();
    assert_eq!(prepared.spec.file_name().unwrap(), "hello.spec");
    assert_eq!(fs::read_to_string(&prepared.spec).unwrap(), SPEC);
    let staged: Vec<_> = prepared
        .sources
        .iter()
        .map(|source| (source.tag.as_str(), source.origin.clone()))
        .collect();
    assert_eq!(
        staged,
        [
            ("Source0", SourceOrigin::Archive),
            ("Source1", SourceOrigin::Tree),
            ("Patch0", SourceOrigin::Tree)
        ]
    );
    let names = names(&prepared.source_dir.join("hello-2.1.tar.gz"));
    assert!(names.contains(&"hello-2.1/hello.c".to_owned()), "{names:?}");
    for entry in fs::read_dir(&prepared.source_dir).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(
            entry.metadata().unwrap().mtime(),
            1_600_000_100,
            "{entry:?}"
        );
    }
    assert_eq!(fs::metadata(&prepared.spec).unwrap().mtime(), 1_600_000_100);
}

#[test]
fn the_same_commit_gives_the_same_bytes_whatever_the_checkout() {
    let repo = upstream();
    let bytes = |repo: &TestRepo| {
        let (prepared, _staging) = run(&of(repo)).unwrap();
        prepared
            .sources
            .iter()
            .map(|source| fs::read(&source.path).unwrap())
            .collect::<Vec<_>>()
    };
    let clone = TestRepo::empty();
    clone.git(&["clone", "-q", repo.path().to_str().unwrap(), "."]);
    assert_eq!(bytes(&repo), bytes(&clone));
}

#[test]
fn uncommitted_changes_count_unless_a_commit_is_asked_for() {
    let repo = upstream();
    repo.git(&["tag", "v2.1"]);
    repo.write("hello.c", "changed");
    repo.write("new.c", "new");
    let content = |request: &Request| {
        let (prepared, _staging) = run(request).unwrap();
        let mut text = String::new();
        let archive = prepared.source_dir.join("hello-2.1.tar.gz");
        let mut archive = tar::Archive::new(crate::compress::open(&archive).unwrap());
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            if entry.path().unwrap().ends_with("hello.c") {
                entry.read_to_string(&mut text).unwrap();
            }
        }
        (text, prepared.notes)
    };
    let (text, notes) = content(&of(&repo));
    assert_eq!(text, "changed");
    assert_eq!(
        notes[0],
        "the working tree is built as it is: 1 changed, 1 new"
    );
    for tree in [
        TreeChoice::Commit("HEAD".to_owned()),
        TreeChoice::Tag("v2.1".to_owned()),
    ] {
        let mut request = of(&repo);
        request.tree = tree;
        assert_eq!(content(&request).0, "int main(){}\n");
    }
    let mut request = of(&repo);
    request.tree = TreeChoice::Tag("main".to_owned());
    let error = run(&request).unwrap_err();
    assert!(
        error.to_string().contains("`refs/tags/main` is no"),
        "{error}"
    );
}

#[test]
fn no_spec_two_specs_and_missing_sources_are_told() {
    let repo = TestRepo::new();
    repo.write("x.c", "");
    repo.commit("one");
    let error = run(&of(&repo)).unwrap_err();
    assert!(error.to_string().starts_with("no spec file in `"));
    assert_eq!(error.exit_code(), crate::ExitCode::Usage);

    repo.write("a.spec", SPEC);
    repo.write("b.spec", SPEC);
    repo.write("tests/data/c.spec", "");
    let error = run(&of(&repo)).unwrap_err();
    assert!(error.to_string().ends_with("`a.spec`, `b.spec`"), "{error}");
    let staging = tempfile::tempdir().unwrap();
    let error = prepare(
        &of(&repo),
        staging.path(),
        &mut PlainParser,
        Some(&mut |specs| {
            assert_eq!(specs.len(), 2);
            Some(1)
        }),
    )
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        "2 sources of spec `b.spec` are missing: Source1 `hello.conf`, Patch0 `fix.patch`"
    );
    assert_eq!(error.hints().len(), 2);

    let error = run(&Request {
        path: "/nonexistent".into(),
        ..Request::default()
    })
    .unwrap_err();
    assert_eq!(error.to_string(), "`/nonexistent` does not exist");
}

#[test]
fn packaging_only_trees_are_not_taken_for_the_project() {
    let repo = TestRepo::new();
    repo.write("hello.spec", SPEC);
    repo.write("hello.conf", "");
    repo.write("fix.patch", "");
    repo.write("README.md", "");
    repo.write(".gitignore", "*.tar.gz\n");
    repo.commit("one");
    let error = run(&of(&repo)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "1 source of spec `hello.spec` is missing: Source0 `https://example.org/hello-2.1.tar.gz`"
    );
    // A download lying beside the spec is used, though git ignores it.
    repo.write("hello-2.1.tar.gz", "downloaded");
    let (prepared, _staging) = run(&of(&repo)).unwrap();
    assert!(matches!(
        prepared.sources[0].origin,
        SourceOrigin::Directory(_)
    ));
}

#[test]
fn specs_outside_the_tree_and_without_history() {
    let repo = upstream();
    let elsewhere = tempfile::tempdir().unwrap();
    let spec = elsewhere.path().join("other.spec");
    fs::write(&spec, SPEC.replace("hello", "other")).unwrap();
    fs::write(elsewhere.path().join("other.conf"), "").unwrap();
    fs::write(elsewhere.path().join("fix.patch"), "outside").unwrap();
    let mut request = of(&repo);
    request.spec = Some(spec);
    let (prepared, _staging) = run(&request).unwrap();
    assert_eq!(prepared.expanded.name, "other");
    assert!(
        names(&prepared.source_dir.join("other-2.1.tar.gz"))
            .contains(&"other-2.1/hello.c".to_owned())
    );
    assert_eq!(
        fs::read(prepared.source_dir.join("fix.patch")).unwrap(),
        b"outside"
    );

    let plain = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("h.spec", SPEC),
        ("hello.conf", ""),
        ("fix.patch", ""),
        ("main.c", ""),
    ] {
        fs::write(plain.path().join(name), text).unwrap();
    }
    let request = Request {
        path: plain.path().join("h.spec"),
        ..Request::default()
    };
    let (prepared, _staging) = run(&request).unwrap();
    assert!(names(&prepared.sources[0].path).contains(&"hello-2.1/main.c".to_owned()));
}
