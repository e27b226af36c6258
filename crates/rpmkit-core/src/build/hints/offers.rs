//! Who offers what was missing: one pass over the packages of the repositories for all of it.

use std::collections::BTreeSet;

use rpmkit_results::want::{MissingThing, is_plain};
use rpmkit_solve::Available;

use super::{BuildError, Buildroot, Candidates, HintReach};

/// A requirement that would bring something.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Offer {
    /// What to require.
    pub requirement: String,
    /// The package that has it.
    pub package: String,
    /// Whether it is certain.
    pub sure: bool,
}

/// What was found for each want, with its rank: smaller is better.
pub(super) struct Offers {
    found: Vec<BTreeSet<(u32, Offer)>>,
    /// Repositories whose file lists were needed and not at hand.
    pub left_out: Vec<String>,
    /// Names like those wanted, for near misses.
    pub names: BTreeSet<String>,
}

/// Ranks: an exact capability, a file, a name.
const BY_FILE: u32 = 100;
const BY_NAME: u32 = 200;

/// Near misses kept.
const MOST_NAMES: usize = 20_000;

impl Offers {
    pub(super) fn find(
        root: &mut Buildroot,
        wants: &[(MissingThing, Candidates)],
        reach: HintReach,
    ) -> Result<Self, BuildError> {
        let manager = root.package_manager();
        let mut offers = Self {
            found: vec![BTreeSet::new(); wants.len()],
            left_out: Vec::new(),
            names: BTreeSet::new(),
        };
        let needs_files = wants.iter().any(|(_, wanted)| !wanted.ends.is_empty());
        let mut holders: Vec<(usize, String)> = Vec::new();
        if needs_files {
            let is_wanted = |path: &str| wants.iter().any(|(_, wanted)| ends_so(path, wanted));
            let (held, left_out) = manager.holders(reach == HintReach::Fetch, is_wanted)?;
            offers.left_out = left_out;
            for one in held {
                for (nth, (_, wanted)) in wants.iter().enumerate() {
                    if ends_so(&one.path, wanted) {
                        holders.push((nth, one.package.clone()));
                    }
                }
            }
        }
        manager.available(|package| {
            if package.arch == "src" || package.arch == "nosrc" {
                return;
            }
            for (nth, (_, wanted)) in wants.iter().enumerate() {
                let holds = holders
                    .iter()
                    .any(|(of, name)| *of == nth && *name == package.name);
                offers.consider(nth, wanted, &package, holds);
            }
        })?;
        Ok(offers)
    }

    fn consider(&mut self, nth: usize, wanted: &Candidates, package: &Available, holds: bool) {
        let mut add = |rank: u32, requirement: &str, sure: bool| {
            if is_plain(requirement) && is_plain(&package.name) {
                self.found[nth].insert((
                    rank,
                    Offer {
                        requirement: requirement.to_owned(),
                        package: package.name.clone(),
                        sure,
                    },
                ));
            }
        };
        let provided =
            |name: &str| package.name == name || package.provides.iter().any(|one| one == name);
        for (rank, requirement) in (0..).zip(&wanted.requirements) {
            if provided(requirement)
                || requirement.starts_with('/') && package.files.contains(requirement)
            {
                let shown = if requirement.starts_with('/') {
                    package.name.as_str()
                } else {
                    requirement
                };
                add(rank, shown, true);
            }
        }
        if let Some(begin) = &wanted.begin
            && package
                .provides
                .iter()
                .any(|one| one.starts_with(begin.as_str()))
        {
            add(0, &package.name, true);
        }
        let by_file = wanted.files.iter().any(|file| package.files.contains(file));
        if holds || by_file {
            let (line, named) = best_line(wanted, package);
            // The package that is named like the program, or one that develops, comes first.
            let plain = wanted.stems.contains(&package.name.to_lowercase());
            add(
                BY_FILE + u32::from(!plain) + 2 * u32::from(!named),
                &line,
                true,
            );
        }
        for (rank, likely) in (BY_NAME..).zip(&wanted.likely) {
            if provided(likely) {
                let line = match likely.contains('(') {
                    true => likely.clone(),
                    false => best_line(wanted, package).0,
                };
                add(rank, &line, false);
            }
        }
        if self.names.len() < MOST_NAMES
            && let Some(first) = wanted.requirements.first()
        {
            let kind = first.split_once('(').map(|(kind, _)| kind);
            let near = package
                .provides
                .iter()
                .filter(|one| one.split_once('(').map(|(kind, _)| kind) == kind);
            let close = near.filter(|one| one.len().abs_diff(first.len()) <= 3);
            self.names.extend(close.cloned());
        }
    }

    /// What was found for the nth want, best first.
    pub(super) fn of(&self, nth: usize) -> Vec<&Offer> {
        let mut seen = BTreeSet::new();
        self.found[nth]
            .iter()
            .map(|(_, offer)| offer)
            .filter(|offer| seen.insert(&offer.requirement))
            .collect()
    }
}

fn ends_so(path: &str, wanted: &Candidates) -> bool {
    wanted.ends.iter().any(|(end, part)| {
        path.ends_with(end.as_str())
            && path.contains(part)
            && (path.len() == end.len() || end.starts_with(['/', '-']))
    })
}

/// How to require a package: by the capability its guidelines prefer, if one of them is clearly meant,
/// else by its name. The second part tells whether it was one of those.
fn best_line(wanted: &Candidates, package: &Available) -> (String, bool) {
    if let Some(kind) = wanted.kind {
        let of_kind: Vec<&str> = package
            .provides
            .iter()
            .filter_map(|one| one.strip_prefix(kind)?.strip_prefix('(')?.strip_suffix(')'))
            .collect();
        let meant = wanted
            .stems
            .iter()
            .find_map(|stem| of_kind.iter().find(|one| one.eq_ignore_ascii_case(stem)))
            .or(match of_kind.as_slice() {
                [only] => Some(only),
                _ => None,
            });
        if let Some(name) = meant {
            return (format!("{kind}({name})"), true);
        }
    }
    (package.name.clone(), false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, provides: &[&str], files: &[&str]) -> Available {
        Available {
            name: name.into(),
            evr: "1-1".into(),
            arch: "x86_64".into(),
            summary: String::new(),
            source_rpm: String::new(),
            build_time: 0,
            size: 0,
            repo: "r".into(),
            href: String::new(),
            base: None,
            provides: provides.iter().map(|one| (*one).to_owned()).collect(),
            files: files.iter().map(|one| (*one).to_owned()).collect(),
            relations: Vec::new(),
        }
    }

    fn first(want: MissingThing, packages: &[(Available, bool)]) -> Option<String> {
        let wanted = Candidates::of(&want);
        let mut offers = Offers {
            found: vec![BTreeSet::new()],
            left_out: Vec::new(),
            names: BTreeSet::new(),
        };
        for (package, holds) in packages {
            offers.consider(0, &wanted, package, *holds);
        }
        offers.of(0).first().map(|offer| offer.requirement.clone())
    }

    #[test]
    fn capabilities_come_before_packages_and_packages_before_paths() {
        let zlib = package("zlib-devel", &["zlib-devel", "pkgconfig(zlib)"], &[]);
        assert_eq!(
            first(
                MissingThing::PkgConfig("zlib".into()),
                &[(zlib.clone(), false)]
            )
            .as_deref(),
            Some("pkgconfig(zlib)")
        );
        assert_eq!(
            first(
                MissingThing::Header("zlib.h".into()),
                &[(zlib.clone(), true)]
            )
            .as_deref(),
            Some("pkgconfig(zlib)")
        );
        assert_eq!(
            first(MissingThing::Library("z".into()), &[(zlib, true)]).as_deref(),
            Some("pkgconfig(zlib)")
        );
        let bison = package("bison", &["bison"], &["/usr/bin/bison"]);
        assert_eq!(
            first(MissingThing::Command("bison".into()), &[(bison, false)]).as_deref(),
            Some("bison")
        );
        let attrs = package(
            "python3-attr",
            &["python3dist(attrs)", "python3.11dist(attrs)"],
            &[],
        );
        assert_eq!(
            first(MissingThing::Python("attr".into()), &[(attrs, false)]).as_deref(),
            Some("python3dist(attrs)")
        );
    }

    #[test]
    fn hostile_names_are_never_offered() {
        let odd = package(
            "x%{lua:os.exit()}",
            &["pkgconfig(zlib)"],
            &["/usr/bin/bison"],
        );
        assert_eq!(
            first(
                MissingThing::Command("bison".into()),
                &[(odd.clone(), false)]
            ),
            None
        );
        assert_eq!(
            first(MissingThing::PkgConfig("zlib".into()), &[(odd, false)]),
            None
        );
    }
}
