//! `cargo xtask own-rpm`: rpmkit's own packages, made by `rpmkit build` in this very workspace against the test
//! distribution, then installed into a chroot of it and run there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::{chroot, demo, distro, own_srpm, serve::Server};

/// A place to build in, with rpmkit, a distribution and a chroot definition.
struct Place<'a> {
    root: &'a Path,
    dir: PathBuf,
    program: PathBuf,
    chroot: String,
    _server: Server,
}

/// Builds, installs and runs the packages; `optimize` is what users get and takes three times as long.
pub fn build(root: &Path, target: &Path, optimize: bool, say: &dyn Fn(&str)) -> Result<()> {
    let work = target.join("distro");
    let distribution = distro::make(&work, distro::Suite::Bookworm, None, say)?;
    distro::extras::make(&work, &distribution, say)?;
    let place = Place::make(root, target, &distribution, chroot::With::Extras)?;
    say("building rpmkit's packages; the compiler takes some minutes");
    let results = place.fresh("results")?;
    let mut command = place.command("build", &results);
    if !optimize {
        command.args(["--without", "optimize"]);
    }
    run(command)?;
    let packages: Vec<PathBuf> = rpms(&results)?
        .into_iter()
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            !name.ends_with(".src.rpm") && !name.contains("-debug")
        })
        .collect();
    ensure!(
        packages.len() == 2,
        "expected `rpmkit` and `rpmkit-mock`, got {packages:?}"
    );
    let mut install = place.mock();
    install.arg("--install").args(&packages);
    run(install)?;
    for (program, expected) in [("rpmkit", "rpmkit "), ("mock", "")] {
        let mut inside = place.mock();
        inside.args(["--quiet", "--chroot", "--", program, "--version"]);
        let text = run(inside)?;
        ensure!(
            text.trim_start().starts_with(expected)
                && text.chars().any(|letter| letter.is_ascii_digit()),
            "`{program} --version` in the chroot says `{}`",
            text.trim()
        );
        say(&format!("{program} in the chroot: {}", text.trim()));
    }
    let mut verify = place.mock();
    verify.args([
        "--quiet",
        "--chroot",
        "--",
        "rpm",
        "-V",
        "rpmkit",
        "rpmkit-mock",
    ]);
    run(verify)?;
    let mut clean = place.mock();
    clean.arg("--clean");
    run(clean).map(drop)
}

/// The cheap part: the source package alone, with everything in it that the build will ask for.
pub fn source(root: &Path, target: &Path, say: &dyn Fn(&str)) -> Result<()> {
    let work = target.join("distro");
    let distribution = distro::make(&work, distro::Suite::Bookworm, None, say)?;
    own_srpm::check_version(root)?;
    let place = Place::make(root, target, &distribution, chroot::With::Base)?;
    let results = place.fresh("source")?;
    let mut command = place.command("srpm", &results);
    // The distribution's cargo is older than what rpmkit is written in.
    command.arg("--vendor-with-host");
    run(command)?;
    let [package] = &rpms(&results)?[..] else {
        anyhow::bail!("no single source package in `{}`", results.display());
    };
    let vendor = results.join("vendor.tar.zst");
    let mut names = Vec::new();
    rpm::Package::open(package)?
        .files()?
        .try_for_each(|file| -> Result<()> {
            let file = file?;
            let name = file.metadata.path().display().to_string();
            if name.ends_with("-vendor.tar.zst") {
                fs::write(&vendor, file.content().unwrap_or_default())?;
            }
            names.push(name);
            Ok(())
        })?;
    ensure!(
        vendor.is_file() && names.len() == 3,
        "the source package has {names:?}"
    );
    let missing = missing_crates(root, &vendor)?;
    ensure!(
        missing.is_empty(),
        "the source package lacks crates of Cargo.lock: {missing:?}"
    );
    Ok(())
}

/// Crates of the lock file that an archive of vendored ones has not.
fn missing_crates(root: &Path, vendor: &Path) -> Result<Vec<String>> {
    let file = fs::File::open(vendor)?;
    let mut archive = tar::Archive::new(zstd::stream::read::Decoder::new(file)?);
    let mut there = BTreeSet::new();
    for entry in archive.entries()? {
        let path = entry?.path()?.into_owned();
        if let Some(name) = path.iter().nth(1) {
            there.insert(name.to_string_lossy().into_owned());
        }
    }
    let metadata = cargo_metadata::MetadataCommand::new()
        .manifest_path(root.join("Cargo.toml"))
        .exec()
        .context("cannot read the workspace")?;
    Ok(metadata
        .packages
        .iter()
        .filter(|package| package.source.is_some())
        .map(|package| format!("{}-{}", package.name, package.version))
        .filter(|name| !there.contains(name))
        .collect())
}

impl<'a> Place<'a> {
    fn make(
        root: &'a Path,
        target: &Path,
        distribution: &distro::Distro,
        with: chroot::With,
    ) -> Result<Self> {
        let program = demo::build_suite(root, target, false)?;
        let dir = target.join("own-rpm");
        let server = Server::start(&distribution.dir, 0)?;
        chroot::write(
            &dir.join("config"),
            &distribution.stamp,
            &server.url(),
            with,
        )?;
        // The build replaces nothing below `target/debug`, but the next `cargo build` does.
        let copy = dir.join("rpmkit");
        fs::copy(&program, &copy)
            .with_context(|| format!("cannot copy `{}`", program.display()))?;
        Ok(Self {
            root,
            dir,
            program: copy,
            chroot: chroot::name(&distribution.stamp),
            _server: server,
        })
    }

    /// An empty directory.
    fn fresh(&self, name: &str) -> Result<PathBuf> {
        let path = self.dir.join(name);
        if path.exists() {
            fs::remove_dir_all(&path)
                .with_context(|| format!("cannot remove `{}`", path.display()))?;
        }
        fs::create_dir_all(&path)?;
        Ok(path)
    }

    fn rpmkit(&self, verb: &str) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args([verb, "-r", &self.chroot, "--configdir"])
            .arg(self.dir.join("config"))
            .env("RPMKIT_CACHE_DIR", self.dir.join("cache"))
            .env("RPMKIT_STATE_DIR", self.dir.join("state"))
            .current_dir(self.root);
        command
    }

    fn command(&self, verb: &str, results: &Path) -> Command {
        let mut command = self.rpmkit(verb);
        command.arg("--resultdir").arg(results);
        command
    }

    fn mock(&self) -> Command {
        self.rpmkit("mock")
    }
}

fn run(mut command: Command) -> Result<String> {
    let output = command
        .output()
        .with_context(|| format!("cannot run {:?}", command.get_program()))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(
        output.status.success(),
        "{command:?} failed ({}):\n{text}{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(text)
}

fn rpms(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut found: Vec<PathBuf> = fs::read_dir(dir)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|kind| kind == "rpm"))
        .collect();
    found.sort();
    Ok(found)
}
