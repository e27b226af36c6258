//! The way from checkouts of every kind to staged sources. One file, since all cases share the fakes of
//! the target's rpm, the build root and the network at its top.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::disallowed_types
)]

mod border;
mod conventions;

use std::{fs, io::Read, os::unix::fs::MetadataExt};

use super::*;
use rpmkit_types::event::Events;
use rpmkit_vcs::{Download, ScmError, distgit::SourceStore, testing::TestRepo};

/// Stands for the target's rpm: expands `%{name}` and `%{version}`, nothing else.
pub(crate) struct PlainParser;

impl SpecParser for PlainParser {
    fn expand(
        &mut self,
        spec: &Path,
        _: &Path,
        _: &[(String, String)],
    ) -> Result<String, rpmkit_types::AnyCodedError> {
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

pub(crate) fn run(
    request: &SourceRequest,
) -> Result<(StagedSources, tempfile::TempDir), SrpmError> {
    let staging = tempfile::tempdir().unwrap();
    let prepared = with(request, staging.path(), None, None)?;
    Ok((prepared, staging))
}

/// Nothing may be downloaded in these tests.
pub(crate) struct NoNetwork;

impl Download for NoNetwork {
    fn download(
        &self,
        url: &str,
        _: &Path,
        _: Option<&rpmkit_types::Checksum>,
    ) -> Result<rpmkit_types::Checksum, ScmError> {
        Err(ScmError::Http {
            url: url.to_owned(),
            reason: "no network in tests".to_owned(),
        })
    }
}

pub(crate) fn with(
    request: &SourceRequest,
    staging: &Path,
    choose: Option<Box<Choose<'_>>>,
    runner: Option<&mut dyn TreeRunner>,
) -> Result<StagedSources, SrpmError> {
    match made(request, staging, choose, runner, &NoNetwork)? {
        SourceOutcome::Sources(prepared) => Ok(*prepared),
        SourceOutcome::Package { srpm, .. } => panic!("made {srpm:?}"),
    }
}

pub(crate) fn made(
    request: &SourceRequest,
    staging: &Path,
    choose: Option<Box<Choose<'_>>>,
    runner: Option<&mut dyn TreeRunner>,
    download: &dyn Download,
) -> Result<SourceOutcome, SrpmError> {
    let store = SourceStore::new(staging.join("store"));
    let events = Events::silent();
    let mut parser = PlainParser;
    let mut tools = SourceTools {
        parser: &mut parser,
        runner: runner.map(|runner| runner as &mut dyn TreeRunner),
        choose,
        download,
        vendor_with_host: None,
        store: &store,
        events: &events,
    };
    prepare(request, &staging.join("staging"), &mut tools)
}

pub(crate) fn of(repo: &TestRepo) -> SourceRequest {
    SourceRequest {
        path: repo.path().to_owned(),
        ..SourceRequest::default()
    }
}

pub(crate) fn names(archive: &Path) -> Vec<String> {
    tar::Archive::new(rpmkit_types::compress::open(archive).unwrap())
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
    let content = |request: &SourceRequest| {
        let (prepared, _staging) = run(request).unwrap();
        let mut text = String::new();
        let archive = prepared.source_dir.join("hello-2.1.tar.gz");
        let mut archive = tar::Archive::new(rpmkit_types::compress::open(&archive).unwrap());
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
    assert!(error.to_string().contains("`main` is no tag of"), "{error}");
}

#[test]
fn no_spec_two_specs_and_missing_sources_are_told() {
    let repo = TestRepo::new();
    repo.write("x.c", "");
    repo.commit("one");
    let error = run(&of(&repo)).unwrap_err();
    assert!(error.to_string().starts_with("no spec file in `"));
    assert_eq!(error.exit_code(), rpmkit_types::ExitCode::Usage);
    // The same words, before there is a chroot.
    assert_eq!(
        check(&of(&repo), true).unwrap_err().to_string(),
        error.to_string()
    );

    repo.write("a.spec", SPEC);
    repo.write("b.spec", SPEC);
    repo.write("tests/data/c.spec", "");
    let error = run(&of(&repo)).unwrap_err();
    assert!(error.to_string().ends_with("`a.spec`, `b.spec`"), "{error}");
    let staging = tempfile::tempdir().unwrap();
    let second = |specs: &[PathBuf]| {
        assert_eq!(specs.len(), 2);
        Some(1)
    };
    let error = with(&of(&repo), staging.path(), Some(Box::new(second)), None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "2 sources of spec `b.spec` are missing: Source1 `hello.conf`, Patch0 `fix.patch`"
    );
    assert_eq!(error.hints().len(), 2);

    let error = run(&SourceRequest {
        path: "/proc/no-such-place".into(),
        ..SourceRequest::default()
    })
    .unwrap_err();
    assert_eq!(error.to_string(), "`/proc/no-such-place` does not exist");
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
fn specs_may_be_outside_the_tree_and_without_history() {
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
    let of = |path: PathBuf| SourceRequest {
        path,
        ..SourceRequest::default()
    };
    let (prepared, _staging) = run(&of(plain.path().to_owned())).unwrap();
    assert!(names(&prepared.sources[0].path).contains(&"hello-2.1/main.c".to_owned()));
    // What lies around a single spec may be a whole home directory: that is not packed.
    let error = run(&of(plain.path().join("h.spec"))).unwrap_err();
    assert!(matches!(error, SrpmError::MissingSources { .. }), "{error}");
}

/// Runs commands on the host, in place of a build root: the tree and the output directory are
/// where they are.
pub(crate) struct HostRunner {
    packages: Vec<String>,
    autospec: bool,
}

impl TreeRunner for HostRunner {
    fn offers(&mut self, package: &str) -> Result<bool, rpmkit_types::AnyCodedError> {
        Ok(package == "rpmautospec" && self.autospec)
    }

    fn run(&mut self, command: &TreeCommand) -> Result<String, rpmkit_types::AnyCodedError> {
        self.packages.extend(command.packages.iter().cloned());
        let here = |text: &str| {
            text.replace(TREE_IN_ROOT, command.tree.to_str().unwrap())
                .replace(OUT_IN_ROOT, command.out.to_str().unwrap())
        };
        if command.argv[0] == "rpmautospec" {
            let text = fs::read_to_string(command.tree.join(&command.argv[2])).unwrap();
            fs::write(here(&command.argv[3]), text.replace("%autorelease", "7")).unwrap();
            return Ok(String::new());
        }
        let argv: Vec<String> = command.argv.iter().map(|word| here(word)).collect();
        let out = std::process::Command::new(&argv[0])
            .args(&argv[1..])
            .envs(command.env.iter().map(|(key, value)| (key, here(value))))
            .current_dir(&command.tree)
            .output()
            .unwrap();
        assert!(
            out.status.success(),
            "{argv:?}: {}",
            String::from_utf8_lossy(&out.stderr)
        );
        let text = String::from_utf8(out.stdout).unwrap();
        Ok(text.replace(command.tree.to_str().unwrap(), TREE_IN_ROOT))
    }
}

pub(crate) fn runner() -> HostRunner {
    HostRunner {
        packages: Vec::new(),
        autospec: true,
    }
}

#[test]
fn a_copr_makefile_makes_the_package_itself() {
    let repo = upstream();
    repo.write(
        ".copr/Makefile",
        "srpm:\n\tgit rev-parse HEAD > $(outdir)/x-1-1.src.rpm\n\tcat $(spec) hello.c >> $(outdir)/x-1-1.src.rpm\n",
    );
    let id = repo.commit("convention");
    repo.write("hello.c", "uncommitted\n");
    let staging = tempfile::tempdir().unwrap();
    let mut runner = runner();
    let SourceOutcome::Package { srpm, .. } = made(
        &of(&repo),
        staging.path(),
        None,
        Some(&mut runner),
        &NoNetwork,
    )
    .unwrap() else {
        panic!("not followed");
    };
    assert_eq!(
        fs::read_to_string(srpm).unwrap(),
        format!("{id}\n{SPEC}uncommitted\n")
    );
    assert_eq!(runner.packages, ["make", "git", "rpm-build"]);

    let error = run(&of(&repo)).unwrap_err();
    assert_eq!(error.to_string(), "following copr needs a build root");
    let mut request = of(&repo);
    request.follow = Some(Convention::Plain);
    run(&request).unwrap();
}

#[test]
fn packits_actions_change_the_copy_only() {
    let repo = upstream();
    repo.write("other.spec", "Name: wrong\n");
    repo.write(
        "packit.yaml",
        "specfile_path: packaging/hello.spec\nsrpm_build_deps: [sed]\nactions:\n  \
         get-current-version: echo 9.9\n  create-archive:\n    - mkdir -p build\n    \
         - bash -c 'echo $PACKIT_PROJECT_VERSION > build/own.tar.gz; echo build/own.tar.gz'\n  \
         fix-spec-file: sed -i s/^Source0.*/Source0:own.tar.gz/ packaging/hello.spec\n",
    );
    repo.commit("convention");
    let staging = tempfile::tempdir().unwrap();
    let mut runner = runner();
    let prepared = with(&of(&repo), staging.path(), None, Some(&mut runner)).unwrap();
    assert_eq!(
        fs::read_to_string(prepared.source_dir.join("own.tar.gz")).unwrap(),
        "9.9\n"
    );
    assert!(runner.packages.contains(&"sed".to_owned()));
    assert!(
        rpmkit_vcs::archive::worktree_state(&repo.repository())
            .unwrap()
            .is_clean()
    );
}

#[test]
fn tito_archives_the_packages_directory() {
    let repo = TestRepo::new();
    repo.write(".tito/tito.props", "[buildconfig]\n");
    repo.write(".tito/packages/hello", "2.1-1 pkgs/hello/\n");
    repo.write("pkgs/hello/hello.spec", SPEC);
    repo.write("pkgs/hello/main.c", "");
    repo.write("pkgs/hello/hello.conf", "");
    repo.write("pkgs/hello/fix.patch", "");
    repo.write("elsewhere", "");
    repo.commit("one");
    repo.git(&["tag", "-a", "-m", "x", "hello-2.1-1"]);
    let (prepared, _staging) = run(&of(&repo)).unwrap();
    assert_eq!(
        names(&prepared.sources[0].path),
        [
            "pax_global_header",
            "hello-2.1/",
            "hello-2.1/fix.patch",
            "hello-2.1/hello.conf",
            "hello-2.1/hello.spec",
            "hello-2.1/main.c"
        ]
    );
    repo.write("pkgs/hello/new.c", "");
    let (prepared, _staging) = run(&of(&repo)).unwrap();
    // No release any more: named by its commit.
    let listed = names(&prepared.sources[0].path);
    assert!(
        listed
            .iter()
            .any(|name| name.starts_with("hello-git-0.") && name.ends_with("/new.c"))
    );
}

#[test]
fn rpkg_templates_are_rendered_with_their_archives() {
    let repo = TestRepo::new();
    repo.git(&["remote", "add", "origin", "https://example.org/hello.git"]);
    repo.write("rpkg.conf", "[rpkg]\nauto_pack = True\n");
    repo.write("main.c", "");
    repo.write(
        "hello.spec.rpkg",
        "Name: {{{ git_dir_name }}}\nVersion: {{{ git_dir_version lead=3 }}}\nSource: {{{ git_dir_pack }}}\n%prep\n{{{ git_dir_setup_macro }}}\n",
    );
    let id = repo.commit("one");
    let (prepared, _staging) = run(&of(&repo)).unwrap();
    assert_eq!(prepared.spec.file_name().unwrap(), "hello.spec");
    let version = format!("3.0.git.1.{}", &id[..8]);
    assert_eq!(prepared.expanded.version, version);
    assert!(
        names(&prepared.source_dir.join(format!("hello-{version}.tar.gz")))
            .contains(&"hello/main.c".to_owned())
    );
}

#[test]
fn snapshots_are_versions_of_their_own() {
    let repo = upstream();
    let id = repo.commit("more");
    let mut request = of(&repo);
    request.snapshot = true;
    let (prepared, _staging) = run(&request).unwrap();
    let version = format!("2.1^20200913git{}", &id[..7]);
    assert_eq!(prepared.expanded.version, version);
    let archive = prepared.source_dir.join(format!("hello-{version}.tar.gz"));
    assert!(names(&archive).contains(&format!("hello-{version}/hello.c")));
    repo.git(&["tag", "v2.1"]);
    let (prepared, _staging) = run(&request).unwrap();
    assert_eq!(prepared.expanded.version, "2.1");
    assert!(
        prepared
            .notes
            .iter()
            .any(|note| note.contains("tagged `v2.1`"))
    );
}

#[test]
fn counted_releases_are_the_targets_business() {
    let repo = upstream();
    repo.write(
        "packaging/hello.spec",
        SPEC.replace("Release: 1", "Release: %autorelease"),
    );
    repo.commit("count");
    let staging = tempfile::tempdir().unwrap();
    let prepared = with(&of(&repo), staging.path(), None, Some(&mut runner())).unwrap();
    assert_eq!(prepared.expanded.release, "7");
    let staging = tempfile::tempdir().unwrap();
    let mut without = HostRunner {
        autospec: false,
        ..runner()
    };
    // Nobody can count then, and `%autorelease` must not be what the release is called.
    let error = with(&of(&repo), staging.path(), None, Some(&mut without)).unwrap_err();
    assert!(error.to_string().contains("%autorelease"), "{error}");
    assert!(error.hints()[0].0.contains("rpmautospec"), "{error}");
    let defined = SPEC.replace("Release: 1", "Release: 3");
    repo.write(
        "packaging/hello.spec",
        format!("{defined}# %autorelease\n%changelog\n%autochangelog\n"),
    );
    repo.commit("a macro of the target's");
    let staging = tempfile::tempdir().unwrap();
    let prepared = with(&of(&repo), staging.path(), None, Some(&mut without)).unwrap();
    assert!(
        prepared
            .notes
            .iter()
            .any(|note| note.contains("no rpmautospec"))
    );

    let clone = TestRepo::empty();
    let url = format!("file://{}", repo.path().display());
    clone.git(&["clone", "-q", "--depth=1", &url, "."]);
    let notes = explain(&of(&clone)).unwrap().notes;
    assert!(notes[0].contains("git fetch --unshallow"), "{notes:?}");
}

/// Serves one content for every URL.
struct Always(&'static [u8]);

impl Download for Always {
    fn download(
        &self,
        _: &str,
        dest: &Path,
        expected: Option<&rpmkit_types::Checksum>,
    ) -> Result<rpmkit_types::Checksum, ScmError> {
        let kind = expected.map_or(rpmkit_types::ChecksumKind::Sha512, |expected| expected.kind);
        let mut hasher = rpmkit_types::Hasher::new(kind);
        hasher.update(self.0);
        fs::write(dest, self.0).unwrap();
        Ok(hasher.finish())
    }
}

#[test]
fn urls_are_fetched_when_asked_for_and_remembered() {
    let repo = TestRepo::new();
    repo.write("hello.spec", SPEC);
    repo.write("hello.conf", "");
    repo.write("fix.patch", "");
    repo.commit("one");
    let staging = tempfile::tempdir().unwrap();
    let mut request = of(&repo);
    assert!(matches!(
        run(&request),
        Err(SrpmError::MissingSources { .. })
    ));
    request.get_sources = true;
    let go = |request: &SourceRequest, download: &dyn Download| {
        let _ = fs::remove_dir_all(staging.path().join("staging"));
        made(request, staging.path(), None, None, download)
    };
    let SourceOutcome::Sources(prepared) = go(&request, &Always(b"tarball")).unwrap() else {
        panic!("no sources");
    };
    assert_eq!(prepared.sources[0].origin, SourceOrigin::Url);
    assert_eq!(fs::read(&prepared.sources[0].path).unwrap(), b"tarball");
    // The second time needs neither the option nor a network.
    request.get_sources = false;
    go(&request, &NoNetwork).unwrap();
}

#[test]
fn listed_sources_come_from_the_lookaside() {
    let repo = TestRepo::new();
    repo.git(&[
        "remote",
        "add",
        "origin",
        "https://src.fedoraproject.org/rpms/hello.git",
    ]);
    repo.write("hello.spec", SPEC);
    repo.write("hello.conf", "");
    repo.write("fix.patch", "");
    repo.write(".gitignore", "*.tar.gz\n");
    let mut hasher = rpmkit_types::Hasher::new(rpmkit_types::ChecksumKind::Sha512);
    hasher.update(b"tarball");
    repo.write(
        "sources",
        format!("SHA512 (hello-2.1.tar.gz) = {}\n", hasher.finish().hex),
    );
    repo.commit("one");
    // What lies about is stale.
    repo.write("hello-2.1.tar.gz", "old");
    let staging = tempfile::tempdir().unwrap();
    let SourceOutcome::Sources(prepared) =
        made(&of(&repo), staging.path(), None, None, &Always(b"tarball")).unwrap()
    else {
        panic!("no sources");
    };
    assert_eq!(prepared.sources[0].origin, SourceOrigin::Lookaside);
    assert!(prepared.notes[0].contains("is not what `sources` lists"));
    assert_eq!(fs::read(&prepared.sources[0].path).unwrap(), b"tarball");
    repo.write("hello-2.1.tar.gz", "tarball");
    let (prepared, _staging) = run(&of(&repo)).unwrap();
    assert!(matches!(
        prepared.sources[0].origin,
        SourceOrigin::Directory(_)
    ));
}

#[test]
fn explaining_names_everything_found() {
    let repo = upstream();
    repo.write(".copr/Makefile", "srpm:\n");
    repo.write(".packit.yaml", "specfile_path: packaging/hello.spec\n");
    repo.write(".tito/tito.props", "");
    repo.commit("conventions");
    let explanation = explain(&of(&repo)).unwrap();
    let found: Vec<_> = explanation
        .found
        .iter()
        .map(|found| found.convention)
        .collect();
    assert_eq!(
        found,
        [Convention::Packit, Convention::Copr, Convention::Tito]
    );
    // Without actions packit only names the spec.
    assert_eq!(explanation.followed, Convention::Copr);
    assert_eq!(
        explanation.reason,
        "it comes before tito; .packit.yaml has no actions for an SRPM"
    );
    assert_eq!(explanation.specs, [PathBuf::from("packaging/hello.spec")]);
    let empty = TestRepo::new();
    empty.commit("nothing");
    assert_eq!(explain(&of(&empty)).unwrap().notes, ["there is no spec"]);
}
