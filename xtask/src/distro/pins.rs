//! Recorded versions: which Debian packages a distribution was last made of, so that a run of today and one of next
//! month work alike.
//!
//! One file per suite, `xtask/data/versions/SUITE`: a line `for` with a digest of the names that were asked for, then
//! one line `FILE SIZE SHA256` per package. Packages that lie in the cache as recorded are used without asking
//! apt. Otherwise apt is asked: it serves what was recorded, or something else, and we say which.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Result;
use sha2::{Digest, Sha256};

use super::apt::{Apt, Item};
use super::suites::Profile;

/// What the distribution and its tools are made of.
pub struct Chosen {
    /// Files of the packages that are converted.
    pub packages: Vec<PathBuf>,
    /// Files of the tools' root.
    pub tools: Vec<PathBuf>,
    /// The list to record.
    pub list: String,
    /// What to say about the versions.
    pub note: String,
}

/// A recorded list.
#[derive(Debug, Default, PartialEq, Eq)]
struct Recorded {
    asked: String,
    packages: Vec<Item>,
    tools: Vec<Item>,
}

/// Which versions are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Those recorded, if they can be had.
    Recorded,
    /// What apt serves today.
    Served,
}

/// Finds the packages of `profile` in the cache or by apt, and downloads them.
pub fn choose(apt: &Apt, profile: &Profile, which: Use, say: &dyn Fn(&str)) -> Result<Chosen> {
    let recorded = read(profile.recorded);
    let asked = digest(profile);
    if which == Use::Recorded
        && recorded.asked == asked
        && !recorded.packages.is_empty()
        && let Some(packages) = apt.cached(&recorded.packages)?
        && let Some(tools) = apt.cached(&recorded.tools)?
    {
        let count = packages.len() + tools.len();
        let heads = heads(recorded.packages.iter().chain(&recorded.tools));
        return Ok(Chosen {
            packages,
            tools,
            list: profile.recorded.to_owned(),
            note: format!("{heads}; all {count} Debian packages are as recorded, and were at hand"),
        });
    }
    say(&format!(
        "asking apt for Debian packages of {} (own lists; the host's are not touched)",
        profile.name
    ));
    apt.update()?;
    let wanted = profile.wanted();
    let names = apt.known(&wanted)?;
    for name in wanted
        .iter()
        .filter(|name| !names.iter().any(|known| known == *name))
    {
        say(&format!(
            "note: apt has no package `{name}`; the distribution goes without"
        ));
    }
    let packages = apt.closure(&names)?;
    let tools: Vec<String> = profile.tools.iter().map(|&name| name.to_owned()).collect();
    let tool_items = if tools.is_empty() {
        Vec::new()
    } else {
        apt.closure(&tools)?
    };
    let heads = heads(packages.iter().chain(&tool_items));
    let note = format!("{heads}; {}", compare(&recorded, &packages));
    Ok(Chosen {
        packages: apt.download(&names, &packages)?,
        tools: if tools.is_empty() {
            Vec::new()
        } else {
            apt.download(&tools, &tool_items)?
        },
        list: list(&asked, &packages, &tool_items),
        note,
    })
}

/// A digest of everything apt is asked for.
fn digest(profile: &Profile) -> String {
    let mut hash = Sha256::new();
    for name in profile.wanted().iter().chain(profile.tools) {
        hash.update(name);
        hash.update("\n");
    }
    hex::encode(hash.finalize())
}

fn read(text: &str) -> Recorded {
    let mut all = Recorded::default();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["for", asked] => asked.clone_into(&mut all.asked),
            [kind, file, size, sha256] => {
                let item = Item {
                    file: file.to_owned(),
                    size: size.parse().unwrap_or_default(),
                    sha256: sha256.to_owned(),
                };
                match kind {
                    "tool" => all.tools.push(item),
                    _ => all.packages.push(item),
                }
            }
            _ => {}
        }
    }
    all
}

fn list(asked: &str, packages: &[Item], tools: &[Item]) -> String {
    let mut out = format!(
        "# Debian packages the tests passed with; written by `cargo xtask distro --record`.\nfor {asked}\n"
    );
    for (kind, items) in [("package", packages), ("tool", tools)] {
        for item in items {
            out += &format!("{kind} {} {} {}\n", item.file, item.size, item.sha256);
        }
    }
    out
}

/// `NAME` and the rest of `NAME_VERSION_ARCH.deb`.
fn split(file: &str) -> (&str, &str) {
    file.trim_end_matches(".deb")
        .split_once('_')
        .unwrap_or((file, ""))
}

/// The versions people ask for first: `rpm 6.1.0-1, dnf5 5.4.6.0-2`.
fn heads<'a>(items: impl Iterator<Item = &'a Item>) -> String {
    let all: BTreeMap<&str, &str> = items.map(|item| split(&item.file)).collect();
    ["rpm", "dnf", "dnf5", "gcc"]
        .iter()
        .filter_map(|name| {
            let version = all.get(name)?.split('_').next()?;
            Some(format!("{name} {}", version.replace("%3a", ":")))
        })
        .collect::<Vec<_>>()
        .join(", ")
}

fn compare(recorded: &Recorded, now: &[Item]) -> String {
    if recorded.packages.is_empty() {
        return "no versions are recorded for this suite; these are what apt serves".to_owned();
    }
    let before: BTreeMap<&str, &str> = recorded
        .packages
        .iter()
        .map(|item| split(&item.file))
        .collect();
    let other: Vec<String> = now
        .iter()
        .map(|item| split(&item.file))
        .filter(|(name, rest)| before.get(name) != Some(rest))
        .map(|(name, rest)| {
            let was = before.get(name).copied().unwrap_or("nothing");
            format!("{name}: {rest}, recorded {was}")
        })
        .collect();
    if other.is_empty() {
        return format!("all {} Debian packages are as recorded", now.len());
    }
    let shown = other.iter().take(12).cloned().collect::<Vec<_>>();
    format!(
        "{} of {} Debian packages are other than recorded ({}{})",
        other.len(),
        now.len(),
        shown.join("; "),
        if other.len() > shown.len() {
            "; …"
        } else {
            ""
        }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(file: &str) -> Item {
        Item {
            file: file.into(),
            size: 7,
            sha256: "ab".into(),
        }
    }

    #[test]
    fn lists_are_read_as_written() {
        let text = list("x", &[item("a_1_all.deb")], &[item("b_2_amd64.deb")]);
        let expected = Recorded {
            asked: "x".into(),
            packages: vec![item("a_1_all.deb")],
            tools: vec![item("b_2_amd64.deb")],
        };
        assert_eq!(read(&text), expected);
    }

    #[test]
    fn the_versions_asked_for_first_come_first() {
        let items = [
            item("gcc_4%3a16-3_amd64.deb"),
            item("rpm_6.1.0-1_amd64.deb"),
        ];
        assert_eq!(heads(items.iter()), "rpm 6.1.0-1, gcc 4:16-3");
    }

    #[test]
    fn what_moved_is_told() {
        let recorded = read(&list(
            "x",
            &[item("a_1_all.deb"), item("b_2_amd64.deb")],
            &[],
        ));
        let note = compare(&recorded, &[item("a_1_all.deb"), item("b_3_amd64.deb")]);
        assert_eq!(
            note,
            "1 of 2 Debian packages are other than recorded (b: 3_amd64, recorded 2_amd64)"
        );
        assert!(compare(&recorded, &[item("a_1_all.deb")]).contains("as recorded"));
    }
}
