//! Repositories that are signed, wrong, or gone.

use std::fs;

use rpmkit_tests::{World, chroot, somebody, stage};

const SPEC: &str = "Name: x\nVersion: 1\nRelease: 1\nSummary: x\nLicense: MIT\nBuildArch: noarch\n\
                    %description\nx\n%files\n";

/// The stage's chroot definition, changed.
fn with(world: &World, change: impl Fn(&str) -> String) -> String {
    let text = fs::read_to_string(stage().join("conf").join(format!("{}.toml", chroot()))).unwrap();
    let path = world.write("conf/changed.toml", &change(&text));
    path.display().to_string()
}

fn build(world: &World, definition: &str) -> rpmkit_tests::Ran {
    world.write("x/x.spec", SPEC);
    let dir = world.path("x").display().to_string();
    world.run("rpmkit", &["build", "-r", definition, dir.as_str()])
}

#[test]
fn signed_packages_and_metadata_are_accepted() {
    let world = World::alone(&somebody());
    let definition = with(&world, |text| text.to_owned());
    world.write("x/x.spec", SPEC);
    let dir = world.path("x").display().to_string();
    world
        .run(
            "rpmkit",
            &[
                "build",
                "-r",
                &definition,
                "--disablerepo",
                "testdist",
                "--enablerepo",
                "testdist-signed",
                &dir,
            ],
        )
        .expect(0);
}

#[test]
fn unsigned_packages_are_refused_where_signatures_are_asked_for() {
    let world = World::alone(&somebody());
    let definition = with(&world, |text| {
        text.replacen(
            "baseurl",
            "gpgcheck = 1\ngpgkey = \"file:///nowhere\"\nbaseurl",
            1,
        )
    });
    build(&world, &definition).expect(30).says(&["testdist"]);
}

#[test]
fn a_repository_that_is_gone_is_named() {
    let world = World::alone(&somebody());
    let definition = with(&world, |text| text.replace("/zst", "/no-such-repo"));
    build(&world, &definition)
        .expect(30)
        .says(&["no-such-repo"]);
}

#[test]
fn what_was_installed_unverified_is_not_reused_where_signatures_are_asked_for() {
    let world = World::alone(&somebody());
    let text = fs::read_to_string(stage().join("conf").join(format!("{}.toml", chroot()))).unwrap();
    let checked = text.replacen(
        "baseurl",
        "gpgcheck = 1\ngpgkey = \"file:///nowhere\"\nbaseurl",
        1,
    );
    let init = |name: &str, text: &str| {
        let path = world.write(&format!("conf/{name}.toml"), text);
        world.run(
            "rpmkit-mock",
            &["-r", &path.display().to_string(), "--init"],
        )
    };
    init("first", &checked).expect(30);
    init("first", &text).expect(0);
    // Neither in this configuration nor in another one.
    init("first", &checked).expect(30).says(&["/nowhere"]);
    init("second", &checked).expect(30).says(&["/nowhere"]);
    init("second", &text).expect(0);
}
