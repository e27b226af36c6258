//! The root of a chroot while others look into it and work in it, as callers of mock have it.

use std::{
    fs,
    path::Path,
    thread::sleep,
    time::{Duration, Instant},
};

use rpmkit_tests::{World, chroot, everybody, finish, procs, stage};

/// mock's own habit: `$CHROOT/var/tmp/x` from outside; kojid's: `root/chroot_tmpdir`, and the rpm database.
#[test]
fn the_root_takes_what_its_caller_puts_there() {
    for who in everybody() {
        let world = World::alone(&who);
        world.mock(&["--init"]).expect(0);
        let root = world.mock(&["--print-root-path"]).stdout;
        let root = root.trim_end().trim_end_matches('/').to_owned();
        let mut script = world.host("sh");
        script.args([
            "-ec",
            "cd \"$1\"; echo x > var/tmp/x; mkdir -p chroot_tmpdir/mine; echo y > chroot_tmpdir/mine/y; echo t > tmp/t; test -s var/lib/rpm/rpmdb.sqlite",
            "sh",
            &root,
        ]);
        finish(script).expect(0);
        let read = "cat /var/tmp/x y /tmp/t; stat -c %u y .; echo in > in";
        let ran = world.mock(&["-q", "--cwd", "/chroot_tmpdir/mine", "--chroot", read]);
        assert_eq!(ran.stdout, "x\ny\nt\n0\n0\n", "{who:?} {}", ran.stderr);
        // What a command does is seen at once, and the root is the same after the next one.
        world.mock(&["--chroot", "touch /etc/seen"]).expect(0);
        for made in ["chroot_tmpdir/mine/in", "etc/seen"] {
            assert!(Path::new(&root).join(made).exists(), "{who:?} {made}");
        }
        world.mock(&["--clean"]).expect(0);
        assert!(fs::symlink_metadata(&root).is_err(), "{root}");
        let cache = world.cache().display().to_string();
        assert!(procs::mounts_mentioning(&cache).is_empty());
    }
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(60), "{what}");
        sleep(Duration::from_millis(50));
    }
}

#[test]
fn others_work_in_the_root_that_runs() {
    for who in everybody() {
        let world = World::alone(&who);
        world.mock(&["--init"]).expect(0);
        let conf = stage().join("conf").display().to_string();
        let name = chroot();
        let long = "touch /tmp/up; while [ ! -e /tmp/stop ]; do sleep 0.1; done; rpm -q flex && cat /root/in";
        let mut child = world.start(
            "mock",
            &["--configdir", &conf, "-r", &name, "--chroot", long],
        );
        until("the first command's start", || {
            world.mock(&["--chroot", "test -e /tmp/up"]).code == 0
        });
        // Beside it: installed in place, copied in, and seen by both.
        world.mock(&["--install", "flex"]).expect(0);
        let file = world.write("in", "data\n");
        world
            .mock(&["--copyin", &file.display().to_string(), "/root/in"])
            .expect(0);
        world.mock(&["--clean"]).expect(60);
        world.mock(&["--shell", "touch /tmp/stop"]).expect(0);
        assert!(child.wait().unwrap().success(), "{who:?}");
        world.mock(&["--scrub=all"]).expect(0);
    }
}

#[test]
fn killing_everybody_leaves_a_chroot_that_works() {
    for who in everybody() {
        let world = World::alone(&who);
        world.mock(&["--init"]).expect(0);
        let conf = stage().join("conf").display().to_string();
        let name = chroot();
        for _ in 0..5 {
            let sleeps = ["--configdir", &conf, "-r", &name, "--chroot", "sleep 4243"];
            let mut children = [world.start("mock", &sleeps), world.start("mock", &sleeps)];
            until("a sleep", || !procs::mentioning("sleep 4243").is_empty());
            for child in &mut children {
                child.kill().unwrap();
                child.wait().unwrap();
            }
            until("the end of both", || {
                procs::mentioning("sleep 4243").is_empty()
            });
            world.mock(&["--chroot", "true"]).expect(0);
        }
        world.mock(&["--scrub=all"]).expect(0);
        let cache = world.cache().display().to_string();
        assert!(procs::mounts_mentioning(&cache).is_empty());
    }
}
