//! A root directory of a suite's own tools, made by unpacking Debian packages, and commands run in it.
//!
//! Nothing of it is installed on the host. A command gets mount and process namespaces of its own, so whatever
//! was mounted or started for it ends with it; an ordinary user gets a user namespace besides.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, ensure};

use super::deb::{self, DebKind};
use super::jobs;

/// Mounts what programs expect, then what was asked for, and goes in. Arguments: the root, how many binds there
/// are, then source and target of each, then the command.
const ENTER: &str = r#"
set -e
root=$1 binds=$2
shift 2
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/tmp"
while [ "$binds" -gt 0 ]; do
    mkdir -p "$root/$2"
    mount --rbind "$1" "$root/$2"
    binds=$((binds - 1))
    shift 2
done
exec chroot "$root" "$@"
"#;

/// What Debian's own installation scripts would link.
const LINKS: &[(&str, &str)] = &[
    ("usr/bin/sh", "bash"),
    ("usr/bin/awk", "gawk"),
    ("bin", "usr/bin"),
    ("sbin", "usr/sbin"),
    ("lib", "usr/lib"),
    ("lib64", "usr/lib64"),
    ("var/run", "../run"),
];

/// A root with tools.
#[derive(Debug)]
pub struct Root {
    dir: PathBuf,
}

impl Root {
    /// A root that is there.
    pub fn at(dir: &Path) -> Result<Self> {
        let dir = std::path::absolute(dir)?;
        ensure!(
            dir.join("usr/bin/rpm").exists(),
            "`{}` is no root with rpm in it: make the distribution again with `cargo xtask distro`",
            dir.display()
        );
        Ok(Self { dir })
    }

    /// Unpacks the packages into `dir`, which must not exist.
    pub fn make(dir: &Path, debs: &[PathBuf]) -> Result<Self> {
        for below in ["proc", "dev", "tmp", "usr/bin", "etc", "run", "var/tmp"] {
            fs::create_dir_all(dir.join(below))?;
        }
        jobs::parallel("unpacking tools", debs, |path| unpack(dir, path))?;
        for (link, target) in LINKS {
            if fs::symlink_metadata(dir.join(link)).is_err() {
                symlink(target, dir.join(link))?;
            }
        }
        for name in ["passwd", "group"] {
            let master = dir.join(format!("usr/share/base-passwd/{name}.master"));
            fs::copy(&master, dir.join("etc").join(name))
                .with_context(|| format!("cannot copy `{}`", master.display()))?;
        }
        fs::set_permissions(dir.join("var/tmp"), fs::Permissions::from_mode(0o1777))?;
        Self::at(dir)
    }

    /// A command in the root, with directories of the host at the places named.
    pub fn command<S: AsRef<OsStr>>(&self, binds: &[(&Path, &str)], words: &[S]) -> Command {
        let mut command = Command::new("unshare");
        command.args(["--mount", "--pid", "--fork", "--kill-child"]);
        if !nix::unistd::geteuid().is_root() {
            command.args(["--user", "--map-root-user"]);
        }
        command
            .args(["sh", "-c", ENTER, "enter"])
            .arg(&self.dir)
            .arg(binds.len().to_string());
        for (from, to) in binds {
            command.arg(from).arg(to);
        }
        command
            .args(words)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("HOME", "/root")
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null());
        command
    }

    /// Runs a command in the root to its end; an error has what it printed.
    pub fn run<S: AsRef<OsStr>>(&self, binds: &[(&Path, &str)], words: &[S]) -> Result<String> {
        let output = self.output(binds, words)?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        ensure!(
            output.status.success(),
            "`{}` in `{}` failed ({}):\n{}\n{}",
            words
                .iter()
                .map(|word| word.as_ref().to_string_lossy())
                .collect::<Vec<_>>()
                .join(" "),
            self.dir.display(),
            output.status,
            tail(&text),
            tail(&String::from_utf8_lossy(&output.stderr))
        );
        Ok(text)
    }

    /// The same, whatever its status.
    pub fn output<S: AsRef<OsStr>>(&self, binds: &[(&Path, &str)], words: &[S]) -> Result<Output> {
        self.command(binds, words)
            .output()
            .context("cannot run `unshare`: it enters the root of the suite's own tools")
    }
}

/// The end of a long output, where the reason is.
fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}

/// Unpacks one package; owners and special bits are of no use here.
fn unpack(root: &Path, path: &Path) -> Result<()> {
    let package = deb::read(path)?;
    let mut links = BTreeMap::new();
    for entry in package.entries {
        // The links of the merged `/usr` would come out as links to themselves.
        if entry.path != entry.original && !entry.original[1..].contains('/') {
            continue;
        }
        let target = root.join(entry.path.trim_start_matches('/'));
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        let what = || format!("cannot unpack `{}`", target.display());
        match entry.kind {
            DebKind::Dir => fs::create_dir_all(&target).with_context(what)?,
            DebKind::File(bytes) => {
                fs::write(&target, bytes).with_context(what)?;
                let mode = u32::from(entry.mode) & 0o777 | 0o200;
                fs::set_permissions(&target, fs::Permissions::from_mode(mode))?;
            }
            DebKind::Symlink(link) => {
                if fs::symlink_metadata(&target).is_err() {
                    symlink(link, &target).with_context(what)?;
                }
            }
            DebKind::Hardlink(other) => {
                links.insert(target, other);
            }
        }
    }
    for (target, other) in links {
        fs::hard_link(root.join(other.trim_start_matches('/')), &target)
            .with_context(|| format!("cannot link `{}`", target.display()))?;
    }
    Ok(())
}
