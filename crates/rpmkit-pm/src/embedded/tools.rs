//! The tool root: the target's own rpm with what it needs, unpacked natively.

use super::*;

impl Embedded {
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

    pub(super) fn make_tool_root(&self) -> Result<Layer, PmError> {
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
    pub(super) fn sysusers(
        &self,
        plain: &Solution,
    ) -> Result<(sysusers::Needs, Option<Begun>), PmError> {
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

    pub(super) fn ask(&self, tree: &Path) -> Result<sysusers::Needs, PmError> {
        sysusers::Needs::ask(&self.mode, self.emulation.as_ref(), tree)
    }

    pub(super) fn tool_key(&self, solution: &Solution) -> Result<LayerId, PmError> {
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
            unasked: BTreeSet::new(),
        })
    }

    /// The tool root with these packages, made from `begun` if it has some of them and no others.
    pub(super) fn tool_layer(
        &self,
        solution: &Solution,
        begun: Option<Begun>,
    ) -> Result<Layer, PmError> {
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
    pub(super) fn unpack_tools(
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

    pub(super) fn publish_tools(
        &self,
        pending: Pending,
        solution: &Solution,
        unsigned: BTreeSet<String>,
    ) -> Result<Layer, PmError> {
        Ok(pending.publish(&LayerSpec {
            kind: LayerKind::ToolRoot,
            unsigned: Some(unsigned),
            dependencies: BTreeSet::new(),
            packages: solution.install.clone(),
            note: TOOL_ROOT_PACKAGES.join(" "),
        })?)
    }
}
