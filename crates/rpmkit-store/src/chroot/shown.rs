//! A chroot seen from outside, at mock's `basedir/NAME/root`.
//!
//! Roots are mounted in the namespace of whoever works in them and are gone with it. Programs that call
//! mock look into the chroot afterwards, so there are five ways to have it at a path of the host:
//!
//! - *view*: after a command of real root, the same layers mounted once more, read-only. Takes a millisecond
//!   and no space.
//! - *copy*: what an ordinary user can have, since none of their mounts outlives its process. Made when
//!   somebody asks for the path; a link at the path leads to it.
//! - *mount*: mock's `--mount` as real root. Writable; everything else is refused until it is undone.
//! - *held*: what callers of `mock` have: a link to the root of the container that works in the
//!   chroot, or was left there (see [`super::held`]). It is the root itself, writable.
//! - *keep*: `--mount` of an ordinary user: a process stays behind that holds the chroot's use lock and,
//!   in its namespace, the mount. A link at the path leads there.
//!
//! What is shown is written down before it is shown, in `shown-EXT.json` beside the chroot's state, and
//! whoever takes the chroot's use lock withdraws a view or a copy first: a directory must not change under
//! a mount, and nobody shall read what is no longer so. After a crash the note is there and the rest is not,
//! which withdrawing takes for done.

use std::path::{Path, PathBuf};

use rpmkit_sandbox::{Overlay, RootFs, is_ours, is_presented, present, withdraw};
use serde::{Deserialize, Serialize};

use super::{Chroot, ChrootError, Upper, encode};
use crate::{At, FORMAT, Mapping, Root, StoreError, StoreLock, VOLUMES, is_below, read_json};

/// How a root is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ShownBy {
    View,
    Copy,
    Mount,
    Keep,
    Held,
}

/// The note about what is shown.
#[derive(Debug, Serialize, Deserialize)]
struct ShownRoot {
    format: u32,
    way: ShownBy,
    at: PathBuf,
    /// Places of the directories that are kept off the overlay, without the leading slash.
    binds: Vec<PathBuf>,
}

/// Where to show a root.
#[derive(Debug, Clone, Copy)]
pub struct RootPlace<'a> {
    /// Path on the host, made when it is missing.
    pub at: &'a Path,
    /// The build user's home inside.
    pub home: &'a Path,
}

/// A root's directories on disk.
struct Parts {
    /// Top first; never empty.
    layers: Vec<PathBuf>,
    /// What is kept off the overlay: its directory, and its place without the leading slash.
    volumes: Vec<(PathBuf, PathBuf)>,
}

fn volumes(dir: &Path, home: &Path) -> Vec<(PathBuf, PathBuf)> {
    VOLUMES
        .iter()
        .map(|(name, place, _)| {
            let place = if *name == "builddir" {
                home
            } else {
                Path::new(place)
            };
            let place = place.strip_prefix("/").unwrap_or(place);
            (dir.join("dirs").join(name), place.to_owned())
        })
        .collect()
}

impl Chroot {
    fn shown_path(&self) -> PathBuf {
        self.dir().join(format!("shown-{}.json", encode(&self.ext)))
    }

    fn copy_path(&self) -> PathBuf {
        self.dir().join(format!("copy-{}", encode(&self.ext)))
    }

    fn shown(&self) -> Result<Option<ShownRoot>, StoreError> {
        let path = self.shown_path();
        match std::fs::read(&path) {
            Ok(text) => read_json(&path, &text).map(Some),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e).at("read", &path),
        }
    }

    fn note_shown(&self, way: ShownBy, place: RootPlace<'_>) -> Result<(), StoreError> {
        let shown = ShownRoot {
            format: FORMAT,
            way,
            at: place.at.to_owned(),
            binds: volumes(Path::new(""), place.home)
                .into_iter()
                .map(|(_, place)| place)
                .collect(),
        };
        let path = self.shown_path();
        let text = serde_json::to_vec(&shown).map_err(std::io::Error::other);
        let disk = &self.store.inner().disk;
        disk.replace(&path, &text.at("write", &path)?, false)
    }

    /// Where `--mount` has mounted the root, if it has.
    pub fn mounted_at(&self) -> Result<Option<PathBuf>, StoreError> {
        let Some(shown) = self.shown()? else {
            return Ok(None);
        };
        let there = match shown.way {
            ShownBy::Mount => is_presented(&shown.at),
            ShownBy::Keep => self.in_use_by()?.is_some(),
            ShownBy::View | ShownBy::Copy | ShownBy::Held => false,
        };
        Ok(there.then_some(shown.at))
    }

    /// Makes the path lead to the root of a container that stays behind in `session`, which is this
    /// chroot's; `root` is where the container's root is seen.
    pub fn keep(
        &self,
        _session: &super::Session,
        place: RootPlace<'_>,
        root: &Path,
    ) -> Result<(), ChrootError> {
        if !make_empty(place.at)? {
            return Err(ChrootError::NotEmpty(place.at.to_owned()));
        }
        self.note_shown(ShownBy::Keep, place)?;
        std::fs::remove_dir(place.at).at("remove", place.at)?;
        Ok(self.store.inner().disk.symlink(root, place.at)?)
    }

    /// Takes off a view or a copy; refuses where the root is mounted to stay. The caller has the use lock.
    pub(super) fn withdraw_shown(&self) -> Result<(), ChrootError> {
        let Some(shown) = self.shown()? else {
            return Ok(());
        };
        let there = is_presented(&shown.at);
        match shown.way {
            ShownBy::Mount if there => {
                return Err(ChrootError::Mounted {
                    chroot: self.label(),
                    at: shown.at,
                });
            }
            ShownBy::View if there => self.take_off(&shown, true)?,
            ShownBy::Copy => self.drop_copy(&shown.at)?,
            // We have the lock, so the keeper is gone.
            ShownBy::Keep | ShownBy::Held => self.drop_link(&shown.at)?,
            // The machine was started anew, or somebody else took it off.
            ShownBy::View | ShownBy::Mount => {}
        }
        Ok(self.store.inner().disk.unlink(&self.shown_path())?)
    }

    /// Takes away a link to a process' root.
    fn drop_link(&self, at: &Path) -> Result<(), StoreError> {
        if std::fs::read_link(at).is_ok_and(|to| to.starts_with("/proc")) {
            self.store.inner().disk.unlink(at)?;
        }
        Ok(())
    }

    /// Has the path lead to a container's root; `false` where something else is there. The caller has the use lock.
    pub(super) fn note_held(&self, place: RootPlace<'_>, root: &Path) -> Result<bool, StoreError> {
        self.drop_link(place.at)?;
        if !make_empty(place.at)? {
            return Ok(false);
        }
        self.note_shown(ShownBy::Held, place)?;
        std::fs::remove_dir(place.at).at("remove", place.at)?;
        self.store.inner().disk.symlink(root, place.at)?;
        Ok(true)
    }

    /// Whether the root of the running or idle container is seen at the path.
    pub fn is_held(&self, at: &Path) -> Result<bool, StoreError> {
        let held = self
            .shown()?
            .is_some_and(|s| s.way == ShownBy::Held && s.at == at);
        Ok(held && self.in_use_by()?.is_some() && at.exists())
    }

    /// Whether something was written, or prepared, since the chroot was cleaned.
    pub fn has_root(&self) -> Result<bool, StoreError> {
        let mut state = self.state()?;
        Ok(matches!(
            state.instance(&self.ext).upper,
            Upper::Private { .. }
        ))
    }

    fn take_off(&self, shown: &ShownRoot, lazily: bool) -> Result<(), ChrootError> {
        withdraw(&shown.at, &shown.binds, lazily).map_err(|source| ChrootError::Show {
            chroot: self.label(),
            source,
        })
    }

    fn drop_copy(&self, at: &Path) -> Result<(), StoreError> {
        let copy = self.copy_path();
        if std::fs::read_link(at).is_ok_and(|to| to.starts_with(&copy)) {
            self.store.inner().disk.unlink(at)?;
        }
        self.store.trash(&copy)
    }

    /// The use lock for showing: nobody is working in the chroot, and nothing is shown any more.
    fn to_show(&self) -> Result<Option<StoreLock>, ChrootError> {
        let Some(lock) = self.use_lock_now()? else {
            return Ok(None);
        };
        self.withdraw_shown()?;
        Ok(Some(lock))
    }

    /// The root with all that was written on it; `None` when nothing was since it was cleaned.
    fn parts(&self, home: &Path) -> Result<Option<Parts>, ChrootError> {
        let _guard = self.store.shared()?;
        let mut state = self.state()?;
        let Upper::Private { id, parent, .. } = &state.instance(&self.ext).upper else {
            return Ok(None);
        };
        let dir = self.store.upper_dir(id);
        let mut layers = vec![dir.join("fs")];
        if let Some(parent) = self.locked_layer(parent)? {
            let chain = self.store.chain_unguarded(&parent)?;
            if self.store.format().driver == crate::Driver::Overlay {
                layers.extend(chain.iter().map(crate::Layer::fs));
            }
        }
        Ok(Some(Parts {
            layers,
            volumes: volumes(&dir, home),
        }))
    }

    /// Shows the root at a path of the host, read-only, until somebody works in the chroot again. Only real
    /// root can; others, and a chroot that is in use or was just cleaned, get `false`. So does a path that
    /// holds something already.
    pub fn show(&self, place: RootPlace<'_>) -> Result<bool, ChrootError> {
        if self.store.format().mapping != Mapping::Root {
            return Ok(false);
        }
        // What is shown is up to date: whoever changes something withdraws it first.
        if self
            .shown()?
            .is_some_and(|s| s.way == ShownBy::View && s.at == place.at && is_presented(&s.at))
        {
            return Ok(true);
        }
        if self.mounted_at()?.is_some() {
            return Ok(false);
        }
        let Some(_lock) = self.to_show()? else {
            return Ok(false);
        };
        let Some(parts) = self.parts(place.home)? else {
            return Ok(false);
        };
        // Left by another store of ours: another cache directory, another `base_dir`. It is not up to date.
        if is_presented(place.at) && is_ours(place.at) {
            withdraw(place.at, &[], true).map_err(|source| ChrootError::Show {
                chroot: self.label(),
                source,
            })?;
        }
        if !make_empty(place.at)? {
            return Ok(false);
        }
        self.note_shown(ShownBy::View, place)?;
        let root = match self.store.format().driver {
            crate::Driver::Plain => RootFs::Dir(parts.layers[0].clone()),
            crate::Driver::Overlay => RootFs::Overlay(Overlay {
                lowers: parts.layers,
                upper: None,
                work: None,
                volatile: false,
            }),
        };
        present(&root, &parts.volumes, place.at, true).map_err(|source| ChrootError::Show {
            chroot: self.label(),
            source,
        })?;
        Ok(true)
    }

    /// Makes the path lead to a copy of the root, until somebody works in the chroot again. For those who
    /// cannot [`Self::show`]; takes the time and the space of a copy, once.
    pub fn show_copy(&self, place: RootPlace<'_>) -> Result<bool, ChrootError> {
        let copy = self.copy_path();
        if self
            .shown()?
            .is_some_and(|s| s.way == ShownBy::Copy && s.at == place.at)
            && std::fs::read_link(place.at).is_ok_and(|to| to.starts_with(&copy))
        {
            return Ok(true);
        }
        let Some(_lock) = self.to_show()? else {
            return Ok(false);
        };
        let Some(parts) = self.parts(place.home)? else {
            return Ok(false);
        };
        if !make_empty(place.at)? {
            return Ok(false);
        }
        self.note_shown(ShownBy::Copy, place)?;
        self.store.trash(&copy)?;
        let disk = &self.store.inner().disk;
        disk.mkdir(&copy, 0o755)?;
        let root = copy.join("root");
        self.store.materialise_from(parts.layers, &root)?;
        for (from, to) in parts.volumes {
            if from.exists() && is_below(&root, &to) {
                self.store.copy(&from, &root.join(to))?;
            }
        }
        std::fs::remove_dir(place.at).at("remove", place.at)?;
        disk.symlink(&root, place.at)?;
        Ok(true)
    }

    /// mock's `--mount` for real root: mounts the root at a path, writable, and leaves it mounted. Until
    /// [`Self::unmount`] everything else is refused.
    pub fn mount(&self, place: RootPlace<'_>) -> Result<(), ChrootError> {
        let mut session = self.open()?;
        if !make_empty(place.at)? {
            return Err(ChrootError::NotEmpty(place.at.to_owned()));
        }
        session.mark_dirty()?;
        let root = match session.root() {
            Root::Dir(dir) => RootFs::Dir(dir.clone()),
            // Not `volatile`, unlike a command's: nobody knows how long it stays.
            Root::Overlay {
                lowers,
                upper,
                work,
            } => RootFs::Overlay(Overlay {
                lowers: lowers.clone(),
                upper: Some(upper.clone()),
                work: Some(work.clone()),
                volatile: false,
            }),
        };
        let binds: Vec<_> = volumes(session.dir(), place.home);
        self.note_shown(ShownBy::Mount, place)?;
        present(&root, &binds, place.at, false).map_err(|source| ChrootError::Show {
            chroot: self.label(),
            source,
        })?;
        session.close()
    }

    /// Who runs in the root: in a container of this chroot's, or with the root as their own where it is
    /// mounted. A container's first process that only holds a mount for `--mount` is left out.
    pub fn processes(&self) -> Result<Vec<rpmkit_sandbox::RootProcess>, ChrootError> {
        let mut state = self.state()?;
        let lock = match &state.instance(&self.ext).upper {
            Upper::Private { id, .. } => self.store.upper_dir(id).join("lock"),
            Upper::Frozen(_) => PathBuf::new(),
        };
        let user = self.in_use_by()?.flatten().map(|holder| holder.pid);
        let shown = self.shown()?;
        let kept = shown
            .as_ref()
            .is_some_and(|s| matches!(s.way, ShownBy::Keep | ShownBy::Held));
        let root = shown.filter(|s| is_presented(&s.at)).map(|s| s.at);
        let mut all = rpmkit_sandbox::processes_in(user, &lock, root.as_deref());
        all.retain(|process| !(kept && process.is_init));
        Ok(all)
    }

    /// Undoes [`Self::mount`]. `false` when nothing was mounted.
    pub fn unmount(&self) -> Result<bool, ChrootError> {
        let Some(shown) = self.shown()?.filter(|s| s.way == ShownBy::Mount) else {
            return Ok(false);
        };
        let Some(_lock) = self.use_lock(&self.ext)? else {
            return Err(self.busy()?);
        };
        let there = is_presented(&shown.at);
        if there {
            self.take_off(&shown, false)?;
        }
        self.store.inner().disk.unlink(&self.shown_path())?;
        Ok(there)
    }
}

/// Makes the directory; `false` when something is in it, or it is none.
fn make_empty(at: &Path) -> Result<bool, StoreError> {
    std::fs::create_dir_all(at).at("create directory", at)?;
    Ok(std::fs::read_dir(at).at("list", at)?.next().is_none())
}
