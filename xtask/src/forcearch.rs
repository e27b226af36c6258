//! `cargo xtask forcearch`: a chroot of another machine is made and builds a package, by everybody there is.
//!
//! Its programs run by qemu-user. Where the kernel does not let a user register one, rpmkit has to say which
//! switch is missing; that is looked at then, and told.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use anyhow::{Context, Result, bail, ensure};

use crate::distro::Apt;
use crate::distro::oracle::foreign;
use crate::serve::Server;
use crate::users::Identity;
use crate::{chroot, demo};

/// What runs its programs, and the package of it.
const EMULATOR: (&str, &str) = ("/usr/bin/qemu-aarch64-static", "qemu-user-static");
/// What an error about it must name, one of them: the module, the kernel, or the package.
const SWITCHES: [&str; 4] = [
    "modprobe binfmt_misc",
    "Linux 6.7",
    "binfmt_misc",
    "qemu-user-static",
];

const SPEC: &str = "
Name: foreign
Version: 1
Release: 1
Summary: Built on another machine
License: MIT
%description
It is.
%build
uname -m > machine
%install
mkdir -p %{buildroot}/usr/share/foreign
cp machine %{buildroot}/usr/share/foreign
%check
test \"$(cat machine)\" = aarch64
%files
/usr/share/foreign
";

/// Runs it; rpmkit is built first.
pub fn run(root: &Path, target: &Path, people: &[Identity], say: &dyn Fn(&str)) -> Result<()> {
    let work = target.join("distro");
    if !provided(&work, say)? {
        return Ok(());
    }
    let program = demo::build_suite(root, target, false)?;
    let distro = foreign::make(&work, say)?;
    let server = Server::start(&distro.dir, 0)?;
    let place = tempfile::Builder::new()
        .prefix("rpmkit-forcearch-")
        .permissions(fs::Permissions::from_mode(0o755))
        .tempdir_in("/var/tmp")?;
    let copy = place.path().join("rpmkit");
    fs::copy(&program, &copy)?;
    let mut wrong = Vec::new();
    for who in people {
        let home = place.path().join(who.label);
        let config = home.join("config");
        chroot::write(&config, &distro.stamp, &server.url(), chroot::With::Base)?;
        fs::create_dir_all(home.join("sources"))?;
        fs::write(home.join("foreign.spec"), SPEC)?;
        who.give(&home)?;
        let mock = |words: &[&str]| -> Result<Output> {
            who.command(&copy, &home)
                .args(["mock", "-r", &chroot::name(&distro.stamp), "--configdir"])
                .arg(&config)
                .args(["--forcearch", &distro.stamp.arch, "--resultdir", "out"])
                .args(words)
                .current_dir(&home)
                .output()
                .context("cannot run rpmkit")
        };
        let built = mock(&[
            "--rebuild",
            "--spec",
            "foreign.spec",
            "--sources",
            "sources",
        ])?;
        let told = String::from_utf8_lossy(&built.stderr).into_owned();
        let package = home.join(format!("out/foreign-1-1.{}.rpm", distro.stamp.arch));
        if built.status.success() && package.is_file() {
            say(&format!(
                "ok    {} builds for {}",
                who.label, distro.stamp.arch
            ));
        } else if SWITCHES.iter().any(|switch| told.contains(switch)) {
            let why = told
                .lines()
                .filter(|line| line.starts_with("ERROR: ") || line.contains("hint: "))
                .filter(|line| !line.contains("Exception("));
            say(&format!("note: {} cannot here:", who.label));
            why.for_each(|line| say(&format!("    {line}")));
        } else {
            say(&format!(
                "WRONG {} builds for {}",
                who.label, distro.stamp.arch
            ));
            wrong.push(format!("{}: {}\n{told}", who.label, built.status));
        }
        // Only their own namespace may remove what their sub-ids own.
        drop(mock(&["--scrub", "all"])?);
    }
    if !wrong.is_empty() {
        bail!("{}", wrong.join("\n"));
    }
    Ok(())
}

/// Whether the emulator is here: root installs it, others are told.
fn provided(work: &Path, say: &dyn Fn(&str)) -> Result<bool> {
    let (program, package) = EMULATOR;
    let local = program.replace("/usr/bin", "/usr/local/bin");
    if [program, &local]
        .iter()
        .any(|path| Path::new(path).is_file())
    {
        return Ok(true);
    }
    if !nix::unistd::geteuid().is_root() {
        say(&format!(
            "note: no other machine is tried: `{program}` is missing (package `{package}`)"
        ));
        return Ok(false);
    }
    say(&format!("installing {package}"));
    let apt = Apt::new(&work.join("apt"), false)?;
    apt.update()?;
    let status = apt.install_on_host(&mut Command::new("apt-get"), &[package.to_owned()])?;
    ensure!(
        status.success(),
        "apt-get could not install {package} ({status})"
    );
    Ok(true)
}
