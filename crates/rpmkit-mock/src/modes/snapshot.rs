//! `--snapshot`, `--rollback-to`, `--remove-snapshot`, `--list-snapshots`.

use rpmkit_cli::{Context, Failure, Outcome, Status};
use rpmkit_core::Error;

use super::work::Work;

fn name<'a>(work: &Work<'a>) -> Result<&'a str, Failure> {
    work.request
        .words
        .first()
        .map(String::as_str)
        .ok_or_else(|| Failure::usage("Requires a snapshot name"))
}

/// Names the present state.
pub fn create(cx: &Context, work: &Work<'_>) -> Outcome {
    let name = name(work)?;
    work.chroot(cx)?.snapshot(name, "").map_err(Error::from)?;
    work.info(format!("created snapshot '{name}'"));
    Ok(Status::OK)
}

/// Goes back to a name.
pub fn rollback(cx: &Context, work: &Work<'_>) -> Outcome {
    let name = name(work)?;
    work.chroot(cx)?.rollback(name).map_err(Error::from)?;
    work.info(format!("rolled back to snapshot '{name}'"));
    Ok(Status::OK)
}

/// Forgets a name.
pub fn remove(cx: &Context, work: &Work<'_>) -> Outcome {
    let name = name(work)?;
    work.chroot(cx)?.remove(&[name]).map_err(Error::from)?;
    work.info(format!("removed snapshot '{name}'"));
    Ok(Status::OK)
}

/// A line a name, marked when it is what `--clean` returns to.
pub fn list(cx: &Context, work: &Work<'_>) -> Outcome {
    for snapshot in work.chroot(cx)?.list().map_err(Error::from)? {
        let mark = if snapshot.current { '*' } else { ' ' };
        cx.printer.data(format!("{mark} {}", snapshot.name));
    }
    Ok(Status::OK)
}
