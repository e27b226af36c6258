//! The solver itself: caches, pool, jobs, answer.

use std::{cmp::Ordering, collections::BTreeSet, io, path::Path, rc::Rc};

use rpmkit_solv::{Pool, SolverFlags, SolverOutcome, SolverStep};

use super::{
    HandOver, Reason, Replacement, Solution, SolveError, SolveRepo, SolveRequest,
    comps::Comps,
    explain::Explain,
    fill,
    filter::Filter,
    goal::Goal,
    kernels,
    load::{self, Caches, LOCAL, Loaded},
    modules::Modules,
    subject::{PackageSearch, is_path},
};
use rpmkit_types::{Checksum, Nevra, Package};

/// Answers requests over one set of repositories and one installed set.
///
/// The pool is loaded when a request is not answered by the cache, and kept for the next.
#[derive(Debug)]
pub struct Solver {
    arch: String,
    repos: Vec<SolveRepo>,
    installed: Vec<Package>,
    caches: Caches,
    loaded: Option<Loaded>,
    /// Paths the loaded pool knows from filelists.xml.
    known_paths: BTreeSet<String>,
    comps: Option<Comps>,
    modules: Option<Rc<Modules>>,
    installed_digest: String,
}

impl Solver {
    /// `arch` is the architecture of the root (`x86_64`, `i686`, `aarch64` …), `repos` are in the
    /// order of their definition, `installed` is what the root holds already. Nothing is read yet.
    pub fn new(arch: &str, repos: &[SolveRepo], installed: &[Package], cache_dir: &Path) -> Self {
        Self {
            arch: arch.to_owned(),
            repos: repos.to_vec(),
            installed: installed.to_vec(),
            caches: Caches::new(cache_dir),
            loaded: None,
            known_paths: BTreeSet::new(),
            comps: None,
            modules: None,
            installed_digest: digest_of(installed),
        }
    }

    /// Answers a request.
    ///
    /// # Errors
    /// [`SolveError::Unsolvable`] when there is no solution; the others when metadata cannot be read.
    pub fn solve(&mut self, request: &SolveRequest) -> Result<Solution, SolveError> {
        let key = self.answer_key(request);
        if let Some(key) = &key
            && let Some(known) = self
                .caches
                .answers
                .read("", key)
                .and_then(|data| serde_json::from_slice(&data).ok())
        {
            return Ok(known);
        }
        let solution = self.work_out(request)?;
        if let Some(key) = key
            && let Ok(data) = serde_json::to_vec(&solution)
        {
            // An answer that cannot be kept is still an answer.
            let _ = self
                .caches
                .answers
                .store("", &key, |mut file| io::Write::write_all(&mut file, &data));
        }
        Ok(solution)
    }

    /// The groups of all repositories.
    pub fn comps(&mut self) -> Result<&Comps, SolveError> {
        if self.comps.is_none() {
            let mut comps = Comps::default();
            for repo in &self.repos {
                let Some(file) = &repo.comps else { continue };
                comps
                    .add(load::open(file, load::MAX_KEPT)?)
                    .map_err(|error| SolveError::Metadata {
                        repo: repo.id.clone(),
                        path: file.path.clone(),
                        error,
                    })?;
            }
            self.comps = Some(comps);
        }
        Ok(self.comps.get_or_insert_default())
    }

    /// Digest of everything an answer depends on; None when some repository has no key.
    fn answer_key(&self, request: &SolveRequest) -> Option<String> {
        if self.repos.iter().any(|r| r.cache_key.is_empty()) {
            return None;
        }
        let repos: Vec<_> = self
            .repos
            .iter()
            .map(|r| {
                (
                    (&r.id, &r.cache_key, r.priority, r.cost),
                    (&r.excludepkgs, &r.includepkgs, r.module_hotfixes),
                )
            })
            .collect();
        let all = (&self.arch, repos, &self.installed_digest, request);
        Some(Checksum::sha256(&serde_json::to_vec(&all).ok()?).hex)
    }

    fn work_out(&mut self, request: &SolveRequest) -> Result<Solution, SolveError> {
        self.comps()?;
        let modules = match &self.modules {
            Some(known) => known.clone(),
            None => {
                let read = Rc::new(Modules::read(&self.repos)?);
                self.modules = Some(Rc::clone(&read));
                read
            }
        };
        let expanded = expand_modules(request, &modules);
        let request = expanded.as_ref().unwrap_or(request);
        let paths = paths_of(request);
        // Package files of a request belong to that request only.
        let fits = request.local.is_empty()
            && self.loaded.as_ref().is_some_and(|l| l.local.is_empty())
            && paths.is_subset(&self.known_paths);
        if !fits {
            self.loaded = None;
            let mut wanted = self.known_paths.clone();
            wanted.extend(paths);
            self.loaded = Some(load::load(
                &self.arch,
                &self.repos,
                &self.installed,
                &request.local,
                &self.caches,
                &wanted,
            )?);
            self.known_paths = wanted;
        }
        let (Some(loaded), Some(comps)) = (&mut self.loaded, &self.comps) else {
            return Ok(Solution::default());
        };
        let hidden = modules.hidden(&self.arch, loaded, &self.repos, request)?;
        let filter = Filter::apply(loaded, &self.repos, request, hidden);
        let mut search = PackageSearch::new(loaded);
        let mut goal = Goal::new(&mut search, request, comps, basearch(&self.arch));
        let flags = SolverFlags {
            ignore_weak_deps: !request.weak_deps,
            allow_downgrade: goal.downgrade,
            keep_vendor: !request.vendor_change,
        };
        let outcome = if request.strict && !request.skip_unavailable && !goal.unmatched.is_empty() {
            None
        } else {
            let mut solved = loaded.pool.solve(&goal.jobs, flags);
            let more = kernels::limit(loaded, request, &solved.present);
            if !more.is_empty() {
                for job in more {
                    goal.add(job);
                }
                // What depends on a kernel that goes may go with it.
                goal.allow_erasing(loaded);
                solved = loaded.pool.solve(&goal.jobs, flags);
            }
            Some(solved.outcome)
        };
        if let Some(SolverOutcome::Steps(steps)) = outcome {
            let (repos, installed) = (&self.repos, &self.installed);
            let mut solution = answer(loaded, repos, installed, steps, request.hand_over);
            solution.skipped = goal.skipped;
            return Ok(solution);
        }
        let mut explain = Explain {
            loaded,
            repos: &self.repos,
            filter: &filter,
            goal: &goal,
            may_erase: request.allow_erasing,
        };
        let why = match outcome {
            Some(SolverOutcome::Problems(problems)) => explain.problems(&problems),
            _ => explain.unmatched(),
        };
        Err(SolveError::Unsolvable(Box::new(why)))
    }
}

/// `@module:stream/profile` among the specs becomes an enabled stream and the profile's packages;
/// None when there is nothing of the kind.
fn expand_modules(request: &SolveRequest, modules: &Modules) -> Option<SolveRequest> {
    let found: Vec<(usize, (String, Vec<String>))> = request
        .install
        .iter()
        .enumerate()
        .filter_map(|(i, spec)| Some((i, modules.install(spec.strip_prefix('@')?)?)))
        .collect();
    if found.is_empty() {
        return None;
    }
    let mut expanded = request.clone();
    let gone: BTreeSet<usize> = found.iter().map(|(i, _)| *i).collect();
    let mut i = 0;
    expanded.install.retain(|_| {
        i += 1;
        !gone.contains(&(i - 1))
    });
    for (_, (stream, packages)) in found {
        expanded.module_enable.push(stream);
        expanded.install.extend(packages);
    }
    Some(expanded)
}

/// Paths and path patterns a request names.
fn paths_of(request: &SolveRequest) -> BTreeSet<String> {
    let specs = request.install.iter().chain(&request.remove);
    let deps = request
        .builddeps
        .iter()
        .flat_map(|dep| match super::Rich::parse(&dep.name) {
            Ok(rich) => rich.names().into_iter().map(str::to_owned).collect(),
            Err(_) => vec![dep.name.clone()],
        });
    specs.cloned().chain(deps).filter(|s| is_path(s)).collect()
}

fn answer(
    loaded: &Loaded,
    repos: &[SolveRepo],
    installed: &[Package],
    steps: Vec<SolverStep>,
    hand_over: HandOver,
) -> Solution {
    let pool: &Pool = &loaded.pool;
    let record = |s| {
        let nevra = fill::nevra(pool, s);
        if loaded.is_installed(s)
            && let Some(known) = installed.iter().find(|p| p.nevra == nevra)
        {
            return known.clone();
        }
        // A package file is of no repository, which is what downloads go by.
        let repo = match loaded.repo_name(repos, s) {
            LOCAL => "",
            name => name,
        };
        fill::record(pool, s, repo)
    };
    let mut install = Vec::new();
    let mut remove = Vec::new();
    let mut replaced = Vec::new();
    for (decided, step) in steps.into_iter().enumerate() {
        match step {
            SolverStep::Install {
                package,
                replaces,
                reason,
            } => {
                let id = package;
                let package = record(package);
                let mut old: Vec<_> = replaces.iter().map(|&s| fill::nevra(pool, s)).collect();
                old.sort();
                let act = Act::of(&package.nevra, &old);
                let turn = match hand_over {
                    HandOver::Decisions => (act.in_dnf5(), decided, id),
                    HandOver::Metadata => (act.in_dnf4(), 0, id),
                };
                if !old.is_empty() {
                    replaced.push(Replacement {
                        new: package.nevra.clone(),
                        old,
                    });
                }
                install.push((package, reason, turn));
            }
            SolverStep::Erase { package, reason } => remove.push((record(package), reason)),
        }
    }
    install.sort_by(|(a, ..), (b, ..)| a.nevra.cmp(&b.nevra));
    remove.sort_by(|(a, _), (b, _)| a.nevra.cmp(&b.nevra));
    replaced.sort_by(|a, b| a.new.cmp(&b.new));
    let mut order: Vec<usize> = (0..install.len()).collect();
    order.sort_by_key(|&n| install.get(n).map(|(.., turn)| *turn));
    let (install, reasons): (Vec<_>, Vec<_>) = install
        .into_iter()
        .map(|(p, reason, _)| (p, reason))
        .unzip();
    let (remove, remove_reasons): (Vec<_>, Vec<_>) = remove.into_iter().unzip();
    Solution {
        install,
        reasons: reasons.into_iter().map(reason).collect(),
        order,
        remove,
        remove_reasons: remove_reasons.into_iter().map(reason).collect(),
        replaced,
        skipped: Vec::new(),
    }
}

/// What a package that comes is to the root. Package managers hand one kind after the other to rpm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Install,
    Reinstall,
    Upgrade,
    Downgrade,
}

impl Act {
    fn of(new: &Nevra, old: &[Nevra]) -> Self {
        let before = old.iter().find(|old| old.name == new.name);
        match before.map(|before| new.evr.cmp(&before.evr)) {
            // What only obsoletes others is installed.
            None => Self::Install,
            Some(Ordering::Equal) => Self::Reinstall,
            Some(Ordering::Greater) => Self::Upgrade,
            Some(Ordering::Less) => Self::Downgrade,
        }
    }

    /// Its turn in libdnf5.
    fn in_dnf5(self) -> u8 {
        match self {
            Self::Install => 0,
            Self::Reinstall => 1,
            Self::Upgrade => 2,
            Self::Downgrade => 3,
        }
    }

    /// Its turn in dnf 4.
    fn in_dnf4(self) -> u8 {
        match self {
            Self::Downgrade => 0,
            Self::Reinstall => 1,
            Self::Install => 2,
            Self::Upgrade => 3,
        }
    }
}

fn reason(reason: rpmkit_solv::SolverReason) -> Reason {
    match reason {
        rpmkit_solv::SolverReason::User => Reason::User,
        rpmkit_solv::SolverReason::Dependency => Reason::Dependency,
        rpmkit_solv::SolverReason::Weak => Reason::Weak,
        rpmkit_solv::SolverReason::Clean => Reason::Clean,
    }
}

/// A package file's digest says all about it; without one its whole record has to.
fn digest_of(installed: &[Package]) -> String {
    let mut hasher = rpmkit_types::Hasher::new(rpmkit_types::ChecksumKind::Sha256);
    for package in installed {
        match &package.checksum {
            Some(checksum) => {
                hasher.update(format!("{}\0{checksum}\n", package.nevra).as_bytes());
            }
            // A record always serializes; should it not, its name must do.
            None => hasher.update(
                &serde_json::to_vec(package).unwrap_or_else(|_| package.nevra.to_string().into()),
            ),
        }
    }
    hasher.finish().hex
}

/// The base architecture of one, as repositories and groups call it.
pub fn basearch(arch: &str) -> &str {
    match arch {
        "i386" | "i486" | "i586" | "i686" | "athlon" | "geode" | "pentium3" | "pentium4" => "i386",
        "x86_64" | "amd64" | "ia32e" | "x86_64_v2" | "x86_64_v3" | "x86_64_v4" => "x86_64",
        "armv5tel" | "armv5tejl" | "armv5tl" | "armv6l" | "armv7l" | "armv8l" => "arm",
        "armv6hl" | "armv7hl" | "armv7hnl" | "armv8hl" => "armhfp",
        "ppc64pseries" | "ppc64iseries" | "ppc64p7" => "ppc64",
        "sparc64v" | "sparcv9v" => "sparc64",
        other => other,
    }
}
