//! Processes of the container, and what they use, as its `/proc` tells.

use nix::sys::statfs::{TMPFS_MAGIC, statfs};
use std::collections::HashSet;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Open files looked at in one go: more are left to the next bound.
const MOST_FILES: usize = 20_000;

/// All processes but pid 1.
#[derive(Debug, Default)]
pub(super) struct Census {
    pub(super) pids: Vec<i32>,
    /// Processes and threads.
    pub(super) tasks: u64,
    /// Resident pages. Those that processes share count for each of them.
    pub(super) pages: u64,
    /// Processor time of these and of the children they have waited for, in clock ticks.
    pub(super) ticks: u64,
}

/// Whether `/proc` shows this pid namespace.
pub(super) fn has_own_proc() -> bool {
    std::fs::read_link("/proc/self").is_ok_and(|own| own.as_os_str() == "1")
}

/// Counts processes. With more than `enough` of them no one is looked at.
pub(super) fn census(enough: u64) -> Census {
    let mut census = Census::default();
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return census;
    };
    census.pids = entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|pid| *pid != 1)
        .collect();
    census.tasks = census.pids.len() as u64;
    if census.tasks > enough {
        return census;
    }
    census.tasks = 0;
    for pid in &census.pids {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
        let Some(one) = stat.ok().as_deref().and_then(read_stat) else {
            continue;
        };
        census.tasks += one.threads;
        census.pages += one.pages;
        census.ticks += one.ticks;
    }
    census
}

struct Stat {
    threads: u64,
    pages: u64,
    ticks: u64,
}

/// The fields of proc_pid_stat(5), counted from `state`: a name may hold anything, so what is before its end is no help.
fn read_stat(text: &str) -> Option<Stat> {
    let (_, tail) = text.rsplit_once(')')?;
    let fields: Vec<&str> = tail.split_whitespace().collect();
    let number = |nth: usize| fields.get(nth)?.parse::<i64>().ok();
    let mut ticks = 0;
    for nth in 11..15 {
        ticks += number(nth)?;
    }
    Some(Stat {
        threads: number(17)?.try_into().ok()?,
        pages: number(21)?.max(0).try_into().ok()?,
        ticks: ticks.max(0).try_into().ok()?,
    })
}

/// Bytes of memory of these processes, shared pages divided among those that share them. Slow.
pub(super) fn exact_memory(pids: &[i32]) -> u64 {
    let of = |pid: &i32| {
        let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
        let lines = text.lines().filter_map(|line| {
            let rest = line
                .strip_prefix("Pss:")
                .or_else(|| line.strip_prefix("SwapPss:"))?;
            rest.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()
        });
        Some(lines.sum::<u64>() * 1024)
    };
    pids.iter().filter_map(of).sum()
}

/// Bytes of System V shared memory that no process has attached: attached ones are in their memory.
pub(super) fn loose_segments() -> u64 {
    let text = std::fs::read_to_string("/proc/sysvipc/shm").unwrap_or_default();
    text.lines().skip(1).filter_map(read_segment).sum()
}

fn read_segment(line: &str) -> Option<u64> {
    let fields: Vec<u64> = line
        .split_whitespace()
        .map(|field| field.parse().unwrap_or(0))
        .collect();
    let (attached, resident) = (*fields.get(6)?, *fields.get(14)?);
    (attached == 0).then_some(resident + fields.get(15).copied().unwrap_or(0))
}

/// Bytes of files that are open and have no name, which no walk of directories finds.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Nameless {
    pub(super) memory: u64,
    pub(super) disk: u64,
}

/// Looks through the open files of these processes.
pub(super) fn nameless(pids: &[i32]) -> Nameless {
    let mut found = Nameless::default();
    let mut seen = HashSet::new();
    let mut left = MOST_FILES;
    for pid in pids {
        let Ok(files) = std::fs::read_dir(format!("/proc/{pid}/fd")) else {
            continue;
        };
        for file in files.flatten() {
            if left == 0 {
                return found;
            }
            left -= 1;
            let path = file.path();
            let Ok(meta) = std::fs::metadata(&path) else {
                continue;
            };
            if meta.nlink() > 0 || !meta.is_file() || !seen.insert((meta.dev(), meta.ino())) {
                continue;
            }
            let bytes = meta.blocks() * 512;
            if in_memory(&path) {
                found.memory += bytes;
            } else {
                found.disk += bytes;
            }
        }
    }
    found
}

fn in_memory(path: &Path) -> bool {
    statfs(path).is_ok_and(|fs| fs.filesystem_type() == TMPFS_MAGIC)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_process_is_read_whatever_its_name() {
        let line = "7 (a) S 1 (b) S 1 7 7 0 -1 4194560 1 2 3 4 10 20 30 40 20 0 3 0 99 4096 25 1";
        let stat = read_stat(line).unwrap();
        assert_eq!((stat.ticks, stat.threads, stat.pages), (100, 3, 25));
        assert!(read_stat("7 (a) S 1").is_none());
    }

    #[test]
    fn only_segments_that_nobody_has_count() {
        let line =
            |attached| format!("0 1 666 8192 5 6 {attached} 1000 1000 1000 1000 0 0 0 8192 4096");
        assert_eq!(read_segment(&line(0)), Some(12288));
        assert_eq!(read_segment(&line(2)), None);
    }

    #[test]
    fn files_without_a_name_are_found() {
        let mut file = tempfile::tempfile().unwrap();
        std::io::Write::write_all(&mut file, &[1; 1 << 20]).unwrap();
        let memory = crate::sys::memfd(c"test", &[1; 1 << 20]).unwrap();
        let found = nameless(&[std::process::id().try_into().unwrap()]);
        // Where temporary files are in memory both are.
        assert!(found.memory >= 1 << 20 && found.memory + found.disk >= 2 << 20);
        drop(memory);
    }
}
