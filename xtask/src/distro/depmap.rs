//! Debian versions and relations in RPM's words.
//!
//! | Debian | RPM |
//! |---|---|
//! | `1:2.3-4` | epoch 1, version `2.3`, release `4`; no revision: release `0`; another `-` becomes `^` |
//! | `a (>= 1) \| b` | `(a >= 1 or b)` |
//! | `a (>> 1)` | `a >= 1`: on Debian any revision of 1 is greater than 1 |
//! | Pre-Depends | `Requires(pre)` |
//! | Breaks, Conflicts | Conflicts |
//! | Replaces + Conflicts + Provides of a name the set lacks | Obsoletes, below our own version |
//! | Recommends, Suggests, Enhances | the same, if the set has the name |

use std::collections::BTreeSet;

use rpm::{Dependency, DependencyFlags};

use super::control::{Op, Paragraph, Relation, relations};
use super::recipe;
use super::suites::Profile;

/// An RPM version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evr {
    /// Epoch, if any.
    pub epoch: Option<u32>,
    /// Upstream version.
    pub version: String,
    /// Release.
    pub release: String,
}

impl Evr {
    /// Maps a Debian version.
    pub fn from_debian(text: &str) -> Self {
        let (epoch, rest) = match text.split_once(':') {
            Some((epoch, rest)) => (epoch.parse().ok().filter(|epoch| *epoch != 0), rest),
            None => (None, text),
        };
        let (version, release) = rest.rsplit_once('-').unwrap_or((rest, "0"));
        // Debian sorts `12-2021` between `12` and `12.2`; to rpm that is `12^2021`.
        let plain = |part: &str| part.replace(':', ".").replace('-', "^");
        Self {
            epoch,
            version: plain(version),
            release: plain(release),
        }
    }

    fn prefix(&self) -> String {
        self.epoch
            .map(|epoch| format!("{epoch}:"))
            .unwrap_or_default()
    }
}

impl std::fmt::Display for Evr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}-{}", self.prefix(), self.version, self.release)
    }
}

/// Whether a bound names a revision. `2.39-.` does not: on Debian it is above every revision of 2.39.
fn has_revision(text: &str) -> bool {
    text.rsplit_once('-')
        .is_some_and(|(_, revision)| revision.contains(|c: char| c.is_ascii_alphanumeric()))
}

/// A version bound: a Debian version without a revision bounds any release.
fn bound(text: &str) -> String {
    let evr = Evr::from_debian(text);
    if has_revision(text) {
        evr.to_string()
    } else {
        format!("{}{}", evr.prefix(), evr.version)
    }
}

/// The comparison for a bound: revisions Debian counts as greater or less are the same version to rpm.
fn comparison(op: Op, version: &str) -> Op {
    match op {
        Op::Greater if !has_revision(version) => Op::GreaterEq,
        Op::Less if version.ends_with("-.") => Op::LessEq,
        op => op,
    }
}

fn flags(op: Op) -> DependencyFlags {
    match op {
        Op::Less => DependencyFlags::LESS,
        Op::LessEq => DependencyFlags::LESS | DependencyFlags::EQUAL,
        Op::Equal => DependencyFlags::EQUAL,
        Op::GreaterEq => DependencyFlags::GREATER | DependencyFlags::EQUAL,
        Op::Greater => DependencyFlags::GREATER,
    }
}

fn sign(op: Op) -> &'static str {
    match op {
        Op::Less => "<",
        Op::LessEq => "<=",
        Op::Equal => "=",
        Op::GreaterEq => ">=",
        Op::Greater => ">",
    }
}

fn plain(relation: &Relation) -> Dependency {
    match &relation.version {
        None => Dependency::any(&relation.name),
        Some((op, version)) => Dependency {
            name: relation.name.clone(),
            flags: flags(comparison(*op, version)),
            version: bound(version),
        },
    }
}

/// One group of alternatives as a dependency; `None` when the recipe leaves all of it out.
fn group(alternatives: &[Relation]) -> Option<Dependency> {
    if alternatives
        .iter()
        .any(|one| recipe::satisfied_without(&one.name))
    {
        return None;
    }
    let [one] = alternatives else {
        let words = |one: &Relation| match &one.version {
            None => one.name.clone(),
            Some((op, version)) => format!(
                "{} {} {}",
                one.name,
                sign(comparison(*op, version)),
                bound(version)
            ),
        };
        let text = alternatives
            .iter()
            .map(words)
            .collect::<Vec<_>>()
            .join(" or ");
        return Some(Dependency::any(format!("({text})")));
    };
    Some(plain(one))
}

/// All relations of a package, mapped.
#[derive(Debug, Default)]
pub struct Relations {
    /// Requires.
    pub requires: Vec<Dependency>,
    /// Virtual packages.
    pub provides: Vec<Dependency>,
    /// Conflicts.
    pub conflicts: Vec<Dependency>,
    /// Obsoletes.
    pub obsoletes: Vec<Dependency>,
    /// Recommends.
    pub recommends: Vec<Dependency>,
    /// Suggests.
    pub suggests: Vec<Dependency>,
    /// Enhances.
    pub enhances: Vec<Dependency>,
}

/// Maps the relations of `control`; `names` are the packages of the whole set.
pub fn map(control: &Paragraph, names: &BTreeSet<String>, profile: &Profile) -> Relations {
    let own = control.get("package");
    let evr = Evr::from_debian(control.get("version"));
    let depends = match recipe::depends_override(own) {
        None => control.get("depends").to_owned(),
        Some(text) => text
            .split(", ")
            .map(|one| profile.here(one))
            .collect::<Vec<_>>()
            .join(", "),
    };
    let mut out = Relations::default();
    for alternatives in relations(control.get("pre-depends")) {
        if let Some(mut dependency) = group(&alternatives) {
            dependency.flags |= DependencyFlags::SCRIPT_PRE;
            out.requires.push(dependency);
        }
    }
    out.requires.extend(
        relations(&depends)
            .iter()
            .filter_map(|group_| group(group_)),
    );
    let singles = |field: &str| {
        relations(control.get(field))
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
    };
    let provides = singles("provides");
    out.provides = provides.iter().map(plain).collect();
    let replaces = singles("replaces");
    for conflict in singles("conflicts").into_iter().chain(singles("breaks")) {
        if recipe::satisfied_without(&conflict.name) || conflict.name == own {
            continue;
        }
        let taken_over = replaces.iter().any(|one| one.name == conflict.name)
            && provides.iter().any(|one| one.name == conflict.name)
            && !names.contains(&conflict.name);
        if taken_over {
            out.obsoletes
                .push(Dependency::less(&conflict.name, evr.to_string()));
        } else if conflict.version.is_none() || names.contains(&conflict.name) {
            // Debian compares no version with a name that is only provided; rpm would find that it matches.
            out.conflicts.push(plain(&conflict));
        }
    }
    let weak = |field: &str| {
        relations(control.get(field))
            .iter()
            .filter(|group| group.iter().any(|one| names.contains(&one.name)))
            .filter_map(|alternatives| group(alternatives))
            .collect()
    };
    out.recommends = weak("recommends");
    out.suggests = weak("suggests");
    out.enhances = weak("enhances");
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distro::suites::Suite;

    #[test]
    fn versions_become_rpms() {
        let text = |debian: &str| Evr::from_debian(debian).to_string();
        assert_eq!(text("1:2.36-9+deb12u1"), "1:2.36-9+deb12u1");
        assert_eq!(text("0:5"), "5-0");
        assert_eq!(text("4.18.0+dfsg-1"), "4.18.0+dfsg-1");
        assert_eq!(text("1-2-3"), "1^2-3");
    }

    #[test]
    fn bounds_of_debian_custom_are_read() {
        let text = |debian: &str| {
            let found = relations(debian).remove(0).remove(0);
            plain(&found).to_string()
        };
        assert_eq!(text("git-man (<< 1:2.39.5-.)"), "git-man <= 1:2.39.5");
        assert_eq!(text("libc6 (>> 2.36)"), "libc6 >= 2.36");
        assert_eq!(text("a (>> 1-2)"), "a > 1-2");
        assert_eq!(
            text("libtsan2 (<< 12-20211113-2~)"),
            "libtsan2 < 12^20211113-2~"
        );
    }

    #[test]
    fn relations_become_rich_plain_or_nothing() {
        let control = Paragraph::parse(
            "Package: x\nVersion: 2-1\nPre-Depends: libc6 (>= 2.34)\nDepends: a (>= 1-2) | b, dpkg (>= 1) | install-info\n\
             Breaks: old (<< 2)\nConflicts: gone\nReplaces: old, gone\nProvides: gone\nRecommends: here, nowhere\n",
        );
        let names = ["old", "here"].map(str::to_owned).into();
        let out = map(&control, &names, Suite::Bookworm.profile());
        let words = |deps: &[Dependency]| {
            deps.iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(", ")
        };
        assert_eq!(out.requires.len(), 2);
        assert!(out.requires[0].flags.contains(DependencyFlags::SCRIPT_PRE));
        assert_eq!(out.requires[1].name, "(a >= 1-2 or b)");
        assert_eq!(words(&out.conflicts), "old < 2");
        assert_eq!(words(&out.obsoletes), "gone < 2-1");
        assert_eq!(words(&out.recommends), "here");
    }
}
