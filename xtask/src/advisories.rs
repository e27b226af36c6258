//! Known holes in dependencies, by a committed list: no check asks the network.
//!
//! `xtask/data/advisories.toml` has what RustSec's database says about the crates of the lock file: ids and version ranges.
//! `cargo xtask advisories DIR` renews it from a checkout of that database (`git clone
//! https://github.com/rustsec/advisory-db`): with every release, and when a new crate comes in, which the check notices.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use anyhow::{Context, Result, bail, ensure};
use cargo_metadata::{
    Package,
    semver::{Version, VersionReq},
};
use serde::{Deserialize, Serialize};

const LIST: &str = "xtask/data/advisories.toml";

/// What of `deny.toml` is about advisories.
#[derive(Deserialize)]
pub struct Policy {
    ignore: Vec<Ignored>,
}

#[derive(Deserialize)]
struct Ignored {
    id: String,
    /// For readers; without one nothing may be ignored.
    #[serde(rename = "reason")]
    _reason: String,
}

/// The committed list.
#[derive(Debug, Serialize, Deserialize)]
pub struct Advisories {
    /// Day of the database's last change.
    database: String,
    /// Names of all crates that were looked up.
    crates: BTreeSet<String>,
    advisory: Vec<Advisory>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Advisory {
    id: String,
    package: String,
    #[serde(default)]
    patched: Vec<VersionReq>,
    #[serde(default)]
    unaffected: Vec<VersionReq>,
}

impl Advisory {
    fn hits(&self, version: &Version) -> bool {
        let mut fine = self.patched.iter().chain(&self.unaffected);
        !fine.any(|range| range.matches(version))
    }
}

/// Reads the list.
pub fn read(root: &Path) -> Result<Advisories> {
    let path = root.join(LIST);
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
    toml::from_str(&text).with_context(|| format!("`{}` does not parse", path.display()))
}

impl Advisories {
    /// What is wrong with the packages, a line each.
    pub fn judge(&self, packages: &[Package], policy: &Policy) -> Vec<String> {
        let versions: Vec<(&str, &Version)> = packages
            .iter()
            .filter(|package| package.source.is_some())
            .map(|package| (package.name.as_str(), &package.version))
            .collect();
        self.judge_versions(&versions, policy)
    }

    fn judge_versions(&self, versions: &[(&str, &Version)], policy: &Policy) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut hit = BTreeSet::new();
        for (name, version) in versions {
            if !self.crates.contains(*name) {
                wrong.push(format!(
                    "{name} {version}: nobody looked for advisories about it; renew the list with `cargo xtask advisories`"
                ));
            }
            let about = self.advisory.iter().filter(|a| a.package == *name);
            for advisory in about.filter(|a| a.hits(version)) {
                hit.insert(advisory.id.as_str());
                if !policy.ignore.iter().any(|i| i.id == advisory.id) {
                    wrong.push(format!("{name} {version}: {}", advisory.id));
                }
            }
        }
        let idle = policy
            .ignore
            .iter()
            .filter(|i| !hit.contains(i.id.as_str()));
        wrong.extend(idle.map(|i| format!("{} is ignored and hits nothing", i.id)));
        wrong
    }
}

/// An advisory as the database has it, in the block at the top of its file.
#[derive(Deserialize)]
struct Stored {
    advisory: Head,
    versions: Ranges,
}

#[derive(Deserialize)]
struct Head {
    id: String,
    package: String,
    withdrawn: Option<String>,
}

#[derive(Deserialize)]
struct Ranges {
    #[serde(default)]
    patched: Vec<VersionReq>,
    #[serde(default)]
    unaffected: Vec<VersionReq>,
}

/// Renews the list from a checkout of the database; gives how many advisories there are.
pub fn renew(root: &Path, database: &Path) -> Result<usize> {
    ensure!(
        database.join("crates").is_dir(),
        "`{}` is no checkout of RustSec's advisory-db: it has no `crates`",
        database.display()
    );
    let crates: BTreeSet<String> = crate::licences::packages(root)?
        .iter()
        .filter(|package| package.source.is_some())
        .map(|package| package.name.to_string())
        .collect();
    let mut advisory = Vec::new();
    for name in &crates {
        let Ok(files) = fs::read_dir(database.join("crates").join(name)) else {
            continue;
        };
        for file in files {
            let path = file?.path();
            let text = fs::read_to_string(&path)?;
            let one = parse(&text).with_context(|| format!("cannot read `{}`", path.display()))?;
            advisory.extend(one);
        }
    }
    advisory.sort_by(|a, b| (&a.package, &a.id).cmp(&(&b.package, &b.id)));
    let list = Advisories {
        database: last_change(database)?,
        crates,
        advisory,
    };
    let text = format!(
        "# Written by `cargo xtask advisories DIR`; see xtask/src/advisories.rs.\n{}",
        toml::to_string(&list)?
    );
    fs::write(root.join(LIST), text).with_context(|| format!("cannot write `{LIST}`"))?;
    Ok(list.advisory.len())
}

/// Nothing for an advisory that was taken back.
fn parse(text: &str) -> Result<Option<Advisory>> {
    let block = text
        .split_once("```toml\n")
        .and_then(|(_, rest)| rest.split_once("```"))
        .context("it has no block of toml")?
        .0;
    let stored: Stored = toml::from_str(block)?;
    Ok(stored.advisory.withdrawn.is_none().then_some(Advisory {
        id: stored.advisory.id,
        package: stored.advisory.package,
        patched: stored.versions.patched,
        unaffected: stored.versions.unaffected,
    }))
}

fn last_change(database: &Path) -> Result<String> {
    let out = Command::new("git")
        .args(["log", "-1", "--format=%cs"])
        .current_dir(database)
        .output()
        .context("cannot run git")?;
    if !out.status.success() {
        bail!("`{}` is no git checkout", database.display());
    }
    Ok(String::from_utf8_lossy(&out.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const STORED: &str = "```toml\n[advisory]\nid = \"X-1\"\npackage = \"a\"\n\n[versions]\npatched = [\">= 1.2\"]\n\
        unaffected = [\"< 1.0\"]\n```\n# Words\n";

    fn judge(versions: &[(&str, &str)], ignore: &[&str]) -> Vec<String> {
        let list = Advisories {
            database: "2026-01-01".into(),
            crates: BTreeSet::from(["a".to_owned()]),
            advisory: parse(STORED).unwrap().into_iter().collect(),
        };
        let policy = Policy {
            ignore: ignore
                .iter()
                .map(|id| Ignored {
                    id: (*id).to_owned(),
                    _reason: "why".into(),
                })
                .collect(),
        };
        let parsed: Vec<(&str, Version)> = versions
            .iter()
            .map(|(name, version)| (*name, version.parse().unwrap()))
            .collect();
        let parsed: Vec<_> = parsed.iter().map(|(name, v)| (*name, v)).collect();
        list.judge_versions(&parsed, &policy)
    }

    #[test]
    fn versions_between_the_ranges_are_hit() {
        assert!(judge(&[("a", "0.9.0"), ("a", "1.2.0")], &[]).is_empty());
        assert_eq!(judge(&[("a", "1.1.0")], &[]), ["a 1.1.0: X-1"]);
    }

    #[test]
    fn what_is_ignored_must_hit() {
        assert!(judge(&[("a", "1.1.0")], &["X-1"]).is_empty());
        assert_eq!(
            judge(&[("a", "1.2.0")], &["X-1"]),
            ["X-1 is ignored and hits nothing"]
        );
    }

    #[test]
    fn a_crate_nobody_looked_up_is_an_error() {
        assert!(judge(&[("b", "1.0.0")], &[])[0].contains("cargo xtask advisories"));
    }

    #[test]
    fn what_was_taken_back_is_left_out() {
        let text = STORED.replace(
            "\n\n[versions]",
            "\nwithdrawn = \"2026-01-01\"\n\n[versions]",
        );
        assert_eq!(parse(&text).unwrap(), None);
    }
}
