//! `rpmkit snap clean`

use clap::Args;
use rpmkit_cli::{Status, VerbResult};
use rpmkit_core::Error;
use serde_json::json;

use super::SnapContext;

/// Drop what was done on top of the current snapshot
#[derive(Debug, Args)]
pub(crate) struct CleanArgs {}

pub(crate) fn run(request: &SnapContext<'_>) -> VerbResult {
    let chroot = &request.opened.chroot;
    chroot.clean().map_err(Error::from)?;
    request.done(
        format!("`{}` is clean.", chroot.label()),
        json!({ "cleaned": chroot.label() }),
    );
    Ok(Status::OK)
}
