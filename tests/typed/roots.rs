//! A chroot seen from outside, and its snapshots on mock's face.

use std::fs;

use rpmkit_tests::{Ran, World, everybody};

/// The path `--print-root-path` names.
fn root_path(world: &World) -> String {
    let ran: Ran = world.mock(&["--print-root-path"]);
    ran.stdout.trim_end().trim_end_matches('/').to_owned()
}

#[test]
fn the_root_is_where_it_is_said_to_be() {
    for who in everybody() {
        let world = World::of(&who);
        world.mock(&["--scrub=overlayfs"]).expect(0);
        world.mock(&["--init"]).expect(0);
        let make = "echo one > /etc/seen; echo two > /builddir/seen";
        world.mock(&["--chroot", make]).expect(0);
        let root = root_path(&world);
        let read = |path: &str| fs::read_to_string(format!("{root}{path}")).unwrap_or_default();
        assert_eq!(read("/etc/seen"), "one\n", "{who:?}");
        assert_eq!(read("/builddir/seen"), "two\n", "{who:?}");
        // What is there follows the chroot, also after a failure.
        world
            .mock(&["--chroot", "echo more > /etc/seen; false"])
            .expect(1);
        let again = root_path(&world);
        assert_eq!(again, root, "{who:?}");
        assert_eq!(read("/etc/seen"), "more\n", "{who:?}");

        world.mock(&["--mount"]).expect(0);
        assert_eq!(read("/etc/seen"), "more\n", "{who:?}");
        for refused in [
            ["--chroot", "true"].as_slice(),
            &["--snapshot", "a"],
            &["--mount"],
            &["--clean"],
        ] {
            let ran = world.mock(refused);
            assert!(ran.stderr.contains("is mounted at"), "{}", ran.stderr);
            ran.expect(1);
        }
        world.mock(&["--umount"]).expect(0);
        world.mock(&["--umount"]).expect(0);
        world.mock(&["--chroot", "true"]).expect(0);
        world.mock(&["--scrub=all"]).expect(0);
        assert!(!fs::exists(&root).unwrap_or(true), "{who:?}: {root}");
    }
}

#[test]
fn snapshots_are_marked_as_mock_marks_them() {
    for who in everybody() {
        let world = World::of(&who);
        let list = || world.mock(&["--list-snapshots"]).stdout;
        world.mock(&["--scrub=overlayfs"]).expect(0);
        assert_eq!(list(), "");
        world.mock(&["--init"]).expect(0);
        assert_eq!(list(), "* postinit\n");
        world.mock(&["--snapshot", "a"]).expect(0);
        world.mock(&["--snapshot", "b"]).expect(0);
        assert_eq!(list(), "* a\n* b\n  postinit\n");
        world.mock(&["--snapshot", "a"]).expect(1);
        world.mock(&["--snapshot"]).expect(50);
        world.mock(&["--snapshot", ".a"]).expect(1);
        world.mock(&["--rollback-to", "none"]).expect(1);
        world.mock(&["--remove-snapshot", "none"]).expect(1);
        world.mock(&["--remove-snapshot", "a"]).expect(0);
        world.mock(&["--rollback-to", "postinit"]).expect(0);
        assert_eq!(list(), "  b\n* postinit\n");
        // Switched off by name, there are none.
        let off = world.mock(&["--disable-plugin", "overlayfs", "--snapshot", "c"]);
        assert!(
            off.stderr
                .contains("is not provided by any of enabled plugins")
        );
        off.expect(1);
        // In a place of its own the configuration has its own.
        let base = world.path("base").display().to_string();
        let option = format!("overlayfs:base_dir={base}");
        let there = ["--enable-plugin", "overlayfs", "--plugin-option", &option];
        let elsewhere = |args: &[&str]| world.mock(&[there.as_slice(), args].concat());
        fs::create_dir(&base).expect("the world is writable");
        world.own(base.as_ref());
        assert_eq!(elsewhere(&["--list-snapshots"]).stdout, "");
        elsewhere(&["--init"]).expect(0);
        assert_eq!(elsewhere(&["--list-snapshots"]).stdout, "* postinit\n");
        elsewhere(&["--scrub=overlayfs"]).expect(0);
        assert_eq!(fs::read_dir(&base).map_or(9, Iterator::count), 0);
        assert_eq!(list(), "  b\n* postinit\n");
        world
            .mock(&["--enable-plugin", "overlayfs", "--snapshot", "c"])
            .expect(1);
        world.mock(&["--scrub=overlayfs"]).expect(0);
    }
}

/// Copr's method "custom source", command for command, but that its last one goes by `--unpriv` where nobody can be become.
#[test]
fn copr_makes_sources_by_a_script_in_the_chroot() {
    for who in everybody() {
        let world = World::of(&who);
        let script = world.write(
            "script",
            "#!/bin/sh\nid -un > made; cat hook_payload >> made\n",
        );
        let payload = world.write("payload", "hook\n");
        let at = |path: &std::path::Path| path.display().to_string();
        world.mock(&["--init"]).expect(0);
        world.mock(&["--copyin", &at(&script), "/script"]).expect(0);
        let setup = "set -ex; chmod a+x /script; rm -rf /workdir; mkdir -p /workdir; chown mockbuild /workdir;";
        world.mock(&["--chroot", setup]).expect(0);
        world
            .mock(&["--copyin", &at(&payload), "/workdir/hook_payload"])
            .expect(0);
        world
            .mock(&["--shell", "chmod a+r /workdir/hook_payload"])
            .expect(0);
        let run = "set -xe; cd /workdir; COPR_RESULTDIR=/workdir /script";
        let become_user = format!("su - mockbuild -c '{run}'");
        let ran = world.mock(&["--chroot", &become_user]);
        if ran.code != 0 {
            assert_ne!(who.name, "root", "{}", ran.stderr);
            assert_ne!(who.name, "sub", "{}", ran.stderr);
            ran.says(&["without subordinate ids", "--unpriv"]);
            world.mock(&["--unpriv", "--chroot", run]).expect(0);
        }
        let out = world.path("srcdir");
        world.mock(&["--copyout", "/workdir", &at(&out)]).expect(0);
        let made = fs::read_to_string(out.join("made")).unwrap();
        assert_eq!(made, "mockbuild\nhook\n");
        world.mock(&["--clean"]).expect(0);
    }
}
