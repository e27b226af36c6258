//! `rpmkit snap rollback`

use clap::Args;
use clap_complete::ArgValueCompleter;
use rpmkit_cli::{Status, VerbResult};
use rpmkit_core::{Error, chroot::Upper};
use serde_json::json;

use super::SnapContext;
use crate::ask;

/// Go back to a snapshot
///
/// What was done since the last snapshot is dropped, and `clean` goes back to this one from now on.
#[derive(Debug, Args)]
pub(crate) struct RollbackArgs {
    /// Snapshot; asked for when left out
    #[arg(add = ArgValueCompleter::new(crate::complete::snapshots))]
    name: Option<String>,
}

pub(crate) fn run(request: &SnapContext<'_>, args: &RollbackArgs) -> VerbResult {
    let name = ask::choose(request, args.name.as_deref(), "Go back to")?;
    let chroot = &request.opened.chroot;
    let mut state = chroot.state().map_err(Error::from)?;
    let upper = &state.instance(chroot.ext()).upper;
    if matches!(upper, Upper::Private { dirty: true, .. }) && state.names.contains_key(&name) {
        ask::confirm(
            request,
            &format!(
                "Changes on top of the current state of `{}` will be lost. Go back to `{name}`?",
                chroot.label()
            ),
        )?;
    }
    chroot.rollback(&name).map_err(Error::from)?;
    request.done(
        format!("`{}` is back at `{name}`.", chroot.label()),
        json!({ "current": name }),
    );
    Ok(Status::OK)
}
