//! The smallest distribution for a machine that this one is not: what `--forcearch` is held against.
//!
//! It is made of bookworm's packages for that machine, which the host's apt downloads; the `rpm` crate writes its
//! packages, so nothing of it is run to make it.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use super::super::{
    Distro, Job, Stamp, Writer, apt::Apt, beside, comps, convert, digest, lock, recipe, remove,
    repodata, suites::Suite, write_whole,
};

/// Another machine, in Debian's word for it.
pub const MACHINE: &str = "arm64";
/// What stands in the group but is no package of Debian's: ours, or made of another one.
const OURS: [&str; 2] = ["rpm-build", "filesystem"];
/// Asked for besides the group: what our own packages and `rpm-build` require.
const ALSO: [&str; 10] = [
    "binutils",
    "debugedit",
    "dwz",
    "elfutils",
    "file",
    "libc6",
    "login",
    "pkgconf",
    "rpm-common",
    "tzdata",
];

/// Makes it below `work`, unless it is there and up to date.
pub fn make(work: &Path, say: &dyn Fn(&str)) -> Result<Distro> {
    let suite = Suite::Bookworm;
    let profile = suite.profile();
    let out = work.join(MACHINE);
    fs::create_dir_all(work)?;
    let _lock = lock(&work.join(format!("lock-{MACHINE}")), say)?;
    let mut hash = Sha256::new();
    for part in [digest(suite).as_str(), include_str!("foreign.rs")] {
        hash.update(part);
    }
    let recipe = hex::encode(hash.finalize());
    if let Some(stamp) = Stamp::read(&out).filter(|stamp| stamp.recipe == recipe) {
        return Ok(Distro { dir: out, stamp });
    }
    let fresh = beside(&out, "new");
    remove(&fresh)?;
    let packages = fresh.join("zst/Packages");
    fs::create_dir_all(&packages)?;
    say(&format!("asking apt for Debian packages of {MACHINE}"));
    let apt = Apt::of_machine(&work.join(format!("apt-{MACHINE}")), suite, MACHINE)?;
    apt.update()?;
    let wanted: Vec<&str> = recipe::BUILDROOT_GROUP
        .iter()
        .copied()
        .filter(|name| !OURS.contains(name))
        .chain(ALSO)
        .collect();
    let names = apt.known(&wanted)?;
    let items = apt.closure(&names)?;
    let debs = apt.download(&names, &items)?;
    let job = Job {
        profile,
        writer: Writer::Crate,
    };
    let arch = job.convert_all(&debs, &packages)?;
    anyhow::ensure!(
        arch == convert::rpm_arch(MACHINE),
        "apt gave packages of {arch}, not of {MACHINE}"
    );
    let count = fs::read_dir(&packages)?.count();
    repodata::of(
        None,
        &fresh.join("zst"),
        repodata::Packing::Zstd,
        &comps::xml(),
    )?;
    let stamp = Stamp {
        format: Stamp::FORMAT,
        recipe,
        packages: count,
        arch,
        suite: profile.name.to_owned(),
        versions: format!("{count} packages of {MACHINE}"),
    };
    write_whole(
        &fresh.join("stamp.json"),
        &serde_json::to_vec_pretty(&stamp)?,
    )?;
    remove(&out)?;
    fs::rename(&fresh, &out)
        .with_context(|| format!("cannot put the distribution at `{}`", out.display()))?;
    Ok(Distro { dir: out, stamp })
}
