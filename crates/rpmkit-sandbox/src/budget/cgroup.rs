//! A control group (version 2) for commands that are counted, where we may make one.
//!
//! A group can have controllers only if the group above it hands them on, and that one may then hold no processes. So the place
//! is our own group, if it hands on what is needed, or the nearest one above that does and that we may move processes in: for
//! root that is a slice of systemd's, for a user what systemd or a container runtime has delegated.

use super::UsageBudget;
use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;
use nix::unistd::{AccessFlags, access};
use std::fs::{self, File};
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Groups are named by this and the number of the process that removes them.
const PREFIX: &str = "rpmkit-";

/// A group of ours.
pub(crate) struct ControlGroup {
    path: PathBuf,
    files: GroupFiles,
}

/// What pid 1 needs of it, opened while that could be done: inside, the owner of the files may be nobody.
pub(crate) struct GroupFiles {
    dir: OwnedFd,
    procs: OwnedFd,
    kill: Option<OwnedFd>,
    pub(super) memory: bool,
    pub(super) processes: bool,
}

impl ControlGroup {
    /// Makes a group with this budget; none where that cannot be.
    pub(crate) fn make(budget: &UsageBudget) -> Option<Self> {
        let cgroups = fs::read_to_string("/proc/self/cgroup").ok()?;
        let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
        let (mount, own) = find(&cgroups, &mounts)?;
        Self::make_below(budget, &mount, &own)
    }

    fn make_below(budget: &UsageBudget, mount: &Path, own: &Path) -> Option<Self> {
        let wanted: Vec<&str> = [
            budget.memory.map(|_| "memory"),
            budget.processes.map(|_| "pids"),
        ]
        .into_iter()
        .flatten()
        .collect();
        let above = own.ancestors().take_while(|dir| dir.starts_with(mount));
        let place = above
            .enumerate()
            .find(|(nth, dir)| may_move_in(dir) && hands_on(dir, &wanted, *nth == 0));
        match place {
            Some((_, dir)) => Self::make_in(budget, dir),
            // The kernel counts processor time of a group without any controller.
            None if budget.cpu.is_some() && may_move_in(own) => Self::make_in(budget, own),
            None => None,
        }
    }

    fn make_in(budget: &UsageBudget, dir: &Path) -> Option<Self> {
        sweep(dir);
        let path = dir.join(format!("{PREFIX}{}", std::process::id()));
        fs::create_dir(&path).ok()?;
        let made = GroupFiles::open(budget, &path);
        if made.is_none() {
            let _ = fs::remove_dir(&path);
        }
        Some(Self { files: made?, path })
    }

    /// For pid 1.
    pub(crate) fn into_files(self) -> GroupFiles {
        self.files
    }

    /// For who removes it.
    pub(crate) fn path(&self) -> PathBuf {
        self.path.clone()
    }
}

/// Removes a group whose processes have all ended.
pub(crate) fn remove(path: &Path) {
    for _ in 0..50 {
        match fs::remove_dir(path) {
            // The last one may still be on its way out.
            Err(error) if error.raw_os_error() == Some(Errno::EBUSY as i32) => {
                std::thread::sleep(Duration::from_millis(2));
            }
            _ => return,
        }
    }
}

/// Removes what others left who were killed.
fn sweep(dir: &Path) {
    let names = fs::read_dir(dir).into_iter().flatten().flatten();
    for path in names.map(|entry| entry.path()) {
        let name = path.file_name().and_then(|name| name.to_str());
        let pid = name.and_then(|name| name.strip_prefix(PREFIX)?.parse::<u32>().ok());
        if pid.is_some_and(|pid| !Path::new("/proc").join(pid.to_string()).exists()) {
            let _ = fs::remove_dir(path);
        }
    }
}

/// The mount of version 2, and our own group in it.
fn find(cgroups: &str, mounts: &str) -> Option<(PathBuf, PathBuf)> {
    let own = cgroups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let mount = mounts.lines().find_map(|line| {
        let (about, kind) = line.split_once(" - ")?;
        let fields: Vec<&str> = about.split(' ').collect();
        (kind.starts_with("cgroup2 ") && *fields.get(3)? == "/").then(|| fields.get(4).copied())?
    })?;
    if own.split('/').any(|part| part == "..") {
        return None;
    }
    Some((mount.into(), Path::new(mount).join(own)))
}

/// Moving a process needs leave on the group above both ends.
fn may_move_in(dir: &Path) -> bool {
    let may = |path: &Path| access(path, AccessFlags::W_OK).is_ok();
    may(dir) && may(&dir.join("cgroup.procs"))
}

fn hands_on(dir: &Path, wanted: &[&str], try_to: bool) -> bool {
    let file = dir.join("cgroup.subtree_control");
    let has = || {
        let text = fs::read_to_string(&file).unwrap_or_default();
        wanted
            .iter()
            .all(|name| text.split_whitespace().any(|on| on == *name))
    };
    if wanted.is_empty() || has() {
        return !wanted.is_empty();
    }
    let plus: Vec<String> = wanted.iter().map(|name| format!("+{name}")).collect();
    try_to && fs::write(&file, plus.join(" ")).is_ok() && has()
}

impl GroupFiles {
    fn open(budget: &UsageBudget, path: &Path) -> Option<Self> {
        let bound = |file: &str, most: u64| fs::write(path.join(file), most.to_string()).is_ok();
        let memory = budget.memory.is_some_and(|most| {
            bound("memory.max", most) && {
                // Without it a hog would go on in swap; where there is none, there is no such file.
                let _ = bound("memory.swap.max", 0);
                bound("memory.oom.group", 1)
            }
        });
        let processes = budget.processes.is_some_and(|most| bound("pids.max", most));
        let write = |name: &str| {
            let file = File::options().write(true).open(path.join(name));
            file.ok().map(OwnedFd::from)
        };
        Some(Self {
            dir: File::open(path).ok()?.into(),
            procs: write("cgroup.procs")?,
            kill: write("cgroup.kill"),
            memory,
            processes,
        })
    }

    /// Moves this process in.
    pub(crate) fn join(&self) -> Result<(), Errno> {
        nix::unistd::write(&self.procs, b"0").map(drop)
    }

    /// Kills everybody in it.
    pub(super) fn kill(&self) {
        if let Some(kill) = &self.kill {
            let _ = nix::unistd::write(kill, b"1");
        }
    }

    /// Processor time used in it so far.
    pub(super) fn cpu(&self) -> Option<Duration> {
        self.number("cpu.stat", "usage_usec")
            .map(Duration::from_micros)
    }

    /// How often the kernel has killed here because memory ran out.
    pub(super) fn kills(&self) -> u64 {
        self.number("memory.events", "oom_kill").unwrap_or(0)
    }

    /// How often a process could not be started.
    pub(super) fn refusals(&self) -> u64 {
        self.number("pids.events", "max").unwrap_or(0)
    }

    fn number(&self, file: &str, key: &str) -> Option<u64> {
        let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC;
        let file = openat(&self.dir, file, flags, Mode::empty()).ok()?;
        let mut text = String::new();
        File::from(file).read_to_string(&mut text).ok()?;
        let words = |line: &str| line.split_once(' ')?.1.trim().parse().ok();
        let mut lines = text.lines();
        lines.find_map(|line| line.starts_with(&format!("{key} ")).then(|| words(line))?)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// A directory that looks like a control group with these controllers handed on.
    fn group(path: &Path, hands_on: &str) {
        fs::create_dir_all(path).unwrap();
        fs::write(path.join("cgroup.subtree_control"), hands_on).unwrap();
        fs::write(path.join("cgroup.procs"), "").unwrap();
    }

    fn budget() -> UsageBudget {
        UsageBudget {
            memory: Some(1 << 30),
            processes: Some(100),
            ..UsageBudget::default()
        }
    }

    #[test]
    fn the_mount_and_our_own_group_are_found() {
        let mounts = "30 23 0:26 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n\
                      31 23 0:27 / /sys/fs/cgroup/unified rw,nosuid shared:3 - cgroup2 cgroup2 rw\n";
        let found = find("8:pids:/x\n0::/user.slice/a.scope\n", mounts).unwrap();
        assert_eq!(found.0, Path::new("/sys/fs/cgroup/unified"));
        assert_eq!(found.1, found.0.join("user.slice/a.scope"));
        assert!(find("0::/../x\n", mounts).is_none());
        assert!(find("8:pids:/x\n", mounts).is_none());
    }

    #[test]
    fn a_group_is_made_in_the_nearest_place_that_hands_on_what_is_needed() {
        let dir = tempfile::tempdir().unwrap();
        let own = dir.path().join("slice/leaf");
        group(dir.path(), "cpu memory pids");
        group(&dir.path().join("slice"), "memory pids");
        group(&own, "");
        // A directory that is no control group keeps what is written to it, as the kernel would not.
        fs::remove_file(own.join("cgroup.subtree_control")).unwrap();
        fs::create_dir(own.join("cgroup.subtree_control")).unwrap();
        assert!(ControlGroup::make_below(&budget(), dir.path(), &own).is_none());
        let made = dir
            .path()
            .join("slice")
            .join(format!("{PREFIX}{}", std::process::id()));
        // The files of a real group come into being with it; here there was none to open.
        group(&made, "");
        for file in ["memory.events", "pids.events", "cpu.stat"] {
            fs::write(
                made.join(file),
                "usage_usec 1500000\nmax 3\noom 9\noom_kill 2\n",
            )
            .unwrap();
        }
        let files = GroupFiles::open(&budget(), &made).unwrap();
        assert!(files.memory && files.processes && files.kill.is_none());
        let text = |file: &str| fs::read_to_string(made.join(file)).unwrap();
        assert_eq!(
            (
                text("memory.max"),
                text("pids.max"),
                text("memory.oom.group")
            ),
            ("1073741824".into(), "100".into(), "1".into())
        );
        assert_eq!((files.kills(), files.refusals()), (2, 3));
        assert_eq!(files.cpu(), Some(Duration::from_millis(1500)));
        files.join().unwrap();
        assert_eq!(text("cgroup.procs"), "0");
    }

    #[test]
    fn groups_of_the_dead_are_removed() {
        let dir = tempfile::tempdir().unwrap();
        let own = format!("{PREFIX}{}", std::process::id());
        for name in [&own, "rpmkit-4194305", "rpmkit-x", "other"] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        sweep(dir.path());
        let left = |name: &str| dir.path().join(name).exists();
        assert!(left(&own) && left("rpmkit-x") && left("other") && !left("rpmkit-4194305"));
    }
}
