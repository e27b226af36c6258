//! `--buildsrpm`: a source package from a spec and sources.

use std::path::PathBuf;

use rpmkit_cli::{Context, Failure, Status, VerbResult, job};
use rpmkit_core::{
    Error, Event,
    build::{Buildroot, ChrootAccess, MakeSource, source_package},
};

use super::{
    rebuild::Timed,
    scm,
    work::{Work, host_path},
};

/// Makes it into the result directory.
pub fn run(cx: &Context, work: &Work<'_>) -> VerbResult {
    let mut root = work.open(cx, ChrootAccess::OwnOrEphemeral)?;
    let made = make(cx, work, &mut root, false);
    let mut root = Some(root);
    let discarded = work.clean_up(made.is_ok(), || root.take().map(Buildroot::discard));
    let ended = discarded
        .flatten()
        .or_else(|| root.take().map(Buildroot::close));
    made?;
    ended.transpose().map_err(Error::from)?;
    Ok(Status::OK)
}

/// Makes it in a given chroot, with mock's lines around it. `remove` is for a checkout.
pub fn make(
    cx: &Context,
    work: &Work<'_>,
    root: &mut Buildroot,
    remove: bool,
) -> Result<PathBuf, Failure> {
    let options = &work.request.options;
    if work.settings.build.scm {
        let found = scm::checkout(cx, work, root)?;
        let word = found.spec.display().to_string();
        let made = package(
            cx,
            work,
            root,
            &word,
            found.spec.clone(),
            Some(found.sources.clone()),
        )?;
        if remove {
            found.remove()?;
        }
        return Ok(made);
    }
    // Without a spec the request was refused already.
    let Some(word) = &options.spec else {
        return Err(Failure::command_line(
            "Must specify both --spec and --sources with --buildsrpm",
        ));
    };
    let spec = host_path(cx, word);
    if !spec.is_file() {
        return Err(Failure::command_line(format!(
            "Input specfile does not exist: {word}"
        )));
    }
    let sources = options
        .sources
        .as_ref()
        .map(|word| (word, host_path(cx, word)));
    if let Some((word, _)) = sources
        .as_ref()
        .filter(|(_, path)| !path.is_dir() && !path.is_file())
    {
        return Err(Failure::command_line(format!(
            "Input sources directory or file does not exist: {word}"
        )));
    }
    work.open_logs(cx)?;
    package(cx, work, root, word, spec, sources.map(|(_, path)| path))
}

fn package(
    cx: &Context,
    work: &Work<'_>,
    root: &mut Buildroot,
    word: &str,
    spec: PathBuf,
    sources: Option<PathBuf>,
) -> Result<PathBuf, Failure> {
    let options = &work.request.options;
    let timed = Timed::start(work, word);
    let job_results = work.settings.build.resultdir.clone();
    let job = MakeSource {
        spec,
        sources,
        dereference: options.symlink_dereference,
        resultdir: work.settings.build.resultdir.clone(),
        clean: work.settings.build.clean,
    };
    let made = source_package(root, &job).map_err(|e| work.failure(&e));
    timed.end(made.is_ok());
    if let Ok(path) = &made {
        work.events.emit(Event::Artifact { path: path.clone() });
        job::give_results(cx, &job_results)?;
    }
    made
}
