//! Following a command: its output, its end, its time.

use crate::command::{Command, Exit, Finished, Output, Stdin, Stream};
use crate::error::{SandboxError, SandboxStep, StepError};
use crate::plan::{Io, Order, Reply};
use crate::{sys, wire};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long processes a command left behind may keep its output open, and how long SIGTERM may take.
const GRACE: Duration = Duration::from_secs(1);

/// Reads that empty the largest pipe (1 MiB): a daemon that may stay and never stops talking must not be followed for ever.
const PIPEFULS: u32 = 32;

/// Descriptors of a command about to start.
pub(crate) struct OpenedIo {
    pub(crate) io: Io,
    /// To be sent; ours to close afterwards.
    pub(crate) theirs: Vec<Arc<OwnedFd>>,
    /// To be read.
    pub(crate) streams: Vec<(Stream, OwnedFd)>,
}

/// Opens what a command asks for.
/// `owner`: who the command is on the host, where that is nobody who could open a pipe of ours by its name in `/proc`.
pub(crate) fn open(command: &Command, owner: Option<(u32, u32)>) -> Result<OpenedIo, SandboxError> {
    let input = match &command.stdin {
        Stdin::Null => null()?,
        Stdin::Inherit => own(std::io::stdin().as_fd())?,
        Stdin::Bytes(bytes) => Arc::new(
            sys::memfd(c"rpmkit-stdin", bytes)
                .map_err(SandboxError::io("keep a command's input"))?,
        ),
        Stdin::Fd(fd) => fd.clone(),
    };
    let mut opened = OpenedIo {
        io: Io::Fds,
        theirs: vec![input],
        streams: Vec::new(),
    };
    match &command.output {
        Output::Separate => {
            for stream in [Stream::Stdout, Stream::Stderr] {
                let (read, write) = pipe(owner)?;
                opened.streams.push((stream, read));
                opened.theirs.push(write);
            }
        }
        Output::Merged => {
            let (read, write) = pipe(owner)?;
            opened.streams.push((Stream::Stdout, read));
            opened.theirs.extend([write.clone(), write]);
        }
        Output::Pty => opened.io = Io::PtyOutput,
        Output::Inherit => {
            opened.theirs.extend([
                own(std::io::stdout().as_fd())?,
                own(std::io::stderr().as_fd())?,
            ]);
        }
        Output::Null => {
            let null = null()?;
            opened.theirs.extend([null.clone(), null]);
        }
        Output::Fds(out, err) => opened.theirs.extend([out.clone(), err.clone()]),
    }
    Ok(opened)
}

fn null() -> Result<Arc<OwnedFd>, SandboxError> {
    let file = std::fs::File::options()
        .read(true)
        .write(true)
        .open("/dev/null");
    Ok(Arc::new(
        file.map_err(SandboxError::io("open `/dev/null`"))?.into(),
    ))
}

fn own(fd: std::os::fd::BorrowedFd<'_>) -> Result<Arc<OwnedFd>, SandboxError> {
    Ok(Arc::new(
        fd.try_clone_to_owned()
            .map_err(SandboxError::io("copy a standard descriptor"))?,
    ))
}

fn pipe(owner: Option<(u32, u32)>) -> Result<(OwnedFd, Arc<OwnedFd>), SandboxError> {
    let (read, write) = std::io::pipe().map_err(SandboxError::io("make a pipe"))?;
    if let Some((uid, gid)) = owner {
        // Scripts write to /dev/stderr, which opens it anew.
        std::os::unix::fs::fchown(&write, Some(uid), Some(gid))
            .map_err(SandboxError::io("give a pipe to the command"))?;
    }
    Ok((read.into(), Arc::new(write.into())))
}

/// How a command's time runs.
struct CommandClock {
    /// The next thing to do, and when.
    next: Option<(Instant, i32)>,
    timed_out: bool,
}

impl CommandClock {
    fn new(timeout: Option<Duration>) -> Self {
        Self {
            next: timeout.map(|time| (Instant::now() + time, libc::SIGTERM)),
            timed_out: false,
        }
    }

    /// Sends the signal that is due.
    fn tick(&mut self, channel: &OwnedFd) {
        let Some((_, signal)) = self.next.filter(|(at, _)| *at <= Instant::now()) else {
            return;
        };
        self.timed_out = true;
        drop(wire::send(channel, &Order::Signal(signal), &[]));
        self.next = (signal == libc::SIGTERM).then(|| (Instant::now() + GRACE, libc::SIGKILL));
    }
}

/// The end of a process as pid 1 saw it.
struct Ended {
    exit: Exit,
    leftovers: bool,
    /// Until then others may go on writing.
    drain_until: Instant,
}

/// Reads output and waits until the command is over and its output has ended, or has been given up.
pub(crate) fn follow(
    command: &Command,
    channel: &OwnedFd,
    mut streams: Vec<(Stream, OwnedFd)>,
    on_output: &mut dyn FnMut(Stream, &[u8]),
) -> Result<Finished, SandboxError> {
    let mut clock = CommandClock::new(command.timeout);
    let mut ended: Option<Ended> = None;
    let mut buffer = vec![0u8; 64 * 1024];
    loop {
        let until = match &ended {
            Some(_) if streams.is_empty() => break,
            Some(end) if end.drain_until <= Instant::now() => break,
            Some(end) => Some(end.drain_until),
            None => clock.next.map(|(at, _)| at),
        };
        let ready = wait(channel, &streams, until)?;
        read_streams(&mut streams, &ready.streams, &mut buffer, on_output);
        if ready.channel {
            match hear(command, channel)? {
                Heard::Terminal(master) => streams.push((Stream::Stdout, master)),
                Heard::Ended { exit, leftovers } => {
                    let grace = if clock.timed_out {
                        Duration::ZERO
                    } else {
                        GRACE
                    };
                    ended = Some(Ended {
                        exit,
                        leftovers,
                        drain_until: Instant::now() + grace,
                    });
                }
                Heard::Nothing => {}
            }
        }
        if ended.is_none() {
            clock.tick(channel);
        }
    }
    // The loop ends only with `ended` set.
    let Some(end) = ended else {
        return Err(SandboxError::Died("a command ran".to_owned()));
    };
    let killed = if end.leftovers {
        kill_leftovers(channel)?
    } else {
        Vec::new()
    };
    // What is in the pipes is output all the same; nobody is left to write more, or we do not wait for it.
    for _ in 0..PIPEFULS {
        let ready = wait(channel, &streams, Some(Instant::now()))?;
        if !ready.streams.contains(&true) {
            break;
        }
        read_streams(&mut streams, &ready.streams, &mut buffer, on_output);
    }
    Ok(Finished {
        exit: if clock.timed_out {
            Exit::TimedOut
        } else {
            end.exit
        },
        killed,
    })
}

struct Ready {
    channel: bool,
    streams: Vec<bool>,
}

fn wait(
    channel: &OwnedFd,
    streams: &[(Stream, OwnedFd)],
    until: Option<Instant>,
) -> Result<Ready, SandboxError> {
    let mut fds = vec![PollFd::new(channel.as_fd(), PollFlags::POLLIN)];
    fds.extend(
        streams
            .iter()
            .map(|(_, fd)| PollFd::new(fd.as_fd(), PollFlags::POLLIN)),
    );
    let timeout = until.map_or(PollTimeout::NONE, timeout_until);
    match nix::poll::poll(&mut fds, timeout) {
        Ok(_) | Err(Errno::EINTR) => {}
        Err(errno) => {
            return Err(SandboxError::Io {
                action: "wait for a command",
                source: errno.into(),
            });
        }
    }
    let mut ready = fds
        .iter()
        .map(|fd| fd.revents().is_some_and(|got| !got.is_empty()));
    Ok(Ready {
        channel: ready.next().unwrap_or(false),
        streams: ready.collect(),
    })
}

/// Rounded up, so that the moment has come when the wait is over.
pub(crate) fn timeout_until(at: Instant) -> PollTimeout {
    let left = at.saturating_duration_since(Instant::now());
    let millis = left.as_millis() + u128::from(!left.is_zero());
    PollTimeout::try_from(millis).unwrap_or(PollTimeout::MAX)
}

fn read_streams(
    streams: &mut Vec<(Stream, OwnedFd)>,
    ready: &[bool],
    buffer: &mut [u8],
    on_output: &mut dyn FnMut(Stream, &[u8]),
) {
    let mut ready = ready.iter();
    streams.retain(|(stream, fd)| {
        if ready.next() != Some(&true) {
            return true;
        }
        match nix::unistd::read(fd, buffer) {
            Ok(0) => false,
            Ok(len) => {
                on_output(*stream, &buffer[..len]);
                true
            }
            Err(Errno::EINTR | Errno::EAGAIN) => true,
            // A terminal whose other side is closed says EIO.
            Err(_) => false,
        }
    });
}

/// Something pid 1 said about a command.
pub(crate) enum Heard {
    /// Its terminal.
    Terminal(OwnedFd),
    /// Its end.
    Ended { exit: Exit, leftovers: bool },
    /// Nothing of interest.
    Nothing,
}

/// Reads one message from a command's channel.
pub(crate) fn hear(command: &Command, channel: &OwnedFd) -> Result<Heard, SandboxError> {
    let message = wire::receive::<Reply>(channel).map_err(|source| SandboxError::Io {
        action: "hear from a command",
        source,
    })?;
    match message {
        None => Err(SandboxError::Died(format!("`{}` ran", program(command)))),
        Some((Reply::Terminal, fds)) => Ok(fds
            .into_iter()
            .next()
            .map_or(Heard::Nothing, Heard::Terminal)),
        Some((Reply::Failed(error), _)) => Err(failed(command, error)),
        Some((
            Reply::Exited {
                code,
                signal,
                leftovers,
                exceeded,
            },
            _,
        )) => {
            let exit = match (exceeded, signal) {
                (Some(which), _) => Exit::Exceeded(which),
                (None, Some(signal)) => Exit::Signal(signal),
                (None, None) => Exit::Code(code.unwrap_or_default()),
            };
            Ok(Heard::Ended { exit, leftovers })
        }
        Some((Reply::Gone(_) | Reply::Root | Reply::Company { .. }, _)) => Ok(Heard::Nothing),
    }
}

/// Has pid 1 kill what a finished command left, and returns the command lines.
pub(crate) fn kill_leftovers(channel: &OwnedFd) -> Result<Vec<String>, SandboxError> {
    let error = |source| SandboxError::Io {
        action: "clear up after a command",
        source,
    };
    wire::send(channel, &Order::KillLeftovers, &[]).map_err(error)?;
    match wire::receive::<Reply>(channel).map_err(error)? {
        Some((Reply::Gone(names), _)) => Ok(names),
        _ => Err(SandboxError::Died(
            "a command was cleared up after".to_owned(),
        )),
    }
}

fn failed(command: &Command, error: StepError) -> SandboxError {
    if error.step == SandboxStep::Exec {
        let source = std::io::Error::from_raw_os_error(error.errno);
        return SandboxError::Exec {
            program: program(command),
            source,
        };
    }
    error.into()
}

fn program(command: &Command) -> String {
    command
        .argv
        .first()
        .map_or_else(String::new, |arg| arg.to_string_lossy().into_owned())
}

/// A line longer than this is handed on in parts: who writes it may never end it.
const LONGEST_LINE: usize = 1 << 20;

/// Cuts pieces of output into lines.
#[derive(Debug, Default)]
pub struct Lines {
    rest: Vec<u8>,
}

impl Lines {
    /// Takes a piece and hands on each complete line, without its line feed.
    pub fn feed(&mut self, mut piece: &[u8], mut on_line: impl FnMut(&[u8])) {
        while let Some(end) = piece.iter().position(|byte| *byte == b'\n') {
            if self.rest.is_empty() {
                on_line(&piece[..end]);
            } else {
                self.rest.extend_from_slice(&piece[..end]);
                on_line(&self.rest);
                self.rest.clear();
            }
            piece = &piece[end + 1..];
        }
        self.rest.extend_from_slice(piece);
        if self.rest.len() > LONGEST_LINE {
            on_line(&self.rest);
            self.rest.clear();
        }
    }

    /// Hands on what came after the last line feed, if anything.
    pub fn finish(&mut self, mut on_line: impl FnMut(&[u8])) {
        if !self.rest.is_empty() {
            on_line(&self.rest);
            self.rest.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_without_end_is_handed_on_in_parts() {
        let (mut lines, mut length, mut parts) = (Lines::default(), 0, 0);
        for _ in 0..100 {
            lines.feed(&[b'x'; 64 * 1024], |line| {
                length += line.len();
                parts += 1;
            });
            assert!(lines.rest.len() <= LONGEST_LINE);
        }
        lines.finish(|line| length += line.len());
        assert!(length == 100 * 64 * 1024 && parts > 4);
    }

    #[test]
    fn lines_survive_being_cut_anywhere() {
        let text = b"one\n\ntwo\nthree";
        for cut in 0..text.len() {
            let mut lines = Lines::default();
            let mut seen: Vec<Vec<u8>> = Vec::new();
            for piece in [&text[..cut], &text[cut..]] {
                lines.feed(piece, |line| seen.push(line.to_vec()));
            }
            lines.finish(|line| seen.push(line.to_vec()));
            assert_eq!(seen, [&b"one"[..], b"", b"two", b"three"]);
        }
    }
}
