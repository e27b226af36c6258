//! `rpmkit snap remove`

use clap::Args;
use clap_complete::ArgValueCompleter;
use rpmkit_cli::{Status, VerbResult};
use rpmkit_core::Error;
use serde_json::json;

use super::SnapContext;
use crate::ask;

/// Forget snapshots
///
/// Any may go, even the current one: what others are made of stays.
#[derive(Debug, Args)]
pub(crate) struct RemoveArgs {
    /// Snapshots; asked for when left out
    #[arg(add = ArgValueCompleter::new(crate::complete::snapshots))]
    names: Vec<String>,
}

pub(crate) fn run(request: &SnapContext<'_>, args: &RemoveArgs) -> VerbResult {
    let names = match args.names.as_slice() {
        [] => vec![ask::choose(request, None, "Remove")?],
        names => names.to_vec(),
    };
    let chroot = &request.opened.chroot;
    let known = chroot.state().map_err(Error::from)?.names;
    if names.iter().all(|n| known.contains_key(n)) {
        ask::confirm(request, &format!("Remove {}?", quoted(&names)))?;
    }
    let borrowed: Vec<&str> = names.iter().map(String::as_str).collect();
    chroot.remove(&borrowed).map_err(Error::from)?;
    request.done(
        format!("Removed {}.", quoted(&names)),
        json!({ "removed": names }),
    );
    Ok(Status::OK)
}

fn quoted(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|n| format!("`{n}`")).collect();
    quoted.join(", ")
}
