//! Conventions of trees: what is found, what is followed, and why.

use super::*;

#[test]
fn packits_actions_may_make_the_spec() {
    let repo = TestRepo::new();
    repo.write("main.c", "");
    repo.write("x.spec.in", "Name: x\nVersion: 1\nSource0: x-1.tar.gz\n");
    repo.write(
        "packit.yaml",
        "specfile_path: ./gen/x.spec\nactions:\n  post-upstream-clone: mkdir gen; cp x.spec.in gen/x.spec\n",
    );
    repo.write("tests/other.spec", "Name: other\nVersion: 1\n");
    repo.write(".copr/Makefile", "srpm:\n");
    repo.commit("one");
    let staging = tempfile::tempdir().unwrap();
    let mut root = runner();
    let prepared = with(&of(&repo), staging.path(), None, Some(&mut root)).unwrap();
    assert_eq!(prepared.expanded.name, "x");
    assert!(names(&prepared.sources[0].path).contains(&"x-1/main.c".to_owned()));
    let explanation = explain(&of(&repo)).unwrap();
    assert_eq!(explanation.followed, Convention::Packit);
    assert_eq!(explanation.reason, "it comes before copr");
    assert_eq!(explanation.notes, ["packit's actions make `gen/x.spec`"]);

    repo.write(
        "packit.yaml",
        "specfile_path: no.spec\nactions:\n  post-upstream-clone: 'true'\n",
    );
    repo.commit("two");
    let staging = tempfile::tempdir().unwrap();
    let error = with(&of(&repo), staging.path(), None, Some(&mut root)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "packit's actions ran, and there is still no spec file `no.spec`"
    );
}

#[test]
fn a_packages_actions_run_in_its_directory() {
    let repo = TestRepo::new();
    repo.write("one/one.spec", "Name: one\nVersion: 1\n");
    repo.write("two/two.spec", "Name: two\nVersion: 0\n");
    repo.write(
        "packit.yaml",
        "packages:\n  one: {paths: [one], specfile_path: one.spec}\n  two:\n    paths: [two]\n    \
         specfile_path: two.spec\n    actions: {fix-spec-file: 'sed -i s/0/7/ two.spec'}\n",
    );
    repo.commit("one");
    let several = run(&of(&repo)).unwrap_err();
    assert!(
        matches!(several, SrpmError::SeveralSpecs { .. }),
        "{several}"
    );
    let mut request = of(&repo);
    request.spec = Some("two/two.spec".into());
    let staging = tempfile::tempdir().unwrap();
    let prepared = with(&request, staging.path(), None, Some(&mut runner())).unwrap();
    assert_eq!(prepared.expanded.version, "7");
    request.spec = Some("one/one.spec".into());
    let explanation = explain(&request).unwrap();
    assert_eq!(explanation.followed, Convention::Plain);
    assert!(
        explanation
            .reason
            .ends_with("packit.yaml has no actions for an SRPM"),
        "{}",
        explanation.reason
    );
}

/// A repository as those of CentOS Linux, Rocky and Alma are.
fn centos(spec: &str) -> TestRepo {
    let repo = TestRepo::new();
    repo.write("SPECS/x.spec", spec);
    repo.write("SOURCES/fix.patch", "--- a\n");
    repo.write("SOURCES/unused.py", "");
    // The SHA-1 of `tarball`.
    repo.write(
        ".x.metadata",
        "e10f6e70661d167ef514ab6e6d98607438c6a8c6 SOURCES/x-1.tar.gz\n",
    );
    repo.write("SPECS/x-extra.spec", "Name: extra\nVersion: 1\n");
    repo.commit("one");
    repo
}

const CENTOS: &str = "Name: x\nVersion: 1\nSource0: x-1.tar.gz\nPatch0: fix.patch\n";

#[test]
fn metadata_files_list_what_the_lookaside_cache_has() {
    let repo = centos(CENTOS);
    let explanation = explain(&of(&repo)).unwrap();
    assert_eq!(explanation.followed, Convention::DistGit);
    assert_eq!(explanation.found[0].file, Path::new(".x.metadata"));
    let error = run(&of(&repo)).unwrap_err().to_string();
    assert!(error.contains(".x.metadata"), "{error}");
    let mut request = of(&repo);
    request.lookaside = Some("https://example.org/{hash}".to_owned());
    let staging = tempfile::tempdir().unwrap();
    let SourceOutcome::Sources(prepared) =
        made(&request, staging.path(), None, None, &Always(b"tarball")).unwrap()
    else {
        panic!("no sources");
    };
    assert_eq!(prepared.expanded.name, "x");
    assert_eq!(prepared.sources[0].origin, SourceOrigin::Lookaside);
    assert_eq!(prepared.sources[1].origin, SourceOrigin::Tree);
}

#[test]
fn packaging_files_are_no_project() {
    // Nothing lists Source0, and scripts in SOURCES are no reason to make it up.
    let repo = centos(&CENTOS.replace("x-1", "y-1"));
    let error = run(&of(&repo)).unwrap_err();
    assert!(matches!(error, SrpmError::MissingSources { .. }), "{error}");

    let repo = TestRepo::new();
    repo.write(
        "x.spec",
        "Name: x\nVersion: 1%{?f:@BUILD_FLAVOR@}\nSource0: x-1.tar.xz\n",
    );
    repo.write("x.changes", "");
    repo.write("x.keyring", "");
    repo.write(
        "_multibuild",
        "<multibuild><flavor>test</flavor></multibuild>",
    );
    repo.write(
        "_service",
        "<services>\n<service name=\"obs_scm\" mode='manual'>\n</service></services>",
    );
    repo.commit("one");
    let error = run(&of(&repo)).unwrap_err();
    assert!(matches!(error, SrpmError::MissingSources { .. }), "{error}");
    let notes = explain(&of(&repo)).unwrap().notes.join("\n");
    for part in [
        "`_service` is not run (obs_scm)",
        "names test",
        "`x.changes`",
    ] {
        assert!(notes.contains(part), "{notes}");
    }
    repo.write("x-1.tar.xz", "");
    let (prepared, _staging) = run(&of(&repo)).unwrap();
    let text = fs::read_to_string(&prepared.spec).unwrap();
    assert!(text.contains("Version: 1%{?f:}"), "{text}");
}

#[test]
fn included_files_of_the_tree_are_put_into_the_spec() {
    let repo = TestRepo::new();
    repo.write(
        "pkg/x.spec",
        "Name: x\n%include head.inc\n%include %{SOURCE1}\n%include ../no\n",
    );
    repo.write("pkg/head.inc", "Version: 3\n%include more.inc");
    repo.write("pkg/more.inc", "%include more.inc\nRelease: 1\n");
    repo.commit("one");
    let (prepared, _staging) = run(&of(&repo)).unwrap();
    assert_eq!(prepared.expanded.version, "3");
    let text = fs::read_to_string(&prepared.spec).unwrap();
    assert!(
        text.contains("%include %{SOURCE1}\n%include ../no\n"),
        "{text}"
    );
    assert!(text.len() < 1000, "{}", text.len());
}

#[test]
fn rpkg_macros_of_the_tree_run_in_the_build_root() {
    let repo = TestRepo::new();
    repo.git(&["remote", "add", "origin", "https://example.org/hello.git"]);
    repo.write("VERSION", "4.5\n");
    repo.write("src/main.c", "");
    repo.write(
        "rpkg.conf",
        "[rpkg]\nuser_macros = \"${git_props:root}/rpkg.macros\"\n",
    );
    repo.write(
        "rpkg.macros",
        "function package_version {\n  output \"$(cat VERSION)\"\n}\nlong_name() { echo \"$(git_name)-$1\"; }\n",
    );
    let spec = "Name: {{{ long_name tool }}}\nVersion: {{{ package_version }}}\n\
        Source0: {{{ git_pack path=$(git rev-parse --show-toplevel)/src source_name=x.tar.gz dir_name=x }}}\n";
    repo.write("x.spec.rpkg", spec);
    repo.commit("one");
    let staging = tempfile::tempdir().unwrap();
    let prepared = with(&of(&repo), staging.path(), None, Some(&mut runner())).unwrap();
    assert_eq!(prepared.expanded.name, "hello-tool");
    assert_eq!(prepared.expanded.version, "4.5");
    let names = names(&prepared.sources[0].path);
    assert!(names.contains(&"x/main.c".to_owned()), "{names:?}");

    let error = run(&of(&repo)).unwrap_err();
    assert!(matches!(error, SrpmError::NoRunner { .. }), "{error}");
    repo.write("x.spec.rpkg", "Name: {{{ other_name }}}\n");
    repo.commit("two");
    let error = run(&of(&repo)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "spec `x.spec.rpkg` line 1: `other_name` is no macro that is known here"
    );
    let hints = format!("{:?}", error.hints());
    assert!(hints.contains("are defined in `rpkg.macros`"), "{hints}");
}
