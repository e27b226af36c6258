//! `rpmkit snap scrub`

use clap::Args;
use rpmkit_cli::{Outcome, Status};
use rpmkit_core::Error;
use serde_json::json;

use super::Request;
use crate::ask;

/// Remove everything of this chroot: all its snapshots and states
///
/// Other chroots are not touched, even where they share layers with this one.
#[derive(Debug, Args)]
pub(crate) struct ScrubArgs {}

pub(crate) fn run(request: &Request<'_>) -> Outcome {
    let chroot = &request.opened.chroot;
    let count = request.list()?.len();
    ask::confirm(
        request,
        &format!(
            "Remove everything of `{}`, {count} snapshots included?",
            chroot.label()
        ),
    )?;
    chroot.scrub().map_err(Error::from)?;
    request.done(
        format!("Nothing of `{}` is left.", chroot.label()),
        json!({ "scrubbed": chroot.label() }),
    );
    Ok(Status::OK)
}
