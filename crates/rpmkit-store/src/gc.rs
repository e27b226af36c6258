//! Collecting what nothing refers to.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    time::SystemTime,
};

use serde::Serialize;

use super::{
    Store, ask,
    error::{At, StoreError},
    flat_id,
    layer::{LayerKind, LayerMeta, read_meta},
    lock::{Lock, Want},
    ops::{KEPT, Usage, UsageOf},
};
use rpmkit_types::LayerId;

/// What must stay: asked, under the store's lock, for the ids that whoever uses the store still refers to. Gets
/// the store's directory.
pub type Roots<'a> = &'a dyn Fn(&Path) -> Result<BTreeSet<LayerId>, StoreError>;

/// How to collect.
#[derive(Debug, Clone, Copy, Default)]
pub struct GcOptions {
    /// Layers that could be made again are kept, most recently used first, up to this many bytes for
    /// the whole store. `None` keeps them all.
    pub keep: Option<u64>,
    /// Only tell.
    pub dry_run: bool,
}

/// A layer that goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Collected {
    /// Its id.
    pub id: LayerId,
    /// What it was for.
    pub kind: LayerKind,
    /// Bytes it takes.
    pub size: u64,
    /// What was done, for people.
    pub note: String,
}

/// What collecting did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct GcReport {
    /// Layers that go.
    pub removed: Vec<Collected>,
    /// Left-overs of crashed runs that go: unfinished layers and private directories.
    pub debris: usize,
    /// Bytes of all layers that stay.
    pub kept_bytes: u64,
    /// Number of layers that stay.
    pub kept: usize,
}

impl Store {
    /// Meta data of all layers, in no order. Damaged ones are left out.
    pub fn all_metas(&self) -> Result<Vec<LayerMeta>, StoreError> {
        let mut out = Vec::new();
        for path in entries(&self.0.dir.join("layers"))? {
            if let Ok(Some(meta)) = read_meta(&path) {
                out.push(meta);
            }
        }
        Ok(out)
    }

    /// Everything needed by `roots`: their ancestors, and flattened trees of whatever is needed.
    fn closure(
        roots: BTreeSet<LayerId>,
        metas: &BTreeMap<LayerId, LayerMeta>,
    ) -> BTreeSet<LayerId> {
        let mut marked = BTreeSet::new();
        let mut todo: Vec<LayerId> = roots.into_iter().collect();
        while let Some(id) = todo.pop() {
            if !marked.insert(id.clone()) {
                continue;
            }
            if let Some(meta) = metas.get(&id) {
                todo.extend(meta.parent.clone());
            }
            let flat = flat_id(&id);
            if metas.contains_key(&flat) {
                todo.push(flat);
            }
        }
        marked
    }

    /// Trashes what crashed runs left and snapshots nothing refers to. Quick; does nothing when the
    /// store is busy.
    pub fn tidy(&self, roots: Roots<'_>) -> Result<(), StoreError> {
        let lock = self.0.dir.join("lock");
        let Some(_guard) = Lock::take(&self.0.disk, &lock, Want::TryExclusive)? else {
            return Ok(());
        };
        self.collect(roots, &GcOptions::default(), &BTreeSet::new())?;
        Ok(())
    }

    /// Collects. Waits for changes that are just being made; never touches what is in use.
    pub fn gc(&self, roots: Roots<'_>, options: &GcOptions) -> Result<GcReport, StoreError> {
        let lock = self.0.dir.join("lock");
        let _guard = Lock::take(&self.0.disk, &lock, Want::Exclusive)?;
        self.collect(roots, options, &BTreeSet::new())
    }

    /// The caller holds the store's lock exclusively. `doomed`: layers to be dropped even though
    /// they could stay for later use, unless something needs them.
    pub(crate) fn collect(
        &self,
        roots: Roots<'_>,
        options: &GcOptions,
        doomed: &BTreeSet<LayerId>,
    ) -> Result<GcReport, StoreError> {
        let metas: BTreeMap<LayerId, LayerMeta> = self
            .all_metas()?
            .into_iter()
            .map(|m| (m.id.clone(), m))
            .collect();
        let mut report = GcReport::default();
        let mut roots = roots(&self.0.dir)?;
        let mut locks = BTreeMap::new();
        for id in metas.keys() {
            let path = self.layer_dir(id).join("lock");
            match Lock::existing(&path, Want::TryExclusive)? {
                Some(lock) => {
                    locks.insert(id.clone(), lock);
                }
                None => {
                    roots.insert(id.clone());
                }
            }
        }
        self.debris(&roots, &metas, options, &mut report)?;
        let marked = Self::closure(roots, &metas);
        let (mut gone, mut spare) = (Vec::new(), Vec::new());
        for (id, meta) in &metas {
            if marked.contains(id) {
                continue;
            }
            // A flattened tree goes with its chain; being unmarked, that is unmarked too.
            if meta.kind.is_reproducible() && !doomed.contains(id) {
                spare.push(id.clone());
            } else {
                gone.push(id.clone());
            }
        }
        // A spare layer on top of one that goes could never be mounted.
        let mut going: BTreeSet<LayerId> = gone.into_iter().collect();
        loop {
            let before = going.len();
            for id in &spare {
                let parent = metas.get(id).and_then(|m| m.parent.clone());
                if parent.is_some_and(|p| going.contains(&p) || !metas.contains_key(&p)) {
                    going.insert(id.clone());
                }
            }
            if going.len() == before {
                break;
            }
        }
        if let Some(keep) = options.keep {
            self.drop_least_recently_used(keep, &metas, &spare, &mut going)?;
        }
        self.drop_orphaned_flattened(&metas, &marked, &mut going);
        // Children first: a crash in between must not leave one without its parent.
        for id in children_first(&going, &metas) {
            let Some(meta) = metas.get(&id) else { continue };
            report.removed.push(Collected {
                id: id.clone(),
                kind: meta.kind,
                size: self.size_of(&id, options.keep.is_some() || options.dry_run)?,
                note: meta.note.clone(),
            });
            if !options.dry_run {
                self.trash(&self.layer_dir(&id))?;
            }
        }
        for id in metas.keys().filter(|id| !going.contains(*id)) {
            report.kept += 1;
            report.kept_bytes += self.size_of(id, options.keep.is_some() || options.dry_run)?;
        }
        if !options.dry_run {
            self.drop_dangling_names()?;
        }
        Ok(report)
    }

    fn drop_least_recently_used(
        &self,
        keep: u64,
        metas: &BTreeMap<LayerId, LayerMeta>,
        spare: &[LayerId],
        going: &mut BTreeSet<LayerId>,
    ) -> Result<(), StoreError> {
        let mut total = 0;
        for id in metas.keys().filter(|id| !going.contains(*id)) {
            total += self.size_of(id, true)?;
        }
        let mut by_use: Vec<(SystemTime, &LayerId)> =
            spare.iter().map(|id| (self.last_used(id), id)).collect();
        by_use.sort();
        // A parent is used whenever its child is, but times may tie: leaves only, again and again.
        loop {
            let next = by_use.iter().find(|(_, id)| {
                !going.contains(*id)
                    && !metas
                        .values()
                        .any(|m| m.parent.as_ref() == Some(*id) && !going.contains(&m.id))
            });
            let Some((_, id)) = next.filter(|_| total > keep) else {
                return Ok(());
            };
            total = total.saturating_sub(self.size_of(id, true)?);
            going.insert((*id).clone());
        }
    }

    /// Flattened trees whose chain goes, and those whose chain is gone already.
    fn drop_orphaned_flattened(
        &self,
        metas: &BTreeMap<LayerId, LayerMeta>,
        marked: &BTreeSet<LayerId>,
        going: &mut BTreeSet<LayerId>,
    ) {
        let wanted: BTreeSet<LayerId> = metas
            .keys()
            .filter(|id| !going.contains(*id))
            .map(flat_id)
            .collect();
        for (id, meta) in metas {
            if meta.kind == LayerKind::Flat && !wanted.contains(id) && !marked.contains(id) {
                going.insert(id.clone());
            }
        }
    }

    /// Unfinished layers and private directories that nobody owns any more.
    fn debris(
        &self,
        roots: &BTreeSet<LayerId>,
        metas: &BTreeMap<LayerId, LayerMeta>,
        options: &GcOptions,
        report: &mut GcReport,
    ) -> Result<(), StoreError> {
        let mut doomed: Vec<PathBuf> = Vec::new();
        for path in entries(&self.0.dir.join("tmp"))? {
            if !path.is_dir() {
                // A measurement being written down; whoever does it can do without.
                if !options.dry_run {
                    self.0.disk.unlink(&path)?;
                }
            } else if unowned(&path)? {
                doomed.push(path);
            }
        }
        for path in entries(&self.0.dir.join("uppers"))? {
            let id = id_of(&path);
            if !id.is_some_and(|id| roots.contains(&id)) && unowned(&path)? {
                doomed.push(path);
            }
        }
        for path in entries(&self.0.dir.join("layers"))? {
            // Published means complete, so this can only be damage from outside.
            if !id_of(&path).is_some_and(|id| metas.contains_key(&id))
                && read_meta(&path)?.is_none()
            {
                doomed.push(path);
            }
        }
        for path in entries(&self.0.dir.join("unsynced"))? {
            if !id_of(&path).is_some_and(|id| metas.contains_key(&id)) && !options.dry_run {
                self.0.disk.unlink(&path)?;
            }
        }
        for path in entries(&self.0.dir.join("building"))? {
            if !options.dry_run && Lock::existing(&path, Want::TryExclusive)?.is_some() {
                self.0.disk.unlink(&path)?;
            }
        }
        report.debris = doomed.len();
        if !options.dry_run {
            for path in doomed {
                self.trash(&path)?;
            }
        }
        Ok(())
    }

    fn drop_dangling_names(&self) -> Result<(), StoreError> {
        for link in entries(&self.0.dir.join("s"))? {
            if !link.exists() {
                self.0.disk.unlink(&link)?;
            }
        }
        Ok(())
    }

    /// Own bytes of a layer; zero when nobody has measured and `measure` is not set.
    fn size_of(&self, id: &LayerId, measure: bool) -> Result<u64, StoreError> {
        let dir = self.layer_dir(id);
        let known = std::fs::read(dir.join(KEPT))
            .ok()
            .and_then(|t| serde_json::from_slice::<Usage>(&t).ok());
        match known {
            Some(usage) => Ok(usage.own),
            None if measure => {
                let input = UsageOf { paths: vec![dir] };
                let measured: Vec<Usage> = ask(&*self.0.hands, "usage", &input)?;
                Ok(measured.first().map_or(0, |u| u.own))
            }
            None => Ok(0),
        }
    }

    fn last_used(&self, id: &LayerId) -> SystemTime {
        std::fs::metadata(self.layer_dir(id).join("lock"))
            .and_then(|m| m.modified())
            .unwrap_or(SystemTime::UNIX_EPOCH)
    }
}

/// Entries of a directory, sorted, so that runs repeat.
pub(crate) fn entries(dir: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let mut out = Vec::new();
    for entry in std::fs::read_dir(dir).at("list", dir)? {
        out.push(entry.at("list", dir)?.path());
    }
    out.sort();
    Ok(out)
}

fn id_of(path: &Path) -> Option<LayerId> {
    path.file_name()?.to_str()?.parse().ok()
}

/// Whether nobody holds the lock in this directory.
fn unowned(dir: &Path) -> Result<bool, StoreError> {
    let path = dir.join("lock");
    Ok(!path.exists() || Lock::existing(&path, Want::TryExclusive)?.is_some())
}

fn children_first(going: &BTreeSet<LayerId>, metas: &BTreeMap<LayerId, LayerMeta>) -> Vec<LayerId> {
    let depth = |id: &LayerId| {
        let mut depth = 0usize;
        let mut next = metas.get(id).and_then(|m| m.parent.as_ref());
        while let Some(parent) = next {
            depth += 1;
            next = metas.get(parent).and_then(|m| m.parent.as_ref());
        }
        depth
    };
    let mut out: Vec<LayerId> = going.iter().cloned().collect();
    out.sort_by_key(|id| std::cmp::Reverse(depth(id)));
    out
}
