//! The package manager that needs nothing of the host: libsolv decides, the target's rpm installs.
//!
//! What is installed is made of layers, each keyed by what goes into it: tool root (the target's own rpm, unpacked
//! natively), base (`chroot_setup_cmd`), build dependencies. Whatever is there already is a mount.

mod sets;
mod tools;

use std::{
    cell::OnceCell,
    collections::{BTreeSet, HashSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use rpmkit_sandbox::{Container, Emulation, IdMode};
use serde::Serialize;

use super::{
    Attempts, Dialect, PmError, Skeleton, TransactionOptions,
    doubts::unsigned,
    movable,
    nearest::{KnownSets, allocate_ids},
    reasons,
    skeleton::SkeletonJob,
    space, sysusers,
    transaction::RpmTransaction,
};
use rpmkit_repo::{Fetcher, RepoData, RepoSet, Repository, VerifiedPackage};
use rpmkit_rpmfile::unpack_set;
use rpmkit_solve::{Filelists, HandOver, Solution, SolveRepo, SolveRequest, Solver};
use rpmkit_store::{Layer, LayerKind, LayerSpec, Pending, Root, Slot, Store};
use rpmkit_types::{
    LayerId, Package, Trust, Unsigned,
    event::{Event, Events, Log, Phase},
};

/// Version of the keys: raised when a layer made by an older rpmkit must not be used any more.
const KEY_FORMAT: u32 = 3;

/// What the target's own rpm is installed by asking for.
const TOOL_ROOT_PACKAGES: [&str; 1] = ["rpm"];

/// Everything the embedded package manager works with.
pub struct Embedded {
    mode: IdMode,
    emulation: Option<Emulation>,
    store: Store,
    fetcher: Arc<Fetcher>,
    repos: RepoSet,
    /// Architecture of the target as rpm names it.
    arch: String,
    solver_cache: PathBuf,
    options: TransactionOptions,
    events: Events,
    attempts: Attempts,
    dialect: Dialect,
    logfile: Option<String>,
    state: PmState,
}

/// What is found out at most once in a run.
#[derive(Default)]
struct PmState {
    repos: OnceCell<Vec<SolveRepo>>,
    tool_root: OnceCell<Layer>,
}

/// What a layer's id is the digest of.
#[derive(Serialize)]
struct LayerKey<'a> {
    format: u32,
    kind: &'a str,
    parent: Option<&'a LayerId>,
    tool_root: Option<&'a LayerId>,
    arch: &'a str,
    install: Vec<Ingredient>,
    remove: Vec<String>,
    options: Option<&'a TransactionOptions>,
    skeleton: Option<&'a Skeleton>,
    /// Of a set, what nobody asked for: it may go with what needed it.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    unasked: BTreeSet<String>,
}

/// A package as part of a key: what it is, and what stands behind it.
#[derive(Serialize)]
struct Ingredient {
    nevra: String,
    digest: String,
    trust: Trust,
}

/// A tool root that is being made, with some of its packages unpacked.
struct Begun {
    pending: Pending,
    packages: Vec<Package>,
    unsigned: BTreeSet<String>,
}

impl Begun {
    fn is_part_of(&self, whole: &Solution) -> bool {
        self.packages.iter().all(|one| whole.install.contains(one))
    }
}

/// Packages on top of a base.
struct PackageSet<'a> {
    base: &'a Layer,
    of_base: &'a [Package],
    /// For what, for people.
    note: &'a str,
    /// Names of what nobody asked for.
    dependencies: BTreeSet<String>,
    /// What was solved: installed on `from` as it is, where nothing nearer is there.
    solution: &'a Solution,
    from: &'a Layer,
}

impl PackageSet<'_> {
    /// Names of what nobody asked for in a part of the set, and below.
    fn unasked(&self, added: &[Package]) -> BTreeSet<String> {
        let names = added.iter().map(|package| &package.nevra.name);
        let of_part = names
            .filter(|name| self.dependencies.contains(*name))
            .cloned();
        self.base
            .meta()
            .dependencies
            .iter()
            .cloned()
            .chain(of_part)
            .collect()
    }
}

/// Whether nothing that is installed goes or changes.
fn only_adds(solution: &Solution) -> bool {
    solution.remove.is_empty() && solution.replaced.is_empty()
}

/// What the package manager works with.
pub struct PmParts {
    /// Identities.
    pub mode: IdMode,
    /// For targets of another architecture.
    pub emulation: Option<Emulation>,
    /// Where layers are.
    pub store: Store,
    /// Where packages come from.
    pub fetcher: Arc<Fetcher>,
    /// Directory of the solver's caches.
    pub solver_cache: PathBuf,
    /// Where to talk.
    pub events: Events,
}

impl Embedded {
    /// A package manager for `arch` over these repositories. Nothing is read yet.
    pub fn new(tools: PmParts, repos: RepoSet, arch: &str, options: TransactionOptions) -> Self {
        Self {
            mode: tools.mode,
            emulation: tools.emulation,
            store: tools.store,
            fetcher: tools.fetcher,
            repos,
            arch: arch.to_owned(),
            solver_cache: tools.solver_cache,
            options,
            events: tools.events,
            attempts: Attempts::default(),
            dialect: Dialect::default(),
            logfile: None,
            state: PmState::default(),
        }
    }

    /// Asks for metadata and packages this often before it gives up.
    #[must_use]
    pub fn with_attempts(mut self, attempts: Attempts) -> Self {
        self.attempts = attempts;
        self
    }

    /// Speaks as the package manager the configuration asks for, and writes what it does into that one's log
    /// files in the chroot, and into `logfile`, a path inside.
    #[must_use]
    pub fn with_dialect(mut self, dialect: Dialect, logfile: Option<String>) -> Self {
        self.dialect = dialect;
        self.logfile = logfile;
        self
    }

    /// The package manager whose words it uses.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// What a log file of the chroot gets when nothing could be done: path inside, and text.
    pub fn journal_of(&self, said: &[String]) -> Vec<(String, String)> {
        let logfile = self.logfile.as_deref();
        self.dialect.journal(&clock(), said, None, logfile)
    }

    /// Lines for root.log.
    pub fn say(&self, lines: &[String]) {
        for line in lines {
            self.events.emit(Event::output(Log::Root, line.as_bytes()));
        }
    }

    /// The repositories it works with.
    pub fn repos(&self) -> &RepoSet {
        &self.repos
    }

    /// Architecture of the target as rpm names it.
    pub(super) fn arch(&self) -> &str {
        &self.arch
    }

    /// Directory of the solver's caches.
    pub(super) fn solver_cache(&self) -> &Path {
        &self.solver_cache
    }

    /// Where packages come from.
    pub(super) fn fetcher(&self) -> &Fetcher {
        &self.fetcher
    }

    /// Metadata of all enabled repositories, refreshed where it is due.
    pub(super) fn metadata(&self) -> Result<&[SolveRepo], PmError> {
        if let Some(known) = self.state.repos.get() {
            return Ok(known);
        }
        let data = self.events.phase(Phase::Metadata, "", || {
            self.attempts.make(self.dialect.name(), &self.events, || {
                self.fetcher.refresh_all(&self.repos)
            })
        })?;
        let repos = data
            .into_iter()
            .filter_map(|data| {
                let repo = self.repos.find(&data.id)?.clone();
                Some(self.solve_repo(repo, data))
            })
            .collect();
        Ok(self.state.repos.get_or_init(|| repos))
    }

    fn solve_repo(&self, repo: Repository, data: RepoData) -> SolveRepo {
        let mut out = SolveRepo::new(&repo.id, &data.key);
        out.priority = repo.priority;
        out.cost = repo.cost;
        out.module_hotfixes = repo.module_hotfixes;
        out.excludepkgs.clone_from(&repo.excludepkgs);
        out.includepkgs.clone_from(&repo.includepkgs);
        out.primary = Some(data.packed(&data.primary));
        out.comps = data.comps.as_deref().map(|path| data.packed(path));
        out.modules = data.modules.as_deref().map(|path| data.packed(path));
        let fetcher = self.fetcher.clone();
        let (here, known) = (fetcher.clone(), data.clone());
        out.filelists = Filelists::lazy(
            move || {
                let path = here.filelists_at_hand(&known)?;
                Some(known.packed(&path))
            },
            move || {
                fetcher
                    .filelists(&repo, &data)
                    .map_err(|e| e.to_string())?
                    .map(|path| data.packed(&path))
                    .ok_or_else(|| format!("repository `{}` has no file list", repo.id))
            },
        );
        out
    }

    /// A request with the settings of the `[main]` section.
    pub fn request(&self) -> SolveRequest {
        let main = &self.repos.main;
        SolveRequest {
            weak_deps: main.install_weak_deps,
            best: main
                .best
                .unwrap_or(self.options.hand_over == HandOver::Decisions),
            strict: main.strict,
            skip_unavailable: main.skip_unavailable,
            vendor_change: main.allow_vendor_change,
            exclude_groups: main.excludegroups.clone(),
            exclude_environments: main.excludeenvgroups.clone(),
            obsoletes: main.obsoletes,
            clean_requirements: main.clean_requirements_on_remove,
            hand_over: self.options.hand_over,
            excludes: main.excludepkgs.clone(),
            includes: main.includepkgs.clone(),
            disable_excludes: main.disable_excludes.clone(),
            // mock's own `--allowerasing`.
            allow_erasing: true,
            ..SolveRequest::default()
        }
    }

    /// What has to be done to fulfil `request` in a root with `installed`.
    pub fn resolve(
        &self,
        request: &SolveRequest,
        installed: &[Package],
    ) -> Result<Solution, PmError> {
        let repos = self.metadata()?;
        self.events.phase(Phase::Solve, "", || {
            Ok(Solver::new(&self.arch, repos, installed, &self.solver_cache).solve(request)?)
        })
    }

    fn ingredients(&self, packages: &[Package]) -> Result<Vec<Ingredient>, PmError> {
        let of = |package: &Package| {
            let digest = package.checksum.as_ref().map(ToString::to_string);
            Ok(Ingredient {
                nevra: package.nevra.to_string(),
                digest: digest.unwrap_or_default(),
                trust: self.fetcher.trust(package, &self.repos)?,
            })
        };
        packages.iter().map(of).collect()
    }

    pub(super) fn download(&self, packages: &[Package]) -> Result<Vec<VerifiedPackage>, PmError> {
        self.events.phase(Phase::Download, "", || {
            Ok(self.attempts.make(self.dialect.name(), &self.events, || {
                self.fetcher.download(packages, &self.repos)
            })?)
        })
    }

    /// The minimal buildroot: `request` installed into an empty tree and completed by `skeleton`; and whether
    /// it was made just now. `manager` is what the configuration calls its package manager.
    pub fn base(
        &self,
        request: &SolveRequest,
        skeleton: &Skeleton,
        manager: &str,
    ) -> Result<(Layer, bool), PmError> {
        let solution = self.resolve(request, &[])?;
        let tool_root = self.tool_root()?;
        let id = self.key(&LayerKey {
            format: KEY_FORMAT,
            kind: "base",
            parent: None,
            tool_root: Some(tool_root.id()),
            arch: &self.arch,
            install: self.ingredients(&solution.install)?,
            remove: Vec::new(),
            options: Some(&self.options),
            skeleton: Some(skeleton),
            unasked: BTreeSet::new(),
        })?;
        let pending = match self.store.build(&id, None)? {
            Slot::Ready(layer) => return Ok((layer, false)),
            Slot::Make(pending) => pending,
        };
        let state = format!("installing minimal buildroot with {manager}");
        self.events.state(true, &state);
        self.say(&self.dialect.proposal(&solution));
        let files = self.download(&solution.install)?;
        let layer = self.events.phase(Phase::Init, "", || {
            self.skeleton(&pending.fs(), None)?;
            // Nothing lies below: the tree itself is the target, no overlay needed.
            let tree = Root::Dir(pending.fs());
            self.transact(&tree, &files, &solution, Phase::Init)?;
            self.skeleton(&pending.fs(), Some(skeleton))?;
            Ok::<_, PmError>(pending.publish(&LayerSpec {
                kind: LayerKind::Base,
                note: request.install.join(" "),
                unsigned: Some(unsigned(&solution.install, &files)),
                dependencies: reasons::dependencies(&BTreeSet::new(), &solution),
                packages: solution.install,
            })?)
        })?;
        self.events.state(false, &state);
        Ok((layer, true))
    }

    /// Applies `solution` to a root somebody has already written to, in place.
    pub fn apply(&self, root: &Root, solution: &Solution) -> Result<(), PmError> {
        if solution.is_empty() {
            return Ok(());
        }
        self.say(&self.dialect.proposal(solution));
        let files = self.download(&solution.install)?;
        self.events.phase(Phase::BuildDeps, "", || {
            self.transact(root, &files, solution, Phase::BuildDeps)
        })
    }

    /// Applies `solution` to the root of a running container, which others may be working in; `root` is how that root is put
    /// together.
    pub fn apply_inside(
        &self,
        container: &Container,
        root: &Root,
        solution: &Solution,
    ) -> Result<(), PmError> {
        if solution.is_empty() {
            return Ok(());
        }
        let files = self.download(&solution.install)?;
        self.events.phase(Phase::BuildDeps, "", || {
            self.transaction(root, &files, solution, Phase::BuildDeps, |transaction| {
                transaction.run_inside(container)
            })
        })
    }

    fn transact(
        &self,
        root: &Root,
        files: &[VerifiedPackage],
        solution: &Solution,
        phase: Phase,
    ) -> Result<(), PmError> {
        self.transaction(root, files, solution, phase, |transaction| {
            transaction.run()
        })
    }

    fn transaction(
        &self,
        root: &Root,
        files: &[VerifiedPackage],
        solution: &Solution,
        phase: Phase,
        run: impl FnOnce(&RpmTransaction<'_>) -> Result<(), PmError>,
    ) -> Result<(), PmError> {
        let erase: Vec<_> = solution.remove.iter().map(|p| p.nevra.clone()).collect();
        let replacing = std::iter::zip(&solution.install, files)
            .filter(|(package, _)| solution.replaced.iter().any(|r| r.new == package.nevra))
            .map(|(_, file)| file);
        let outcome = self.dialect.outcome(solution);
        let said = [self.dialect.proposal(solution), outcome.clone()].concat();
        let logfile = self.logfile.as_deref();
        let journal = self
            .dialect
            .journal(&clock(), &said, Some(solution), logfile);
        let transaction = RpmTransaction {
            cleared: movable::candidates(replacing)?,
            mode: &self.mode,
            emulation: self.emulation.as_ref(),
            tool_root: &self.tool_root()?.fs(),
            root,
            install: solution.ordered(files),
            erase: &erase,
            options: &self.options,
            journal: &journal,
            phase,
            events: &self.events,
        };
        run(&transaction).map_err(|error| space::explain(error, root))?;
        self.say(&outcome);
        Ok(())
    }

    fn skeleton(&self, tree: &Path, finish: Option<&Skeleton>) -> Result<(), PmError> {
        let job = SkeletonJob {
            root: tree.to_owned(),
            finish: finish.cloned(),
        };
        let bad = |reason: String| PmError::Skeleton { reason };
        let input = serde_json::to_vec(&job).map_err(|e| bad(e.to_string()))?;
        rpmkit_sandbox::call(&self.mode, "skeleton", &input)
            .map(drop)
            .map_err(|e| bad(e.to_string()))
    }

    fn key(&self, key: &LayerKey<'_>) -> Result<LayerId, PmError> {
        let text = serde_json::to_vec(key).map_err(|e| PmError::Skeleton {
            reason: e.to_string(),
        })?;
        Ok(LayerId::of(&text))
    }
}

/// The present time as dnf's logs have it.
fn clock() -> String {
    let now = jiff::Timestamp::now();
    now.strftime("%Y-%m-%dT%H:%M:%S+0000").to_string()
}

/// Repositories of what nobody verified, after `solution` on `below`. Where nobody knows what is below, nobody
/// knows of the whole.
fn unsigned_above(
    below: &Layer,
    solution: &Solution,
    files: &[VerifiedPackage],
) -> Option<BTreeSet<String>> {
    let known = match below.meta().kind {
        LayerKind::Import => Some(BTreeSet::new()),
        _ => below.meta().unsigned.clone(),
    };
    known.map(|known| &known | &unsigned(&solution.install, files))
}

/// The packages of a root after `solution`.
pub fn after(installed: &[Package], solution: &Solution) -> Vec<Package> {
    let gone: HashSet<String> = solution
        .remove
        .iter()
        .map(|p| p.nevra.to_string())
        .chain(
            solution
                .replaced
                .iter()
                .flat_map(|r| r.old.iter().map(ToString::to_string)),
        )
        .collect();
    let mut packages: Vec<Package> = installed
        .iter()
        .filter(|p| !gone.contains(&p.nevra.to_string()))
        .chain(&solution.install)
        .cloned()
        .collect();
    packages.sort_by(|a, b| a.nevra.cmp(&b.nevra));
    packages
}

#[cfg(test)]
mod tests;
