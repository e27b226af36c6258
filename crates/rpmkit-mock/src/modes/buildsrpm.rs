//! `--buildsrpm`: a source package from a spec and sources.

use std::path::PathBuf;

use rpmkit_cli::{Context, Failure, Outcome, Status};
use rpmkit_core::{
    Error, Event,
    build::{Access, Buildroot, MakeSource, source_package},
};

use super::{
    rebuild::Timed,
    work::{Work, host_path},
};

/// Makes it into the result directory.
pub fn run(cx: &Context, work: &Work<'_>) -> Outcome {
    let mut root = work.open(cx, Access::OwnOrTwin)?;
    let made = make(cx, work, &mut root);
    let ended = if made.is_ok() == work.settings.cleanup_on_success {
        root.discard()
    } else {
        root.close()
    };
    made?;
    ended.map_err(Error::from)?;
    Ok(Status::OK)
}

/// Makes it in a given chroot, with mock's lines around it.
pub fn make(cx: &Context, work: &Work<'_>, root: &mut Buildroot) -> Result<PathBuf, Failure> {
    let options = &work.request.options;
    // Without a spec the request was refused already, unless version control provides one.
    let Some(word) = &options.spec else {
        return Err(Failure::command_line(
            "--scm-enable is the business of `rpmkit scm` for now: it checks out and builds",
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
    let timed = Timed::start(work, word);
    let job = MakeSource {
        spec,
        sources: sources.map(|(_, path)| path),
        dereference: options.symlink_dereference,
        resultdir: work.settings.resultdir.clone(),
        clean: work.settings.clean,
    };
    let made = source_package(root, &job).map_err(|e| work.failure(&e));
    timed.end(made.is_ok());
    if let Ok(path) = &made {
        work.events.emit(Event::Artifact { path: path.clone() });
    }
    made
}
