//! One build with everything around it: logs, `result.json`, the failure report, the chroot's fate.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    time::Instant,
};

use rpmkit_core::{
    Error, ExitCode,
    build::{
        About, BuildError, Buildroot, Built, Rebuild, compress_logs, failure_report,
        hints::{self, HintReach},
        rebuild, scratch, shell_word,
    },
    event::Phase,
    results::{
        failure::{FailureCause, FailureReport},
        owner::{hand_over, make_results},
        record::{Artifact, BuildOutcome, BuildRecord, RECORD_FORMAT, unix_time},
    },
    rpmfile::unpack_source,
    types::Package,
};
use rpmkit_fs::{Links, UntrustedTree};

use crate::{failure::Failure, frame::Context, history::Entry, places, printer::Face};

/// What becomes of the chroot after a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cleanup {
    /// Drop what a successful build left.
    pub on_success: bool,
    /// Drop what a failed build left.
    pub on_failure: bool,
    /// Keep what a failed build left as a layer under a name of its own, and not as what the chroot's next
    /// use finds.
    pub by_name: bool,
}

/// Starts the log files of a result directory, which is made if missing.
pub fn open_logs(cx: &Context, dir: &Path) -> Result<(), Failure> {
    make_results(dir, cx.host.invoking, cx.results_group).map_err(|e| result_dir(dir, e))?;
    cx.logs.open(dir).map_err(|error| {
        let mut failure = Failure::from(error);
        failure.code = ExitCode::ResultDir.code();
        failure
    })?;
    give_results(cx, dir)
}

/// Results that root made become those of the directory's owner, and as mock those of its group.
pub fn give_results(cx: &Context, dir: &Path) -> Result<(), Failure> {
    hand_over(dir, cx.results_group).map_err(|e| result_dir(dir, e))
}

/// Moves the log files begun in `from` to `to`, behind what is there, and goes on there.
pub fn move_logs(cx: &Context, from: &Path, to: &Path) -> Result<(), Failure> {
    cx.logs.close();
    make_results(to, cx.host.invoking, cx.results_group).map_err(|e| result_dir(to, e))?;
    for name in ["build.log", "root.log", "state.log"] {
        let Ok(text) = fs::read(from.join(name)) else {
            continue;
        };
        let path = to.join(name);
        let appended = UntrustedTree::open(to, Links::Never)
            .and_then(|tree| tree.append(name, 0o644))
            .map_err(std::io::Error::from)
            .and_then(|mut file| file.write_all(&text));
        appended.map_err(|e| result_dir(&path, e))?;
    }
    open_logs(cx, to)
}

fn result_dir(path: &Path, source: std::io::Error) -> Failure {
    let error = BuildError::ResultDir {
        path: path.to_owned(),
        source,
    };
    Error::from(error).into()
}

/// Builds a source package. Whatever happens, the result directory tells the story.
pub fn build(
    cx: &Context,
    mut root: Buildroot,
    job: &Rebuild,
    about: About,
    cleanup: Cleanup,
) -> Result<Built, Failure> {
    open_logs(cx, &job.resultdir)?;
    let about = About {
        resultdir: Some(job.resultdir.clone()),
        ..about
    };
    let started = Instant::now();
    let before = cx.times.collected().len();
    let settings = root.settings().clone();
    let events = root.engine().events().clone();
    let outcome = rebuild(&mut root, job);
    let arch = root.settings().chroot.target_arch.clone();
    let about = match (&outcome, &about.spec) {
        (Err(_), None) => About {
            spec: spec_inside(cx, job),
            ..about
        },
        _ => about,
    };
    let mut failure = outcome
        .as_ref()
        .err()
        .map(|error| failure_report(error, &about));
    let remedies = match failure.as_mut() {
        Some(report) => {
            if let Some(top) = &about.top {
                places::settle(report, top, &cx.host.cwd);
            }
            hints::complete(&mut root, report, HintReach::AtHand)
        }
        None => Vec::new(),
    };
    // Nothing was begun in it, and what the user made of it is his.
    let refused = matches!(outcome, Err(BuildError::Unverified { .. }));
    let keep = match &failure {
        Some(_) if refused => true,
        None => !cleanup.on_success,
        // What was written before a disk was full would leave no room for the next try.
        Some(report) => {
            !cleanup.on_failure && !matches!(report.cause, FailureCause::DiskFull { .. })
        }
    };
    let present = present(&mut root, &outcome, failure.as_ref());
    let ended = match &mut failure {
        Some(report) if keep && cleanup.by_name => {
            let kept = root.keep(&about.package, &report.message);
            kept.map(|name| report.kept = Some(name))
        }
        None if cleanup.by_name => {
            let forgotten = root.forget_kept(&about.package);
            forgotten.and(if keep { root.close() } else { root.discard() })
        }
        _ if keep => root.close(),
        _ => root.discard(),
    };
    if let Err(error) = &ended
        && failure.is_some()
    {
        events.warn(format!("what the build left is lost: {error}"));
    }
    if let Some(report) = failure.as_mut().filter(|_| keep && ended.is_ok()) {
        let how = about
            .chosen_by
            .as_deref()
            .map(|how| match shown_top(cx, &about) {
                Some(top) => format!("{top} {how}"),
                None => how.to_owned(),
            });
        report.suggest_look(how.as_deref());
    }
    let record = record(&outcome, failure.as_ref(), job, &about, arch);
    let record = BuildRecord {
        buildroot: present.iter().map(Into::into).collect(),
        ..record
    };
    let record = BuildRecord {
        phases: cx.times.collected().split_off(before),
        seconds: started.elapsed().as_secs_f64(),
        warnings: cx.warnings.take(),
        ..record
    };
    let written = record.write(&job.resultdir);
    if let Err(error) = Entry::of(&record, &job.resultdir).append(&cx.host.dirs.state) {
        events.warn(format!("the build is not in the history: {error}"));
    }
    if let Some(report) = &failure {
        cx.logs.error(&report.statement());
    }
    if cx.printer.face() != Face::Mock {
        // mock's go on to the end of the run.
        cx.logs.close();
    }
    let environment = cx.host.environment();
    compress_logs(&settings.plugins, &job.resultdir, &environment, &events);
    let given = give_results(cx, &job.resultdir);
    if let Some(report) = failure {
        return Err(Failure {
            remedies,
            ..Failure::of_report(report)
        });
    }
    ended.map_err(Error::from)?;
    written.map_err(|source| {
        Error::from(BuildError::ResultDir {
            path: job.resultdir.clone(),
            source,
        })
    })?;
    given?;
    Ok(outcome.map_err(Error::from)?)
}

/// The spec of a source package that was given as such: its name and its text, for the lines reports name.
fn spec_inside(cx: &Context, job: &Rebuild) -> Option<(PathBuf, String)> {
    if let Some(spec) = &job.spec {
        let text = fs::read(spec).ok()?;
        return Some((spec.clone(), String::from_utf8_lossy(&text).into_owned()));
    }
    let scratch = scratch(&cx.host.dirs.temp).ok()?;
    let (specs, sources) = (scratch.path().join("specs"), scratch.path().join("sources"));
    fs::create_dir(&specs).ok()?;
    fs::create_dir(&sources).ok()?;
    let unpacked = unpack_source(&job.srpm, &specs, &sources).ok()?;
    let text = fs::read(&unpacked.spec).ok()?;
    let name = unpacked.spec.file_name()?;
    Some((
        PathBuf::from(name),
        String::from_utf8_lossy(&text).into_owned(),
    ))
}

/// The packages the build ran among, as far as it got to run.
fn present(
    root: &mut Buildroot,
    outcome: &Result<Built, BuildError>,
    failure: Option<&FailureReport>,
) -> Vec<Package> {
    match (outcome, failure.and_then(|report| report.phase)) {
        (Ok(built), _) => built.buildroot.clone(),
        (Err(_), Some(Phase::Rpmbuild | Phase::DynamicBuildRequires)) => {
            root.packages().map(<[_]>::to_vec).unwrap_or_default()
        }
        (Err(_), _) => Vec::new(),
    }
}

/// The checkout that was built, from where the user stands, for a shell; `None` where that is the checkout.
fn shown_top(cx: &Context, about: &About) -> Option<String> {
    let top = about.top.as_deref().filter(|top| *top != cx.host.cwd)?;
    let shown = top.strip_prefix(&cx.host.cwd).unwrap_or(top);
    let shown = shown.to_string_lossy();
    let shown = shown.strip_suffix("/.").unwrap_or(&shown);
    (!shown.is_empty() && shown != ".").then(|| shell_word(shown))
}

fn record(
    outcome: &Result<Built, BuildError>,
    failure: Option<&FailureReport>,
    job: &Rebuild,
    about: &About,
    arch: String,
) -> BuildRecord {
    let built = outcome.as_ref().ok();
    BuildRecord {
        format: RECORD_FORMAT,
        rpmkit: env!("CARGO_PKG_VERSION").to_owned(),
        chroot: about.chroot.clone(),
        arch,
        outcome: match outcome {
            Ok(_) => BuildOutcome::Success,
            Err(_) => BuildOutcome::Fail,
        },
        exit_code: failure.map_or(0, |report| report.exit_code),
        package: built.map(|built| built.package.clone()),
        source: job
            .srpm
            .file_name()
            .map(|name| name.to_string_lossy().into_owned()),
        ended: unix_time(std::time::SystemTime::now()),
        seconds: 0.0,
        phases: Vec::new(),
        artifacts: built
            .map(|built| {
                let measured = built.artifacts.iter().map(|path| Artifact::of(path));
                measured.filter_map(Result::ok).collect()
            })
            .unwrap_or_default(),
        buildroot: Vec::new(),
        warnings: Vec::new(),
        failure: failure.cloned(),
    }
}
