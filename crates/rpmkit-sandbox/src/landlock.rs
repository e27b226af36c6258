//! What a container that shares the host's network still must not reach: sockets with abstract names.
//!
//! These belong to a network namespace and have neither owner nor permissions. On the host of a user they
//! are desktops, buses and agents, whose services take every caller for the user. Landlock keeps a process
//! from those made outside of its domain (landlock(7), ABI 6, Linux 6.12).

use crate::error::{SandboxStep, StepError};
use crate::sys;
use nix::errno::Errno;

/// The ABI that has scopes.
const SCOPES: libc::c_long = 6;

/// Whether this kernel can.
pub fn closes_abstract_sockets() -> bool {
    sys::landlock_abi().is_ok_and(|abi| abi >= SCOPES)
}

/// Closes abstract sockets of the host to this process and all it starts. Does nothing where the kernel
/// cannot: `rpmkit doctor` says so. File systems and mounts are not touched.
pub(crate) fn close_abstract_sockets() -> Result<(), StepError> {
    if !closes_abstract_sockets() {
        return Ok(());
    }
    match sys::landlock_scope_abstract_sockets() {
        // A filter around us may refuse it, or the sixteen domains there may be are used up.
        Ok(()) | Err(Errno::EPERM | Errno::E2BIG | Errno::ENOSYS) => Ok(()),
        Err(errno) => Err(StepError::new(
            SandboxStep::Loopback,
            "close the host's abstract sockets",
            errno,
        )),
    }
}
