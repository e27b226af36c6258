//! Working in a chroot. One file, since every step keeps the same promise: the state on disk is true at any moment.

use std::{
    collections::BTreeSet,
    os::fd::BorrowedFd,
    path::{Path, PathBuf},
};

use super::{Chroot, ChrootError, POSTINIT, Top, Unchecked, Upper};
use crate::{Layer, LayerKind, LockWant, Root, Store, StoreError, StoreLock, random_id};
use rpmkit_types::LayerId;

mod kept;

pub use kept::KEPT;

/// Chains are flattened on the spot above this; the kernel's limit is 500 layers.
const FLATTEN_NOW_ABOVE: usize = 400;

/// A writable root that is ours until the value is dropped.
///
/// Of the chroot itself ([`Chroot::open`]): what is written stays, on top of the current snapshot.
/// Or thrown away ([`Chroot::throwaway`]): gone when the value is dropped, whatever happens.
#[derive(Debug)]
pub struct Session {
    chroot: Chroot,
    upper: PrivateUpper,
    kind: SessionKind,
    /// The use lock; only of a session that is [`SessionKind::Own`].
    use_lock: Option<StoreLock>,
    /// Layers to be remembered as used, the next time the state is written.
    used: Vec<LayerId>,
    finished: bool,
}

/// Whose root it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SessionKind {
    /// The chroot's, and nobody else's until we have ended.
    Own,
    /// The chroot's, in which somebody else works or has left a container: we change nothing below it.
    Guest,
    /// Gone when we have ended. In nobody's way.
    Throwaway,
}

/// A private directory with its locks.
#[derive(Debug)]
struct PrivateUpper {
    id: LayerId,
    dir: PathBuf,
    root: Root,
    /// The layer right below, which `rebase` changes.
    parent: Option<Layer>,
    /// What is mounted below, top first.
    below: Vec<Layer>,
    /// None of a guest's.
    lock: Option<StoreLock>,
    rebased: bool,
    dirty: bool,
    done: Vec<String>,
    /// As in [`Upper::Private`].
    unsigned: Option<BTreeSet<String>>,
}

/// Commands remembered of those that wrote on a private directory.
const REMEMBERED: usize = 10;

impl Chroot {
    /// Opens the chroot for work. Fails, naming the holder, when somebody is working in it.
    ///
    /// When the upper directory is frozen (a snapshot was made, or rolled back to), a new one on top
    /// of it is made here.
    pub fn open(&self) -> Result<Session, ChrootError> {
        let use_lock = self.enter()?;
        let upper = self.open_upper()?;
        Ok(Session {
            chroot: self.clone(),
            upper,
            kind: SessionKind::Own,
            use_lock: Some(use_lock),
            used: Vec::new(),
            finished: false,
        })
    }

    /// A root on top of `on`, or of what `clean` would go back to, that is dropped at the end. Any
    /// number can be open at once, beside anything else.
    pub fn throwaway(&self, on: Option<&Layer>) -> Result<Session, ChrootError> {
        let upper = {
            let _guard = self.store.shared()?;
            let parent = match on {
                Some(layer) => Some(layer.clone()),
                None => {
                    let current = self.state()?.instance(&self.ext).current.clone();
                    self.locked_layer(&current)?
                }
            };
            PrivateUpper::create(&self.store, parent)?
        };
        Ok(Session {
            chroot: self.clone(),
            upper,
            kind: SessionKind::Throwaway,
            use_lock: None,
            used: Vec::new(),
            finished: false,
        })
    }

    /// A session in the root that somebody else works in, or has left a container in: for who has joined that container.
    /// `None` when the chroot has no root of its own at the moment.
    pub fn visit(&self) -> Result<Option<Session>, ChrootError> {
        let _guard = self.store.shared()?;
        let mut state = self.state()?;
        let Upper::Private {
            id,
            parent,
            rebased,
            dirty,
            done,
            unsigned,
            ..
        } = state.instance(&self.ext).upper.clone()
        else {
            return Ok(None);
        };
        let parent = self.locked_layer(&parent)?;
        let below = mounted_below(&self.store, parent.as_ref())?;
        let dir = self.store.upper_dir(&id);
        let upper = PrivateUpper {
            root: self.store.standing(&dir, &below)?,
            id,
            dir,
            parent,
            below,
            lock: None,
            rebased,
            dirty,
            done,
            unsigned,
        };
        Ok(Some(Session {
            chroot: self.clone(),
            upper,
            kind: SessionKind::Guest,
            use_lock: None,
            used: Vec::new(),
            finished: false,
        }))
    }

    fn open_upper(&self) -> Result<PrivateUpper, ChrootError> {
        let _guard = self.store.shared()?;
        let boot = self.store.inner().boot.clone();
        let mut garbage = None;
        let upper = self.change(|state| {
            let instance = state.instance(&self.ext);
            if let Upper::Private { id, open: Some(opened), .. } = &instance.upper
                && *opened != boot
            {
                    self.store.events().warn(format!(
                        "the machine went down while chroot `{}` was being written on; its unsaved changes are dropped",
                        self.label()
                    ));
                    garbage = Some(id.clone());
                    instance.upper = Upper::Frozen(instance.current.clone());
                }
            let upper = match &instance.upper {
                Upper::Frozen(top) => {
                    let parent = self.locked_layer(&top.clone())?;
                    PrivateUpper::create(&self.store, parent)?
                }
                Upper::Private {
                    id,
                    parent,
                    rebased,
                    dirty,
                    done,
                    unsigned,
                    ..
                } => {
                    let parent = self.locked_layer(parent)?;
                    let mut upper =
                        PrivateUpper::reopen(&self.store, id, parent, *rebased, *dirty)?;
                    upper.done.clone_from(done);
                    if *dirty {
                        upper.unsigned.clone_from(unsigned);
                    }
                    upper
                }
            };
            instance.upper = upper.as_state(Some(boot));
            Ok(upper)
        })?;
        if let Some(id) = garbage {
            self.store.trash(&self.store.upper_dir(&id))?;
        }
        Ok(upper)
    }
}

impl PrivateUpper {
    /// A new one. The caller keeps the collector away.
    fn create(store: &Store, parent: Option<Layer>) -> Result<Self, StoreError> {
        let id = random_id()?;
        let dir = store.upper_dir(&id);
        store.inner().disk.mkdir(&dir, 0o755)?;
        let lock = own_lock(store, &dir)?;
        let below = mounted_below(store, parent.as_ref())?;
        let root = store.writable(&dir, &below)?;
        store.make_sides(&dir, parent.as_ref())?;
        Ok(Self {
            id,
            dir,
            root,
            parent,
            below,
            lock: Some(lock),
            rebased: false,
            dirty: false,
            done: Vec::new(),
            unsigned: Some(BTreeSet::new()),
        })
    }

    /// An old one, as an earlier session left it.
    fn reopen(
        store: &Store,
        id: &LayerId,
        parent: Option<Layer>,
        rebased: bool,
        dirty: bool,
    ) -> Result<Self, StoreError> {
        let dir = store.upper_dir(id);
        let lock = own_lock(store, &dir)?;
        let below = mounted_below(store, parent.as_ref())?;
        // A move to another layer may have been cut short.
        if !dir.join("fs").exists() {
            store.trash(&dir.join("work"))?;
            store.writable(&dir, &below)?;
        }
        // A work directory that was mounted `volatile` will not be mounted again.
        store.trash(&dir.join("work"))?;
        let root = store.writable(&dir, &below)?;
        Ok(Self {
            id: id.clone(),
            dir,
            root,
            parent,
            below,
            lock: Some(lock),
            rebased,
            dirty,
            done: Vec::new(),
            unsigned: Some(BTreeSet::new()),
        })
    }

    fn as_state(&self, open: Option<String>) -> Upper {
        Upper::Private {
            id: self.id.clone(),
            parent: self.parent.as_ref().map(|l| l.id().clone()),
            rebased: self.rebased,
            dirty: self.dirty,
            open,
            done: self.done.clone(),
            unsigned: self.unsigned.clone(),
        }
    }
}

/// Whether the private directory of this id has been written to.
fn is_dirty(upper: &Upper, ours: &LayerId) -> bool {
    matches!(upper, Upper::Private { id, dirty: true, .. } if id == ours)
}

fn own_lock(store: &Store, dir: &Path) -> Result<StoreLock, StoreError> {
    let path = dir.join("lock");
    let lock = StoreLock::take(&store.inner().disk, &path, LockWant::TryExclusive)?;
    lock.ok_or_else(|| StoreError::Corrupt {
        path,
        reason: "another process has it locked, without the chroot's use lock".to_owned(),
    })
}

fn mounted_below(store: &Store, parent: Option<&Layer>) -> Result<Vec<Layer>, StoreError> {
    let Some(parent) = parent else {
        return Ok(Vec::new());
    };
    store.chain_unguarded(parent)
}

impl Session {
    /// The root to run in.
    pub fn root(&self) -> &Root {
        &self.upper.root
    }

    /// A directory kept off the overlay: `builddir`, `tmp` or `vartmp`; see
    /// [`crate::VOLUMES`] for their places inside.
    pub fn volume(&self, name: &str) -> PathBuf {
        self.upper.dir.join("dirs").join(name)
    }

    /// The private directory with everything in it.
    pub(super) fn dir(&self) -> &Path {
        &self.upper.dir
    }

    /// The layer right below the private directory; `None` on an empty root.
    pub fn top(&self) -> Option<&Layer> {
        self.upper.parent.as_ref()
    }

    /// The layers mounted below, top first.
    pub fn below(&self) -> &[Layer] {
        &self.upper.below
    }

    /// The chroot this is a session of.
    pub fn chroot(&self) -> &Chroot {
        &self.chroot
    }

    /// True when the session's writes go away with it.
    pub fn is_throwaway(&self) -> bool {
        self.kind == SessionKind::Throwaway
    }

    /// True when somebody else's container is worked in: nothing below the root can be changed.
    pub fn is_guest(&self) -> bool {
        self.kind == SessionKind::Guest
    }

    /// Writes down who has the chroot from now on.
    pub(super) fn sign(&mut self, holder: &crate::LockHolder) -> std::io::Result<()> {
        self.use_lock
            .as_mut()
            .map_or(Ok(()), |lock| lock.sign(holder))
    }

    /// Ends the session without saying so in the state: its container goes on.
    pub(super) fn left(mut self) {
        self.finished = true;
        let own = [self.use_lock.take(), self.upper.lock.take()];
        own.into_iter().flatten().for_each(StoreLock::leave);
        // Until this process ends; shared locks, so in nobody's way.
        std::mem::forget(std::mem::take(&mut self.upper.below));
    }

    /// Locks that a container should inherit, so that they hold for as long as it lives.
    pub fn lock_fds(&self) -> Vec<BorrowedFd<'_>> {
        let mut out: Vec<_> = self.upper.lock.iter().map(StoreLock::fd).collect();
        out.extend(self.use_lock.as_ref().map(StoreLock::fd));
        out.extend(self.upper.below.iter().map(Layer::lock_fd));
        out
    }

    /// Whether nothing was written on top yet, so that [`Self::rebase`] is possible.
    pub fn is_pristine(&self) -> bool {
        let empty = |dir: &Path| std::fs::read_dir(dir).is_ok_and(|mut d| d.next().is_none());
        match &self.upper.root {
            Root::Overlay { upper, .. } => !self.is_touched() && empty(upper),
            Root::Dir(_) => !self.is_touched(),
        }
    }

    /// Writes down that something is going to be written on top. To be called before a container is
    /// started that may write to the root or to the directories beside it.
    pub fn mark_dirty(&mut self) -> Result<(), ChrootError> {
        let command = &self.chroot.store.inner().holder.command;
        let told = self.upper.done.last() == Some(command);
        if self.upper.dirty && told {
            return Ok(());
        }
        if !told {
            self.upper.done.push(command.clone());
            let surplus = self.upper.done.len().saturating_sub(REMEMBERED);
            self.upper.done.drain(..surplus);
        }
        self.upper.dirty = true;
        self.save(true)
    }

    /// What is in the root that nobody verified.
    pub fn unchecked(&self) -> Result<Unchecked, StoreError> {
        let store = &self.chroot.store;
        let _guard = store.shared()?;
        Unchecked::of(store, self.upper.unsigned.as_ref(), self.top())
    }

    /// Writes down that packages of these repositories are going to be installed on top, whose signatures
    /// nobody looked at.
    pub fn note_unchecked(&mut self, repos: BTreeSet<String>) -> Result<(), ChrootError> {
        match &mut self.upper.unsigned {
            Some(known) if !repos.is_subset(known) => known.extend(repos),
            _ => return Ok(()),
        }
        self.save(true)
    }

    /// Puts the session on another layer. Only possible while it is pristine.
    pub fn rebase(&mut self, top: &Layer) -> Result<(), ChrootError> {
        if self.top().map(Layer::id) == Some(top.id()) {
            return Ok(());
        }
        if !self.is_pristine() {
            return Err(ChrootError::NotPristine {
                chroot: self.chroot.label(),
            });
        }
        self.replace(Some(top.clone()), true)
    }

    /// Whether [`Self::mark_dirty`] was called since the last clean start.
    pub fn is_touched(&self) -> bool {
        self.upper.dirty || self.guests_have_written()
    }

    /// Whether somebody who joined our container has said that they write.
    fn guests_have_written(&self) -> bool {
        let state = self.chroot.state();
        self.kind == SessionKind::Own
            && state.is_ok_and(|mut state| {
                is_dirty(&state.instance(&self.chroot.ext).upper, &self.upper.id)
            })
    }

    /// Puts the session on another layer and keeps the directories beside the overlay with all that
    /// is in them: a build goes on in its home while its requirements come in from below. What was
    /// written elsewhere in the root is dropped, which is why a touched session refuses.
    pub fn move_to(&mut self, top: &Layer) -> Result<(), ChrootError> {
        if self.top().map(Layer::id) == Some(top.id()) {
            return Ok(());
        }
        if self.is_touched() {
            return Err(ChrootError::NotPristine {
                chroot: self.chroot.label(),
            });
        }
        // The directories beside the overlay stay where they are: one that belongs to the build
        // user cannot be renamed into another directory by us (rename(2), EACCES).
        let store = self.chroot.store.clone();
        let _guard = store.shared()?;
        let dir = self.upper.dir.clone();
        for name in ["fs", "work"] {
            store.trash(&dir.join(name))?;
        }
        let below = mounted_below(&store, Some(top))?;
        self.upper.root = store.writable(&dir, &below)?;
        self.upper.below = below;
        self.upper.parent = Some(top.clone());
        self.upper.rebased = true;
        self.remember(top);
        self.save(true)
    }

    /// Makes the root mountable again after a container used it: overlayfs will not mount a work
    /// directory a second time once it was mounted without syncing.
    pub fn refresh(&mut self) -> Result<(), ChrootError> {
        Ok(self.chroot.store.renew_work(&self.upper.root)?)
    }

    /// Makes a new private upper on `parent`, writes it down, and drops the old one.
    fn replace(&mut self, parent: Option<Layer>, rebased: bool) -> Result<(), ChrootError> {
        let old = {
            let _guard = self.chroot.store.shared()?;
            let mut new = PrivateUpper::create(&self.chroot.store, parent)?;
            new.rebased = rebased;
            std::mem::replace(&mut self.upper, new)
        };
        self.save(true)?;
        self.chroot.store.trash(&old.dir)?;
        Ok(())
    }

    /// Writes the upper's state down, unless it is a throw-away one.
    fn save(&self, open: bool) -> Result<(), ChrootError> {
        if self.is_throwaway() {
            return Ok(());
        }
        let _guard = self.chroot.store.shared()?;
        let boot = open.then(|| self.chroot.store.inner().boot.clone());
        self.chroot.change(|state| {
            let instance = state.instance(&self.chroot.ext);
            if self.is_guest() {
                if let Upper::Private {
                    id, dirty, done, ..
                } = &mut instance.upper
                    && *id == self.upper.id
                {
                    *dirty |= self.upper.dirty;
                    done.clone_from(&self.upper.done);
                }
                return Ok(());
            }
            let written = is_dirty(&instance.upper, &self.upper.id);
            instance.upper = self.upper.as_state(boot);
            if let Upper::Private { dirty, .. } = &mut instance.upper {
                *dirty |= written;
            }
            state.used.extend(self.used.iter().cloned());
            Ok(())
        })
    }

    /// Has a layer remembered as used by this configuration, so that `--scrub` finds it.
    pub fn remember(&mut self, layer: &Layer) {
        if !self.used.contains(layer.id()) {
            self.used.push(layer.id().clone());
        }
    }

    /// Makes a snapshot of what is there now and goes on, on top of it. No container may be running
    /// in the root. In a throw-away session this is refused like a busy chroot.
    pub fn snapshot(&mut self, name: &str, message: &str) -> Result<(), ChrootError> {
        if self.kind != SessionKind::Own {
            return Err(ChrootError::SnapshotBusy {
                chroot: self.chroot.label(),
                holder: None,
            });
        }
        self.save(false)?;
        self.chroot.snapshot_held(name, message, false)?;
        self.upper = self.chroot.open_upper()?;
        Ok(())
    }

    /// mock's implicit snapshot after init. Does nothing when there is one already, unless that one
    /// names a base layer of ours and the session was put on another: then the name moves on.
    pub fn postinit(&mut self) -> Result<(), ChrootError> {
        if self.kind != SessionKind::Own {
            return Ok(());
        }
        let state = self.chroot.state()?;
        if let Some(named) = state.names.get(POSTINIT) {
            let ours = match &named.layer {
                None => true,
                Some(id) => self
                    .chroot
                    .store
                    .find(id)?
                    .is_none_or(|l| l.meta().kind == LayerKind::Base),
            };
            let moved = self.upper.rebased
                && self.top().is_some_and(|l| {
                    l.meta().kind == LayerKind::Base && named.layer.as_ref() != Some(l.id())
                });
            let current = state.instances.get(&self.chroot.ext).map(|i| &i.current);
            if !(ours && moved && current == Some(&named.layer)) {
                return Ok(());
            }
        }
        self.save(false)?;
        self.chroot.snapshot_held(POSTINIT, "", true)?;
        self.upper = self.chroot.open_upper()?;
        Ok(())
    }

    /// Goes back to what `clean` returns to, and goes on from there. No container may be running.
    pub fn clean(&mut self) -> Result<(), ChrootError> {
        let current: Top = {
            let mut state = self.chroot.state()?;
            state.instance(&self.chroot.ext).current.clone()
        };
        let parent = {
            let _guard = self.chroot.store.shared()?;
            self.chroot.locked_layer(&current)?
        };
        self.replace(parent, false)
    }

    /// Ends the session. Of the chroot itself: what was written stays. A throw-away one is dropped.
    /// No container may be running.
    pub fn close(mut self) -> Result<(), ChrootError> {
        if self.is_guest() {
            self.finished = true;
            return Ok(());
        }
        if self.is_throwaway() {
            self.finished = true;
            return Ok(self.chroot.store.trash(&self.upper.dir)?);
        }
        self.save(false)?;
        self.finished = true;
        Ok(())
    }

    /// Ends the session and drops what was written, also of the chroot itself: `clean` and close.
    pub fn discard(mut self) -> Result<(), ChrootError> {
        if self.kind != SessionKind::Own {
            return self.close();
        }
        self.finished = true;
        let _guard = self.chroot.store.shared()?;
        let old = self.chroot.change(|state| {
            let current = state.instance(&self.chroot.ext).current.clone();
            Ok(state.reset(&self.chroot.ext, current))
        })?;
        if let Some(id) = old {
            let dir = self.chroot.store.upper_dir(&id);
            self.chroot.store.trash(&dir)?;
        }
        Ok(())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if !self.finished
            && self.is_throwaway()
            && let Err(e) = self.chroot.store.trash(&self.upper.dir)
        {
            let events = self.chroot.store.events();
            events.warn(format!("dropping a chroot: {e}"));
        }
    }
}

/// Flattens on the spot when the chain comes near the kernel's limit.
pub(super) fn keep_mountable(store: &Store, top: &Layer) -> Result<(), StoreError> {
    if store.chain(top)?.len() > FLATTEN_NOW_ABOVE {
        store.flatten(top)?;
    } else {
        store.flatten_if_long(top);
    }
    Ok(())
}
