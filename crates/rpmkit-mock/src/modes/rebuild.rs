//! `--rebuild`, the default: packages from source packages, or from a spec and sources in one go.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rpmkit_cli::{
    Context, Failure, Status, VerbResult,
    job::{self, Cleanup},
};
use rpmkit_core::{
    Error,
    build::{About, BuildError, Buildroot, Built, ChrootAccess, Rebuild, supersede},
    config::Settings,
    repo::{
        Target, TransportOptions,
        create::{CreateOptions, create},
        local::read_header,
    },
    types::is_source_package,
};

use super::{
    buildsrpm, clean, install,
    work::{Work, host_path},
};

use crate::cmdline::ScrubTarget;

/// Builds all, in order, up to the first that fails.
pub fn run(cx: &mut Context, work: &Work<'_>) -> VerbResult {
    let options = &work.request.options;
    if options.hermetic_build.is_some() {
        // Nothing of an earlier run takes part.
        clean::scrub(cx, work, &[ScrubTarget::All])?;
    }
    let downloads = cx.host.dirs.scratch()?;
    let mut packages = Vec::new();
    let mut spec = options.spec.as_ref().map(|word| host_path(cx, word));
    let mut first = None;
    // The source package this run makes itself.
    let mut own = None;
    let mut clean = work.settings.build.clean;
    if work.settings.build.scm || (options.spec.is_some() && options.sources.is_some()) {
        let mut root = work.open(cx, ChrootAccess::OwnOrEphemeral)?;
        match buildsrpm::make(cx, work, &mut root, true) {
            Ok(srpm) => {
                own = Some(srpm.clone());
                packages.push(srpm);
            }
            Err(failure) => {
                let _ = if work.settings.build.cleanup_on_failure {
                    root.discard()
                } else {
                    root.close()
                };
                return Err(failure);
            }
        }
        first = Some(root);
        // The chroot has just been cleaned, and the source package has this very spec.
        clean = false;
        spec = None;
    }
    let mut shown: Vec<String> = packages.iter().map(|p| p.display().to_string()).collect();
    for word in &work.request.words {
        let package = fetched(cx, work, word, downloads.path())?;
        // As it was typed.
        shown.push(if is_remote(word) {
            package.display().to_string()
        } else {
            word.clone()
        });
        packages.push(package);
    }
    if packages.is_empty() {
        return Err(Failure::usage("No package specified to rebuild command."));
    }
    if packages.len() > 1 && spec.is_some() {
        return Err(Failure::usage(
            "--spec argument only supported with single srpm.",
        ));
    }
    for package in &packages {
        check_header(package)?;
    }
    let mut built = Vec::new();
    for (srpm, word) in packages.into_iter().zip(&shown) {
        let root = match first.take() {
            Some(root) => root,
            None => work.open(cx, ChrootAccess::OwnOrEphemeral)?,
        };
        let made = one(
            cx,
            work,
            root,
            (srpm, word),
            spec.clone(),
            &work.settings.build.resultdir,
            clean,
        );
        let made = match made {
            Ok(made) => made,
            Err(failure) => {
                work.clean_up(false, || ());
                return Err(failure);
            }
        };
        if let Some(own) = own.take().filter(|own| is_renamed(own, &made.artifacts)) {
            supersede(&work.events, &own).map_err(|e| work.failure(&e))?;
        }
        built.push(made);
    }
    work.clean_up(true, || ());
    if work.settings.build.post_install {
        post_install(cx, work, &work.settings, &built)?;
    }
    if work.settings.build.createrepo_on_rpms {
        make_repository(work, &work.settings.build.resultdir)?;
    }
    Ok(Status::OK)
}

/// One source package, with mock's lines around it: its file, and what it is called in them.
pub fn one(
    cx: &Context,
    work: &Work<'_>,
    root: Buildroot,
    (srpm, shown): (PathBuf, &str),
    spec: Option<PathBuf>,
    resultdir: &Path,
    clean: bool,
) -> Result<Built, Failure> {
    if clean {
        work.back_up()?;
    }
    // Before the first line, so that the logs have all of them.
    work.open_logs_in(cx, resultdir)?;
    let timed = Timed::start(work, shown);
    let about = About {
        chroot: work.settings.chroot.chroot_name.clone(),
        package: srpm
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
        spec: spec.as_ref().and_then(|path| {
            let text = std::fs::read_to_string(path).ok()?;
            Some((path.clone(), text))
        }),
        ..About::default()
    };
    let options = &work.request.options;
    let rebuild = Rebuild {
        srpm,
        spec,
        sources: options.sources.as_ref().map(|word| host_path(cx, word)),
        resultdir: resultdir.to_owned(),
        clean,
        from: None,
        calculate: work.settings.build.calculatedeps,
        withheld: Vec::new(),
    };
    let cleanup = Cleanup {
        on_success: work.settings.build.cleanup_on_success,
        on_failure: work.settings.build.cleanup_on_failure,
        // As mock: the next use finds what is there.
        by_name: false,
    };
    let built = job::build(cx, root, &rebuild, about, cleanup);
    timed.end_in(built.is_ok(), resultdir);
    let details = serde_json::json!({ "resultdir": resultdir });
    work.call(cx, "process_logs", &details)?;
    built
}

/// The lines before and after an item, which people and programs look for.
pub struct Timed<'a> {
    work: &'a Work<'a>,
    item: String,
    started: Instant,
}

impl<'a> Timed<'a> {
    /// Says that `item` begins.
    pub fn start(work: &'a Work<'a>, item: &str) -> Self {
        work.info(format!(
            "Start({item})  Config({})",
            work.settings.chroot.shared_root
        ));
        Self {
            work,
            item: item.to_owned(),
            started: Instant::now(),
        }
    }

    /// Says how it ended, with the configuration's result directory.
    pub fn end(self, ok: bool) {
        let dir = self.work.settings.build.resultdir.clone();
        self.end_in(ok, &dir);
    }

    /// Says how it ended and where its results are.
    pub fn end_in(self, ok: bool, dir: &Path) {
        let (minutes, seconds) = minutes(self.started.elapsed());
        let settings = &self.work.settings;
        let events = &self.work.events;
        if ok {
            events.info(format!(
                "Done({}) Config({}) {minutes} minutes {seconds} seconds",
                self.item, settings.chroot.chroot_name
            ));
        } else {
            events.message(
                rpmkit_core::event::Level::Error,
                None,
                format!(
                    "Exception({}) Config({}) {minutes} minutes {seconds} seconds",
                    self.item, settings.chroot.shared_root
                ),
            );
        }
        events.info(format!("Results and/or logs in: {}", dir.display()));
    }
}

fn minutes(took: Duration) -> (u64, u64) {
    (took.as_secs() / 60, took.as_secs() % 60)
}

/// Whether a word is the address of a file elsewhere.
fn is_remote(word: &str) -> bool {
    let schemes = ["http://", "https://", "ftp://"];
    schemes.iter().any(|scheme| word.starts_with(scheme))
}

/// A source package by path or URL.
pub fn fetched(cx: &Context, work: &Work<'_>, word: &str, dir: &Path) -> Result<PathBuf, Failure> {
    if !is_remote(word) {
        return Ok(host_path(cx, word));
    }
    work.info(format!("Fetching remote file {word}"));
    let engine = work.engine(cx)?;
    let options = TransportOptions::default();
    let got = engine
        .fetcher()
        .download_url(word, Target::Directory(dir), None, &options);
    Ok(got.map_err(Error::from)?)
}

/// Whether a build has made a source package, but none that is called as the one it began with.
fn is_renamed(own: &Path, artifacts: &[PathBuf]) -> bool {
    artifacts.iter().any(|path| is_source_package(path))
        && artifacts
            .iter()
            .all(|path| path.file_name() != own.file_name())
}

/// All are looked at before the first is built: a typing error must not cost an hour.
fn check_header(path: &Path) -> Result<(), Failure> {
    let package = read_header(path).map_err(|e| {
        Failure::general(format!(
            "Cannot find/open srpm: {}. Error: {e}",
            path.display()
        ))
    })?;
    if ["src", "nosrc"].contains(&package.nevra.arch.as_str()) {
        return Ok(());
    }
    Err(Failure::general(format!(
        "File is not an srpm: {}.",
        path.display()
    )))
}

/// `--postinstall`: what was built must install into its own chroot.
pub fn post_install(
    cx: &Context,
    work: &Work<'_>,
    settings: &Settings,
    built: &[Built],
) -> Result<(), Failure> {
    let words: Vec<String> = built
        .iter()
        .flat_map(|b| &b.artifacts)
        .filter(|path| !is_source_package(path))
        .map(|path| path.display().to_string())
        .collect();
    install::change_in(cx, work, settings, "built packages", |_, request| {
        install::add_packages(cx, work, &words, request)
    })
    .map(drop)
}

/// `createrepo_on_rpms`: the result directory becomes a repository of its binary packages. Ours makes it,
/// whatever the program of `createrepo_command` would be.
fn make_repository(work: &Work<'_>, dir: &Path) -> Result<(), Failure> {
    let options = CreateOptions {
        update: true,
        exclude_sources: true,
        ..CreateOptions::default()
    };
    work.info("Running createrepo on binary rpms in resultdir");
    create(dir, &options)
        .map(drop)
        .map_err(|e| work.failure(&BuildError::from(e)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn what_is_no_source_package_is_refused_first() {
        let failure = check_header(Path::new("--nosuch")).unwrap_err();
        assert!(
            failure
                .message
                .starts_with("Cannot find/open srpm: --nosuch. Error: "),
            "{failure}"
        );
        assert_eq!(failure.code, 1);
    }

    #[test]
    fn a_source_package_that_was_made_anew_is_taken() {
        let own = Path::new("/r/a-1-100.src.rpm");
        let renamed = |names: &[&str]| {
            let paths: Vec<PathBuf> = names.iter().map(PathBuf::from).collect();
            is_renamed(own, &paths)
        };
        assert!(renamed(&["/r/a-1-100.noarch.rpm", "/r/a-1-101.src.rpm"]));
        assert!(!renamed(&["/r/a-1-100.noarch.rpm", "/r/a-1-100.src.rpm"]));
        // Steps that were cut short give no source package.
        assert!(!renamed(&["/r/a-1-100.noarch.rpm"]));
    }

    #[test]
    fn times_are_minutes_and_seconds() {
        assert_eq!(minutes(Duration::from_secs(187)), (3, 7));
    }
}
