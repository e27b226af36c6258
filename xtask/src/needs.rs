//! What building and running the suite needs from the host: found, installed where we may, else named in one line.

use std::process::Command;

use anyhow::{Result, bail, ensure};

use crate::distro::Apt;

/// A program and the Debian package that has it.
struct Need {
    program: &'static str,
    package: &'static str,
    why: &'static str,
}

/// Without these nothing goes on.
const NEEDED: &[Need] = &[
    Need {
        program: "cmake",
        package: "cmake",
        why: "builds the vendored solver",
    },
    Need {
        program: "cc",
        package: "gcc",
        why: "compiles the C parts",
    },
    Need {
        program: "c++",
        package: "g++",
        why: "cmake asks for it",
    },
    Need {
        program: "make",
        package: "make",
        why: "cmake drives it",
    },
    Need {
        program: "git",
        package: "git",
        why: "lays out checkouts",
    },
];

/// Better with it; without it an ordinary user builds in the mode of one id.
const USEFUL: &[Need] = &[Need {
    program: "newuidmap",
    package: "uidmap",
    why: "lets an ordinary user keep file owners exact",
}];

/// Makes sure of everything: root installs with apt (lists of our own in `apt`), others are told what to paste.
pub fn provide(apt: &dyn Fn() -> Result<Apt>, say: &dyn Fn(&str)) -> Result<()> {
    let missing = |needs: &'static [Need]| -> Vec<&'static Need> {
        needs
            .iter()
            .filter(|need| which::which(need.program).is_err())
            .collect()
    };
    let root = nix::unistd::geteuid().is_root();
    let needed = missing(NEEDED);
    let packages: Vec<String> = needed.iter().map(|need| need.package.to_owned()).collect();
    if needed.is_empty() {
        for need in missing(USEFUL).iter().filter(|_| !root) {
            say(&format!(
                "note: `{}` is missing; it {} (package `{}`)",
                need.program, need.why, need.package
            ));
        }
        return Ok(());
    }
    for need in &needed {
        say(&format!("`{}` is missing; it {}", need.program, need.why));
    }
    if !root {
        bail!(
            "install what is missing and start again:\n  sudo sh -c 'apt-get update && apt-get install -y {}'",
            packages.join(" ")
        );
    }
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
