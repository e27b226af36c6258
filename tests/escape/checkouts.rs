//! Hostile checkouts, specs and configurations.

use std::{fs, os::unix::fs::PermissionsExt, os::unix::fs::symlink, path::Path};

use rpmkit_tests::{Ran, World, chroot, everybody, finish, stage};

use crate::victim::Victim;

fn spec(extra: &str) -> String {
    format!(
        "Name: x\nVersion: 1\nRelease: 1\nSummary: x\nLicense: MIT\nBuildArch: noarch\n{extra}\
         %description\nx\n%files\n"
    )
}

fn build(world: &World, tree: &Path) -> Ran {
    world.rpmkit(&["build", &tree.display().to_string()])
}

fn executable(world: &World, path: &str, text: &str) {
    let path = world.write(path, text);
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn sources_and_specs_that_lead_out() {
    for who in everybody() {
        let world = World::of(&who);
        let victim = Victim::new(&world);
        let secret = victim.secret();
        let tree = world.path("tree");
        world.write("tree/x.spec", &spec("Source0: leak\n"));
        symlink(&secret, tree.join("leak")).unwrap();
        world.commit(&tree);
        // Clean, and dirty.
        for _ in 0..2 {
            let ran = build(&world, &tree);
            assert_ne!(ran.code, 0, "{}", ran.stderr);
            victim.is_safe(&ran, &tree.join("results"));
            world.write("tree/more", "");
        }
        for line in [
            format!("Source0: file://{}\n", secret.display()),
            format!("Source0: {}\n", secret.display()),
            "Source0: ../home/secret\n".to_owned(),
        ] {
            world.write("tree/x.spec", &spec(&line));
            for more in [&[][..], &["--get-sources"]] {
                let path = tree.display().to_string();
                let ran = world.rpmkit(&[&["build", &path][..], more].concat());
                victim.is_safe(&ran, &tree.join("results"));
            }
        }
        fs::remove_file(tree.join("x.spec")).unwrap();
        symlink(&secret, tree.join("x.spec")).unwrap();
        let ran = build(&world, &tree);
        assert_ne!(ran.code, 0);
        victim.is_safe(&ran, &tree.join("results"));
    }
}

#[test]
fn macros_of_a_spec_run_in_the_chroot_only() {
    for who in everybody() {
        let world = World::of(&who);
        let victim = Victim::new(&world);
        let (secret, trace) = (victim.secret(), victim.trace());
        let macros = format!(
            "%define a %(touch {0}; cat {1})\n%{{lua: local f = io.open('{0}', 'w'); if f then f:close() end}}\n",
            trace.display(),
            secret.display()
        );
        let tree = world.path("tree");
        world.write(
            "tree/x.spec",
            &format!("{macros}{}", spec("Provides: y(%{a}z)\n")),
        );
        world.commit(&tree);
        let ran = build(&world, &tree);
        victim.is_safe(&ran, &tree.join("results"));
    }
}

#[test]
fn vendoring_runs_nothing_of_the_checkout_on_the_host() {
    for who in everybody() {
        let world = World::of(&who);
        let victim = Victim::new(&world);
        let tree = world.path("tree");
        world.write(
            "tree/x.spec",
            &spec("Source0: x-1.tar.gz\nSource1: x-1-vendor.tar.gz\n"),
        );
        world.write(
            "tree/Cargo.toml",
            "[package]\nname = 'x'\nversion = '1.0.0'\nedition = '2021'\n",
        );
        world.write("tree/src/main.rs", "fn main() {}\n");
        world.write(
            "tree/rust-toolchain.toml",
            "[toolchain]\npath = '/proc/self/cwd/tc'\n",
        );
        executable(&world, "tree/tc/bin/cargo", &victim.program());
        executable(&world, "tree/evil.sh", &victim.program());
        let config = "[registry]\nglobal-credential-providers = ['/proc/self/cwd/evil.sh']\n";
        world.write("tree/.cargo/config.toml", config);
        world.commit(&tree);
        let ran = world
            .rpmkit(&["srpm", &tree.display().to_string()])
            .expect(0);
        victim.is_safe(&ran, &tree.join("results"));
        assert!(
            ran.stderr.contains("`cargo vendor` makes it"),
            "{}",
            ran.stderr
        );
        // A compiler of its own spoils the project's own chroot, and nothing else.
        let config = format!("[build]\nrustc = '/proc/self/cwd/evil.sh'\n{config}");
        world.write("tree/.cargo/config.toml", &config);
        let ran = world.rpmkit(&["srpm", &tree.display().to_string()]);
        victim.is_safe(&ran, &tree.join("results"));
    }
}

#[test]
fn commands_of_a_project_stay_in_the_chroot() {
    for who in everybody() {
        let world = World::of(&who);
        let victim = Victim::new(&world);
        let secret = victim.secret().display().to_string();
        for (name, file, text) in [
            (
                "prints",
                "packit.yaml",
                format!(
                    "specfile_path: x.spec\nactions:\n  create-archive: echo ../../../../../..{secret}\n"
                ),
            ),
            (
                "links",
                "packit.yaml",
                format!(
                    "specfile_path: x.spec\nactions:\n  create-archive:\n  - ln -s {secret} x-1.tar.gz\n  - echo x-1.tar.gz\n"
                ),
            ),
            (
                "respecs",
                "packit.yaml",
                format!(
                    "specfile_path: x.spec\nactions:\n  fix-spec-file: ln -sf {secret} x.spec\n"
                ),
            ),
            (
                "makes",
                ".copr/Makefile",
                format!(
                    "srpm:\n\ttouch {}; ln -s {secret} $(outdir)/leak.src.rpm\n",
                    victim.trace().display()
                ),
            ),
            (
                "moves",
                ".copr/Makefile",
                format!(
                    "srpm:\n\tcd /builddir/build && mv OUT gone && ln -s {} OUT\n",
                    world.path("home").display()
                ),
            ),
        ] {
            let tree = world.path(name);
            world.write(&format!("{name}/x.spec"), &spec("Source0: x-1.tar.gz\n"));
            world.write(&format!("{name}/{file}"), &text);
            world.commit(&tree);
            let ran = build(&world, &tree);
            victim.is_safe(&ran, &tree.join("results"));
            assert_ne!(ran.code, 0, "{name}: {}", ran.stderr);
        }
    }
}

#[test]
fn programs_of_a_trees_git_configuration_are_not_run() {
    for who in everybody() {
        let world = World::of(&who);
        let victim = Victim::new(&world);
        let tree = world.path("tree");
        world.write("tree/x.spec", &spec("Source0: a.txt\n"));
        world.write("tree/a.txt", "a\n");
        world.write("tree/.gitattributes", "*.txt filter=evil diff=evil\n");
        executable(&world, "tree/evil.sh", &victim.program());
        world.commit(&tree);
        let evil = tree.join("evil.sh").display().to_string();
        let config = format!(
            "[core]\n\trepositoryformatversion = 0\n\tfsmonitor = {evil}\n\thooksPath = {0}\n\tsshCommand = {evil}\n\
             \tpager = {evil}\n\teditor = {evil}\n[filter \"evil\"]\n\tclean = {evil}\n\tsmudge = {evil}\n\
             \tprocess = {evil}\n\trequired = true\n[diff]\n\texternal = {evil}\n[credential]\n\thelper = !{evil}\n\
             [remote \"origin\"]\n\turl = ext::{evil}\n\tuploadpack = {evil}\n",
            tree.display()
        );
        world.write("tree/.git/config", &config);
        for name in [
            "post-checkout",
            "post-index-change",
            "reference-transaction",
        ] {
            executable(
                &world,
                &format!("tree/.git/hooks/{name}"),
                &victim.program(),
            );
        }
        // Clean, and dirty.
        for _ in 0..2 {
            let ran = build(&world, &tree).expect(0);
            victim.is_safe(&ran, &tree.join("results"));
            world.write("tree/a.txt", "b\n");
        }
    }
}

#[test]
fn a_project_file_brings_no_chroot() {
    for who in everybody() {
        let world = World::of(&who);
        let victim = Victim::new(&world);
        let tree = world.path("tree");
        world.write("tree/x.spec", &spec(""));
        let base = stage().join("conf").join(format!("{}.toml", chroot()));
        let evil = format!(
            "extends = \"{}\"\n[plugin_conf]\nsign_enable = true\nsign_opts.cmd = \"touch {}; true\"\n",
            base.display(),
            victim.trace().display()
        );
        world.write("tree/evil.toml", &evil);
        world.write("tree/conf/evil.toml", &evil);
        world.commit(&tree);
        for chosen in [
            "./evil.toml",
            "evil.toml",
            "conf/evil",
            "../tree/evil.toml",
            ".evil",
        ] {
            let text = format!("chroots = [\"{chosen}\"]\n");
            world.write("tree/rpmkit.toml", &text);
            for dir in [tree.clone(), tree.join("conf")] {
                let mut command = world.command("rpmkit");
                command
                    .args(["build", "--configdir"])
                    .arg(stage().join("conf"));
                command.current_dir(dir).arg(&tree);
                let ran = finish(command);
                assert_ne!(ran.code, 0, "{chosen}: {}", ran.stderr);
                victim.is_safe(&ran, &tree.join("results"));
            }
        }
        // Nor does one that lies above, where everybody may write.
        let above = world.path("shared");
        fs::create_dir(&above).unwrap();
        fs::set_permissions(&above, fs::Permissions::from_mode(0o1777)).unwrap();
        world.write("shared/rpmkit.toml", "chroots = [\"evil\"]\n");
        world.write("shared/tree/x.spec", &spec(""));
        let ran = build(&world, &above.join("tree")).expect(0);
        victim.is_safe(&ran, &above.join("tree/results"));
    }
}
