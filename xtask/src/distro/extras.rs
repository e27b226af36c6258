//! The second repository, `extras`: compilers of other languages, which are too large to be made for everybody.
//!
//! It lies below the distribution it belongs to, has no package that is there already, and is made only when asked
//! for. Its own stamp is its last file.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use super::{Apt, Distro, Stamp, beside, comps, convert_some, lock, own, recipe, remove, repodata};

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
    let _lock = lock(&work.join("lock"), say)?;
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
    let apt = Apt::new(&work.join("apt"), false)?;
    say("asking apt for compilers of other languages");
    apt.update()?;
    let wanted: Vec<&str> = recipe::WANTED
        .iter()
        .chain(recipe::WANTED_EXTRAS)
        .copied()
        .collect();
    let known = apt.known(&wanted)?;
    for name in recipe::WANTED_EXTRAS {
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
    let mut count = convert_some(&paths, &fresh_paths, &packages)?.count;
    for spec in own::extras() {
        super::write_package(spec, &packages)?;
        count += 1;
    }
    repodata::write(&fresh, repodata::Packing::Zstd, &comps::xml())?;
    let stamp = Stamp {
        format: Stamp::FORMAT,
        recipe,
        packages: count,
        arch: distro.stamp.arch.clone(),
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
