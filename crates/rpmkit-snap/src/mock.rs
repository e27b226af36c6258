//! What mock's snapshot options do, with mock's output and exit codes.
//!
//! mock runs each on the buildroot and then on the bootstrap chroot; these take as many chroots as there are.
//! All failures of its plugin end with 1, which [`rpmkit_core::Error::exit_code`] knows.

use rpmkit_cli::{Failure, Printer, Status, VerbResult};
use rpmkit_core::{Error, ExitCode, chroot::Chroot};

/// mock's answer when no plugin knows an operation: the overlayfs plugin is not enabled.
///
/// `hook` is mock's name: `make_snapshot`, `rollback_to`, `remove_snapshot`, `list_snapshots`.
pub fn not_provided(hook: &str) -> Failure {
    Failure::new(
        ExitCode::General,
        format!("Feature {hook} is not provided by any of enabled plugins"),
    )
}

/// The snapshot's name, which must be the first word.
pub fn name(args: &[String]) -> Result<&str, Failure> {
    args.first()
        .map(String::as_str)
        .ok_or_else(|| Failure::usage("Requires a snapshot name"))
}

fn each(
    chroots: &[Chroot],
    args: &[String],
    work: impl Fn(&Chroot, &str) -> Result<(), rpmkit_core::chroot::ChrootError>,
) -> VerbResult {
    let name = name(args)?;
    for chroot in chroots {
        work(chroot, name).map_err(Error::from)?;
    }
    Ok(Status::OK)
}

/// `--snapshot NAME`
pub fn snapshot(chroots: &[Chroot], args: &[String]) -> VerbResult {
    each(chroots, args, |chroot, name| {
        chroot.snapshot_prepared(name, "")
    })
}

/// `--rollback-to NAME`
pub fn rollback_to(chroots: &[Chroot], args: &[String]) -> VerbResult {
    each(chroots, args, |chroot, name| chroot.rollback(name))
}

/// `--remove-snapshot NAME`
pub fn remove_snapshot(chroots: &[Chroot], args: &[String]) -> VerbResult {
    each(chroots, args, |chroot, name| chroot.remove(&[name]))
}

/// `--list-snapshots`: on standard output, a star before all names of the current state.
pub fn list_snapshots(chroots: &[Chroot], printer: &Printer) -> VerbResult {
    for chroot in chroots {
        for snapshot in chroot.list().map_err(Error::from)? {
            let mark = if snapshot.current { "*" } else { " " };
            printer.data(format!("{mark} {}", snapshot.name));
        }
    }
    Ok(Status::OK)
}

/// `--clean`: back to the current snapshot.
pub fn clean(chroot: &Chroot) -> VerbResult {
    chroot.clean().map_err(Error::from)?;
    Ok(Status::OK)
}

/// `--scrub=overlayfs` and the snapshots' part of `--scrub=all`.
pub fn scrub(chroots: &[Chroot]) -> VerbResult {
    for chroot in chroots {
        chroot.scrub().map_err(Error::from)?;
    }
    Ok(Status::OK)
}

pub use crate::keep::{mount, umount};
