//! Mistakes: a clear message, mock's exit code, nothing lost, nothing left.

use rpmkit_tests::{World, somebody};

const SPEC: &str = "Name: x\nVersion: 1\nRelease: 1\nSummary: x\nLicense: MIT\nBuildArch: noarch\n\
                    %description\nx\n%files\n";

fn build_in(world: &World, dir: &str) -> rpmkit_tests::Ran {
    world.rpmkit(&["build", &world.path(dir).display().to_string()])
}

#[test]
fn a_tree_without_a_spec_is_refused() {
    let world = World::of(&somebody());
    world.write("empty/README", "nothing here\n");
    build_in(&world, "empty")
        .expect(50)
        .says(&["spec", "hint:"]);
}

#[test]
fn a_tree_with_two_specs_is_refused() {
    let world = World::of(&somebody());
    world.write("two/a.spec", SPEC);
    world.write("two/b.spec", SPEC);
    build_in(&world, "two")
        .expect(50)
        .says(&["a.spec", "b.spec", "--spec"]);
}

#[test]
fn a_spec_that_does_not_parse_names_its_line() {
    let world = World::of(&somebody());
    world.write("bad/x.spec", &format!("{SPEC}%if 1\n"));
    let ran = build_in(&world, "bad").says(&["x.spec"]);
    assert_ne!(ran.code, 0);
}

#[test]
fn a_missing_source_is_named() {
    let world = World::of(&somebody());
    let spec = SPEC.replace("BuildArch", "Source7: gone.tar.gz\nBuildArch");
    world.write("gone/x.spec", &spec);
    let ran = build_in(&world, "gone").says(&["gone.tar.gz"]);
    assert_ne!(ran.code, 0);
}

#[test]
fn an_unknown_chroot_is_a_configuration_error() {
    let world = World::of(&somebody());
    world.write("ok/x.spec", SPEC);
    let dir = world.path("ok").display().to_string();
    world
        .run("rpmkit", &["build", "-r", "no-such-chroot", dir.as_str()])
        .expect(3)
        .says(&["no-such-chroot"]);
}

#[test]
fn unresolvable_requirements_say_who_wants_what() {
    let world = World::of(&somebody());
    let spec = SPEC.replace("BuildArch", "BuildRequires: no-such-thing-devel\nBuildArch");
    world.write("unres/x.spec", &spec);
    build_in(&world, "unres")
        .expect(30)
        .says(&["no-such-thing-devel"]);
}

#[test]
fn mocks_face_names_what_nobody_provides_on_stderr_and_in_root_log() {
    let world = World::of(&somebody());
    let spec = SPEC.replace("BuildArch", "BuildRequires: no-such-devel >= 3\nBuildArch");
    let spec = world.write("mock/x.spec", &spec).display().to_string();
    let results = world.path("mock-results");
    let sources = world.path("mock").display().to_string();
    let what = "No matching package to install: 'no-such-devel >= 3' (required by x-1-1.src.rpm)";
    world
        .mock(&[
            "--resultdir",
            &results.display().to_string(),
            "--rebuild",
            "--spec",
            &spec,
            "--sources",
            &sources,
        ])
        .expect(30)
        .says(&[what]);
    let log = std::fs::read_to_string(results.join("root.log")).unwrap();
    assert_eq!(log.matches(what).count(), 1, "{log}");
}

#[test]
fn what_is_no_source_package_is_refused() {
    let world = World::of(&somebody());
    let path = world.write(
        "x-1-1.src.rpm",
        "this is no package, only some text in its place",
    );
    world
        .rpmkit(&["build", &path.display().to_string()])
        .expect(40)
        .says(&["x-1-1.src.rpm"]);
}

#[test]
fn a_path_that_is_not_there_is_refused() {
    let world = World::of(&somebody());
    world
        .rpmkit(&["build", "/no/such/place"])
        .expect(50)
        .says(&["/no/such/place"]);
}

#[test]
fn an_unknown_option_is_an_argument_error() {
    let world = World::of(&somebody());
    world.rpmkit(&["build", "--no-such-option"]).expect(2);
}
