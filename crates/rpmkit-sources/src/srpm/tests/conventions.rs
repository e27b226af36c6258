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
