//! Devices in packages: no user namespace may make one, and a faked success would break rpm and tar, whose next call finds
//! nothing. So pid 1 is asked, makes an empty regular file in its place, and answers with success.

use crate::error::{SandboxStep, StepError};
use crate::wire;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

const CAP_MKNOD: u32 = 27;
/// PATH_MAX
const LONGEST: usize = 4096;

/// What pid 1 serves.
#[derive(Default)]
pub(crate) struct Server {
    /// Commands being started, about to send their listener.
    starting: Vec<OwnedFd>,
    listeners: Vec<OwnedFd>,
}

impl Server {
    /// A socket for a new command's process to send its listener over.
    pub(crate) fn expect(&mut self) -> Result<OwnedFd, StepError> {
        let (ours, theirs) = wire::pair().map_err(|e| {
            StepError::new(SandboxStep::Seccomp, "make a socket pair", Errno::EMFILE)
                .because(e.to_string())
        })?;
        self.starting.push(ours);
        Ok(theirs)
    }

    /// To be polled for input.
    pub(crate) fn fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.starting.iter().chain(&self.listeners).map(AsFd::as_fd)
    }

    /// Serves those that are ready, in the order of [`Server::fds`].
    pub(crate) fn serve(&mut self, ready: &[bool]) {
        let mut ready = ready.iter().copied();
        let mut new = Vec::new();
        self.starting.retain(|socket| {
            if ready.next() != Some(true) {
                return true;
            }
            // One message, or the end if its process failed before.
            if let Ok(Some(((), fds))) = wire::receive::<()>(socket) {
                new.extend(fds);
            }
            false
        });
        self.listeners
            .retain(|listener| ready.next() != Some(true) || serve(listener));
        self.listeners.extend(new);
    }
}

/// Serves one call. False when nobody can make any more.
fn serve(listener: &OwnedFd) -> bool {
    let mut fds = [PollFd::new(listener.as_fd(), PollFlags::POLLIN)];
    let _ = nix::poll::poll(&mut fds, PollTimeout::ZERO);
    if !fds[0]
        .revents()
        .is_some_and(|got| got.contains(PollFlags::POLLIN))
    {
        // Only a hang-up: the last process under the filter is gone.
        return false;
    }
    let raw = listener.as_raw_fd();
    // SAFETY: plain data, for which all zeros is a value, and which the kernel demands to be zero.
    let mut call: libc::seccomp_notif = unsafe { std::mem::zeroed() };
    // SAFETY: the request writes one seccomp_notif.
    match Errno::result(unsafe { libc::ioctl(raw, libc::SECCOMP_IOCTL_NOTIF_RECV, &raw mut call) })
    {
        Ok(_) => {}
        // The caller was killed meanwhile.
        Err(Errno::ENOENT | Errno::EINTR) => return true,
        Err(_) => return false,
    }
    let result = answer(listener, &call);
    // SAFETY: as above.
    let mut reply: libc::seccomp_notif_resp = unsafe { std::mem::zeroed() };
    reply.id = call.id;
    reply.error = result.err().map_or(0, |errno| -(errno as i32));
    // SAFETY: the request reads one seccomp_notif_resp. A caller killed meanwhile needs no answer.
    let _ = unsafe { libc::ioctl(raw, libc::SECCOMP_IOCTL_NOTIF_SEND, &raw mut reply) };
    true
}

fn answer(listener: &OwnedFd, call: &libc::seccomp_notif) -> Result<(), Errno> {
    let pid = call.pid;
    let args = &call.data.args;
    // mknod has the path first, mknodat a directory descriptor before it: the mode tells which it was.
    let is_device = |mode: u64| matches!(mode as u32 & libc::S_IFMT, libc::S_IFCHR | libc::S_IFBLK);
    let at = usize::from(has_directory(call.data.arch, call.data.nr));
    let mode = args[at + 1];
    if !is_device(mode) || !may_make_nodes(pid)? {
        return Err(Errno::EPERM);
    }
    let path = read_path(pid, args[at])?;
    let base = match () {
        () if path.is_absolute() => format!("/proc/{pid}/root"),
        () if at == 0 || args[0] as i32 == libc::AT_FDCWD => format!("/proc/{pid}/cwd"),
        () => format!("/proc/{pid}/fd/{}", args[0] as i32),
    };
    let place = PathBuf::from(base).join(path.strip_prefix("/").unwrap_or(&path));
    // Asked last: all of /proc/PID read so far was the caller's and not of a later process of that number.
    // SAFETY: the request reads one u64.
    Errno::result(unsafe {
        libc::ioctl(
            listener.as_raw_fd(),
            libc::SECCOMP_IOCTL_NOTIF_ID_VALID,
            &raw const call.id,
        )
    })?;
    let made = File::options()
        .write(true)
        .create_new(true)
        .custom_flags(libc::O_NOFOLLOW)
        .mode(mode as u32 & 0o777)
        .open(place);
    made.map(drop).map_err(|e| crate::error::errno_of(&e))
}

/// Whether this call is mknodat.
fn has_directory(arch: u32, number: i32) -> bool {
    crate::seccomp::mode_argument(arch, number as u32) == Some(2)
}

/// A caller without the capability would be refused anywhere.
fn may_make_nodes(pid: u32) -> Result<bool, Errno> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status"))
        .map_err(|e| crate::error::errno_of(&e))?;
    let set = text.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let set = set
        .and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok())
        .ok_or(Errno::EPERM)?;
    let own_space = std::fs::read_link(format!("/proc/{pid}/ns/user")).ok()
        == std::fs::read_link("/proc/self/ns/user").ok();
    Ok(set & (1 << CAP_MKNOD) != 0 && own_space)
}

fn read_path(pid: u32, address: u64) -> Result<PathBuf, Errno> {
    let io = |e: std::io::Error| crate::error::errno_of(&e);
    let mut memory = File::open(format!("/proc/{pid}/mem")).map_err(io)?;
    memory.seek(SeekFrom::Start(address)).map_err(io)?;
    let mut bytes = Vec::new();
    let mut piece = [0u8; 256];
    while bytes.len() < LONGEST {
        // Pieces end where pages do, so that a string at the end of the last page can be read.
        let room = 256 - ((address as usize + bytes.len()) % 256);
        let len = memory.read(&mut piece[..room]).map_err(io)?;
        if let Some(end) = piece[..len].iter().position(|byte| *byte == 0) {
            bytes.extend_from_slice(&piece[..end]);
            return Ok(PathBuf::from(std::ffi::OsString::from_vec(bytes)));
        }
        if len == 0 {
            return Err(Errno::EFAULT);
        }
        bytes.extend_from_slice(&piece[..len]);
    }
    Err(Errno::ENAMETOOLONG)
}
