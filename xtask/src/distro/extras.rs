//! The second repository, `extras`: compilers of other languages, which are too large to be made for everybody.
//!
//! It lies below the distribution it belongs to, has no package that is there already, and is made only when asked
//! for. Its own stamp is its last file.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use super::{
    Apt, Distro, Job, Scratch, Stamp, Writer, beside, comps, lock, own, recipe, remove, repodata,
};

/// Name of the repository's directory.
const DIR: &str = "extras";

/// What decides besides the recipe of the distribution itself.
const RECIPE: &[&str] = &[
    include_str!("extras.rs"),
    include_str!("../../data/macros.cargo"),
    include_str!("../../data/macros.go"),
];

/// Whether the distribution at `dist` has its extras.
pub fn present(dist: &Path) -> bool {
    Stamp::read(&dist.join(DIR)).is_some()
}

/// Makes the extras of a distribution, unless they are there and up to date.
pub fn make(work: &Path, distro: &Distro, say: &dyn Fn(&str)) -> Result<()> {
    let _lock = lock(&work.join(distro.stamp.suite().private("lock")), say)?;
    let out = distro.dir.join(DIR);
    let recipe = digest(&distro.stamp);
    if let Some(stamp) = Stamp::read(&out).filter(|stamp| stamp.recipe == recipe) {
        say(&format!(
            "its extras are up to date ({} packages)",
            stamp.packages
        ));
        return Ok(());
    }
    let begun = Instant::now();
    let fresh = beside(&out, "new");
    remove(&fresh)?;
    let packages = fresh.join("Packages");
    fs::create_dir_all(&packages)?;
    let suite = distro.stamp.suite();
    let profile = suite.profile();
    let apt = Apt::of_suite(&work.join(suite.private("apt")), suite)?;
    say("asking apt for compilers of other languages");
    apt.update()?;
    let more = profile.names(recipe::WANTED_EXTRAS);
    let mut wanted = profile.wanted();
    wanted.extend(&more);
    let known = apt.known(&wanted)?;
    for name in more {
        if !known.iter().any(|known| known == name) {
            say(&format!(
                "note: apt has no package `{name}`; the extras go without"
            ));
        }
    }
    let items = apt.closure(&known)?;
    let paths = apt.download(&known, &items)?;
    let base = distro.dir.join("zst/Packages");
    let is_new =
        |path: &&PathBuf| super::rpm_name(path).is_none_or(|name| !base.join(name).exists());
    let fresh_paths: Vec<PathBuf> = paths.iter().filter(is_new).cloned().collect();
    say(&format!("converting {} Debian packages", fresh_paths.len()));
    let root = distro.root()?;
    let place = Scratch::new(work.join(suite.private("building")))?;
    let job = Job {
        profile,
        writer: Writer::of(root.as_ref(), &place.0),
    };
    let mut count = job.convert_some(&paths, &fresh_paths, &packages)?.count;
    for (index, spec) in own::extras().into_iter().enumerate() {
        job.write(spec, index, &packages)?;
        count += 1;
    }
    repodata::of(
        root.as_ref(),
        &fresh,
        repodata::Packing::Zstd,
        &comps::xml(),
    )?;
    let stamp = Stamp {
        format: Stamp::FORMAT,
        recipe,
        packages: count,
        arch: distro.stamp.arch.clone(),
        suite: distro.stamp.suite.clone(),
        versions: distro.stamp.versions.clone(),
    };
    super::write_whole(
        &fresh.join("stamp.json"),
        &serde_json::to_vec_pretty(&stamp)?,
    )?;
    let old = beside(&out, "old");
    remove(&old)?;
    if out.exists() {
        fs::rename(&out, &old)?;
    }
    fs::rename(&fresh, &out)
        .with_context(|| format!("cannot put the extras at `{}`", out.display()))?;
    remove(&old)?;
    say(&format!(
        "made the extras in `{}`: {count} packages, {:.1} s",
        out.display(),
        begun.elapsed().as_secs_f64()
    ));
    Ok(())
}

fn digest(base: &Stamp) -> String {
    let mut hash = Sha256::new();
    hash.update(&base.recipe);
    for part in RECIPE {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hex::encode(hash.finalize())
}
