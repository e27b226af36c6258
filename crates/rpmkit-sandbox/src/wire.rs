//! Messages between our processes: one JSON value a packet, with descriptors beside it.
//!
//! Sequenced-packet sockets keep messages whole and tell when the other end is gone. A message too big for the socket's
//! buffer travels in a memfd.

use crate::error::{SandboxError, SandboxStep, StepError};
use crate::sys;
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, ControlMessage, ControlMessageOwned, MsgFlags, SockFlag, SockType, recvmsg,
    sendmsg, socketpair,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::{IoSlice, IoSliceMut, Read, Seek};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

const INLINE: u8 = b'i';
const IN_MEMFD: u8 = b'm';
/// Well below the smallest default socket buffer.
const INLINE_MAX: usize = 32 * 1024;
/// The kernel's own limit (SCM_MAX_FD).
pub(crate) const MAX_FDS: usize = 253;

/// Two connected ends, closed on exec.
pub(crate) fn pair() -> Result<(OwnedFd, OwnedFd), SandboxError> {
    socketpair(
        AddressFamily::Unix,
        SockType::SeqPacket,
        None,
        SockFlag::SOCK_CLOEXEC,
    )
    .map_err(|e| SandboxError::io("make a socket pair")(e.into()))
}

/// Sends a message.
pub(crate) fn send<T: Serialize>(
    socket: impl AsFd,
    message: &T,
    fds: &[BorrowedFd<'_>],
) -> std::io::Result<()> {
    let body = serde_json::to_vec(message)?;
    let mut raw: Vec<RawFd> = fds.iter().map(AsRawFd::as_raw_fd).collect();
    if body.len() <= INLINE_MAX {
        return send_packet(socket.as_fd(), INLINE, &body, &raw);
    }
    let memfd = sys::memfd(c"rpmkit-message", &body)?;
    raw.push(memfd.as_raw_fd());
    send_packet(socket.as_fd(), IN_MEMFD, &[], &raw)
}

fn send_packet(
    socket: BorrowedFd<'_>,
    kind: u8,
    body: &[u8],
    fds: &[RawFd],
) -> std::io::Result<()> {
    let iov = [
        IoSlice::new(std::slice::from_ref(&kind)),
        IoSlice::new(body),
    ];
    let rights = [ControlMessage::ScmRights(fds)];
    let control: &[ControlMessage<'_>] = if fds.is_empty() { &[] } else { &rights };
    loop {
        match sendmsg::<()>(
            socket.as_raw_fd(),
            &iov,
            control,
            MsgFlags::MSG_NOSIGNAL,
            None,
        ) {
            Err(Errno::EINTR) => {}
            Err(e) => return Err(e.into()),
            Ok(_) => return Ok(()),
        }
    }
}

/// Receives a message; none when the other end is gone.
pub(crate) fn receive<T: DeserializeOwned>(
    socket: impl AsFd,
) -> std::io::Result<Option<(T, Vec<OwnedFd>)>> {
    let mut buffer = vec![0u8; INLINE_MAX + 1];
    let mut control = nix::cmsg_space!([RawFd; MAX_FDS]);
    let mut fds = Vec::new();
    let len = {
        let mut iov = [IoSliceMut::new(&mut buffer)];
        let message = loop {
            let flags = MsgFlags::MSG_CMSG_CLOEXEC;
            match recvmsg::<()>(
                socket.as_fd().as_raw_fd(),
                &mut iov,
                Some(&mut control),
                flags,
            ) {
                Err(Errno::EINTR) => {}
                Err(Errno::ECONNRESET) => return Ok(None),
                Err(e) => return Err(e.into()),
                Ok(message) => break message,
            }
        };
        for item in message.cmsgs()? {
            if let ControlMessageOwned::ScmRights(raw) = item {
                // SAFETY: the kernel just installed these descriptors for us; nobody else owns them.
                fds.extend(
                    raw.into_iter()
                        .map(|fd| unsafe { OwnedFd::from_raw_fd(fd) }),
                );
            }
        }
        message.bytes
    };
    let value = match buffer[..len].split_first() {
        None => return Ok(None),
        Some((&INLINE, body)) => serde_json::from_slice(body)?,
        Some((&IN_MEMFD, _)) if !fds.is_empty() => {
            serde_json::from_slice(&slurp(fds.remove(fds.len() - 1))?)?
        }
        Some(_) => return Err(Errno::EPROTO.into()),
    };
    Ok(Some((value, fds)))
}

/// Reads a memfd from its start.
pub(crate) fn slurp(fd: OwnedFd) -> std::io::Result<Vec<u8>> {
    let mut file = std::fs::File::from(fd);
    file.rewind()?;
    let mut bytes = Vec::with_capacity(file.metadata().map_or(0, |meta| meta.len() as usize));
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A transport failure as a failed step, for code that reports steps.
pub(crate) fn broken(error: &std::io::Error) -> StepError {
    StepError::new(
        SandboxStep::Protocol,
        "talk to the sandbox's parent",
        crate::error::errno_of(error),
    )
    .because(error.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn small_and_big_messages_arrive_with_their_descriptors() {
        let (a, b) = pair().unwrap();
        for size in [3, INLINE_MAX * 9] {
            let file = sys::memfd(c"x", b"hello").unwrap();
            send(&a, &"y".repeat(size), &[file.as_fd()]).unwrap();
            let (text, fds) = receive::<String>(&b).unwrap().unwrap();
            assert_eq!(text.len(), size);
            assert_eq!(fds.len(), 1);
            assert_eq!(slurp(fds.into_iter().next().unwrap()).unwrap(), b"hello");
        }
        drop(a);
        assert!(receive::<String>(&b).unwrap().is_none());
    }
}
