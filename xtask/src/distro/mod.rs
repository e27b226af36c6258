//! `cargo xtask distro`: real RPM distributions, made of Debian packages, for the demo and the end-to-end tests.
//!
//! ```text
//! target/distro/apt      apt's lists and the downloaded packages       kept between runs
//! target/distro/key      the signing key                               kept between runs
//! target/distro/dist     the distribution:
//!     stamp.json                what it was made from; present only when everything else is
//!     RPM-GPG-KEY-testdist      public key of the signed repository
//!     zst/    Packages/ repodata/     metadata in zstd
//!     gz/     Packages/ repodata/     metadata in gzip; the packages are hard links to those of zst
//!     signed/ Packages/ repodata/     signed packages, metadata in zstd, repomd.xml.asc
//!     extras/ Packages/ repodata/     compilers of other languages, only when asked for; has a stamp of its own
//!     old/    Packages/ repodata/     small packages as rpm 4.8, 4.11 and 4.14 made them, see [`aged`]
//!     modular/ signatures/      trixie and sid: see [`variants`] and [`signatures`]
//!     root/                     trixie and sid: the suite's own rpm, rpmbuild and dnf, see [`root`]
//! target/distro/apt-trixie, key-trixie, trixie   the same for another suite, see [`suites`]
//! ```
//!
//! The recipe is the source of this module and its data files: while their digest matches the stamp there is
//! nothing to do. A new distribution is made beside the old one and takes its place by rename.

mod aged;
mod apt;
mod comps;
mod control;
mod convert;
mod deb;
mod depmap;
mod elf;
pub mod extras;
mod header;
mod jobs;
mod native;
pub mod oracle;
mod own;
mod pins;
mod provides;
mod recipe;
mod repodata;
mod root;
mod rpmwrite;
mod sign;
pub mod signatures;
mod sources;
mod suites;
mod variants;

pub use apt::Apt;
pub use suites::Suite;

use std::collections::BTreeSet;
use std::fs;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use nix::fcntl::{Flock, FlockArg};
use rpm::signature::pgp::Signer;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use native::Native;
use root::Root;
use rpmwrite::Spec;
use suites::Profile;

/// Time of files that have none: 2025-06-15.
const EPOCH: u32 = 1_750_000_000;

/// Everything that decides what the distribution is.
const RECIPE: &[&str] = &[
    include_str!("aged.rs"),
    include_str!("comps.rs"),
    include_str!("control.rs"),
    include_str!("convert.rs"),
    include_str!("deb.rs"),
    include_str!("depmap.rs"),
    include_str!("elf.rs"),
    include_str!("header.rs"),
    include_str!("mod.rs"),
    include_str!("native.rs"),
    include_str!("own.rs"),
    include_str!("provides.rs"),
    include_str!("recipe.rs"),
    include_str!("repodata.rs"),
    include_str!("root.rs"),
    include_str!("rpmwrite.rs"),
    include_str!("signatures.rs"),
    include_str!("suites.rs"),
    include_str!("variants.rs"),
    include_str!("../../data/group"),
    include_str!("../../data/macros.pyproject"),
    include_str!("../../data/macros.testdist"),
    include_str!("../../data/nsswitch.conf"),
    include_str!("../../data/os-release"),
    include_str!("../../data/passwd"),
    include_str!("../../data/profile"),
    include_str!("../../data/pyproject.py"),
];

/// Left in a finished distribution.
#[derive(Debug, Serialize, Deserialize)]
pub struct Stamp {
    /// Version of this file's format.
    pub format: u32,
    /// Digest of the recipe.
    pub recipe: String,
    /// How many packages each repository has.
    pub packages: usize,
    /// RPM architecture.
    pub arch: String,
    /// Which suite it is made of.
    pub suite: String,
    /// What its versions are, for people.
    pub versions: String,
}

impl Stamp {
    const FORMAT: u32 = 2;

    /// Reads the stamp of a finished distribution.
    pub fn read(dist: &Path) -> Option<Self> {
        let stamp: Self = serde_json::from_slice(&fs::read(dist.join("stamp.json")).ok()?).ok()?;
        (stamp.format == Self::FORMAT).then_some(stamp)
    }

    /// Its suite.
    pub fn suite(&self) -> Suite {
        Suite::named(&self.suite).unwrap_or(Suite::Bookworm)
    }

    /// In what its suite differs from the others.
    pub fn profile(&self) -> &'static Profile {
        self.suite().profile()
    }
}

/// A finished distribution.
pub struct Distro {
    /// Its directory.
    pub dir: PathBuf,
    /// Its stamp.
    pub stamp: Stamp,
}

impl Distro {
    /// A distribution that is there.
    pub fn at(dir: &Path) -> Result<Self> {
        let stamp = Stamp::read(dir).with_context(|| {
            format!(
                "`{}` is no test distribution: it has no stamp",
                dir.display()
            )
        })?;
        Ok(Self {
            dir: std::path::absolute(dir)?,
            stamp,
        })
    }

    /// The root of the suite's own tools, where the suite has one.
    fn root(&self) -> Result<Option<Root>> {
        let has = !self.stamp.profile().tools.is_empty();
        has.then(|| Root::at(&self.dir.join("root"))).transpose()
    }
}

/// Makes the distribution of a suite at `out` (default: below `work`), unless it is there and up to date.
pub fn make(work: &Path, suite: Suite, out: Option<&Path>, say: &dyn Fn(&str)) -> Result<Distro> {
    fs::create_dir_all(work)?;
    let out = std::path::absolute(out.map_or_else(|| work.join(suite.dir()), Path::to_path_buf))?;
    let _lock = lock(&work.join(suite.private("lock")), say)?;
    let recipe = digest(suite);
    if let Some(stamp) = Stamp::read(&out).filter(|stamp| stamp.recipe == recipe) {
        say(&format!(
            "the test distribution in `{}` is up to date ({} packages; {})",
            out.display(),
            stamp.packages,
            stamp.versions
        ));
        return Ok(Distro { dir: out, stamp });
    }
    let begun = Instant::now();
    let fresh = beside(&out, "new");
    remove(&fresh)?;
    fs::create_dir_all(&fresh)?;
    let stamp = build(work, suite, &fresh, recipe, say)?;
    let old = beside(&out, "old");
    remove(&old)?;
    if out.exists() {
        fs::rename(&out, &old)?;
    }
    fs::rename(&fresh, &out)
        .with_context(|| format!("cannot put the distribution at `{}`", out.display()))?;
    remove(&old)?;
    say(&format!(
        "made the test distribution in `{}`: {} packages, {:.1} s; {}",
        out.display(),
        stamp.packages,
        begun.elapsed().as_secs_f64(),
        stamp.versions
    ));
    Ok(Distro { dir: out, stamp })
}

/// Makes the distributions of several suites side by side. A suite that moves and that apt cannot install today is
/// left out, with a line that says so; every other failure is one.
pub fn make_each(
    work: &Path,
    suites: &[Suite],
    say: &(dyn Fn(&str) + Sync),
) -> Result<Vec<Distro>> {
    let results: Vec<(Suite, Result<Distro>)> = std::thread::scope(|scope| {
        let runs: Vec<_> = suites
            .iter()
            .map(|&suite| (suite, scope.spawn(move || make(work, suite, None, say))))
            .collect();
        runs.into_iter()
            .map(|(suite, run)| {
                let result = run
                    .join()
                    .unwrap_or_else(|_| Err(anyhow::anyhow!("the thread that made it panicked")));
                (suite, result)
            })
            .collect()
    });
    let mut made = Vec::new();
    for (suite, result) in results {
        let profile = suite.profile();
        match result {
            Ok(distro) => made.push(distro),
            Err(error) if excused(profile, &error) => say(&format!(
                "note: without {}: {}",
                profile.name,
                error.root_cause()
            )),
            Err(error) => {
                return Err(error.context(format!(
                    "cannot make the test distribution of {}",
                    profile.name
                )));
            }
        }
    }
    Ok(made)
}

/// Whether a failure is the suite's own: it moves, and apt says that it cannot be installed.
fn excused(profile: &Profile, error: &anyhow::Error) -> bool {
    profile.moving && error.chain().any(|cause| cause.is::<apt::Unavailable>())
}

/// Asks apt what the suite's packages are today; returns the list to be recorded for it.
pub fn record(work: &Path, suite: Suite, say: &dyn Fn(&str)) -> Result<String> {
    let _lock = lock(&work.join(suite.private("lock")), say)?;
    let apt = Apt::of_suite(&work.join(suite.private("apt")), suite)?;
    Ok(pins::choose(&apt, suite.profile(), pins::Use::Served, say)?.list)
}

fn build(
    work: &Path,
    suite: Suite,
    fresh: &Path,
    recipe: String,
    say: &dyn Fn(&str),
) -> Result<Stamp> {
    let profile = suite.profile();
    let apt = Apt::of_suite(&work.join(suite.private("apt")), suite)?;
    let chosen = pins::choose(&apt, profile, pins::Use::Recorded, say)?;
    say(&format!("{}: {}", profile.name, chosen.note));
    let packages = fresh.join("zst/Packages");
    fs::create_dir_all(&packages)?;
    let place = Scratch::new(work.join(suite.private("building")))?;
    let root = if profile.tools.is_empty() {
        None
    } else {
        Some(Root::make(&fresh.join("root"), &chosen.tools)?)
    };
    let job = Job {
        profile,
        writer: Writer::of(root.as_ref(), &place.0),
    };
    say(&format!(
        "converting {} Debian packages",
        chosen.packages.len()
    ));
    let arch = job.convert_all(&chosen.packages, &packages)?;
    if let Writer::Native(native) = &job.writer {
        let format = |index| profile.format(index);
        variants::write(native, &arch, format, &packages)?;
    }
    let count = files(&packages)?.len();
    say(&format!(
        "writing metadata for {count} packages, and a signed copy"
    ));
    let comps = comps::xml();
    link_all(&packages, &fresh.join("gz/Packages"))?;
    let metadata =
        |dir: &str, packing| repodata::of(root.as_ref(), &fresh.join(dir), packing, &comps);
    metadata("zst", repodata::Packing::Zstd)?;
    metadata("gz", repodata::Packing::Gzip)?;
    let (signer, public) = sign::key(&work.join(suite.private("key")))?;
    sign_all(&signer, &packages, &fresh.join("signed"))?;
    metadata("signed", repodata::Packing::Zstd)?;
    if let (Some(root), Writer::Native(native)) = (&root, &job.writer) {
        variants::modular(native, root, &fresh.join("modular"), &comps)?;
        signatures::make(native, root, profile, &fresh.join("signatures"), &comps)?;
    }
    let repomd = fresh.join("signed/repodata/repomd.xml");
    fs::write(
        fresh.join("signed/repodata/repomd.xml.asc"),
        sign::detached(&signer, &fs::read(&repomd)?)?,
    )?;
    fs::write(fresh.join("RPM-GPG-KEY-testdist"), public)?;
    aged::make(&fresh.join("old"), &arch)?;
    let stamp = Stamp {
        format: Stamp::FORMAT,
        recipe,
        packages: count,
        arch,
        suite: profile.name.to_owned(),
        versions: chosen.note,
    };
    write_whole(
        &fresh.join("stamp.json"),
        &serde_json::to_vec_pretty(&stamp)?,
    )?;
    Ok(stamp)
}

/// By what packages are written.
enum Writer<'a> {
    /// The `rpm` crate.
    Crate,
    /// The suite's own rpmbuild.
    Native(Native<'a>),
}

impl<'a> Writer<'a> {
    /// The root's rpmbuild, working in `work`, where there is a root.
    fn of(root: Option<&'a Root>, work: &'a Path) -> Self {
        root.map_or(Self::Crate, |root| Self::Native(Native { root, work }))
    }
}

/// The conversion of a suite's packages.
struct Job<'a> {
    profile: &'static Profile,
    writer: Writer<'a>,
}

/// What was converted.
struct Converted {
    /// How many packages came out.
    count: usize,
    /// RPM architecture of those that have one.
    arch: String,
    /// Version of Python in the set, such as `3.11`.
    python: String,
}

/// Name and architecture out of a Debian package's file name, `NAME_VERSION_ARCH.deb`.
fn named(path: &Path) -> (String, String) {
    let file = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let mut parts = file.trim_end_matches(".deb").split('_');
    let name = parts.next().unwrap_or_default().to_owned();
    (name, parts.next_back().unwrap_or_default().to_owned())
}

/// The file name a Debian package goes by after its conversion.
fn rpm_name(deb: &Path) -> Option<String> {
    let file = deb.file_name()?.to_str()?.strip_suffix(".deb")?;
    let [name, version, arch] = file.split('_').collect::<Vec<_>>()[..] else {
        return None;
    };
    let evr = depmap::Evr::from_debian(&version.replace("%3a", ":"));
    let arch = convert::rpm_arch(arch);
    Some(format!("{name}-{}-{}.{arch}.rpm", evr.version, evr.release))
}

impl Job<'_> {
    /// Writes all packages and our own; returns the architecture of those that have one.
    fn convert_all(&self, paths: &[PathBuf], target: &Path) -> Result<String> {
        let Converted { arch, python, .. } = self.convert_some(paths, paths, target)?;
        let own = own::packages(&arch, &python, self.profile);
        let numbered: Vec<(usize, Spec)> = own.into_iter().enumerate().collect();
        jobs::parallel("our own packages", &numbered, |(index, spec)| {
            self.write(spec.clone(), *index, target)
        })?;
        Ok(arch)
    }

    /// Writes those of the set `all` that are in `some`.
    fn convert_some(&self, all: &[PathBuf], some: &[PathBuf], target: &Path) -> Result<Converted> {
        let converted = |path: &&PathBuf| !recipe::satisfied_without(&named(path).0);
        let set: Vec<&PathBuf> = all.iter().filter(converted).collect();
        let wanted: Vec<(usize, &PathBuf)> = some.iter().filter(converted).enumerate().collect();
        let names: BTreeSet<String> = set.iter().map(|path| named(path).0).collect();
        let arch = set
            .iter()
            .map(|path| named(path).1)
            .find(|arch| arch != "all")
            .map_or_else(
                || "noarch".to_owned(),
                |arch| convert::rpm_arch(&arch).to_owned(),
            );
        let python = names
            .iter()
            .find_map(|name| {
                name.strip_prefix("python3.")
                    .filter(|minor| minor.chars().all(|c| c.is_ascii_digit()))
            })
            .map_or_else(|| "3".to_owned(), |minor| format!("3.{minor}"));
        let counts = jobs::parallel("deb to rpm", &wanted, |(index, path)| {
            let specs = convert::convert(deb::read(path)?, &names, &python, self.profile);
            let count = specs.len();
            specs
                .into_iter()
                .try_for_each(|spec| self.write(spec, *index, target))?;
            Ok(count)
        })?;
        Ok(Converted {
            count: counts.iter().sum(),
            arch,
            python,
        })
    }

    /// Writes one package, the `index`th of its list.
    fn write(&self, spec: Spec, index: usize, target: &Path) -> Result<()> {
        match &self.writer {
            Writer::Crate => write_package(spec, target),
            Writer::Native(native) => native.write(spec, self.profile.format(index), target),
        }
    }
}

fn write_package(spec: Spec, dir: &Path) -> Result<()> {
    let path = dir.join(spec.file_name());
    spec.build()?
        .write_file(&path)
        .with_context(|| format!("cannot write `{}`", path.display()))
}

fn files(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut all: Vec<PathBuf> = fs::read_dir(dir)?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    all.sort();
    Ok(all)
}

fn link_all(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for path in files(from)? {
        if let Some(name) = path.file_name() {
            fs::hard_link(&path, to.join(name))
                .or_else(|_| fs::copy(&path, to.join(name)).map(drop))?;
        }
    }
    Ok(())
}

fn sign_all(signer: &Signer, from: &Path, repository: &Path) -> Result<()> {
    let target = repository.join("Packages");
    fs::create_dir_all(&target)?;
    jobs::parallel("signing", &files(from)?, |path| {
        let mut package = rpm::Package::open(path)?;
        package.sign(signer)?;
        package.write_file(target.join(path.file_name().unwrap_or_default()))?;
        Ok(())
    })
    .map(drop)
}

fn digest(suite: Suite) -> String {
    let mut hash = Sha256::new();
    let profile = suite.profile();
    let names = [&profile.name, &profile.recorded];
    for part in RECIPE.iter().chain(names).chain(variants::texts()) {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hex::encode(hash.finalize())
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{suffix}"));
    path.with_file_name(name)
}

/// A directory for builds, gone when dropped; what a killed run left of it is gone when the next one begins.
struct Scratch(PathBuf);

impl Scratch {
    fn new(path: PathBuf) -> Result<Self> {
        remove(&path)?;
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // The next run tries again.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn remove(path: &Path) -> Result<()> {
    if path.exists() {
        fs::remove_dir_all(path).with_context(|| format!("cannot remove `{}`", path.display()))?;
    }
    Ok(())
}

/// Writes a file so that it is there whole or not at all.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let part = beside(path, "part");
    fs::write(&part, bytes).with_context(|| format!("cannot write `{}`", part.display()))?;
    fs::rename(&part, path).with_context(|| format!("cannot write `{}`", path.display()))
}

fn lock(path: &Path, say: &dyn Fn(&str)) -> Result<Flock<OwnedFd>> {
    let file: OwnedFd = fs::File::create(path)
        .with_context(|| format!("cannot open `{}`", path.display()))?
        .into();
    let file = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(locked) => return Ok(locked),
        Err((file, _)) => file,
    };
    say("waiting for another run that makes the test distribution");
    Flock::lock(file, FlockArg::LockExclusive)
        .map_err(|(_, error)| error)
        .context("cannot lock the distribution")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_moving_suite_may_be_broken() {
        let broken = || {
            let error = anyhow::Error::from(apt::Unavailable::default());
            error.context("cannot make it")
        };
        assert!(excused(Suite::Sid.profile(), &broken()));
        assert!(!excused(Suite::Trixie.profile(), &broken()));
        assert!(!excused(
            Suite::Sid.profile(),
            &anyhow::anyhow!("no network")
        ));
    }
}
