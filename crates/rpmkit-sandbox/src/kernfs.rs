//! `/proc` and `/sys`.

use crate::error::{SandboxStep, StepError};
use crate::mounts::{attach_at, clone_tree, new_fs};
use crate::spec::Network;
use crate::sys;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;

const QUIET: u64 = sys::ATTR_NOSUID | sys::ATTR_NODEV | sys::ATTR_NOEXEC;

/// Both, detached. The kernel lets a user namespace mount them only while it sees ones that nothing covers, so this comes
/// before the host's root is let go.
pub(crate) struct KernelFs {
    proc: OwnedFd,
    /// `None` where the host shows none: in a plain chroot that has no `/sys`, say. It stays empty then.
    sys: Option<OwnedFd>,
}

impl KernelFs {
    pub(crate) fn open(network: Network) -> Result<Self, StepError> {
        let proc = match new_fs(c"proc", &[], QUIET, SandboxStep::Proc) {
            Ok(proc) => proc,
            // A container runtime has masked parts of its /proc. Its own shows our processes under other numbers, but
            // /proc/self is right. Doing without a pid namespace would mend the numbers and cost more: processes could
            // outlive us, and in single mode a build could kill whatever else this user runs.
            Err(_) => clone_tree(Path::new("/proc"), SandboxStep::Proc)?,
        };
        let sys = match network {
            Network::None => new_fs(c"sysfs", &[], QUIET | sys::ATTR_RDONLY, SandboxStep::Sys)
                .map(Some)
                .or_else(|_| host_sys())?,
            // sysfs shows the devices of a network namespace, and only who made that may mount it.
            Network::Host => host_sys()?,
        };
        Ok(Self { proc, sys })
    }

    /// Attaches both in the new root.
    pub(crate) fn attach(&self) -> Result<(), StepError> {
        attach_at(self.proc.as_fd(), Path::new("/proc"), SandboxStep::Proc)?;
        match &self.sys {
            Some(sys) => attach_at(sys.as_fd(), Path::new("/sys"), SandboxStep::Sys),
            None => Ok(()),
        }
    }
}

fn host_sys() -> Result<Option<OwnedFd>, StepError> {
    let path = Path::new("/sys");
    if !path.exists() {
        return Ok(None);
    }
    let tree = clone_tree(path, SandboxStep::Sys)?;
    read_only(&tree, path)?;
    Ok(Some(tree))
}

fn read_only(tree: &OwnedFd, path: &Path) -> Result<(), StepError> {
    sys::mount_setattr(tree.as_raw_fd(), c"", true, sys::ATTR_RDONLY)
        .map_err(|e| StepError::new(SandboxStep::ReadOnly, "make read-only", e).at(path))
}
