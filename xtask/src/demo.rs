//! `cargo xtask demo`: from nothing to packages, with the time each step took.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::distro::{self, Apt};
use crate::fixture::{self, Style};
use crate::serve::Server;
use crate::{chroot, needs};

/// Steps and how long they took.
struct Clock<'a> {
    say: &'a dyn Fn(&str),
    steps: Vec<(String, Duration)>,
}

impl Clock<'_> {
    fn step<T>(&mut self, name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        (self.say)(&format!("\n== {name}"));
        let begun = Instant::now();
        let result = work()?;
        self.steps.push((name.to_owned(), begun.elapsed()));
        Ok(result)
    }
}

/// What to show.
pub struct Demo<'a> {
    /// The workspace.
    pub root: &'a Path,
    /// Its target directory.
    pub target: &'a Path,
    /// The project to build.
    pub fixture: &'a str,
    /// Build rpmkit optimised.
    pub release: bool,
}

impl Demo<'_> {
    /// Runs all of it; progress through `say`, the results on stdout through `tell`.
    pub fn run(&self, say: &dyn Fn(&str), tell: &dyn Fn(&str)) -> Result<()> {
        let work = self.target.join("distro");
        let place = self.target.join("demo");
        let mut clock = Clock {
            say,
            steps: Vec::new(),
        };
        clock.step("what the host must have", || {
            needs::provide(
                needs::For::Building,
                &|| Apt::new(&work.join("apt"), false),
                say,
            )
        })?;
        let program = clock.step("build rpmkit", || {
            build_suite(self.root, self.target, self.release)
        })?;
        let distro = clock.step("make the test distribution", || {
            distro::make(&work, distro::Suite::Bookworm, None, say)
        })?;
        let server = Server::start(&distro.dir, 0)?;
        say(&format!("serving it at {}", server.url()));
        chroot::write(
            &place.join("config"),
            &distro.stamp,
            &server.url(),
            chroot::With::Base,
        )?;
        let checkout = place.join(self.fixture);
        if checkout.exists() {
            std::fs::remove_dir_all(&checkout).with_context(|| {
                format!(
                    "cannot remove the checkout of the last run, `{}`",
                    checkout.display()
                )
            })?;
        }
        clock.step(&format!("lay out the checkout of {}", self.fixture), || {
            fixture::lay_out(self.fixture, &checkout, Style::Tree, &work)
        })?;
        let results = place.join("results");
        for name in ["first rpmkit build", "second rpmkit build"] {
            let mut command = Command::new(&program);
            command
                .arg("build")
                .args(["-r", &chroot::name(&distro.stamp)])
                .arg("--configdir")
                .arg(place.join("config"))
                .arg("--resultdir")
                .arg(&results)
                .current_dir(&checkout);
            clock.step(name, || {
                let status = command
                    .status()
                    .with_context(|| format!("cannot run `{}`", program.display()))?;
                ensure!(
                    status.success(),
                    "`rpmkit build` failed ({status}); its logs are in `{}`",
                    results.display()
                );
                Ok(())
            })?;
        }
        tell("\nresults:");
        for path in listing(&results)? {
            tell(&format!("  {}", path.display()));
        }
        tell("\ntime:");
        for (name, time) in &clock.steps {
            tell(&format!("  {:>8.1} s  {name}", time.as_secs_f64()));
        }
        tell("\nagain, with other options:");
        tell(&format!("  cargo xtask serve {}", distro.dir.display()));
        Ok(())
    }
}

/// Builds the default members; returns the path of `rpmkit`.
pub fn build_suite(root: &Path, target: &Path, release: bool) -> Result<PathBuf> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.arg("build").current_dir(root);
    if release {
        cargo.arg("--release");
    }
    let status = cargo.status().context("cannot run cargo")?;
    ensure!(status.success(), "`cargo build` failed ({status})");
    let program = target
        .join(if release { "release" } else { "debug" })
        .join("rpmkit");
    ensure!(program.is_file(), "cargo built no `{}`", program.display());
    Ok(program)
}

fn listing(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> = walkdir::WalkDir::new(dir)
        .into_iter()
        .filter_map(|entry| {
            entry
                .ok()
                .filter(|entry| entry.file_type().is_file())
                .map(walkdir::DirEntry::into_path)
        })
        .collect();
    files.sort();
    ensure!(
        !files.is_empty(),
        "`{}` is empty after two builds",
        dir.display()
    );
    Ok(files)
}
