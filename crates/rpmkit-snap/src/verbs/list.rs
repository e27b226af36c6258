//! `rpmkit snap list`

use std::collections::BTreeSet;

use clap::Args;
use rpmkit_cli::{Failure, Status, Tone, VerbResult};
use rpmkit_core::{
    Error,
    chroot::{SnapshotInfo, Upper},
    store::{Driver, LayerKind},
};
use serde::Serialize;

use super::SnapContext;
use crate::text;

/// List snapshots as a tree
///
/// A star marks what `clean` goes back to. Several names may stand for one state. "own" is what only
/// this state takes, "shared" what it has in common with others; an ellipsis stands for what is still
/// being measured.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Names only, one a line
    #[arg(long)]
    names: bool,
}

#[derive(Serialize)]
struct Row {
    #[serde(flatten)]
    info: SnapshotInfo,
    /// What was done to get there from the parent, where that is known, for people.
    #[serde(rename = "what")]
    remark: String,
    /// `None` until it has been measured.
    own_bytes: Option<u64>,
    shared_bytes: Option<u64>,
}

#[derive(Serialize)]
struct Listing<'a> {
    chroot: String,
    snapshots: &'a [Row],
    unsaved_changes: bool,
    in_use_by: Option<rpmkit_core::store::Holder>,
}

pub(crate) fn run(request: &SnapContext<'_>, args: &ListArgs) -> VerbResult {
    let list = request.list()?;
    if args.names && !request.json {
        for snapshot in &list {
            request.printer.data(&snapshot.name);
        }
        return Ok(Status::OK);
    }
    let chroot = &request.opened.chroot;
    let rows = list
        .into_iter()
        .map(|info| row(request, info))
        .collect::<Result<Vec<_>, _>>()?;
    let unsaved = unsaved(request)?;
    let user = chroot.in_use_by().map_err(Error::from)?.flatten();
    if request.json {
        request.printer.json(&Listing {
            chroot: chroot.label(),
            snapshots: &rows,
            unsaved_changes: unsaved,
            in_use_by: user,
        });
        return Ok(Status::OK);
    }
    if rows.is_empty() {
        request
            .printer
            .say(format!("chroot `{}` has no snapshots", chroot.label()));
    }
    let width = rows.iter().map(|r| r.info.name.chars().count()).max();
    for (depth, row) in tree(&rows) {
        let mark = if row.info.current { "*" } else { " " };
        let indent = "  ".repeat(depth);
        let pad = width.unwrap_or(0) + 2 * (max_depth(&rows) - depth);
        let line = format!(
            "{mark} {indent}{:<pad$}  {}  {:>10} own {:>10} shared  {}",
            row.info.name,
            text::time(row.info.created),
            size(row.own_bytes),
            size(row.shared_bytes),
            remark(row),
        );
        let tone = if row.info.current {
            Tone::Strong
        } else {
            Tone::Faint
        };
        request
            .printer
            .data(request.printer.paint_data(tone, line.trim_end()));
    }
    if unsaved {
        request
            .printer
            .say("There are unsaved changes on top of the current one.");
    }
    if let Some(user) = user {
        request
            .printer
            .say(format!("The chroot is in use by {user}."));
    }
    Ok(Status::OK)
}

fn size(bytes: Option<u64>) -> String {
    bytes.map_or_else(|| "…".to_owned(), text::size)
}

/// What the user said, or what was done; a line's worth of it.
fn remark(row: &Row) -> String {
    const WIDTH: usize = 80;
    let text = if row.info.message.is_empty() {
        &row.remark
    } else {
        &row.info.message
    };
    if text.chars().count() <= WIDTH {
        return text.clone();
    }
    let mut short: String = text.chars().take(WIDTH - 1).collect();
    short.push('…');
    short
}

fn row(request: &SnapContext<'_>, info: SnapshotInfo) -> Result<Row, Failure> {
    let (chroot, store) = (&request.opened.chroot, &request.opened.store);
    let Some(layer) = chroot.layer(&info.name).map_err(Error::from)? else {
        return Ok(Row {
            remark: "the empty root".to_owned(),
            own_bytes: Some(0),
            shared_bytes: Some(0),
            info,
        });
    };
    let chain = store.ancestry(&layer).map_err(Error::from)?;
    let own = store.usage_if_known(&layer);
    let mut shared = own.map(|usage| usage.linked);
    // A plain tree is whole by itself.
    let below = match store.format().driver {
        Driver::Overlay => &chain[1..],
        Driver::Plain => &[],
    };
    for below in below {
        let usage = store.usage_if_known(below);
        shared = shared
            .zip(usage)
            .map(|(sum, usage)| sum + usage.own + usage.linked);
    }
    let kind = layer.meta().kind;
    let done = if kind == LayerKind::Snapshot {
        // Its own note only repeats its name.
        info.done.join("; ")
    } else {
        format!("{}: {}", kind.name(), layer.meta().note)
    };
    Ok(Row {
        remark: done.trim_end_matches([' ', ':']).to_owned(),
        own_bytes: own.map(|usage| usage.own),
        shared_bytes: shared,
        info,
    })
}

fn unsaved(request: &SnapContext<'_>) -> Result<bool, Failure> {
    let chroot = &request.opened.chroot;
    let mut state = chroot.state().map_err(Error::from)?;
    let instance = state.instance(chroot.ext());
    Ok(matches!(instance.upper, Upper::Private { dirty: true, .. }))
}

/// Parents before children, with their depth; by age among siblings.
fn tree(rows: &[Row]) -> Vec<(usize, &Row)> {
    fn below<'a>(
        rows: &'a [Row],
        parent: Option<&str>,
        depth: usize,
        seen: &mut BTreeSet<&'a str>,
        out: &mut Vec<(usize, &'a Row)>,
    ) {
        let mut children: Vec<&Row> = rows
            .iter()
            .filter(|r| r.info.parent.as_deref() == parent)
            .collect();
        children.sort_by_key(|r| (r.info.created, &r.info.name));
        for child in children {
            if seen.insert(&child.info.name) {
                out.push((depth, child));
                below(rows, Some(&child.info.name), depth + 1, seen, out);
            }
        }
    }
    let mut out = Vec::new();
    below(rows, None, 0, &mut BTreeSet::new(), &mut out);
    out
}

fn max_depth(rows: &[Row]) -> usize {
    tree(rows)
        .iter()
        .map(|(depth, _)| *depth)
        .max()
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, parent: Option<&str>, created: u64) -> Row {
        Row {
            info: SnapshotInfo {
                name: name.to_owned(),
                current: false,
                layer: None,
                parent: parent.map(str::to_owned),
                created,
                message: String::new(),
                done: Vec::new(),
            },
            remark: String::new(),
            own_bytes: None,
            shared_bytes: None,
        }
    }

    #[test]
    fn the_tree_shows_everything_once_parents_first() {
        let rows = [
            row("b", Some("postinit"), 3),
            row("c", Some("b"), 4),
            row("a", Some("postinit"), 5),
            row("postinit", None, 1),
        ];
        let order: Vec<_> = tree(&rows)
            .iter()
            .map(|(depth, row)| (*depth, row.info.name.as_str()))
            .collect();
        assert_eq!(order, [(0, "postinit"), (1, "b"), (2, "c"), (1, "a")]);
    }
}
