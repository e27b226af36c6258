//! A root seen from outside: `--mount`, `--umount`, `--print-root-path`, and what every other mode leaves at
//! mock's place of it; and who is in there: `--orphanskill`.

use std::path::Path;

use rpmkit_cli::{Context, Failure, Status, VerbResult};
use rpmkit_core::{
    Error,
    build::ChrootAccess,
    chroot::{Chroot, RootPlace},
};
use rpmkit_snap::mock;

use super::work::Work;

fn place<'a>(work: &'a Work<'_>) -> RootPlace<'a> {
    RootPlace {
        at: &work.settings.chroot.rootdir,
        home: Path::new(&work.settings.chroot.chroothome),
    }
}

/// `--mount`: the root, writable, until `--umount`.
pub fn mount(cx: &Context, work: &Work<'_>) -> VerbResult {
    let chroot = work.chroot(cx)?;
    work.hook("hook_mount_root", || {
        mock::mount(&cx.host, &chroot, place(work))
    })?;
    work.info(format!(
        "mounted at {}",
        work.settings.chroot.rootdir.display()
    ));
    Ok(Status::OK)
}

/// `--umount`
pub fn unmount(cx: &Context, work: &Work<'_>) -> VerbResult {
    let chroot = work.chroot(cx)?;
    work.hook("hook_umount_root", || mock::umount(&chroot))
}

/// `--print-root-path`: where the chroot's root is seen, with mock's slash at the end. Makes sure that it is
/// seen there, if there is one.
pub fn root_path(cx: &Context, work: &Work<'_>) -> VerbResult {
    let chroot = work.chroot(cx)?;
    if let Err(failure) = reveal(cx, work, &chroot) {
        cx.printer.line(format!("WARNING: {}", failure.message));
    }
    let path = work.settings.chroot.rootdir.display().to_string();
    cx.printer.data(format!("{}/", path.trim_end_matches('/')));
    Ok(Status::OK)
}

fn reveal(cx: &Context, work: &Work<'_>, chroot: &Chroot) -> Result<(), Failure> {
    if chroot.mounted_at().map_err(Error::from)?.is_some() {
        return Ok(());
    }
    if cx.host.called_as() == "mock" {
        let at = &work.settings.chroot.rootdir;
        if !chroot.is_held(at).map_err(Error::from)? && chroot.has_root().map_err(Error::from)? {
            let root = work.open(cx, ChrootAccess::Own)?;
            root.close().map_err(Error::from)?;
        }
        return Ok(());
    }
    let shown = if cx.host.is_root() {
        chroot.show(place(work)).map_err(Error::from)?
    } else {
        false
    };
    if !shown {
        chroot.show_copy(place(work)).map_err(Error::from)?;
    }
    Ok(())
}

/// `--orphanskill`: ends whatever runs in the chroot, whoever started it, as mock does.
pub fn orphans(cx: &Context, work: &Work<'_>) -> VerbResult {
    let chroot = work.chroot(cx)?;
    let found = chroot.processes().map_err(Error::from)?;
    for process in found.iter().filter(|p| !p.is_init) {
        work.events.warn(format!(
            "Leftover process {} is being killed with signal 15: {}",
            process.pid, process.command
        ));
    }
    rpmkit_sandbox::end_processes(&found);
    Ok(Status::OK)
}
