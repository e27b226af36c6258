//! Where the directories of a container come from: paths of the host, or, as real root, mounts of them that map ids.
//!
//! The container's ids are none of those that its files have on disk, and only real root may make a mount that translates
//! (Linux 5.19). So the monitor, which is real root outside, opens everything a container is made of and hands pid 1
//! detached mounts. pid 1 could not open them anyway: to the host it is nobody, and stores let nobody through.

use crate::error::{AtStep, SandboxStep, StepError};
use crate::mounts::{clone_tree, make_read_only, new_fs};
use crate::spec::{ContainerSpec, Mount, Overlay, RootFs};
use crate::{sys, wire};
use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat};
use nix::mount::{MntFlags, umount2};
use nix::sys::stat::Mode;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

/// How one directory or file is wanted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct WantedMount {
    path: PathBuf,
    read_only: bool,
    /// A missing one is passed over.
    optional: bool,
}

/// One part of the monitor's answer; its descriptors come beside it, in the order of `opened`.
#[derive(Debug, Serialize, Deserialize)]
enum Part {
    Opened {
        opened: Vec<WantedMount>,
        more: bool,
    },
    Failed(StepError),
}

/// What pid 1 takes directories from.
pub(crate) enum Sources {
    /// It may open them itself.
    Paths,
    /// Mounts that map ids.
    Mapped {
        mounts: BTreeMap<(PathBuf, bool), Vec<OwnedFd>>,
        /// Layers must be attached somewhere before an overlay takes them: the root directory of a small file system.
        stage: OwnedFd,
        staged: u32,
    },
}

/// A directory for an overlay, and what must stay open until that is mounted.
pub(crate) struct LayerDir {
    pub(crate) fd: OwnedFd,
    _mount: Option<OwnedFd>,
}

impl Sources {
    /// In pid 1, with its mounts cut off from the host's: takes what the monitor opens.
    pub(crate) fn receive(socket: BorrowedFd<'_>) -> Result<Self, StepError> {
        let mut mounts: BTreeMap<_, Vec<OwnedFd>> = BTreeMap::new();
        loop {
            let part = wire::receive::<Part>(socket).map_err(|e| wire::broken(&e))?;
            match part {
                Some((Part::Opened { opened, more }, fds)) => {
                    for (wanted, fd) in opened.into_iter().zip(fds) {
                        let name = (wanted.path, wanted.read_only);
                        mounts.entry(name).or_default().push(fd);
                    }
                    if !more {
                        break;
                    }
                }
                Some((Part::Failed(error), _)) => return Err(error),
                None => return Err(wire::broken(&std::io::ErrorKind::BrokenPipe.into())),
            }
        }
        let stage = new_fs(c"tmpfs", &[("mode", "700")], 0, SandboxStep::Tmpfs)?;
        sys::move_mount(stage.as_fd(), c"/").step(SandboxStep::Tmpfs, "make a place for layers")?;
        Ok(Self::Mapped {
            mounts,
            stage,
            staged: 0,
        })
    }

    /// A detached mount of a directory or file of the host, with what is mounted below; none when it is optional and missing.
    pub(crate) fn tree(
        &mut self,
        path: &Path,
        read_only: bool,
        optional: bool,
        step: SandboxStep,
    ) -> Result<Option<OwnedFd>, StepError> {
        match self {
            Self::Paths if optional && !path.exists() => Ok(None),
            Self::Paths => {
                let tree = clone_tree(path, step)?;
                if read_only {
                    make_read_only(tree.as_fd(), path)?;
                }
                Ok(Some(tree))
            }
            Self::Mapped { mounts, .. } => match mounts
                .get_mut(&(path.to_owned(), read_only))
                .and_then(Vec::pop)
            {
                Some(mount) => Ok(Some(mount)),
                None if optional => Ok(None),
                None => Err(StepError::new(step, "take a mount of", Errno::ENOENT).at(path)),
            },
        }
    }

    /// A read-only layer.
    pub(crate) fn lower(&mut self, path: &Path) -> Result<LayerDir, StepError> {
        match self {
            Self::Paths => open_dir(path).map(LayerDir::plain),
            Self::Mapped { .. } => Ok(LayerDir::plain(self.stage(path)?)),
        }
    }

    /// Upper and work directory, which overlayfs wants in one mount.
    pub(crate) fn writable(
        &mut self,
        upper: &Path,
        work: &Path,
    ) -> Result<(LayerDir, LayerDir), StepError> {
        if matches!(self, Self::Paths) {
            return Ok((
                LayerDir::plain(open_dir(upper)?),
                LayerDir::plain(open_dir(work)?),
            ));
        }
        let around = around(upper, work)?;
        let mount = self.stage(around)?;
        let below = |path: &Path| -> Result<OwnedFd, StepError> {
            let name = path.strip_prefix(around).unwrap_or(path);
            openat(&mount, name, DIRECTORY, Mode::empty()).step_at(
                SandboxStep::Overlay,
                "open the layer",
                path,
            )
        };
        let (upper, work) = (below(upper)?, below(work)?);
        Ok((
            LayerDir {
                fd: upper,
                _mount: Some(mount),
            },
            LayerDir::plain(work),
        ))
    }

    /// Once all is mounted: takes the place for layers off, so that nothing lies over the host's root but the container's.
    pub(crate) fn finish(self) -> Result<(), StepError> {
        if let Self::Mapped { stage, .. } = self {
            let text = "let go of the place for layers";
            nix::unistd::fchdir(&stage).step(SandboxStep::Tmpfs, text)?;
            umount2(".", MntFlags::MNT_DETACH).step(SandboxStep::Tmpfs, text)?;
            nix::unistd::chdir("/").step(SandboxStep::Tmpfs, text)?;
        }
        Ok(())
    }

    /// Attaches one of the mounts where an overlay can take it.
    fn stage(&mut self, path: &Path) -> Result<OwnedFd, StepError> {
        let tree = self.tree(path, false, false, SandboxStep::Overlay)?;
        let Self::Mapped { stage, staged, .. } = self else {
            return open_dir(path);
        };
        let tree = tree.ok_or_else(|| {
            StepError::new(SandboxStep::Overlay, "open the layer", Errno::ENOENT).at(path)
        })?;
        let name = staged.to_string();
        *staged += 1;
        let place = nix::sys::stat::mkdirat(&*stage, name.as_str(), Mode::S_IRWXU)
            .and_then(|()| sys::cstr(&name))
            .and_then(|name| sys::move_mount_to(tree.as_fd(), stage.as_raw_fd(), &name));
        place.step_at(SandboxStep::Overlay, "attach the layer", path)?;
        Ok(tree)
    }
}

impl LayerDir {
    fn plain(fd: OwnedFd) -> Self {
        Self { fd, _mount: None }
    }
}

const DIRECTORY: OFlag = OFlag::O_PATH
    .union(OFlag::O_DIRECTORY)
    .union(OFlag::O_CLOEXEC);

fn open_dir(path: &Path) -> Result<OwnedFd, StepError> {
    open(path, DIRECTORY, Mode::empty()).step_at(SandboxStep::Overlay, "open the layer", path)
}

/// The directory both lie in.
fn around<'a>(upper: &'a Path, work: &Path) -> Result<&'a Path, StepError> {
    upper
        .parent()
        .filter(|dir| work.parent() == Some(dir))
        .ok_or_else(|| {
            StepError::new(SandboxStep::Overlay, "mount an overlay", Errno::EINVAL)
                .because("as real root the upper and the work directory must lie in one directory")
        })
}

/// Everything of the host a container is made of, each as often as it is used.
pub(crate) fn wanted(spec: &ContainerSpec) -> Result<Vec<WantedMount>, StepError> {
    let mut all = Vec::new();
    match &spec.root {
        RootFs::Dir(dir) => all.push(WantedMount::dir(dir)),
        RootFs::Overlay(overlay) => of_overlay(overlay, &mut all)?,
    }
    all.extend(crate::budget::meter::measured(spec).map(WantedMount::dir));
    for mount in &spec.mounts {
        match mount {
            Mount::Bind {
                source,
                read_only,
                optional,
                ..
            } => all.push(WantedMount {
                path: source.clone(),
                read_only: *read_only,
                optional: *optional,
            }),
            Mount::Overlay { overlay, .. } => of_overlay(overlay, &mut all)?,
            Mount::Inner { .. } | Mount::Tmpfs { .. } | Mount::Given { .. } => {}
        }
    }
    Ok(all)
}

/// What an overlay is made of.
pub(crate) fn of_overlay(overlay: &Overlay, all: &mut Vec<WantedMount>) -> Result<(), StepError> {
    if let (Some(upper), Some(work)) = (&overlay.upper, &overlay.work) {
        all.push(WantedMount::dir(around(upper, work)?));
    }
    all.extend(overlay.lowers.iter().map(|dir| WantedMount::dir(dir)));
    Ok(())
}

impl WantedMount {
    fn dir(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            read_only: false,
            optional: false,
        }
    }
}

/// In the monitor: opens what is wanted, with the ids of `pid`'s user namespace, and sends it.
pub(crate) fn serve(
    wanted: Result<Vec<WantedMount>, StepError>,
    pid: nix::unistd::Pid,
    socket: BorrowedFd<'_>,
) {
    let opened = wanted.and_then(|wanted| open_all(wanted, pid));
    // A failure to send means that pid 1 has ended, which its parent notices on its own.
    match opened {
        Err(error) => drop(wire::send(socket, &Part::Failed(error), &[])),
        Ok(opened) => {
            let mut rest = opened.as_slice();
            loop {
                let (now, later) = rest.split_at(rest.len().min(wire::MAX_FDS - 1));
                let fds: Vec<_> = now.iter().map(|(_, fd)| fd.as_fd()).collect();
                let part = Part::Opened {
                    opened: now.iter().map(|(wanted, _)| wanted.clone()).collect(),
                    more: !later.is_empty(),
                };
                if wire::send(socket, &part, &fds).is_err() || later.is_empty() {
                    return;
                }
                rest = later;
            }
        }
    }
}

fn open_all(
    wanted: Vec<WantedMount>,
    pid: nix::unistd::Pid,
) -> Result<Vec<(WantedMount, OwnedFd)>, StepError> {
    let path = PathBuf::from(format!("/proc/{pid}/ns/user"));
    let ids = open(&path, OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty()).step_at(
        SandboxStep::Maps,
        "open",
        &path,
    )?;
    // Chains of layers may be longer than the usual limit.
    let _ = crate::exec::SavedLimits::raise_files();
    wanted
        .into_iter()
        .filter(|w| !w.optional || w.path.exists())
        .map(|w| mapped(&w, ids.as_fd()).map(|fd| (w, fd)))
        .collect()
}

/// What a file system that cannot map ids is told with, as `detail`.
pub(crate) const NO_MAPPING: &str =
    "this file system, or a kernel before Linux 5.19, cannot map ids";

fn mapped(wanted: &WantedMount, ids: BorrowedFd<'_>) -> Result<OwnedFd, StepError> {
    let tree = clone_tree(&wanted.path, SandboxStep::Bind)?;
    if wanted.read_only {
        make_read_only(tree.as_fd(), &wanted.path)?;
    }
    // What is mounted below may be of another kind and keep its ids: nobody's, inside.
    let done =
        sys::map_ids(tree.as_fd(), ids, true).or_else(|_| sys::map_ids(tree.as_fd(), ids, false));
    match done {
        // To be read is enough, and that needs no owner.
        Err(_) if wanted.read_only => Ok(tree),
        Err(errno) => Err(
            StepError::new(SandboxStep::IdMapped, "map the ids of", errno)
                .at(&wanted.path)
                .because(NO_MAPPING),
        ),
        Ok(()) => Ok(tree),
    }
}
