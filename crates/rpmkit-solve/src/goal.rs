//! From a request to libsolv's jobs, one for one as dnf makes them.

use std::collections::{BTreeMap, BTreeSet};

use rpmkit_solv::{DepKind, Job, JobAction, JobSelect, SolvId};

use super::{
    SolveRequest, Update,
    comps::{Comps, Member},
    fill,
    glob::Glob,
    load::Loaded,
    subject::{How, Search, is_path},
};

/// Who wanted a job: what explanations begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asker {
    /// A spec of `install`.
    Spec(String),
    /// A member of a group.
    Group { group: String, package: String },
    /// A requirement of the source package.
    BuildDep(String),
    /// A package file.
    Local(String),
    /// An update.
    Update(String),
    /// A removal.
    Remove(String),
    /// Bookkeeping nobody asked for.
    Nobody,
}

/// The jobs of a request.
#[derive(Debug, Default)]
pub(crate) struct Goal {
    pub(crate) jobs: Vec<Job>,
    /// One for each job.
    pub(crate) askers: Vec<Asker>,
    /// What nothing matched and that makes the request fail if it is strict.
    pub(crate) unmatched: Vec<Asker>,
    /// What nothing matched and that is no error.
    pub(crate) skipped: Vec<String>,
    pub(crate) downgrade: bool,
}

impl Goal {
    fn push(&mut self, action: JobAction, select: JobSelect, request: &SolveRequest, asker: Asker) {
        // Build dependencies are never optional, whatever `strict` says.
        let weak =
            !request.strict && action == JobAction::Install && !matches!(asker, Asker::BuildDep(_));
        self.jobs.push(Job {
            action,
            select,
            weak,
            best: request.best,
        });
        self.askers.push(asker);
        self.downgrade |= action == JobAction::Install;
    }

    /// Adds a job nobody asked for.
    pub(crate) fn add(&mut self, job: Job) {
        self.jobs.push(job);
        self.askers.push(Asker::Nobody);
    }

    fn extra(&mut self, action: JobAction, select: JobSelect) {
        self.add(Job {
            action,
            select,
            weak: false,
            best: false,
        });
    }

    /// Translates a request.
    pub(crate) fn new(
        search: &mut Search<'_>,
        request: &SolveRequest,
        comps: &Comps,
        basearch: &str,
    ) -> Self {
        let mut goal = Self::default();
        for &s in &search.loaded.local.clone() {
            let asker = Asker::Local(search.loaded.pool.href(s));
            goal.push(
                JobAction::Install,
                JobSelect::OneOf(vec![s]),
                request,
                asker,
            );
        }
        let (groups, specs): (Vec<&String>, Vec<&String>) =
            request.install.iter().partition(|s| s.starts_with('@'));
        for spec in specs {
            goal.install(search, request, spec);
        }
        for dep in &request.builddeps {
            if dep.is_rpmlib() {
                continue;
            }
            goal.build_dep(search, request, dep);
        }
        goal.update(search, request);
        for spec in &request.remove {
            goal.remove(search, request, spec);
        }
        if !request.remove.is_empty() {
            goal.protect_wanted(search, request);
        }
        // dnf adds groups when all else is known.
        for spec in groups {
            goal.group(search, request, comps, basearch, &spec[1..]);
        }
        if request.weak_deps {
            for s in unmet_weak(search) {
                goal.extra(JobAction::ExcludeFromWeak, JobSelect::Package(s));
            }
        }
        for provide in &request.installonly {
            let id = search.loaded.pool.intern(provide);
            goal.extra(JobAction::MultiVersion, JobSelect::Provides(id));
        }
        // dnf's `remove` may always remove what needs the removed.
        if request.allow_erasing || !request.remove.is_empty() {
            goal.allow_erasing(search.loaded);
        }
        goal
    }

    /// Lets any installed package go.
    pub(crate) fn allow_erasing(&mut self, loaded: &Loaded) {
        let pool = &loaded.pool;
        for s in pool.packages_of(loaded.system) {
            if pool.is_considered(s) {
                self.extra(JobAction::AllowUninstall, JobSelect::Package(s));
            }
        }
    }

    fn install(&mut self, search: &mut Search<'_>, request: &SolveRequest, spec: &str) {
        let asker = Asker::Spec(spec.to_owned());
        let found = search.spec(spec);
        if found.packages.is_empty() {
            self.unmatched.push(asker);
            return;
        }
        let arch_pattern =
            matches!(&found.how, How::Nevra(n) if !n.arch.is_empty() && Glob::is_pattern(&n.arch));
        let sets: Vec<Vec<SolvId>> = if request.multilib_all || arch_pattern {
            let mut by_arch = group_by(search, &found.packages, |name, arch| {
                format!("{name}\0{arch}")
            });
            // What is there in some version stays as it is.
            by_arch.retain(|set| !set.iter().any(|&s| search.loaded.is_installed(s)));
            if request.obsoletes {
                for set in &mut by_arch {
                    set.extend(search.obsoleters(set));
                }
            }
            by_arch
        } else if !is_path(spec) && Glob::is_pattern(spec) {
            // A pattern is one job for each name, so that all of them get installed.
            let available: BTreeSet<String> = found
                .packages
                .iter()
                .filter(|&&s| !search.loaded.is_installed(s))
                .map(|&s| search.loaded.pool.nevra(s).0.to_owned())
                .collect();
            let mut by_name = group_by(search, &found.packages, |name, _| name.to_owned());
            by_name.retain(|set| available.contains(search.loaded.pool.nevra(set[0]).0));
            if request.obsoletes && found.just_name() {
                for set in &mut by_name {
                    set.extend(search.obsoleters(set));
                }
            }
            by_name
        } else {
            let mut set = found.packages.clone();
            if request.obsoletes && found.just_name() {
                set.extend(search.obsoleters(&found.packages));
            }
            vec![set]
        };
        for mut set in sets {
            set.sort_unstable();
            set.dedup();
            self.push(
                JobAction::Install,
                JobSelect::OneOf(set),
                request,
                asker.clone(),
            );
        }
    }

    fn build_dep(
        &mut self,
        search: &mut Search<'_>,
        request: &SolveRequest,
        dep: &rpmkit_types::Dep,
    ) {
        let asker = Asker::BuildDep(dep.to_string());
        let Some(id) = fill::intern_dep(&mut search.loaded.pool, dep) else {
            self.unmatched.push(asker);
            return;
        };
        let providers = search.loaded.pool.providers(id);
        let usable = |s: &SolvId| search.loaded.pool.is_considered(*s);
        // A rich dependency may need nothing at all; only the solver can tell.
        if dep.is_rich() || providers.iter().any(usable) {
            self.push(JobAction::Install, JobSelect::Provides(id), request, asker);
            return;
        }
        let files = if dep.name.starts_with('/') {
            search.files(&dep.name)
        } else {
            Vec::new()
        };
        if files.is_empty() {
            self.unmatched.push(asker);
        } else {
            self.push(JobAction::Install, JobSelect::OneOf(files), request, asker);
        }
    }

    fn update(&mut self, search: &mut Search<'_>, request: &SolveRequest) {
        let specs: Vec<(String, Vec<SolvId>, bool)> = match &request.update {
            Update::No => return,
            Update::All => vec![("*".to_owned(), search.all.clone(), true)],
            Update::Specs(specs) => {
                let mut found = Vec::new();
                for spec in specs {
                    let matched = search.spec(spec);
                    if matched.packages.is_empty() {
                        // dnf says so and goes on.
                        self.skipped.push(spec.clone());
                    } else {
                        let obsoletes = matched.just_name();
                        found.push((spec.clone(), matched.packages, obsoletes));
                    }
                }
                found
            }
        };
        let installed: Vec<SolvId> = {
            let mut all = search.loaded.pool.packages_of(search.loaded.system);
            all.retain(|&s| search.loaded.pool.is_considered(s));
            all
        };
        for (spec, matched, with_obsoletes) in specs {
            let mut set = matched.clone();
            if with_obsoletes && request.obsoletes {
                let targets = installed_and_upgrades(search, &installed, &matched);
                let mut more = search.obsoleters(&targets);
                more.retain(|&s| !search.loaded.is_installed(s));
                set.extend(more);
            }
            if !set.is_empty() {
                set.extend(latest_installed(search, &installed, &set));
                set.sort_unstable();
                set.dedup();
                self.push(
                    JobAction::Update { targeted: true },
                    JobSelect::OneOf(set),
                    request,
                    Asker::Update(spec),
                );
            }
        }
    }

    fn remove(&mut self, search: &mut Search<'_>, request: &SolveRequest, spec: &str) {
        let asker = Asker::Remove(spec.to_owned());
        let mut found = search.spec(spec).packages;
        found.retain(|&s| search.loaded.is_installed(s));
        if found.is_empty() {
            // As with updates dnf only says so.
            self.skipped.push(spec.to_owned());
            return;
        }
        for s in found {
            self.push(
                JobAction::Erase {
                    clean_deps: request.clean_requirements,
                },
                JobSelect::Package(s),
                request,
                asker.clone(),
            );
        }
    }

    /// What somebody asked for once must not be cleaned away.
    fn protect_wanted(&mut self, search: &Search<'_>, request: &SolveRequest) {
        let pool = &search.loaded.pool;
        for s in pool.packages_of(search.loaded.system) {
            let name = pool.nevra(s).0;
            if !request.unneeded_candidates.iter().any(|n| n == name) {
                self.extra(JobAction::UserInstalled, JobSelect::Package(s));
            }
        }
    }

    fn group(
        &mut self,
        search: &mut Search<'_>,
        request: &SolveRequest,
        comps: &Comps,
        basearch: &str,
        spec: &str,
    ) {
        let (pattern, types) = match spec.split_once('/') {
            Some((pattern, types)) => (
                pattern,
                super::GroupTypes::parse(types).unwrap_or(request.group_types),
            ),
            None => (spec, request.group_types),
        };
        let (only_env, pattern) = match pattern.strip_prefix('^') {
            Some(rest) => (true, rest),
            None => (false, pattern),
        };
        let mut groups = if only_env {
            Vec::new()
        } else {
            comps.groups_matching(pattern)
        };
        let environments = comps.environments_matching(pattern);
        if groups.is_empty() && environments.is_empty() {
            self.unmatched.push(Asker::Spec(format!("@{spec}")));
            return;
        }
        for env in environments {
            groups.extend(env.groups.iter().filter_map(|id| comps.group(id)));
        }
        let mut done: BTreeSet<(&str, Option<&str>)> = BTreeSet::new();
        for group in groups {
            for member in group.wanted(types) {
                if done.insert((&member.name, member.requires.as_deref())) {
                    self.member(search, request, basearch, &group.id, member);
                }
            }
        }
    }

    fn member(
        &mut self,
        search: &mut Search<'_>,
        request: &SolveRequest,
        basearch: &str,
        group: &str,
        member: &Member,
    ) {
        let mut found = search.named(&member.name);
        if member.basearch_only {
            found.retain(|&s| search.loaded.pool.nevra(s).2 == basearch);
        }
        if found.is_empty() {
            self.skipped.push(format!("@{group}: {}", member.name));
            return;
        }
        let asker = Asker::Group {
            group: group.to_owned(),
            package: member.name.clone(),
        };
        let select = match &member.requires {
            Some(needs) => {
                let pool = &mut search.loaded.pool;
                let (name, needs) = (pool.intern(&member.name), pool.intern(needs));
                JobSelect::Provides(pool.rel(name, rpmkit_solv::RelOp::If, needs))
            }
            None => {
                if request.obsoletes {
                    found.extend(search.obsoleters(&found.clone()));
                    found.sort_unstable();
                    found.dedup();
                }
                JobSelect::OneOf(found)
            }
        };
        self.push(JobAction::Install, select, request, asker);
    }
}

/// Splits a set by a key; order of first appearance is kept.
fn group_by(
    search: &Search<'_>,
    packages: &[SolvId],
    key: impl Fn(&str, &str) -> String,
) -> Vec<Vec<SolvId>> {
    let mut order: BTreeMap<String, usize> = BTreeMap::new();
    let mut sets: Vec<Vec<SolvId>> = Vec::new();
    for &s in packages {
        let (name, _, arch) = search.loaded.pool.nevra(s);
        let at = *order.entry(key(name, arch)).or_insert_with(|| {
            sets.push(Vec::new());
            sets.len() - 1
        });
        sets[at].push(s);
    }
    sets
}

/// Installed packages among the matched, and newer versions of installed ones among them.
fn installed_and_upgrades(
    search: &Search<'_>,
    installed: &[SolvId],
    matched: &[SolvId],
) -> Vec<SolvId> {
    let pool = &search.loaded.pool;
    let mut newest: BTreeMap<(rpmkit_solv::Id, &str), SolvId> = BTreeMap::new();
    for &s in installed {
        newest
            .entry((pool.name_id(s), pool.nevra(s).2))
            .and_modify(|old| {
                if pool.evr_cmp(pool.evr_id(s), pool.evr_id(*old)).is_gt() {
                    *old = s;
                }
            })
            .or_insert(s);
    }
    matched
        .iter()
        .copied()
        .filter(|&s| {
            search.loaded.is_installed(s)
                || newest
                    .get(&(pool.name_id(s), pool.nevra(s).2))
                    .is_some_and(|&old| pool.evr_cmp(pool.evr_id(s), pool.evr_id(old)).is_gt())
        })
        .collect()
}

/// The newest installed package of every name in a set.
fn latest_installed(search: &Search<'_>, installed: &[SolvId], set: &[SolvId]) -> Vec<SolvId> {
    let pool = &search.loaded.pool;
    let names: BTreeSet<_> = set.iter().map(|&s| pool.name_id(s)).collect();
    let mut newest: BTreeMap<rpmkit_solv::Id, Vec<SolvId>> = BTreeMap::new();
    for &s in installed
        .iter()
        .filter(|&&s| names.contains(&pool.name_id(s)))
    {
        let list = newest.entry(pool.name_id(s)).or_default();
        match list
            .first()
            .map(|&old| pool.evr_cmp(pool.evr_id(s), pool.evr_id(old)))
        {
            Some(std::cmp::Ordering::Less) => {}
            Some(std::cmp::Ordering::Greater) => *list = vec![s],
            _ => list.push(s),
        }
    }
    newest.into_values().flatten().collect()
}

/// Packages a weak dependency of something installed could have brought but did not: whoever left
/// them out does not want them now (`exclude_from_weak_autodetect`).
fn unmet_weak(search: &mut Search<'_>) -> Vec<SolvId> {
    let installed = search.loaded.pool.packages_of(search.loaded.system);
    if installed.is_empty() {
        return Vec::new();
    }
    let mut out = BTreeSet::new();
    let considered = |search: &Search<'_>, list: Vec<SolvId>| -> Vec<SolvId> {
        list.into_iter()
            .filter(|&s| search.loaded.pool.is_considered(s))
            .collect()
    };
    for &s in &installed {
        for dep in search.loaded.pool.deps(s, DepKind::Recommends) {
            let name = match search.loaded.pool.parts(dep) {
                None => dep,
                // By name only: the version on offer may differ from the one recommended then.
                Some((name, op, _)) if op.is_comparison() => name,
                Some(_) => continue,
            };
            let providers = search.loaded.pool.providers(name);
            let providers = considered(search, providers);
            if !providers.iter().any(|&p| search.loaded.is_installed(p)) {
                out.extend(providers);
            }
        }
    }
    let names: BTreeSet<_> = installed
        .iter()
        .map(|&s| search.loaded.pool.name_id(s))
        .collect();
    for s in search.all.clone() {
        if search.loaded.is_installed(s) || names.contains(&search.loaded.pool.name_id(s)) {
            continue;
        }
        for dep in search.loaded.pool.deps(s, DepKind::Supplements) {
            let rich = search
                .loaded
                .pool
                .parts(dep)
                .is_some_and(|(_, op, _)| !op.is_comparison());
            if rich {
                continue;
            }
            let providers = search.loaded.pool.providers(dep);
            if providers.iter().any(|&p| search.loaded.is_installed(p)) {
                out.insert(s);
                break;
            }
        }
    }
    out.into_iter().collect()
}
