//! The state of one configuration's chroots: which names point at which layers.
//!
//! Pure data; every transition is a method here, so that it can be tested without a disk. On disk
//! it is one small JSON file that is replaced whole.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use serde::{Deserialize, Serialize};

use crate::{At, FORMAT, StoreError, read_json};
use rpmkit_types::LayerId;

/// A place in the tree of layers. `None` is `.base`, the empty bottom of every tree.
pub type Top = Option<LayerId>;

/// A snapshot: a name for a layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// What it names.
    pub layer: Top,
    /// When, seconds since 1970.
    pub created: u64,
    /// What the user said about it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// The commands that made it of what it lies on, as far as they are remembered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub done: Vec<String>,
}

/// Where writes go (mock's `.upper`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Upper {
    /// An immutable layer: a new upper on top of it is made before the next use.
    Frozen(Top),
    /// A directory of our own, which becomes the layer of the same id when it is frozen.
    Private {
        /// Its id.
        id: LayerId,
        /// What it lies on.
        parent: Top,
        /// Whether it was put on another layer after it was made.
        #[serde(default)]
        rebased: bool,
        /// Whether something may have been written.
        #[serde(default)]
        dirty: bool,
        /// The boot in which it was opened, while it is open.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        open: Option<String>,
        /// The commands that may have written, the last ones.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        done: Vec<String>,
        /// Repositories whose packages were installed here and whose signatures nobody looked at, as in
        /// [`crate::LayerMeta`]; `None` where an older rpmkit worked, which did not write it down.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unsigned: Option<BTreeSet<String>>,
    },
}

impl Upper {
    /// The layer an instance stands on: what is frozen, or what lies below the private directory.
    pub fn ground(&self) -> &Top {
        match self {
            Self::Frozen(top) => top,
            Self::Private { parent, .. } => parent,
        }
    }
}

/// One chroot of the configuration. Each `--uniqueext` has its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// What `clean` goes back to (mock's `.current`).
    pub current: Top,
    /// Where writes go.
    pub upper: Upper,
}

/// Everything that is remembered about one configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChrootState {
    /// Format version.
    pub format: u32,
    /// Snapshots by name.
    #[serde(default)]
    pub names: BTreeMap<String, Named>,
    /// Chroots by uniqueext; the one without has the empty name.
    #[serde(default)]
    pub instances: BTreeMap<String, Instance>,
    /// Layers it has stood on, and tool roots it was made with, whether or not they are there still: what
    /// `--scrub` may drop. No references.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub used: BTreeSet<LayerId>,
}

/// A node of the tree of layers, for counting.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum LayerNode {
    /// `.base`.
    Base,
    /// A published layer.
    Layer(LayerId),
    /// A private upper directory.
    Upper(LayerId),
}

impl From<&Top> for LayerNode {
    fn from(top: &Top) -> Self {
        top.clone().map_or(Self::Base, Self::Layer)
    }
}

/// mock's `postinit`.
pub const POSTINIT: &str = "postinit";

impl Default for ChrootState {
    fn default() -> Self {
        Self {
            format: FORMAT,
            names: BTreeMap::new(),
            instances: BTreeMap::new(),
            used: BTreeSet::new(),
        }
    }
}

impl ChrootState {
    /// Reads the state in a chroot's directory; without one it is a new chroot's.
    ///
    /// A machine that goes down within seconds of a change may leave an empty file on some file systems. Then
    /// it is read as it was when it was last known to be synced to disk.
    pub(crate) fn load(dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join("state.json");
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(e) => return Err(e).at("read", &path),
        };
        let lost = text.iter().all(|byte| *byte == 0);
        if lost && let Ok(safe) = std::fs::read(dir.join("state.safe")) {
            return Self::read(&path, &safe);
        }
        Self::read(&path, &text)
    }

    /// Reads the file's text.
    fn read(path: &Path, text: &[u8]) -> Result<Self, StoreError> {
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }
        let version: Version = read_json(path, text)?;
        if version.format != FORMAT {
            return Err(StoreError::Format {
                path: path.to_owned(),
                what: "format",
                found: version.format.to_string(),
                expected: FORMAT.to_string(),
            });
        }
        read_json(path, text)
    }

    /// All ids mentioned, of layers and of private uppers.
    pub fn mentioned(&self) -> BTreeSet<LayerId> {
        let mut out: BTreeSet<LayerId> = BTreeSet::new();
        out.extend(self.names.values().filter_map(|n| n.layer.clone()));
        for instance in self.instances.values() {
            out.extend(instance.current.clone());
            out.extend(instance.upper.ground().clone());
            if let Upper::Private { id, .. } = &instance.upper {
                out.insert(id.clone());
            }
        }
        out
    }

    /// Private uppers, which are the instances' own.
    pub fn uppers(&self) -> Vec<LayerId> {
        let private = |i: &Instance| match &i.upper {
            Upper::Private { id, .. } => Some(id.clone()),
            Upper::Frozen(_) => None,
        };
        self.instances.values().filter_map(private).collect()
    }

    /// The instance, made when it is new. A new one starts where the main one's `clean` would go
    /// back to, or at `postinit` when there is no main one.
    pub fn instance(&mut self, ext: &str) -> &mut Instance {
        if !self.instances.contains_key(ext) {
            let current = match self.instances.get("") {
                Some(main) => main.current.clone(),
                None => self.names.get(POSTINIT).and_then(|n| n.layer.clone()),
            };
            let instance = Instance {
                upper: Upper::Frozen(current.clone()),
                current,
            };
            self.instances.insert(ext.to_owned(), instance);
        }
        self.instances
            .entry(ext.to_owned())
            .or_insert_with(|| Instance {
                current: None,
                upper: Upper::Frozen(None),
            })
    }

    /// Points both special references of an instance at `top`. Gives the private upper that nobody
    /// refers to any more.
    pub fn reset(&mut self, ext: &str, top: Top) -> Option<LayerId> {
        let instance = self.instance(ext);
        let old = std::mem::replace(&mut instance.upper, Upper::Frozen(top.clone()));
        instance.current = top;
        match old {
            Upper::Private { id, .. } => Some(id),
            Upper::Frozen(_) => None,
        }
    }

    /// Names a frozen upper and makes it current.
    pub fn name(&mut self, ext: &str, name: &str, named: Named) {
        self.reset(ext, named.layer.clone());
        self.names.insert(name.to_owned(), named);
    }

    /// How often each node is referred to: by names, by special references and by the nodes right
    /// above. `parent` tells what a layer lies on. Derived, never stored.
    pub fn counts(&self, parent: &dyn Fn(&LayerId) -> Top) -> BTreeMap<LayerNode, usize> {
        let mut counts = BTreeMap::from([(LayerNode::Base, 1)]);
        let mut todo = Vec::new();
        let mut refer = |node: LayerNode, counts: &mut BTreeMap<LayerNode, usize>| {
            let count = counts.entry(node.clone()).or_insert(0);
            *count += 1;
            if *count == 1 {
                todo.push(node);
            }
        };
        for named in self.names.values() {
            refer((&named.layer).into(), &mut counts);
        }
        for instance in self.instances.values() {
            refer((&instance.current).into(), &mut counts);
            match &instance.upper {
                Upper::Frozen(top) => refer(top.into(), &mut counts),
                Upper::Private { id, parent, .. } => {
                    *counts.entry(LayerNode::Upper(id.clone())).or_insert(0) += 1;
                    refer(parent.into(), &mut counts);
                }
            }
        }
        while let Some(node) = todo.pop() {
            if let LayerNode::Layer(id) = node {
                let below = LayerNode::from(&parent(&id));
                let count = counts.entry(below.clone()).or_insert(0);
                *count += 1;
                if *count == 1 {
                    todo.push(below);
                }
            }
        }
        counts
    }
}

/// Checks a snapshot's name by mock's rule, which looks only at how it begins; besides, what would
/// spoil a listing is refused.
pub fn is_snapshot_name(name: &str) -> bool {
    let begins = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    name.starts_with(begins) && !name.contains(|c: char| c == '/' || c.is_control())
}
