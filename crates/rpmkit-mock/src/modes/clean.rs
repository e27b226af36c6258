//! `--clean`, `--scrub`, `--scrub-all-chroots`.

use std::{fs, io::ErrorKind, path::Path, time::SystemTime};

use rpmkit_cli::{Context, Failure, Outcome, Status, setup};
use rpmkit_core::{
    Error, Events,
    chroot::Chroot,
    results::record::unix_time,
    store::{Holder, Store, host::survey},
};

use super::work::Work;
use crate::cmdline::ScrubTarget;

/// Drops what is on top of the current snapshot and, as mock does, results that lie in mock's own
/// directory of the chroot.
pub fn clean(cx: &Context, work: &Work<'_>) -> Outcome {
    let chroot = work.chroot(cx)?;
    work.state("clean chroot", || chroot.clean())
        .map_err(Error::from)?;
    remove_results(work)?;
    Ok(Status::OK)
}

/// Removes what is named, of this configuration and no other.
pub fn scrub(cx: &Context, work: &Work<'_>, targets: &[ScrubTarget]) -> Outcome {
    let names: Vec<String> = work
        .request
        .options
        .scrub
        .iter()
        .map(|t| format!("'{}'", t.name()))
        .collect();
    let what = format!("scrub [{}]", names.join(", "));
    work.state(&what, || {
        let chroot = work.chroot(cx)?;
        for target in targets {
            scrub_one(work, &chroot, *target)?;
        }
        Ok(Status::OK)
    })
}

fn scrub_one(work: &Work<'_>, chroot: &Chroot, target: ScrubTarget) -> Result<(), Failure> {
    let root = &work.settings.root;
    match target {
        ScrubTarget::All => {
            work.info(format!("scrubbing everything for {root}"));
            chroot.scrub().map_err(Error::from)?;
            remove_results(work)?;
            remove(&work.settings.cache_topdir.join(root))
        }
        ScrubTarget::Overlayfs => {
            work.info(format!("scrubbing overlayfs for {root}"));
            Ok(chroot.scrub().map_err(Error::from)?)
        }
        ScrubTarget::Chroot => {
            work.info(format!("scrubbing chroot for {root}"));
            chroot.clean().map_err(Error::from)?;
            remove_results(work)
        }
        ScrubTarget::CCache => {
            work.info(format!("scrubbing c-cache for {root}"));
            remove(&work.settings.cache_topdir.join(root).join("ccache"))
        }
        ScrubTarget::Cache => {
            work.info(format!("scrubbing cache for {root}"));
            remove(&work.settings.cache_topdir.join(root))
        }
        // Layers and metadata are keyed by what is in them and shared by all chroots: nothing of
        // them can be stale, and the store gives back what nobody needs.
        ScrubTarget::RootCache
        | ScrubTarget::PackageCache
        | ScrubTarget::Bootstrap
        | ScrubTarget::Lvm => {
            work.info(format!(
                "{} is shared and never stale: nothing to scrub",
                target.name()
            ));
            Ok(())
        }
    }
}

/// The default result directory goes with the chroot; one that was asked for stays.
fn remove_results(work: &Work<'_>) -> Result<(), Failure> {
    if work.settings.resultdir_given {
        return Ok(());
    }
    remove(&work.settings.resultdir)
}

fn remove(dir: &Path) -> Result<(), Failure> {
    match fs::remove_dir_all(dir) {
        Ok(()) => Ok(()),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(()),
        Err(e) => Err(Failure::general(format!(
            "cannot remove `{}`: {e}",
            dir.display()
        ))),
    }
}

/// Scrubs every chroot there is, of every configuration. Needs no configuration itself: the store
/// knows whose chroots it has.
pub fn scrub_all_chroots(cx: &Context) -> Outcome {
    let host = &cx.host;
    let home = host.dirs.cache.join("layers");
    let found = survey(&home, host.uid).map_err(|e| setup::sandbox_failure(&e))?;
    let holder = Holder {
        pid: std::process::id(),
        command: setup::command_line(host),
        since: unix_time(SystemTime::now()),
    };
    let store =
        Store::open_here(home, host.uid, &found, holder, Events::silent()).map_err(Error::from)?;
    for name in Chroot::all(&store).map_err(Error::from)? {
        cx.printer
            .say(format!("INFO: scrubbing everything for {name}"));
        Chroot::new(&store, name, "").scrub().map_err(Error::from)?;
    }
    Ok(Status::OK)
}
