//! pid 1's watch over a budget.

use super::cgroup::GroupFiles;
use super::disk::DiskMeter;
use super::tasks::{self, Census, Nameless};
use super::{Exceeded, UsageBudget};
use crate::error::{AtStep, SandboxStep, StepError};
use crate::sources::Sources;
use crate::spec::{ContainerSpec, Limit, Mount, Resource, RootFs};
use crate::sys;
use nix::errno::Errno;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::statvfs::statvfs;
use nix::sys::time::TimeValLike;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Between two looks, and at most this share of a processor for them.
const INTERVAL: Duration = Duration::from_millis(100);
const SHARE: u32 = 20;
/// Processes come quicker than anything else.
const TASKS_INTERVAL: Duration = Duration::from_millis(40);
/// So many more the kernel allows: with fewer a bomb would be over before we have seen it, and what it tore along forgotten.
const BURST: u64 = 4096;
/// Looking through open files is dearer.
const FILES_INTERVAL: Duration = Duration::from_secs(1);

/// What to look at, and what was seen when the command began that is being counted.
pub(crate) struct UsageMeter {
    budget: UsageBudget,
    group: Option<GroupFiles>,
    disk: Option<DiskMeter>,
    /// File systems in memory.
    in_memory: Vec<PathBuf>,
    next: Instant,
    next_files: Instant,
    nameless: Nameless,
    start_cpu: Duration,
    start_kills: u64,
    start_refusals: u64,
}

/// Directories that are only in reach before the host's tree goes away.
pub(crate) struct UpperTree(Option<OwnedFd>);

impl UpperTree {
    pub(crate) fn open(spec: &ContainerSpec, sources: &mut Sources) -> Result<Self, StepError> {
        match measured(spec) {
            Some(upper) => sources
                .tree(upper, false, false, SandboxStep::Limits)
                .map(Self),
            None => Ok(Self(None)),
        }
    }
}

/// The upper directory, if it is to be measured.
pub(crate) fn measured(spec: &ContainerSpec) -> Option<&Path> {
    let bounded = spec.budget.as_ref()?.disk.is_some();
    match &spec.root {
        RootFs::Overlay(layers) if bounded => layers.upper.as_deref(),
        _ => None,
    }
}

/// A directory without what is mounted below it.
fn alone(path: &Path) -> Result<OwnedFd, StepError> {
    let text = "measure";
    let name = sys::cstr(path).step_at(SandboxStep::Limits, text, path)?;
    sys::open_tree(libc::AT_FDCWD, &name, sys::OPEN_TREE_CLONE).step_at(
        SandboxStep::Limits,
        text,
        path,
    )
}

impl UsageMeter {
    /// To be called when everything is mounted.
    pub(crate) fn new(
        spec: &ContainerSpec,
        upper: UpperTree,
        group: Option<GroupFiles>,
    ) -> Result<Option<Self>, StepError> {
        let Some(budget) = spec.budget.clone() else {
            return Ok(None);
        };
        let disk = match budget.disk {
            Some(most) => {
                let places = budget.places.iter().map(|place| alone(place));
                let mut places = places.collect::<Result<Vec<_>, _>>()?;
                places.extend(upper.0);
                Some(DiskMeter::new(places, most))
            }
            None => None,
        };
        let tmpfs = spec.mounts.iter().filter_map(|mount| match mount {
            Mount::Tmpfs { target, .. } => Some(target.clone()),
            _ => None,
        });
        let now = Instant::now();
        let meter = Self {
            in_memory: std::iter::once("/dev/shm".into()).chain(tmpfs).collect(),
            budget,
            group,
            disk,
            next: now,
            next_files: now,
            nameless: Nameless::default(),
            start_cpu: Duration::ZERO,
            start_kills: 0,
            start_refusals: 0,
        };
        if meter.looks_at_tasks() && !tasks::has_own_proc() {
            return Err(StepError::new(
                SandboxStep::Limits,
                "watch what processes use, as the host allows no `/proc` of our own: take the limits out of the \
                 configuration, or allow it (docker: `--security-opt systempaths=unconfined`, podman: \
                 `--security-opt unmask=ALL`)",
                Errno::ENOTSUP,
            ));
        }
        // Should memory run out before we look, the kernel shall take what is in here. Where it may not be set, nothing is lost.
        if meter.budget.memory.is_some() {
            let _ = std::fs::write("/proc/self/oom_score_adj", "500");
        }
        Ok(Some(meter))
    }

    fn watches_memory(&self) -> bool {
        self.budget.memory.is_some() && !self.group.as_ref().is_some_and(|group| group.memory)
    }

    fn watches_processes(&self) -> bool {
        self.budget.processes.is_some() && !self.group.as_ref().is_some_and(|group| group.processes)
    }

    fn looks_at_tasks(&self) -> bool {
        self.watches_memory()
            || self.watches_processes()
            || self.budget.disk.is_some()
            || self.budget.cpu.is_some() && self.group.is_none()
    }

    /// What its process does before anything else.
    pub(crate) fn join(&self) -> Result<(), StepError> {
        match &self.group {
            Some(group) => group
                .join()
                .step(SandboxStep::Limits, "enter the control group"),
            None => Ok(()),
        }
    }

    /// A bound of the kernel's that is above ours: a fork bomb is quicker than we are.
    pub(crate) fn backstop(&self) -> Option<Limit> {
        let most = self.budget.processes.filter(|_| self.watches_processes())?;
        let most = Some(most.saturating_add(BURST));
        Some(Limit {
            resource: Resource::NProc,
            soft: most,
            hard: most,
        })
    }

    /// A command begins that is counted.
    pub(crate) fn begin(&mut self) {
        self.start_cpu = match self.budget.cpu {
            Some(_) => self.cpu(None),
            None => Duration::ZERO,
        };
        if let Some(group) = &self.group {
            (self.start_kills, self.start_refusals) = (group.kills(), group.refusals());
        }
        self.next = Instant::now();
        self.next_files = self.next;
        self.nameless = Nameless::default();
    }

    /// When to look next.
    pub(crate) fn due(&self) -> Instant {
        self.next
    }

    /// Looks, if it is time to.
    pub(crate) fn check(&mut self) -> Option<Exceeded> {
        let began = Instant::now();
        if began < self.next {
            return None;
        }
        let found = self.look(began);
        let took = began.elapsed();
        let busy = self.disk.as_ref().is_some_and(DiskMeter::is_busy);
        self.next = if busy {
            began + took * 2
        } else {
            let usual = if self.watches_processes() {
                TASKS_INTERVAL
            } else {
                INTERVAL
            };
            began + usual.max(took * SHARE)
        };
        found
    }

    fn look(&mut self, now: Instant) -> Option<Exceeded> {
        if let Some(found) = self.told() {
            return Some(found);
        }
        let census = self
            .looks_at_tasks()
            .then(|| tasks::census(self.budget.processes.unwrap_or(u64::MAX)));
        if let (Some(most), Some(census)) = (self.budget.processes, &census)
            && self.watches_processes()
            && census.tasks > most
        {
            return Some(Exceeded::Processes);
        }
        if let Some(census) = &census
            && now >= self.next_files
            && (self.watches_memory() || self.disk.is_some())
        {
            self.nameless = tasks::nameless(&census.pids);
            self.next_files = now + FILES_INTERVAL.max(now.elapsed() * SHARE);
        }
        if let (Some(most), Some(census)) = (self.budget.memory, &census)
            && self.watches_memory()
            && self.memory(census, most) > most
        {
            return Some(Exceeded::Memory);
        }
        let nameless = self.nameless.disk;
        if self.disk.as_mut().is_some_and(|disk| disk.check(nameless)) {
            return Some(Exceeded::Disk);
        }
        let cpu = self.budget.cpu?;
        (self.cpu(census.as_ref()).saturating_sub(self.start_cpu) > cpu).then_some(Exceeded::Cpu)
    }

    /// What the kernel has done already; to be asked after the command's end, too.
    pub(crate) fn told(&self) -> Option<Exceeded> {
        let group = self.group.as_ref()?;
        if group.memory && group.kills() > self.start_kills {
            return Some(Exceeded::Memory);
        }
        (group.processes && group.refusals() > self.start_refusals).then_some(Exceeded::Processes)
    }

    fn memory(&self, census: &Census, enough: u64) -> u64 {
        let held = self.in_memory.iter().filter_map(|path| {
            let fs = statvfs(path).ok()?;
            Some((fs.blocks() - fs.blocks_free()) * fs.fragment_size())
        });
        let beside = held.sum::<u64>() + self.nameless.memory + tasks::loose_segments();
        let rough = beside + census.pages * page_size();
        if rough <= enough {
            return rough;
        }
        beside + tasks::exact_memory(&census.pids)
    }

    /// Processor time of everything inside, so far.
    fn cpu(&self, census: Option<&Census>) -> Duration {
        if let Some(used) = self.group.as_ref().and_then(GroupFiles::cpu) {
            return used;
        }
        let gone = getrusage(UsageWho::RUSAGE_CHILDREN).map_or(0, |used| {
            used.user_time().num_microseconds() + used.system_time().num_microseconds()
        });
        let ticks = match census {
            Some(census) => census.ticks,
            None => tasks::census(u64::MAX).ticks,
        };
        let gone = Duration::from_micros(gone.try_into().unwrap_or(0));
        gone + Duration::from_millis(ticks * 1000 / ticks_per_second())
    }

    /// Kills everything that is counted.
    pub(crate) fn kill(&self) {
        if let Some(group) = &self.group {
            group.kill();
        }
    }
}

fn page_size() -> u64 {
    setting(nix::unistd::SysconfVar::PAGE_SIZE, 4096)
}

fn ticks_per_second() -> u64 {
    setting(nix::unistd::SysconfVar::CLK_TCK, 100)
}

fn setting(variable: nix::unistd::SysconfVar, usual: u64) -> u64 {
    let value = nix::unistd::sysconf(variable).ok().flatten();
    value
        .and_then(|value| u64::try_from(value).ok())
        .filter(|value| *value > 0)
        .unwrap_or(usual)
}
