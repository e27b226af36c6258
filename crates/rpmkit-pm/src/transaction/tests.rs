//! Transactions with a shell script for an rpm: what it finds, and what is made of what it says.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    sync::{Arc, Mutex},
    time::SystemTime,
};

use super::*;
use rpmkit_repo::{CacheDirs, FetchOptions, Fetcher, RepoSet, Vars};
use rpmkit_types::{Checksum, Evr, Location, Nevra, Package, event::Listener};

rpmkit_sandbox::reexec_in_tests!(crate::TEST_OPS);

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

fn warnings(events: &[Event]) -> Vec<&str> {
    events
        .iter()
        .filter_map(|event| match event {
            Event::Message { level, text, .. } if *level == Level::Warning => Some(&**text),
            _ => None,
        })
        .collect()
}

/// A package of an unsigned repository below `dir`, as the fetcher hands it out. This rpm never reads it.
fn package(dir: &Path) -> VerifiedPackage {
    fs::write(dir.join("a.rpm"), "").unwrap();
    let wanted: Package = serde_json::from_value(serde_json::json!({
        "nevra": Nevra::new("a", Evr::new(0, "1", "1"), "noarch"),
        "repo": "r",
        "checksum": Checksum::sha256(b""),
        "location": Location { href: "a.rpm".into(), base: None },
    }))
    .unwrap();
    let conf = format!("[r]\nbaseurl=file://{}\ngpgcheck=0\n", dir.display());
    let repos = RepoSet::parse(&conf, &Vars::default()).unwrap();
    let fetcher = Fetcher::new(
        CacheDirs::below(&dir.join("cache")),
        FetchOptions::default(),
        Events::silent(),
    );
    fetcher.download(&[wanted], &repos).unwrap().remove(0)
}

/// Installs one package by this rpm. What happened, and what was told meanwhile.
fn install(rpm: &str) -> (Result<(), PmError>, Vec<Event>) {
    let dir = tempfile::tempdir().unwrap();
    // Readable also where the container's root is another id.
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let (tools, target) = (dir.path().join("tools"), dir.path().join("target"));
    tool_root(&tools, rpm);
    fs::create_dir(&target).unwrap();
    let package = package(dir.path());
    let heard = Heard::default();
    let outcome = RpmTransaction {
        mode: &rpmkit_sandbox::detect().unwrap(),
        emulation: None,
        tool_root: &tools,
        root: &Root::Dir(target),
        install: vec![&package],
        cleared: Vec::new(),
        erase: &[],
        options: &TransactionOptions::default(),
        journal: &[],
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

const FAILED_POST: &str = "warning: %post(a-1-1.noarch) scriptlet failed, exit status 3";

#[test]
fn a_failed_scriptlet_is_as_bad_as_rpm_says() {
    let (outcome, events) = install(&format!("echo a-1-1.noarch; echo '{FAILED_POST}' >&2"));
    outcome.unwrap();
    let told = "rpm: %post(a-1-1.noarch) scriptlet failed, exit status 3";
    assert_eq!(warnings(&events), [told]);
    let logged = events.iter().filter(
        |event| matches!(event, Event::Output { log: Log::Root, line, .. } if line == FAILED_POST),
    );
    assert_eq!(logged.count(), 1);

    let (outcome, _) = install(&format!("echo '{FAILED_POST}' >&2; exit 1"));
    let text = outcome.unwrap_err().to_string();
    assert!(
        text.contains("(status 1)") && text.contains(FAILED_POST),
        "{text}"
    );
}

#[test]
fn a_failure_shows_its_cause_and_no_names_of_packages() {
    let rpm = "echo 'Preparing packages...'; echo 'error: the cause' >&2
        i=0; while [ $i -lt 40 ]; do i=$((i + 1)); echo name-$i-1.noarch; echo epoch-1:$i-1.noarch; echo word $i; done
        exit 7";
    let text = install(rpm).0.unwrap_err().to_string();
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    assert_eq!(
        lines[..2],
        [
            "rpm failed to install the packages (status 7)",
            "error: the cause"
        ]
    );
    assert_eq!(
        lines[2..],
        [33, 34, 35, 36, 37, 38, 39, 40].map(|i| format!("word {i}"))
    );
}

#[test]
fn the_locale_is_one_that_exists() {
    let dir = tempfile::tempdir().unwrap();
    let lang = || {
        environment(dir.path())
            .iter()
            .find(|(name, _)| *name == "LANG")
            .unwrap()
            .1
    };
    assert_eq!(lang(), "C");
    fs::create_dir_all(dir.path().join("usr/lib/locale/C.utf8")).unwrap();
    assert_eq!(lang(), "C.UTF-8");
}
