//! `--init`: the minimal buildroot, nothing built.

use rpmkit_cli::{Context, Status, VerbResult};
use rpmkit_core::{Error, build::ChrootAccess};

use super::work::Work;

/// Prepares the chroot, from its current snapshot unless `--no-clean`.
pub fn run(cx: &mut Context, work: &Work<'_>) -> VerbResult {
    work.open_logs(cx)?;
    let mut root = work.open(cx, ChrootAccess::Own)?;
    if work.settings.build.clean {
        work.back_up()?;
        work.state("clean chroot", || root.clean())
            .map_err(|e| work.failure(&e))?;
    }
    root.init().map_err(|e| work.failure(&e))?;
    root.close().map_err(Error::from)?;
    Ok(Status::OK)
}
