//! `rpmkit cache`: what is kept to be fast, and room made in it.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::SystemTime,
};

use clap::{Args, Subcommand};
use rpmkit_cli::{Context, Failure, Status, VerbResult, args::OutputArgs, homes, setup};
use rpmkit_core::{
    Error, Events,
    chroot::mentioned,
    results::record::unix_time,
    store::{GcOptions, LockHolder, Store, host::survey},
};
use serde::Serialize;

/// Show what is kept to be fast, and make room
///
/// Everything in it can be had again: packages and metadata by downloading, layers and results of chains by making
/// them anew. Snapshots and whatever is in use stay.
#[derive(Debug, Clone, Args)]
pub struct CacheArgs {
    #[command(subcommand)]
    work: Option<CacheWork>,

    /// How to speak
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Debug, Clone, Subcommand)]
enum CacheWork {
    /// Drop what was not used for longest: results of chains that newer ones took the place of, other results, layers
    Prune {
        /// Keep at most this much of both, such as `20G`
        #[arg(long, value_name = "SIZE", value_parser = parse_size)]
        keep: u64,
        /// Only tell what would go
        #[arg(short = 'n', long)]
        dry_run: bool,
    },
}

/// Reads `500M`, `20G`, `1000` (bytes); units are powers of 1024.
fn parse_size(text: &str) -> Result<u64, String> {
    let upper = text.trim().to_ascii_uppercase();
    let number = upper.trim_end_matches('B').trim_end_matches('I');
    let shift = match number.chars().last() {
        Some('K') => 10,
        Some('M') => 20,
        Some('G') => 30,
        Some('T') => 40,
        _ => 0,
    };
    let digits = if shift > 0 {
        &number[..number.len() - 1]
    } else {
        number
    };
    let whole = digits.trim().parse::<u64>().ok();
    whole
        .and_then(|number| number.checked_mul(1 << shift))
        .ok_or_else(|| {
            format!(
                "`{text}` is no size: a whole number with K, M, G or T was expected, such as `20G`"
            )
        })
}

/// One directory of the cache.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct CachePart {
    name: String,
    bytes: u64,
    files: u64,
    /// User id of who made it.
    owner: u32,
    /// Seconds since 1970.
    used: u64,
}

/// Results of one build of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
struct KeptResults {
    path: PathBuf,
    bytes: u64,
    used: SystemTime,
    /// Newer ones of the same key, or of the same package, count.
    superseded: bool,
}

/// Lists, or makes room.
pub fn run(cx: &mut Context, args: &CacheArgs) -> VerbResult {
    let events = cx.listen(&args.output);
    let dir = cx.host.dirs.cache.clone();
    match &args.work {
        None => list(cx, &dir),
        Some(CacheWork::Prune { keep, dry_run }) => prune(cx, events, &dir, *keep, *dry_run),
    }
}

fn list(cx: &Context, dir: &Path) -> VerbResult {
    let mut parts = Vec::new();
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let Ok(meta) = entry.metadata() else { continue };
        let mut part = CachePart {
            name: entry.file_name().to_string_lossy().into_owned(),
            bytes: 0,
            files: 0,
            owner: meta.uid(),
            used: 0,
        };
        measure(&entry.path(), &mut part);
        parts.push(part);
    }
    parts.sort_by_key(|part| std::cmp::Reverse(part.bytes));
    if cx.json {
        cx.printer.json(&parts);
        return Ok(Status::OK);
    }
    for part in &parts {
        cx.printer.data(row(part));
    }
    let total: u64 = parts.iter().map(|part| part.bytes).sum();
    cx.printer
        .say(format!("{} in {}", size(total), dir.display()));
    Ok(Status::OK)
}

fn row(part: &CachePart) -> String {
    let when = i64::try_from(part.used)
        .ok()
        .and_then(|seconds| jiff::Timestamp::from_second(seconds).ok())
        .map_or_else(
            || "never".to_owned(),
            |at| at.strftime("%Y-%m-%d %H:%MZ").to_string(),
        );
    format!(
        "{:>10}  {:>8} files  {when}  user {}  {}",
        size(part.bytes),
        part.files,
        part.owner,
        part.name
    )
}

fn size(bytes: u64) -> String {
    match bytes >> 20 {
        0 => format!("{} KiB", bytes >> 10),
        mib if mib < 10 << 10 => format!("{mib} MiB"),
        mib => format!("{} GiB", mib >> 10),
    }
}

/// Adds up what is below a path on disk. What may not be read, files of build users for instance, counts as nothing.
fn measure(path: &Path, part: &mut CachePart) {
    let mut todo = vec![path.to_owned()];
    while let Some(path) = todo.pop() {
        let Ok(meta) = fs::symlink_metadata(&path) else {
            continue;
        };
        part.used = part.used.max(u64::try_from(meta.mtime()).unwrap_or(0));
        // A file with several names takes its place once.
        part.bytes += meta.blocks() * 512
            / meta
                .nlink()
                .max(1)
                .min(if meta.is_dir() { 1 } else { u64::MAX });
        part.files += u64::from(!meta.is_dir());
        if meta.is_dir() {
            todo.extend(
                fs::read_dir(&path)
                    .into_iter()
                    .flatten()
                    .flatten()
                    .map(|entry| entry.path()),
            );
        }
    }
}

/// Results of chains, those to go first first.
fn results(dir: &Path) -> Vec<KeptResults> {
    let mut out = Vec::new();
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let (path, name) = (
            entry.path(),
            entry.file_name().to_string_lossy().into_owned(),
        );
        let (Ok(meta), Some((key, _))) = (fs::symlink_metadata(&path), name.split_once('.')) else {
            continue;
        };
        if !meta.is_dir() || key.is_empty() {
            continue;
        }
        let mut part = CachePart {
            name: String::new(),
            bytes: 0,
            files: 0,
            owner: 0,
            used: 0,
        };
        measure(&path, &mut part);
        out.push(KeptResults {
            superseded: fs::read_link(dir.join(key)).is_ok_and(|to| to != Path::new(&name)),
            bytes: part.bytes,
            used: meta.modified().unwrap_or(SystemTime::UNIX_EPOCH),
            path,
        });
    }
    out.sort_by_key(|one| (!one.superseded, one.used));
    out
}

fn prune(cx: &Context, events: Events, dir: &Path, keep: u64, dry_run: bool) -> VerbResult {
    let layers = homes::usual(&cx.host);
    let found = survey(&layers, cx.host.uid).map_err(|e| setup::sandbox_failure(&e))?;
    let holder = LockHolder {
        pid: std::process::id(),
        command: setup::command_line(&cx.host),
        since: unix_time(SystemTime::now()),
    };
    let store = Store::open_here(
        layers,
        cx.host.uid,
        &found,
        rpmkit_core::OPS,
        holder,
        events,
    )
    .map_err(Error::from)?;
    let chains = dir.join("chain");
    // Whoever builds a chain may be using any of the results.
    let at_work = crate::chain::home::at_work(&chains);
    let all = results(&chains.join("results-1"));
    let mut left: u64 = all.iter().map(|one| one.bytes).sum();
    let mut freed = 0;
    for one in &all {
        if left <= keep && !one.superseded {
            break;
        }
        if at_work {
            cx.printer
                .line("warning: a chain is being built: its results stay");
            break;
        }
        cx.printer
            .data(format!("{:>10}  {}", size(one.bytes), one.path.display()));
        if !dry_run {
            fs::remove_dir_all(&one.path).map_err(|e| {
                Failure::general(format!("cannot remove `{}`: {e}", one.path.display()))
            })?;
        }
        left -= one.bytes;
        freed += one.bytes;
    }
    let options = GcOptions {
        keep: Some(keep.saturating_sub(left)),
        dry_run,
    };
    let report = store.gc(&mentioned, &options).map_err(Error::from)?;
    if !dry_run {
        store.sweep().map_err(Error::from)?;
    }
    for gone in &report.removed {
        cx.printer.data(format!(
            "{:>10}  {} {}",
            size(gone.size),
            gone.kind.name(),
            gone.note
        ));
        freed += gone.size;
    }
    cx.printer.say(format!(
        "{} {}; {} of results and {} of layers stay",
        if dry_run { "would free" } else { "freed" },
        size(freed),
        size(left),
        size(report.kept_bytes)
    ));
    Ok(Status::OK)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::{os::unix::fs::symlink, time::Duration};

    use super::*;

    #[test]
    fn superseded_results_go_first_then_the_oldest() {
        let dir = tempfile::tempdir().unwrap();
        for (name, age) in [("a.1", 1), ("a.2", 30), ("b.1", 20)] {
            let path = dir.path().join(name);
            fs::create_dir(&path).unwrap();
            fs::write(path.join("x"), vec![1; 9000]).unwrap();
            let at = SystemTime::now() - Duration::from_secs(age);
            fs::File::open(&path).unwrap().set_modified(at).unwrap();
        }
        symlink("a.2", dir.path().join("a")).unwrap();
        symlink("b.1", dir.path().join("b")).unwrap();
        let found = results(dir.path());
        let names: Vec<_> = found
            .iter()
            .map(|one| one.path.file_name().unwrap().to_str().unwrap())
            .collect();
        assert_eq!(names, ["a.1", "a.2", "b.1"]);
        assert!(found[0].superseded && !found[1].superseded && found[0].bytes >= 9000);
    }

    #[test]
    fn sizes_are_read_and_shown() {
        for (text, bytes) in [
            ("1000", 1000),
            ("20G", 20 << 30),
            ("5 MiB", 5 << 20),
            ("1kb", 1024),
        ] {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        assert!(parse_size("x").is_err() && parse_size("99999999999T").is_err());
        assert_eq!(size(5 << 20), "5 MiB");
    }
}
