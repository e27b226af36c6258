//! Tool roots of small distributions.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod trust;

use std::path::Path;

use rpm::{FileOptions, PackageBuilder};

use super::*;
use rpmkit_repo::{
    CacheDirs, FetchOptions, Vars,
    create::{CreateOptions, create},
};
use rpmkit_store::{Disk, Driver, LockHolder, Mapping, Namespace, StoreFormat, StoreOptions};

fn package(dir: &Path, name: &str, version: &str, files: &[(&str, &[u8])]) {
    let mut builder = PackageBuilder::new(name, version, "MIT", "noarch", "test");
    builder.release("1");
    for (path, content) in files {
        let options = FileOptions::new(*path).mode(0o100_755);
        builder.with_file_contents(*content, options).unwrap();
    }
    let path = dir.join(format!("{name}.rpm"));
    builder.build().unwrap().write_file(&path).unwrap();
}

/// The packages in the tool root of a distribution with an rpm of this version, which is a shell script.
fn tools_with(version: &str) -> Vec<String> {
    let home = tempfile::tempdir().unwrap();
    let path = home.path();
    let at = |name: &str| {
        let dir = path.join(name);
        std::fs::create_dir(&dir).unwrap();
        dir
    };
    let ldd = std::process::Command::new("ldd").arg("/bin/sh").output();
    let libraries = String::from_utf8(ldd.unwrap().stdout).unwrap();
    let of_host: Vec<(&str, Vec<u8>)> = libraries
        .split_whitespace()
        .filter(|word| word.starts_with('/'))
        .chain(["/bin/sh"])
        .map(|path| (path, std::fs::read(path).unwrap()))
        .collect();
    let mut files: Vec<(&str, &[u8])> = of_host.iter().map(|(p, c)| (*p, &c[..])).collect();
    files.push((
        "/usr/bin/rpm",
        b"#!/bin/sh\necho /usr/lib/rpm/sysusers.sh\n",
    ));
    files.push((
        "/usr/lib/rpm/sysusers.sh",
        b"#!/bin/sh\ngroupadd x && useradd x\n",
    ));
    let repo = at("repo");
    package(&repo, "rpm", version, &files);
    let shadow: [(&str, &[u8]); 2] = [("/usr/sbin/useradd", b""), ("/usr/sbin/groupadd", b"")];
    package(&repo, "shadow-utils", "1", &shadow);
    create(&repo, &CreateOptions::default()).unwrap();

    let mode = rpmkit_sandbox::detect().unwrap();
    let events = Events::silent();
    let store = Store::open(StoreOptions {
        home: at("store"),
        format: StoreFormat::new(
            nix::unistd::getuid().as_raw(),
            Mapping::of(&mode),
            Driver::Plain,
        ),
        hands: Box::new(Namespace {
            mode: mode.clone(),
            ops: crate::TEST_OPS,
        }),
        holder: LockHolder {
            pid: std::process::id(),
            command: "a test".into(),
            since: 0,
        },
        events: events.clone(),
        disk: Disk::default(),
    })
    .unwrap();
    let dirs = CacheDirs {
        metadata: at("metadata"),
        packages: at("packages"),
    };
    let conf = format!("[r]\nbaseurl=file://{}\ngpgcheck=0\n", repo.display());
    let repos = RepoSet::parse(&conf, &Vars::for_target("x86_64", "1")).unwrap();
    let make = || {
        let tools = PmParts {
            mode: mode.clone(),
            emulation: None,
            store: store.clone(),
            fetcher: Arc::new(Fetcher::new(
                dirs.clone(),
                FetchOptions::default(),
                events.clone(),
            )),
            solver_cache: path.join("solver"),
            events: events.clone(),
        };
        let options = TransactionOptions::default();
        let pm = Embedded::new(tools, repos.clone(), "x86_64", options);
        let layer = pm.tool_root().unwrap().clone();
        let packages = layer.packages().unwrap();
        let names = packages.iter().map(|p| p.nevra.name.clone()).collect();
        (layer.id().clone(), names)
    };
    let first: (LayerId, Vec<String>) = make();
    // Found again, without asking the rpm.
    assert_eq!(make(), first);
    let answers = std::fs::read_dir(path.join("solver")).unwrap();
    let kept = answers.filter(|e| {
        let name = e.as_ref().unwrap().file_name();
        name.to_string_lossy().starts_with("sysusers-")
    });
    assert_eq!(kept.count(), usize::from(first.1.len() > 1));
    first.1
}

#[test]
fn an_rpm_that_makes_users_has_the_programs_for_it() {
    assert_eq!(tools_with("4.19.0"), ["rpm", "shadow-utils"]);
}

#[test]
fn an_older_rpm_gets_what_it_requires_and_no_more() {
    assert_eq!(tools_with("4.18.2"), ["rpm"]);
}
