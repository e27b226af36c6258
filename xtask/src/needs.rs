//! What building and running the suite needs from the host: found, installed where we may, else named in one line.

use std::process::Command;

use anyhow::{Result, bail, ensure};
use xtask_start::{NEEDED, TESTED, USEFUL, advice, is_root, missing, sentences};

use crate::distro::Apt;

/// What something is to be provided for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum For {
    /// Compiling and running the suite.
    Building,
    /// All tests besides.
    Testing,
}

/// Makes sure of everything: root installs with apt (lists of our own in `apt`), others are told what to paste.
pub fn provide(what: For, apt: &dyn Fn() -> Result<Apt>, say: &dyn Fn(&str)) -> Result<()> {
    let mut needed = missing(NEEDED);
    if what == For::Testing {
        needed.extend(missing(TESTED));
    }
    if needed.is_empty() {
        for need in missing(USEFUL).iter().filter(|_| !is_root()) {
            say(&format!(
                "note: `{}` is missing; it {} (package `{}`)",
                need.program, need.why, need.package
            ));
        }
        return Ok(());
    }
    say(sentences(&needed).trim_end());
    if !is_root() {
        bail!(advice(&needed));
    }
    let packages: Vec<String> = needed.iter().map(|need| need.package.to_owned()).collect();
    say(&format!("installing {}", packages.join(" ")));
    let apt = apt()?;
    apt.update()?;
    let status: std::process::ExitStatus =
        apt.install_on_host(&mut Command::new("apt-get"), &packages)?;
    ensure!(
        status.success(),
        "apt-get could not install {} ({status})",
        packages.join(" ")
    );
    Ok(())
}
