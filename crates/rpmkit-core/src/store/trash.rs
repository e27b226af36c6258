//! Deleting: a rename now, the work later.

use std::path::Path;

use super::{
    Store, ask,
    error::{At, StoreError},
    lock::{Lock, Want},
    ops::RemoveTree,
    random_id,
};

impl Store {
    /// Makes `path`, which must be in the store, go away at once. What is not there is fine.
    pub fn trash(&self, path: &Path) -> Result<(), StoreError> {
        if std::fs::symlink_metadata(path).is_err() {
            return Ok(());
        }
        let to = self.0.dir.join("trash").join(random_id()?.as_str());
        self.0.disk.rename(path, &to)
    }

    /// Really removes what was trashed. When another process is at it already, leaves it to that.
    ///
    /// Best called while something long runs anyway, or last of all: ext4 is slow to create files
    /// right after many were deleted.
    pub fn sweep(&self) -> Result<(), StoreError> {
        let trash = self.0.dir.join("trash");
        let lock = self.0.dir.join("trash.lock");
        let Some(_lock) = Lock::take(&self.0.disk, &lock, Want::TryExclusive)? else {
            return Ok(());
        };
        for entry in std::fs::read_dir(&trash).at("list", &trash)? {
            let path = entry.at("list", &trash)?.path();
            self.0.disk.step().at("remove", &path)?;
            ask::<_, ()>(&*self.0.hands, "remove-tree", &RemoveTree { path })?;
        }
        Ok(())
    }

    /// [`Self::sweep`] in a thread of its own, waited for by [`Self::settle`]. Failures become
    /// warnings; what stays is swept another time.
    pub fn sweep_in_background(&self) {
        let store = self.clone();
        self.in_background("sweep", move || {
            if let Err(e) = store.sweep() {
                store.events().warn(format!("deleting old layers: {e}"));
            }
        });
    }
}
