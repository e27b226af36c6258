//! Terminals.

use crate::place::{Place, output};
use nix::pty::{OpenptyResult, Winsize, openpty};
use rpmkit_sandbox::{Command, Exit, Output};
use std::io::{Read, Write};
use std::os::fd::AsFd;

#[test]
fn output_can_be_a_terminal() {
    let place = Place::new();
    let container = place.start();
    let command =
        Command::new(["sh", "-c", "test -t 1 && test -t 2 && tty <&1"]).output(Output::Pty);
    assert_eq!(
        output(&container, &command),
        (Exit::Code(0), "/dev/pts/0\r\n".to_owned())
    );
}

/// Plays the user: types each text once the one before it has been shown, and returns all that was shown.
fn talk(script: &[&str], dialogue: &'static [(&'static str, &'static [u8])]) -> (Exit, String) {
    let place = Place::new();
    let container = place.start();
    let size = Winsize {
        ws_row: 33,
        ws_col: 101,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    let OpenptyResult { master, slave } = openpty(Some(&size), None).unwrap();
    let before = nix::sys::termios::tcgetattr(&slave).unwrap();
    let user = std::thread::spawn(move || {
        let mut terminal = std::fs::File::from(master);
        let mut dialogue = dialogue.iter().peekable();
        let (mut text, mut from, mut buffer) = (String::new(), 0, [0; 4096]);
        // Ends with EIO when the last slave closes.
        while let Ok(len @ 1..) = terminal.read(&mut buffer) {
            text.push_str(&String::from_utf8_lossy(&buffer[..len]));
            if let Some((_, keys)) = dialogue.next_if(|(shown, _)| text[from..].contains(shown)) {
                from = text.len();
                let mut typing = terminal.try_clone().unwrap();
                std::thread::spawn(move || typing.write_all(keys));
            }
        }
        text
    });
    let command = Command::new(script.iter().copied());
    let exit = container
        .run_on_terminal(&command, slave.as_fd(), slave.as_fd())
        .unwrap();
    assert_eq!(
        nix::sys::termios::tcgetattr(&slave).unwrap(),
        before,
        "the terminal is as it was"
    );
    drop(slave);
    (exit, user.join().unwrap())
}

#[test]
fn a_shell_can_be_talked_to() {
    let (exit, text) = talk(
        &["sh", "-c", "echo hi; exec sh"],
        &[("hi", b"stty size; tty; exit 5\n")],
    );
    assert_eq!(exit, Exit::Code(5), "{text}");
    assert!(
        text.contains("33 101") && text.contains("/dev/pts/0"),
        "{text}"
    );
}

#[test]
fn control_c_goes_to_the_program_inside() {
    let script = "trap 'echo caught; exit 7' INT; echo waiting; while :; do sleep 0.01; done";
    let (exit, text) = talk(&["sh", "-c", script], &[("waiting", b"\x03")]);
    assert_eq!(exit, Exit::Code(7), "{text}");
    assert!(text.contains("caught"), "{text}");
}

#[test]
fn much_pasted_input_does_not_block() {
    // More than a terminal buffers, while the program writes more than a terminal buffers and reads nothing yet.
    let script =
        "stty -icanon -echo; echo go; head -c 300000 /dev/zero | tr '\\0' x; head -c 60000 | wc -c";
    const PASTE: &[u8] = &[b'y'; 60_000];
    let (exit, text) = talk(&["sh", "-c", script], const { &[("go", PASTE)] });
    assert_eq!(exit, Exit::Code(0));
    assert!(text.contains("60000"), "{}", text.len());
}
