//! `rpmkit hint`: what a failed build missed, looked up in the repositories, file lists included.

use std::path::PathBuf;

use clap::Args;
use rpmkit_cli::{
    Context, Failure, Status, VerbResult,
    args::{BuildOptions, ChrootArgs, OutputArgs},
    setup,
};
use rpmkit_core::{
    Error,
    build::{
        Buildroot, ChrootAccess,
        hints::{self, HintReach},
    },
    config::SearchRules,
};

use crate::results;

/// Say what a failed build missed, and which line of the spec brings it
///
/// Asks the repositories of the chroot it was built in, and downloads their file lists where those are
/// needed, which a build's own report never does.
#[derive(Debug, Clone, Args)]
pub struct HintArgs {
    /// Result directory of the build, or the checkout [default: the latest build]
    #[arg(value_name = "BUILD", value_hint = clap::ValueHint::DirPath)]
    pub build: Option<PathBuf>,

    /// Which chroot
    #[command(flatten)]
    pub chroot: ChrootArgs,

    /// How to speak
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Looks it up; ends with 0 when there is a line to add, with 1 when there is none.
pub fn run(cx: &mut Context, args: &HintArgs) -> VerbResult {
    let events = cx.listen(&args.output);
    let dir = results::directory(cx, args.build.as_deref())?;
    let record = results::record(&dir)?;
    let Some(mut report) = record.failure else {
        return Err(Failure::general(format!(
            "the build in `{}` did not fail",
            dir.display()
        )));
    };
    if report.wants.is_empty() {
        return Err(
            Failure::general("nothing that a repository could have was missing")
                .hint(report.message),
        );
    }
    let name = args.chroot.root.first().unwrap_or(&record.chroot).clone();
    let configured = setup::configure(
        cx,
        &name,
        SearchRules::Rpmkit,
        args.chroot.configdir.as_deref(),
        &args.chroot.addrepo,
        setup::overrides(&args.chroot, &BuildOptions::default()),
    )?;
    let engine = setup::engine(cx, events, &configured.settings)?;
    let settings = &configured.settings;
    let kept = report
        .kept
        .as_ref()
        .and_then(|kept| Buildroot::open_kept(&engine, settings, kept).ok());
    let mut root = match kept {
        Some(root) => root,
        // What was kept is gone, or the chroot busy: its repositories answer all the same.
        None => {
            Buildroot::open(&engine, settings, ChrootAccess::OwnOrEphemeral).map_err(Error::from)?
        }
    };
    report.hints.clear();
    let remedies = hints::complete(&mut root, &mut report, HintReach::Fetch);
    root.close().map_err(Error::from)?;
    if args.output.is_json() {
        cx.printer.json(&serde_json::json!({
            "format": 1,
            "wants": report.wants,
            "remedies": remedies.iter().map(|one| serde_json::json!({
                "requirement": one.requirement, "package": one.package, "sure": one.sure,
            })).collect::<Vec<_>>(),
            "hints": report.hints,
        }));
    } else {
        for hint in &report.hints {
            cx.printer.data(&hint.0);
        }
    }
    Ok(if remedies.is_empty() {
        Status(1)
    } else {
        Status::OK
    })
}
