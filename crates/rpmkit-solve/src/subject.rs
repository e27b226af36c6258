//! What a spec means: dnf's order of readings, from the most to the least specific.

use std::{cmp::Ordering, collections::BTreeSet};

use rpmkit_solv::{DepKind, Id, RelOp, SolvId};

use super::{glob::Glob, load::Loaded, rich};
use rpmkit_types::Evr;

/// A spec read as a package identity; empty parts are not asked about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct NevraSpec {
    pub(crate) name: String,
    pub(crate) epoch: Option<u32>,
    pub(crate) version: String,
    pub(crate) release: String,
    pub(crate) arch: String,
}

impl NevraSpec {
    /// True when only a name was given.
    pub(crate) fn just_name(&self) -> bool {
        self.epoch.is_none()
            && self.version.is_empty()
            && self.release.is_empty()
            && self.arch.is_empty()
    }
}

/// How a spec was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum How {
    /// As a package identity.
    Nevra(NevraSpec),
    /// As a pattern for the whole identity.
    NevraGlob,
    /// As a capability.
    Provides,
    /// As a file.
    File,
    /// Not at all.
    Nothing,
}

/// What a spec matched, in id order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Match {
    pub(crate) packages: Vec<SolvId>,
    pub(crate) how: How,
}

impl Match {
    pub(crate) fn just_name(&self) -> bool {
        matches!(&self.how, How::Nevra(spec) if spec.just_name())
    }
}

/// Every reading of a spec as an identity, in the order dnf tries them.
pub(crate) fn readings(spec: &str) -> Vec<NevraSpec> {
    [nevra, name_arch, name, nevr, nev]
        .iter()
        .filter_map(|form| form(spec))
        .collect()
}

fn clean(text: &str, forbidden: &[char]) -> bool {
    !text.is_empty() && !text.contains(['(', '/', '=', '<', '>', ' ']) && !text.contains(forbidden)
}

fn is_name(text: &str) -> bool {
    clean(text, &[':'])
}

fn is_version(text: &str) -> bool {
    clean(text, &['-', ':'])
}

fn is_arch(text: &str) -> bool {
    clean(text, &['-', ':', '.'])
}

fn nevra(spec: &str) -> Option<NevraSpec> {
    let (rest, arch) = spec.rsplit_once('.').filter(|(_, a)| is_arch(a))?;
    Some(NevraSpec {
        arch: arch.to_owned(),
        ..nevr(rest)?
    })
}

fn nevr(spec: &str) -> Option<NevraSpec> {
    let (rest, release) = spec.rsplit_once('-').filter(|(_, r)| is_version(r))?;
    Some(NevraSpec {
        release: release.to_owned(),
        ..nev(rest)?
    })
}

fn nev(spec: &str) -> Option<NevraSpec> {
    let (name, version) = spec.rsplit_once('-')?;
    let (epoch, version) = match version.split_once(':') {
        Some((epoch, rest)) if epoch.bytes().all(|b| b.is_ascii_digit()) => {
            (Some(epoch.parse().ok()?), rest)
        }
        Some(_) => return None,
        None => (None, version),
    };
    (is_name(name) && is_version(version)).then(|| NevraSpec {
        name: name.to_owned(),
        epoch,
        version: version.to_owned(),
        ..NevraSpec::default()
    })
}

fn name_arch(spec: &str) -> Option<NevraSpec> {
    let (name, arch) = spec.rsplit_once('.')?;
    (is_name(name) && is_arch(arch)).then(|| NevraSpec {
        name: name.to_owned(),
        arch: arch.to_owned(),
        ..NevraSpec::default()
    })
}

fn name(spec: &str) -> Option<NevraSpec> {
    is_name(spec).then(|| NevraSpec {
        name: spec.to_owned(),
        ..NevraSpec::default()
    })
}

/// True for specs that may be paths.
pub(crate) fn is_path(spec: &str) -> bool {
    spec.starts_with('/') || spec.starts_with("*/")
}

/// A spec as a versioned capability: `gcc >= 5`.
pub(crate) fn capability(spec: &str) -> Option<(&str, Option<(RelOp, &str)>)> {
    let spec = spec.trim();
    let Some(at) = spec.find(['<', '>', '=']) else {
        return Some((spec, None));
    };
    let (name, rest) = spec.split_at(at);
    let signs = rest
        .find(|c| !matches!(c, '<' | '>' | '='))
        .unwrap_or(rest.len());
    let (op, evr) = rest.split_at(signs);
    let (name, evr) = (name.trim(), evr.trim());
    let fits = !name.is_empty() && !evr.is_empty() && !evr.contains(char::is_whitespace);
    fits.then_some(())?;
    Some((name, Some((rich::compare(op)?, evr))))
}

/// Searches the packages that may be considered.
pub(crate) struct PackageSearch<'a> {
    pub(crate) loaded: &'a mut Loaded,
    /// Packages that count, in id order; sources are never among them.
    pub(crate) all: Vec<SolvId>,
    /// Packages that obsolete something, with what.
    obsoleters: Vec<(SolvId, Vec<Id>)>,
}

impl<'a> PackageSearch<'a> {
    /// Prepares searches among what [`rpmkit_solv::Pool::set_considered`] allows at this moment.
    pub(crate) fn new(loaded: &'a mut Loaded) -> Self {
        let pool = &loaded.pool;
        let all: Vec<SolvId> = pool
            .solvables()
            .filter(|&s| pool.is_considered(s) && !pool.is_source(s))
            .collect();
        let obsoleters = all
            .iter()
            .map(|&s| (s, pool.deps(s, DepKind::Obsoletes)))
            .filter(|(_, deps)| !deps.is_empty())
            .collect();
        Self {
            loaded,
            all,
            obsoleters,
        }
    }

    fn considered(&self, mut packages: Vec<SolvId>) -> Vec<SolvId> {
        packages.retain(|&s| self.loaded.pool.is_considered(s) && !self.loaded.pool.is_source(s));
        packages.sort_unstable();
        packages.dedup();
        packages
    }

    /// What a spec means to `install`.
    pub(crate) fn spec(&mut self, spec: &str) -> Match {
        let found = self.identity(spec);
        if !found.packages.is_empty() {
            return found;
        }
        let packages = self.provides(spec);
        if !packages.is_empty() {
            return Match {
                packages,
                how: How::Provides,
            };
        }
        if is_path(spec) {
            let packages = self.files(spec);
            if !packages.is_empty() {
                return Match {
                    packages,
                    how: How::File,
                };
            }
        }
        Match {
            packages: Vec::new(),
            how: How::Nothing,
        }
    }

    /// What a spec means as a package identity only, which is how excludes are read.
    pub(crate) fn identity(&mut self, spec: &str) -> Match {
        for reading in readings(spec) {
            let packages = self.by_nevra(&reading);
            if !packages.is_empty() {
                return Match {
                    packages,
                    how: How::Nevra(reading),
                };
            }
        }
        let packages = self.by_nevra_text(spec);
        let how = if packages.is_empty() {
            How::Nothing
        } else {
            How::NevraGlob
        };
        Match { packages, how }
    }

    /// Packages of exactly that name.
    pub(crate) fn named(&mut self, name: &str) -> Vec<SolvId> {
        match self.loaded.pool.find(name) {
            Some(id) => {
                let found = self.loaded.pool.named(id);
                self.considered(found)
            }
            None => Vec::new(),
        }
    }

    fn by_nevra(&mut self, spec: &NevraSpec) -> Vec<SolvId> {
        let candidates = if spec.name == "*" {
            self.all.clone()
        } else if Glob::is_pattern(&spec.name) {
            let glob = Glob::new(&spec.name);
            let pool = &self.loaded.pool;
            let mut seen: std::collections::HashMap<Id, bool> = std::collections::HashMap::new();
            self.all
                .iter()
                .copied()
                .filter(|&s| {
                    *seen
                        .entry(pool.name_id(s))
                        .or_insert_with(|| glob.matches(pool.nevra(s).0))
                })
                .collect()
        } else {
            self.named(&spec.name)
        };
        let pool = &self.loaded.pool;
        candidates
            .into_iter()
            .filter(|&s| {
                let (_, evr, arch) = pool.nevra(s);
                let evr = Evr::parse(evr);
                spec.epoch.is_none_or(|e| e == evr.epoch)
                    && version_fits(&spec.version, &evr.version)
                    && version_fits(&spec.release, &evr.release)
                    && text_fits(&spec.arch, arch)
            })
            .collect()
    }

    /// Patterns over the whole `name-[epoch:]version-release.arch`.
    fn by_nevra_text(&self, spec: &str) -> Vec<SolvId> {
        if spec.contains(['(', '/', '=', '<', '>', ' ']) || !Glob::is_pattern(spec) {
            // Without a pattern the readings above have tried it already.
            return Vec::new();
        }
        let glob = Glob::new(spec);
        let with_epoch = spec.contains(':');
        let pool = &self.loaded.pool;
        self.all
            .iter()
            .copied()
            .filter(|&s| {
                let (name, evr, arch) = pool.nevra(s);
                let evr = match evr.split_once(':') {
                    Some((_, rest)) if !with_epoch => rest,
                    _ => evr,
                };
                glob.matches(&format!("{name}-{evr}.{arch}"))
            })
            .collect()
    }

    /// Packages that provide a capability given as text; a pattern means every capability whose
    /// name it matches.
    pub(crate) fn provides(&mut self, spec: &str) -> Vec<SolvId> {
        if spec.starts_with('(') {
            let Ok(dep) = rich::Rich::parse(spec) else {
                return Vec::new();
            };
            let id = dep.intern(&mut self.loaded.pool);
            let found = self.loaded.pool.providers(id);
            return self.considered(found);
        }
        let Some((name, version)) = capability(spec) else {
            return Vec::new();
        };
        let names: Vec<Id> = if Glob::is_pattern(name) {
            self.provided_names(name)
        } else {
            self.loaded.pool.find(name).into_iter().collect()
        };
        let mut found = Vec::new();
        for name in names {
            let pool = &mut self.loaded.pool;
            let dep = match version {
                None => name,
                Some((op, evr)) => {
                    let evr = pool.intern(evr);
                    pool.rel(name, op, evr)
                }
            };
            found.extend(pool.providers(dep));
        }
        self.considered(found)
    }

    fn provided_names(&self, pattern: &str) -> Vec<Id> {
        let glob = Glob::new(pattern);
        let pool = &self.loaded.pool;
        let mut seen = BTreeSet::new();
        let mut names = Vec::new();
        for &s in &self.all {
            for dep in pool.deps(s, DepKind::Provides) {
                let name = pool.parts(dep).map_or(dep, |(name, _, _)| name);
                if seen.insert(name) && glob.matches(&pool.text(name)) {
                    names.push(name);
                }
            }
        }
        names
    }

    /// Packages that hold a file or one a pattern matches.
    pub(crate) fn files(&self, spec: &str) -> Vec<SolvId> {
        let pool = &self.loaded.pool;
        let mut found = pool.with_file(spec);
        let glob = Glob::new(spec);
        // Files that came from filelists.xml stand among the provides.
        found.extend(self.all.iter().copied().filter(|&s| {
            pool.file_provides(s)
                .into_iter()
                .any(|id| glob.matches(&pool.text(id)))
        }));
        self.considered(found)
    }

    /// Packages that obsolete one of these.
    pub(crate) fn obsoleters(&mut self, targets: &[SolvId]) -> Vec<SolvId> {
        let targets: BTreeSet<SolvId> = targets.iter().copied().collect();
        let mut found = Vec::new();
        for (s, deps) in &self.obsoleters {
            let pool = &mut self.loaded.pool;
            let hit = deps.iter().any(|&dep| {
                pool.providers(dep)
                    .into_iter()
                    .any(|p| targets.contains(&p) && pool.matches_nevr(p, dep))
            });
            if hit {
                found.push(*s);
            }
        }
        found
    }
}

/// Compares as rpm does unless it is a pattern; an empty or `*` wish fits everything.
fn version_fits(wish: &str, have: &str) -> bool {
    match wish {
        "" | "*" => true,
        _ if Glob::is_pattern(wish) => Glob::new(wish).matches(have),
        _ => rpm_version::rpm_evr_compare(wish, have) == Ordering::Equal,
    }
}

fn text_fits(wish: &str, have: &str) -> bool {
    match wish {
        "" | "*" => true,
        _ if Glob::is_pattern(wish) => Glob::new(wish).matches(have),
        _ => wish == have,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(spec: &str) -> Vec<String> {
        readings(spec)
            .into_iter()
            .map(|r| {
                let epoch = r.epoch.map(|e| format!("{e}:")).unwrap_or_default();
                format!("{}|{epoch}{}|{}|{}", r.name, r.version, r.release, r.arch)
            })
            .collect()
    }

    #[test]
    fn readings_are_tried_in_dnfs_order() {
        assert_eq!(
            shown("a-b-1:2-3.x86_64"),
            ["a-b|1:2|3|x86_64", "a-b|1:2|3.x86_64|"]
        );
        assert_eq!(shown("bash"), ["bash|||"]);
        assert_eq!(shown("python3.11"), ["python3|||11", "python3.11|||"]);
        assert_eq!(shown("a-1-2"), ["a-1-2|||", "a|1|2|", "a-1|2||"]);
        assert!(shown("/usr/bin/x").is_empty());
        assert!(shown("gcc >= 5").is_empty());
        assert!(shown("perl(Foo)").is_empty());
    }

    #[test]
    fn capabilities_are_told_by_their_relation() {
        assert_eq!(
            capability("gcc >= 5"),
            Some(("gcc", Some((RelOp::Ge, "5"))))
        );
        assert_eq!(
            capability("gcc=1:5-2"),
            Some(("gcc", Some((RelOp::Eq, "1:5-2"))))
        );
        assert_eq!(capability("perl(A::B)"), Some(("perl(A::B)", None)));
        assert_eq!(capability("gcc >="), None);
    }
}
