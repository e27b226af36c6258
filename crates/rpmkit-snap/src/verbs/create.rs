//! `rpmkit snap create`

use clap::Args;
use rpmkit_cli::{Status, VerbResult};
use rpmkit_core::Error;
use serde_json::json;

use super::SnapContext;

/// Keep the present state under a name
///
/// From now on `clean` goes back to it. Nothing is copied.
#[derive(Debug, Args)]
pub(crate) struct CreateArgs {
    /// Name; by default the date and time
    name: Option<String>,
    /// What it is, for `list`
    #[arg(
        short,
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    message: String,
}

pub(crate) fn run(request: &SnapContext<'_>, args: &CreateArgs) -> VerbResult {
    let name = match &args.name {
        Some(name) => name.clone(),
        None => jiff::Zoned::now().strftime("%Y-%m-%d_%H%M%S").to_string(),
    };
    let chroot = &request.opened.chroot;
    chroot
        .snapshot_prepared(&name, &args.message)
        .map_err(Error::from)?;
    request.done(
        format!("Snapshot `{name}` of `{}` made.", chroot.label()),
        json!({ "created": name }),
    );
    Ok(Status::OK)
}
