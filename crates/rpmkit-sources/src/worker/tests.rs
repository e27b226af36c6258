#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::disallowed_types
)]

use std::{
    os::unix::fs::MetadataExt,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use std::fs;

use super::*;
use crate::srpm::tests::{PlainParser, names};
use rpmkit_vcs::{
    CommandEnv,
    testing::TestRepo,
    testing_server::{GitServer, Rules},
};

const SPEC: &str =
    "Name: hello\nVersion: 1.0\nRelease: 1\nSource0: hello-1.0.tar.xz\nSource1: extra.conf\n";

fn access() -> RemoteAccess {
    RemoteAccess {
        host: CommandEnv {
            env: [
                ("PATH", "/usr/local/bin:/usr/bin:/bin"),
                ("GIT_CONFIG_GLOBAL", "/dev/null"),
                ("HOME", "/nonexistent"),
                // Submodules of these tests lie here.
                ("GIT_ALLOW_PROTOCOL", "file"),
            ]
            .into_iter()
            .collect(),
        },
        ..RemoteAccess::default()
    }
}

fn options(value: Value) -> ScmOptions {
    ScmOptions::read(value.as_object().unwrap()).unwrap()
}

fn get(options: &ScmOptions, tmp: &Path) -> Result<ScmCheckout, ScmError> {
    ScmCheckout::get(options, tmp, &access(), &Events::silent())
}

fn ready(checkout: &ScmCheckout, options: &ScmOptions) -> Result<ScmSources, SrpmError> {
    checkout.prepare(options, &[], &mut PlainParser, &access(), &Events::silent())
}

/// A project with a branch, a tag and a branch of one name, and a submodule.
fn project() -> (TestRepo, TestRepo) {
    let lib = TestRepo::new();
    lib.write("lib.c", "int lib;\n");
    lib.commit("lib");
    let repo = TestRepo::new();
    repo.write("hello.spec", SPEC);
    repo.write("hello.c", "main\n");
    repo.write(".gitignore", "*.o\n");
    std::os::unix::fs::symlink("hello.c", repo.path().join("link.c")).unwrap();
    repo.git(&[
        "submodule",
        "add",
        "-q",
        lib.path().to_str().unwrap(),
        "lib",
    ]);
    repo.commit("main");
    repo.git(&["checkout", "-q", "-b", "dev"]);
    repo.write("hello.c", "dev\n");
    repo.commit("dev");
    repo.git(&["checkout", "-q", "main"]);
    repo.write("hello.c", "tag\n");
    repo.commit("tagged");
    repo.git(&["tag", "-a", "-m", "both", "both"]);
    repo.git(&["branch", "both", "dev"]);
    repo.write("hello.c", "last\n");
    repo.write("late", "late");
    repo.commit("last");
    (repo, lib)
}

fn text(checkout: &ScmCheckout) -> String {
    fs::read_to_string(checkout.dir().join("hello.c")).unwrap()
}

#[test]
fn git_checks_out_what_is_asked_for() {
    let (repo, _lib) = project();
    let tmp = tempfile::tempdir().unwrap();
    let command = format!("git clone SCM_BRN {} SCM_PKG", repo.path().display());
    let id = String::from_utf8(repo.git(&["rev-parse", "dev"])).unwrap();
    for (branch, content) in [
        ("", "last\n"),
        ("dev", "dev\n"),
        // As git: a tag wins over another branch of the remote …
        ("both", "tag\n"),
        // … but the default branch is there already.
        ("main", "last\n"),
        (id.trim(), "dev\n"),
    ] {
        let options = options(json!({"package": "hello", "branch": branch, "git_get": command}));
        let checkout = get(&options, tmp.path()).unwrap();
        assert_eq!(text(&checkout), content, "{branch}");
        assert!(
            checkout
                .work_dir
                .display()
                .to_string()
                .ends_with(".mock-scm.hello")
        );
        let link = fs::read_link(checkout.dir().join("link.c")).unwrap();
        assert_eq!(link, Path::new("hello.c"));
        // The same state git itself would leave.
        let status =
            rpmkit_vcs::testing::git_in(checkout.dir(), &["status", "--porcelain"], 1_600_000_000);
        assert_eq!(String::from_utf8(status).unwrap(), "");
        checkout.remove().unwrap();
    }
    let options = options(json!({"package": "hello", "branch": "nope", "git_get": command}));
    let error = get(&options, tmp.path()).unwrap_err();
    assert_eq!(error.status(), Some(1));
    assert!(
        error
            .to_string()
            .starts_with("`nope` is no branch, tag or commit"),
        "{error}"
    );
}

#[test]
fn submodules_come_along_when_asked_for() {
    let (repo, _lib) = project();
    let tmp = tempfile::tempdir().unwrap();
    for (flag, there) in [
        ("--recurse-submodules", true),
        ("--recursive", true),
        ("-q", false),
    ] {
        let command = format!("git clone {flag} file://{} SCM_PKG", repo.path().display());
        let options = options(
            json!({"package": "x/hello", "branch": "dev", "git_get": command.replace("SCM_PKG", "hello")}),
        );
        let checkout = get(&options, tmp.path()).unwrap();
        assert_eq!(checkout.dir().join("lib/lib.c").exists(), there, "{flag}");
    }
}

#[test]
fn other_commands_are_run_as_they_are() {
    let tmp = tempfile::tempdir().unwrap();
    let run = |command: &str| {
        get(
            &options(json!({"package": "hello", "git_get": command})),
            tmp.path(),
        )
    };
    let checkout = run("mkdir 'SCM_PKG' 'a $(b)'").unwrap();
    assert!(checkout.dir().parent().unwrap().join("a $(b)").is_dir());
    assert_eq!(run("sh -c 'exit 42'").unwrap_err().status(), Some(42));
    let error = run("no-such-client x").unwrap_err();
    assert_eq!(error.exit_code().code(), 1);
    let nothing = run("true").unwrap();
    let error = nothing
        .spec(&options(json!({"package": "hello"})))
        .unwrap_err();
    assert!(matches!(error, ScmError::NoCheckout { .. }));
    // A branch is checked out after a foreign command too.
    let (repo, _lib) = project();
    let command = format!(
        "git -c core.quotePath=false clone -q {} SCM_PKG",
        repo.path().display()
    );
    let checkout = get(
        &options(json!({"package": "hello", "branch": "dev", "git_get": command})),
        tmp.path(),
    )
    .unwrap();
    assert_eq!(text(&checkout), "dev\n");
}

#[test]
fn unreachable_repositories_end_as_git_does() {
    let tmp = tempfile::tempdir().unwrap();
    for url in [
        "/nonexistent/x",
        "file:///nonexistent/x",
        "http://127.0.0.1:1/x",
    ] {
        let command = format!("git clone {url} SCM_PKG");
        let error = get(
            &options(json!({"package": "p", "git_get": command})),
            tmp.path(),
        )
        .unwrap_err();
        assert_eq!(error.status(), Some(128), "{error}");
    }
    let empty = TestRepo::new();
    let command = format!("git clone {} SCM_PKG", empty.path().display());
    let error = get(
        &options(json!({"package": "p", "git_get": command})),
        tmp.path(),
    )
    .unwrap_err();
    assert!(
        error.to_string().contains("is an empty repository"),
        "{error}"
    );
}

#[test]
fn the_tarball_is_named_and_filled_as_mock_does() {
    let (repo, _lib) = project();
    repo.write("inner/keep", "");
    repo.write(".write_tar", "");
    repo.commit("ask for a tarball");
    let tmp = tempfile::tempdir().unwrap();
    let external = tempfile::tempdir().unwrap();
    fs::write(external.path().join("extra.conf"), "external").unwrap();
    let command = format!("git clone {} SCM_PKG", repo.path().display());
    let archive = |extra: Value| {
        let mut value = json!({
            "package": "hello", "git_get": command,
            "ext_src_dir": external.path().to_str().unwrap(),
        });
        value
            .as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        let options = options(value);
        let checkout = get(&options, tmp.path()).unwrap();
        let ready = ready(&checkout, &options).unwrap();
        assert_eq!(
            fs::read(ready.sources.join("extra.conf")).unwrap(),
            b"external"
        );
        ready
    };
    let one = archive(json!({}));
    let tarball = one.tarball.unwrap();
    assert_eq!(tarball.file_name().unwrap(), "hello-1.0.tar.xz");
    let listed = names(&tarball);
    assert_eq!(
        listed,
        [
            "hello-1.0/",
            "hello-1.0/.write_tar",
            "hello-1.0/hello.c",
            "hello-1.0/hello.spec",
            "hello-1.0/inner/",
            "hello-1.0/inner/keep",
            "hello-1.0/late",
            "hello-1.0/lib/",
            "hello-1.0/link.c"
        ]
    );
    let two = archive(json!({})).tarball.unwrap();
    assert_eq!(fs::read(&tarball).unwrap(), fs::read(two).unwrap());
    let inner = archive(json!({"int_src_dir": "inner"}));
    assert!(inner.sources.ends_with("hello/inner"));
    assert_eq!(
        inner.tarball.unwrap(),
        inner.sources.join("hello-1.0.tar.xz")
    );
    let all = names(&archive(json!({"exclude_vcs": "False"})).tarball.unwrap());
    assert!(all.contains(&"hello-1.0/.git/HEAD".to_owned()));
}

#[test]
fn times_come_from_history() {
    let (repo, _lib) = project();
    let tmp = tempfile::tempdir().unwrap();
    let command = format!("git clone {} SCM_PKG", repo.path().display());
    let options = options(json!({
        "package": "hello", "git_get": command, "git_timestamps": "True", "write_tar": true
    }));
    let checkout = get(&options, tmp.path()).unwrap();
    let ready = ready(&checkout, &options).unwrap();
    let time = |name: &str| fs::metadata(checkout.dir().join(name)).unwrap().mtime();
    let git_time = |name: &str| -> i64 {
        let out = repo.git(&["log", "-1", "--format=%at", "--", name]);
        String::from_utf8(out).unwrap().trim().parse().unwrap()
    };
    for name in ["hello.spec", "hello.c", "late", ".gitignore"] {
        assert_eq!(time(name), git_time(name), "{name}");
    }
    let tar = rpmkit_types::compress::open(&ready.tarball.unwrap()).unwrap();
    let mut tar = tar::Archive::new(tar);
    for entry in tar.entries().unwrap() {
        let entry = entry.unwrap();
        let path = entry.path().unwrap().into_owned();
        if path.ends_with("hello.spec") {
            assert_eq!(
                entry.header().mtime().unwrap().cast_signed(),
                git_time("hello.spec")
            );
        }
    }
}

#[test]
fn the_spec_is_looked_for_in_lower_case_too() {
    let repo = TestRepo::new();
    repo.write("hello.spec", SPEC.replace("Source1: extra.conf\n", ""));
    repo.commit("one");
    let tmp = tempfile::tempdir().unwrap();
    let command = format!("git clone {} SCM_PKG", repo.path().display());
    let of = |spec: &str| {
        let options = options(json!({"package": "Hello", "git_get": command, "spec": spec}));
        let checkout = get(&options, tmp.path()).unwrap();
        ready(&checkout, &options)
    };
    assert!(
        of("SCM_PKG.spec")
            .unwrap()
            .spec
            .ends_with("Hello/hello.spec")
    );
    let error = of("other.spec").unwrap_err();
    assert!(error.to_string().ends_with("Hello/other.spec`"), "{error}");
    assert_eq!(error.exit_code().code(), 5);
}

#[test]
fn subversion_is_checked_out_with_and_without_a_branch() {
    let dir = tempfile::tempdir().unwrap();
    let run = |program: &str, args: &[&str]| {
        let status = Command::new(program)
            .args(args)
            .current_dir(dir.path())
            .stdout(Stdio::null())
            .status()
            .expect("subversion is installed");
        assert!(status.success(), "{program} {args:?}");
    };
    run("svnadmin", &["create", "repo"]);
    let url = format!("file://{}/repo", dir.path().display());
    fs::create_dir_all(dir.path().join("import/hello/trunk/sub")).unwrap();
    fs::create_dir_all(dir.path().join("import/hello/stable")).unwrap();
    for (branch, text) in [("trunk", "trunk\n"), ("stable", "stable\n")] {
        let at = dir.path().join("import/hello").join(branch);
        fs::write(
            at.join("hello.spec"),
            SPEC.replace("Source1: extra.conf\n", ""),
        )
        .unwrap();
        fs::write(at.join("hello.c"), text).unwrap();
    }
    run("svn", &["import", "-q", "-m", "x", "import", &url]);
    let command = format!("svn co {url}/SCM_PKG/SCM_BRN SCM_PKG");
    let tmp = tempfile::tempdir().unwrap();
    for (branch, content) in [(Value::Null, "trunk\n"), (json!("stable"), "stable\n")] {
        let options = options(json!({
            "method": "svn", "package": "hello", "branch": branch, "svn_get": command, "write_tar": true
        }));
        let checkout = get(&options, tmp.path()).unwrap();
        assert_eq!(text(&checkout), content);
        let tarball = ready(&checkout, &options).unwrap().tarball.unwrap();
        assert!(!names(&tarball).iter().any(|name| name.contains(".svn")));
        let again = get(&options, tmp.path()).unwrap();
        let second = ready(&again, &options).unwrap().tarball.unwrap();
        assert_eq!(fs::read(tarball).unwrap(), fs::read(second).unwrap());
    }
    let bad = options(json!({"method": "svn", "package": "nope", "svn_get": command}));
    assert_eq!(get(&bad, tmp.path()).unwrap_err().status(), Some(1));
}

#[test]
fn cvs_is_checked_out_with_and_without_a_branch() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("cvs");
    let root = root.to_str().unwrap();
    let run = |cwd: &Path, args: &[&str]| {
        let status = Command::new("cvs")
            .args(["-Q", "-d", root])
            .args(args)
            .current_dir(cwd)
            .status()
            .expect("cvs is installed");
        assert!(status.success(), "cvs {args:?}");
    };
    run(dir.path(), &["init"]);
    let import = dir.path().join("import");
    fs::create_dir(&import).unwrap();
    fs::write(
        import.join("hello.spec"),
        SPEC.replace("Source1: extra.conf\n", ""),
    )
    .unwrap();
    fs::write(import.join("hello.c"), "first\n").unwrap();
    run(&import, &["import", "-m", "x", "hello", "vendor", "start"]);
    run(dir.path(), &["co", "hello"]);
    fs::write(dir.path().join("hello/hello.c"), "second\n").unwrap();
    run(&dir.path().join("hello"), &["commit", "-m", "y"]);
    let tmp = tempfile::tempdir().unwrap();
    let command = format!("cvs -Q -d {root} co SCM_BRN SCM_PKG");
    for (branch, content) in [("", "second\n"), ("start", "first\n")] {
        let options = options(json!({
            "method": "cvs", "package": "hello", "branch": branch, "cvs_get": command, "write_tar": "true"
        }));
        let checkout = get(&options, tmp.path()).unwrap();
        assert_eq!(text(&checkout), content);
        let tarball = ready(&checkout, &options).unwrap().tarball.unwrap();
        assert_eq!(
            names(&tarball),
            ["hello-1.0/", "hello-1.0/hello.c", "hello-1.0/hello.spec"]
        );
    }
}

#[test]
fn distgit_runs_both_commands() {
    let (repo, _lib) = project();
    let tmp = tempfile::tempdir().unwrap();
    let command = format!("git clone -b SCM_BRN {} SCM_PKG", repo.path().display());
    let options = options(json!({
        "method": "distgit", "package": "hello", "branch": "dev", "distgit_get": command,
        "distgit_src_get": "sh -c 'echo SCM_PKG > extra.conf; echo x > hello-1.0.tar.xz'",
        "write_tar": "True",
    }));
    let checkout = get(&options, tmp.path()).unwrap();
    assert_eq!(text(&checkout), "dev\n");
    let ready = ready(&checkout, &options).unwrap();
    // Placeholders stay in the second command, and dist-git never writes a tarball.
    assert_eq!(
        fs::read_to_string(ready.sources.join("extra.conf")).unwrap(),
        "SCM_PKG\n"
    );
    assert_eq!(ready.tarball, None);
}

#[test]
fn clones_over_http_are_whole_or_shallow() {
    let (repo, _lib) = project();
    let server = GitServer::start(repo.path(), Rules::default());
    let url = &server.url;
    let tmp = tempfile::tempdir().unwrap();
    let commits = |checkout: &ScmCheckout| {
        let out = rpmkit_vcs::testing::git_in(
            checkout.dir(),
            &["rev-list", "--count", "HEAD"],
            1_600_000_000,
        );
        String::from_utf8(out).unwrap().trim().to_owned()
    };
    for (branch, content, count) in [
        ("", "last\n", "1"),
        ("dev", "dev\n", "1"),
        ("both", "tag\n", "1"),
    ] {
        let options = options(json!({
            "package": "hello", "branch": branch, "git_get": format!("git clone {url}/.git SCM_PKG")
        }));
        let checkout = get(&options, tmp.path()).unwrap();
        assert_eq!(text(&checkout), content);
        assert_eq!(commits(&checkout), count);
        rpmkit_vcs::testing::git_in(checkout.dir(), &["fsck", "--strict"], 1_600_000_000);
    }
    // History is needed: for times, for a commit's id, for a counted release.
    let id = String::from_utf8(repo.git(&["rev-parse", "dev"])).unwrap();
    for extra in [
        json!({"git_timestamps": true}),
        json!({"branch": id.trim()}),
    ] {
        let mut value =
            json!({"package": "hello", "git_get": format!("git clone {url}/.git SCM_PKG")});
        value
            .as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        let checkout = get(&options(value), tmp.path()).unwrap();
        assert_ne!(commits(&checkout), "1");
    }
    repo.write(
        "hello.spec",
        SPEC.replace("Release: 1", "Release: %autorelease"),
    );
    repo.commit("count");
    let value = json!({"package": "hello", "git_get": format!("git clone {url}/.git SCM_PKG")});
    let checkout = get(&options(value), tmp.path()).unwrap();
    assert_eq!(commits(&checkout), "4");
    let missing =
        json!({"package": "hello", "git_get": format!("git clone {url}/nothing SCM_PKG")});
    let error = get(&options(missing), tmp.path()).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("there is no such repository (404)"),
        "{error}"
    );
}

/// A checkout that reaches for `victim` in each of the ways mock's SCM mode would follow.
#[test]
fn a_checkout_leads_to_nothing_of_the_host() {
    let host = tempfile::tempdir().unwrap();
    let victim = host.path().join("secret");
    let hostile: [&dyn Fn(&TestRepo); 4] = [
        &|repo| {
            fs::remove_file(repo.path().join("hello.spec")).unwrap();
            std::os::unix::fs::symlink(&victim, repo.path().join("hello.spec")).unwrap();
        },
        &|repo| {
            for name in ["hello-1.0.tar.gz", "hello-1.0.tar.gz.part", "hello.conf"] {
                std::os::unix::fs::symlink(&victim, repo.path().join(name)).unwrap();
            }
        },
        &|repo| std::os::unix::fs::symlink(&victim, repo.path().join(".write_tar")).unwrap(),
        &|repo| std::os::unix::fs::symlink(host.path(), repo.path().join("SRC")).unwrap(),
    ];
    for (at, spoil) in hostile.iter().enumerate() {
        fs::write(&victim, "hunter2").unwrap();
        let (repo, _lib) = project();
        spoil(&repo);
        repo.commit("evil");
        let tmp = tempfile::tempdir().unwrap();
        let command = format!("git clone SCM_BRN {} SCM_PKG", repo.path().display());
        let mut given = json!({"package": "hello", "git_get": command, "write_tar": "True"});
        if at == 3 {
            given["int_src_dir"] = json!("SRC");
        }
        let options = options(given);
        let checkout = get(&options, tmp.path()).unwrap();
        let done = ready(&checkout, &options);
        assert_eq!(fs::read(&victim).unwrap(), b"hunter2", "{at}");
        let inside = fs::read_dir(host.path()).unwrap().count();
        assert_eq!(inside, 1, "{at}");
        match done {
            Ok(ready) => {
                let tar = ready.tarball.unwrap();
                assert!(fs::symlink_metadata(&tar).unwrap().is_file(), "{at}");
            }
            Err(error) => assert!(error.to_string().contains("leads out"), "{at}: {error}"),
        }
    }
}
