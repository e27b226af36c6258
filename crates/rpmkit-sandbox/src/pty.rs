//! Terminals of the container's own devpts, made by pid 1: the host's would have no name inside.

use crate::command::RunAs;
use crate::error::{AtStep, SandboxStep, StepError};
use nix::errno::Errno;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;

/// Master and slave of a new terminal of this many rows and columns, owned by the user of the command.
pub(crate) fn open(rows: u16, columns: u16, user: RunAs) -> Result<(OwnedFd, OwnedFd), StepError> {
    let path = Path::new("/dev/ptmx");
    let master: OwnedFd = std::fs::File::options()
        .read(true)
        .write(true)
        .open(path)
        .step_at(SandboxStep::Pty, "open", path)?
        .into();
    let unlocked: libc::c_int = 0;
    // SAFETY: TIOCSPTLCK reads one int.
    Errno::result(unsafe {
        libc::ioctl(master.as_raw_fd(), libc::TIOCSPTLCK, &raw const unlocked)
    })
    .step(SandboxStep::Pty, "unlock a terminal")?;
    let flags = libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC;
    // SAFETY: takes open flags as an integer and answers with a new descriptor.
    let slave = Errno::result(unsafe { libc::ioctl(master.as_raw_fd(), libc::TIOCGPTPEER, flags) })
        .step(SandboxStep::Pty, "open the other side of a terminal")?;
    // SAFETY: the kernel just made it for us.
    let slave = unsafe { OwnedFd::from_raw_fd(slave) };
    if let RunAs::Id { uid, gid: _ } = user {
        // Group stays tty. In single mode the only id owns it already, and the call is refused.
        let _ = nix::unistd::fchown(&slave, Some(nix::unistd::Uid::from_raw(uid)), None);
    }
    set_size(&master, rows, columns).step(SandboxStep::Pty, "set the size of a terminal")?;
    Ok((master, slave))
}

/// Sets the window size; programs inside get SIGWINCH.
pub(crate) fn set_size(terminal: &OwnedFd, rows: u16, columns: u16) -> Result<(), Errno> {
    let size = libc::winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    // SAFETY: TIOCSWINSZ reads one winsize.
    Errno::result(unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCSWINSZ, &raw const size) })
        .map(drop)
}
