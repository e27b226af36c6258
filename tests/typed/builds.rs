//! Builds by hand: a failing one, and two at once.

use std::fs;

use rpmkit_tests::{World, everybody, somebody};

#[test]
fn a_failing_build_says_why_and_where() {
    for who in everybody() {
        let world = World::of(&who);
        let checkout = world.checkout("hello-broken");
        let ran = world
            .rpmkit(&["build", &checkout.display().to_string()])
            .expect(1)
            .says(&["failed in rpmbuild", "hello.spec:", "build.log"]);
        assert!(ran.stdout.is_empty(), "{}", ran.stdout);
        let record = walkdir::WalkDir::new(checkout.join("results"))
            .into_iter()
            .filter_map(Result::ok)
            .find(|entry| entry.file_name() == "result.json")
            .map(|entry| fs::read_to_string(entry.path()).unwrap())
            .unwrap();
        assert!(record.contains(r#""outcome": "fail""#), "{record}");
    }
}

#[test]
fn two_builds_of_one_chroot_run_at_once() {
    let world = World::of(&somebody());
    let (a, b) = (world.checkout("tree"), world.checkout("cjson"));
    let (first, second) = std::thread::scope(|scope| {
        let one = scope.spawn(|| world.rpmkit(&["build", &a.display().to_string()]));
        let two = scope.spawn(|| world.rpmkit(&["build", &b.display().to_string()]));
        (one.join().unwrap(), two.join().unwrap())
    });
    first.expect(0);
    second.expect(0);
}
