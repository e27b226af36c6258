//! `cargo xtask test`: every test there is, as everybody there is.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use cargo_metadata::Message;

use crate::distro::{self, Apt, Suite};
use crate::users::{self, Identity};
use crate::{agree, causes, e2e, forcearch, needs, own_rpm, typed};

/// A compiled test and the directory its package's tests run in.
struct Binary {
    path: PathBuf,
    package: PathBuf,
}

/// Leaves out what asks cargo about a project.
const CARGO_TESTS: [&str; 2] = ["--skip", "template::tests"];

/// How much is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Each suite by at least one of the people, each of the people against at least one suite.
    Some,
    /// Every project and everything a user types, against every suite, by everybody.
    All,
}

/// Runs everything; goes on after a failing part and names all of them in the end.
pub fn run(root: &Path, target: &Path, extent: Extent, say: &(dyn Fn(&str) + Sync)) -> Result<()> {
    needs::provide(
        needs::For::Testing,
        &|| Apt::new(&target.join("distro/apt"), false),
        say,
    )?;
    let mut failed = Vec::new();
    let mut part = |name: &str, result: Result<()>| {
        if let Err(error) = result {
            say(&format!("FAILED: {name}: {error:#}"));
            failed.push(name.to_owned());
        }
    };
    say("== tests of all crates");
    part("tests of all crates", ours(root));
    let people = users::everybody(say)?;
    for who in people.iter().filter(|who| who.ids.is_some()) {
        say(&format!("== the same as {}", who.label));
        part(&format!("tests as {}", who.label), theirs(root, who, say));
    }
    say("== completions and man pages are fresh");
    part(
        "generated files",
        crate::generated::update(root, target, crate::generated::COMPLETIONS, true)
            .and_then(|()| crate::generated::update(root, target, crate::generated::MAN, true)),
    );
    say("== licences of the dependencies");
    part("licences", crate::licences::check(root).map(drop));
    say("== what a user types");
    part(
        "what a user types",
        typed::run(root, target, Suite::Bookworm, &people, &[], say),
    );
    say("== what a failed build says");
    part("what a failed build says", causes(root, target, say));
    say("== rpmkit's own source package");
    part("own source package", own_rpm::source(root, target, say));
    say("== the other generations of rpm");
    part(
        "the other generations of rpm",
        generations(root, target, extent, &people, say),
    );
    say("== another machine");
    part(
        "another machine",
        forcearch::run(root, target, &people, say),
    );
    say("== packages built end to end");
    part(
        "end to end",
        e2e::run(root, target, Suite::Bookworm, &[], false, say),
    );
    if !failed.is_empty() {
        bail!("failed: {}", failed.join("; "));
    }
    say("everything passed");
    Ok(())
}

/// Fixtures that are built against every suite: a program, a library, and build requirements found while building.
const EVERYWHERE: [&str; 3] = ["hello", "cjson", "python-colorama"];

/// Each suite but the first: what it installs, and builds by one of the people, a different one for each; or
/// all there is by all of them.
fn generations(
    root: &Path,
    target: &Path,
    extent: Extent,
    people: &[Identity],
    say: &(dyn Fn(&str) + Sync),
) -> Result<()> {
    let others = [Suite::Trixie, Suite::Sid];
    let fixtures = EVERYWHERE.map(str::to_owned);
    let mut failed = Vec::new();
    let made = distro::make_each(&target.join("distro"), &others, say)?;
    for (index, distro) in made.iter().enumerate() {
        let name = &distro.stamp.suite;
        say(&format!("{name}: {}", distro.stamp.versions));
        let mut results = vec![agree::compare(root, target, distro, None, say)];
        match extent {
            Extent::Some => {
                let who = (index + 1) % people.len();
                let who = &people[who..=who];
                results.push(e2e::run_as(root, target, distro, &fixtures, who, say));
            }
            Extent::All => {
                results.push(e2e::run_as(root, target, distro, &[], people, say));
                let suite = distro.stamp.suite();
                results.push(typed::run(root, target, suite, people, &[], say));
            }
        }
        for error in results.into_iter().filter_map(Result::err) {
            failed.push(format!("{name}: {error:#}"));
        }
    }
    ensure!(failed.is_empty(), "{}", failed.join("\n"));
    Ok(())
}

fn causes(root: &Path, target: &Path, say: &dyn Fn(&str)) -> Result<()> {
    let causes = causes::Causes {
        root,
        target,
        dirs: &[root.join("tests/causes")],
        program: None,
        prepared: None,
        keep: None,
    };
    causes.run(say, say)
}

fn cargo(root: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root);
    command
}

fn ours(root: &Path) -> Result<()> {
    let mut command = cargo(root);
    // Not nextest: it cannot list tests that start themselves again in namespaces.
    command.args([
        "test",
        "--workspace",
        "--exclude",
        "rpmkit-tests",
        "--no-fail-fast",
    ]);
    let status = command.status().context("cannot run cargo")?;
    ensure!(status.success(), "{status}");
    Ok(())
}

fn theirs(root: &Path, who: &Identity, say: &dyn Fn(&str)) -> Result<()> {
    let home = tempfile::Builder::new()
        .prefix("rpmkit-test-")
        .tempdir_in("/var/tmp")?;
    who.give(home.path())?;
    let has_cargo = who
        .command(Path::new("cargo"), home.path())
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !has_cargo {
        say(&format!(
            "{} has no cargo: the tests that ask it about Rust projects run as you only",
            who.label
        ));
    }
    let mut failed = Vec::new();
    for binary in binaries(root)? {
        let name = binary
            .path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        let asks_cargo = name.starts_with("rpmkit_sources-") && !has_cargo;
        let output = who
            .command(&binary.path, home.path())
            .args(if asks_cargo { &CARGO_TESTS[..] } else { &[] })
            .env("CARGO_MANIFEST_DIR", &binary.package)
            .current_dir(&binary.package)
            .stdin(Stdio::null())
            .output()
            .with_context(|| {
                format!(
                    "{} may not run `{}`: put the workspace where everybody can read it",
                    who.label,
                    binary.path.display()
                )
            })?;
        if !output.status.success() {
            say(&format!(
                "{}{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            ));
            failed.push(name);
        }
    }
    ensure!(failed.is_empty(), "failing: {}", failed.join(", "));
    Ok(())
}

/// All compiled tests but xtask's own, which drive cargo and apt.
fn binaries(root: &Path) -> Result<Vec<Binary>> {
    let output = cargo(root)
        .args([
            "test",
            "--workspace",
            "--exclude",
            "xtask",
            "--exclude",
            "rpmkit-tests",
            "--no-run",
            "--message-format=json",
        ])
        .stderr(Stdio::inherit())
        .output()
        .context("cannot run cargo")?;
    ensure!(output.status.success(), "the tests do not compile");
    let mut found = Vec::new();
    for message in Message::parse_stream(output.stdout.as_slice()) {
        if let Message::CompilerArtifact(artifact) = message?
            && artifact.profile.test
            && let Some(path) = artifact.executable
        {
            let package = artifact
                .manifest_path
                .parent()
                .context("a manifest lies in no directory")?;
            found.push(Binary {
                path: path.into(),
                package: package.into(),
            });
        }
    }
    Ok(found)
}
