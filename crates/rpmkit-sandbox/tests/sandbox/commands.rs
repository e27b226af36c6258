//! Running commands: status, output, input, time, leftovers.

use crate::place::{Place, ask, output, sh};
use rpmkit_sandbox::{Command, Exit, Leftovers, Limit, Lines, Output, SandboxError, Stdin, Stream};
use std::time::Duration;

#[test]
fn status_and_signal_are_exact() {
    let place = Place::new();
    let container = place.start();
    for code in [0, 1, 11, 127, 255] {
        assert_eq!(sh(&container, &format!("exit {code}")).0, Exit::Code(code));
    }
    for signal in [1, 6, 9, 11, 15] {
        assert_eq!(
            sh(&container, &format!("kill -{signal} $$")).0,
            Exit::Signal(signal)
        );
    }
    container.stop().unwrap();
}

#[test]
fn a_program_that_cannot_be_executed_says_why() {
    let place = Place::new();
    std::fs::write(place.path("lower/etc/plain"), "x").unwrap();
    let container = place.start();
    let kind = |program: &str| match container
        .run(&Command::new([program]), |_, _| ())
        .unwrap_err()
    {
        SandboxError::Exec {
            program: named,
            source,
        } if named == program => source.kind(),
        other => panic!("{other}"),
    };
    assert_eq!(kind("no-such-program"), std::io::ErrorKind::NotFound);
    assert_eq!(kind("/no/such/program"), std::io::ErrorKind::NotFound);
    assert_eq!(kind("/etc/plain"), std::io::ErrorKind::PermissionDenied);
    let error = container
        .run(&Command::new(["true"]).cwd("/nowhere"), |_, _| ())
        .unwrap_err();
    assert!(error.to_string().contains("/nowhere"), "{error}");
    assert_eq!(ask(&container, "echo still alive"), "still alive");
}

#[test]
fn streams_are_kept_apart_or_merged_in_order() {
    let place = Place::new();
    let container = place.start();
    let script = "for i in 1 2 3 4 5 6 7 8 9; do echo o$i; echo e$i >&2; done";
    let command = Command::new(["sh", "-c", script]);
    let (mut out, mut err) = (Vec::new(), Vec::new());
    container
        .run(&command, |stream, piece| match stream {
            Stream::Stdout => out.extend_from_slice(piece),
            Stream::Stderr => err.extend_from_slice(piece),
        })
        .unwrap();
    assert_eq!(out.len(), 27);
    assert_eq!(err.len(), 27);
    let (_, text) = output(&container, &command.output(Output::Merged));
    let expected: String = (1..10).map(|i| format!("o{i}\ne{i}\n")).collect();
    assert_eq!(text, expected);
}

#[test]
fn much_output_and_much_input_pass_whole() {
    let place = Place::new();
    let container = place.start();
    let input = b"0123456789abcde\n".repeat(500_000);
    let command = Command::new(["cat"]).stdin(Stdin::Bytes(input.clone()));
    let mut bytes = Vec::new();
    container
        .run(&command, |_, piece| bytes.extend_from_slice(piece))
        .unwrap();
    assert!(bytes == input);
    let (mut lines, mut count) = (Lines::default(), 0);
    lines.feed(&bytes, |line| {
        count += usize::from(line == b"0123456789abcde")
    });
    assert_eq!(count, 500_000);
}

#[test]
fn the_environment_is_exactly_what_was_given() {
    let place = Place::new();
    let container = place.start();
    let command = Command::new(["env"])
        .env("A", "b c")
        .env("PATH", "/usr/bin:/bin")
        .env("A", "d");
    assert_eq!(output(&container, &command).1, "PATH=/usr/bin:/bin\nA=d\n");
    let many = Command::new(["sh", "-c", "echo ${#LONG}"]).env("LONG", "x".repeat(100_000));
    assert_eq!(output(&container, &many).1, "100000\n");
}

#[test]
fn a_command_that_takes_too_long_is_stopped() {
    let place = Place::new();
    let container = place.start();
    let quick = Duration::from_millis(50);
    let (exit, _) = output(&container, &Command::new(["sleep", "1000"]).timeout(quick));
    assert_eq!(exit, Exit::TimedOut);
    // Long enough for a loaded machine to get to the trap.
    let quick = Duration::from_secs(2);
    // Deaf to SIGTERM, with a child and a daemon in a session of its own that holds the output.
    let script = "trap '' TERM; setsid sleep 1001 & sleep 1002";
    let command = Command::new(["sh", "-c", script]).timeout(quick);
    let finished = container.run_to_end(&command, |_, _| ()).unwrap();
    assert_eq!(finished.exit, Exit::TimedOut);
    assert!(
        finished.killed.iter().any(|line| line.contains("1001")),
        "{:?}",
        finished.killed
    );
    assert_eq!(
        ask(&container, "ls -d /proc/[0-9]* | wc -l"),
        "4",
        "pid 1, sh, ls and wc"
    );
}

#[test]
fn processes_left_behind_do_not_hold_a_command_up() {
    let place = Place::new();
    let container = place.start();
    let script = "sleep 1003 & (setsid sleep 1004 &) ; sleep 1005 >/dev/null 2>&1 & echo done";
    let mut text = Vec::new();
    let command = Command::new(["sh", "-c", script]);
    let finished = container
        .run_to_end(&command, |_, piece| text.extend_from_slice(piece))
        .unwrap();
    assert_eq!(finished.exit, Exit::Code(0));
    assert_eq!(text, b"done\n");
    let mut killed = finished.killed;
    killed.sort();
    assert_eq!(killed, ["sleep 1003", "sleep 1004", "sleep 1005"]);
    // Late words of a child are still heard.
    assert_eq!(sh(&container, "(sleep 0.1; echo late) &").1, "late\n");
}

#[test]
fn leftovers_may_stay() {
    let place = Place::new();
    let container = place.start();
    let mut command = Command::new(["sh", "-c", "sleep 1006 >/dev/null 2>&1 & echo $!"]);
    command.leftovers = Leftovers::Keep;
    let pid = output(&container, &command).1;
    assert!(
        ask(
            &container,
            &format!("cat /proc/{}/cmdline | tr '\\0' ' '", pid.trim())
        )
        .contains("1006")
    );
}

#[test]
fn a_daemon_that_never_stops_talking_is_not_followed() {
    let place = Place::new();
    let container = place.start();
    let mut command = Command::new(["sh", "-c", "yes & exit 4"]);
    for leftovers in [Leftovers::Keep, Leftovers::Kill] {
        command.leftovers = leftovers;
        assert_eq!(container.run(&command, |_, _| ()).unwrap(), Exit::Code(4));
    }
}

#[test]
fn kill_all_ends_what_another_thread_waits_for() {
    let place = Place::new();
    let container = place.start();
    let killer = container.killer();
    let (begun, wait) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let command = Command::new(["sh", "-c", "echo; exec sleep 1007"]);
            container
                .run(&command, |_, _| begun.send(()).unwrap())
                .unwrap()
        });
        wait.recv().unwrap();
        killer.kill_all();
        assert_eq!(waiting.join().unwrap(), Exit::Signal(9));
    });
    assert_eq!(ask(&container, "echo usable"), "usable");
}

#[test]
fn commands_run_side_by_side() {
    let place = Place::new();
    let container = place.start();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|n| {
                let container = &container;
                // The ends of the others must not count as leftovers.
                scope.spawn(move || ask(container, &format!("sleep 0.0{n}; echo {n}")))
            })
            .collect();
        for (n, thread) in threads.into_iter().enumerate() {
            assert_eq!(thread.join().unwrap(), n.to_string());
        }
    });
}

#[test]
fn limits_and_mask_are_set() {
    let place = Place::new();
    let mut spec = place.spec();
    spec.limits = vec![Limit::PACKAGE_NOFILE];
    let container = rpmkit_sandbox::Container::start(&spec).unwrap();
    assert_eq!(ask(&container, "ulimit -Sn; umask"), "1024\n0022");
    let mut command = Command::new(["sh", "-c", "ulimit -Hn; umask"]);
    command.limits = vec![Limit {
        resource: rpmkit_sandbox::Resource::NoFile,
        soft: Some(64),
        hard: Some(64),
    }];
    command.umask = 0o077;
    assert_eq!(output(&container, &command).1, "64\n0077\n");
}
