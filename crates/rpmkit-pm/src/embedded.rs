//! The package manager that needs nothing of the host: libsolv decides, the target's rpm installs.
//!
//! What is installed is made of layers, each keyed by what goes into it: tool root (the target's own rpm, unpacked
//! natively), base (`chroot_setup_cmd`), build dependencies. Whatever is there already is a mount.

use std::{
    cell::OnceCell,
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use rpmkit_sandbox::{Container, Emulation, IdMode};
use serde::Serialize;

use super::{
    Attempts, PmError, Skeleton, TransactionOptions, skeleton::SkeletonJob, space, sysusers,
    transaction::RpmTransaction,
};
use rpmkit_repo::{Fetcher, RepoData, RepoSet, Repository, VerifiedPackage};
use rpmkit_rpmfile::unpack_set;
use rpmkit_solve::{Filelists, Solution, SolveRepo, SolveRequest, Solver};
use rpmkit_store::{Layer, LayerKind, LayerSpec, Pending, Root, Slot, Store};
use rpmkit_types::{
    LayerId, Package, Trust, Unsigned,
    event::{Events, Phase},
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
            state: PmState::default(),
        }
    }

    /// Asks for metadata and packages this often before it gives up.
    #[must_use]
    pub fn with_attempts(mut self, attempts: Attempts) -> Self {
        self.attempts = attempts;
        self
    }

    /// The repositories it works with.
    pub fn repos(&self) -> &RepoSet {
        &self.repos
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
            self.attempts
                .make(&self.events, || self.fetcher.refresh_all(&self.repos))
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
            best: main.best,
            strict: main.strict,
            skip_unavailable: main.skip_unavailable,
            vendor_change: main.allow_vendor_change,
            exclude_groups: main.excludegroups.clone(),
            exclude_environments: main.excludeenvgroups.clone(),
            obsoletes: main.obsoletes,
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

    /// Whether a root with this layer on top holds packages that nobody verified though the
    /// repository they came from asks for it now.
    pub fn distrusts(&self, layer: &Layer) -> bool {
        let checked = |id: &String| match id.as_str() {
            "" => self.repos.main.localpkg_gpgcheck,
            id => self.repos.find(id).is_some_and(|repo| repo.common.gpgcheck),
        };
        match &layer.meta().unsigned {
            Some(unsigned) => unsigned.iter().any(checked),
            // Made before this was written down.
            None => self.repos.enabled().any(|repo| repo.common.gpgcheck),
        }
    }

    fn download(&self, packages: &[Package]) -> Result<Vec<VerifiedPackage>, PmError> {
        self.events.phase(Phase::Download, "", || {
            Ok(self.attempts.make(&self.events, || {
                self.fetcher.download(packages, &self.repos)
            })?)
        })
    }

    /// The layer with the target's own rpm, made when it is not there.
    pub fn tool_root(&self) -> Result<&Layer, PmError> {
        if let Some(known) = self.state.tool_root.get() {
            return Ok(known);
        }
        let layer = self
            .make_tool_root()
            .map_err(|e| PmError::ToolRoot(Box::new(e)))?;
        Ok(self.state.tool_root.get_or_init(|| layer))
    }

    fn make_tool_root(&self) -> Result<Layer, PmError> {
        let mut request = self.request();
        request.install = TOOL_ROOT_PACKAGES.map(str::to_owned).to_vec();
        request.weak_deps = false;
        let plain = self.resolve(&request, &[])?;
        if !sysusers::known_by(&plain.install) {
            return self.tool_layer(&plain, None);
        }
        let (needs, begun) = self.sysusers(&plain)?;
        if needs.specs.is_empty() {
            return self.tool_layer(&plain, begun);
        }
        request.install.extend(needs.specs);
        // Of several places for one program at most one exists; packages that declare no users can
        // be installed without any.
        request.strict = false;
        let more = self.resolve(&request, &[])?;
        self.tool_layer(&more, begun)
    }

    /// What the rpm of `plain` needs for making users, found out once for each set of packages; and the
    /// tree that had to be unpacked for asking it.
    fn sysusers(&self, plain: &Solution) -> Result<(sysusers::Needs, Option<Begun>), PmError> {
        let id = self.tool_key(plain)?;
        if let Some(known) = sysusers::Needs::read(&self.solver_cache, &id) {
            return Ok((known, None));
        }
        let (needs, begun) = match self.store.build(&id, None)? {
            Slot::Ready(layer) => (self.ask(&layer.fs())?, None),
            Slot::Make(pending) => {
                let unsigned = self.unpack_tools(&pending, &plain.install)?;
                let needs = self.ask(&pending.fs())?;
                let packages = plain.install.clone();
                let begun = Begun {
                    pending,
                    packages,
                    unsigned,
                };
                (needs, Some(begun))
            }
        };
        if let Err(e) = needs.write(&self.solver_cache, &id) {
            let place = self.solver_cache.display();
            self.events
                .warn(format!("cannot keep what rpm answered in `{place}`: {e}"));
        }
        Ok((needs, begun))
    }

    fn ask(&self, tree: &Path) -> Result<sysusers::Needs, PmError> {
        sysusers::Needs::ask(&self.mode, self.emulation.as_ref(), tree)
    }

    fn tool_key(&self, solution: &Solution) -> Result<LayerId, PmError> {
        self.key(&LayerKey {
            format: KEY_FORMAT,
            kind: "tool-root",
            parent: None,
            tool_root: None,
            arch: &self.arch,
            install: self.ingredients(&solution.install)?,
            remove: Vec::new(),
            options: None,
            skeleton: None,
        })
    }

    /// The tool root with these packages, made from `begun` if it has some of them and no others.
    fn tool_layer(&self, solution: &Solution, begun: Option<Begun>) -> Result<Layer, PmError> {
        let id = self.tool_key(solution)?;
        let mut begun = begun.filter(|begun| begun.is_part_of(solution));
        if let Some(done) = begun.take_if(|begun| *begun.pending.id() == id) {
            return self.publish_tools(done.pending, solution, done.unsigned);
        }
        match self.store.build(&id, None)? {
            Slot::Ready(layer) => Ok(layer),
            Slot::Make(mut pending) => {
                let mut unsigned = BTreeSet::new();
                let mut missing = solution.install.clone();
                if let Some(begun) = &mut begun {
                    pending.take_tree(&mut begun.pending);
                    unsigned.append(&mut begun.unsigned);
                    missing.retain(|package| !begun.packages.contains(package));
                }
                unsigned.extend(self.unpack_tools(&pending, &missing)?);
                self.publish_tools(pending, solution, unsigned)
            }
        }
    }

    /// Gives what is unsigned among them.
    fn unpack_tools(
        &self,
        pending: &Pending,
        packages: &[Package],
    ) -> Result<BTreeSet<String>, PmError> {
        let files = self.download(packages)?;
        self.events.phase(Phase::ToolRoot, "", || {
            let tree = pending.fs();
            self.skeleton(&tree, None)?;
            for dir in ["tmp", "mnt", "var/tmp"] {
                let path = tree.join(dir);
                std::fs::create_dir_all(&path).map_err(|e| PmError::Skeleton {
                    reason: format!("cannot create `{}`: {e}", path.display()),
                })?;
            }
            let threads = std::thread::available_parallelism().map_or(1, usize::from);
            let paths: Vec<PathBuf> = files.iter().map(|f| f.path().to_owned()).collect();
            unpack_set(&paths, &tree, threads)?;
            Ok(unsigned(packages, &files))
        })
    }

    fn publish_tools(
        &self,
        pending: Pending,
        solution: &Solution,
        unsigned: BTreeSet<String>,
    ) -> Result<Layer, PmError> {
        Ok(pending.publish(&LayerSpec {
            kind: LayerKind::ToolRoot,
            unsigned: Some(unsigned),
            packages: solution.install.clone(),
            note: TOOL_ROOT_PACKAGES.join(" "),
        })?)
    }

    /// The minimal buildroot: `request` installed into an empty tree and completed by `skeleton`.
    pub fn base(&self, request: &SolveRequest, skeleton: &Skeleton) -> Result<Layer, PmError> {
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
        })?;
        let pending = match self.store.build(&id, None)? {
            Slot::Ready(layer) => return Ok(layer),
            Slot::Make(pending) => pending,
        };
        let files = self.download(&solution.install)?;
        self.events.phase(Phase::Init, "", || {
            self.skeleton(&pending.fs(), None)?;
            // Nothing lies below: the tree itself is the target, no overlay needed.
            let tree = Root::Dir(pending.fs());
            self.transact(&tree, &files, &solution, Phase::Init)?;
            self.skeleton(&pending.fs(), Some(skeleton))?;
            Ok(pending.publish(&LayerSpec {
                kind: LayerKind::Base,
                note: request.install.join(" "),
                unsigned: Some(unsigned(&solution.install, &files)),
                packages: solution.install,
            })?)
        })
    }

    /// `parent` with `solution` applied, as a layer. `installed` is what `parent` holds.
    pub fn extend(
        &self,
        parent: &Layer,
        installed: &[Package],
        solution: &Solution,
        note: &str,
    ) -> Result<Layer, PmError> {
        if solution.is_empty() {
            return Ok(parent.clone());
        }
        let id = self.extension(parent, solution)?;
        let pending = match self.store.build(&id, Some(parent))? {
            Slot::Ready(layer) => return Ok(layer),
            Slot::Make(pending) => pending,
        };
        let files = self.download(&solution.install)?;
        self.events.phase(Phase::BuildDeps, note, || {
            self.transact(pending.root(), &files, solution, Phase::BuildDeps)?;
            let mut unsigned = unsigned(&solution.install, &files);
            unsigned.extend(parent.meta().unsigned.iter().flatten().cloned());
            Ok(pending.publish(&LayerSpec {
                kind: LayerKind::BuildDeps,
                unsigned: Some(unsigned),
                packages: after(installed, solution),
                note: note.to_owned(),
            })?)
        })
    }

    /// Id of the layer that is `parent` with `solution` applied.
    fn extension(&self, parent: &Layer, solution: &Solution) -> Result<LayerId, PmError> {
        self.key(&LayerKey {
            format: KEY_FORMAT,
            kind: "extend",
            parent: Some(parent.id()),
            tool_root: Some(self.tool_root()?.id()),
            arch: &self.arch,
            install: self.ingredients(&solution.install)?,
            remove: solution
                .remove
                .iter()
                .map(|p| p.nevra.to_string())
                .collect(),
            options: Some(&self.options),
            skeleton: None,
        })
    }

    /// Applies `solution` to a root somebody has already written to, in place.
    pub fn apply(&self, root: &Root, solution: &Solution) -> Result<(), PmError> {
        if solution.is_empty() {
            return Ok(());
        }
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
        let transaction = RpmTransaction {
            mode: &self.mode,
            emulation: self.emulation.as_ref(),
            tool_root: &self.tool_root()?.fs(),
            root,
            install: files,
            erase: &erase,
            options: &self.options,
            phase,
            events: &self.events,
        };
        run(&transaction).map_err(|error| space::explain(error, root))
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

/// Repositories of packages that were taken without a look at their signature. Results of the same
/// chain are no matter of `gpgcheck`.
fn unsigned(packages: &[Package], files: &[VerifiedPackage]) -> BTreeSet<String> {
    let unchecked = |trust: &Trust| {
        matches!(
            trust,
            Trust::Unsigned(Unsigned::GpgcheckOff(_) | Unsigned::LocalFile)
        )
    };
    std::iter::zip(packages, files)
        .filter(|(_, file)| unchecked(file.trust()))
        .map(|(package, _)| package.repo.clone())
        .collect()
}

/// The packages of a root after `solution`.
pub fn after(installed: &[Package], solution: &Solution) -> Vec<Package> {
    let gone: std::collections::HashSet<String> = solution
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
