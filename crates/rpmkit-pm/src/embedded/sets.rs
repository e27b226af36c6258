//! Layers of package sets above a base, each from the nearest one that exists.

use super::*;

impl Embedded {
    /// `parent` with `solution` applied, as a layer. `installed` is what `parent` holds.
    ///
    /// A set that only adds to a base is named by the base and what is in it, however it came together, and is made
    /// from the nearest set there is. What a chain itself has built goes on top of a layer without it, which other
    /// builds of the chain, and its next run, share.
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
        let below = self.store.ancestry(parent)?;
        let base = below
            .iter()
            .find(|layer| layer.meta().kind != LayerKind::BuildDeps);
        let (Some(base), true) = (base, only_adds(solution)) else {
            return self.change(parent, installed, solution, note);
        };
        let of_base = match base.id() == parent.id() {
            true => installed.to_vec(),
            false => base.packages()?,
        };
        let there: HashSet<String> = of_base.iter().map(|p| p.nevra.to_string()).collect();
        let all = after(installed, solution);
        let known: HashSet<String> = all.iter().map(|p| p.nevra.to_string()).collect();
        if !there.is_subset(&known) {
            // On the way here something of the base was replaced.
            return self.change(parent, installed, solution, note);
        }
        let added: Vec<Package> = all
            .into_iter()
            .filter(|p| !there.contains(&p.nevra.to_string()))
            .collect();
        let set = PackageSet {
            base,
            of_base: &of_base,
            note,
            dependencies: reasons::dependencies(&parent.meta().dependencies, solution),
            solution,
            from: parent,
        };
        self.say(&self.dialect.proposal(solution));
        if let Some(layer) = self.store.find(&self.set_id(&set, &added)?)? {
            self.say(&self.dialect.outcome(solution));
            return Ok(layer);
        }
        if let Some(shared) = self.without_own(&set, &added)? {
            self.set(&set, &shared)?;
        }
        self.set(&set, &added)
    }

    /// The packages of a set that are from repositories, where some are not and the others do without those.
    pub(super) fn without_own(
        &self,
        set: &PackageSet<'_>,
        added: &[Package],
    ) -> Result<Option<Vec<Package>>, PmError> {
        let own = |package: &Package| {
            let repo = self.repos.find(&package.repo);
            repo.and_then(Repository::unsigned) == Some(Unsigned::OwnResult)
        };
        let rest: Vec<Package> = added.iter().filter(|p| !own(p)).cloned().collect();
        if rest.is_empty() || rest.len() == added.len() {
            return Ok(None);
        }
        let mut request = self.request();
        request.install = rest.iter().map(|p| p.nevra.to_string()).collect();
        request.weak_deps = false;
        let Ok(alone) = self.resolve(&request, set.of_base) else {
            return Ok(None);
        };
        let names = |packages: &[Package]| -> BTreeSet<String> {
            packages.iter().map(|p| p.nevra.to_string()).collect()
        };
        let same = only_adds(&alone) && names(&alone.install) == names(&rest);
        Ok(same.then_some(rest))
    }

    /// The layer of a base with these packages, made from the nearest one where it is not there.
    pub(super) fn set(&self, set: &PackageSet<'_>, added: &[Package]) -> Result<Layer, PmError> {
        let id = self.set_id(set, added)?;
        let sets = KnownSets::on(&self.solver_cache, set.base.id());
        let texts = self.set_texts(added)?;
        let wanted: BTreeSet<String> = texts.iter().cloned().collect();
        let mut start = set.base.clone();
        let mut missing = added.to_vec();
        for (near, has) in sets.parts_of(&wanted) {
            let Some(layer) = self.store.find(&near)? else {
                sets.forget(&near);
                continue;
            };
            start = layer;
            missing = std::iter::zip(added, &texts)
                .filter(|(_, text)| !has.contains(*text))
                .map(|(package, _)| package.clone())
                .collect();
            break;
        }
        let mut files = self.download(&missing)?;
        let mut makes_ids = allocate_ids(&files)?;
        if makes_ids && missing.len() < added.len() {
            // Which id a user gets depends on who came before: one transaction decides it.
            start = set.base.clone();
            missing = added.to_vec();
            files = self.download(&missing)?;
            makes_ids = true;
        }
        let pending = match self.store.build(&id, Some(&start))? {
            Slot::Ready(layer) => return Ok(layer),
            Slot::Make(pending) => pending,
        };
        // As it was solved, with its order, unless something nearer holds a part of it.
        let whole = start.id() == set.from.id() && missing.len() == set.solution.install.len();
        let solution = if whole {
            files = self.download(&set.solution.install)?;
            set.solution.clone()
        } else {
            Solution {
                install: missing,
                ..Solution::default()
            }
        };
        let layer = self.events.phase(Phase::BuildDeps, set.note, || {
            self.transact(pending.root(), &files, &solution, Phase::BuildDeps)?;
            let unsigned = unsigned_above(&start, &solution, &files);
            let mut packages = [set.of_base, added].concat();
            packages.sort_by(|a, b| a.nevra.cmp(&b.nevra));
            Ok::<_, PmError>(pending.publish(&LayerSpec {
                kind: LayerKind::BuildDeps,
                dependencies: set.unasked(added),
                unsigned,
                packages,
                note: set.note.to_owned(),
            })?)
        })?;
        if !makes_ids && let Err(error) = sets.note(layer.id(), &wanted) {
            let place = self.solver_cache.display();
            self.events.warn(format!(
                "cannot keep what is in a layer in `{place}`: {error}"
            ));
        }
        Ok(layer)
    }

    /// Each package of a set with all that its name in a key has.
    pub(super) fn set_texts(&self, added: &[Package]) -> Result<Vec<String>, PmError> {
        let text = |one: &Ingredient| {
            serde_json::to_string(one).map_err(|e| PmError::Skeleton {
                reason: e.to_string(),
            })
        };
        self.ingredients(added)?.iter().map(text).collect()
    }

    pub(super) fn set_id(
        &self,
        set: &PackageSet<'_>,
        added: &[Package],
    ) -> Result<LayerId, PmError> {
        self.key(&LayerKey {
            format: KEY_FORMAT,
            kind: "set",
            parent: Some(set.base.id()),
            tool_root: Some(self.tool_root()?.id()),
            arch: &self.arch,
            install: self.ingredients(added)?,
            remove: Vec::new(),
            options: Some(&self.options),
            skeleton: None,
            unasked: set.unasked(added),
        })
    }

    /// A layer on `parent` that also replaces or removes.
    pub(super) fn change(
        &self,
        parent: &Layer,
        installed: &[Package],
        solution: &Solution,
        note: &str,
    ) -> Result<Layer, PmError> {
        let id = self.extension(parent, solution)?;
        self.say(&self.dialect.proposal(solution));
        let pending = match self.store.build(&id, Some(parent))? {
            Slot::Ready(layer) => {
                self.say(&self.dialect.outcome(solution));
                return Ok(layer);
            }
            Slot::Make(pending) => pending,
        };
        let files = self.download(&solution.install)?;
        self.events.phase(Phase::BuildDeps, note, || {
            self.transact(pending.root(), &files, solution, Phase::BuildDeps)?;
            let unsigned = unsigned_above(parent, solution, &files);
            Ok(pending.publish(&LayerSpec {
                kind: LayerKind::BuildDeps,
                dependencies: reasons::dependencies(&parent.meta().dependencies, solution),
                unsigned,
                packages: after(installed, solution),
                note: note.to_owned(),
            })?)
        })
    }

    /// Id of the layer that is `parent` with `solution` applied.
    pub(super) fn extension(
        &self,
        parent: &Layer,
        solution: &Solution,
    ) -> Result<LayerId, PmError> {
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
            unasked: BTreeSet::new(),
        })
    }
}
