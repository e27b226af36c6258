//! Starting ourselves again as a single-threaded child.

use crate::error::SandboxError;
use crate::plan::Plan;
use crate::{reexec, wire};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

/// Starts the child, gives it its plan, and returns it with our end of its socket.
#[expect(
    clippy::disallowed_methods,
    reason = "it is this very program, and gets its plan from nobody else"
)]
pub(crate) fn spawn(plan: &Plan, fds: &[BorrowedFd<'_>]) -> Result<(Child, OwnedFd), SandboxError> {
    if !reexec::is_registered() {
        return Err(SandboxError::NotRegistered);
    }
    let (ours, theirs) = wire::pair()?;
    // Sent before the child exists: the packet waits in the socket, and a plan that cannot be sent starts nothing.
    wire::send(&ours, plan, fds).map_err(SandboxError::io("send the sandbox its plan"))?;
    let mut command = Command::new("/proc/self/exe");
    command
        .arg0(reexec::HIDDEN_NAME)
        .stdin(Stdio::from(theirs))
        .stdout(Stdio::null());
    let stays = match plan {
        Plan::Detached { .. } => true,
        Plan::Container { spec, .. } => spec.visible,
        Plan::Call { .. } | Plan::Probe(_) => false,
    };
    if stays {
        // Whoever reads our standard error to its end must not wait for it.
        command.stderr(Stdio::null()).current_dir("/");
    }
    let child = command
        .spawn()
        .map_err(SandboxError::io("start `/proc/self/exe` again"))?;
    Ok((child, ours))
}
