//! Making a layer: one maker per key, complete or not at all.

use std::path::{Path, PathBuf};

use super::{
    Store, ask,
    error::{At, StoreError},
    format::{Driver, FORMAT},
    layer::{Layer, LayerMeta, LayerSpec, PackageList},
    lock::{LockWant, StoreLock, holder},
    now,
    ops::CopyTree,
    random_id,
    root::{Root, VOLUMES},
};
use rpmkit_types::LayerId;

/// What [`Store::build`] gives.
#[derive(Debug)]
pub enum Slot {
    /// The layer is there: made earlier, or by somebody we waited for.
    Ready(Layer),
    /// It is on us to make it.
    Make(Pending),
}

/// A layer being made. Dropped without [`Pending::publish`], it is trashed.
#[derive(Debug)]
pub struct Pending {
    store: Store,
    id: LayerId,
    parent: Option<Layer>,
    dir: PathBuf,
    root: Root,
    published: bool,
    /// Locks on the layers below, for as long as the maker runs.
    below: Vec<Layer>,
    owner: StoreLock,
    _maker: StoreLock,
}

impl Store {
    /// Looks the key up; when nobody has made the layer yet, reserves it for us to make on top of
    /// `parent`. Waits, saying for whom, when another process is making it.
    pub fn build(&self, id: &LayerId, parent: Option<&Layer>) -> Result<Slot, StoreError> {
        if let Some(layer) = self.find(id)? {
            return Ok(Slot::Ready(layer));
        }
        let path = self.0.dir.join("building").join(id.as_str());
        let mut maker = match StoreLock::take(&self.0.disk, &path, LockWant::TryExclusive)? {
            Some(lock) => lock,
            None => {
                let who = holder(&path).map_or_else(|| "another process".into(), |h| h.to_string());
                self.0.events.info(format!(
                    "waiting for layer {}, which is being made by {who}",
                    id.short()
                ));
                loop {
                    if let Some(lock) = StoreLock::take(&self.0.disk, &path, LockWant::Exclusive)? {
                        break lock;
                    }
                }
            }
        };
        maker.sign(&self.0.holder).at("write", &path)?;
        if let Some(layer) = self.find(id)? {
            return Ok(Slot::Ready(layer));
        }
        self.pending(id.clone(), parent, maker).map(Slot::Make)
    }

    pub(super) fn pending(
        &self,
        id: LayerId,
        parent: Option<&Layer>,
        maker: StoreLock,
    ) -> Result<Pending, StoreError> {
        let dir = self.0.dir.join("tmp").join(random_id()?.as_str());
        let owner = {
            // Between the directory's birth and its lock the collector must stay away.
            let _guard = self.shared()?;
            self.0.disk.mkdir(&dir, 0o755)?;
            let path = dir.join("lock");
            StoreLock::take(&self.0.disk, &path, LockWant::Exclusive)?
        };
        let owner = owner.ok_or_else(|| super::not_locked(dir.join("lock")))?;
        let below = match parent {
            Some(parent) => self.chain(parent)?,
            None => Vec::new(),
        };
        let root = self.writable(&dir, &below)?;
        self.make_sides(&dir, parent)?;
        Ok(Pending {
            store: self.clone(),
            id,
            parent: parent.cloned(),
            dir,
            root,
            published: false,
            below,
            owner,
            _maker: maker,
        })
    }

    /// The root of a private directory that somebody else has made with [`Self::writable`].
    pub(crate) fn standing(&self, dir: &Path, below: &[Layer]) -> Result<Root, StoreError> {
        let fs = dir.join("fs");
        Ok(match self.0.format.driver {
            Driver::Overlay => Root::Overlay {
                lowers: self.lowers(below)?,
                upper: fs,
                work: dir.join("work"),
            },
            Driver::Plain => Root::Dir(fs),
        })
    }

    /// Makes `fs` (and `work`) in `dir`, unless they are there, for writing on top of `below`.
    pub(crate) fn writable(&self, dir: &Path, below: &[Layer]) -> Result<Root, StoreError> {
        let fs = dir.join("fs");
        match self.0.format.driver {
            Driver::Overlay => {
                self.0.disk.mkdir(&fs, 0o755)?;
                let work = dir.join("work");
                self.0.disk.mkdir(&work, 0o755)?;
                Ok(Root::Overlay {
                    lowers: self.lowers(below)?,
                    upper: fs,
                    work,
                })
            }
            Driver::Plain => {
                if !fs.exists() {
                    // Under another name until it is complete.
                    let copy = dir.join("fs.new");
                    self.trash(&copy)?;
                    match below.first() {
                        Some(layer) => self.copy(&layer.fs(), &copy)?,
                        None => self.0.disk.mkdir(&copy, 0o755)?,
                    }
                    self.0.disk.rename(&copy, &fs)?;
                }
                Ok(Root::Dir(fs))
            }
        }
    }

    /// Makes overlayfs's work directory anew if it was used: one that was mounted `volatile` is not
    /// mounted a second time.
    pub(crate) fn renew_work(&self, root: &Root) -> Result<(), StoreError> {
        let Root::Overlay { work, .. } = root else {
            return Ok(());
        };
        let unused = std::fs::read_dir(work).is_ok_and(|mut d| d.next().is_none());
        if unused {
            return Ok(());
        }
        self.trash(work)?;
        self.0.disk.mkdir(work, 0o755)
    }

    /// Makes the directories that are kept off the overlay, with what the parent saved in them.
    pub(crate) fn make_sides(&self, dir: &Path, parent: Option<&Layer>) -> Result<(), StoreError> {
        let volumes = dir.join("dirs");
        self.0.disk.mkdir(&volumes, 0o755)?;
        for (name, _, mode) in VOLUMES {
            let to = volumes.join(name);
            // Most layers save nothing there, and a look is cheaper than a copy.
            let saved = |p: &PathBuf| std::fs::read_dir(p).is_ok_and(|mut d| d.next().is_some());
            match parent.map(|p| p.volume(name)).filter(saved) {
                Some(from) => self.copy(&from, &to)?,
                None => {
                    self.0.disk.mkdir(&to, mode)?;
                    self.0.disk.chmod(&to, mode)?;
                }
            }
        }
        Ok(())
    }

    /// Copies a tree with the mode's hands.
    pub(crate) fn copy(&self, from: &Path, to: &Path) -> Result<(), StoreError> {
        self.0.disk.step().at("copy", from)?;
        let input = CopyTree {
            from: from.to_owned(),
            to: to.to_owned(),
        };
        ask(&*self.0.hands, "copy-tree", &input)
    }

    /// Makes a complete directory (`fs`, `dirs`) of ours a layer: meta, mark, rename, in this order.
    /// The caller keeps the collector away.
    pub(crate) fn commit(
        &self,
        dir: &Path,
        id: &LayerId,
        parent: Option<&LayerId>,
        spec: &LayerSpec,
    ) -> Result<Layer, StoreError> {
        let disk = &self.0.disk;
        // overlayfs's work directory is of no use once the layer is read-only, and must not be
        // mounted again after `volatile`.
        self.trash(&dir.join("work"))?;
        self.trash(&dir.join("fs.new"))?;
        if !spec.packages.is_empty() {
            let list = PackageList {
                format: FORMAT,
                packages: spec.packages.clone(),
            };
            let path = dir.join("packages.json");
            let text = serde_json::to_vec(&list).map_err(std::io::Error::other);
            disk.replace(&path, &text.at("write", &path)?, false)?;
        }
        let meta = LayerMeta {
            format: FORMAT,
            id: id.clone(),
            parent: parent.cloned(),
            kind: spec.kind,
            driver: self.0.format.driver,
            created: now(),
            note: spec.note.clone(),
            unsigned: spec.unsigned.clone(),
        };
        let path = dir.join("meta.json");
        let text = serde_json::to_vec(&meta).map_err(std::io::Error::other);
        disk.replace(&path, &text.at("write", &path)?, false)?;
        // We still hold the owner's lock exclusively; the layer's users need a lock file of their own.
        disk.unlink(&dir.join("lock"))?;
        disk.touch(&dir.join("lock"))?;
        self.mark_unsynced(id)?;
        disk.rename(dir, &self.layer_dir(id))?;
        let layer = self.find_unguarded(id)?.ok_or_else(|| self.missing(id))?;
        self.sync_in_background(layer.clone());
        Ok(layer)
    }
}

impl Pending {
    /// The key.
    pub fn id(&self) -> &LayerId {
        &self.id
    }

    /// The root to install into.
    pub fn root(&self) -> &Root {
        &self.root
    }

    /// To be called before each further container is started on the root: overlayfs wants a fresh
    /// work directory each time. No container may be running.
    pub fn renew(&self) -> Result<(), StoreError> {
        self.store.renew_work(&self.root)
    }

    /// The directory that takes the layer's own files.
    pub fn fs(&self) -> PathBuf {
        self.dir.join("fs")
    }

    /// The layers below, locked; their locks should be inherited by the container.
    pub fn below(&self) -> &[Layer] {
        &self.below
    }

    /// A directory kept off the overlay: `builddir`, `tmp` or `vartmp`. What is in it when the layer
    /// is published, those on top of it start with.
    pub fn volume(&self, name: &str) -> PathBuf {
        self.dir.join("dirs").join(name)
    }

    /// Takes over the tree that was begun for another layer, which gets this one's empty tree for it. Both
    /// lie on nothing.
    pub fn take_tree(&mut self, other: &mut Self) {
        debug_assert!(self.below.is_empty() && other.below.is_empty());
        std::mem::swap(&mut self.dir, &mut other.dir);
        std::mem::swap(&mut self.root, &mut other.root);
        std::mem::swap(&mut self.owner, &mut other.owner);
    }

    /// Makes the layer official. No container may be using the root any more.
    pub fn publish(mut self, spec: &LayerSpec) -> Result<Layer, StoreError> {
        let _guard = self.store.shared()?;
        let parent = self.parent.as_ref().map(Layer::id);
        let layer = self.store.commit(&self.dir, &self.id, parent, spec)?;
        self.published = true;
        let building = self.store.0.dir.join("building").join(self.id.as_str());
        let _ = self.store.0.disk.unlink(&building);
        Ok(layer)
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if !self.published
            && let Err(e) = self.store.trash(&self.dir)
        {
            self.store.events().warn(format!("dropping a layer: {e}"));
        }
    }
}
