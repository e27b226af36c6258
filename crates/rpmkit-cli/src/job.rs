//! One build with everything around it: logs, `result.json`, the failure report, the chroot's fate.

use std::{fs, io::Write, path::Path, time::Instant};

use rpmkit_core::{
    Error, ExitCode,
    build::{
        About, BuildError, Buildroot, Built, Rebuild, compress_logs, failure_report,
        hints::{self, HintReach},
        rebuild,
    },
    results::{
        failure::{FailureCause, FailureReport},
        owner::{hand_over, make_results},
        record::{Artifact, BuildOutcome, BuildRecord, RECORD_FORMAT, unix_time},
    },
};
use rpmkit_fs::{Links, UntrustedTree};

use crate::{failure::Failure, frame::Context, history::Entry, places};

/// What becomes of the chroot after a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cleanup {
    /// Drop what a successful build left.
    pub on_success: bool,
    /// Drop what a failed build left.
    pub on_failure: bool,
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
    let keep = match &failure {
        None => !cleanup.on_success,
        // What was written before a disk was full would leave no room for the next try.
        Some(report) => {
            !cleanup.on_failure && !matches!(report.cause, FailureCause::DiskFull { .. })
        }
    };
    let ended = if keep { root.close() } else { root.discard() };
    if let Some(report) = failure.as_mut().filter(|_| keep) {
        report.suggest_look(about.chosen_by.as_deref());
    }
    let record = record(&outcome, failure.as_ref(), job, &about, arch);
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
    cx.logs.close();
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
        buildroot: built
            .map(|built| built.buildroot.iter().map(Into::into).collect())
            .unwrap_or_default(),
        warnings: Vec::new(),
        failure: failure.cloned(),
    }
}
