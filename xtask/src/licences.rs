//! `cargo xtask licences`: what dependencies may be, by the committed list `deny.toml`: licences under which they may be
//! distributed as part of an MIT-licensed program, no known hole, no need for a newer Rust than ours.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use cargo_metadata::{MetadataCommand, Package};
use serde::Deserialize;
use spdx::{Expression, ParseMode};

use crate::advisories;

/// `deny.toml`, as far as it is read here.
#[derive(Deserialize)]
pub struct Deny {
    licenses: Licenses,
    /// Which holes are lived with.
    pub advisories: advisories::Policy,
}

#[derive(Deserialize)]
struct Licenses {
    allow: Vec<String>,
}

/// Checks the lock file's packages; gives how many there are.
pub fn check(root: &Path) -> Result<usize> {
    let path = root.join("deny.toml");
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read `{}`", path.display()))?;
    let deny: Deny =
        toml::from_str(&text).with_context(|| format!("`{}` does not parse", path.display()))?;
    let packages = packages(root)?;
    let mut wrong = Vec::new();
    for package in &packages {
        let verdict = match &package.license {
            Some(text) => judge(text, &deny.licenses.allow),
            None => Err("declares no licence".to_owned()),
        };
        let rust = ours(&packages).and_then(|ours| new_rust(package, &ours));
        for why in verdict.err().into_iter().chain(rust) {
            wrong.push(format!("{} {}: {why}", package.name, package.version));
        }
    }
    wrong.extend(advisories::read(root)?.judge(&packages, &deny.advisories));
    ensure!(
        wrong.is_empty(),
        "dependencies that do not fit (see deny.toml):\n  {}",
        wrong.join("\n  ")
    );
    Ok(packages.len())
}

/// All packages of the lock file, ours included.
pub fn packages(root: &Path) -> Result<Vec<Package>> {
    Ok(MetadataCommand::new()
        .manifest_path(root.join("Cargo.toml"))
        .other_options(["--locked".to_owned()])
        .exec()
        .context("cannot ask cargo for the dependencies")?
        .packages)
}

/// The Rust our crates say they need.
fn ours(packages: &[Package]) -> Option<cargo_metadata::semver::Version> {
    let core = packages.iter().find(|p| p.name.as_str() == "rpmkit")?;
    core.rust_version.clone()
}

fn new_rust(package: &Package, ours: &cargo_metadata::semver::Version) -> Option<String> {
    let needed = package.rust_version.as_ref()?;
    (needed > ours).then(|| format!("needs Rust {needed}, and rpmkit promises {ours}"))
}

fn judge(text: &str, allow: &[String]) -> std::result::Result<(), String> {
    // Old manifests write `MIT/Apache-2.0`.
    let expression = Expression::parse_mode(text, ParseMode::LAX)
        .map_err(|e| format!("`{text}` is no licence expression: {}", e.reason))?;
    let allowed = |id: &str| allow.iter().any(|allowed| allowed == id);
    if expression.evaluate(|licence| licence.license.id().is_some_and(|id| allowed(id.name))) {
        Ok(())
    } else {
        Err(format!("`{text}` is not allowed"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_way_to_comply_is_enough_and_all_of_an_and_are_needed() {
        let allow = ["MIT", "Apache-2.0", "Unicode-3.0"].map(str::to_owned);
        for good in [
            "MIT",
            "MIT/Apache-2.0",
            "LGPL-2.1-or-later OR MIT",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception",
        ] {
            assert_eq!(judge(good, &allow), Ok(()), "{good}");
        }
        for bad in ["GPL-3.0-only", "MIT AND AGPL-3.0-only", "my own", "ISC"] {
            assert!(judge(bad, &allow).is_err(), "{bad}");
        }
    }
}
