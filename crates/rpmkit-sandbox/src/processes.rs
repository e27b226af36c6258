//! Who runs in a root, looked up from outside.
//!
//! Whoever works in a chroot has its lock, and so has pid 1 of their container, which inherits it; what descends from
//! them in a deeper pid namespace runs in the root. No kernel's notion of mount options is needed to tell, and no right to
//! look into processes that hide themselves, as pid 1 does. Processes that an administrator started with `chroot` in a
//! root mounted on the host are known by their root directory.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A process in a root.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RootProcess {
    /// Its id here.
    pub pid: u32,
    /// Its command line; the name in brackets where there is none.
    pub command: String,
    /// Whether it is the first process of a container, which only looks after the others.
    pub is_init: bool,
}

/// Processes in containers that `user` started or that hold the lock file `lock`, and those whose root directory is
/// `root`; without our own. What belongs to other users and cannot be looked at is left out.
pub fn processes_in(user: Option<u32>, lock: &Path, root: Option<&Path>) -> Vec<RootProcess> {
    let ours = depth("self");
    let identity = |path: &Path| fs::metadata(path).ok().map(|m| (m.dev(), m.ino()));
    let lock = identity(lock);
    let root = root.and_then(identity);
    let all = all_pids();
    let mut inside: BTreeSet<u32> = BTreeSet::new();
    let holders = all
        .iter()
        .filter(|pid| lock.is_some() && holds(**pid, lock));
    for start in holders.copied().chain(user) {
        add_family(start, &mut inside);
    }
    inside.retain(|pid| depth(&pid.to_string()) > ours);
    let rooted =
        |pid: &u32| root.is_some() && identity(Path::new(&format!("/proc/{pid}/root"))) == root;
    inside.extend(all.iter().filter(|pid| rooted(pid)));
    inside.remove(&std::process::id());
    inside
        .into_iter()
        .map(|pid| RootProcess {
            pid,
            command: command(pid),
            is_init: is_init(pid),
        })
        .collect()
}

/// A process and all that descend from it. Double-forked daemons of a container stay children of its pid 1.
fn add_family(pid: u32, out: &mut BTreeSet<u32>) {
    if !out.insert(pid) {
        return;
    }
    let tasks = fs::read_dir(format!("/proc/{pid}/task"));
    for task in tasks.into_iter().flatten().flatten() {
        let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        for child in children.split_whitespace().filter_map(|c| c.parse().ok()) {
            add_family(child, out);
        }
    }
}

/// Ids of a process in its own and all outer pid namespaces, ours first.
fn ids(pid: &str) -> Vec<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("NSpid:"));
    line.unwrap_or_default()
        .split_whitespace()
        .filter_map(|id| id.parse().ok())
        .collect()
}

/// How deep in pid namespaces a process is, seen from here.
fn depth(pid: &str) -> usize {
    ids(pid).len()
}

/// Ends a process: asks first, and kills what is still there a second later.
pub fn end_processes(processes: &[RootProcess]) {
    let send = |signal| {
        for process in processes {
            if let Ok(pid) = i32::try_from(process.pid) {
                // Gone already is as good.
                let _ = kill(Pid::from_raw(pid), signal);
            }
        }
    };
    let there = |p: &RootProcess| Path::new(&format!("/proc/{}/root", p.pid)).exists();
    send(Signal::SIGTERM);
    let until = Instant::now() + Duration::from_secs(1);
    while Instant::now() < until && processes.iter().any(there) {
        std::thread::sleep(Duration::from_millis(10));
    }
    send(Signal::SIGKILL);
}

fn all_pids() -> Vec<u32> {
    let mut out: Vec<u32> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    out.sort_unstable();
    out
}

fn holds(pid: u32, file: Option<(u64, u64)>) -> bool {
    fs::read_dir(format!("/proc/{pid}/fd"))
        .into_iter()
        .flatten()
        .flatten()
        .any(|fd| fs::metadata(fd.path()).ok().map(|m| (m.dev(), m.ino())) == file)
}

fn command(pid: u32) -> String {
    let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words: Vec<_> = words
        .split(|b| *b == 0)
        .filter(|w| !w.is_empty())
        .map(String::from_utf8_lossy)
        .collect();
    if words.is_empty() {
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        return format!("[{}]", name.trim());
    }
    words.join(" ")
}

/// Whether it is number 1 of its own pid namespace, which is not ours.
fn is_init(pid: u32) -> bool {
    let ids = ids(&pid.to_string());
    ids.len() > 1 && ids.last() == Some(&1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_known_by_its_root() {
        // Everybody whose root is ours, except ourselves: at least whoever started the tests.
        let all = processes_in(None, Path::new("/nonexistent"), Some(Path::new("/")));
        assert!(!all.iter().any(|p| p.pid == std::process::id()));
        assert!(processes_in(None, Path::new("/nonexistent"), None).is_empty());
    }
}
