//! Transactions with a shell script for an rpm: what it finds, and what is made of what it says.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    sync::{Arc, Mutex},
    time::SystemTime,
};

use super::*;
use crate::event::Listener;

rpmkit_sandbox::reexec_in_tests!(crate::OPS);

/// A tool root in which `rpm` is this script, with the host's shell and its libraries.
fn tool_root(dir: &Path, rpm: &str) {
    for name in ["usr/bin", "mnt", "tmp", "var/tmp", "proc", "sys", "dev"] {
        fs::create_dir_all(dir.join(name)).unwrap();
    }
    let script = dir.join("usr/bin/rpm");
    fs::write(&script, format!("#!/bin/sh\n{rpm}\n")).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    symlink("usr/bin", dir.join("bin")).unwrap();
    fs::copy("/bin/sh", dir.join("usr/bin/sh")).unwrap();
    let ldd = std::process::Command::new("ldd").arg("/bin/sh").output();
    let libraries = String::from_utf8(ldd.unwrap().stdout).unwrap();
    for path in libraries.split_whitespace().filter(|w| w.starts_with('/')) {
        let copy = dir.join(&path[1..]);
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        fs::copy(path, copy).unwrap();
    }
}

#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<Event>>>);

impl Listener for Heard {
    fn on_event(&self, _: SystemTime, event: &Event) {
        self.0.lock().unwrap().push(event.clone());
    }
}

/// Installs one package by this rpm. What happened, and what was told meanwhile.
fn install(rpm: &str) -> (Result<(), PmError>, Vec<Event>) {
    let dir = tempfile::tempdir().unwrap();
    // Readable also where the container's root is another id.
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let (tools, target) = (dir.path().join("tools"), dir.path().join("target"));
    tool_root(&tools, rpm);
    fs::create_dir(&target).unwrap();
    let package = dir.path().join("a.rpm");
    fs::write(&package, "").unwrap();
    let heard = Heard::default();
    let outcome = Transaction {
        mode: &rpmkit_sandbox::detect().unwrap(),
        tool_root: &tools,
        root: &Root::Dir(target),
        install: &[package],
        erase: &[],
        options: &TransactionOptions::default(),
        phase: Phase::Init,
        events: &Events::new(heard.clone()),
    }
    .run();
    let events = heard.0.lock().unwrap().clone();
    (outcome, events)
}

#[test]
fn rpm_may_write_where_it_is_told_to_write_scripts() {
    let rpm = "case \"$*\" in *'--define _tmppath /var/tmp'*) ;; *) exit 8 ;; esac
        : >/var/tmp/rpm-tmp.x && : >/tmp/x || exit 9";
    install(rpm).0.unwrap();
}
