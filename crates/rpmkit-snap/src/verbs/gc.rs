//! `rpmkit snap gc`

use clap::Args;
use rpmkit_cli::{Status, VerbResult};
use rpmkit_core::{Error, chroot::mentioned, store::GcOptions};

use super::SnapContext;
use crate::text;

/// Free disk space: drop layers that nothing refers to
///
/// Snapshots and whatever runs are never touched. Layers that could be made again are kept, most
/// recently used first, up to the size given; without a size all of them are kept.
#[derive(Debug, Args)]
pub(crate) struct GcArgs {
    /// Keep at most this much of what can be made again, such as `5G`; `0` keeps nothing of it
    #[arg(long, value_name = "SIZE", value_parser = text::parse_size)]
    keep: Option<u64>,
    /// Only tell what would go
    #[arg(short = 'n', long)]
    dry_run: bool,
}

pub(crate) fn run(request: &SnapContext<'_>, args: &GcArgs) -> VerbResult {
    let store = &request.opened.store;
    let report = store
        .gc(
            &mentioned,
            &GcOptions {
                keep: args.keep,
                dry_run: args.dry_run,
            },
        )
        .map_err(Error::from)?;
    if !args.dry_run {
        store.sweep().map_err(Error::from)?;
    }
    if request.json {
        request.printer.json(&report);
        return Ok(Status::OK);
    }
    for gone in &report.removed {
        request.printer.data(format!(
            "{}  {:>10}  {}  {}",
            gone.id.short(),
            text::size(gone.size),
            gone.kind.name(),
            gone.note
        ));
    }
    let freed: u64 = report.removed.iter().map(|r| r.size).sum();
    request.printer.say(format!(
        "{} {} layers ({}) and {} left-overs of stopped runs; {} layers ({}) stay.",
        if args.dry_run {
            "Would remove"
        } else {
            "Removed"
        },
        report.removed.len(),
        text::size(freed),
        report.debris,
        report.kept,
        text::size(report.kept_bytes),
    ));
    Ok(Status::OK)
}
