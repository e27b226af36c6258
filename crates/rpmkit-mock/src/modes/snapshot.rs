//! `--snapshot`, `--rollback-to`, `--remove-snapshot`, `--list-snapshots`. What they mean is in
//! `rpmkit-snap`.
//!
//! There is one chroot: nothing ever writes to a tool root, which is our bootstrap, so every state of it is
//! the same and there is nothing to name.

use rpmkit_cli::{Context, Failure, VerbResult};
use rpmkit_core::chroot::Chroot;
use rpmkit_snap::mock;

use super::work::Work;

/// The chroot; or mock's refusal where the configuration says that there shall be no snapshots.
fn chroot(cx: &Context, work: &Work<'_>, hook: &str) -> Result<[Chroot; 1], Failure> {
    let settings = &work.settings;
    if settings.plugins.overlayfs.switched_off() && !settings.plugins.enabled("lvm_root") {
        return Err(mock::not_provided(hook));
    }
    Ok([work.chroot(cx)?])
}

fn details(work: &Work<'_>) -> serde_json::Value {
    serde_json::json!({ "name": work.request.words.first() })
}

/// Names the present state.
pub fn create(cx: &Context, work: &Work<'_>) -> VerbResult {
    mock::name(&work.request.words)?;
    let chroot = chroot(cx, work, "make_snapshot")?;
    work.call(cx, "make_snapshot", &details(work))?;
    work.hook("hook_make_snapshot", || {
        mock::snapshot(&chroot, &work.request.words)
    })
}

/// Goes back to a name.
pub fn rollback(cx: &Context, work: &Work<'_>) -> VerbResult {
    mock::name(&work.request.words)?;
    let chroot = chroot(cx, work, "rollback_to")?;
    work.call(cx, "rollback_to", &details(work))?;
    work.hook("hook_rollback_to", || {
        mock::rollback_to(&chroot, &work.request.words)
    })
}

/// Forgets a name.
pub fn remove(cx: &Context, work: &Work<'_>) -> VerbResult {
    mock::name(&work.request.words)?;
    let chroot = chroot(cx, work, "remove_snapshot")?;
    work.call(cx, "remove_snapshot", &details(work))?;
    work.hook("hook_remove_snapshot", || {
        mock::remove_snapshot(&chroot, &work.request.words)
    })
}

/// A line a name, marked when it is what `--clean` returns to.
pub fn list(cx: &Context, work: &Work<'_>) -> VerbResult {
    let chroot = chroot(cx, work, "list_snapshots")?;
    work.call(cx, "list_snapshots", &serde_json::Value::Null)?;
    work.hook("hook_list_snapshots", || {
        mock::list_snapshots(&chroot, &cx.printer)
    })
}
