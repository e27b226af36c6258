//! `rpmkit history`: what was built on this machine.

use clap::Args;
use rpmkit_cli::{
    Context, Failure, Status, VerbResult,
    args::OutputArgs,
    history::{self, Entry},
};
use rpmkit_core::results::record::BuildOutcome;

/// List what was built: when, for which chroot, how long it took, against which set of packages
///
/// The latest build comes last. Equal marks in the last column are equal sets.
#[derive(Debug, Clone, Args)]
pub struct HistoryArgs {
    /// Only packages with this in their names
    #[arg(value_name = "NAME")]
    pub name: Option<String>,

    /// At most this many, the latest; 0 is all
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 20)]
    pub count: usize,

    /// How to speak
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Lists them on standard output.
pub fn run(cx: &mut Context, args: &HistoryArgs) -> VerbResult {
    cx.set_output(&args.output);
    let entries = history::read(&cx.host.dirs.state)
        .map_err(|e| Failure::general(format!("cannot read the history of builds: {e}")))?;
    let mut chosen: Vec<&Entry> = entries
        .iter()
        .filter(|entry| {
            args.name
                .as_ref()
                .is_none_or(|name| entry.package.contains(name.as_str()))
        })
        .collect();
    if args.count > 0 {
        chosen = chosen.split_off(chosen.len().saturating_sub(args.count));
    }
    if args.output.is_json() {
        cx.printer
            .json(&serde_json::json!({ "format": history::FORMAT, "builds": chosen }));
        return Ok(Status::OK);
    }
    let width = chosen
        .iter()
        .map(|entry| entry.package.len())
        .max()
        .unwrap_or(0);
    for entry in chosen {
        cx.printer.data(row(entry, width));
    }
    Ok(Status::OK)
}

fn row(entry: &Entry, width: usize) -> String {
    let mark = match entry.outcome {
        BuildOutcome::Success => "✓",
        BuildOutcome::Fail => "✗",
    };
    let set = entry.set.as_ref().map_or_else(
        || "-".to_owned(),
        |set| {
            format!(
                "{} packages {}",
                set.packages,
                set.sha256.get(..8).unwrap_or(&set.sha256)
            )
        },
    );
    let mut row = format!(
        "{mark} {}  {:<width$}  {}  {:.1} s  {set}",
        entry.when(),
        entry.package,
        entry.chroot,
        entry.seconds
    );
    if let Some(cause) = &entry.cause {
        row.push_str("  ");
        row.push_str(cause.lines().next().unwrap_or_default());
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_what_when_how_long_and_against_what() {
        let entry = Entry {
            format: history::FORMAT,
            ended: 1_767_323_045,
            seconds: 2.25,
            package: "a-1-1".into(),
            chroot: "c".into(),
            outcome: BuildOutcome::Fail,
            cause: Some("no".into()),
            set: Some(history::Set {
                packages: 3,
                sha256: "0123456789abcdef".into(),
            }),
            results: "/r".into(),
        };
        assert_eq!(
            row(&entry, 6),
            "✗ 2026-01-02 03:04Z  a-1-1   c  2.2 s  3 packages 01234567  no"
        );
    }
}
