//! What the suite's own dnf makes of a list of packages: the answer rpmkit's is compared with.
//!
//! dnf runs in the distribution's root (see [`super::root`]) and installs into a directory below the system's
//! temporary files; nothing of it stays mounted.

pub mod foreign;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::suites::{Profile, Suite};
use super::{Distro, comps, root::Root};

/// What was installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// `NAME-EPOCH:VERSION-RELEASE.ARCH` of everything, without keys.
    pub packages: BTreeSet<String>,
    /// `/etc/passwd`.
    pub passwd: String,
    /// `/etc/group`.
    pub group: String,
    /// `/etc/shadow` without the days of the last change.
    pub shadow: String,
    /// `/etc/gshadow`.
    pub gshadow: String,
    /// What `rpm -Va` prints: nothing where all is well.
    pub verified: String,
    /// What the triggers of testdist-triggers wrote, in their order; empty without them.
    pub triggered: String,
}

/// Where they write it.
pub const TRIGGERED: &str = "var/log/testdist-triggers.log";

/// What is done to a root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Install these (names, `@group`).
    Install(&'static [&'static str]),
    /// Bring everything up to date.
    Update,
    /// Remove these, and what only they needed.
    Remove(&'static [&'static str]),
}

/// How `rpm -qa` names a package here.
pub const QUERY: &str = "%{name}-%{epochnum}:%{version}-%{release}.%{arch}\\n";

/// Directory of the root, the distribution and the new root, as dnf sees them.
const PLACES: (&str, &str) = ("/distribution", "/install");

/// Does all this, one after the other, with the suite's own dnf and one repository of the distribution in
/// `target`, an empty directory.
pub fn run(distro: &Distro, repository: &str, steps: &[Step], target: &Path) -> Result<Installed> {
    let root = distro.root()?.with_context(|| {
        format!(
            "the distribution of {} has no root with a dnf of its own",
            distro.stamp.suite
        )
    })?;
    let profile = distro.stamp.profile();
    same_sysusers(profile, &distro.dir.join("root"))?;
    for step in steps {
        root.run(
            &[(distro.dir.as_path(), PLACES.0), (target, PLACES.1)],
            &words(profile, repository, step),
        )
        .with_context(|| format!("the suite's own dnf could not do this: {step:?}"))?;
    }
    read(&root, target)
}

/// Lets rpm in the root make users with the program that the distribution's own rpm names: each program gives
/// them shells and groups of its own.
fn same_sysusers(profile: &Profile, root: &Path) -> Result<()> {
    let line = profile
        .macros
        .lines()
        .find(|line| line.starts_with("%__systemd_sysusers"));
    let Some(line) = line else { return Ok(()) };
    let dir = root.join("etc/rpm");
    std::fs::create_dir_all(&dir)?;
    std::fs::write(dir.join("macros.sysusers"), format!("{line}\n"))
        .with_context(|| format!("cannot write below `{}`", dir.display()))
}

fn words(profile: &Profile, repository: &str, step: &Step) -> Vec<String> {
    let (distribution, install) = PLACES;
    let program = if profile.manager == "dnf5" {
        "dnf5"
    } else {
        "dnf"
    };
    let words = [
        program.to_owned(),
        "--assumeyes".to_owned(),
        "--quiet".to_owned(),
        format!("--installroot={install}"),
        "--releasever=1".to_owned(),
        "--setopt=reposdir=/nonexistent".to_owned(),
        "--setopt=varsdir=/nonexistent".to_owned(),
        "--setopt=cachedir=/tmp/cache".to_owned(),
        "--setopt=plugins=0".to_owned(),
        // As the chroot's definition has it.
        "--setopt=install_weak_deps=False".to_owned(),
        format!("--repofrompath=testdist,file://{distribution}/{repository}"),
        "--setopt=testdist.gpgcheck=0".to_owned(),
    ];
    let (verb, names) = match step {
        Step::Install(names) => ("install", *names),
        Step::Update => ("upgrade", &[][..]),
        Step::Remove(names) => ("remove", *names),
    };
    let names = names.iter().flat_map(|name| expand(profile, name));
    words
        .into_iter()
        .chain([verb.to_owned()])
        .chain(names)
        .collect()
}

/// Members of a group one by one where the suite's dnf cannot read groups.
fn expand(profile: &Profile, name: &str) -> Vec<String> {
    match name.strip_prefix('@') {
        // Python's binding of libcomps crashes there as soon as a group is looked at.
        Some(group) if profile.name == Suite::Trixie.profile().name => comps::members(group),
        _ => vec![name.to_owned()],
    }
}

/// What is in a root, asked of the suite's own rpm.
fn read(root: &Root, target: &Path) -> Result<Installed> {
    let binds = [(target, PLACES.1)];
    let ask = |words: &[&str]| {
        let mut all = vec!["rpm", "--root", PLACES.1];
        all.extend(words);
        root.output(&binds, &all)
    };
    let listed = ask(&["-qa", "--qf", QUERY])?;
    ensure!(
        listed.status.success(),
        "`rpm -qa` failed ({})",
        listed.status
    );
    let text = |path: &str| {
        let path: PathBuf = target.join(path);
        std::fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))
    };
    Ok(Installed {
        packages: packages(&String::from_utf8_lossy(&listed.stdout)),
        passwd: text("etc/passwd")?,
        group: text("etc/group")?,
        shadow: undated(&text("etc/shadow")?),
        gshadow: text("etc/gshadow")?,
        triggered: text(TRIGGERED).unwrap_or_default(),
        // Its status says whether it printed something.
        verified: String::from_utf8_lossy(&ask(&["-Va"])?.stdout).into_owned(),
    })
}

/// Lines of `/etc/shadow` without the third field, a day.
pub fn undated(shadow: &str) -> String {
    let line = |line: &str| {
        let fields = line.split(':').enumerate().filter(|(n, _)| *n != 2);
        let fields: Vec<&str> = fields.map(|(_, field)| field).collect();
        format!("{}\n", fields.join(":"))
    };
    shadow.lines().map(line).collect()
}

/// Lines of a query, without the keys rpm lists like packages.
pub fn packages(text: &str) -> BTreeSet<String> {
    text.lines()
        .filter(|line| !line.starts_with("gpg-pubkey-"))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_spelled_out_where_they_cannot_be_read() {
        let (trixie, sid) = (Suite::Trixie.profile(), Suite::Sid.profile());
        assert_eq!(expand(sid, "@buildsys-build"), ["@buildsys-build"]);
        assert!(expand(trixie, "@buildsys-build").contains(&"rpm-build".to_owned()));
        assert!(!expand(trixie, "@c-development").contains(&"cmake".to_owned()));
        assert_eq!(expand(trixie, "gcc"), ["gcc"]);
    }

    #[test]
    fn the_day_of_a_password_does_not_count() {
        assert_eq!(
            undated("a:!:20000:0:99999:7:::\nb:*::::::\n"),
            "a:!:0:99999:7:::\nb:*:::::\n"
        );
    }

    #[test]
    fn keys_are_no_packages() {
        let found = packages("gpg-pubkey-0:1-1.(none)\nbash-0:5-1.x86_64\n");
        assert_eq!(found, BTreeSet::from(["bash-0:5-1.x86_64".to_owned()]));
    }
}
