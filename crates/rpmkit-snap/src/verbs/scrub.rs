//! `rpmkit snap scrub`

use clap::Args;
use rpmkit_cli::{Status, VerbResult, homes};
use rpmkit_core::{Error, chroot::mentioned};
use serde_json::json;

use super::SnapContext;
use crate::ask;

/// Remove everything of this chroot: all its snapshots and states
///
/// Other chroots are not touched, even where they share layers with this one.
#[derive(Debug, Args)]
pub(crate) struct ScrubArgs {}

pub(crate) fn run(request: &SnapContext<'_>) -> VerbResult {
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
    let store = chroot.store();
    // Whoever scrubs wants the space.
    store.sweep().map_err(Error::from)?;
    let elsewhere = store.dir().parent() != Some(homes::usual(request.host).as_path());
    if elsewhere && chroot.ext().is_empty() {
        // A `base_dir`, where nothing of the configuration shall stay.
        store.dissolve(&mentioned).map_err(Error::from)?;
    }
    request.done(
        format!("Nothing of `{}` is left.", chroot.label()),
        json!({ "scrubbed": chroot.label() }),
    );
    Ok(Status::OK)
}
