//! Builds that take all they can get: each ends by its limit, with the sentence and the code for it.

use rpmkit_tests::{Ran, World, everybody};

/// Builds a package whose `%build` is this, with an option.
fn build(world: &World, script: &str, option: &str) -> Ran {
    let spec = format!(
        "Name: x\nVersion: 1\nRelease: 1\nSummary: x\nLicense: MIT\nBuildArch: noarch\n\
         %description\nx\n%build\n{script}\n%files\n"
    );
    world.write("tree/x.spec", &spec);
    let tree = world.path("tree").display().to_string();
    let out = world.path("out").display().to_string();
    world.rpmkit(&["build", &tree, "--resultdir", &out, "--config-opts", option])
}

/// It was stopped, and the report says for which limit and how to raise it.
#[track_caller]
fn stopped(ran: Ran, code: i32, option: &str, words: &str) {
    let hint = format!("--config-opts {option}=NUMBER");
    let option = format!("option `{option}`");
    ran.expect(code).says(&[words, &option, &hint]);
}

#[test]
fn a_fork_bomb() {
    for who in everybody() {
        let world = World::of(&who);
        let bomb = "b() { sleep 99 & b | b & b; }; (b) & (b) & exec sleep 60";
        let ran = build(&world, bomb, "max_build_processes=200");
        let words = "more than 200 processes and threads";
        stopped(ran, 10, "max_build_processes", words);
    }
}

#[test]
fn memory_hogs() {
    for who in everybody() {
        let world = World::of(&who);
        for hog in [
            "tail /dev/zero",
            "head -c 300000000 /dev/zero > /dev/shm/x; sleep 60",
            // A file in memory that has no name and is not mapped.
            "perl -e '$n = \"x\"; $f = syscall(319, $n, 0); open F, \">&=\", $f; print F \"x\" x 1e6 for 1..300; sleep 60'",
        ] {
            let ran = build(&world, hog, "max_build_memory_mb=200");
            stopped(ran, 10, "max_build_memory_mb", "200 MiB of memory");
        }
    }
}

#[test]
fn disk_fillers() {
    for who in everybody() {
        let world = World::of(&who);
        for filler in [
            "head -c 200000000 /dev/zero > x; sleep 60",
            "exec 3>/var/tmp/x; rm /var/tmp/x; head -c 200000000 /dev/zero >&3; sleep 60",
            "head -c 200000000 /dev/zero | tr '\\0' x | fold -w 9999; sleep 60",
        ] {
            let ran = build(&world, filler, "max_build_disk_mb=100");
            stopped(ran, 10, "max_build_disk_mb", "100 MiB of disk");
        }
    }
}

#[test]
fn processor_burners() {
    for who in everybody() {
        let world = World::of(&who);
        let burner = "while :; do :; done & while :; do :; done";
        let ran = build(&world, burner, "max_build_cpu_seconds=2");
        let words = "2 seconds of processor time";
        stopped(ran, 11, "max_build_cpu_seconds", words);
    }
}

#[test]
fn specs_that_hang_while_they_are_read() {
    for who in everybody() {
        let world = World::of(&who);
        let spec = "%define a %(while :; do :; done)\nName: x\nVersion: 1%{a}\nRelease: 1\nSummary: x\nLicense: MIT\n\
                    %description\nx\n%files\n";
        world.write("tree/x.spec", spec);
        let tree = world.path("tree").display().to_string();
        let option = "max_build_cpu_seconds=2";
        let ran = world.rpmkit(&["build", &tree, "--config-opts", option]);
        let words = "2 seconds of processor time";
        stopped(ran, 11, "max_build_cpu_seconds", words);
    }
}

#[test]
fn who_keeps_within_limits_does_not_notice_them() {
    for who in everybody() {
        let world = World::of(&who);
        world.write(
            "tree/x.spec",
            "Name: x\nVersion: 1\nRelease: 1\nSummary: x\nLicense: MIT\nBuildArch: noarch\n\
             %description\nx\n%build\nhead -c 1000000 /dev/zero > x\n%files\n",
        );
        let tree = world.path("tree").display().to_string();
        let mut args = vec!["build", &tree];
        for option in [
            "max_build_memory_mb=2000",
            "max_build_processes=500",
            "max_build_disk_mb=2000",
            "max_build_cpu_seconds=600",
        ] {
            args.extend(["--config-opts", option]);
        }
        world.rpmkit(&args).expect(0);
    }
}
