//! Why a package is in a buildroot: the shortest chain of requirements from what was asked for.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque, btree_map::Entry},
    path::Path,
};

use rpmkit_repo as repo;
use rpmkit_types::{Dep, Package};
use serde::Serialize;

use super::{BuildError, Buildroot};

/// One package of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WhyLink {
    /// The requirement that it meets.
    pub requirement: String,
    /// Its name, version and architecture.
    pub package: String,
    /// Bytes of its installed files.
    pub size: u64,
}

/// A chain of requirements, from what was asked for down to the package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WhyChain {
    /// Whether the source package asked; else the minimal root has it.
    pub by_source: bool,
    /// The packages, the one asked about last.
    pub links: Vec<WhyLink>,
    /// How many packages are there for the sake of the first requirement alone.
    pub brought: usize,
    /// Bytes of their installed files.
    pub brought_size: u64,
}

/// What is known of a package in a buildroot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Why {
    /// Its name, version and architecture.
    pub package: String,
    /// Why it is there: by the minimal root, by the source package, or by both.
    pub chains: Vec<WhyChain>,
}

/// Tells why the buildroot of a source package has what is `asked` for: a package by name, or a
/// capability or file it provides. Nothing is installed for the answer. `None`: it has not.
///
/// # Errors
/// When the source package cannot be read, or what it requires not be resolved.
pub fn why(root: &mut Buildroot, srpm: &Path, asked: &str) -> Result<Option<Why>, BuildError> {
    root.init()?;
    let source = repo::local::read_header(srpm)?;
    let requires: Vec<Dep> = source
        .requires
        .iter()
        .map(|one| one.dep.clone())
        .filter(|dep| !dep.is_rpmlib())
        .collect();
    let base = root.packages()?.to_vec();
    let mut request = root.package_manager().request();
    request.builddeps.clone_from(&requires);
    root.leave_out_present(&mut request)?;
    let solution = root.resolve(&request)?;
    let all = rpmkit_pm::after(&base, &solution);
    Ok(Graph::new(&base, &all).tell(&requires, asked))
}

/// Packages of a buildroot and who provides what in it.
struct Graph<'a> {
    all: &'a [Package],
    /// How many of `all` the minimal root has.
    base: BTreeSet<&'a str>,
    providers: BTreeMap<&'a str, Vec<usize>>,
}

/// How a package was reached: from which one, by which requirement.
type Reached = BTreeMap<usize, (Option<usize>, String)>;

impl<'a> Graph<'a> {
    fn new(base: &'a [Package], all: &'a [Package]) -> Self {
        let mut providers: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (nth, package) in all.iter().enumerate() {
            let names = std::iter::once(package.nevra.name.as_str())
                .chain(package.provides.iter().map(|dep| dep.name.as_str()))
                .chain(package.files.iter().map(String::as_str));
            for name in names {
                let known = providers.entry(name).or_default();
                if known.last() != Some(&nth) {
                    known.push(nth);
                }
            }
        }
        Self {
            all,
            base: base.iter().map(|one| one.nevra.name.as_str()).collect(),
            providers,
        }
    }

    fn tell(&self, requires: &[Dep], asked: &str) -> Option<Why> {
        let target = self
            .all
            .iter()
            .position(|one| one.nevra.to_string() == asked || one.nevra.name == asked)
            .or_else(|| self.providers.get(asked)?.first().copied())?;
        let mut chains = Vec::new();
        if self.is_base(target) {
            chains.extend(self.chain(&self.setup(), target, false));
        }
        let from_source = self.reach(&self.starts(requires));
        if from_source.contains_key(&target) {
            let mut chain = self.links(&from_source, target);
            let first = chain.first().map(|link| link.requirement.clone())?;
            let (brought, brought_size) = self.brought(requires, &first);
            chains.push(WhyChain {
                by_source: true,
                links: std::mem::take(&mut chain),
                brought,
                brought_size,
            });
        }
        Some(Why {
            package: self.all[target].nevra.to_string(),
            chains,
        })
    }

    fn is_base(&self, nth: usize) -> bool {
        self.base.contains(self.all[nth].nevra.name.as_str())
    }

    /// Packages of the minimal root that no other of it requires: those were asked for by name or group.
    fn setup(&self) -> Vec<(usize, String)> {
        let members: Vec<usize> = (0..self.all.len())
            .filter(|nth| self.is_base(*nth))
            .collect();
        let mut required: BTreeSet<usize> = BTreeSet::new();
        for nth in &members {
            required.extend(
                self.needs(*nth)
                    .into_iter()
                    .map(|(to, _)| to)
                    .filter(|to| to != nth),
            );
        }
        let alone = members.iter().filter(|nth| !required.contains(nth));
        let mut starts: Vec<(usize, String)> = alone
            .map(|nth| (*nth, self.all[*nth].nevra.name.clone()))
            .collect();
        // Of packages that require each other in a ring nobody is alone.
        let reached = self.reach(&starts);
        for nth in members {
            if !reached.contains_key(&nth) {
                starts.push((nth, self.all[nth].nevra.name.clone()));
            }
        }
        starts
    }

    fn chain(
        &self,
        starts: &[(usize, String)],
        target: usize,
        by_source: bool,
    ) -> Option<WhyChain> {
        let reached = self.reach(starts);
        reached.contains_key(&target).then(|| WhyChain {
            by_source,
            links: self.links(&reached, target),
            brought: 0,
            brought_size: 0,
        })
    }

    fn starts(&self, requires: &[Dep]) -> Vec<(usize, String)> {
        let mut starts = Vec::new();
        for dep in requires {
            for nth in self.meeting(&dep.name) {
                starts.push((nth, dep.to_string()));
            }
        }
        starts
    }

    /// Who meets a requirement; of a rich one, whoever provides a part of it.
    fn meeting(&self, name: &str) -> Vec<usize> {
        if !name.starts_with('(') {
            return self.providers.get(name).cloned().unwrap_or_default();
        }
        let mut found = Vec::new();
        for word in name.split_whitespace() {
            let word = word.trim_start_matches('(');
            let bare = self
                .providers
                .get(word)
                .or_else(|| self.providers.get(word.trim_end_matches(')')));
            found.extend(bare.into_iter().flatten().copied());
        }
        found
    }

    fn needs(&self, nth: usize) -> Vec<(usize, String)> {
        let mut out = Vec::new();
        for requirement in &self.all[nth].requires {
            for to in self.meeting(&requirement.dep.name) {
                out.push((to, requirement.dep.to_string()));
            }
        }
        out
    }

    /// Everything reached from `starts`, by the fewest steps.
    fn reach(&self, starts: &[(usize, String)]) -> Reached {
        let mut reached = Reached::new();
        let mut todo = VecDeque::new();
        for (nth, requirement) in starts {
            if let Entry::Vacant(free) = reached.entry(*nth) {
                free.insert((None, requirement.clone()));
                todo.push_back(*nth);
            }
        }
        while let Some(nth) = todo.pop_front() {
            for (to, requirement) in self.needs(nth) {
                if let Entry::Vacant(free) = reached.entry(to) {
                    free.insert((Some(nth), requirement));
                    todo.push_back(to);
                }
            }
        }
        reached
    }

    fn links(&self, reached: &Reached, target: usize) -> Vec<WhyLink> {
        let mut links = Vec::new();
        let mut at = Some(target);
        while let Some(nth) = at {
            let Some((from, requirement)) = reached.get(&nth) else {
                break;
            };
            links.push(WhyLink {
                requirement: requirement.clone(),
                package: self.all[nth].nevra.to_string(),
                size: self.all[nth].installed_size,
            });
            at = *from;
        }
        links.reverse();
        links
    }

    /// What only one of the requirements brings, beyond the minimal root.
    fn brought(&self, requires: &[Dep], one: &str) -> (usize, u64) {
        let others: Vec<Dep> = requires
            .iter()
            .filter(|dep| dep.to_string() != one)
            .cloned()
            .collect();
        let (with, without) = (
            self.reach(&self.starts(requires)),
            self.reach(&self.starts(&others)),
        );
        let own = with
            .keys()
            .filter(|nth| !without.contains_key(nth) && !self.is_base(**nth));
        own.fold((0, 0), |(count, size), nth| {
            (count + 1, size + self.all[*nth].installed_size)
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn package(name: &str, requires: &[&str], provides: &[&str], size: u64) -> Package {
        let value = serde_json::json!({
            "nevra": {
                "name": name, "epoch": 0, "version": "1", "release": "1", "arch": "noarch",
            },
            "checksum": null,
            "location": {"href": ""},
            "installed_size": size,
            "requires": requires.iter().map(|one| serde_json::json!({"name": one})).collect::<Vec<_>>(),
            "provides": provides.iter().map(|one| serde_json::json!({"name": one})).collect::<Vec<_>>(),
            "files": [format!("/usr/bin/{name}")],
        });
        serde_json::from_value(value).unwrap()
    }

    fn packages() -> (Vec<Package>, Vec<Package>) {
        let base = vec![
            package("build", &["sh"], &[], 1),
            package("sh", &["libc"], &["/bin/sh"], 2),
            package("libc", &[], &["libc.so"], 4),
        ];
        let mut all = base.clone();
        all.push(package("cmake", &["libuv.so", "libc.so"], &[], 8));
        all.push(package("libuv", &["libc.so"], &["libuv.so"], 16));
        all.push(package("gcc", &["libc.so"], &[], 32));
        (base, all)
    }

    fn names(chain: &WhyChain) -> Vec<&str> {
        chain
            .links
            .iter()
            .map(|link| link.package.as_str())
            .collect()
    }

    #[test]
    fn the_chain_leads_from_what_the_spec_asks_for() {
        let (base, all) = packages();
        let requires = [Dep::any("/usr/bin/cmake"), Dep::any("(gcc or clang)")];
        let found = Graph::new(&base, &all).tell(&requires, "libuv").unwrap();
        let [chain] = found.chains.as_slice() else {
            panic!("{found:?}")
        };
        assert_eq!(names(chain), ["cmake-1-1.noarch", "libuv-1-1.noarch"]);
        assert_eq!(chain.links[0].requirement, "/usr/bin/cmake");
        assert_eq!(chain.links[1].requirement, "libuv.so");
        // gcc and what the root has anyway is not there for cmake's sake.
        assert_eq!(
            (chain.by_source, chain.brought, chain.brought_size),
            (true, 2, 24)
        );
        let gcc = Graph::new(&base, &all).tell(&requires, "gcc").unwrap();
        assert_eq!(gcc.chains[0].links[0].requirement, "(gcc or clang)");
    }

    #[test]
    fn what_the_minimal_root_has_is_told_first() {
        let (base, all) = packages();
        let graph = Graph::new(&base, &all);
        let found = graph.tell(&[Dep::any("cmake")], "libc.so").unwrap();
        assert_eq!(found.package, "libc-1-1.noarch");
        assert_eq!(
            names(&found.chains[0]),
            ["build-1-1.noarch", "sh-1-1.noarch", "libc-1-1.noarch"]
        );
        assert!(!found.chains[0].by_source && found.chains[1].by_source);
        assert!(graph.tell(&[], "nosuch").is_none());
    }
}
