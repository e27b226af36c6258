//! `--snapshot`, `--rollback-to`, `--remove-snapshot`, `--list-snapshots`. What they mean is in
//! `rpmkit-snap`; there is one chroot, since a tool root has nothing of a user's to keep.

use rpmkit_cli::{Context, Outcome};
use rpmkit_snap::mock;

use super::work::Work;

/// Names the present state.
pub fn create(cx: &Context, work: &Work<'_>) -> Outcome {
    mock::snapshot(&[work.chroot(cx)?], &work.request.words)
}

/// Goes back to a name.
pub fn rollback(cx: &Context, work: &Work<'_>) -> Outcome {
    mock::rollback_to(&[work.chroot(cx)?], &work.request.words)
}

/// Forgets a name.
pub fn remove(cx: &Context, work: &Work<'_>) -> Outcome {
    mock::remove_snapshot(&[work.chroot(cx)?], &work.request.words)
}

/// A line a name, marked when it is what `--clean` returns to.
pub fn list(cx: &Context, work: &Work<'_>) -> Outcome {
    mock::list_snapshots(&[work.chroot(cx)?], &cx.printer)
}
