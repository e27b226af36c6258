//! Bounds on what commands use together: bombs, hogs, burners, and what holds without a name.

use crate::place::{Place, ask, output};
use rpmkit_sandbox::{Command, Container, Exceeded, Exit, RunAs, UsageBudget};
use std::time::Duration;

fn start(place: &Place, budget: UsageBudget) -> Container {
    let mut spec = place.spec();
    spec.budget = Some(budget);
    Container::start(&spec).unwrap()
}

fn counted(script: &str) -> Command {
    let mut command = Command::new(["sh", "-c", script]).timeout(Duration::from_secs(60));
    command.counted = true;
    command
}

/// Runs it, sees it end by this bound, and the container work afterwards.
fn ends(container: &Container, command: &Command, by: Exceeded) {
    let (exit, text) = output(container, command);
    assert_eq!(exit, Exit::Exceeded(by), "{text}");
    assert_eq!(ask(container, "echo alive"), "alive");
}

#[test]
fn who_keeps_within_a_budget_does_not_notice_it() {
    let place = Place::new();
    let all = UsageBudget {
        memory: Some(1 << 30),
        processes: Some(1000),
        disk: Some(1 << 30),
        cpu: Some(Duration::from_secs(600)),
        places: vec!["/root".into()],
    };
    let container = start(&place, all);
    let script = "head -c 1000000 /dev/zero > /root/x; sleep 0.3; exit 3";
    assert_eq!(output(&container, &counted(script)).0, Exit::Code(3));
    container.stop().unwrap();
}

#[test]
fn a_fork_bomb_ends() {
    let place = Place::new();
    let bound = UsageBudget {
        processes: Some(40),
        ..UsageBudget::default()
    };
    let container = start(&place, bound);
    let bomb = "b() { sleep 99 & b | b & b; }; (b) & (b) & exec sleep 60";
    let user = RunAs::Id {
        uid: 1000,
        gid: 1000,
    };
    ends(&container, &counted(bomb).user(user), Exceeded::Processes);
    // What does not count is not bounded.
    let many = "for i in 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5; do sleep 1 & sleep 1 & done; wait; echo all";
    assert_eq!(ask(&container, many), "all");
}

#[test]
fn a_memory_hog_ends_in_whatever_it_hoards() {
    let place = Place::new();
    let bound = UsageBudget {
        memory: Some(100 << 20),
        ..UsageBudget::default()
    };
    let container = start(&place, bound);
    for hog in [
        "tail /dev/zero",
        // Each is small.
        "for i in 1 2 3 4 5 6 7 8; do { head -c 30000000 /dev/zero; sleep 60; } | tail & done; wait",
        "head -c 200000000 /dev/zero > /dev/shm/x; sleep 60",
        "exec 3>/dev/shm/x; rm /dev/shm/x; head -c 200000000 /dev/zero >&3; sleep 60",
    ] {
        ends(&container, &counted(hog), Exceeded::Memory);
        ask(&container, "rm -f /dev/shm/*");
    }
    // Processes that share most of what they have.
    let shared = "x=$(head -c 9000000 /dev/zero | tr '\\0' x); for i in 1 2 3 4 5 6 7 8 9 a b c d e; do (sleep 0.5; :) & done; wait";
    assert_eq!(output(&container, &counted(shared)).0, Exit::Code(0));
}

#[test]
fn a_full_disk_ends() {
    let place = Place::new();
    let bound = || UsageBudget {
        disk: Some(50 << 20),
        places: vec!["/tmp".into()],
        ..UsageBudget::default()
    };
    for filler in [
        "head -c 100000000 /dev/zero > /root/x; sleep 60",
        "mkdir /tmp/a; for i in 1 2 3 4; do head -c 20000000 /dev/zero > /tmp/a/$i; done; sleep 60",
        "exec 3>/tmp/x; rm /tmp/x; head -c 100000000 /dev/zero >&3; sleep 60",
    ] {
        let container = start(&place, bound());
        ends(&container, &counted(filler), Exceeded::Disk);
        container.stop().unwrap();
        place.renew();
    }
    // A hole is no use of the disk.
    let container = start(&place, bound());
    let hole = "truncate -s 1000000000 /root/x; sleep 0.3";
    assert_eq!(output(&container, &counted(hole)).0, Exit::Code(0));
}

#[test]
fn a_burner_ends_and_what_others_burnt_before_does_not_count() {
    let place = Place::new();
    let bound = UsageBudget {
        cpu: Some(Duration::from_millis(700)),
        ..UsageBudget::default()
    };
    let container = start(&place, bound);
    let burn = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done";
    ask(&container, &format!("{burn}; {burn}"));
    assert_eq!(output(&container, &counted("exit 0")).0, Exit::Code(0));
    ends(&container, &counted("while :; do :; done"), Exceeded::Cpu);
    let short = "while :; do sh -c 'i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done'; done";
    ends(&container, &counted(short), Exceeded::Cpu);
}
