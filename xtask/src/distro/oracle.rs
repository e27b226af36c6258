//! What the suite's own dnf makes of a list of packages: the answer rpmkit's is compared with.
//!
//! dnf runs in the distribution's root (see [`super::root`]) and installs into a directory below the system's
//! temporary files; nothing of it stays mounted.

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
    /// What `rpm -Va` prints: nothing where all is well.
    pub verified: String,
}

/// How `rpm -qa` names a package here.
pub const QUERY: &str = "%{name}-%{epochnum}:%{version}-%{release}.%{arch}\\n";

/// Directory of the root, the distribution and the new root, as dnf sees them.
const PLACES: (&str, &str) = ("/distribution", "/install");

/// Installs `wanted` (names, `@group`) from one repository of the distribution into `target`, an empty directory,
/// with the suite's own dnf.
pub fn install(
    distro: &Distro,
    repository: &str,
    wanted: &[String],
    target: &Path,
) -> Result<Installed> {
    let root = distro.root()?.with_context(|| {
        format!(
            "the distribution of {} has no root with a dnf of its own",
            distro.stamp.suite
        )
    })?;
    let profile = distro.stamp.profile();
    same_sysusers(profile, &distro.dir.join("root"))?;
    let mut words = words(profile, repository);
    words.extend(wanted.iter().flat_map(|name| expand(profile, name)));
    root.run(
        &[(distro.dir.as_path(), PLACES.0), (target, PLACES.1)],
        &words,
    )
    .context("the suite's own dnf could not install this")?;
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

fn words(profile: &Profile, repository: &str) -> Vec<String> {
    let (distribution, install) = PLACES;
    let program = if profile.manager == "dnf5" {
        "dnf5"
    } else {
        "dnf"
    };
    [
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
        "install".to_owned(),
    ]
    .into()
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
        // Its status says whether it printed something.
        verified: String::from_utf8_lossy(&ask(&["-Va"])?.stdout).into_owned(),
    })
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
    fn keys_are_no_packages() {
        let found = packages("gpg-pubkey-0:1-1.(none)\nbash-0:5-1.x86_64\n");
        assert_eq!(found, BTreeSet::from(["bash-0:5-1.x86_64".to_owned()]));
    }
}
