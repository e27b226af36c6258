//! Module streams: which are active, and which packages they take out of sight.
//!
//! dnf solves modules like packages, in a pool of their own, and then hides the packages of all
//! streams that are not active and whatever an active stream has a package of the same name for.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read,
};

use rpmkit_solv::{
    DepKind, JobAction, JobSelect, PackageData, Pool, RepoId, SolvId, SolverFlags, SolverJob,
    SolverOutcome, SolverStep,
};

use super::{
    SolveError, SolveRepo, SolveRequest,
    filter::ExcludedBy,
    load::{self, Loaded},
    rich::Rich,
    subject::readings,
    yaml::{self, Yaml, YamlError},
};

/// One build of a module stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Module {
    pub(crate) name: String,
    pub(crate) stream: String,
    version: String,
    arch: String,
    /// Required modules with the streams that will do.
    requires: Vec<(String, Vec<String>)>,
    /// Packages, each as `name-epoch:version-release.arch`.
    artifacts: Vec<String>,
    /// Names the stream no longer stands for.
    demodularized: Vec<String>,
    /// Package names by profile.
    pub(crate) profiles: BTreeMap<String, Vec<String>>,
}

impl Module {
    fn name_stream(&self) -> String {
        format!("{}:{}", self.name, self.stream)
    }

    /// Name of the solvable made up for it: builds that need the same count as one.
    fn solvable(&self) -> String {
        let mut needs: Vec<String> = self
            .requires
            .iter()
            .filter(|(name, _)| name != "platform")
            .map(|(name, streams)| format!("{name}:{streams:?}"))
            .collect();
        needs.sort();
        format!("{}:{}:{}", self.name, self.stream, needs.join(","))
    }
}

/// A module stream on offer, as dnf lists it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ModuleStream {
    /// Module.
    pub name: String,
    /// Stream.
    pub stream: String,
    /// Whether it is the module's default stream.
    pub is_default: bool,
    /// Names of its profiles, and whether each is a default.
    pub profiles: Vec<(String, bool)>,
    /// Packages, each as `name-epoch:version-release.arch`.
    pub artifacts: Vec<String>,
}

/// The streams of all repositories, sorted, each once.
pub fn module_streams(repos: &[SolveRepo]) -> Result<Vec<ModuleStream>, SolveError> {
    let modules = Modules::read(repos)?;
    let mut streams: Vec<ModuleStream> = modules
        .all
        .iter()
        .map(|module| {
            let key = (module.name.clone(), module.stream.clone());
            let defaults = modules.default_profiles.get(&key);
            ModuleStream {
                is_default: modules.defaults.get(&module.name) == Some(&module.stream),
                profiles: module
                    .profiles
                    .keys()
                    .map(|name| {
                        let is_default = defaults.is_some_and(|list| list.contains(name));
                        (name.clone(), is_default)
                    })
                    .collect(),
                artifacts: module.artifacts.clone(),
                name: key.0,
                stream: key.1,
            }
        })
        .collect();
    streams.sort();
    streams.dedup_by(|a, b| (&a.name, &a.stream) == (&b.name, &b.stream));
    Ok(streams)
}

/// All that modules.yaml of all repositories says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Modules {
    pub(crate) all: Vec<Module>,
    /// Default stream by module.
    defaults: BTreeMap<String, String>,
    /// Default profiles by module and stream.
    pub(crate) default_profiles: BTreeMap<(String, String), Vec<String>>,
}

impl Modules {
    /// Reads the metadata of every repository that has any.
    pub(crate) fn read(repos: &[SolveRepo]) -> Result<Self, SolveError> {
        let mut modules = Self::default();
        for repo in repos {
            let Some(file) = &repo.modules else { continue };
            let mut text = String::new();
            load::open(file, load::MAX_KEPT)?
                .read_to_string(&mut text)
                .map_err(|source| SolveError::Io {
                    action: "read",
                    path: file.path.clone(),
                    source,
                })?;
            modules.take(&text).map_err(|e| SolveError::Modules {
                repo: repo.id.clone(),
                path: file.path.clone(),
                line: e.line,
                what: e.what,
            })?;
        }
        Ok(modules)
    }

    /// Reads one text.
    pub(crate) fn parse(text: &str) -> Result<Self, YamlError> {
        let mut modules = Self::default();
        modules.take(text)?;
        Ok(modules)
    }

    fn take(&mut self, text: &str) -> Result<(), YamlError> {
        for document in &yaml::documents(text)? {
            self.add(document);
        }
        Ok(())
    }

    fn add(&mut self, document: &Yaml) {
        let kind = document.get("document").and_then(Yaml::text);
        let Some(data) = document.get("data") else {
            return;
        };
        let text = |key: &str| data.get(key).and_then(Yaml::text).unwrap_or_default();
        match kind {
            Some("modulemd" | "modulemd-stream") => self.all.extend(module(data)),
            Some("modulemd-defaults") => {
                let name = text("module");
                if !text("stream").is_empty() {
                    self.defaults
                        .insert(name.to_owned(), text("stream").to_owned());
                }
                for (stream, profiles) in data.get("profiles").map_or(&[][..], Yaml::pairs) {
                    let list = profiles.texts().into_iter().map(str::to_owned).collect();
                    self.default_profiles
                        .insert((name.to_owned(), stream.clone()), list);
                }
            }
            _ => {}
        }
    }

    /// Packages to install for `name[:stream][/profile]`, with the stream; None when it is no module.
    pub(crate) fn install(&self, spec: &str) -> Option<(String, Vec<String>)> {
        let (module, profile) = match spec.split_once('/') {
            Some((module, profile)) => (module, Some(profile)),
            None => (spec, None),
        };
        let (name, stream) = match module.split_once(':') {
            Some((name, stream)) => (name, Some(stream)),
            None => (module, self.defaults.get(module).map(String::as_str)),
        };
        let stream = stream?;
        let builds: Vec<&Module> = self
            .all
            .iter()
            .filter(|m| m.name == name && m.stream == stream)
            .collect();
        let newest = builds
            .iter()
            .max_by(|a, b| rpm_version::rpm_evr_compare(&a.version, &b.version))?;
        let wanted: Vec<String> = match profile {
            Some(profile) => vec![profile.to_owned()],
            None => self
                .default_profiles
                .get(&(name.to_owned(), stream.to_owned()))
                .cloned()
                .unwrap_or_else(|| vec!["default".to_owned()]),
        };
        let mut packages: Vec<String> = wanted
            .iter()
            .filter_map(|p| newest.profiles.get(p))
            .flatten()
            .cloned()
            .collect();
        packages.sort();
        packages.dedup();
        Some((newest.name_stream(), packages))
    }

    /// The builds that are active with this request: enabled streams, default streams where none
    /// is enabled, and what they require. One flag for each of `all`.
    fn active(
        &self,
        arch: &str,
        request: &SolveRequest,
        enabled: &BTreeMap<String, String>,
    ) -> Result<Vec<bool>, SolveError> {
        let mut pool = Pool::new(arch)?;
        let system = pool.add_repo("@modulefailsafe", 0, 0)?;
        pool.begin(system);
        self.add_platform(&mut pool, system, request)?;
        pool.finish(system);
        pool.set_installed(system);
        let repo = pool.add_repo("modules", 0, 0)?;
        pool.begin(repo);
        let mut ids = Vec::new();
        for module in &self.all {
            ids.push(add_module(&mut pool, repo, module)?);
        }
        pool.finish(repo);
        let disabled = |module: &Module| request.module_disable.contains(&module.name);
        let mut allowed = vec![true; pool.slots()];
        let mut jobs: BTreeMap<String, SolverJob> = BTreeMap::new();
        for (module, id) in self.all.iter().zip(&ids) {
            if disabled(module) {
                allowed[id.number()] = false;
                continue;
            }
            let weak = match enabled.get(&module.name) {
                Some(stream) if *stream == module.stream => false,
                Some(_) => continue,
                None if self.defaults.get(&module.name) == Some(&module.stream) => true,
                None => continue,
            };
            let wanted = pool.intern(&format!("module({})", module.name_stream()));
            jobs.insert(
                module.name_stream(),
                SolverJob {
                    action: JobAction::Install,
                    select: JobSelect::Provides(wanted),
                    weak,
                    best: true,
                },
            );
        }
        pool.set_considered(&allowed);
        let jobs: Vec<SolverJob> = jobs.into_values().collect();
        // Like dnf: all of it; else without defaults that do not fit; else not the newest; else
        // what can be had.
        let mut names: BTreeSet<String> = BTreeSet::new();
        for (keep_weak, best, all_weak) in [
            (false, true, false),
            (true, true, false),
            (true, false, false),
            (true, false, true),
        ] {
            let tried: Vec<SolverJob> = jobs
                .iter()
                .cloned()
                .map(|job| SolverJob {
                    weak: all_weak || (keep_weak && job.weak),
                    best,
                    ..job
                })
                .collect();
            let solved = pool.solve(&tried, SolverFlags::default());
            if let SolverOutcome::Steps(steps) = solved.outcome {
                for step in steps {
                    if let SolverStep::Install { package, .. } = step {
                        names.insert(pool.nevra(package).0.to_owned());
                    }
                }
                break;
            }
        }
        Ok(self
            .all
            .iter()
            .map(|m| names.contains(&m.solvable()))
            .collect())
    }

    /// The platform module. Without one being named, every platform somebody requires is there.
    fn add_platform(
        &self,
        pool: &mut Pool,
        repo: RepoId,
        request: &SolveRequest,
    ) -> Result<(), SolveError> {
        let streams: BTreeSet<&str> = match request
            .module_platform
            .as_deref()
            .and_then(|p| p.split_once(':'))
        {
            Some((_, stream)) => [stream].into(),
            None => self
                .all
                .iter()
                .flat_map(|m| &m.requires)
                .filter(|(name, _)| name == "platform")
                .flat_map(|(_, streams)| streams.iter().map(String::as_str))
                .collect(),
        };
        let mut deps = vec![(DepKind::Provides, pool.intern("module(platform)"))];
        for stream in streams {
            let id = pool.intern(&format!("module(platform:{stream})"));
            deps.push((DepKind::Provides, id));
        }
        pool.add_package(
            repo,
            &PackageData {
                name: "platform",
                evr: "0",
                arch: "noarch",
                deps: &deps,
                ..PackageData::default()
            },
        )?;
        Ok(())
    }

    /// Whether a repository has the module, and the stream if one is named.
    fn has(&self, spec: &str) -> bool {
        let (name, rest) = spec.split_once(':').unwrap_or((spec, ""));
        let name = name.split('/').next().unwrap_or(name);
        let stream = rest.split([':', '/']).next().unwrap_or(rest);
        self.all
            .iter()
            .any(|module| module.name == name && (stream.is_empty() || module.stream == stream))
    }

    /// What module filtering takes out of the pool.
    pub(crate) fn hidden(
        &self,
        arch: &str,
        loaded: &mut Loaded,
        repos: &[SolveRepo],
        request: &SolveRequest,
    ) -> Result<Vec<(SolvId, ExcludedBy)>, SolveError> {
        if let Some(spec) = request.module_enable.iter().find(|spec| !self.has(spec)) {
            return Err(SolveError::NoModule { spec: spec.clone() });
        }
        if self.all.is_empty() {
            return Ok(Vec::new());
        }
        let enabled: BTreeMap<String, String> = request
            .module_enable
            .iter()
            .filter_map(|spec| {
                let (name, stream) = spec.split_once(':')?;
                let stream = stream.split([':', '/']).next().unwrap_or(stream);
                Some((name.to_owned(), stream.to_owned()))
            })
            .collect();
        let active = self.active(arch, request, &enabled)?;
        let mut included: BTreeSet<&str> = BTreeSet::new();
        let mut excluded: BTreeMap<&str, String> = BTreeMap::new();
        let mut names: BTreeMap<String, String> = BTreeMap::new();
        for (module, active) in self.all.iter().zip(&active) {
            for artifact in &module.artifacts {
                if !active {
                    excluded.insert(artifact, module.name_stream());
                    continue;
                }
                included.insert(artifact);
                let Some(nevra) = readings(artifact).into_iter().next() else {
                    continue;
                };
                let gone = module.demodularized.contains(&nevra.name);
                if !matches!(&*nevra.arch, "src" | "nosrc") && !gone {
                    names.insert(nevra.name, module.name_stream());
                }
            }
        }
        let subject_to: BTreeSet<RepoId> = repos
            .iter()
            .zip(&loaded.repos)
            .filter(|(repo, _)| !repo.module_hotfixes)
            .map(|(_, id)| *id)
            .collect();
        let mut out = Vec::new();
        // Names hide by what packages provide, their own name included.
        let mut hiding: BTreeMap<SolvId, String> = BTreeMap::new();
        for (name, stream) in names {
            if let Some(id) = loaded.pool.find(&name) {
                for s in loaded.pool.providers(id) {
                    hiding.entry(s).or_insert_with(|| stream.clone());
                }
            }
        }
        let pool = &loaded.pool;
        for s in pool.solvables() {
            if !pool.repo_of(s).is_some_and(|r| subject_to.contains(&r)) {
                continue;
            }
            let (name, evr, arch) = pool.nevra(s);
            let zero = if evr.contains(':') { "" } else { "0:" };
            let (long, short) = (
                format!("{name}-{zero}{evr}.{arch}"),
                format!("{name}-{evr}.{arch}"),
            );
            if included.contains(&*long) || included.contains(&*short) {
                continue;
            }
            if let Some(stream) = excluded.get(&*long).or_else(|| excluded.get(&*short)) {
                let stream = stream.clone();
                out.push((s, ExcludedBy::Module { stream }));
            } else if let Some(stream) = hiding.get(&s) {
                let stream = stream.clone();
                out.push((s, ExcludedBy::HiddenByModule { stream }));
            }
        }
        Ok(out)
    }
}

fn module(data: &Yaml) -> Option<Module> {
    let text = |key: &str| data.get(key).and_then(Yaml::text).map(str::to_owned);
    let list = |path: &[&str]| -> Vec<String> {
        data.at(path)
            .map(|y| y.texts().into_iter().map(str::to_owned).collect())
            .unwrap_or_default()
    };
    let mut requires = Vec::new();
    for set in data.get("dependencies").map_or(&[][..], Yaml::items) {
        for (name, streams) in set.get("requires").map_or(&[][..], Yaml::pairs) {
            let streams = streams.texts().into_iter().map(str::to_owned).collect();
            requires.push((name.clone(), streams));
        }
    }
    let profiles = data
        .get("profiles")
        .map_or(&[][..], Yaml::pairs)
        .iter()
        .map(|(name, profile)| {
            let rpms = profile
                .get("rpms")
                .map(|y| y.texts().into_iter().map(str::to_owned).collect())
                .unwrap_or_default();
            (name.clone(), rpms)
        })
        .collect();
    Some(Module {
        name: text("name")?,
        stream: text("stream")?,
        version: text("version").unwrap_or_else(|| "0".to_owned()),
        arch: text("arch").unwrap_or_else(|| "noarch".to_owned()),
        requires,
        artifacts: list(&["artifacts", "rpms"]),
        demodularized: list(&["demodularized", "rpms"]),
        profiles,
    })
}

fn add_module(pool: &mut Pool, repo: RepoId, module: &Module) -> Result<SolvId, SolveError> {
    let own = pool.intern(&format!("module({})", module.name));
    let stream = pool.intern(&format!("module({})", module.name_stream()));
    let mut deps = vec![
        (DepKind::Provides, own),
        (DepKind::Provides, stream),
        // Only one stream of a module at a time; what a package provides itself does not count.
        (DepKind::Conflicts, own),
    ];
    for (name, streams) in &module.requires {
        let (not, yes): (Vec<&String>, Vec<&String>) =
            streams.iter().partition(|s| s.starts_with('-'));
        let text = match (yes.as_slice(), not.as_slice()) {
            ([], []) => format!("module({name})"),
            ([], not) => not.iter().fold(format!("module({name})"), |left, s| {
                format!("({left} without module({name}:{}))", &s[1..])
            }),
            ([one], _) => format!("module({name}:{one})"),
            (many, _) => {
                let all: Vec<String> = many.iter().map(|s| format!("module({name}:{s})")).collect();
                format!("({})", all.join(" or "))
            }
        };
        let id = match Rich::parse(&text) {
            Ok(rich) => rich.intern(pool),
            Err(_) => pool.intern(&text),
        };
        deps.push((DepKind::Requires, id));
    }
    Ok(pool.add_package(
        repo,
        &PackageData {
            name: &module.solvable(),
            evr: &module.version,
            arch: &module.arch,
            deps: &deps,
            ..PackageData::default()
        },
    )?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const SAMPLE: &str = "---
document: modulemd
version: 2
data:
  name: db
  stream: \"12\"
  version: 5
  context: abcd
  arch: x86_64
  dependencies:
  - requires:
      platform: [x1]
      lang: []
  profiles:
    server:
      rpms: [db-server]
  artifacts:
    rpms:
    - db-0:12-1.x86_64
---
document: modulemd-defaults
version: 1
data:
  module: db
  stream: \"12\"
  profiles:
    '12': [server]
";

    #[test]
    fn streams_and_defaults_are_read() {
        let mut modules = Modules::default();
        for document in yaml::documents(SAMPLE).unwrap() {
            modules.add(&document);
        }
        let module = &modules.all[0];
        assert_eq!(module.name_stream(), "db:12");
        assert_eq!(module.requires.len(), 2);
        assert_eq!(module.artifacts, ["db-0:12-1.x86_64"]);
        let want = Some(("db:12".to_owned(), vec!["db-server".to_owned()]));
        assert_eq!(modules.install("db"), want);
        assert_eq!(modules.install("db:12/server"), want);
        assert_eq!(modules.install("db:13"), None);
    }
}
