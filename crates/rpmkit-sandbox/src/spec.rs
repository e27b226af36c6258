//! What a container is made of. Plain data: nothing happens before [`crate::Container::start`].

use crate::budget::UsageBudget;
use crate::emulate::Emulation;
use crate::ids::IdMode;
use crate::local::TimeZoneName;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A container to start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ContainerSpec {
    /// Identities.
    pub mode: IdMode,
    /// What becomes `/`.
    pub root: RootFs,
    /// Further mounts, made in this order after `/proc`, `/sys` and `/dev`. Targets are paths inside; missing mount points
    /// are made.
    pub mounts: Vec<Mount>,
    /// Network of its own (loopback only), or the host's.
    pub network: Network,
    /// Host name inside; none keeps the host's.
    pub hostname: Option<String>,
    /// Time zone: what `/etc/localtime` leads to, where the root has that zone in `/usr/share/zoneinfo`.
    pub zone: Option<TimeZoneName>,
    /// Gives the root a random machine id where it has none of its own.
    pub machine_id: bool,
    /// What `uname -m` answers, for 32-bit builds.
    pub personality: Personality,
    /// For programs of another machine, where the kernel does not run them already.
    pub emulation: Option<Emulation>,
    /// Makes `/` itself read-only once everything is mounted; other mounts keep their own state.
    pub read_only_root: bool,
    /// Let whoever may look into the namespaces see the root at `/proc/PID/root` of the monitor, which lies in no pid namespace
    /// of the container's. Only such a container can [`crate::Container::leave`], and holds nothing of the caller's but `held`.
    pub visible: bool,
    /// As real root, with [`Self::visible`]: directories of the host, and their places inside, that are seen there with the
    /// container's root as the host's, so that the host's root makes files that are container root's.
    pub plain: Vec<(PathBuf, PathBuf)>,
    /// Filters for commands that do not choose their own (see [`crate::Command::filters`]).
    pub filters: Filters,
    /// Limits for all commands, before their own.
    pub limits: Vec<Limit>,
    /// What commands that are counted may use together.
    pub budget: Option<UsageBudget>,
}

impl ContainerSpec {
    /// A container with this root, no network, no filters.
    pub fn new(mode: IdMode, root: RootFs) -> Self {
        Self {
            mode,
            root,
            mounts: Vec::new(),
            network: Network::None,
            hostname: None,
            zone: None,
            machine_id: false,
            personality: Personality::Native,
            emulation: None,
            read_only_root: false,
            visible: false,
            plain: Vec::new(),
            filters: Filters::default(),
            limits: Vec::new(),
            budget: None,
        }
    }
}

/// Where `/` comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RootFs {
    /// A directory, used in place, with whatever is mounted below it.
    Dir(PathBuf),
    /// Layers.
    Overlay(Overlay),
}

/// An overlay mount. All directories are paths of the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overlay {
    /// Read-only layers, the top one first; at least one, at most 500.
    pub lowers: Vec<PathBuf>,
    /// Where changes go; none makes the overlay read-only.
    pub upper: Option<PathBuf>,
    /// An empty directory on the file system of `upper`; needed with it.
    pub work: Option<PathBuf>,
    /// Never sync. The work directory cannot be used for another mount afterwards: remove it and make a new one.
    pub volatile: bool,
}

/// A mount inside the container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mount {
    /// A file or directory of the host, with what is mounted below it.
    Bind {
        /// On the host.
        source: PathBuf,
        /// Inside.
        target: PathBuf,
        /// Read-only, recursively.
        read_only: bool,
        /// A missing source is passed over.
        optional: bool,
    },
    /// Something that is already in the container at another place too, for instance `/proc` at `/mnt/proc`.
    Inner {
        /// Inside.
        source: PathBuf,
        /// Inside.
        target: PathBuf,
        /// Read-only, recursively.
        read_only: bool,
    },
    /// An empty file system in memory.
    Tmpfs {
        /// Inside.
        target: PathBuf,
        /// Permissions of its root directory, for instance 0o1777.
        mode: u32,
        /// Bytes; none is the kernel's default, half of the memory.
        size: Option<u64>,
    },
    /// A mount that was taken from somewhere else, such as [`crate::Container::root_tree`].
    Given {
        /// Inside.
        target: PathBuf,
        /// Which of the descriptors that [`crate::Container::start_with`] is told to hold.
        held: usize,
    },
    /// Layers somewhere else than at `/`.
    Overlay {
        /// Inside.
        target: PathBuf,
        /// The layers.
        overlay: Overlay,
    },
}

impl Mount {
    /// A writable bind.
    pub fn bind(source: impl Into<PathBuf>, target: impl Into<PathBuf>) -> Self {
        Self::Bind {
            source: source.into(),
            target: target.into(),
            read_only: false,
            optional: false,
        }
    }

    /// A read-only bind.
    pub fn bind_ro(source: impl Into<PathBuf>, target: impl Into<PathBuf>) -> Self {
        Self::Bind {
            source: source.into(),
            target: target.into(),
            read_only: true,
            optional: false,
        }
    }

    /// A container path at a second place.
    pub fn inner(source: impl Into<PathBuf>, target: impl Into<PathBuf>) -> Self {
        Self::Inner {
            source: source.into(),
            target: target.into(),
            read_only: false,
        }
    }

    /// A tmpfs with these permissions.
    pub fn tmpfs(target: impl Into<PathBuf>, mode: u32) -> Self {
        Self::Tmpfs {
            target: target.into(),
            mode,
            size: None,
        }
    }
}

/// Network inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Network {
    /// Only a loopback interface, up.
    None,
    /// The caller's, with all that listens on its loopback interface, but without its abstract sockets
    /// where the kernel can keep them away. `resolv.conf` is the caller's job.
    Host,
}

/// Machine a process believes to be on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Personality {
    /// The real one.
    Native,
    /// The 32-bit sibling (`i686` on x86_64).
    Linux32,
}

/// System calls answered without being done. For phases that install packages, not for builds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Filters {
    /// chown and its family succeed and do nothing (needed in [`IdMode::Single`]).
    pub chown: bool,
    /// fsync and its family succeed and do nothing.
    pub sync: bool,
    /// mknod of a device by root makes an empty regular file instead of failing (no user namespace may make devices).
    pub mknod: bool,
}

impl Filters {
    /// What a package transaction wants in this mode: no syncing, and ownership faked where it cannot be had.
    pub fn for_packages(mode: &IdMode) -> Self {
        Self {
            chown: !mode.has_ids(),
            sync: true,
            mknod: true,
        }
    }
}

/// A resource that can be limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are those of setrlimit(2)")]
pub enum Resource {
    AddressSpace,
    Core,
    Cpu,
    Data,
    FileSize,
    LockedMemory,
    NoFile,
    NProc,
    Stack,
}

/// A resource limit. A value above the hard limit we were started with is lowered to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// Which.
    pub resource: Resource,
    /// The soft limit; none keeps it.
    pub soft: Option<u64>,
    /// The hard limit; none keeps it.
    pub hard: Option<u64>,
}

impl Limit {
    /// The soft limit of open files that package phases want: some rpm close every possible descriptor per scriptlet.
    pub const PACKAGE_NOFILE: Self = Self {
        resource: Resource::NoFile,
        soft: Some(1024),
        hard: None,
    };
}
