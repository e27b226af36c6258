//! From inputs to source packages whose specs have been read, for each target.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rpmkit_cli::{
    Context, Failure,
    args::{BuildOptions, ChrootArgs, SourceArgs},
    setup,
    sources::{self, Checkout},
};
use rpmkit_core::{
    Error, Events,
    build::{
        About, Buildroot, ChrootAccess, SpecDeps, SpecQuestion, failure_report, scratch,
        source_digests,
    },
    config::{SearchRules, Settings},
    event::Phase,
    project::BootstrapRule,
    types::Checksum,
};
use rpmkit_graph::{ChainPackage, PackageDeps};

use super::{
    home::{ChainHome, ChainRecord},
    inputs::ChainInput,
    task,
};

/// A chroot to build for.
pub struct ChainTarget {
    /// As it was asked for.
    pub root: String,
    /// What it is.
    pub settings: Settings,
}

impl ChainTarget {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.settings.chroot.chroot_name
    }
}

/// A source package for one target.
#[derive(Debug, Clone)]
pub struct PlannedPackage {
    /// Number of the target.
    pub target: usize,
    /// The source package, in the run's directory.
    pub srpm: PathBuf,
    /// What its spec says.
    pub spec: SpecDeps,
    /// How it is built first, and what its spec says then.
    pub bootstrap: Option<(BootstrapRule, SpecDeps)>,
    /// What is known of its last build.
    pub known: Option<ChainRecord>,
}

impl PlannedPackage {
    /// `name-version-release`.
    pub fn nvr(&self) -> String {
        let nevra = &self.spec.package;
        format!("{}-{}-{}", nevra.name, nevra.evr.version, nevra.evr.release)
    }

    /// What it generated when it had these sources.
    pub fn generated(&self) -> Vec<rpmkit_core::types::Dep> {
        self.same()
            .map(|known| known.generated.clone())
            .unwrap_or_default()
    }

    /// What is known of these very sources.
    fn same(&self) -> Option<&ChainRecord> {
        let known = self.known.as_ref()?;
        (known.parts.sources == self.spec.sources).then_some(known)
    }

    /// For the graph: the spec's word, and what was really built of these sources.
    pub fn of_chain(&self) -> ChainPackage {
        let mut deps = of_spec(&self.spec);
        if let Some(known) = self.same() {
            deps.build_requires.extend(known.generated.iter().cloned());
            deps.provides.extend(known.deps.provides.iter().cloned());
            deps.requires.extend(known.deps.requires.iter().cloned());
        }
        ChainPackage {
            name: self.spec.package.name.clone(),
            target: self.target,
            deps,
            bootstrap: self.bootstrap.as_ref().map(|(_, spec)| of_spec(spec)),
        }
    }
}

fn of_spec(spec: &SpecDeps) -> PackageDeps {
    PackageDeps {
        build_requires: spec.build_requires.clone(),
        provides: spec.provides.clone(),
        requires: spec.requires.clone(),
    }
}

/// The target `root` names.
///
/// # Errors
/// When its configuration is not to be read.
pub fn target(
    cx: &Context,
    root: &str,
    chroot: &ChrootArgs,
    options: &BuildOptions,
) -> Result<ChainTarget, Failure> {
    let configured = setup::configure(
        cx,
        root,
        SearchRules::Rpmkit,
        chroot.configdir.as_deref(),
        &chroot.addrepo,
        setup::overrides(chroot, options),
    )?;
    Ok(ChainTarget {
        root: root.to_owned(),
        settings: configured.settings,
    })
}

/// Makes source packages and reads specs.
pub struct Planner<'a> {
    /// The run.
    pub cx: &'a Context,
    /// Where to talk.
    pub events: &'a Events,
    /// What is known of packages.
    pub home: &'a ChainHome,
    /// Where source packages go.
    pub dir: &'a Path,
    /// What the sources are.
    pub sources: &'a SourceArgs,
    /// Where circles may be broken.
    pub rules: &'a [BootstrapRule],
}

impl Planner<'_> {
    /// All inputs for one target.
    ///
    /// # Errors
    /// A source package that cannot be made, a spec that cannot be read.
    pub fn packages(
        &self,
        number: usize,
        target: &ChainTarget,
        inputs: &[ChainInput],
    ) -> Result<Vec<PlannedPackage>, Failure> {
        let engine = setup::engine(self.cx, self.events.clone(), &target.settings)?;
        let mut root = Buildroot::open(&engine, &target.settings, ChrootAccess::Ephemeral)
            .map_err(Error::from)?;
        root.init().map_err(Error::from)?;
        let installed: Vec<String> = root
            .packages()
            .map_err(Error::from)?
            .iter()
            .map(|p| format!("{} {:?}", p.nevra, p.checksum))
            .collect();
        let context = Checksum::sha256(
            format!(
                "1 {} {} {:?} {:?}",
                env!("CARGO_PKG_VERSION"),
                target.name(),
                target.settings.build.macros,
                installed
            )
            .as_bytes(),
        )
        .hex;
        let mut out = Vec::new();
        for (at, input) in inputs.iter().enumerate() {
            let place = self.dir.join(format!("{number}.{at}"));
            fs::create_dir_all(&place).map_err(|e| {
                Failure::general(format!("cannot create `{}`: {e}", place.display()))
            })?;
            let srpm = self.package(&mut root, target, input, &place)?;
            let spec = self.spec(&mut root, target, &srpm, None, &context)?;
            let rule = self.rules.iter().find(|r| r.package == spec.package.name);
            let bootstrap = match rule {
                Some(rule) => {
                    let first = self.spec(&mut root, target, &srpm, Some(rule), &context)?;
                    Some((rule.clone(), first))
                }
                None => None,
            };
            out.push(PlannedPackage {
                target: number,
                known: self.home.known(target.name(), &spec.package.name),
                srpm,
                spec,
                bootstrap,
            });
        }
        root.discard().map_err(Error::from)?;
        Ok(out)
    }

    fn package(
        &self,
        root: &mut Buildroot,
        target: &ChainTarget,
        input: &ChainInput,
        place: &Path,
    ) -> Result<PathBuf, Failure> {
        match input {
            ChainInput::Package(path) => {
                let to = place.join(path.file_name().unwrap_or_default());
                fs::copy(path, &to).map_err(|e| {
                    Failure::general(format!("cannot read `{}`: {e}", path.display()))
                })?;
                Ok(to)
            }
            ChainInput::Spec(path) => {
                let scratch = scratch(&self.cx.host.dirs.temp).map_err(Error::from)?;
                let checkout = Checkout {
                    path,
                    source: self.sources,
                    settings: &target.settings,
                };
                let prepared = sources::prepare(self.cx, root, &checkout, scratch.path())?;
                prepared
                    .package(root, place, target.settings.build.clean)
                    .map_err(|error| self.failed(&error, target, &path.display().to_string()))
            }
        }
    }

    fn failed(
        &self,
        error: &rpmkit_core::build::BuildError,
        target: &ChainTarget,
        package: &str,
    ) -> Failure {
        let about = About {
            chroot: target.name().to_owned(),
            package: package.to_owned(),
            ..About::default()
        };
        Failure::of_report(failure_report(error, &about))
    }

    /// What a spec says; asked once for each source package, root and way to build.
    fn spec(
        &self,
        root: &mut Buildroot,
        target: &ChainTarget,
        srpm: &Path,
        rule: Option<&BootstrapRule>,
        context: &str,
    ) -> Result<SpecDeps, Failure> {
        let name = srpm.file_name().unwrap_or_default().to_string_lossy();
        let sources = source_digests(root.engine(), srpm)
            .map_err(|error| self.failed(&error, target, &name))?;
        let digest = Checksum::sha256(format!("{context} {sources:?} {rule:?}").as_bytes()).hex;
        let path = self.home.spec_path(&digest);
        if let Ok(known) = task::read(&path) {
            return Ok(known);
        }
        let rule = rule.cloned().unwrap_or_default();
        let question = SpecQuestion {
            srpm: srpm.to_owned(),
            with: rule.with,
            without: rule.without,
            define: rule.define,
        };
        let found = self
            .events
            .phase(Phase::Srpm, &name, || root.query_spec(&question))
            .map_err(|error| self.failed(&error, target, &name))?;
        if let Err(error) = task::write(&path, &found) {
            self.events
                .warn(format!("what the spec says is not kept: {error}"));
        }
        Ok(found)
    }
}
