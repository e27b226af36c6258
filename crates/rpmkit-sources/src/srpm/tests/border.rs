//! Checkouts that reach for files of the host: named and refused, and the files stay as they were.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::disallowed_types
)]

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use super::{super::*, NoNetwork, SPEC, made, names, of, run, runner, upstream, with};
use rpmkit_vcs::testing::TestRepo;

const SECRET: &str = "hunter2";

/// A file of the host that is none of the project's business.
struct Victim {
    dir: tempfile::TempDir,
}

impl Victim {
    fn new() -> Self {
        let victim = Self {
            dir: tempfile::tempdir().unwrap(),
        };
        fs::write(victim.path(), SECRET).unwrap();
        fs::set_permissions(victim.path(), fs::Permissions::from_mode(0o600)).unwrap();
        let file = fs::File::options().write(true).open(victim.path()).unwrap();
        file.set_modified(std::time::UNIX_EPOCH).unwrap();
        victim
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("secret")
    }

    /// The error names `word`, tells nothing of the file, and the file is what it was.
    #[track_caller]
    fn is_safe<T>(&self, outcome: Result<T, SrpmError>, word: &str) {
        let said = outcome.err().expect("it is refused").to_string();
        assert!(said.contains(word) && !said.contains(SECRET), "{said}");
        assert_eq!(fs::read_to_string(self.path()).unwrap(), SECRET);
        let data = fs::metadata(self.path()).unwrap();
        assert_eq!((data.mode() & 0o777, data.mtime()), (0o600, 0));
    }
}

fn packit(repo: &TestRepo, actions: &str) -> Result<StagedSources, SrpmError> {
    let text = format!("specfile_path: packaging/hello.spec\nactions:\n{actions}");
    repo.write("packit.yaml", text);
    repo.commit("convention");
    let staging = tempfile::tempdir().unwrap();
    with(&of(repo), staging.path(), None, Some(&mut runner()))
}

#[test]
fn sources_and_specs_that_are_links_out_of_the_checkout() {
    let victim = Victim::new();
    let repo = upstream();
    fs::remove_file(repo.path().join("hello.conf")).unwrap();
    symlink(victim.path(), repo.path().join("hello.conf")).unwrap();
    victim.is_safe(run(&of(&repo)), "hello.conf");
    // One that stays in the checkout is ordinary.
    fs::remove_file(repo.path().join("hello.conf")).unwrap();
    symlink("hello.c", repo.path().join("hello.conf")).unwrap();
    run(&of(&repo)).unwrap();
    // What git keeps for itself has passwords in it.
    fs::remove_file(repo.path().join("hello.conf")).unwrap();
    symlink(".git/config", repo.path().join("hello.conf")).unwrap();
    victim.is_safe(run(&of(&repo)), "hello.conf");

    let repo = upstream();
    fs::remove_file(repo.path().join("packaging/hello.spec")).unwrap();
    symlink(victim.path(), repo.path().join("packaging/hello.spec")).unwrap();
    victim.is_safe(run(&of(&repo)), "packaging/hello.spec");
}

#[test]
fn ignored_downloads_and_named_directories_of_the_checkout() {
    let victim = Victim::new();
    let repo = TestRepo::new();
    repo.write("hello.spec", SPEC);
    repo.write("hello.conf", "");
    repo.write("fix.patch", "");
    repo.write(".gitignore", "*.tar.gz\nvendor\n");
    repo.commit("one");
    symlink(victim.path(), repo.path().join("hello-2.1.tar.gz")).unwrap();
    victim.is_safe(run(&of(&repo)), "hello-2.1.tar.gz");
    fs::create_dir(repo.path().join("vendor")).unwrap();
    symlink(victim.path(), repo.path().join("vendor/hello-2.1.tar.gz")).unwrap();
    let mut request = of(&repo);
    request.sources = Some(repo.path().join("vendor"));
    victim.is_safe(run(&request), "hello-2.1.tar.gz");
    // A directory of the user's own may be full of links.
    let own = tempfile::tempdir().unwrap();
    symlink(victim.path(), own.path().join("hello-2.1.tar.gz")).unwrap();
    request.sources = Some(own.path().to_owned());
    run(&request).unwrap();
}

#[test]
fn file_urls_do_not_read_the_host() {
    let victim = Victim::new();
    let repo = TestRepo::new();
    let url = format!("file://{}", victim.path().display());
    repo.write("hello.spec", SPEC.replace("hello.conf", &url));
    repo.write("fix.patch", "");
    repo.write("hello-2.1.tar.gz", "");
    repo.commit("one");
    let mut request = of(&repo);
    victim.is_safe(run(&request), &format!("Source1 `{url}`"));
    request.get_sources = true;
    victim.is_safe(run(&request), &format!("Source1 `{url}`"));
    // The file of that name in the tree is the project's.
    repo.write("secret", "");
    run(&request).unwrap();
}

#[test]
fn archives_that_packit_names_stay_in_the_tree() {
    let victim = Victim::new();
    let up = "../".repeat(30);
    let climb = format!("{up}{}", victim.path().display());
    let print = format!("  create-archive: echo {climb}\n");
    victim.is_safe(packit(&upstream(), &print), "secret");
    let link = format!(
        "  create-archive: \"ln -s {} b.tar; echo b.tar\"\n",
        victim.path().display()
    );
    victim.is_safe(packit(&upstream(), &link), "b.tar");
}

#[test]
fn specs_that_packit_makes_stay_in_the_tree() {
    let victim = Victim::new();
    let link = format!(
        "  fix-spec-file: ln -sf {} packaging/hello.spec\n",
        victim.path().display()
    );
    victim.is_safe(packit(&upstream(), &link), "packaging/hello.spec");
}

#[test]
fn packages_a_makefile_leaves() {
    let victim = Victim::new();
    let repo = upstream();
    let rule = format!(
        "srpm:\n\tln -s {} $(outdir)/leak.src.rpm\n",
        victim.path().display()
    );
    repo.write(".copr/Makefile", rule);
    repo.commit("convention");
    let staging = tempfile::tempdir().unwrap();
    let outcome = made(
        &of(&repo),
        staging.path(),
        None,
        Some(&mut runner()),
        &NoNetwork,
    );
    victim.is_safe(outcome, "leak.src.rpm");
}

#[test]
fn nothing_is_written_through_a_committed_link() {
    let victim = Victim::new();
    let repo = upstream();
    let counted = SPEC.replace("Release: 1", "Release: %autorelease");
    let spec = repo.path().join("packaging/hello.spec");
    fs::remove_file(&spec).unwrap();
    symlink(victim.path(), &spec).unwrap();
    repo.write("new", &counted);
    // The tree's spec is a link; the text to count in comes from an action.
    let done = packit(
        &repo,
        "  fix-spec-file: \"rm -f packaging/hello.spec; cp new packaging/hello.spec\"\n",
    );
    assert_eq!(fs::read_to_string(victim.path()).unwrap(), SECRET);
    if let Err(error) = done {
        assert!(!error.to_string().contains(SECRET), "{error}");
    }
}

#[test]
fn links_are_replaced_in_archives_only_by_files_of_the_tree() {
    let victim = Victim::new();
    let repo = upstream();
    symlink(victim.path(), repo.path().join("leak")).unwrap();
    let plain = tempfile::tempdir().unwrap();
    fs::write(plain.path().join("hello.spec"), SPEC).unwrap();
    for name in ["hello.conf", "fix.patch", "main.c"] {
        fs::write(plain.path().join(name), "").unwrap();
    }
    symlink(victim.path(), plain.path().join("leak")).unwrap();
    for tree in [repo.path(), plain.path()] {
        let (prepared, _staging) = run(&SourceRequest {
            path: tree.to_owned(),
            symlink_dereference: true,
            ..SourceRequest::default()
        })
        .unwrap();
        let links = links(&prepared.sources[0].path);
        assert_eq!(links, ["hello-2.1/leak"], "{}", tree.display());
    }
}

fn links(archive: &Path) -> Vec<String> {
    tar::Archive::new(rpmkit_types::compress::open(archive).unwrap())
        .entries()
        .unwrap()
        .map(Result::unwrap)
        .filter(|entry| entry.header().entry_type().is_symlink())
        .map(|entry| entry.path().unwrap().display().to_string())
        .collect()
}

/// A checkout that has cargo run its own programs, and a spec that wants crates vendored.
fn with_crates() -> TestRepo {
    let repo = upstream();
    let spec = SPEC.replace("Source1:", "Source9: hello-2.1-vendor.tar.gz\nSource1:");
    assert_ne!(spec, SPEC);
    repo.write("packaging/hello.spec", spec);
    repo.write(
        "Cargo.toml",
        "[package]\nname = 'hello'\nversion = '2.1.0'\n",
    );
    repo.write("Cargo.lock", "version = 3\n");
    repo.write(
        "rust-toolchain.toml",
        "[toolchain]\npath = '/proc/self/cwd/tc'\n",
    );
    repo.write(".cargo/config.toml", "[build]\nrustc = './evil.sh'\n");
    repo.commit("crates");
    repo
}

/// A chroot with or without cargo, which notes what it is asked for.
struct Vendors {
    has_cargo: bool,
    asked: Vec<TreeCommand>,
}

impl TreeRunner for Vendors {
    fn offers(&mut self, package: &str) -> Result<bool, rpmkit_types::AnyCodedError> {
        Ok(package == "/usr/bin/cargo" && self.has_cargo)
    }

    fn run(&mut self, command: &TreeCommand) -> Result<String, rpmkit_types::AnyCodedError> {
        fs::create_dir_all(command.out.join("vendor/itoa-1.0.0")).unwrap();
        fs::write(command.out.join("vendor/itoa-1.0.0/lib.rs"), "").unwrap();
        self.asked.push(command.clone());
        Ok(String::new())
    }
}

#[test]
fn crates_are_vendored_in_the_chroot() {
    let repo = with_crates();
    let mut root = Vendors {
        has_cargo: true,
        asked: Vec::new(),
    };
    let staging = tempfile::tempdir().unwrap();
    let prepared = with(&of(&repo), staging.path(), None, Some(&mut root)).unwrap();
    let [asked] = &root.asked[..] else {
        panic!("{:?}", root.asked);
    };
    assert!(asked.network && !asked.as_root);
    assert_eq!(asked.packages, ["/usr/bin/cargo"]);
    let source = prepared
        .sources
        .iter()
        .find(|s| s.tag == "Source9")
        .unwrap();
    assert_eq!(source.origin, SourceOrigin::Vendored);
    let names = names(&source.path);
    assert!(
        names.contains(&"vendor/itoa-1.0.0/lib.rs".to_owned()),
        "{names:?}"
    );

    root.has_cargo = false;
    let staging = tempfile::tempdir().unwrap();
    let error = with(&of(&repo), staging.path(), None, Some(&mut root)).unwrap_err();
    assert!(matches!(error, SrpmError::NoVendorTool { .. }), "{error}");
    let hints = format!("{:?}", error.hints());
    assert!(hints.contains("--vendor-with-host"), "{hints}");
}

#[test]
fn a_cargo_of_the_host_reads_nothing_of_the_checkouts_settings() {
    let repo = with_crates();
    let home = tempfile::tempdir().unwrap();
    let cargo = home.path().join("cargo");
    let script = format!(
        "#!/bin/sh\n{{ pwd; env; }} > {}/seen\nfor out; do :; done\nmkdir -p \"$out/x\"\n: > \"$out/x/y\"\n",
        home.path().display()
    );
    fs::write(&cargo, script).unwrap();
    fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", home.path().display());
    let env = [
        ("PATH", path.as_str()),
        ("CARGO_HOME", "/of/the/user"),
        ("CARGO_REGISTRY_TOKEN", SECRET),
        ("SSH_AUTH_SOCK", SECRET),
    ];
    let host = rpmkit_vcs::CommandEnv {
        env: env.into_iter().collect(),
    };
    let dest = home.path().join("vendor.tar.gz");
    let place = crate::template::VendorPlace::Host(&host);
    crate::template::VendorTool::Cargo
        .archive(
            repo.path(),
            &dest,
            place,
            &rpmkit_types::event::Events::silent(),
        )
        .unwrap();
    let seen = fs::read_to_string(home.path().join("seen")).unwrap();
    assert!(seen.starts_with("/\n"), "{seen}");
    assert!(seen.contains("CARGO_HOME=/tmp/"), "{seen}");
    assert!(!seen.contains(SECRET), "{seen}");
    assert!(names(&dest).contains(&"vendor/x/y".to_owned()));
}
