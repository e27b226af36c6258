//! pid 1 prepares the container, in the one order that works.
//!
//! All sources of mounts are opened as detached mounts while the host's tree is still there, then the root is entered, then
//! everything is attached by container paths: so symbolic links in the root can never lead outside.

use crate::budget::cgroup::GroupFiles;
use crate::budget::meter::{UpperTree, UsageMeter};
use crate::dev::Devices;
use crate::error::{AtStep, SandboxStep, StepError};
use crate::exec::SavedLimits;
use crate::kernfs::KernelFs;
use crate::mounts::{self, PreparedMount};
use crate::sources::Sources;
use crate::spec::{ContainerSpec, Network, Personality, RootFs};
use crate::{first_mount, landlock, net, overlay, sys};
use nix::errno::Errno;
use nix::mount::{MntFlags, umount2};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

/// linux/personality.h
const PER_LINUX32: libc::c_ulong = 8;

/// Makes this process, fresh in its namespaces, the container's pid 1. Returns the limits it was started with, and the watch
/// over its budget. `mapped` is where the monitor sends mounts, as real root.
pub(crate) fn prepare(
    spec: &ContainerSpec,
    mapped: Option<OwnedFd>,
    group: Option<GroupFiles>,
    held: &[OwnedFd],
) -> Result<(SavedLimits, Option<UsageMeter>), StepError> {
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o022));
    if spec.mode.has_ids() {
        // In single mode the kernel does not let anybody drop groups; they show as `nobody` inside.
        nix::unistd::setgroups(&[]).step(SandboxStep::Groups, "drop supplementary groups")?;
    }
    leave_keyring()?;
    first_mount::cut_off()?;
    if let Some(name) = &spec.hostname {
        nix::unistd::sethostname(name).step(
            SandboxStep::HostName,
            format!("set the host name to `{name}`"),
        )?;
    }
    if spec.network == Network::None {
        net::loopback_up()?;
    } else {
        landlock::close_abstract_sockets()?;
    }
    let limits = SavedLimits::raise_files()?;
    let mut sources = match mapped {
        None => Sources::Paths,
        Some(socket) => Sources::receive(socket.as_fd())?,
    };
    let prepared: Vec<PreparedMount<'_>> = spec
        .mounts
        .iter()
        .map(|mount| mounts::prepare(mount, &mut sources, held))
        .collect::<Result<_, _>>()?;
    let upper = UpperTree::open(spec, &mut sources)?;
    let kernel = KernelFs::open(spec.network)?;
    let devices = Devices::open(&spec.mode)?;
    if let Some(emulation) = &spec.emulation {
        // It works as long as its file system is there, which nobody has to see.
        std::mem::forget(emulation.register()?);
    }
    // Last, because from here on its work directory counts as used.
    let root = root_mount(&spec.root, &mut sources)?;
    sources.finish()?;
    enter(&root, &staging(spec))?;
    drop(root);
    kernel.attach()?;
    devices.attach()?;
    for mount in prepared {
        mounts::attach(mount)?;
    }
    crate::local::settle(spec)?;
    let meter = UsageMeter::new(spec, upper, group)?;
    if spec.read_only_root {
        sys::mount_setattr(libc::AT_FDCWD, c"/", false, sys::ATTR_RDONLY)
            .step(SandboxStep::ReadOnly, "make the root read-only")?;
    }
    if spec.personality == Personality::Linux32 {
        // SAFETY: takes an integer; PER_LINUX32 changes what uname says and nothing of this process' memory.
        nix::errno::Errno::result(unsafe { libc::personality(PER_LINUX32) })
            .step(SandboxStep::Personality, "set the 32-bit personality")?;
    }
    nix::sys::prctl::set_name(c"rpmkit-init").step(SandboxStep::Pivot, "name pid 1")?;
    // Our descriptors and the host's binary at /proc/1/exe are no business of container root.
    sys::prctl(libc::PR_SET_DUMPABLE, 0)
        .step(SandboxStep::Pivot, "hide pid 1 from the container")?;
    Ok((limits, meter))
}

/// What the caller keeps in the session keyring is no business of a build.
fn leave_keyring() -> Result<(), StepError> {
    match sys::new_session_keyring() {
        // Where keyrings are refused to us, by a filter around us for instance, or the caller has used up the number allowed,
        // the old one stays; commands cannot ask for it, as their filter refuses that.
        Ok(()) | Err(Errno::EPERM | Errno::ENOSYS | Errno::EDQUOT) => Ok(()),
        Err(errno) => Err(StepError::new(
            SandboxStep::Groups,
            "leave the caller's session keyring",
            errno,
        )),
    }
}

fn root_mount(root: &RootFs, sources: &mut Sources) -> Result<OwnedFd, StepError> {
    match root {
        RootFs::Dir(dir) => sources
            .tree(dir, false, false, SandboxStep::Root)?
            .ok_or_else(|| {
                StepError::new(SandboxStep::Root, "take a mount of", Errno::ENOENT).at(dir)
            }),
        RootFs::Overlay(layers) => overlay::mount(layers, sources),
    }
}

/// Where the root is attached for the moment between two systems: over a directory that must exist anyway.
fn staging(spec: &ContainerSpec) -> PathBuf {
    if !spec.mode.is_rootless() {
        // To the host we are nobody and may not walk into the store.
        return PathBuf::from("/");
    }
    match &spec.root {
        RootFs::Dir(dir) => dir.clone(),
        RootFs::Overlay(layers) => layers
            .upper
            .iter()
            .chain(&layers.lowers)
            .next()
            .cloned()
            .unwrap_or_default(),
    }
}

fn enter(root: &OwnedFd, staging: &Path) -> Result<(), StepError> {
    let target = sys::cstr(staging).step_at(SandboxStep::Root, "use", staging)?;
    sys::move_mount(root.as_fd(), &target).step_at(
        SandboxStep::Root,
        "attach the root at",
        staging,
    )?;
    // SAFETY: fchdir takes an open descriptor.
    nix::errno::Errno::result(unsafe { libc::fchdir(root.as_raw_fd()) })
        .step(SandboxStep::Root, "enter the root")?;
    // Afterwards the old root lies on top of the new one at `/`; detaching it leaves only the new one.
    sys::pivot_here().step(SandboxStep::Pivot, "make the new root `/`")?;
    umount2(".", MntFlags::MNT_DETACH).step(SandboxStep::Pivot, "let go of the host's root")?;
    nix::unistd::chdir("/").step(SandboxStep::Pivot, "enter the new root")
}
