//! `--clean`, `--scrub`, `--scrub-all-chroots`.

use std::{fs, io::ErrorKind, path::Path};

use rpmkit_cli::{Context, Failure, Status, VerbResult, homes, setup};
use rpmkit_core::{
    Error, Events,
    build::repositories_of,
    chroot::{Chroot, mentioned},
    store::LayerKind,
};
use rpmkit_snap::open_store;

use super::work::Work;
use crate::cmdline::ScrubTarget;

/// Drops what is on top of the current snapshot and, as mock does, results that lie in mock's own
/// directory of the chroot.
pub fn clean(cx: &Context, work: &Work<'_>) -> VerbResult {
    work.back_up()?;
    let chroot = work.chroot(cx)?;
    work.state("clean chroot", || {
        work.hook("hook_postclean", || chroot.clean())
    })
    .map_err(Error::from)?;
    remove_results(work)?;
    Ok(Status::OK)
}

/// Removes what is named, of this configuration and no other.
pub fn scrub(cx: &Context, work: &Work<'_>, targets: &[ScrubTarget]) -> VerbResult {
    let names: Vec<String> = work
        .request
        .options
        .scrub
        .iter()
        .map(|t| format!("'{}'", t.name()))
        .collect();
    let what = format!("scrub [{}]", names.join(", "));
    work.state(&what, || {
        for target in targets {
            // Each anew: the one before may have removed the whole store.
            let chroot = work.chroot(cx)?;
            work.hook("hook_scrub", || scrub_one(cx, work, &chroot, *target))?;
        }
        Ok(Status::OK)
    })
}

/// mock's bootstrap chroot is our tool root.
const BOOTSTRAP: &[LayerKind] = &[LayerKind::ToolRoot];

/// What mock has packed in its root cache, we have in these layers.
const ROOT_CACHE: &[LayerKind] = &[LayerKind::Base, LayerKind::BuildDeps, LayerKind::Derived];

fn scrub_one(
    cx: &Context,
    work: &Work<'_>,
    chroot: &Chroot,
    target: ScrubTarget,
) -> Result<(), Failure> {
    let name = &work.settings.chroot.chroot_name;
    let say = |what: &str| work.info(format!("scrubbing {what} for {name}"));
    let forget =
        |kinds| -> Result<(), Failure> { Ok(chroot.forget_cached(kinds).map_err(Error::from)?) };
    // The caches are the configuration's, whatever the `--uniqueext`.
    let cache = work
        .settings
        .chroot
        .cache_topdir
        .join(&work.settings.chroot.shared_root);
    match target {
        ScrubTarget::All => {
            say("everything");
            // While it is still known what was installed.
            forget_packages(cx, work, chroot)?;
            everything(work, chroot)?;
            remove_results(work)?;
            remove_ccache(cx, work, &cache)?;
            remove(&cache)
        }
        ScrubTarget::Overlayfs => {
            say("overlayfs");
            everything(work, chroot)
        }
        ScrubTarget::Lvm => {
            // Only the plugin has volumes; where it is on, our layers stand for them.
            if work.settings.plugins.enabled("lvm_root") {
                say("lvm");
                everything(work, chroot)?;
            }
            Ok(())
        }
        ScrubTarget::Chroot => {
            say("chroot");
            chroot.clean().map_err(Error::from)?;
            remove_results(work)
        }
        ScrubTarget::Cache => {
            say("cache");
            forget_packages(cx, work, chroot)?;
            forget(ROOT_CACHE)?;
            remove_ccache(cx, work, &cache)?;
            remove(&cache)
        }
        ScrubTarget::CCache => {
            say("c-cache");
            remove_ccache(cx, work, &cache)
        }
        ScrubTarget::RootCache => {
            say("root-cache");
            forget(ROOT_CACHE)?;
            remove(&cache.join("root_cache"))
        }
        ScrubTarget::PackageCache => {
            say("yum-cache and dnf-cache");
            forget_packages(cx, work, chroot)?;
            remove(&cache.join("yum_cache"))?;
            remove(&cache.join("dnf_cache"))
        }
        ScrubTarget::Bootstrap => {
            say("bootstrap");
            forget(BOOTSTRAP)
        }
    }
}

/// All snapshots and layers; with a `base_dir`, the configuration's directory there, too.
fn everything(work: &Work<'_>, chroot: &Chroot) -> Result<(), Failure> {
    chroot.scrub().map_err(Error::from)?;
    // Whoever scrubs wants the space.
    chroot.store().sweep().map_err(Error::from)?;
    if work.settings.plugins.overlayfs.has_base_dir() && chroot.ext().is_empty() {
        chroot.store().dissolve(&mentioned).map_err(Error::from)?;
    }
    Ok(())
}

/// What is kept of the configuration's repositories, and of their packages what nobody else has used.
fn forget_packages(cx: &Context, work: &Work<'_>, chroot: &Chroot) -> Result<(), Failure> {
    let repositories = repositories_of(&work.settings).map_err(Error::from)?;
    let packages = chroot.own_packages().map_err(Error::from)?;
    let engine = work.engine(cx)?;
    let fetcher = engine.fetcher();
    Ok(fetcher
        .forget(&repositories, &packages)
        .map_err(Error::from)?)
}

/// The default result directory goes with the chroot; one that was asked for stays.
fn remove_results(work: &Work<'_>) -> Result<(), Failure> {
    if !work.settings.build.resultdir_given {
        remove(&work.settings.build.resultdir)?;
    }
    // Where the root was seen, and the directory around both, unless there is something else in it.
    let root = &work.settings.chroot.rootdir;
    let around = root
        .parent()
        .filter(|dir| dir.ends_with(&work.settings.chroot.root));
    for dir in std::iter::once(root.as_path()).chain(around) {
        match fs::remove_dir(dir) {
            Err(e) if !matches!(e.kind(), ErrorKind::NotFound | ErrorKind::DirectoryNotEmpty) => {
                work.events
                    .warn(format!("cannot remove `{}`: {e}", dir.display()));
            }
            _ => {}
        }
    }
    Ok(())
}

/// The compiler cache below `cache`, or where it is for who may not write there. It is the build user's,
/// so a caller who is not root needs the namespace it was made in.
fn remove_ccache(cx: &Context, work: &Work<'_>, cache: &Path) -> Result<(), Failure> {
    let own = cx.host.dirs.cache.join("ccache");
    for dir in [
        cache.join("ccache"),
        own.join(&work.settings.chroot.shared_root),
    ] {
        let denied = fs::remove_dir_all(&dir)
            .is_err_and(|error| error.kind() == ErrorKind::PermissionDenied);
        if denied {
            let input = serde_json::json!({ "path": dir }).to_string();
            rpmkit_sandbox::call(work.engine(cx)?.mode(), "remove-tree", input.as_bytes())
                .map_err(|error| setup::sandbox_failure(&error))?;
        }
        remove(&dir)?;
    }
    Ok(())
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

/// Scrubs every chroot there is, of every configuration. Needs no configuration itself: the stores
/// know whose chroots they have.
pub fn scrub_all_chroots(cx: &Context) -> VerbResult {
    for home in homes::all(&cx.host) {
        let elsewhere = home != homes::usual(&cx.host);
        let (_, store) = open_store(&cx.host, home, Events::silent())?;
        for name in Chroot::all(&store).map_err(Error::from)? {
            cx.printer
                .say(format!("INFO: scrubbing everything for {name}"));
            Chroot::new(&store, name, "").scrub().map_err(Error::from)?;
        }
        if elsewhere {
            store.dissolve(&mentioned).map_err(Error::from)?;
        }
    }
    Ok(Status::OK)
}
