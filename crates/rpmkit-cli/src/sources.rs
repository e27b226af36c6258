//! A checkout's sources, with the spec read by the chroot's own rpm.

use std::{
    cell::RefCell,
    fs,
    path::{Path, PathBuf},
};

use rpmkit_core::{
    Error,
    build::{About, BuildError, Buildroot, MakeSource, Shared, failure_report, source_package},
    config::Settings,
    project::Project,
    scm::{
        self,
        distgit::SourceStore,
        git::{HttpSettings, RemoteAccess},
    },
    srpm::{self, Convention, SourceOutcome, SrpmError, StagedSources, TreeChoice},
    types::source_stem,
};

use crate::{args::SourceArgs, failure::Failure, frame::Context, host::Host, setup};

/// Directory in a checkout that results go to; never part of an archive made of it.
pub const RESULTS: &str = "results";

/// What to make a source package of.
pub struct Checkout<'a> {
    /// The checkout's directory or a spec in it.
    pub path: &'a Path,
    /// Which state of it.
    pub source: &'a SourceArgs,
    /// The configuration it is built with.
    pub settings: &'a Settings,
}

/// What a checkout gave.
pub enum CheckoutSources {
    /// Sources for rpmbuild.
    Sources {
        /// Where they are and what the spec says.
        prepared: Box<StagedSources>,
        /// The spec as the user knows it.
        shown: PathBuf,
    },
    /// A source package the project's own Makefile made.
    Package {
        /// The file.
        srpm: PathBuf,
        /// Remarks for people.
        notes: Vec<String>,
    },
}

impl CheckoutSources {
    /// `name-version-release`.
    pub fn name(&self) -> String {
        match self {
            Self::Sources { prepared, .. } => {
                let spec = &prepared.expanded;
                format!("{}-{}-{}", spec.name, spec.version, spec.release)
            }
            Self::Package { srpm, .. } => {
                let name = srpm.file_name().unwrap_or_default().to_string_lossy();
                source_stem(srpm).unwrap_or_else(|| name.into_owned())
            }
        }
    }

    /// Path to show and text of the spec, if it is known.
    pub fn spec_text(&self) -> Option<(PathBuf, String)> {
        match self {
            Self::Sources { prepared, shown } => {
                let text = fs::read_to_string(&prepared.spec).unwrap_or_default();
                Some((shown.clone(), text))
            }
            Self::Package { .. } => None,
        }
    }

    /// Where all sources are, those included that a source package leaves out (`NoSource:`).
    pub fn source_dir(&self) -> Option<&Path> {
        match self {
            Self::Sources { prepared, .. } => Some(&prepared.source_dir),
            Self::Package { .. } => None,
        }
    }

    /// Remarks for people.
    pub fn notes(&self) -> &[String] {
        match self {
            Self::Sources { prepared, .. } => &prepared.notes,
            Self::Package { notes, .. } => notes,
        }
    }

    /// The source package, made in the chroot unless it is there already.
    pub fn package(
        &self,
        root: &mut Buildroot,
        resultdir: &Path,
        clean: bool,
    ) -> Result<PathBuf, BuildError> {
        match self {
            Self::Sources { prepared, .. } => source_package(
                root,
                &MakeSource {
                    spec: prepared.spec.clone(),
                    sources: Some(prepared.source_dir.clone()),
                    dereference: false,
                    resultdir: resultdir.to_owned(),
                    clean,
                },
            ),
            Self::Package { srpm, .. } => {
                let to = resultdir.join(srpm.file_name().unwrap_or_default());
                fs::create_dir_all(resultdir)
                    .and_then(|()| fs::copy(srpm, &to))
                    .map_err(|source| BuildError::ResultDir {
                        path: resultdir.to_owned(),
                        source,
                    })?;
                Ok(to)
            }
        }
    }
}

/// The directory a checkout's results lie below: the checkout itself, or the spec's directory.
pub fn top(path: &Path) -> PathBuf {
    if path.is_dir() {
        return path.to_owned();
    }
    path.parent().unwrap_or(path).to_owned()
}

/// The directory for results below `top`, made on first use, with a `.gitignore` of its own: what
/// was built is no part of the checkout.
pub fn results(top: &Path) -> Result<PathBuf, Failure> {
    let dir = top.join(RESULTS);
    let made = match fs::create_dir(&dir) {
        Ok(()) => fs::write(dir.join(".gitignore"), "*\n"),
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(e) => Err(e),
    };
    made.map_err(|source| {
        Error::from(BuildError::ResultDir {
            path: dir.clone(),
            source,
        })
    })?;
    Ok(dir)
}

/// Whether a checkout has a spec to build, before any chroot is made for it.
///
/// # Errors
/// When there is none, or several and nobody to ask.
pub fn check(cx: &Context, path: &Path, source: &SourceArgs) -> Result<(), Failure> {
    let ask = cx.printer.interactive() && cx.host.terminal.stdin;
    let request = request(path, source)?;
    srpm::check(&request, ask).map_err(|error| Error::from(error).into())
}

/// Finds the spec, reads it in the chroot, gathers and makes the sources.
pub fn prepare(
    cx: &Context,
    root: &mut Buildroot,
    checkout: &Checkout<'_>,
    scratch: &Path,
) -> Result<CheckoutSources, Failure> {
    if checkout.settings.build.clean {
        root.clean().map_err(Error::from)?;
    }
    root.init().map_err(Error::from)?;
    let staging = scratch.join("sources");
    fs::create_dir_all(&staging)
        .map_err(|e| Failure::general(format!("cannot create `{}`: {e}", staging.display())))?;
    let choose: Option<Box<srpm::Choose<'_>>> =
        if cx.printer.interactive() && cx.host.terminal.stdin {
            Some(Box::new(|specs: &[PathBuf]| choose(cx, specs)))
        } else {
            None
        };
    let events = root.engine().events().clone();
    let store = SourceStore::new(cx.host.dirs.cache.join("sources"));
    let engine = root.engine().clone();
    let access = access(&cx.host);
    let shared = RefCell::new(root);
    let mut tools = srpm::SourceTools {
        parser: &mut Shared(&shared),
        runner: Some(&mut Shared(&shared)),
        choose,
        download: engine.fetcher(),
        host: Some(&access.host),
        store: &store,
        events: &events,
    };
    let request = request(checkout.path, checkout.source)?;
    let made = srpm::prepare(&request, &staging, &mut tools)
        .map_err(|error| unread(error, checkout, &staging))?;
    let shown = checkout.source.spec.clone();
    Ok(match made {
        SourceOutcome::Sources(prepared) => {
            let name = prepared.spec.file_name().unwrap_or_default();
            CheckoutSources::Sources {
                shown: shown.unwrap_or_else(|| name.into()),
                prepared,
            }
        }
        SourceOutcome::Package { srpm, notes } => CheckoutSources::Package { srpm, notes },
    })
}

/// A spec that the chroot's rpm could not read gets a report with its line; other errors speak for
/// themselves.
fn unread(error: SrpmError, checkout: &Checkout<'_>, staging: &Path) -> Failure {
    let SrpmError::Parse(inner) = error else {
        return Error::from(error).into();
    };
    let error = match inner.downcast::<BuildError>() {
        Ok(error) => error,
        Err(other) => return Error::from(SrpmError::Parse(other)).into(),
    };
    let staged = fs::read_dir(staging)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|kind| kind == "spec"));
    let spec = staged.and_then(|path| {
        let name = PathBuf::from(path.file_name()?);
        Some((name, fs::read_to_string(&path).ok()?))
    });
    let about = About {
        chroot: checkout.settings.chroot.chroot_name.clone(),
        package: spec
            .as_ref()
            .map(|(name, _)| name.display().to_string())
            .unwrap_or_default(),
        spec,
        ..About::default()
    };
    Failure::of_report(failure_report(&error, &about))
}

/// What the arguments ask for.
pub fn request(path: &Path, source: &SourceArgs) -> Result<srpm::SourceRequest, Failure> {
    let spec = match &source.spec {
        Some(spec) => Some(spec.clone()),
        None if path.is_dir() => Project::find(path)
            .map_err(Error::from)?
            .project
            .and_then(|project| project.spec),
        None => None,
    };
    Ok(srpm::SourceRequest {
        path: path.to_owned(),
        spec,
        sources: source.sources.clone(),
        tree: match (&source.commit, &source.tag, source.dirty) {
            (Some(rev), ..) => TreeChoice::Commit(rev.clone()),
            (_, Some(tag), _) => TreeChoice::Tag(tag.clone()),
            (.., true) => TreeChoice::WorkingTree,
            _ => TreeChoice::Auto,
        },
        symlink_dereference: source.symlink_dereference,
        defines: Vec::new(),
        exclude: vec![RESULTS.into()],
        snapshot: source.snapshot,
        get_sources: source.get_sources,
        lookaside: source.lookaside.clone(),
        follow: source.follow.as_deref().and_then(Convention::parse),
    })
}

/// The host as version control's commands see it.
pub fn access(host: &Host) -> RemoteAccess {
    RemoteAccess {
        host: scm::CommandEnv {
            env: host
                .env
                .iter()
                .map(|(key, value)| (key.into(), value.into()))
                .collect(),
        },
        http: HttpSettings {
            proxies: setup::proxies(host),
        },
    }
}

/// Asks which of several specs is meant.
fn choose(_: &Context, specs: &[PathBuf]) -> Option<usize> {
    let names: Vec<String> = specs.iter().map(|p| p.display().to_string()).collect();
    dialoguer::Select::new()
        .with_prompt("Which spec")
        .items(&names)
        .default(0)
        .interact_opt()
        .ok()
        .flatten()
}
