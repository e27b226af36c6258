//! Source packages from a spec and its sources, and specs read by the target's own rpm.

#![allow(
    clippy::disallowed_methods,
    reason = "what the user named, or what was looked at, by its real name"
)]

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{BuildError, Buildroot, CopyItem, Follow, plugins, rpmbuild::check, tree::DirContents};
use rpmkit_results::diagnose::survived;
use rpmkit_results::owner::make_results;
use rpmkit_sources::srpm::SpecParser;
use rpmkit_types::event::{Event, Log, Phase};

/// A source package to make.
#[derive(Debug, Clone)]
pub struct MakeSource {
    /// The spec.
    pub spec: PathBuf,
    /// A directory that becomes `SOURCES`, or one file that goes into it.
    pub sources: Option<PathBuf>,
    /// Copy what symbolic links point to instead of the links.
    pub dereference: bool,
    /// Where the package goes; made if missing.
    pub resultdir: PathBuf,
    /// Start from the current snapshot.
    pub clean: bool,
}

/// Makes the source package in the chroot (`rpmbuild -bs`) and gives its path in the result
/// directory.
pub fn source_package(root: &mut Buildroot, job: &MakeSource) -> Result<PathBuf, BuildError> {
    make_results(&job.resultdir, None, None).map_err(|source| BuildError::ResultDir {
        path: job.resultdir.clone(),
        source,
    })?;
    let events = root.engine().events().clone();
    if job.clean {
        events.in_state("clean chroot", || root.clean())?;
    }
    root.init_for_build()?;
    let details = serde_json::json!({ "spec": job.spec, "sources": job.sources });
    root.hook_call("earlyprebuild", &details)?;
    let made = events.in_state("buildsrpm", || {
        events.phase(Phase::Srpm, "", || make(root, job))
    });
    root.hook_call("postbuild", &details)?;
    let path = made?;
    events.emit(Event::Artifact { path: path.clone() });
    Ok(path)
}

fn make(root: &mut Buildroot, job: &MakeSource) -> Result<PathBuf, BuildError> {
    root.fill_home(DirContents {
        items: items(&job.spec, job.sources.as_deref()),
        fresh: root.settings().build.short_circuit.is_none(),
        replace_sources: true,
        follow: match job.dereference {
            true => Follow::Anywhere,
            false => Follow::Nothing,
        },
    })?;
    let spec = root.in_tree(Path::new("SPECS").join(job.spec.file_name().unwrap_or_default()));
    plugins::pre_srpm_build(
        root,
        &plugins::SourceBuild {
            spec: &spec,
            host_spec: &job.spec,
            sources: job.sources.as_deref(),
        },
    )?;
    let details = serde_json::json!({ "spec": spec.to_string(), "sources": job.sources });
    root.hook_call("pre_srpm_build", &details)?;
    let events = root.engine().events().clone();
    let made = events.in_state("rpmbuild -bs", || root.make_source(&spec, &job.resultdir))?;
    Ok(made.path)
}

fn items(spec: &Path, sources: Option<&Path>) -> Vec<CopyItem> {
    let mut items = vec![CopyItem {
        // The user named it, or it was looked at: here it is a file under its own name.
        from: fs::canonicalize(spec).unwrap_or_else(|_| spec.to_owned()),
        to: Path::new("SPECS").join(spec.file_name().unwrap_or_default()),
    }];
    if let Some(sources) = sources {
        items.push(CopyItem {
            to: if sources.is_dir() {
                PathBuf::from("SOURCES")
            } else {
                Path::new("SOURCES").join(sources.file_name().unwrap_or_default())
            },
            // The same goes for a directory the user named by a link.
            from: fs::canonicalize(sources).unwrap_or_else(|_| sources.to_owned()),
        });
    }
    items
}

/// Reads specs with the rpm of a buildroot, whose macros decide what they mean.
pub struct InChroot<'a>(pub &'a mut Buildroot);

impl SpecParser for InChroot<'_> {
    fn expand(
        &mut self,
        spec: &Path,
        source_dir: &Path,
        defines: &[(String, String)],
    ) -> Result<String, rpmkit_types::AnyCodedError> {
        Ok(self.0.expand_spec(spec, source_dir, defines)?)
    }
}

impl Buildroot {
    /// The output of `rpmspec -P` for a spec of the host, run as the build user.
    pub fn expand_spec(
        &mut self,
        spec: &Path,
        source_dir: &Path,
        defines: &[(String, String)],
    ) -> Result<String, BuildError> {
        self.fill_home(DirContents {
            items: items(spec, Some(source_dir)),
            fresh: self.settings().build.short_circuit.is_none(),
            replace_sources: true,
            follow: Follow::Within,
        })?;
        let inside = self.in_tree(Path::new("SPECS").join(spec.file_name().unwrap_or_default()));
        let mut argv = vec!["rpmspec".to_owned(), "-P".to_owned()];
        argv.extend([
            "--target".to_owned(),
            self.settings().build.rpmbuild_arch.clone(),
        ]);
        for (name, value) in defines {
            let name = name.trim_start_matches('%');
            argv.extend(["--define".to_owned(), format!("{name} {value}")]);
        }
        argv.push(inside.to_string());
        let mut run = self.limited_command(argv, self.build_user())?;
        run.log = None;
        let ran = self.run(&run)?;
        for line in &ran.tail {
            self.engine()
                .events()
                .emit(Event::output(Log::Build, line.as_bytes()));
        }
        let ran = self.within_limits(ran, "reading the spec", Phase::Srpm)?;
        let ran = check(ran, "reading the spec", Phase::Srpm)?;
        let text = fs::read(spec).unwrap_or_default();
        let shown = Path::new(spec.file_name().unwrap_or_default());
        for warning in survived(&ran.tail, (shown, &String::from_utf8_lossy(&text))) {
            self.engine().events().warn(warning);
        }
        Ok(String::from_utf8_lossy(&ran.output).into_owned())
    }
}
