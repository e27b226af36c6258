//! `rpmkit snap du`

use clap::Args;
use rpmkit_cli::{Status, VerbResult};
use rpmkit_core::{Error, LayerId, store::LayerKind};
use serde::Serialize;

use super::SnapContext;
use crate::text;

/// Show what takes the disk space: every layer with its size and use
#[derive(Debug, Args)]
pub(crate) struct DuArgs {}

#[derive(Serialize)]
struct Row {
    id: LayerId,
    kind: LayerKind,
    own_bytes: u64,
    linked_bytes: u64,
    files: u64,
    created: u64,
    parent: Option<LayerId>,
    note: String,
}

pub(crate) fn run(request: &SnapContext<'_>) -> VerbResult {
    let store = &request.opened.store;
    let mut rows = Vec::new();
    for meta in store.all_metas().map_err(Error::from)? {
        // It may be collected while we look.
        let Some(layer) = store.find(&meta.id).map_err(Error::from)? else {
            continue;
        };
        let usage = store.usage(&layer).map_err(Error::from)?;
        rows.push(Row {
            id: meta.id,
            kind: meta.kind,
            own_bytes: usage.own,
            linked_bytes: usage.linked,
            files: usage.entries,
            created: meta.created,
            parent: meta.parent,
            note: meta.note,
        });
    }
    rows.sort_by_key(|r| std::cmp::Reverse(r.own_bytes));
    if request.json {
        request.printer.json(&rows);
        return Ok(Status::OK);
    }
    for row in &rows {
        request.printer.data(format!(
            "{}  {:>10}  {:>8} files  {}  {:<18}  {}",
            row.id.short(),
            text::size(row.own_bytes),
            row.files,
            text::time(row.created),
            row.kind.name(),
            row.note
        ));
    }
    let total = rows.iter().map(|r| r.own_bytes).sum();
    request
        .printer
        .say(format!("{} layers, {}", rows.len(), text::size(total)));
    Ok(Status::OK)
}
