//! `cargo xtask e2e`: every fixture built for real, as everybody there is, and the packages compared.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

use crate::contents::{self, Contents};
use crate::distro::{self, Distro, Stamp};
use crate::fixture::{self, Fixture, Style};
use crate::serve::Server;
use crate::users::Identity;
use crate::{chroot, demo};

/// A failing rpmbuild passes its own status on, as with mock.
const BUILD_FAILED: i32 = 1;

/// Packages of one build: by file name.
type Packages = BTreeMap<String, Contents>;

/// What to run.
pub struct Suite<'a> {
    /// `rpmkit`, where everybody can read it.
    pub program: &'a Path,
    /// The distribution to build against.
    pub distro: &'a Distro,
    /// Where apt's state lies, for the sources.
    pub work: &'a Path,
    /// Names of fixtures; empty means all.
    pub only: &'a [String],
    /// Who builds.
    pub people: &'a [Identity],
}

impl Suite<'_> {
    /// Runs all; tells of every build through `say`. An error names everything that went wrong.
    pub fn run(&self, say: &dyn Fn(&str)) -> Result<()> {
        let fixtures: Vec<&Fixture> = fixture::ALL
            .iter()
            .filter(|one| self.only.is_empty() || self.only.iter().any(|name| name == one.name))
            .collect();
        ensure!(
            !fixtures.is_empty(),
            "no fixture of these names; see `cargo xtask fixture`"
        );
        let server = Server::start(&self.distro.dir, 0)?;
        let place = tempfile::Builder::new()
            .prefix("rpmkit-e2e-")
            .permissions(fs::Permissions::from_mode(0o755))
            .tempdir_in("/var/tmp")?;
        let program = place.path().join("rpmkit");
        fs::copy(self.program, &program)
            .context("cannot copy rpmkit to where everybody can run it")?;
        let mut wrong = Vec::new();
        for fixture in fixtures {
            let mut first: Option<(&'static str, Packages)> = None;
            for who in self.people {
                let begun = Instant::now();
                let one = One {
                    who,
                    fixture,
                    program: &program,
                    stamp: &self.distro.stamp,
                };
                let home = place.path().join(who.label);
                let result = one.build(&home, &server.url(), self.work);
                let spent = begun.elapsed().as_secs_f64();
                match result {
                    Ok(packages) => {
                        say(&format!(
                            "ok    {:<16} as {:<9} {spent:>6.1} s",
                            fixture.name, who.label
                        ));
                        match &first {
                            None => first = Some((who.label, packages)),
                            Some((label, expected)) => {
                                wrong.extend(compare(
                                    fixture.name,
                                    (label, expected),
                                    (who.label, &packages),
                                ));
                            }
                        }
                    }
                    Err(error) => {
                        say(&format!(
                            "WRONG {:<16} as {:<9} {spent:>6.1} s",
                            fixture.name, who.label
                        ));
                        wrong.push(format!("{} as {}: {error:#}", fixture.name, who.label));
                    }
                }
            }
        }
        self.clean(&program, place.path(), say);
        if !wrong.is_empty() {
            bail!("{} wrong:\n{}", wrong.len(), wrong.join("\n"));
        }
        Ok(())
    }

    /// Layers of a user with sub-ids hold files only that user's namespace may remove: rpmkit itself removes them.
    fn clean(&self, program: &Path, place: &Path, say: &dyn Fn(&str)) {
        for who in self.people.iter().filter(|who| who.ids.is_some()) {
            let home = place.join(who.label);
            let config = home.join("config");
            let output = who
                .command(program, &home)
                .args([
                    "mock",
                    "-r",
                    &chroot::name(&self.distro.stamp),
                    "--configdir",
                ])
                .arg(&config)
                .args(["--scrub", "all"])
                .current_dir(&home)
                .output();
            if !output.as_ref().is_ok_and(|output| output.status.success()) {
                say(&format!(
                    "note: could not scrub what {} left in `{}`",
                    who.label,
                    home.display()
                ));
            }
        }
    }
}

/// One build by one person.
struct One<'a> {
    who: &'a Identity,
    fixture: &'a Fixture,
    program: &'a Path,
    stamp: &'a Stamp,
}

impl One<'_> {
    fn build(&self, home: &Path, url: &str, work: &Path) -> Result<Packages> {
        let config = home.join("config");
        chroot::write(&config, self.stamp, url, chroot::With::Base)?;
        let checkout = home.join(self.fixture.name);
        fixture::lay_out(self.fixture.name, &checkout, Style::Tree, work)?;
        let results = home.join(format!("{}-results", self.fixture.name));
        fs::create_dir_all(&results)?;
        for dir in [&config, &checkout, &results] {
            self.who.give(dir)?;
        }
        if let Some((uid, gid)) = self.who.ids {
            std::os::unix::fs::chown(home, Some(uid), Some(gid))?;
        }
        let output = self
            .who
            .command(self.program, home)
            .args(["build", "-r", &chroot::name(self.stamp), "--configdir"])
            .arg(&config)
            .arg("--resultdir")
            .arg(&results)
            .current_dir(&checkout)
            .output()
            .with_context(|| format!("cannot run `{}`", self.program.display()))?;
        let text = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        let code = output.status.code();
        let log = fs::read_to_string(results.join("build.log")).unwrap_or_default();
        if self.fixture.fails {
            ensure!(
                code == Some(BUILD_FAILED),
                "status {code:?}, expected {BUILD_FAILED}:\n{}",
                tail(&text)
            );
            ensure!(
                text.contains("%build"),
                "the message does not name the section that failed:\n{}",
                tail(&text)
            );
            ensure!(
                log.contains("no_such_greeting"),
                "build.log does not have the compiler's error"
            );
            return Ok(Packages::new());
        }
        ensure!(
            code == Some(0),
            "status {code:?}:\n{}\nend of build.log:\n{}",
            tail(&text),
            tail(&log)
        );
        self.packages(&results)
    }

    fn packages(&self, results: &Path) -> Result<Packages> {
        let mut packages = Packages::new();
        for entry in fs::read_dir(results)? {
            let path: PathBuf = entry?.path();
            let name = path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default();
            if name.ends_with(".rpm") {
                packages.insert(name, contents::read(&path)?);
            }
        }
        let sources = packages
            .keys()
            .filter(|name| name.ends_with(".src.rpm"))
            .count();
        ensure!(
            sources == 1 && packages.len() > 1,
            "unexpected packages: {:?}",
            packages.keys()
        );
        for log in [
            "build.log",
            "root.log",
            "state.log",
            "hw_info.log",
            "installed_pkgs.log",
            "result.json",
        ] {
            ensure!(results.join(log).is_file(), "no `{log}` among the results");
        }
        Ok(packages)
    }
}

fn compare(name: &str, one: (&str, &Packages), other: (&str, &Packages)) -> Vec<String> {
    let names = |packages: &Packages| packages.keys().cloned().collect::<Vec<_>>();
    if names(one.1) != names(other.1) {
        return vec![format!(
            "{name}: {} has {:?}, {} has {:?}",
            one.0,
            names(one.1),
            other.0,
            names(other.1)
        )];
    }
    let mut wrong = Vec::new();
    for (package, expected) in one.1 {
        for line in contents::differences(expected, &other.1[package]) {
            wrong.push(format!(
                "{package}, as {} and as {}: {line}",
                one.0, other.0
            ));
        }
    }
    wrong
}

fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(25)..]
        .iter()
        .map(|line| format!("    {line}\n"))
        .collect()
}

/// The fixtures against another suite, as some of the people.
pub fn run_as(
    root: &Path,
    target: &Path,
    distro: &Distro,
    only: &[String],
    people: &[Identity],
    say: &dyn Fn(&str),
) -> Result<()> {
    Suite {
        program: &demo::build_suite(root, target, false)?,
        distro,
        work: &target.join("distro"),
        only,
        people,
    }
    .run(say)
}

/// Everything `run` needs, made or found.
pub fn run(
    root: &Path,
    target: &Path,
    suite: distro::Suite,
    only: &[String],
    alone: bool,
    say: &dyn Fn(&str),
) -> Result<()> {
    let work = target.join("distro");
    let program = demo::build_suite(root, target, false)?;
    let distro = distro::make(&work, suite, None, say)?;
    let mut people = crate::users::everybody(say)?;
    people.truncate(if alone { 1 } else { people.len() });
    Suite {
        program: &program,
        distro: &distro,
        work: &work,
        only,
        people: &people,
    }
    .run(say)
}
