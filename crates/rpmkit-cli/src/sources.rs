//! A checkout's sources, with the spec read by the chroot's own rpm.

use std::{
    cell::RefCell,
    fs,
    path::{Path, PathBuf},
};

use rpmkit_core::{
    Error, ExitCode,
    build::{About, BuildError, Buildroot, MakeSource, Shared, failure_report, source_package},
    config::Settings,
    event::Phase,
    project::Project,
    results::{
        failure::{FailureCause, FailureReport, SpecLine},
        owner::{make_results, place_result},
    },
    scm::{
        self,
        distgit::SourceStore,
        git::{HttpSettings, RemoteAccess},
    },
    srpm::{self, Convention, SourceOutcome, SrpmError, StagedSources, TreeChoice},
    types::source_stem,
};

use rpmkit_fs::{Links, UntrustedTree, WriteOptions};

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
                let name = srpm.file_name().unwrap_or_default();
                let to = resultdir.join(name);
                make_results(resultdir, None, None)
                    .and_then(|()| place_result(srpm, resultdir, name))
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

/// A directory of `parts` below that for results in `top`, which is made on first use, with a `.gitignore`
/// of its own: what was built is no part of the checkout.
///
/// # Errors
/// When it cannot be made, or a link of the checkout's leads out of it: nothing is put there then.
pub fn results(top: &Path, parts: &[&str]) -> Result<PathBuf, Failure> {
    let inside: PathBuf = [RESULTS].iter().chain(parts).collect();
    let looked = || -> rpmkit_fs::Result<()> {
        let tree = UntrustedTree::open(top, Links::Beneath)?.without(".git");
        match tree.mkdir(RESULTS, 0o777) {
            Ok(()) => {
                let ignore = Path::new(RESULTS).join(".gitignore");
                tree.write(ignore, "*\n", &WriteOptions::with_mode(0o666))?;
            }
            Err(error) if error.is_already_there() => {}
            Err(error) => return Err(error),
        }
        let there = inside.ancestors().find_map(|part| {
            let real = tree.real_path(part);
            let missing = matches!(&real, Err(error) if error.is_not_found());
            (!missing).then_some(real)
        });
        there.transpose().map(drop)
    };
    looked().map_err(|error| {
        let leads = error.is_refusal();
        let error = Error::from(BuildError::ResultDir {
            path: top.join(&inside),
            source: error.into(),
        });
        match leads {
            true => Failure::from(error).hint("`--resultdir DIR` names another place"),
            false => error.into(),
        }
    })?;
    Ok(top.join(inside))
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
        vendor_with_host: checkout.source.vendor_with_host.then_some(&access.host),
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
            let shown = shown.unwrap_or_else(|| name.into());
            for warning in undefined(&prepared, &shown) {
                events.warn(warning);
            }
            CheckoutSources::Sources { shown, prepared }
        }
        SourceOutcome::Package { srpm, notes } => CheckoutSources::Package { srpm, notes },
    })
}

/// A spec that the chroot's rpm could not read gets a report with its line; other errors speak for
/// themselves.
fn unread(error: SrpmError, checkout: &Checkout<'_>, staging: &Path) -> Failure {
    if let SrpmError::MissingSources { missing, .. } = &error
        && let Some(first) = missing.first()
    {
        let tag = first.tag.clone();
        let file = first.text.rsplit('/').next().unwrap_or_default().to_owned();
        return without_source(error, checkout, staging, &tag, file);
    }
    let SrpmError::Parse(inner) = error else {
        return Error::from(error).into();
    };
    let error = match inner.downcast::<BuildError>() {
        Ok(error) => error,
        Err(other) => return Error::from(SrpmError::Parse(other)).into(),
    };
    let spec = staged_spec(staging);
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

/// The spec among staged files: its name and text.
fn staged_spec(staging: &Path) -> Option<(PathBuf, String)> {
    let path = fs::read_dir(staging)
        .ok()?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|kind| kind == "spec"))?;
    let text = fs::read(&path).ok()?;
    let text = String::from_utf8_lossy(&text).into_owned();
    Some((path.file_name()?.into(), text))
}

/// A report on sources that are nowhere, with the line that names the first of them.
fn without_source(
    error: SrpmError,
    checkout: &Checkout<'_>,
    staging: &Path,
    tag: &str,
    file: String,
) -> Failure {
    let plain = Failure::from(Error::from(error));
    let mut report = FailureReport::new(
        ExitCode::General,
        FailureCause::MissingSource { file },
        plain.message,
    );
    report.exit_code = plain.code;
    report.hints = plain.hints;
    report.phase = Some(Phase::Srpm);
    report.chroot = Some(checkout.settings.chroot.chroot_name.clone());
    if let Some((name, text)) = staged_spec(staging) {
        report.package = Some(name.display().to_string());
        let wanted = tag.to_lowercase();
        // The first of a kind may go without its number.
        let bare = wanted.strip_suffix('0').unwrap_or(&wanted).to_owned();
        let named = |line: &str| {
            line.split_once(':').is_some_and(|(tag, _)| {
                let tag = tag.trim().to_lowercase();
                tag == wanted || tag == bare
            })
        };
        report.spec = (1..)
            .zip(text.lines())
            .find(|(_, line)| named(line))
            .map(|(line, text)| SpecLine {
                file: name,
                line,
                text: Some(text.trim_end().to_owned()),
            });
    }
    Failure::of_report(report)
}

/// Macros that rpm left as they are in version or release: it goes on, and packages get names nobody
/// wants. One warning each, with the line.
fn undefined(prepared: &StagedSources, shown: &Path) -> Vec<String> {
    let text = fs::read(&prepared.spec).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let spec = &prepared.expanded;
    let mut warnings = Vec::new();
    for (tag, value) in [
        ("Version", &spec.version),
        ("Release", &spec.release),
        ("Name", &spec.name),
    ] {
        if !value.contains('%') {
            continue;
        }
        let start = format!("{}:", tag.to_lowercase());
        let line = text
            .lines()
            .position(|line| line.trim_start().to_lowercase().starts_with(&start));
        let place = line.map_or_else(
            || shown.display().to_string(),
            |line| format!("{}:{}", shown.display(), line + 1),
        );
        warnings.push(format!(
            "{place}: `{tag}` is `{value}`: the macro in it is not defined"
        ));
    }
    warnings
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
            env: host.environment(),
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
