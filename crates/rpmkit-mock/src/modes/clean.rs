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
    work.state("clean chroot", || -> Result<(), Failure> {
        work.call(cx, "umount_root", &serde_json::Value::Null)?;
        work.hook("hook_postclean", || chroot.clean())
            .map_err(Error::from)?;
        work.call(cx, "postclean", &serde_json::Value::Null)
    })?;
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
        work.call(cx, "clean", &serde_json::Value::Null)?;
        for target in targets {
            let details = serde_json::json!({ "name": target.name() });
            work.call(cx, "scrub", &details)?;
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
/// know whose chroots they have. What mock would leave nothing of goes, too: directories of chroots and of
/// their caches.
pub fn scrub_all_chroots(cx: &Context) -> VerbResult {
    let mut known = Vec::new();
    for home in homes::all(&cx.host) {
        let elsewhere = home != homes::usual(&cx.host);
        let (_, store) = open_store(&cx.host, home, Events::silent())?;
        for name in Chroot::all(&store).map_err(Error::from)? {
            cx.printer
                .say(format!("INFO: scrubbing everything for {name}"));
            known.push(name.to_string());
            Chroot::new(&store, name, "").scrub().map_err(Error::from)?;
        }
        store.sweep().map_err(Error::from)?;
        if elsewhere {
            store.dissolve(&mentioned).map_err(Error::from)?;
        }
    }
    let own = cx.host.dirs.state.join("mock");
    for top in [
        Path::new("/var/lib/mock"),
        &own,
        Path::new("/var/cache/mock"),
    ] {
        let Ok(entries) = fs::read_dir(top) else {
            continue;
        };
        for entry in entries.flatten().filter(|e| e.path().is_dir()) {
            let name = entry.file_name().to_string_lossy().into_owned();
            if left_over(&entry.path()) || known.iter().any(|root| is_of(&name, root)) {
                remove_directory(cx, &entry.path());
            } else {
                cx.printer.data(format!("Unknown directory: {name}"));
            }
        }
    }
    Ok(Status::OK)
}

/// Whether a directory is called as a chroot, its bootstrap, or one with a `--uniqueext`.
fn is_of(name: &str, root: &str) -> bool {
    name.strip_prefix(root)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

/// Whether a directory has nothing but what mock's face leaves of a chroot: an empty place where its root was
/// seen, and results.
fn left_over(dir: &Path) -> bool {
    let empty = |path: &Path| fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
    fs::read_dir(dir).is_ok_and(|entries| {
        entries
            .flatten()
            .all(|entry| match entry.file_name().to_str() {
                Some("root") => empty(&entry.path()),
                Some("result" | "buildroot.lock") => true,
                _ => false,
            })
    })
}

/// Removes what lies in a directory of a chroot, but nothing through a mount that is still there.
fn remove_directory(cx: &Context, dir: &Path) {
    let root = dir.join("root");
    // Only when it is empty, so that no root that somebody has mounted loses a file.
    let gone = match fs::remove_dir(&root) {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(e),
        _ => fs::remove_dir_all(dir),
    };
    if let Err(e) = gone
        && e.kind() != ErrorKind::NotFound
    {
        cx.printer
            .line(format!("WARNING: cannot remove `{}`: {e}", dir.display()));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn directories_are_known_by_name_or_by_what_is_in_them() {
        assert!(is_of("fedora-43-x86_64", "fedora-43-x86_64"));
        assert!(is_of("fedora-43-x86_64-bootstrap", "fedora-43-x86_64"));
        assert!(!is_of("fedora-43-x86_64x", "fedora-43-x86_64"));
        let dir = tempfile::tempdir().unwrap();
        for below in ["root", "result"] {
            fs::create_dir(dir.path().join(below)).unwrap();
        }
        assert!(left_over(dir.path()));
        fs::write(dir.path().join("root/file"), "").unwrap();
        assert!(!left_over(dir.path()));
    }
}
