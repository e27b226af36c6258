//! `/dev`: a small tmpfs with the host's harmless nodes, a devpts of its own and shared memory.

use crate::error::{AtStep, SandboxStep, StepError};
use crate::ids::IdMode;
use crate::mounts::{attach_at, clone_tree, new_fs};
use crate::sys;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Bound, not made: mknod is refused in a user namespace.
const NODES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];

/// Bound where the host lets everybody use it; a mount made with it stays in the container.
const FUSE: &str = "/dev/fuse";

const LINKS: [(&str, &str); 6] = [
    ("/proc/self/fd", "fd"),
    ("/proc/self/fd/0", "stdin"),
    ("/proc/self/fd/1", "stdout"),
    ("/proc/self/fd/2", "stderr"),
    ("/proc/kcore", "core"),
    ("pts/ptmx", "ptmx"),
];

/// Everything of `/dev`, detached.
pub(crate) struct Devices {
    base: OwnedFd,
    pts: OwnedFd,
    shm: OwnedFd,
    nodes: Vec<(PathBuf, OwnedFd)>,
}

impl Devices {
    pub(crate) fn open(mode: &IdMode) -> Result<Self, StepError> {
        let quiet = sys::ATTR_NOSUID | sys::ATTR_NOEXEC;
        let base = new_fs(
            c"tmpfs",
            &[("mode", "755"), ("size", "1m")],
            sys::ATTR_NOSUID,
            SandboxStep::Dev,
        )?;
        let mut pts_options = vec![("newinstance", ""), ("ptmxmode", "0666"), ("mode", "620")];
        if mode.has_ids() {
            // Group tty, which everybody numbers 5. In single mode there is no 5: EINVAL.
            pts_options.push(("gid", "5"));
        }
        let pts = new_fs(c"devpts", &pts_options, quiet, SandboxStep::DevPts)?;
        let shm = new_fs(
            c"tmpfs",
            &[("mode", "1777")],
            sys::ATTR_NOSUID | sys::ATTR_NODEV,
            SandboxStep::Shm,
        )?;
        let mut nodes = Vec::new();
        for name in NODES {
            let path = Path::new("/dev").join(name);
            nodes.push((path.clone(), clone_tree(&path, SandboxStep::Dev)?));
        }
        let fuse = Path::new(FUSE);
        let open_to_all = |meta: std::fs::Metadata| meta.permissions().mode() & 0o666 == 0o666;
        if fuse.symlink_metadata().is_ok_and(open_to_all) {
            nodes.push((fuse.to_owned(), clone_tree(fuse, SandboxStep::Dev)?));
        }
        Ok(Self {
            base,
            pts,
            shm,
            nodes,
        })
    }

    /// Attaches it all in the new root.
    pub(crate) fn attach(&self) -> Result<(), StepError> {
        let dev = Path::new("/dev");
        attach_at(self.base.as_fd(), dev, SandboxStep::Dev)?;
        for (to, name) in LINKS {
            let path = dev.join(name);
            std::os::unix::fs::symlink(to, &path).step_at(
                SandboxStep::Dev,
                "make the link",
                &path,
            )?;
        }
        attach_at(self.pts.as_fd(), &dev.join("pts"), SandboxStep::DevPts)?;
        attach_at(self.shm.as_fd(), &dev.join("shm"), SandboxStep::Shm)?;
        for (path, node) in &self.nodes {
            attach_at(node.as_fd(), path, SandboxStep::Dev)?;
        }
        Ok(())
    }
}
