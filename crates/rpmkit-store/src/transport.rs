//! Layers in and out of the store.

use std::path::Path;

use super::{
    Layer, LayerKind, LayerSpec, Root, Store, StoreError, VOLUMES,
    archive::{Labels, Pack, Shape, Unpack, Unpacked},
    ask,
    lock::{LockWant, StoreLock},
    ops::{Change, Diff, Flatten},
    random_id,
};

impl Store {
    /// Files that differ between two roots; `None` is the empty root.
    pub fn diff(
        &self,
        old: Option<&Layer>,
        new: Option<&Layer>,
    ) -> Result<Vec<Change>, StoreError> {
        let (old_chain, new_chain) = (self.held_chain(old)?, self.held_chain(new)?);
        let fs = |chain: &[Layer]| chain.iter().map(Layer::fs).collect();
        let input = Diff {
            old: fs(&old_chain),
            new: fs(&new_chain),
        };
        let hands = &*self.inner().hands;
        let mut out: Vec<Change> = ask(hands, "diff", &input)?;
        for (name, place, _) in VOLUMES {
            // What the volume hides in a chroot is no difference, the mount point included.
            out.retain(|c| !Path::new(&c.path).starts_with(place));
            let volume = |layer: Option<&Layer>| -> Vec<_> {
                let dir = layer.map(|l| l.volume(name));
                dir.into_iter().filter(|d| d.exists()).collect()
            };
            let input = Diff {
                old: volume(old),
                new: volume(new),
            };
            let changes: Vec<Change> = ask(hands, "diff", &input)?;
            out.extend(changes.into_iter().map(|c| Change {
                path: format!("{place}{}", c.path.trim_end_matches('/')),
                kind: c.kind,
            }));
        }
        out.sort();
        out.dedup_by(|a, b| a.path == b.path);
        Ok(out)
    }

    fn held_chain(&self, top: Option<&Layer>) -> Result<Vec<Layer>, StoreError> {
        top.map_or_else(|| Ok(Vec::new()), |top| self.chain(top))
    }

    /// Writes the root with `top` on top as an archive. The file appears when it is complete.
    pub fn export(
        &self,
        top: Option<&Layer>,
        dest: &Path,
        shape: Shape,
        labels: Labels,
    ) -> Result<(), StoreError> {
        let chain = self.held_chain(top)?;
        let partial = {
            let mut name = dest.as_os_str().to_owned();
            name.push(format!(".partial-{}", std::process::id()));
            std::path::PathBuf::from(name)
        };
        let mut layers: Vec<_> = chain.iter().map(Layer::fs).collect();
        if layers.is_empty() {
            layers.push(self.dir().join("empty"));
        }
        let volume = |(name, place, _): &(&str, &str, u32)| {
            let layer = top?;
            Some((layer.volume(name), (*place).to_owned()))
        };
        let input = Pack {
            layers,
            volumes: VOLUMES.iter().filter_map(volume).collect(),
            dest: partial.clone(),
            shape,
            labels,
            name: dest.to_string_lossy().into_owned(),
        };
        let written = ask::<_, ()>(&*self.inner().hands, "pack", &input)
            .and_then(|()| self.inner().disk.rename(&partial, dest));
        if written.is_err() {
            let _ = std::fs::remove_file(&partial);
        }
        written
    }

    /// Makes a layer of an archive: a tar of a root file system or an OCI image, however compressed.
    pub fn import(&self, archive: &Path, note: &str) -> Result<(Layer, Unpacked), StoreError> {
        let id = random_id()?;
        let building = self.dir().join("building").join(id.as_str());
        let maker = StoreLock::take(&self.inner().disk, &building, LockWant::Exclusive)?
            .ok_or_else(|| super::not_locked(building))?;
        let pending = self.pending(id, None, maker)?;
        let input = Unpack {
            archive: archive.to_owned(),
            fs: pending.fs(),
            volumes: VOLUMES
                .iter()
                .map(|(name, place, _)| (pending.volume(name), (*place).to_owned()))
                .collect(),
        };
        let unpacked: Unpacked =
            ask(&*self.inner().hands, "unpack-archive", &input).map_err(|e| match e {
                StoreError::Namespace { reason, .. } => StoreError::Import {
                    path: archive.to_owned(),
                    reason,
                },
                other => other,
            })?;
        let layer = pending.publish(&LayerSpec {
            kind: LayerKind::Import,
            packages: Vec::new(),
            note: note.to_owned(),
            unsigned: None,
            dependencies: std::collections::BTreeSet::new(),
        })?;
        Ok((layer, unpacked))
    }

    /// Copies the root with `top` on top into `dest`, an empty or missing directory anywhere. What is
    /// kept off the overlay is put in its places.
    pub fn materialise(&self, top: Option<&Layer>, dest: &Path) -> Result<(), StoreError> {
        let chain = self.held_chain(top)?;
        let mut layers: Vec<_> = chain.iter().map(Layer::fs).collect();
        if layers.is_empty() {
            layers.push(self.dir().join("empty"));
        }
        self.materialise_from(layers, dest)?;
        for (name, place, _) in VOLUMES {
            let Some(from) = top.map(|t| t.volume(name)).filter(|d| d.exists()) else {
                continue;
            };
            let place = Path::new(place.trim_start_matches('/'));
            if is_below(dest, place) {
                self.copy(&from, &dest.join(place))?;
            }
        }
        Ok(())
    }

    /// [`Self::materialise`] for a root that is being written on, as it is now.
    pub fn materialise_root(&self, root: &Root, dest: &Path) -> Result<(), StoreError> {
        let layers = match root {
            Root::Dir(dir) => vec![dir.clone()],
            Root::Overlay { lowers, upper, .. } => {
                let real = lowers
                    .iter()
                    .map(|l| l.canonicalize().unwrap_or_else(|_| l.clone()));
                std::iter::once(upper.clone()).chain(real).collect()
            }
        };
        self.materialise_from(layers, dest)
    }

    pub(crate) fn materialise_from(
        &self,
        layers: Vec<std::path::PathBuf>,
        dest: &Path,
    ) -> Result<(), StoreError> {
        let input = Flatten {
            layers,
            dest: dest.to_owned(),
            link: false,
        };
        ask(&*self.inner().hands, "flatten", &input)
    }
}

/// Whether a place in a tree somebody else wrote can be copied to: all above it are directories, and it is one
/// or is missing. A symbolic link on the way would lead out of the tree.
pub(crate) fn is_below(root: &Path, place: &Path) -> bool {
    let mut at = root.to_owned();
    let mut parts = place.components().peekable();
    while let Some(part) = parts.next() {
        at.push(part);
        match std::fs::symlink_metadata(&at) {
            Ok(meta) if meta.is_dir() => {}
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return parts.peek().is_none(),
            Ok(_) | Err(_) => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn links_do_not_lead_out_of_a_tree() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        std::fs::create_dir_all(root.join("var/tmp")).unwrap();
        std::os::unix::fs::symlink("/etc", root.join("link")).unwrap();
        std::fs::write(root.join("file"), "").unwrap();
        for (place, fine) in [
            ("var/tmp", true),
            ("var/missing", true),
            ("tmp", true),
            ("missing/tmp", false),
            ("link", false),
            ("link/x", false),
            ("file", false),
        ] {
            assert_eq!(is_below(root, Path::new(place)), fine, "{place}");
        }
    }
}
