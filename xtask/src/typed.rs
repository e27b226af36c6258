//! What a user types, tested: a stage everybody may read, and the tests of `tests/typed` and
//! `tests/escape` on it.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use crate::{chroot, demo, distro, fixture, serve::Server, users::Identity, views::Views};

/// Programs the tests run; `mock` is rpmkit-mock by its other name.
const PROGRAMS: [&str; 5] = [
    "rpmkit",
    "rpmkit-mock",
    "rpmkit-scm",
    "rpmkit-snap",
    "rpmkit-srpm",
];

/// Checkouts the tests use.
const FIXTURES: [&str; 3] = ["tree", "cjson", "hello-broken"];

/// Runs the tests; `filter` names some of them, none means all.
pub fn run(
    root: &Path,
    target: &Path,
    suite: distro::Suite,
    people: &[Identity],
    filter: &[String],
    say: &dyn Fn(&str),
) -> Result<()> {
    let work = target.join("distro");
    let rpmkit = demo::build_suite(root, target, false)?;
    let programs = rpmkit.parent().unwrap_or(target);
    let distribution = distro::make(&work, suite, None, say)?;
    distro::extras::make(&work, &distribution, say)?;
    let stage = Stage::make(programs, &distribution, &work)?;
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // The whole workspace is named so that no dependency is built with other features than before.
    // One test at a time: each uses all processors, and some look for processes left over.
    command
        .current_dir(root)
        .args([
            "test",
            "--workspace",
            "--test",
            "typed",
            "--test",
            "escape",
            "--",
            "--test-threads=1",
        ])
        .args(filter)
        .env("RPMKIT_TEST_STAGE", stage.dir.path())
        .env("RPMKIT_TEST_CHROOT", &stage.chroot)
        .env("RPMKIT_TEST_SUITE", &distribution.stamp.suite);
    for who in people {
        let (Some((uid, gid)), variable) = (
            who.ids,
            match who.label {
                "packager" => "RPMKIT_TEST_SUB",
                _ => "RPMKIT_TEST_SINGLE",
            },
        ) else {
            continue;
        };
        command.env(variable, format!("{uid}:{gid}"));
    }
    let status = command.status().context("cannot run cargo")?;
    ensure!(status.success(), "{status}");
    Ok(())
}

/// A directory everybody may read, gone when dropped.
struct Stage {
    _views: Views,
    dir: tempfile::TempDir,
    chroot: String,
    _server: Server,
}

impl Stage {
    fn make(programs: &Path, distribution: &distro::Distro, work: &Path) -> Result<Self> {
        let dir = tempfile::Builder::new()
            .prefix("rpmkit-typed-")
            .permissions(fs::Permissions::from_mode(0o755))
            .tempdir_in("/var/tmp")
            .context("cannot make a directory in `/var/tmp`")?;
        let make = |name: &str, mode| -> Result<PathBuf> {
            let path = dir.path().join(name);
            fs::create_dir(&path)?;
            fs::set_permissions(&path, fs::Permissions::from_mode(mode))?;
            Ok(path)
        };
        let bin = make("bin", 0o755)?;
        for program in PROGRAMS {
            let from = programs.join(program);
            fs::copy(&from, bin.join(program))
                .with_context(|| format!("cannot copy `{}`", from.display()))?;
        }
        std::os::unix::fs::symlink("rpmkit-mock", bin.join("mock"))?;
        make("worlds", 0o1777)?;
        let server = Server::start(&distribution.dir, 0)?;
        let conf = chroot::write(
            &make("conf", 0o755)?,
            &distribution.stamp,
            &server.url(),
            chroot::With::Extras,
        )?;
        let name = conf.file_stem().unwrap_or_default();
        let chroot = name.to_string_lossy().into_owned();
        let fixtures = make("fixtures", 0o755)?;
        for one in FIXTURES {
            fixture::lay_out(one, &fixtures.join(one), fixture::Style::Tree, work)?;
        }
        Ok(Self {
            _views: Views::of(dir.path()),
            dir,
            chroot,
            _server: server,
        })
    }
}
