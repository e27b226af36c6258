//! Deleting: a rename now, the work later.

use std::{collections::BTreeSet, path::Path, sync::atomic::Ordering};

use super::{
    GcOptions, Store, ask,
    error::{At, StoreError},
    gc::Roots,
    lock::{Lock, Want},
    ops::{Housekeep, RemoveTree},
    random_id,
};

impl Store {
    /// Makes `path`, which must be in the store, go away at once. What is not there is fine.
    pub fn trash(&self, path: &Path) -> Result<(), StoreError> {
        if std::fs::symlink_metadata(path).is_err() {
            return Ok(());
        }
        let to = self.0.dir.join("trash").join(random_id()?.as_str());
        self.0.trashed.store(true, Ordering::Relaxed);
        self.0.disk.rename(path, &to)
    }

    /// Really removes what was trashed. When another process is at it already, leaves it to that.
    ///
    /// Best called while something long runs anyway, or last of all: ext4 is slow to create files
    /// right after many were deleted.
    pub fn sweep(&self) -> Result<(), StoreError> {
        self.0.disk.step().at("remove", &self.0.dir.join("trash"))?;
        let job = Housekeep {
            store: self.0.dir.clone(),
            sweep: true,
            ..Housekeep::default()
        };
        ask(&*self.0.hands, "housekeep", &job)
    }

    /// Removes the whole store if nothing is left in it that anybody needs, and its home if that is empty
    /// then. What could be made again goes, too. Does nothing when somebody is using the store.
    pub fn dissolve(&self, roots: Roots<'_>) -> Result<(), StoreError> {
        self.wait_for_background();
        let path = self.0.dir.join("lock");
        let Some(_guard) = Lock::take(&self.0.disk, &path, Want::TryExclusive)? else {
            return Ok(());
        };
        let everything = GcOptions {
            keep: Some(0),
            dry_run: false,
        };
        self.collect(roots, &everything, &BTreeSet::new())?;
        for name in ["layers", "uppers", "tmp", "chroots"] {
            let dir = self.0.dir.join(name);
            if std::fs::read_dir(&dir).at("list", &dir)?.next().is_some() {
                return Ok(());
            }
        }
        self.sweep()?;
        let Some(home) = self.0.dir.parent() else {
            return Ok(());
        };
        let whole = RemoveTree {
            path: self.0.dir.clone(),
        };
        let mut removed = ask::<_, ()>(&*self.0.hands, "remove-tree", &whole);
        for _ in 0..5 {
            if removed.is_ok() {
                break;
            }
            // An earlier command's tidying up may still be writing there.
            std::thread::sleep(std::time::Duration::from_millis(50));
            removed = ask(&*self.0.hands, "remove-tree", &whole);
        }
        removed?;
        self.0.disk.unlink(&home.join("host.json"))?;
        match std::fs::remove_dir(home) {
            // Another user's or mapping's store is in it.
            Err(e) if e.kind() != std::io::ErrorKind::DirectoryNotEmpty => {
                Err(e).at("remove", home)
            }
            _ => Ok(()),
        }
    }

    /// [`Self::sweep`] beside us, in a process that outlives this one where the hands can do that.
    /// What stays is swept another time.
    pub fn sweep_in_background(&self) {
        let nothing = std::fs::read_dir(self.0.dir.join("trash"))
            .is_ok_and(|mut entries| entries.next().is_none());
        let job = Housekeep {
            sweep: true,
            ..Housekeep::default()
        };
        if nothing || self.housekeep(job) {
            return;
        }
        let store = self.clone();
        self.in_background("sweep", move || {
            if let Err(e) = store.sweep() {
                store.events().warn(format!("deleting old layers: {e}"));
            }
        });
    }
}
