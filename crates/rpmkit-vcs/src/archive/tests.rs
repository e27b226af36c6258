#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::disallowed_types
)]

use std::{ffi::OsStr, fs, os::unix::ffi::OsStrExt, os::unix::fs::PermissionsExt};

use super::*;
use crate::git;
use crate::testing::{TestRepo, git_in};

/// Everything git archive treats specially, in one commit.
fn rich() -> TestRepo {
    let repo = TestRepo::new();
    repo.write("README", "hello\n");
    repo.write("a-b", "sorts before a/\n");
    repo.write("a/x", "x");
    repo.write("a0", "sorts after a/\n");
    let tool = repo.write("bin/tool", "#!/bin/sh\n");
    fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).unwrap();
    std::os::unix::fs::symlink("../README", repo.path().join("bin/link")).unwrap();
    std::os::unix::fs::symlink("x".repeat(150), repo.path().join("longlink")).unwrap();
    fs::write(repo.path().join(OsStr::from_bytes(b"caf\xe9")), "latin").unwrap();
    let deep = format!("{}/{}/file", "d".repeat(90), "e".repeat(60));
    repo.write(&deep, "ustar prefix");
    let deeper = format!(
        "{}/{}/{}",
        "f".repeat(120),
        "g".repeat(120),
        "h".repeat(120)
    );
    repo.write(&deeper, "pax path");
    repo.write("dir with only ignored/gone", "");
    repo.write("ignored/tree/file", "");
    repo.write("sub/kept", "");
    repo.write("sub/dropped.o", "");
    repo.write("sub/deep/dropped.o", "");
    repo.write("sub/deep/back.o", "back");
    repo.write("version.txt", subst());
    repo.write("plain.txt", "$Format:%H$\n");
    repo.write(
        ".gitattributes",
        "gone export-ignore\nignored export-ignore\n*.o export-ignore\nversion.txt export-subst\n/only/*.h export-ignore\n\
         *.dos text eol=crlf\n*.auto text=auto eol=crlf\n*.unix text eol=lf\nold.dos -text\nold2.dos binary\n*.id ident\n\
         [attr]private export-ignore -diff\n*.key private\nkept.key !export-ignore\n*.legacy crlf eol=crlf\n",
    );
    repo.write(
        ".mailmap",
        "Ada Proper <proper@example.org> <ada@example.org>\n",
    );
    for name in [
        "a.dos", "old.dos", "old2.dos", "a.unix", "a.auto", "a.legacy",
    ] {
        repo.write(name, "one\ntwo\n\nthree");
    }
    repo.write("mixed.dos", "one\r\ntwo\n");
    repo.write("binary.auto", b"\0\n");
    repo.write("odd.auto", b"\x01\n\x02");
    repo.write("lone.auto", "a\rb\n");
    repo.write("x.id", "$Id$ $Id: old $ $Id: x,v 1 2 $ $Id: a\n$ $Id");
    repo.write("no.key", "");
    repo.write("kept.key", "");
    repo.write("sub/deep/.gitattributes", "back.o -export-ignore\n");
    repo.write("only/a.h", "");
    repo.write("only/deep/a.h", "");
    repo.write("empty", "");
    repo
}

/// Placeholders of `git log` since 2.43; git before that leaves them as they are.
const DECORATE: &str = "$Format:%(decorate)%(decorate:prefix=<,suffix=>,separator=;)$|";

/// All placeholders that the git here knows: it is what ours are compared with.
#[expect(clippy::print_stderr, reason = "what is not compared is to be seen")]
fn subst() -> String {
    let version = std::process::Command::new("git")
        .arg("version")
        .output()
        .unwrap();
    let text = String::from_utf8(version.stdout).unwrap();
    let mut numbers = text
        .split([' ', '.'])
        .filter_map(|word| word.parse::<u32>().ok());
    let known = (numbers.next(), numbers.next()) >= (Some(2), Some(43));
    if known {
        return SUBST.to_owned();
    }
    eprintln!(
        "not compared: {}does not know `%(decorate)`",
        text.replace('\n', " ")
    );
    SUBST.replace(DECORATE, "")
}

const SUBST: &str = "$Format:%H %h %T %t$|$Format:%P|%p$|$Format:%an|%ae|%al|%aD|%ad|%at|%ai|%aI|%as$|\
    $Format:%cn|%ce|%cl|%cD|%cd|%ct|%ci|%cI|%cs$|$Format:%s|%f|%b|%B$|$Format:%d|%D$|$Format:%x41%n%%%q$|\
    $Format:%aN|%aE|%aL|%cN$|$Format:%m%gD%gs|%Cred%C(auto)%C(bold blue)%Creset|%G?%GS%GK$|$Format:%s%+s%-b|%+b|% D%-D$|\
    $Format:%(decorate)%(decorate:prefix=<,suffix=>,separator=;)$|\
    $Format:%(describe)|%(describe:tags=true,abbrev=4)$|$Format:unterminated\n";

fn plain_tar(repo: &TestRepo, rev: &str) -> (Vec<u8>, Vec<u8>) {
    let out = tempfile::tempdir().unwrap();
    let dest = out.path().join("ours.tar");
    archive_commit(
        &repo.repository(),
        rev,
        &dest,
        &ArchiveOptions::with_prefix("p-1"),
    )
    .unwrap();
    let theirs = repo.git(&["archive", "--format=tar", "--prefix=p-1/", rev]);
    (fs::read(dest).unwrap(), theirs)
}

fn entries(tar: &[u8]) -> Vec<String> {
    ::tar::Archive::new(tar)
        .entries()
        .unwrap()
        .map(|entry| {
            use std::io::Read;
            let mut entry = entry.unwrap();
            let mut text = Vec::new();
            entry.read_to_end(&mut text).unwrap();
            format!(
                "{} {:?} {:o} {} {:?} {}",
                String::from_utf8_lossy(&entry.path_bytes()),
                entry.header().entry_type(),
                entry.header().mode().unwrap(),
                entry.header().mtime().unwrap(),
                entry.link_name_bytes().map(|link| link.into_owned()),
                String::from_utf8_lossy(&text)
            )
        })
        .collect()
}

fn assert_same(repo: &TestRepo, rev: &str) {
    let (ours, theirs) = plain_tar(repo, rev);
    assert_eq!(entries(&ours), entries(&theirs));
    assert!(ours == theirs, "same entries, other bytes");
}

#[test]
fn archives_have_the_bytes_of_git_archive() {
    let repo = rich();
    repo.commit("one\nline two of the subject\n\nThe body.\n\nMore.");
    assert_same(&repo, "HEAD");
    repo.write("more", "x");
    repo.git(&["tag", "-a", "-m", "first", "v1.0"]);
    repo.commit("a second: with, punctuation... here.");
    repo.git(&["tag", "light"]);
    repo.git(&["branch", "side"]);
    assert_same(&repo, "HEAD");
    assert_same(&repo, "v1.0");
    // Nothing but content counts: without commits in between, sizes around block ends.
    for size in [511, 512, 513, 8191, 9216, 10240] {
        repo.write("sized", vec![b'x'; size]);
        repo.commit("sized");
        assert_same(&repo, "HEAD");
    }
}

#[test]
fn merges_and_odd_messages_expand_as_git_does() {
    let repo = TestRepo::new();
    repo.write(".gitattributes", "v export-subst\n");
    repo.write("v", subst());
    repo.commit("  base  \n");
    repo.git(&["checkout", "-q", "-b", "other"]);
    repo.write("o", "1");
    repo.commit("other..name/with   spaces ");
    repo.git(&["checkout", "-q", "main"]);
    repo.write("m", "1");
    repo.commit("main");
    repo.git(&["merge", "-q", "--no-ff", "-m", "join\n\nbody line", "other"]);
    for rev in ["HEAD", "main", "other", "HEAD^"] {
        assert_same(&repo, rev);
    }
}

#[test]
fn what_stays_as_it_is_written_is_told() {
    let repo = TestRepo::new();
    repo.write(
        ".gitattributes",
        "v export-subst\n*.big filter=lfs\n*.enc filter=crypt\n*.ru working-tree-encoding=KOI8-R\n",
    );
    repo.write("v", "$Format:%ar %<(10)%an%%(trailers:only)$");
    repo.write(
        "a.big",
        "version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
    );
    repo.write("a.enc", "x");
    repo.write("a.ru", "x");
    repo.commit("one");
    let out = tempfile::tempdir().unwrap();
    let dest = out.path().join("x.tar");
    let options = ArchiveOptions::with_prefix("p");
    let notes = archive_commit(&repo.repository(), "HEAD", &dest, &options).unwrap();
    assert_eq!(
        notes,
        [
            "`a.big` is kept in Git LFS and is not in .git/lfs: what is archived is only a pointer to it (`git lfs fetch` brings the file)",
            "`a.enc` is archived as the commit has it: the filter `crypt` is not run",
            "`a.ru` is archived in UTF-8, as the commit has it, and not in KOI8-R",
            "the placeholders %<(10), %ar of export-subst files stay as they are written",
        ]
    );
    let notes = archive_worktree(&repo.repository(), &dest, &options).unwrap();
    assert_eq!(notes.len(), 2, "{notes:?}");
}

#[test]
fn what_lfs_keeps_is_taken_from_the_repository_and_nowhere_else() {
    let oid = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"; // foo
    let repo = TestRepo::new();
    repo.write(".gitattributes", "*.big filter=lfs\n");
    repo.write(
        "a.big",
        format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 3\n"),
    );
    repo.commit("one");
    let store = repo.path().join(format!(".git/lfs/objects/2c/26/{oid}"));
    fs::create_dir_all(store.parent().unwrap()).unwrap();
    let out = tempfile::tempdir().unwrap();
    let dest = out.path().join("x.tar");
    let options = ArchiveOptions::with_prefix("p");
    let archive = |of_commit: bool| {
        let repo = repo.repository();
        match of_commit {
            true => archive_commit(&repo, "HEAD", &dest, &options),
            false => archive_worktree(&repo, &dest, &options),
        }
        .unwrap()
        .len()
    };
    let outside = out.path().join("foo");
    fs::write(&outside, "foo").unwrap();
    for of_commit in [true, false] {
        let held = || {
            let mut tar = ::tar::Archive::new(File::open(&dest).unwrap());
            let mut text = String::new();
            for entry in tar.entries().unwrap() {
                let mut entry = entry.unwrap();
                if entry.path().unwrap().ends_with("a.big") {
                    std::io::Read::read_to_string(&mut entry, &mut text).unwrap();
                }
            }
            text
        };
        fs::write(&store, "foo").unwrap();
        assert_eq!(archive(of_commit), 0);
        assert_eq!(held(), "foo");
        fs::write(&store, "bar").unwrap();
        assert_eq!(archive(of_commit), 1);
        assert!(held().starts_with("version"));
        fs::remove_file(&store).unwrap();
        std::os::unix::fs::symlink(&outside, &store).unwrap();
        assert_eq!(archive(of_commit), 1);
        assert!(held().starts_with("version"));
        fs::remove_file(&store).unwrap();
    }
}

#[test]
fn a_branch_wins_over_a_tag_and_full_names_say_which() {
    let repo = TestRepo::new();
    repo.write("f", "tag");
    let tagged = repo.commit("one");
    repo.git(&["tag", "v1"]);
    repo.write("f", "branch");
    let branched = repo.commit("two");
    repo.git(&["branch", "v1"]);
    let opened = repo.repository();
    let id = |rev: &str| git::resolve(&opened, rev).unwrap().id().to_string();
    assert_eq!(id("v1"), branched);
    assert_eq!(id("refs/tags/v1"), tagged);
    assert_eq!(id("refs/heads/v1"), branched);
    assert_eq!(id(&tagged[..10]), tagged);
}

#[test]
fn head_is_ours_and_not_that_of_where_we_cloned_from() {
    let there = TestRepo::new();
    there.write("f", "theirs");
    there.commit("one");
    let here = TestRepo::empty();
    let from = there.path().to_str().unwrap();
    here.git(&["clone", "-q", from, "."]);
    here.write("f", "ours");
    let ours = here.commit("two");
    let opened = here.repository();
    assert!(opened.find_reference("refs/remotes/origin/HEAD").is_ok());
    for name in ["HEAD", "main", "HEAD~0"] {
        let commit = git::resolve(&opened, name).unwrap();
        assert_eq!(commit.id().to_string(), ours, "{name}");
    }
    here.git(&["checkout", "-q", "--detach"]);
    assert_eq!(
        git::resolve(&opened, "HEAD").unwrap().id().to_string(),
        ours
    );
}

#[test]
fn every_compression_is_stable_and_readable() {
    let repo = rich();
    repo.commit("one");
    let out = tempfile::tempdir().unwrap();
    let plain = plain_tar(&repo, "HEAD").0;
    for name in [
        "a.tar.gz",
        "a.tgz",
        "a.tar.bz2",
        "a.tar.xz",
        "a.tar.lzma",
        "a.tar.zst",
        "a.tar",
    ] {
        let dest = out.path().join(name);
        let write = || {
            archive_commit(
                &repo.repository(),
                "HEAD",
                &dest,
                &ArchiveOptions::with_prefix("p-1"),
            )
            .unwrap();
            fs::read(&dest).unwrap()
        };
        assert!(write() == write(), "{name}");
        let mut content = Vec::new();
        std::io::Read::read_to_end(
            &mut rpmkit_types::compress::open(&dest).unwrap(),
            &mut content,
        )
        .unwrap();
        assert!(content == plain, "{name}");
    }
    let error = archive_commit(
        &repo.repository(),
        "HEAD",
        &out.path().join("a.zip"),
        &ArchiveOptions::with_prefix("p"),
    )
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot write `a.zip`: no writer for archives that end in `.zip`"
    );
}

#[test]
fn submodules_go_in_where_they_are_checked_out() {
    let inner = TestRepo::new();
    inner.write("lib.c", "int x;\n");
    inner.commit("inner");
    let outer = TestRepo::new();
    outer.write("main.c", "");
    outer.git(&[
        "submodule",
        "add",
        "-q",
        inner.path().to_str().unwrap(),
        "vendor/lib",
    ]);
    outer.commit("outer");
    let names = |options: &ArchiveOptions, repo: &git2::Repository| {
        let out = tempfile::tempdir().unwrap();
        let dest = out.path().join("x.tar");
        let notes = archive_commit(repo, "HEAD", &dest, options).unwrap();
        let names: Vec<String> = ::tar::Archive::new(fs::File::open(&dest).unwrap())
            .entries()
            .unwrap()
            .map(|entry| entry.unwrap().path().unwrap().display().to_string())
            .filter(|name| name != "pax_global_header")
            .collect();
        (names, notes)
    };
    let mut options = ArchiveOptions::with_prefix("p");
    let (with, notes) = names(&options, &outer.repository());
    assert_eq!(
        with,
        [
            "p/",
            "p/.gitmodules",
            "p/main.c",
            "p/vendor/",
            "p/vendor/lib/",
            "p/vendor/lib/lib.c"
        ]
    );
    assert!(notes.is_empty());
    options.submodules = false;
    let (without, _) = names(&options, &outer.repository());
    assert_eq!(without.last().unwrap(), "p/vendor/lib/");
    let clone = tempfile::tempdir().unwrap();
    git_in(
        clone.path(),
        &["clone", "-q", outer.path().to_str().unwrap(), "c"],
        1_600_000_000,
    );
    options.submodules = true;
    let bare = git2::Repository::open(clone.path().join("c")).unwrap();
    let (empty, notes) = names(&options, &bare);
    assert_eq!(empty, without);
    assert!(notes[0].starts_with("submodule `vendor/lib` is not checked out"));

    let out = tempfile::tempdir().unwrap();
    let dest = out.path().join("w.tar");
    archive_worktree(
        &outer.repository(),
        &dest,
        &ArchiveOptions::with_prefix("p"),
    )
    .unwrap();
    let names: Vec<String> = entries(&fs::read(&dest).unwrap())
        .iter()
        .map(|line| line.split(' ').next().unwrap().to_owned())
        .collect();
    assert_eq!(names, with);
}

#[test]
fn a_clean_working_tree_gives_the_commits_entries() {
    let repo = rich();
    repo.write(".gitignore", "*.log\n");
    // libgit2 sees a change where a file has several identities.
    repo.write("x.id", "an $Id$ here\n");
    repo.commit("one");
    // As a checkout leaves them: with other line ends and identities.
    repo.git(&["rm", "-q", "-r", "--cached", "."]);
    repo.git(&["reset", "-q", "--hard"]);
    repo.write("noise.log", "ignored");
    let out = tempfile::tempdir().unwrap();
    let dest = out.path().join("w.tar");
    archive_worktree(
        &repo.repository(),
        &dest,
        &ArchiveOptions::with_prefix("p-1"),
    )
    .unwrap();
    let committed = entries(&plain_tar(&repo, "HEAD").0);
    let on_disk = entries(&fs::read(&dest).unwrap());
    // git also writes directories whose files are all ignored by name; nothing is in them.
    let on_disk_names: Vec<_> = on_disk.iter().collect();
    let expected: Vec<_> = committed
        .iter()
        .filter(|line| !line.starts_with("pax_global_header"))
        .filter(|line| !line.starts_with("p-1/dir with only ignored/"))
        .collect();
    assert_eq!(on_disk_names, expected);
}

#[test]
fn changes_in_the_working_tree_are_seen() {
    let repo = TestRepo::new();
    repo.write(".gitignore", "out/\n");
    repo.write("kept", "1");
    repo.write("changed", "1");
    repo.write("removed", "1");
    repo.commit("one");
    assert!(worktree_state(&repo.repository()).unwrap().is_clean());
    repo.write("changed", "22");
    repo.write("new", "3");
    repo.write("out/ignored", "4");
    fs::remove_file(repo.path().join("removed")).unwrap();
    let state = worktree_state(&repo.repository()).unwrap();
    assert_eq!(state.untracked, [b"new".to_vec()]);
    assert_eq!(state.changed, [b"changed".to_vec(), b"removed".to_vec()]);
    let files = worktree_files(&repo.repository()).unwrap();
    assert_eq!(
        files,
        [".gitignore", "changed", "kept", "new"].map(|name| name.as_bytes().to_vec())
    );
}

#[test]
fn empty_bare_and_corrupt_repositories_say_so() {
    let out = tempfile::tempdir().unwrap();
    let options = ArchiveOptions::with_prefix("p");
    let dest = out.path().join("x.tar");
    let empty = TestRepo::new();
    let error = archive_commit(&empty.repository(), "HEAD", &dest, &options).unwrap_err();
    assert!(error.to_string().ends_with("has no commit yet"), "{error}");
    assert!(!error.hints().is_empty());

    let bare = TestRepo::empty();
    bare.git(&["init", "-q", "--bare", "."]);
    let error = worktree_state(&bare.repository()).unwrap_err();
    assert!(error.to_string().contains("is bare"), "{error}");

    let broken = TestRepo::new();
    let blob = broken.write("f", "content");
    broken.commit("one");
    let id = git2::Oid::hash_file(git2::ObjectType::Blob, blob)
        .unwrap()
        .to_string();
    let object = broken
        .path()
        .join(".git/objects")
        .join(&id[..2])
        .join(&id[2..]);
    fs::set_permissions(&object, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(&object, "garbage").unwrap();
    let error = archive_commit(&broken.repository(), "HEAD", &dest, &options).unwrap_err();
    assert!(error.to_string().starts_with("cannot read"), "{error}");
    assert_eq!(fs::read_dir(out.path()).unwrap().count(), 0, "debris");

    let error = archive_commit(&broken.repository(), "nope", &dest, &options).unwrap_err();
    assert!(matches!(error, ScmError::UnknownRevision { .. }), "{error}");
    let error = git::discover(out.path()).err().unwrap();
    assert!(matches!(error, ScmError::NoRepository { .. }), "{error}");
}
