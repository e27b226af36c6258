//! From a refused step to its likely cause and what to do: the table of what hosts are known to refuse.

use crate::error::{SandboxStep, StepError};
use nix::errno::Errno;
use std::path::Path;

/// Likely cause and remedies. Sentence fragments; commands are meant to be pasted.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Advice {
    /// The likely cause.
    pub cause: Option<String>,
    /// What to do, best first.
    pub remedies: Vec<String>,
}

impl Advice {
    fn new(cause: impl Into<String>, remedies: &[&str]) -> Self {
        Self {
            cause: Some(cause.into()),
            remedies: remedies.iter().map(|text| (*text).to_owned()).collect(),
        }
    }
}

const MAX_USER: &str = "/proc/sys/user/max_user_namespaces";
const CLONE_ALLOWED: &str = "/proc/sys/kernel/unprivileged_userns_clone";
const APPARMOR: &str = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns";

/// Advice for a failed step, with a look at the host's settings that explain it.
pub(crate) fn advise(error: &StepError) -> Advice {
    let errno = Errno::from_raw(error.errno);
    match error.step {
        SandboxStep::Namespaces => namespaces(errno),
        SandboxStep::Maps
        | SandboxStep::FirstMount
        | SandboxStep::HostName
        | SandboxStep::Loopback
        | SandboxStep::Groups => no_capabilities(errno),
        SandboxStep::MapTool => map_tool(error),
        SandboxStep::Proc if errno == Errno::EPERM => masked_proc(),
        SandboxStep::Overlay => overlay(errno, &error.detail),
        SandboxStep::Bind | SandboxStep::Root | SandboxStep::Dev if errno == Errno::ENOENT => {
            Advice::new(
                "the path does not exist",
                &["make it, or remove the mount from the configuration"],
            )
        }
        SandboxStep::MountPoint if errno == Errno::EROFS => Advice::new(
            "the mount point is missing in a read-only root",
            &["make the directory in the root beforehand"],
        ),
        SandboxStep::Emulation => emulation(errno),
        SandboxStep::IdMapped => id_mapped(),
        SandboxStep::Seccomp => Advice::new(
            "this kernel has no seccomp filters, or an outer filter forbids more",
            &["use a kernel with CONFIG_SECCOMP_FILTER"],
        ),
        _ => Advice::default(),
    }
}

fn read(path: &str) -> Option<String> {
    std::fs::read_to_string(path)
        .ok()
        .map(|text| text.trim().to_owned())
}

/// A process below a plain chroot has no mount at its `/`.
fn is_chrooted() -> bool {
    let Ok(text) = std::fs::read_to_string("/proc/self/mountinfo") else {
        return false;
    };
    !text.lines().any(|line| line.split(' ').nth(4) == Some("/"))
}

fn has_seccomp_filter() -> bool {
    read("/proc/self/status").is_some_and(|text| {
        text.lines().any(|line| {
            line.strip_prefix("Seccomp:")
                .is_some_and(|value| value.trim() == "2")
        })
    })
}

const CONTAINER_ADVICE: [&str; 2] = [
    "docker: `--security-opt seccomp=unconfined --security-opt systempaths=unconfined`",
    "podman: `--security-opt unmask=ALL`",
];

fn namespaces(errno: Errno) -> Advice {
    match errno {
        Errno::ENOSPC | Errno::EUSERS => Advice::new(
            format!(
                "the limit `user.max_user_namespaces` ({}) is used up, or namespaces are nested too deeply",
                read(MAX_USER).unwrap_or_else(|| "unknown".to_owned())
            ),
            &["sudo sysctl user.max_user_namespaces=15000"],
        ),
        Errno::EPERM if is_chrooted() => Advice::new(
            "this process runs in a plain chroot, where the kernel forbids user namespaces",
            &[
                "enter the root with a tool that uses pivot_root (bwrap, systemd-nspawn, podman), or run outside it",
            ],
        ),
        Errno::EPERM if read(CLONE_ALLOWED).as_deref() == Some("0") => Advice::new(
            "`kernel.unprivileged_userns_clone` is 0: this system reserves user namespaces for root",
            &["sudo sysctl kernel.unprivileged_userns_clone=1"],
        ),
        Errno::EPERM | Errno::ENOSYS if has_seccomp_filter() => Advice::new(
            "a seccomp filter, as container runtimes install it, forbids namespaces",
            &CONTAINER_ADVICE,
        ),
        Errno::EPERM => Advice::new(
            "this process may not make namespaces (a container without CAP_SYS_ADMIN, a plain chroot, or a security module)",
            &CONTAINER_ADVICE,
        ),
        Errno::EINVAL => Advice::new(
            "this kernel lacks one of the namespaces (CONFIG_USER_NS)",
            &["boot a kernel with user namespaces; all current distribution kernels have them"],
        ),
        _ => Advice::default(),
    }
}

/// The namespace exists but gives nothing: Ubuntu's restriction, or a container's.
fn no_capabilities(errno: Errno) -> Advice {
    if !matches!(errno, Errno::EPERM | Errno::EACCES) {
        return Advice::default();
    }
    if read(APPARMOR).as_deref() == Some("1") {
        return Advice::new(
            "AppArmor (`kernel.apparmor_restrict_unprivileged_userns` = 1) takes the capabilities of user namespaces \
             from programs without a profile",
            &[
                "put `abi <abi/4.0>, include <tunables/global> profile rpmkit /usr/bin/rpmkit* flags=(unconfined) { \
                 userns, }` into `/etc/apparmor.d/rpmkit` and run `sudo apparmor_parser -r /etc/apparmor.d/rpmkit`",
                "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0",
            ],
        );
    }
    Advice::new(
        "a container runtime or security module keeps this process from mounting",
        &CONTAINER_ADVICE,
    )
}

fn map_tool(error: &StepError) -> Advice {
    let tool = error.path.as_deref().unwrap_or(Path::new("newuidmap"));
    if !tool.exists() {
        return Advice::new(
            "the `uidmap` package is not installed",
            &["sudo apt install uidmap (or: shadow-utils)"],
        );
    }
    // What shadow's tools say; after newgrp(1), too, all is right but the group.
    if error.detail.contains("is owned by a different user") {
        return Advice::new(
            "this process runs with another primary group than its account has in `/etc/passwd`",
            &["leave the shell that `newgrp` or `sg` has started, or give the account that group"],
        );
    }
    Advice::new(
        format!(
            "`{}` refused: no fitting line in `/etc/subuid` and `/etc/subgid`, a lost set-uid bit, or a file system \
             mounted nosuid",
            tool.display()
        ),
        &["sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 $USER"],
    )
}

fn emulation(errno: Errno) -> Advice {
    let registered = "sudo apt install qemu-user-static (or: dnf install qemu-user-static), which registers emulators \
                      for everybody";
    match errno {
        Errno::ENODEV => Advice::new(
            "this kernel has no binfmt_misc, or its module is not loaded",
            &[
                "sudo modprobe binfmt_misc",
                "use a kernel with CONFIG_BINFMT_MISC",
            ],
        ),
        Errno::EPERM => Advice::new(
            "this kernel keeps binfmt_misc for the whole system: only since Linux 6.7 user namespaces may have their own",
            &[registered, "use Linux 6.7 or later"],
        ),
        Errno::ENOENT | Errno::EACCES => Advice::new(
            "the emulator is not installed, or may not be executed",
            &[registered],
        ),
        _ => Advice::default(),
    }
}

fn id_mapped() -> Advice {
    Advice::new(
        "real root builds in a user namespace with ids of its own, which this file system or kernel cannot show its files \
         with",
        &[
            "put the directory on ext4, xfs, btrfs or tmpfs, with Linux 5.19 or later; in a container, on a volume",
            "run as an ordinary user, who needs no mapping",
        ],
    )
}

fn masked_proc() -> Advice {
    Advice::new(
        "parts of /proc are covered by an outer container, so a fresh one is refused and the outer one is shown instead: \
         right for /proc/self, with the outer process numbers for others",
        &CONTAINER_ADVICE,
    )
}

fn overlay(errno: Errno, detail: &str) -> Advice {
    let disk = "put the store on a local file system (ext4, xfs, btrfs): a volume in containers, no NFS home";
    match errno {
        Errno::EINVAL if detail.contains("not supported as upperdir") => Advice::new(
            "the upper directory lies on an overlay, NFS or another unfit file system",
            &[disk],
        ),
        Errno::EINVAL if detail.contains("userxattr") => Advice::new(
            "this kernel is older than 5.11 and has no rootless overlays",
            &["use a newer kernel, or a plain directory as root"],
        ),
        Errno::EINVAL | Errno::ESTALE => Advice::new(
            "an unfit file system, too many layers, or a work directory that a volatile mount has used",
            &[disk, "remove the work directory"],
        ),
        Errno::EPERM => Advice::new(
            "this kernel is older than 5.11, or a security module forbids overlays in user namespaces",
            &["use a newer kernel, or a plain directory as root"],
        ),
        Errno::ENODEV => Advice::new(
            "the overlay module is not loaded",
            &["sudo modprobe overlay"],
        ),
        Errno::ENOENT => Advice::new(
            "a layer is missing",
            &["scrub the chroot, it will be made again"],
        ),
        _ => Advice::default(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn another_primary_group_is_told_from_missing_ids() {
        let dir = tempfile::NamedTempFile::new().unwrap();
        let of = |detail: &str| {
            let error = StepError::new(SandboxStep::MapTool, "run", Errno::EPERM);
            error
                .at(dir.path())
                .because(detail)
                .advice()
                .cause
                .unwrap_or_default()
        };
        let told = of("newuidmap: Target process 7 is owned by a different user: uid:1500");
        assert!(told.contains("primary group"), "{told}");
        assert!(of("exit status: 1").contains("/etc/subuid"));
    }

    #[test]
    fn known_refusals_have_a_cause_and_a_cure() {
        for (step, errno) in [
            (SandboxStep::Namespaces, Errno::ENOSPC),
            (SandboxStep::Namespaces, Errno::EPERM),
            (SandboxStep::Namespaces, Errno::EINVAL),
            (SandboxStep::Maps, Errno::EPERM),
            (SandboxStep::MapTool, Errno::EPERM),
            (SandboxStep::FirstMount, Errno::EACCES),
            (SandboxStep::Proc, Errno::EPERM),
            (SandboxStep::Overlay, Errno::EINVAL),
            (SandboxStep::IdMapped, Errno::EINVAL),
            (SandboxStep::Emulation, Errno::EPERM),
            (SandboxStep::Emulation, Errno::ENODEV),
            (SandboxStep::Overlay, Errno::EPERM),
        ] {
            let advice = StepError::new(step, "try", errno).advice();
            assert!(
                advice.cause.is_some() && !advice.remedies.is_empty(),
                "{step:?} {errno:?}"
            );
        }
    }
}
