//! pid 1 of a container: reaps, starts commands it is asked for, kills, and never waits for anything else.
//!
//! It keeps the identity of container root: a build running under the same id could kill it otherwise.

use crate::budget::Exceeded;
use crate::budget::meter::UsageMeter;
use crate::child::{self, ChildIo};
use crate::command::Leftovers;
use crate::error::{AtStep, SandboxStep, StepError};
use crate::exec::SavedLimits;
use crate::plan::{ControlRequest, Io, Order, Reply, RunPlan};
use crate::spec::ContainerSpec;
use crate::{mknod, output, pty, wire};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::socket::{SockFlag, accept4};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

/// A command that was started and whose client still listens.
struct Running {
    /// Also its process group and session.
    pid: Pid,
    channel: OwnedFd,
    leftovers: Leftovers,
    counted: bool,
    exceeded: Option<Exceeded>,
    exited: bool,
}

struct Init<'a> {
    spec: &'a ContainerSpec,
    limits: SavedLimits,
    meter: Option<UsageMeter>,
    /// Who may ask for commands.
    controls: Vec<OwnedFd>,
    /// Whether the first of them is the client that started us: when it goes, we go, unless we are to stay.
    has_starter: bool,
    stays: bool,
    listener: Option<OwnedFd>,
    /// Kept open for their locks.
    held: &'a [OwnedFd],
    running: Vec<Running>,
    /// Readable when a child has ended.
    signals: SignalFd,
    devices: mknod::Server,
}

/// How long killed processes may take to be gone: one stuck in the kernel must not hold up the rest.
const DYING: Duration = Duration::from_secs(2);

/// How often a container that was left looks whether its chroot is there still, in milliseconds.
const LOOK_ROUND: u16 = 2000;

/// Why the loop ends.
enum Next {
    Go,
    Stop,
}

/// Serves until told to stop or until the client is gone. Returns the exit code.
pub(crate) fn run(
    spec: &ContainerSpec,
    limits: SavedLimits,
    meter: Option<UsageMeter>,
    socket: OwnedFd,
    listener: Option<OwnedFd>,
    held: &[OwnedFd],
) -> i32 {
    let mut mask = SigSet::empty();
    mask.add(Signal::SIGCHLD);
    let Ok(signals) = mask
        .thread_block()
        .and_then(|()| SignalFd::with_flags(&mask, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK))
    else {
        return 1;
    };
    let mut init = Init {
        spec,
        limits,
        meter,
        controls: vec![socket],
        has_starter: true,
        stays: false,
        listener,
        held,
        running: Vec::new(),
        signals,
        devices: mknod::Server::default(),
    };
    loop {
        match init.turn() {
            Ok(Next::Go) => {}
            Ok(Next::Stop) => return stop(),
            Err(_) => return 1,
        }
    }
}

/// Kills and reaps everybody, so that nothing but us holds the mounts.
fn stop() -> i32 {
    kill_everything();
    loop {
        match waitpid(None, None) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => return 0,
        }
    }
}

/// SIGKILL to all of the pid namespace but us.
fn kill_everything() {
    // Outside a pid namespace of our own, -1 would be the whole host.
    if nix::unistd::getpid() == Pid::from_raw(1) {
        let _ = kill(Pid::from_raw(-1), Signal::SIGKILL);
    }
}

/// The shorter of two waits.
fn sooner(a: PollTimeout, b: PollTimeout) -> PollTimeout {
    if a.is_none() { b } else { a.min(b) }
}

impl Init<'_> {
    fn turn(&mut self) -> Result<Next, Errno> {
        // Who comes in this turn was not waited for yet.
        let controls = self.controls.len();
        let ready = self.wait()?;
        if self.is_alone() && self.is_orphaned() {
            return Ok(Next::Stop);
        }
        let mut ready = ready.into_iter();
        if ready.next() == Some(true) {
            let _ = self.signals.read_signal();
            self.reap();
        }
        self.meter();
        if self.listener.is_some() && ready.next() == Some(true) {
            self.accept();
        }
        let devices: Vec<bool> = ready.by_ref().take(self.devices.fds().count()).collect();
        self.devices.serve(&devices);
        let controls: Vec<bool> = ready.by_ref().take(controls).collect();
        let channels: Vec<bool> = ready.take(self.running.len()).collect();
        // Channels first: an order sent before a request must be done before it.
        self.serve_channels(&channels);
        self.serve_controls(&controls)
    }

    /// Whether we were left and nobody has come.
    fn is_alone(&self) -> bool {
        !self.has_starter && self.controls.is_empty()
    }

    /// Whether what we hold locks of was deleted: then nobody can find us any more.
    fn is_orphaned(&self) -> bool {
        let links = |fd: &OwnedFd| nix::sys::stat::fstat(fd).map_or(0, |meta| meta.st_nlink);
        self.held.first().is_some_and(|fd| links(fd) == 0)
    }

    fn wait(&self) -> Result<Vec<bool>, Errno> {
        let fds = std::iter::once(self.signals.as_fd())
            .chain(self.listener.iter().map(AsFd::as_fd))
            .chain(self.devices.fds())
            .chain(self.controls.iter().map(AsFd::as_fd))
            .chain(self.running.iter().map(|run| run.channel.as_fd()));
        let mut fds: Vec<PollFd<'_>> = fds.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        let metered = match &self.meter {
            Some(meter) if self.is_counting() => output::timeout_until(meter.due()),
            _ => PollTimeout::NONE,
        };
        let limit = if self.is_alone() {
            sooner(metered, PollTimeout::from(LOOK_ROUND))
        } else {
            metered
        };
        match nix::poll::poll(&mut fds, limit) {
            Ok(_) => Ok(fds
                .iter()
                .map(|fd| fd.revents().is_none_or(|got| !got.is_empty()))
                .collect()),
            Err(Errno::EINTR) => Ok(vec![false; fds.len()]),
            Err(errno) => Err(errno),
        }
    }

    fn is_counting(&self) -> bool {
        self.running.iter().any(|run| run.counted && !run.exited)
    }

    /// Looks after the budget.
    fn meter(&mut self) {
        if !self.is_counting() {
            return;
        }
        let Some(meter) = &mut self.meter else {
            return;
        };
        let Some(which) = meter.check() else {
            return;
        };
        meter.kill();
        for run in self.running.iter_mut().filter(|run| run.counted) {
            run.exceeded = run.exceeded.or(Some(which));
        }
        // Whoever else is in here: what a build has started may be anywhere.
        kill_everything();
    }

    fn accept(&mut self) {
        let Some(listener) = &self.listener else {
            return;
        };
        if let Ok(fd) = accept4(listener.as_raw_fd(), SockFlag::SOCK_CLOEXEC) {
            // SAFETY: just accepted, ours alone.
            self.controls.push(unsafe { OwnedFd::from_raw_fd(fd) });
        }
    }

    fn serve_controls(&mut self, ready: &[bool]) -> Result<Next, Errno> {
        let (mut gone, mut asked) = (Vec::new(), Vec::new());
        for (at, _) in ready.iter().enumerate().filter(|(_, ready)| **ready) {
            match wire::receive::<ControlRequest>(&self.controls[at]) {
                Ok(Some((ControlRequest::Run(plan), fds))) => self.start(&plan, fds),
                Ok(Some((ControlRequest::KillAll, _))) => kill_everything(),
                Ok(Some((ControlRequest::Stop, _))) => return Ok(Next::Stop),
                Ok(Some((ControlRequest::Stay, _))) => self.stays = true,
                Ok(Some((ControlRequest::Root, fds))) => give_root(&fds),
                Ok(Some((ControlRequest::Ask, fds))) => asked.push((fds, false)),
                Ok(Some((ControlRequest::Yield, fds))) => asked.push((fds, true)),
                Ok(None) | Err(_) if at == 0 && self.has_starter => {
                    if !self.stays {
                        return Ok(Next::Stop);
                    }
                    self.has_starter = false;
                    gone.push(at);
                }
                Ok(None) | Err(_) => gone.push(at),
            }
        }
        for at in gone.into_iter().rev() {
            self.controls.remove(at);
        }
        // Now that those who have gone do not count.
        for (fds, yields) in asked {
            self.tell_company(&fds);
            if yields && self.others() == 0 {
                return Ok(Next::Stop);
            }
        }
        Ok(Next::Go)
    }

    /// Clients besides the one that asks.
    fn others(&self) -> usize {
        self.controls.len().saturating_sub(1)
    }

    fn tell_company(&self, fds: &[OwnedFd]) {
        let company = Reply::Company {
            spec: Box::new(self.spec.clone()),
            others: self.others(),
        };
        if let Some(channel) = fds.first() {
            drop(wire::send(channel, &company, &[]));
        }
    }

    fn serve_channels(&mut self, ready: &[bool]) {
        let mut gone = Vec::new();
        for (at, _) in ready.iter().enumerate().filter(|(_, ready)| **ready) {
            match wire::receive::<Order>(&self.running[at].channel) {
                Ok(Some((Order::Signal(number), _))) => self.signal(at, number),
                Ok(Some((Order::KillLeftovers, _))) => self.kill_leftovers(at),
                Ok(None) | Err(_) => gone.push(at),
            }
        }
        for at in gone.into_iter().rev() {
            // The client has heard all it wanted, or is gone: then the command goes too.
            if !self.running[at].exited {
                self.signal(at, libc::SIGKILL);
            }
            self.running.remove(at);
        }
    }

    fn signal(&self, at: usize, number: i32) {
        let run = &self.running[at];
        // Once reaped its number may be another's.
        if run.exited {
            return;
        }
        if let Ok(signal) = Signal::try_from(number) {
            let _ = nix::sys::signal::killpg(run.pid, signal);
            // Before its setsid there is no group yet.
            let _ = kill(run.pid, signal);
        }
    }

    fn kill_leftovers(&mut self, at: usize) {
        let alone = self
            .running
            .iter()
            .enumerate()
            .all(|(other, run)| other == at || run.exited);
        let session = if alone {
            None
        } else {
            Some(self.running[at].pid)
        };
        let found = crate::leftovers::list(session);
        if alone {
            kill_everything();
        } else {
            for process in &found {
                let _ = kill(process.pid, Signal::SIGKILL);
            }
        }
        self.bury(|| {
            if alone {
                kill(Pid::from_raw(-1), None).is_err()
            } else {
                found.iter().all(|process| kill(process.pid, None).is_err())
            }
        });
        let names = found.into_iter().map(|process| process.command).collect();
        drop(wire::send(
            &self.running[at].channel,
            &Reply::Gone(names),
            &[],
        ));
    }

    /// Reaps until these are gone: what comes next must not find them.
    fn bury(&mut self, gone: impl Fn() -> bool) {
        let until = Instant::now() + DYING;
        loop {
            self.reap();
            if gone() || Instant::now() >= until {
                return;
            }
            let mut fds = [PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
            let _ = nix::poll::poll(&mut fds, PollTimeout::from(20u8));
            let _ = self.signals.read_signal();
        }
    }

    fn reap(&mut self) {
        loop {
            let (pid, code, signal) = match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(pid, code)) => (pid, Some(code), None),
                Ok(WaitStatus::Signaled(pid, signal, _)) => (pid, None, Some(signal as i32)),
                Ok(WaitStatus::StillAlive) => break,
                Ok(_) | Err(Errno::EINTR) => continue,
                Err(_) => break,
            };
            self.ended(pid, code, signal);
        }
    }

    fn ended(&mut self, pid: Pid, code: Option<i32>, signal: Option<i32>) {
        let Some(at) = self
            .running
            .iter()
            .position(|run| run.pid == pid && !run.exited)
        else {
            return;
        };
        self.running[at].exited = true;
        let alone = self.running.iter().all(|run| run.exited);
        // kill(-1) with no signal asks whether anybody else is there.
        let others = if alone {
            kill(Pid::from_raw(-1), None).is_ok()
        } else {
            !crate::leftovers::list(Some(pid)).is_empty()
        };
        let run = &self.running[at];
        let told = self
            .meter
            .as_ref()
            .filter(|_| run.counted)
            .and_then(UsageMeter::told);
        let leftovers = others && run.leftovers == Leftovers::Kill;
        drop(wire::send(
            &run.channel,
            &Reply::Exited {
                code,
                signal,
                leftovers,
                exceeded: run.exceeded.or(told),
            },
            &[],
        ));
    }

    fn start(&mut self, plan: &RunPlan, mut fds: Vec<OwnedFd>) {
        if fds.is_empty() {
            return;
        }
        let channel = fds.remove(0);
        if plan.counted
            && !self.is_counting()
            && let Some(meter) = &mut self.meter
        {
            meter.begin();
        }
        match self.spawn(plan, fds, &channel) {
            Ok(pid) => {
                self.running.push(Running {
                    pid,
                    channel,
                    leftovers: plan.leftovers,
                    counted: plan.counted && self.meter.is_some(),
                    exceeded: None,
                    exited: false,
                });
            }
            Err(error) => {
                drop(wire::send(&channel, &Reply::Failed(error), &[]));
            }
        }
    }

    fn spawn(
        &mut self,
        plan: &RunPlan,
        fds: Vec<OwnedFd>,
        channel: &OwnedFd,
    ) -> Result<Pid, StepError> {
        let io = make_io(plan, fds, channel)?;
        let asks = child::filters(self.spec, plan).mknod;
        let notify = if asks {
            Some(self.devices.expect()?)
        } else {
            None
        };
        // SAFETY: this process has one thread, so the child may do anything before it executes.
        match unsafe { fork() }.step(SandboxStep::Fork, "start a process")? {
            ForkResult::Parent { child } => Ok(child),
            ForkResult::Child => child::become_command(
                self.spec,
                plan,
                self.limits,
                self.meter.as_ref().filter(|_| plan.counted),
                &io,
                channel,
                notify.as_ref(),
            ),
        }
    }
}

fn give_root(fds: &[OwnedFd]) {
    let Some(channel) = fds.first() else { return };
    let answer = match crate::mounts::clone_tree(Path::new("/"), SandboxStep::Root) {
        Ok(tree) => wire::send(channel, &Reply::Root, &[tree.as_fd()]),
        Err(error) => wire::send(channel, &Reply::Failed(error), &[]),
    };
    // Who asked may be gone.
    drop(answer);
}

fn make_io(plan: &RunPlan, fds: Vec<OwnedFd>, channel: &OwnedFd) -> Result<ChildIo, StepError> {
    let short = || {
        StepError::new(
            SandboxStep::Protocol,
            "start a command without its descriptors",
            Errno::EPROTO,
        )
    };
    let (rows, columns) = match plan.io {
        Io::Fds => {
            let std = child::three(fds).ok_or_else(short)?;
            return Ok(ChildIo {
                std,
                controls_terminal: false,
            });
        }
        Io::PtyOutput => (24, 80),
        Io::Terminal(rows, columns) => (rows, columns),
    };
    let (master, slave) = pty::open(rows, columns, plan.user)?;
    wire::send(channel, &Reply::Terminal, &[master.as_fd()])
        .step(SandboxStep::Pty, "hand over a terminal")?;
    let (out, err) = (child::again(&slave)?, child::again(&slave)?);
    let (input, controls_terminal) = match plan.io {
        Io::Terminal(..) => (slave, true),
        Io::Fds | Io::PtyOutput => (fds.into_iter().next().ok_or_else(short)?, false),
    };
    Ok(ChildIo {
        std: [input, out, err],
        controls_terminal,
    })
}
