//! From a source package to binary packages: the steps, in mock's order. One file, so that the order can be read
//! from top to bottom.

#![allow(
    clippy::disallowed_methods,
    reason = "directories of the run, and a result directory the user named; packages go there by descriptor"
)]

use std::{
    collections::HashMap,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use rpmkit_fs::WriteOptions;
use rpmkit_graph::{operands, satisfies};
use rpmkit_sandbox::Exit;

use super::{
    BuildError, BuildStage, Buildroot, CopyItem, Follow, ResumeFrom, plugins,
    rpmbuild::{BuiltSrpm, MISSING_BUILD_REQUIRES, check},
    tree::{DirContents, WRITE},
};
use rpmkit_repo as repo;
use rpmkit_results::{hardware_report, owner::make_results};
use rpmkit_rpmfile::{UnpackedSrpm, unpack_source};
use rpmkit_solve::SolveRequest;
use rpmkit_types::{
    ChrootPath, Dep, Nevra, Package,
    event::{Event, Events, Level, Log, Phase},
    is_source_package,
};

/// What names of rpmbuild's lists of generated requirements end in.
const REQUIREMENTS: &str = ".buildreqs.nosrc.rpm";

/// What to build.
#[derive(Debug, Clone)]
pub struct Rebuild {
    /// The source package.
    pub srpm: PathBuf,
    /// A spec that takes the place of the one inside.
    pub spec: Option<PathBuf>,
    /// A directory or file with sources that the source package lists and does not hold
    /// (`NoSource:`).
    pub sources: Option<PathBuf>,
    /// Where packages and logs go.
    pub resultdir: PathBuf,
    /// Start from the current snapshot; otherwise from what the last run left.
    pub clean: bool,
    /// Go on in the tree the last build left, from this section on.
    pub from: Option<ResumeFrom>,
    /// Stop when all requirements are installed: what they are is the result, nothing is built.
    pub calculate: bool,
    /// What other builds of a chain provide that this one does not see. A generated requirement that one of
    /// them answers ends the build: it has to wait for that one.
    pub withheld: Vec<Dep>,
}

/// What a build made.
#[derive(Debug, Clone)]
pub struct Built {
    /// Identity of the source package.
    pub package: Nevra,
    /// Files in the result directory: packages first, source package last.
    pub artifacts: Vec<PathBuf>,
    /// Packages the build ran among.
    pub buildroot: Vec<Package>,
    /// The last answer of `%generate_buildrequires`, where the package has one.
    pub generated: Vec<Dep>,
}

/// Builds one source package. `settings` decides how; the buildroot is prepared here.
pub fn rebuild(root: &mut Buildroot, job: &Rebuild) -> Result<Built, BuildError> {
    let staging = root.engine().scratch()?;
    // Before any work: a file that is no source package must not cost a chroot.
    let source = unpack(&job.srpm, job.spec.as_deref(), staging.path())?;
    make_results(&job.resultdir, None, None).map_err(|source| BuildError::ResultDir {
        path: job.resultdir.clone(),
        source,
    })?;
    write_hardware(root, &job.resultdir)?;
    let outcome = steps(root, job, &source, staging.path());
    plugins::postbuild(root, job, outcome.as_ref().ok())?;
    outcome
}

/// Everything between the first and the last look at the chroot.
fn steps(
    root: &mut Buildroot,
    job: &Rebuild,
    source: &UnpackedSrpm,
    staging: &Path,
) -> Result<Built, BuildError> {
    let shown = file_name(&job.srpm);
    let events = root.engine().events().clone();
    if job.clean {
        events.in_state("clean chroot", || root.clean())?;
    }
    root.init_for_build()?;
    plugins::earlyprebuild(root, job)?;
    state(root, &format!("build phase for {shown}"), |root| {
        let (spec, made) = state(root, &format!("build setup for {shown}"), |root| {
            fill(root, job, source)?;
            let name = source.spec.file_name().unwrap_or_default();
            let spec = root.in_tree(Path::new("SPECS").join(name));
            let made = make_until_complete(root, &spec, staging)?;
            Ok((spec, made))
        })?;
        let dynamic = asks_more(
            made.is_dynamic(),
            root.settings().build.short_circuit.is_some(),
        );
        if dynamic && !root.settings().build.dynamic_buildrequires {
            return Err(BuildError::DynamicOff);
        }
        plugins::prebuild(root, job)?;
        let mut generated = Vec::new();
        state(root, &format!("rpmbuild {shown}"), |root| {
            if dynamic && job.from.is_none() {
                generated = generate(root, &spec, staging, job)?;
            }
            plugins::postdeps(root, job, &spec)?;
            // What earlier runs dropped is removed while rpmbuild works.
            root.engine().store().sweep_in_background();
            if job.calculate {
                return Ok(());
            }
            let phase = Phase::Rpmbuild;
            let events = root.engine().events().clone();
            events.phase(phase, &shown, || {
                let stages = match job.from {
                    Some(from) => from.stages(),
                    None => vec![BuildStage::Final { dynamic }],
                };
                for stage in stages {
                    let ran = root.rpmbuild(stage, &spec, phase)?;
                    check(ran, "rpmbuild", phase)?;
                }
                Ok(())
            })
        })?;
        collect(root, job, &made, generated)
    })
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// `Start: X` … `Finish: X` around `work`, balanced whatever happens.
fn state<T>(
    root: &mut Buildroot,
    what: &str,
    work: impl FnOnce(&mut Buildroot) -> Result<T, BuildError>,
) -> Result<T, BuildError> {
    let events = root.engine().events().clone();
    events.in_state(what, || work(root))
}

/// Whether `%generate_buildrequires` is to be run. A stage by itself works on the tree an earlier run left, which
/// the `%prep` that comes before would throw away.
fn asks_more(dynamic: bool, short_circuit: bool) -> bool {
    dynamic && !short_circuit
}

/// Takes the source package apart next to nothing else, with the user's spec in place of its own.
fn unpack(srpm: &Path, spec: Option<&Path>, staging: &Path) -> Result<UnpackedSrpm, BuildError> {
    let make = |name: &str| {
        let dir = staging.join(name);
        fs::create_dir(&dir)
            .map(|()| dir.clone())
            .map_err(|source| BuildError::Io {
                action: "create",
                path: dir,
                source,
            })
    };
    let mut tree = unpack_source(srpm, &make("specs")?, &make("sources")?)?;
    if let Some(spec) = spec {
        let target = tree.spec.with_file_name(file_name(spec));
        let _ = fs::remove_file(&tree.spec);
        copy_spec(spec, &target).map_err(|source| BuildError::Io {
            action: "read",
            path: spec.to_owned(),
            source,
        })?;
        tree.spec = target;
    }
    Ok(tree)
}

/// As mock: a private spec does not make a source package whose spec nobody else can read.
fn copy_spec(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::copy(from, to)?;
    fs::set_permissions(to, fs::Permissions::from_mode(0o644))
}

fn fill(root: &mut Buildroot, job: &Rebuild, source: &UnpackedSrpm) -> Result<(), BuildError> {
    let place = |path: &Path, dir: &str| CopyItem {
        from: path.to_owned(),
        to: Path::new(dir).join(path.file_name().unwrap_or_default()),
    };
    let mut items = vec![place(&source.spec, "SPECS"), place(&job.srpm, "originals")];
    items.extend(source.sources.iter().map(|path| place(path, "SOURCES")));
    let beside = left_out(source, job.sources.as_deref());
    items.extend(beside.iter().map(|path| place(path, "SOURCES")));
    root.fill_home(DirContents {
        items,
        // A stage by itself goes on with what is there: mock's `prebuild`.
        fresh: root.settings().build.short_circuit.is_none(),
        replace_sources: job.clean,
        follow: Follow::Nothing,
    })
}

/// Those sources a source package does not hold that `sources`, a directory or a file, has.
fn left_out(source: &UnpackedSrpm, sources: Option<&Path>) -> Vec<PathBuf> {
    let Some(sources) = sources else {
        return Vec::new();
    };
    let names = source.left_out.iter();
    if sources.is_dir() {
        let files = names.map(|name| sources.join(name));
        return files.filter(|path| path.is_file()).collect();
    }
    names
        .filter(|name| sources.file_name() == Some(name.as_os_str()))
        .map(|_| sources.to_owned())
        .collect()
}

/// Remakes the source package and installs what it requires until nothing more is missing: what
/// is installed may change what the spec requires.
fn make_until_complete(
    root: &mut Buildroot,
    spec: &ChrootPath,
    staging: &Path,
) -> Result<BuiltSrpm, BuildError> {
    let rounds = root.settings().build.static_buildrequires_max_loops.max(1);
    let events = root.engine().events().clone();
    for _ in 0..rounds {
        let made = events.phase(Phase::Srpm, "", || root.make_source(spec, staging))?;
        if root.settings().build.short_circuit.is_some() {
            return Ok(made);
        }
        let mut request = build_requirements(root, &made.package.nevra, made.requirements())?;
        leave_out_installed(&mut request, root.packages()?);
        refuse_external(root, &request.builddeps)?;
        root.leave_out_present(&mut request)?;
        let note = made.package.nevra.name.clone();
        let solution = root.change(&request, &note)?;
        if solution.is_empty() {
            return Ok(made);
        }
    }
    Err(BuildError::NoFixedPoint { rounds })
}

/// A package file that an earlier round has installed is not installed again: rounds would never end.
fn leave_out_installed(request: &mut SolveRequest, present: &[Package]) {
    let there = |package: &Package| present.iter().any(|one| one.nevra == package.nevra);
    request.local.retain(|package| !there(package));
}

/// What to install for a build of `nevra`: its own requirements and the configuration's additions to them.
///
/// # Errors
/// When an additional package is a file that is none.
pub fn build_requirements(
    root: &Buildroot,
    nevra: &Nevra,
    own: Vec<Dep>,
) -> Result<SolveRequest, BuildError> {
    let mut request = root.package_manager().request();
    request.builddeps = own;
    let settings = root.settings();
    for word in &settings.build.additional_packages {
        // Only the command line names files, and by their whole paths.
        let path = Path::new(word);
        if path.is_absolute() && word.ends_with(".rpm") && path.is_file() {
            request.local.push(repo::local::read_package(path)?);
        } else {
            request.install.push(word.clone());
        }
    }
    if settings.plugins.enabled("ccache") {
        request.install.push(plugins::ccache::PACKAGE.to_owned());
    }
    if settings.plugins.enabled("procenv") {
        request.install.push("procenv".to_owned());
    }
    let (name, evr) = (&nevra.name, &nevra.evr);
    let forms = [
        format!("{name}-{}-{}", evr.version, evr.release),
        format!("{name}-{}", evr.version),
        name.clone(),
    ];
    let more = forms.iter().find_map(|form| {
        settings
            .build
            .more_buildreqs
            .iter()
            .find(|(key, _)| key == form)
    });
    if let Some((_, extra)) = more {
        request.install.extend(extra.iter().cloned());
    }
    Ok(request)
}

/// `external:` names are none of the package manager's: there is no tool here that installs them.
fn refuse_external(root: &Buildroot, deps: &[Dep]) -> Result<(), BuildError> {
    root.refuse_external(external(deps))
}

fn external(deps: &[Dep]) -> Vec<String> {
    let names = deps.iter().map(|dep| &dep.name);
    names
        .filter(|name| name.starts_with("external:"))
        .cloned()
        .collect()
}

/// Runs `%generate_buildrequires` until it asks for nothing that is not there.
/// Gives what it asked for last. With `calculate`, the last list stays among the results.
fn generate(
    root: &mut Buildroot,
    spec: &ChrootPath,
    staging: &Path,
    job: &Rebuild,
) -> Result<Vec<Dep>, BuildError> {
    let rounds = root.settings().build.dynamic_buildrequires_max_loops.max(1);
    let events = root.engine().events().clone();
    let phase = Phase::DynamicBuildRequires;
    for round in 0..rounds {
        let stage = BuildStage::BuildRequires { prep: round == 0 };
        events.phase(phase, "", || {
            let ran = root.rpmbuild(stage, spec, phase)?;
            match ran.exit {
                // Either status may come with a list of requirements.
                Exit::Code(0 | MISSING_BUILD_REQUIRES) => {
                    if round == 0 {
                        for line in dropped(&ran.tail) {
                            events.warn(format!(
                                "a requirement of `%generate_buildrequires` is left out: {line}"
                            ));
                        }
                    }
                    Ok(())
                }
                _ => check(ran, "rpmbuild -br", phase).map(drop),
            }
        })?;
        let say = |text: &str| events.message(Level::Info, Some(Log::Build), text);
        say("Dynamic buildrequires detected");
        say("Going to install missing buildrequires. See root.log for details.");
        let lists = root.take(&["SRPMS"], REQUIREMENTS, staging)?;
        let mut wanted: Vec<Dep> = Vec::new();
        for list in &lists {
            let package = repo::local::read_header(list)?;
            wanted.extend(package.requires.into_iter().map(|r| r.dep));
        }
        wanted.retain(|dep| !dep.is_rpmlib());
        let mut request = root.package_manager().request();
        refuse_external(root, &wanted)?;
        let elsewhere = answered(&wanted, &job.withheld);
        if !elsewhere.is_empty() {
            return Err(BuildError::Withheld(elsewhere));
        }
        request.builddeps.clone_from(&wanted);
        root.leave_out_present(&mut request)?;
        let solution = root.change(&request, "dynamic build requirements")?;
        if !(job.calculate && solution.is_empty()) {
            root.remove(&["SRPMS"], REQUIREMENTS)?;
        }
        if solution.is_empty() {
            return Ok(wanted);
        }
    }
    Err(BuildError::NoFixedPoint { rounds })
}

/// What rpm says of generated requirements that it cannot read, and goes on without.
fn dropped(lines: &[String]) -> Vec<&str> {
    let said = lines.iter().filter_map(|line| line.strip_prefix("error: "));
    said.filter(|said| {
        [
            "Dependency tokens must begin",
            "Version required",
            "Invalid dependency",
            "Unterminated rich",
            "Illegal",
        ]
        .iter()
        .any(|start| said.starts_with(start))
    })
    .collect()
}

/// Those of `wanted` that one of `withheld` answers.
fn answered(wanted: &[Dep], withheld: &[Dep]) -> Vec<Dep> {
    let by_name: HashMap<&str, Vec<&Dep>> =
        withheld.iter().fold(HashMap::new(), |mut all, provide| {
            all.entry(provide.name.as_str()).or_default().push(provide);
            all
        });
    let is_answered = |dep: &&Dep| {
        let plain = if dep.is_rich() {
            operands(&dep.name)
        } else {
            vec![(*dep).clone()]
        };
        plain.iter().any(|one| {
            let candidates = by_name.get(one.name.as_str()).into_iter().flatten();
            candidates.copied().any(|provide| satisfies(one, provide))
        })
    };
    wanted.iter().filter(is_answered).cloned().collect()
}

/// Moves packages to the result directory.
fn collect(
    root: &mut Buildroot,
    job: &Rebuild,
    made: &BuiltSrpm,
    generated: Vec<Dep>,
) -> Result<Built, BuildError> {
    let events = root.engine().events().clone();
    events.phase(Phase::Results, "", || {
        root.stop()?;
        let arch = root.settings().build.rpmbuild_arch.clone();
        let nested = format!("RPMS/{arch}");
        let taken = root.take(
            &["RPMS", &nested, "RPMS/noarch", "SRPMS"],
            ".rpm",
            &job.resultdir,
        );
        let mut artifacts = taken.map_err(|error| match error {
            BuildError::Io {
                action: WRITE,
                path,
                source,
            } => BuildError::ResultDir { path, source },
            other => other,
        })?;
        if artifacts.is_empty() && root.settings().build.short_circuit.is_none() {
            return Err(BuildError::NoResults);
        }
        if let Some(nth) = superseded(&artifacts, &made.path) {
            supersede(&events, &artifacts.remove(nth))?;
        }
        artifacts.sort_by_key(|path| (is_source_package(path), path.clone()));
        for path in &artifacts {
            events.emit(Event::Artifact { path: path.clone() });
        }
        Ok(Built {
            package: made.package.nevra.clone(),
            artifacts,
            buildroot: root.packages()?.to_vec(),
            generated,
        })
    })
}

/// Which of two source packages of one build is the earlier one. A release that holds a clock gives
/// each call of rpmbuild another name to write to.
fn superseded(artifacts: &[PathBuf], first: &Path) -> Option<usize> {
    let is_source = |path: &&PathBuf| {
        is_source_package(path) && !path.to_string_lossy().ends_with(REQUIREMENTS)
    };
    let several = artifacts.iter().filter(is_source).count() > 1;
    let is_first = |path: &PathBuf| path.file_name() == first.file_name();
    artifacts.iter().position(is_first).filter(|_| several)
}

/// Removes a source package from a result directory because the same build has made it anew under
/// another name, and says so.
///
/// # Errors
/// When it cannot be removed.
pub fn supersede(events: &Events, earlier: &Path) -> Result<(), BuildError> {
    fs::remove_file(earlier).map_err(|source| BuildError::ResultDir {
        path: earlier.to_owned(),
        source,
    })?;
    events.info(format!(
        "`{}` is replaced by the source package of the build proper: its release is another each time the spec is read",
        file_name(earlier)
    ));
    Ok(())
}

fn write(path: PathBuf, text: &str) -> Result<(), BuildError> {
    // By rename: another user may have put a link there.
    rpmkit_fs::write_file(&path, text, &WriteOptions::with_mode(0o644)).map_err(|error| {
        BuildError::ResultDir {
            path,
            source: error.into(),
        }
    })
}

fn write_hardware(root: &Buildroot, dir: &Path) -> Result<(), BuildError> {
    if !root.settings().plugins.enabled("hw_info") {
        return Ok(());
    }
    let chroot = &root.settings().chroot;
    let report = hardware_report(&[&chroot.rootdir, &chroot.cache_topdir]);
    write(dir.join("hw_info.log"), &report)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::disallowed_methods)]
    use super::*;

    #[test]
    fn a_package_file_is_installed_once() {
        let package = |name: &str| -> Package {
            serde_json::from_value(serde_json::json!({
                "nevra": Nevra::new(name, rpmkit_types::Evr::new(0, "1", "1"), "noarch"),
                "checksum": null,
                "location": { "href": "a.rpm" },
            }))
            .unwrap()
        };
        let mut request = SolveRequest {
            local: vec![package("a"), package("b")],
            ..SolveRequest::default()
        };
        leave_out_installed(&mut request, &[package("a")]);
        assert_eq!(request.local, [package("b")]);
    }

    #[test]
    fn of_two_source_packages_the_first_gives_way() {
        let first = Path::new("/staging/a-1-100.src.rpm");
        let of = |names: &[&str]| {
            let paths: Vec<PathBuf> = names
                .iter()
                .map(|name| Path::new("/r").join(name))
                .collect();
            superseded(&paths, first)
        };
        let rpm = "a-1-100.noarch.rpm";
        assert_eq!(of(&[rpm, "a-1-101.src.rpm", "a-1-100.src.rpm"]), Some(2));
        assert_eq!(of(&[rpm, "a-1-100.src.rpm"]), None);
        // A list of requirements is no source package.
        assert_eq!(
            of(&["a-1-100.src.rpm", "a-1-100.buildreqs.nosrc.rpm"]),
            None
        );
        assert_eq!(of(&[rpm]), None);
    }

    #[test]
    fn a_private_spec_is_anybodys_in_the_package() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("a.spec"), dir.path().join("b.spec"));
        fs::write(&from, "Name: a").unwrap();
        fs::set_permissions(&from, fs::Permissions::from_mode(0o600)).unwrap();
        copy_spec(&from, &to).unwrap();
        let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&from), mode(&to)), (0o600, 0o644));
    }

    #[test]
    fn requirements_that_others_of_the_chain_answer_are_found() {
        let provide = |name: &str, version: &str| Dep {
            name: name.to_owned(),
            version: Some((rpmkit_types::DepFlag::Eq, rpmkit_types::Evr::parse(version))),
        };
        let withheld = [provide("a", "1-1"), provide("b", "1-1")];
        let wanted = [
            Dep::any("gcc"),
            operands("a >= 2").remove(0),
            Dep::any("(x or b)"),
        ];
        assert_eq!(answered(&wanted, &withheld), [Dep::any("(x or b)")]);
        assert!(answered(&wanted, &[]).is_empty());
    }

    #[test]
    fn a_stage_by_itself_prepares_nothing() {
        assert!(asks_more(true, false));
        assert!(!asks_more(true, true) && !asks_more(false, false));
    }

    #[test]
    fn sources_a_package_leaves_out_are_taken_from_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["blob", "other"] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        let tree = UnpackedSrpm {
            spec: "a.spec".into(),
            sources: Vec::new(),
            left_out: vec!["blob".into(), "missing".into()],
        };
        let blob = vec![dir.path().join("blob")];
        assert_eq!(left_out(&tree, Some(dir.path())), blob);
        assert_eq!(left_out(&tree, Some(&blob[0])), blob);
        assert!(left_out(&tree, Some(&dir.path().join("other"))).is_empty());
        assert!(left_out(&tree, None).is_empty());
    }

    #[test]
    fn generated_requirements_rpm_cannot_read_are_told() {
        let lines = ["error: x.c is wrong", "error: Version required: foo >="].map(str::to_owned);
        assert_eq!(dropped(&lines), ["Version required: foo >="]);
    }

    #[test]
    fn external_requirements_are_told_from_others() {
        let deps = [Dep::any("gcc"), Dep::any("external:npm:left-pad")];
        let found = external(&deps);
        assert_eq!(found, ["external:npm:left-pad"]);
        let error = BuildError::External(found);
        assert_eq!(
            error.to_string(),
            "Unknown external dependencies: external:npm:left-pad"
        );
        assert_eq!(error.exit_code().code(), 31);
    }
}
