//! The caller's terminal in front of a terminal of the container.

use crate::command::{Command, Exit, Leftovers};
use crate::error::SandboxError;
use crate::output::{self, Heard};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout};
use nix::sys::termios::{SetArg, Termios, cfmakeraw, tcgetattr, tcsetattr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

/// How often the window size is looked at. A signal would tell sooner, but handlers belong to the program, not to a library.
const LOOK_AT_SIZE: u16 = 200;
/// Output of background processes after the command's end is not waited for longer than this.
const DRAIN: Duration = Duration::from_millis(200);
/// Control-D, which ends the input of a terminal.
const END_OF_INPUT: u8 = 4;

/// Rows and columns of a terminal.
pub(crate) fn size(terminal: BorrowedFd<'_>) -> Option<(u16, u16)> {
    // SAFETY: winsize is plain data, for which all zeros is a value.
    let mut size: libc::winsize = unsafe { std::mem::zeroed() };
    // SAFETY: TIOCGWINSZ writes one winsize.
    let got = unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCGWINSZ, &raw mut size) };
    (got == 0 && size.ws_row > 0 && size.ws_col > 0).then_some((size.ws_row, size.ws_col))
}

/// Raw mode, until dropped.
struct Raw<'a> {
    terminal: BorrowedFd<'a>,
    before: Option<Termios>,
}

impl<'a> Raw<'a> {
    /// Not a terminal: nothing to do then.
    fn on(terminal: BorrowedFd<'a>) -> Self {
        let before = tcgetattr(terminal).ok();
        if let Some(mut raw) = before.clone() {
            cfmakeraw(&mut raw);
            let _ = tcsetattr(terminal, SetArg::TCSADRAIN, &raw);
        }
        Self { terminal, before }
    }
}

impl Drop for Raw<'_> {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            let _ = tcsetattr(self.terminal, SetArg::TCSADRAIN, before);
        }
    }
}

/// Passes bytes both ways until the command is over.
pub(crate) fn proxy(
    command: &Command,
    channel: &OwnedFd,
    input: BorrowedFd<'_>,
    output: BorrowedFd<'_>,
) -> Result<Exit, SandboxError> {
    let _raw = Raw::on(input);
    let mut session = TerminalSession {
        master: None,
        keys: Vec::new(),
        input_open: true,
        size: size(input),
    };
    let mut ended: Option<(Exit, bool, Instant)> = None;
    loop {
        if let Some((_, _, until)) = &ended
            && (session.master.is_none() || *until <= Instant::now())
        {
            break;
        }
        let ready = session.wait(channel, input, ended.is_some())?;
        session.follow_size(input);
        if ready.input {
            session.read_keys(input);
        }
        session.write_keys();
        if ready.master {
            session.show(output);
        }
        if ready.channel && ended.is_none() {
            match output::hear(command, channel)? {
                Heard::Terminal(master) => session.set_master(master),
                Heard::Ended { exit, leftovers } => {
                    ended = Some((exit, leftovers, Instant::now() + DRAIN))
                }
                Heard::Nothing => {}
            }
        }
    }
    // The loop ends only with `ended` set.
    let Some((exit, leftovers, _)) = ended else {
        return Err(SandboxError::Died("a command ran".to_owned()));
    };
    if leftovers && command.leftovers == Leftovers::Kill {
        output::kill_leftovers(channel)?;
    }
    Ok(exit)
}

struct TerminalSession {
    /// None before the container made it and after its last user closed it.
    master: Option<OwnedFd>,
    /// Typed and not yet taken by the other side.
    keys: Vec<u8>,
    input_open: bool,
    size: Option<(u16, u16)>,
}

#[derive(Default)]
struct Ready {
    channel: bool,
    input: bool,
    master: bool,
}

impl TerminalSession {
    fn set_master(&mut self, master: OwnedFd) {
        // A program that does not read must not keep us from showing what it writes.
        let _ = fcntl(&master, FcntlArg::F_SETFL(OFlag::O_NONBLOCK));
        self.master = Some(master);
    }

    fn wait(
        &self,
        channel: &OwnedFd,
        input: BorrowedFd<'_>,
        over: bool,
    ) -> Result<Ready, SandboxError> {
        let wanted = |yes: bool| {
            if yes {
                PollFlags::POLLIN
            } else {
                PollFlags::empty()
            }
        };
        let reads = self.input_open && self.master.is_some() && self.keys.len() < 4096 && !over;
        let mut fds = vec![PollFd::new(channel.as_fd(), wanted(!over))];
        if reads {
            fds.push(PollFd::new(input, PollFlags::POLLIN));
        }
        if let Some(master) = &self.master {
            let out = if self.keys.is_empty() {
                PollFlags::empty()
            } else {
                PollFlags::POLLOUT
            };
            fds.push(PollFd::new(master.as_fd(), PollFlags::POLLIN | out));
        }
        match nix::poll::poll(&mut fds, PollTimeout::from(LOOK_AT_SIZE)) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => {
                return Err(SandboxError::Io {
                    action: "wait for a terminal",
                    source: errno.into(),
                });
            }
        }
        let mut got = fds
            .iter()
            .map(|fd| fd.revents().unwrap_or(PollFlags::empty()));
        let read = PollFlags::POLLIN | PollFlags::POLLHUP | PollFlags::POLLERR;
        let channel = got.next().is_some_and(|got| got.intersects(read));
        let input = reads && got.next().is_some_and(|got| got.intersects(read));
        let master = got.next().is_some_and(|got| got.intersects(read));
        Ok(Ready {
            channel,
            input,
            master,
        })
    }

    fn follow_size(&mut self, input: BorrowedFd<'_>) {
        let now = size(input);
        if now != self.size
            && let (Some((rows, columns)), Some(master)) = (now, &self.master)
        {
            self.size = now;
            let _ = crate::pty::set_size(master, rows, columns);
        }
    }

    fn read_keys(&mut self, input: BorrowedFd<'_>) {
        let mut buffer = [0u8; 1024];
        match nix::unistd::read(input, &mut buffer) {
            Ok(0) => {
                self.input_open = false;
                self.keys.push(END_OF_INPUT);
            }
            Ok(len) => self.keys.extend_from_slice(&buffer[..len]),
            Err(Errno::EINTR | Errno::EAGAIN) => {}
            Err(_) => self.input_open = false,
        }
    }

    fn write_keys(&mut self) {
        if let Some(master) = &self.master
            && !self.keys.is_empty()
            && let Ok(len) = nix::unistd::write(master, &self.keys)
        {
            self.keys.drain(..len);
        }
    }

    fn show(&mut self, output: BorrowedFd<'_>) {
        let Some(master) = &self.master else { return };
        let mut buffer = [0u8; 16 * 1024];
        match nix::unistd::read(master, &mut buffer) {
            Ok(len) if len > 0 => write_all(output, &buffer[..len]),
            Err(Errno::EINTR | Errno::EAGAIN) => {}
            // EIO: nobody has the other side open any more.
            Ok(_) | Err(_) => self.master = None,
        }
    }
}

fn write_all(output: BorrowedFd<'_>, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        match nix::unistd::write(output, bytes) {
            Ok(len) => bytes = &bytes[len..],
            Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) => {
                let mut fds = [PollFd::new(output, PollFlags::POLLOUT)];
                let _ = nix::poll::poll(&mut fds, PollTimeout::NONE);
            }
            // Our terminal is gone; the command will notice by itself.
            Err(_) => return,
        }
    }
}
