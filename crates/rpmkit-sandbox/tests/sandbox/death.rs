//! However the caller ends, nothing stays.

#![allow(clippy::disallowed_methods)]

use crate::place::{Place, ask, mode};
use rpmkit_sandbox::{Command, Container};
use std::io::{BufRead, BufReader};
use std::os::fd::AsFd;
use std::process::Stdio;
use std::time::Duration;

/// Command lines and mount tables of all processes we can see.
fn traces_of(marker: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        for file in ["cmdline", "mountinfo"] {
            let text = std::fs::read(entry.path().join(file)).unwrap_or_default();
            let text = String::from_utf8_lossy(&text);
            if text.contains(marker) {
                found.push(format!("{} {file}", entry.path().display()));
            }
        }
    }
    found
}

/// Waits until the three sleepers run.
fn running(marker: &str) -> bool {
    for _ in 0..1000 {
        if traces_of(marker).len() >= 4 {
            return true;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    false
}

/// Waits until no process and no mount shows it, and fails if some do for long.
fn gone(marker: &str) {
    for _ in 0..1000 {
        if traces_of(marker).is_empty() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("still there: {:?}", traces_of(marker));
}

const SLEEPERS: &str =
    "(setsid sleep MARK &); trap '' TERM HUP INT; sleep MARK & echo ready; sleep MARK";

fn marker(number: u32) -> String {
    format!("99{:07}{number}", std::process::id())
}

/// Not a test of its own: what `the_caller_is_killed` starts and kills.
#[test]
fn helper_that_is_killed() {
    let Ok(mark) = std::env::var("RPMKIT_TEST_MARK") else {
        return;
    };
    // Whoever started the tests in the background may have had us ignore it.
    let usual = nix::sys::signal::SigHandler::SigDfl;
    // SAFETY: the default action runs no code of ours.
    unsafe { nix::sys::signal::signal(nix::sys::signal::Signal::SIGINT, usual) }.unwrap();
    let place = Place::new();
    println!("\nplace {}", place.path("").display());
    let container = place.start();
    let script = SLEEPERS.replace("MARK", &mark);
    let command = Command::new(["sh", "-c", &script]);
    let killer = container.killer();
    container
        .run(&command, |_, _| {
            println!("ready");
            let _keeps_a_second_descriptor_open = &killer;
        })
        .unwrap();
}

fn killed_with(signal: nix::sys::signal::Signal, number: u32) {
    let mark = marker(number);
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "death::helper_that_is_killed", "--nocapture"])
        .env("RPMKIT_TEST_MARK", &mark)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut place = String::new();
    for line in BufReader::new(child.stdout.as_mut().unwrap()).lines() {
        let line = line.unwrap();
        if let Some(path) = line.strip_prefix("place ") {
            place = path.to_owned();
        }
        if line == "ready" {
            break;
        }
    }
    assert!(running(&mark), "the sleepers run");
    let pid = nix::unistd::Pid::from_raw(child.id() as i32);
    nix::sys::signal::kill(pid, signal).unwrap();
    child.wait().unwrap();
    gone(&mark);
    gone(&place);
    rpmkit_sandbox::call(&mode(), "remove", place.as_bytes()).unwrap();
}

#[test]
fn the_caller_is_killed() {
    killed_with(nix::sys::signal::Signal::SIGKILL, 1);
}

#[test]
fn the_caller_is_interrupted() {
    killed_with(nix::sys::signal::Signal::SIGINT, 2);
}

fn with_sleepers(number: u32, end: impl FnOnce(Container)) {
    let place = Place::new();
    let mark = marker(number);
    let container = place.start();
    let script = SLEEPERS.replace("MARK", &mark);
    std::thread::scope(|scope| {
        let (begun, wait) = std::sync::mpsc::channel();
        let shared = &container;
        scope.spawn(move || {
            shared.run(&Command::new(["sh", "-c", &script]), |_, _| {
                begun.send(()).unwrap()
            })
        });
        wait.recv().unwrap();
        // The scope waits for its thread, so no failure before the kill.
        let were_running = running(&mark);
        container.kill_all();
        assert!(were_running, "the sleepers run");
    });
    end(container);
    assert_eq!(traces_of(&mark), Vec::<String>::new());
    gone(place.path("").to_str().unwrap());
}

#[test]
fn stopping_and_dropping_leave_nothing() {
    with_sleepers(3, |container| container.stop().unwrap());
    with_sleepers(4, drop);
}

#[test]
fn the_monitor_is_killed() {
    let place = Place::new();
    let container = place.start();
    let mark = marker(5);
    let monitor = nix::unistd::Pid::from_raw(container.monitor_pid().unwrap() as i32);
    let script = format!("echo; exec sleep {mark}");
    let result = container.run(&Command::new(["sh", "-c", &script]), |_, _| {
        nix::sys::signal::kill(monitor, nix::sys::signal::Signal::SIGKILL).unwrap();
    });
    assert!(result.is_err(), "the caller is told");
    gone(&mark);
    gone(place.path("").to_str().unwrap());
    assert!(container.stop().is_err(), "not an orderly end");
}

#[test]
fn locks_last_as_long_as_the_container() {
    use nix::fcntl::{Flock, FlockArg};
    let place = Place::new();
    let path = place.path("lock");
    let lock = std::fs::File::create(&path).unwrap();
    let taken = Flock::lock(lock, FlockArg::LockSharedNonblock).unwrap();
    let container = Container::start_with(&place.spec(), &[taken.as_fd()], None).unwrap();
    // Closes our descriptor without unlocking, as our own sudden end would.
    let raw = std::mem::ManuallyDrop::new(taken);
    nix::unistd::close(std::os::fd::AsRawFd::as_raw_fd(&raw.as_fd())).unwrap();
    let other = || {
        Flock::lock(
            std::fs::File::open(&path).unwrap(),
            FlockArg::LockExclusiveNonblock,
        )
    };
    assert!(other().is_err(), "held by the container");
    container.stop().unwrap();
    assert!(other().is_ok());
}

#[test]
fn a_running_container_can_be_joined() {
    let place = Place::new();
    // Longer than a socket address.
    let socket = place.mkdir(&"deep/".repeat(40)).join("join");
    let container = Container::start_with(&place.spec(), &[], Some(&socket)).unwrap();
    let joined = Container::join(&crate::place::mode(), &socket).unwrap();
    ask(&container, "echo here > /root/x");
    assert_eq!(ask(&joined, "cat /root/x"), "here");
    drop(joined);
    assert_eq!(ask(&container, "cat /root/x"), "here");
    drop(container);
    assert!(Container::join(&crate::place::mode(), &socket).is_err());
}

/// A container that outlives its starter, seen from outside, until the last who uses it lets it go.
#[test]
fn a_container_that_was_left_serves_others_until_it_yields() {
    let place = Place::new();
    let socket = place.path("join");
    let lock = place.path("held");
    let held = nix::fcntl::Flock::lock(
        std::fs::File::create(&lock).unwrap(),
        nix::fcntl::FlockArg::LockExclusive,
    )
    .unwrap();
    let mut spec = place.spec();
    spec.visible = true;
    let container = Container::start_with(&spec, &[held.as_fd()], Some(&socket)).unwrap();
    let raw = std::mem::ManuallyDrop::new(held);
    nix::unistd::close(std::os::fd::AsRawFd::as_raw_fd(&raw.as_fd())).unwrap();
    let monitor = container.monitor_pid().unwrap();
    ask(&container, "echo first > /root/x");
    container.leave().unwrap();
    // The caller reads, and writes, what a command sees.
    let root = std::path::PathBuf::from(format!("/proc/{monitor}/root"));
    assert_eq!(std::fs::read(root.join("root/x")).unwrap(), b"first\n");
    let open: Vec<_> = std::fs::read_dir(format!("/proc/{monitor}/fd"))
        .unwrap()
        .map(|fd| std::fs::read_link(fd.unwrap().path()).unwrap())
        .filter(|to| to != std::path::Path::new("/dev/null"))
        .collect();
    assert!(open.is_empty(), "{open:?}");
    let mode = mode();
    let one = Container::join(&mode, &socket).unwrap();
    if mode.is_rootless() {
        std::fs::create_dir(root.join("root/made")).unwrap();
        assert_eq!(ask(&one, "stat -c %u /root/made"), "0");
    }
    let other = Container::join(&mode, &socket).unwrap();
    assert_eq!(ask(&other, "cat /root/x"), "first");
    assert_eq!(one.company().unwrap(), (spec, 1));
    assert!(!one.yields().unwrap());
    drop(other);
    assert!(one.yields().unwrap());
    // The lock is free as soon as it is gone.
    nix::fcntl::Flock::lock(
        std::fs::File::open(&lock).unwrap(),
        nix::fcntl::FlockArg::LockExclusive,
    )
    .unwrap();
    assert!(Container::join(&mode, &socket).is_err());
}

/// Somebody deletes a chroot with `rm`: its container must not stay for ever.
#[test]
fn a_container_that_was_left_ends_with_what_it_holds() {
    let place = Place::new();
    let socket = place.path("join");
    let lock = place.path("held");
    let held = std::fs::File::create(&lock).unwrap();
    let mut spec = place.spec();
    spec.visible = true;
    let container = Container::start_with(&spec, &[held.as_fd()], Some(&socket)).unwrap();
    let monitor = container.monitor_pid().unwrap();
    container.leave().unwrap();
    std::fs::remove_file(&lock).unwrap();
    let stat = format!("/proc/{monitor}/stat");
    for _ in 0..1000 {
        let state = std::fs::read_to_string(&stat).unwrap_or_default();
        if state.is_empty() || state.contains(") Z ") {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("still there");
}
