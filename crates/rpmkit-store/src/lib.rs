//! Layers: immutable directory trees, named by what went into them, stacked to make roots.
//!
//! ```text
//! <home>/<mode>-<driver>/      one per id mapping and driver; `format` says which
//!   lock                       shared for every change, exclusive for collecting
//!   format                     version, user, mapping, driver
//!   layers/<id>/               {fs/, dirs/{builddir,tmp,vartmp}/, meta.json, packages.json, size.json, lock}
//!   uppers/<id>/               {fs/, work/, dirs/…, lock}: writable; becomes layers/<id> when frozen
//!   tmp/<random>/              a layer being made; owned by whoever holds its lock
//!   building/<id>              "being built by": one maker per key, the others wait
//!   chroots/<name>/            states of chroots: names of snapshots, what is current (see `chroot`)
//!                              {state.json, state.safe, shown-<ext>.json, copy-<ext>/, locks}
//!   s/<short> -> ../layers/<id>/fs    short names for mount options
//!   unsynced/<id>              published, but not yet known to be synced to disk
//!   trash/<random>             deleted, waiting to be removed
//!   empty/                     the lowest layer of a root that has none
//! ```
//!
//! Rules. A layer under `layers/` never changes. Whatever is neither referenced by a chroot's state
//! nor locked by a living process is garbage; no reference is counted on disk, so no crash can make
//! a count wrong. All names come into being by one rename of something complete.

pub mod archive;
mod build;
pub mod chroot;
mod disk;
mod error;
mod flatten;
mod format;
mod gc;
mod hands;
pub mod host;
mod layer;
mod lock;
pub mod ops;
mod root;
mod sync;
mod table;
mod transport;
mod trash;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, atomic::AtomicBool},
    thread::JoinHandle,
};

pub use build::{Pending, Slot};
pub use disk::{Disk, Fault, FaultKind};
pub use error::{StoreError, sandbox_hints};
pub use format::{Driver, FORMAT, Mapping, StoreFormat};
pub use gc::{Collected, GcOptions, GcReport, Roots};
pub use hands::{Direct, Hands, Namespace, Ops};
pub use layer::{Layer, LayerKind, LayerMeta, LayerSpec};
pub use lock::LockHolder;
pub use root::{Root, VOLUMES};

pub use table::OPS;

pub(crate) use error::At;
pub(crate) use gc::entries;
pub(crate) use hands::ask;
pub(crate) use layer::{read_json, read_meta};
pub(crate) use lock::{LockWant, StoreLock, holder};
pub(crate) use transport::is_below;

use rpmkit_types::{LayerId, event::Events};

/// Chains longer than this are flattened when nobody waits.
pub const FLATTEN_ABOVE: usize = 30;

/// What opening a store needs to know.
pub struct StoreOptions {
    /// Home of all stores, such as `~/.cache/rpmkit/layers`. The store gets a directory of its own
    /// below, named after `format`.
    pub home: PathBuf,
    /// User, id mapping and driver.
    pub format: StoreFormat,
    /// Hands for files of foreign owners.
    pub hands: Box<dyn Hands>,
    /// Who we are, to be told to those who have to wait for us.
    pub holder: LockHolder,
    /// Where to talk.
    pub events: Events,
    /// The disk; anything but the default is for tests.
    pub disk: Disk,
}

/// An open layer store. Cheap to clone.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

pub(crate) struct Inner {
    pub dir: PathBuf,
    pub format: StoreFormat,
    pub hands: Box<dyn Hands>,
    pub holder: LockHolder,
    pub events: Events,
    pub disk: Disk,
    pub boot: String,
    /// Threads that sync published layers to disk, measure and flatten.
    pub background: Mutex<Vec<JoinHandle<()>>>,
    /// State files that were changed and may not be synced to disk.
    pub changed: Mutex<BTreeSet<PathBuf>>,
    /// Whether something was put into the trash.
    pub trashed: AtomicBool,
}

impl Drop for Inner {
    /// Has changed state files synced to disk and the trash emptied, once for the whole run.
    fn drop(&mut self) {
        let Ok(changed) = self.changed.get_mut() else {
            return;
        };
        let job = ops::Housekeep {
            store: self.dir.clone(),
            states: std::mem::take(changed).into_iter().collect(),
            sweep: *self.trashed.get_mut(),
            ..ops::Housekeep::default()
        };
        if (job.states.is_empty() && !job.sweep) || self.disk.is_planned() {
            return;
        }
        let input = serde_json::to_vec(&job).unwrap_or_default();
        if !self.hands.detach("housekeep", &input, job.sweep) {
            for state in &job.states {
                // Tried again after the next change.
                let _ = ops::keep_safe(state);
            }
        }
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Store").field(&self.0.dir).finish()
    }
}

impl Store {
    /// Opens the store, making it on first use.
    ///
    /// Layers that were published shortly before the machine went down, and so may be incomplete on
    /// disk, are dropped here when they can be made again.
    pub fn open(options: StoreOptions) -> Result<Self, StoreError> {
        let dir = options.home.join(options.format.directory());
        let disk = options.disk;
        if !dir.join("format").exists() {
            std::fs::create_dir_all(&options.home).at("create directory", &options.home)?;
            disk.mkdir(&dir, 0o700)?;
        }
        // Of several first commands at once one writes the format, and the others find it.
        let want = if dir.join("format").exists() {
            LockWant::Shared
        } else {
            LockWant::Exclusive
        };
        let lock = StoreLock::take(&disk, &dir.join("lock"), want)?;
        for name in [
            "layers", "uppers", "tmp", "building", "chroots", "s", "unsynced", "trash", "empty",
        ] {
            let path = dir.join(name);
            if !path.exists() {
                disk.mkdir(&path, 0o755)?;
            }
        }
        options.format.write_or_check(&disk, &dir)?;
        keep_private(&disk, &dir)?;
        drop(lock);
        let disk = disk.with_spare(dir.join("spare"));
        let store = Self(Arc::new(Inner {
            dir,
            format: options.format,
            hands: options.hands,
            holder: options.holder,
            events: options.events,
            disk,
            boot: boot_id(),
            background: Mutex::new(Vec::new()),
            changed: Mutex::new(BTreeSet::new()),
            trashed: AtomicBool::new(false),
        }));
        store.recover_unsynced()?;
        Ok(store)
    }

    /// The store's directory.
    pub fn dir(&self) -> &Path {
        &self.0.dir
    }

    /// What its layers are.
    pub fn format(&self) -> &StoreFormat {
        &self.0.format
    }

    /// Where the store talks to.
    pub fn events(&self) -> &Events {
        &self.0.events
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.0
    }

    /// To be told when a state file was replaced.
    pub(crate) fn state_changed(&self, path: PathBuf) {
        if let Ok(mut changed) = self.0.changed.lock() {
            changed.insert(path);
        }
    }

    /// Holds off the collector while something is being changed. Never nest.
    pub(crate) fn shared(&self) -> Result<StoreLock, StoreError> {
        let path = self.0.dir.join("lock");
        StoreLock::take(&self.0.disk, &path, LockWant::Shared)?.ok_or_else(|| not_locked(path))
    }

    pub(crate) fn layer_dir(&self, id: &LayerId) -> PathBuf {
        self.0.dir.join("layers").join(id.as_str())
    }

    pub(crate) fn upper_dir(&self, id: &LayerId) -> PathBuf {
        self.0.dir.join("uppers").join(id.as_str())
    }

    /// The layer with this id, locked against collection, or `None`.
    pub fn find(&self, id: &LayerId) -> Result<Option<Layer>, StoreError> {
        let _guard = self.shared()?;
        self.find_unguarded(id)
    }

    /// As [`Self::find`] for callers that hold the store's lock.
    pub(crate) fn find_unguarded(&self, id: &LayerId) -> Result<Option<Layer>, StoreError> {
        let dir = self.layer_dir(id);
        let Some(lock) = StoreLock::existing(&dir.join("lock"), LockWant::Shared)? else {
            return Ok(None);
        };
        let Some(meta) = read_meta(&dir)? else {
            return Ok(None);
        };
        // Only for choosing what to collect first: not worth a failure.
        let _ = lock.mark_used();
        Ok(Some(Layer {
            meta: Arc::new(meta),
            dir,
            lock: Arc::new(lock),
        }))
    }

    /// As [`Self::find`], and an error when it is not there.
    pub fn need(&self, id: &LayerId) -> Result<Layer, StoreError> {
        self.find(id)?.ok_or_else(|| self.missing(id))
    }

    pub(crate) fn missing(&self, id: &LayerId) -> StoreError {
        StoreError::Missing {
            id: id.clone(),
            store: self.0.dir.clone(),
        }
    }

    /// The layer and all its ancestors, top first, as they were made.
    pub fn ancestry(&self, top: &Layer) -> Result<Vec<Layer>, StoreError> {
        let _guard = self.shared()?;
        let mut out = vec![top.clone()];
        while let Some(parent) = out.last().and_then(|l| l.parent().cloned()) {
            out.push(
                self.find_unguarded(&parent)?
                    .ok_or_else(|| self.missing(&parent))?,
            );
        }
        Ok(out)
    }

    /// The layers to be mounted to see `top`, top first. Shorter than [`Self::ancestry`] when a
    /// flattened tree stands in for the lower part, and just `top` with the plain driver.
    pub fn chain(&self, top: &Layer) -> Result<Vec<Layer>, StoreError> {
        let _guard = self.shared()?;
        self.chain_unguarded(top)
    }

    pub(crate) fn chain_unguarded(&self, top: &Layer) -> Result<Vec<Layer>, StoreError> {
        if self.0.format.driver == Driver::Plain {
            return Ok(vec![top.clone()]);
        }
        let mut out = Vec::new();
        let mut next = top.clone();
        loop {
            if let Some(flat) = self.find_unguarded(&flat_id(next.id()))? {
                // What `next` saved besides its files is still taken from `next` itself.
                out.push(flat);
                return Ok(out);
            }
            let parent = next.parent().cloned();
            out.push(next);
            let Some(parent) = parent else {
                return Ok(out);
            };
            next = self
                .find_unguarded(&parent)?
                .ok_or_else(|| self.missing(&parent))?;
        }
    }

    /// Directories to mount read-only for a chain, top first, never empty, under short names.
    pub(crate) fn lowers(&self, chain: &[Layer]) -> Result<Vec<PathBuf>, StoreError> {
        let mut out = Vec::new();
        for layer in chain {
            out.push(self.short_name(layer)?);
        }
        if out.is_empty() {
            out.push(self.0.dir.join("empty"));
        }
        Ok(out)
    }

    /// A path to the layer's files that fits, with others, into one mount option.
    fn short_name(&self, layer: &Layer) -> Result<PathBuf, StoreError> {
        let digits = layer.id().as_str();
        let target = Path::new("../layers").join(digits).join("fs");
        for length in [8, 16, 32, 64] {
            let link = self.0.dir.join("s").join(&digits[..length]);
            match std::fs::read_link(&link) {
                Ok(there) if there == target => return Ok(link),
                Ok(_) => {}
                Err(_) => match self.0.disk.symlink(&target, &link) {
                    Ok(()) => return Ok(link),
                    // Another process may have made it just now.
                    Err(e) => match std::fs::read_link(&link) {
                        Ok(there) if there == target => return Ok(link),
                        Ok(_) => {}
                        Err(_) => return Err(e),
                    },
                },
            }
        }
        Ok(layer.fs())
    }
}

/// Id of the flattened tree for the chain below and including a layer.
pub(crate) fn flat_id(id: &LayerId) -> LayerId {
    LayerId::of(format!("flat {FORMAT} {id}").as_bytes())
}

/// Nobody but the owner passes through: builds leave set-uid files, and files of ids that are people's on
/// this host. Stores of earlier versions let others through. Containers mount what is below as the owner,
/// so the ids in them need no way here.
fn keep_private(disk: &Disk, dir: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::PermissionsExt;
    let meta = std::fs::metadata(dir).at("look at", dir)?;
    if meta.permissions().mode() & 0o077 != 0 {
        disk.chmod(dir, 0o700)?;
    }
    Ok(())
}

fn not_locked(path: PathBuf) -> StoreError {
    StoreError::Corrupt {
        path,
        reason: "it cannot be locked".to_owned(),
    }
}

/// A fresh id that nothing else has.
pub(crate) fn random_id() -> Result<LayerId, StoreError> {
    use std::io::Read;
    let path = Path::new("/dev/urandom");
    let mut bytes = [0u8; 32];
    std::fs::File::open(path)
        .and_then(|mut f| f.read_exact(&mut bytes))
        .at("read", path)?;
    Ok(LayerId::of(&bytes))
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |d| d.as_secs())
}

/// The kernel's id of this boot; the same text for unreadable ones, so that nothing is dropped then.
fn boot_id() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map_or_else(|_| "unknown".to_owned(), |s| s.trim().to_owned())
}
