//! Modes that only tell: configurations, paths, what (not) runs.

use rpmkit_cli::{Context, Outcome, Status};
use rpmkit_core::{
    Error,
    config::{debug::debug_config as printed, list},
};

use super::work::{self, Work};
use crate::request::MockRequest;

/// `--list-chroots`
pub fn list_chroots(cx: &Context, request: &MockRequest) -> Outcome {
    let text = list::list_chroots(&work::load_request(cx, request)).map_err(Error::from)?;
    cx.printer.raw(text.as_bytes());
    Ok(Status::OK)
}

/// `--debug-config`, `--debug-config-expanded`
pub fn debug_config(cx: &Context, work: &Work<'_>, expanded: bool) -> Outcome {
    let text = printed(&work.config, expanded).map_err(Error::from)?;
    cx.printer.raw(text.as_bytes());
    Ok(Status::OK)
}

/// `--print-root-path`: where mock has the chroot's root, with its slash at the end.
pub fn root_path(cx: &Context, work: &Work<'_>) -> Outcome {
    let path = work.settings.rootdir.display().to_string();
    cx.printer.data(format!("{}/", path.trim_end_matches('/')));
    Ok(Status::OK)
}

/// `--orphanskill`: a chroot's processes end with the command that started them, so there is nothing
/// to kill; who is at work in it is told.
pub fn orphans(cx: &Context, work: &Work<'_>) -> Outcome {
    let chroot = work.chroot(cx)?;
    match chroot.in_use_by().map_err(Error::from)? {
        None => work.info("no process uses the chroot"),
        Some(holder) => {
            let who = holder.map_or_else(|| "another process".to_owned(), |h| h.to_string());
            work.events
                .warn(format!("the chroot is in use by {who}, which is no orphan"));
        }
    }
    Ok(Status::OK)
}

/// `--mount`, `--umount`: roots are mounted where they are used, by whoever uses them, so neither has
/// anything to do. mock is silent then, too.
pub fn mounting(work: &Work<'_>) -> Outcome {
    work.info("chroots are mounted when they are used; there is nothing to do");
    Ok(Status::OK)
}
