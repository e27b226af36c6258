//! Source packages of odd kinds, and checkouts that would like to be more than a choice.

use std::{fs, path::Path};

use rpmkit_tests::{World, chroot, everybody, somebody};

fn spec(name: &str, version: &str, sources: &str) -> String {
    format!(
        "Name: {name}\nVersion: {version}\nRelease: 1\nSummary: x\nLicense: MIT\n{sources}BuildArch: noarch\n\
         %description\nx\n%files\n"
    )
}

/// Names of packages below a directory, sorted.
fn packages(dir: &Path) -> Vec<String> {
    let mut found: Vec<String> = walkdir::WalkDir::new(dir)
        .into_iter()
        .filter_map(Result::ok)
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".rpm"))
        .collect();
    found.sort();
    found
}

/// Runs mock's `--rebuild`, or another mode, on a spec and the directory `sources`.
fn from_spec(world: &World, mode: &str, spec: &Path, out: &Path) {
    let text = |path: &Path| path.display().to_string();
    let (spec, sources, out) = (text(spec), text(&world.path("sources")), text(out));
    world
        .mock(&[
            mode,
            "--spec",
            &spec,
            "--sources",
            &sources,
            "--resultdir",
            &out,
        ])
        .expect(0);
}

#[test]
fn the_marked_spec_is_built() {
    let world = World::of(&somebody());
    world.write("sources/a-template.spec", &spec("template", "9", ""));
    let real = world.write(
        "zreal.spec",
        &spec("real", "1", "Source0: a-template.spec\n"),
    );
    let made = world.path("made");
    from_spec(&world, "--buildsrpm", &real, &made);
    let srpm = made.join("real-1-1.src.rpm").display().to_string();
    let out = world.path("out");
    world
        .mock(&[
            "--rebuild",
            &srpm,
            "--resultdir",
            &out.display().to_string(),
        ])
        .expect(0);
    assert_eq!(packages(&out), ["real-1-1.noarch.rpm", "real-1-1.src.rpm"]);
}

#[test]
fn sources_may_be_left_out() {
    let text = spec("x", "1", "Source0: a\nSource1: blob\nNoSource: 1\n");
    let all = ["x-1-1.noarch.rpm", "x-1-1.nosrc.rpm"];
    for who in everybody() {
        let world = World::of(&who);
        world.write("sources/a", "");
        let blob = world.write("sources/blob", "");
        let file = world.write("x.spec", &text);
        let out = world.path("out");
        from_spec(&world, "--rebuild", &file, &out);
        assert_eq!(packages(&out), all);

        world.write("tree/x.spec", &text);
        world.write("tree/a", "");
        world.write("tree/blob", "");
        world.commit(&world.path("tree"));
        let tree = world.path("tree").display().to_string();
        world.rpmkit(&["build", &tree]).expect(0);
        assert_eq!(packages(&world.path("tree/results")), all);

        let srpm = out.join("x-1-1.nosrc.rpm").display().to_string();
        let again = world.path("again");
        let (dir, beside) = (again.display().to_string(), blob.parent().unwrap());
        let beside = beside.display().to_string();
        world
            .rpmkit(&["build", &srpm, "--sources", &beside, "--resultdir", &dir])
            .expect(0);
        assert_eq!(packages(&again), all);
    }
}

#[test]
fn a_release_with_a_clock_gives_one_source_package() {
    let world = World::of(&somebody());
    fs::create_dir(world.path("sources")).unwrap();
    let clock = "Release: %(date +%%s%%N)";
    let file = world.write("c.spec", &spec("c", "1", "").replace("Release: 1", clock));
    let out = world.path("out");
    from_spec(&world, "--rebuild", &file, &out);
    let made = packages(&out);
    let sources = made.iter().filter(|name| name.ends_with(".src.rpm"));
    assert_eq!((made.len(), sources.count()), (2, 1), "{made:?}");
}

#[test]
fn a_checkout_brings_no_chroot_of_its_own() {
    for who in everybody() {
        let world = World::of(&who);
        let pwned = world.path("pwned");
        world.write("tree/x.spec", &spec("x", "1", ""));
        world.write("tree/rpmkit.toml", "\nchroots = [\"./evil.toml\"]\n");
        let sign = format!(
            "extends = \"{}\"\n[plugin_conf]\nsign_enable = true\nsign_opts.cmd = \"id > {}; true\"\n",
            chroot(),
            pwned.display()
        );
        world.write("tree/evil.toml", &sign);
        let tree = world.path("tree");
        world.commit(&tree);
        let mut command = world.command("rpmkit");
        command.arg("build").current_dir(&tree);
        rpmkit_tests::finish(command).expect(3).says(&[
            "rpmkit.toml:2: `./evil.toml`",
            "~/.config/rpmkit/",
            "`-r PATH`",
        ]);
        assert!(!pwned.exists());
        world.write("secret", "hunter2");
        world.write("tree/rpmkit.toml", "spec = \"../secret\"\n");
        let ran = world
            .rpmkit(&["build", &tree.display().to_string()])
            .says(&["rpmkit.toml:1: `../secret` leads out of the checkout"]);
        assert!(ran.code != 0 && !ran.stderr.contains("hunter2"));
    }
}
