//! Overlay mounts.
//!
//! Options are the same in every mode, so that layers stay interchangeable: `userxattr` (without it a mount in a user
//! namespace works until the first `rm -r` of a lower directory), and index and metacopy off against distributions' defaults.
//! Layers go in as open descriptors, so neither the number nor the length of their paths matters. Three ways, newest first:
//! descriptors (Linux 6.13), `/proc/self/fd` names one by one (6.7), and mount(2) with such names in one string.

use crate::error::{AtStep, SandboxStep, StepError};
use crate::sources::{LayerDir, Sources};
use crate::spec::Overlay;
use crate::sys::{self, Sys};
use nix::errno::Errno;
use nix::mount::{MntFlags, MsFlags, umount2};
use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;

/// The kernel's limit (OVL_MAX_STACK).
const MAX_LOWERS: usize = 500;
const FLAGS_OFF: [(&std::ffi::CStr, &std::ffi::CStr); 2] =
    [(c"index", c"off"), (c"metacopy", c"off")];

/// What mount tables call our overlays.
pub(crate) const SOURCE: &std::ffi::CStr = c"rpmkit";

/// The directories of an overlay, opened.
struct OpenedOverlay {
    lowers: Vec<LayerDir>,
    /// Upper and work.
    writable: Option<(LayerDir, LayerDir)>,
}

/// Makes a detached overlay mount. A single read-only layer is that directory itself, read-only.
pub(crate) fn mount(overlay: &Overlay, sources: &mut Sources) -> Result<OwnedFd, StepError> {
    let opened = open_all(overlay, sources)?;
    if opened.writable.is_none()
        && let [only] = overlay.lowers.as_slice()
    {
        let layer = &opened.lowers[0].fd;
        let tree = sys::open_tree(
            layer.as_raw_fd(),
            c"",
            sys::OPEN_TREE_CLONE | sys::AT_RECURSIVE | libc::AT_EMPTY_PATH as libc::c_uint,
        )
        .step_at(SandboxStep::Overlay, "take a mount of", only)?;
        crate::mounts::make_read_only(tree.as_fd(), only)?;
        return Ok(tree);
    }
    let used = opened
        .writable
        .as_ref()
        .is_some_and(|(_, work)| crate::overlay_reason::is_used(&work.fd));
    let mut log = String::new();
    for by_fd in [true, false] {
        match new_api(&opened, overlay, by_fd) {
            Ok(mount) => return Ok(mount),
            Err(Refused {
                at: RefusedAt::Elsewhere,
                errno,
                log,
            }) => return Err(refusal(overlay, &opened, errno, log, used)),
            // An older kernel, or a layer it does not like: the next way decides.
            Err(Refused {
                at: RefusedAt::Layer,
                log: reason,
                ..
            }) => log = reason,
        }
    }
    old_api(&opened, overlay).map_err(|error| {
        let errno = Errno::from_raw(error.errno);
        if error.detail.is_empty() {
            refusal(overlay, &opened, errno, log, used)
        } else {
            error
        }
    })
}

fn refusal(
    overlay: &Overlay,
    opened: &OpenedOverlay,
    errno: Errno,
    mut log: String,
    used: bool,
) -> StepError {
    if log.is_empty() {
        let dirs = opened.writable.as_ref();
        let dirs = dirs.map(|(upper, work)| (&upper.fd, &work.fd));
        log = crate::overlay_reason::explain(overlay, dirs, used);
    }
    StepError::new(SandboxStep::Overlay, "mount an overlay", errno)
        .because(log)
        .at(place(overlay))
}

fn place(overlay: &Overlay) -> &Path {
    overlay
        .upper
        .as_deref()
        .or(overlay.lowers.first().map(|p| p.as_path()))
        .unwrap_or(Path::new("/"))
}

fn open_all(overlay: &Overlay, sources: &mut Sources) -> Result<OpenedOverlay, StepError> {
    let wrong = |text: String| {
        Err(StepError::new(SandboxStep::Overlay, "mount an overlay", Errno::EINVAL).because(text))
    };
    match overlay.lowers.len() {
        0 => return wrong("it has no lower layer".to_owned()),
        1..=MAX_LOWERS => {}
        many => return wrong(format!("{many} layers, the kernel takes {MAX_LOWERS}")),
    }
    let writable = match (&overlay.upper, &overlay.work) {
        (None, _) => None,
        (Some(_), None) => return wrong("an upper directory without a work directory".to_owned()),
        (Some(upper), Some(work)) => Some(sources.writable(upper, work)?),
    };
    Ok(OpenedOverlay {
        lowers: overlay
            .lowers
            .iter()
            .map(|dir| sources.lower(dir))
            .collect::<Result<_, _>>()?,
        writable,
    })
}

/// Where the new mount API said no.
#[derive(PartialEq, Eq)]
enum RefusedAt {
    /// At the first layer: this kernel does not take layers this way.
    Layer,
    Elsewhere,
}

struct Refused {
    at: RefusedAt,
    errno: Errno,
    log: String,
}

fn new_api(opened: &OpenedOverlay, overlay: &Overlay, by_fd: bool) -> Result<OwnedFd, Refused> {
    let fs = sys::fsopen(c"overlay").map_err(|errno| Refused {
        at: RefusedAt::Elsewhere,
        errno,
        log: "this kernel has no overlayfs".to_owned(),
    })?;
    let refused = |at, errno| Refused {
        at,
        errno,
        log: sys::context_log(fs.as_fd()),
    };
    let elsewhere = |errno| refused(RefusedAt::Elsewhere, errno);
    sys::fsconfig_string(fs.as_fd(), c"source", SOURCE).map_err(elsewhere)?;
    sys::fsconfig_flag(fs.as_fd(), c"userxattr").map_err(elsewhere)?;
    for (key, value) in FLAGS_OFF {
        sys::fsconfig_string(fs.as_fd(), key, value).map_err(elsewhere)?;
    }
    for lower in &opened.lowers {
        layer(fs.as_fd(), c"lowerdir+", &lower.fd, by_fd)
            .map_err(|errno| refused(RefusedAt::Layer, errno))?;
    }
    if let Some((upper, work)) = &opened.writable {
        layer(fs.as_fd(), c"upperdir", &upper.fd, by_fd).map_err(elsewhere)?;
        layer(fs.as_fd(), c"workdir", &work.fd, by_fd).map_err(elsewhere)?;
        if overlay.volatile {
            sys::fsconfig_flag(fs.as_fd(), c"volatile").map_err(elsewhere)?;
        }
    }
    sys::fsconfig_create(fs.as_fd()).map_err(elsewhere)?;
    sys::fsmount(fs.as_fd(), 0).map_err(elsewhere)
}

fn layer(fs: BorrowedFd<'_>, key: &std::ffi::CStr, dir: &OwnedFd, by_fd: bool) -> Sys<()> {
    if by_fd {
        return sys::fsconfig_fd(fs, key, dir.as_fd());
    }
    let name = sys::cstr(format!("/proc/self/fd/{}", dir.as_raw_fd()))?;
    sys::fsconfig_string(fs, key, &name)
}

/// mount(2): attaches at once, so over the top directory, from where it is taken off again as a detached copy.
fn old_api(opened: &OpenedOverlay, overlay: &Overlay) -> Result<OwnedFd, StepError> {
    let staging = place(overlay);
    let options =
        option_string(opened, overlay.volatile).step(SandboxStep::Overlay, "name the layers")?;
    // Names are resolved from here: 500 layers of three digits fit into the kernel's one page.
    nix::unistd::chdir("/proc/self/fd").step(SandboxStep::Overlay, "enter `/proc/self/fd`")?;
    nix::mount::mount(
        Some(SOURCE),
        staging,
        Some(c"overlay"),
        MsFlags::empty(),
        Some(options.as_c_str()),
    )
    .step_at(SandboxStep::Overlay, "mount an overlay", staging)?;
    nix::unistd::chdir("/").step(SandboxStep::Overlay, "leave `/proc/self/fd`")?;
    let tree = crate::mounts::clone_tree(staging, SandboxStep::Overlay)?;
    umount2(staging, MntFlags::MNT_DETACH).step_at(
        SandboxStep::Overlay,
        "detach the overlay at",
        staging,
    )?;
    Ok(tree)
}

fn option_string(opened: &OpenedOverlay, volatile: bool) -> Sys<CString> {
    let lowers: Vec<String> = opened
        .lowers
        .iter()
        .map(|dir| dir.fd.as_raw_fd().to_string())
        .collect();
    let mut text = format!(
        "userxattr,index=off,metacopy=off,lowerdir={}",
        lowers.join(":")
    );
    if let Some((upper, work)) = &opened.writable {
        text.push_str(&format!(
            ",upperdir={},workdir={}",
            upper.fd.as_raw_fd(),
            work.fd.as_raw_fd()
        ));
        if volatile {
            text.push_str(",volatile");
        }
    }
    sys::cstr(text)
}
