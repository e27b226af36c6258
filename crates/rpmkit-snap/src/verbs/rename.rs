//! `rpmkit snap rename`

use clap::Args;
use clap_complete::ArgValueCompleter;
use rpmkit_cli::{Status, VerbResult};
use rpmkit_core::Error;
use serde_json::json;

use super::SnapContext;

/// Give a snapshot another name
#[derive(Debug, Args)]
pub(crate) struct RenameArgs {
    /// Its name
    #[arg(add = ArgValueCompleter::new(crate::complete::snapshots))]
    old: String,
    /// Its new name
    new: String,
}

pub(crate) fn run(request: &SnapContext<'_>, args: &RenameArgs) -> VerbResult {
    let chroot = &request.opened.chroot;
    chroot.rename(&args.old, &args.new).map_err(Error::from)?;
    request.done(
        format!("`{}` is `{}` now.", args.old, args.new),
        json!({ "renamed": args.old, "to": args.new }),
    );
    Ok(Status::OK)
}
