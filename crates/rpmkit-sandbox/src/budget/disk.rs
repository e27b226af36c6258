//! How much directories hold, measured in small steps: pid 1 has other things to do.

use nix::dir::{Dir, OwningIter};
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag};
use nix::sys::stat::{FileStat, Mode, fstatat};
use nix::sys::statvfs::fstatvfs;
use std::collections::HashSet;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

/// Even where the file system has not grown a walk begins this long after the last: others may free what a build takes.
const AT_LEAST: Duration = Duration::from_secs(30);
/// A walk takes no larger share of our time than one in so many.
const REST: u32 = 10;
/// Time for one step, and for one when the file system has grown by all that is left.
const STEP: Duration = Duration::from_millis(5);
const URGENT: Duration = Duration::from_millis(50);

/// Some directories with a bound on what is in them.
pub(super) struct DiskMeter {
    places: Vec<OwnedFd>,
    most: u64,
    walk: Option<UsageWalk>,
    /// What the last complete walk found, and how full the file systems were when it began.
    known: u64,
    full: u64,
    /// When the next walk may and when it must begin.
    may: Instant,
    must: Instant,
    /// How full they were at the very beginning: what counts when a walk could not see everything.
    first: u64,
    blind: bool,
}

struct UsageWalk {
    began: Instant,
    full: u64,
    bytes: u64,
    blind: bool,
    waiting: Vec<OwnedFd>,
    open: Vec<OwningIter>,
    /// Files with several names, by number, are counted once.
    seen: HashSet<(u64, u64)>,
}

impl DiskMeter {
    pub(super) fn new(places: Vec<OwnedFd>, most: u64) -> Self {
        let now = Instant::now();
        let full = fullness(&places);
        Self {
            places,
            most,
            walk: None,
            known: 0,
            full,
            may: now,
            must: now,
            first: full,
            blind: false,
        }
    }

    /// Goes on measuring. Whether there is too much, given what open files without names hold.
    pub(super) fn check(&mut self, nameless: u64) -> bool {
        let now = Instant::now();
        let full = fullness(&self.places);
        let grown = full.saturating_sub(self.full);
        let urgent = self.known + nameless + grown > self.most;
        if self.walk.is_none() && (now >= self.must || urgent && now >= self.may) {
            self.walk = Some(UsageWalk::begin(&self.places, full));
        }
        if let Some(walk) = &mut self.walk {
            let done = walk.step(now + if urgent { URGENT } else { STEP });
            if walk.bytes + nameless > self.most {
                return true;
            }
            if done {
                let now = Instant::now();
                self.may = now + (now - walk.began) * REST;
                self.must = now + AT_LEAST.max((now - walk.began) * REST);
                (self.known, self.full, self.blind) = (walk.bytes, walk.full, walk.blind);
                self.walk = None;
            }
        }
        self.blind && full.saturating_sub(self.first) > self.most
    }

    /// Whether the next step should come soon.
    pub(super) fn is_busy(&self) -> bool {
        self.walk.is_some()
    }
}

impl UsageWalk {
    fn begin(places: &[OwnedFd], full: u64) -> Self {
        let waiting = places.iter().filter_map(|place| place.try_clone().ok());
        Self {
            began: Instant::now(),
            full,
            bytes: 0,
            blind: false,
            waiting: waiting.collect(),
            open: Vec::new(),
            seen: HashSet::new(),
        }
    }

    /// Goes on until this moment. Whether it is at its end.
    fn step(&mut self, until: Instant) -> bool {
        let mut entries = 0u32;
        loop {
            if self.open.is_empty() {
                let Some(place) = self.waiting.pop() else {
                    return true;
                };
                self.enter(&place, c".");
                continue;
            }
            entries += 1;
            if entries.is_multiple_of(64) && Instant::now() >= until {
                return false;
            }
            self.entry();
        }
    }

    fn enter(&mut self, dir: &impl AsFd, name: &std::ffi::CStr) {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        match Dir::openat(dir, name, flags, Mode::empty()) {
            Ok(dir) => self.open.push(dir.into_iter()),
            // Gone in the meantime.
            Err(Errno::ENOENT | Errno::ENOTDIR) => {}
            // Not to be read, or deeper than we have descriptors.
            Err(_) => self.blind = true,
        }
    }

    fn entry(&mut self) {
        let Some(dir) = self.open.last_mut() else {
            return;
        };
        let Some(Ok(entry)) = dir.next() else {
            self.open.pop();
            return;
        };
        let name = entry.file_name().to_owned();
        if matches!(name.to_bytes(), b"." | b"..") {
            return;
        }
        // SAFETY: the descriptor belongs to the iterator, which lives longer than this borrow and is not used meanwhile.
        let fd = unsafe { std::os::fd::BorrowedFd::borrow_raw(dir.as_raw_fd()) };
        let Ok(stat) = fstatat(fd, name.as_c_str(), AtFlags::AT_SYMLINK_NOFOLLOW) else {
            return;
        };
        self.count(&stat);
        if stat.st_mode & libc::S_IFMT == libc::S_IFDIR {
            self.enter(&fd, &name);
        }
    }

    fn count(&mut self, stat: &FileStat) {
        let is_dir = stat.st_mode & libc::S_IFMT == libc::S_IFDIR;
        if !is_dir && stat.st_nlink > 1 && !self.seen.insert((stat.st_dev, stat.st_ino)) {
            return;
        }
        self.bytes += u64::try_from(stat.st_blocks).unwrap_or(0) * 512;
    }
}

/// Bytes in use on all file systems that the places are on.
fn fullness(places: &[OwnedFd]) -> u64 {
    let mut seen = HashSet::new();
    let of = |place: &OwnedFd| {
        let fs = fstatvfs(place).ok()?;
        let used = (fs.blocks() - fs.blocks_free()) * fs.fragment_size();
        seen.insert(fs.filesystem_id()).then_some(used)
    };
    places.iter().filter_map(of).sum()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn place(dir: &std::path::Path) -> Vec<OwnedFd> {
        vec![std::fs::File::open(dir).unwrap().into()]
    }

    fn whole(dir: &std::path::Path) -> UsageWalk {
        let mut walk = UsageWalk::begin(&place(dir), 0);
        while !walk.step(Instant::now()) {}
        walk
    }

    #[test]
    fn a_file_with_two_names_counts_once_and_links_are_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("big"), vec![1; 1 << 20]).unwrap();
        std::fs::create_dir(dir.path().join("sub")).unwrap();
        std::fs::write(dir.path().join("a"), vec![1; 100_000]).unwrap();
        std::fs::hard_link(dir.path().join("a"), dir.path().join("sub/b")).unwrap();
        std::os::unix::fs::symlink(outside.path(), dir.path().join("c")).unwrap();
        let walk = whole(dir.path());
        assert!((100_000..200_000).contains(&walk.bytes), "{}", walk.bytes);
        assert!(!walk.blind);
    }

    #[test]
    fn many_files_take_several_steps() {
        let dir = tempfile::tempdir().unwrap();
        for nth in 0..200 {
            std::fs::write(dir.path().join(nth.to_string()), "x").unwrap();
        }
        let mut walk = UsageWalk::begin(&place(dir.path()), 0);
        assert!(!walk.step(Instant::now()));
        while !walk.step(Instant::now()) {}
        assert_eq!(walk.bytes, whole(dir.path()).bytes);
    }

    #[test]
    fn too_much_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let mut meter = DiskMeter::new(place(dir.path()), 50_000);
        assert!(!meter.check(0));
        assert!(!meter.is_busy());
        assert!(!meter.check(0));
        meter.must = Instant::now();
        std::fs::write(dir.path().join("a"), vec![1; 100_000]).unwrap();
        assert!(meter.check(0));
        let mut meter = DiskMeter::new(place(dir.path()), 500_000);
        assert!(!meter.check(300_000));
        // A file that has lost its name was counted by the last walk: only another tells.
        assert!(!meter.check(450_000));
        meter.may = Instant::now();
        assert!(meter.check(450_000));
    }
}
