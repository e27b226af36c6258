//! Functions called as root of the user namespace.

use crate::place::mode;
use rpmkit_sandbox::{OpFn, SandboxError, call, call_with_fds};
use std::ffi::OsStr;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

pub const OPS: &[(&str, OpFn)] = &[
    ("echo", |input| Ok(input.to_vec())),
    ("fail", |_| Err("as it should".to_owned())),
    ("panic", |_| panic!("as it should")),
    ("die", |_| std::process::abort()),
    ("whoami", |_| {
        Ok(std::fs::read("/proc/self/uid_map").unwrap())
    }),
    ("give-away", |input| {
        let path = Path::new(OsStr::from_bytes(input));
        std::os::unix::fs::chown(path, Some(7), Some(8)).map_err(|e| e.to_string())?;
        let meta = path.metadata().map_err(|e| e.to_string())?;
        Ok(format!("{} {}", meta.uid(), meta.gid()).into_bytes())
    }),
    ("remove", |input| {
        let path = Path::new(OsStr::from_bytes(input));
        if path.is_dir() {
            std::fs::remove_dir_all(path)
        } else {
            std::fs::remove_file(path)
        }
        .map(|()| Vec::new())
        .map_err(|e| format!("{}: {e}", path.display()))
    }),
    ("shout", |_| {
        for fd in rpmkit_sandbox::sent_fds() {
            std::fs::File::from(fd)
                .write_all(b"hey")
                .map_err(|e| e.to_string())?;
        }
        Ok(Vec::new())
    }),
];

#[test]
fn input_and_output_of_any_size_pass() {
    for size in [0, 1, 100_000, 30_000_000] {
        let input = vec![7; size];
        assert!(call(&mode(), "echo", &input).unwrap() == input);
    }
}

#[test]
fn failures_are_told_apart() {
    let error = call(&mode(), "fail", &[]).unwrap_err();
    assert!(
        matches!(&error, SandboxError::Op { op, message } if op == "fail" && message == "as it should"),
        "{error}"
    );
    assert!(
        call(&mode(), "panic", &[])
            .unwrap_err()
            .to_string()
            .contains("panicked")
    );
    assert!(matches!(
        call(&mode(), "die", &[]).unwrap_err(),
        SandboxError::Died(_)
    ));
    assert!(matches!(
        call(&mode(), "nothing", &[]).unwrap_err(),
        SandboxError::UnknownOp(_)
    ));
}

#[test]
fn files_can_be_given_to_other_ids_and_taken_away() {
    if !mode().has_ids() {
        return; // There is no other id to give it to; `identity` shows what happens instead.
    }
    let file = tempfile::NamedTempFile::new()
        .unwrap()
        .into_temp_path()
        .keep()
        .unwrap();
    let name = file.as_os_str().as_bytes();
    assert_eq!(call(&mode(), "give-away", name).unwrap(), b"7 8");
    if mode().is_rootless() {
        assert!(file.metadata().unwrap().uid() > 100_000);
        assert!(std::fs::File::open(&file).is_err(), "ours no longer");
    }
    call(&mode(), "remove", name).unwrap();
    assert!(!file.exists());
}

#[test]
fn sent_descriptors_arrive() {
    let (mut read, write) = std::io::pipe().unwrap();
    call_with_fds(&mode(), "shout", &[], &[write.as_fd()]).unwrap();
    drop(write);
    let mut text = String::new();
    read.read_to_string(&mut text).unwrap();
    assert_eq!(text, "hey");
}

#[test]
fn the_map_is_that_of_the_mode() {
    let map = String::from_utf8(call(&mode(), "whoami", &[]).unwrap()).unwrap();
    let lines = if mode().is_rootless() && mode().has_ids() {
        2
    } else {
        1
    };
    assert_eq!(map.lines().count(), lines, "{map}");
}
