//! SIGKILL at a bad moment: no process, no mount, and the next command just works.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use rpmkit_tests::{World, chroot, everybody, procs, stage};

const SLOW: &str = "Name: slow\nVersion: 1\nRelease: 1\nSummary: x\nLicense: MIT\nBuildArch: noarch\n\
                    %description\nx\n%build\nif [ -e %{_sourcedir}/../../../tmp/never ]; then :; fi\n\
                    sleep 4242\n%files\n";

fn until(what: &str, limit: u64, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(
            start.elapsed() < Duration::from_secs(limit),
            "{what} did not happen in {limit} s"
        );
        sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_killed_build_leaves_nothing_and_the_next_one_works() {
    for who in everybody() {
        let world = World::alone(&who);
        let quick = world.checkout("tree");
        world.write("slow/slow.spec", SLOW);
        let dir = world.path("slow").display().to_string();
        let conf = stage().join("conf").display().to_string();
        let name = chroot();
        let mut child = world.start(
            "rpmkit",
            &["build", &dir, "--configdir", &conf, "-r", &name],
        );
        until("the build's sleep", 120, || {
            !procs::mentioning("sleep\u{20}4242").is_empty()
                || procs::mentioning("sleep 4242")
                    .iter()
                    .any(|line| line.contains("sleep"))
        });
        child.kill().unwrap();
        child.wait().unwrap();
        let cache = world.cache().display().to_string();
        until("the end of all processes", 10, || {
            procs::mentioning("sleep 4242").is_empty()
        });
        assert!(procs::mounts_mentioning(&cache).is_empty());
        world
            .rpmkit(&["build", &quick.display().to_string()])
            .expect(0);
    }
}
