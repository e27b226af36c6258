//! Who a store belongs to and how its layers are written; fixed when the store is made.
//!
//! Layers of another id mapping cannot be used (every copy-up of a foreign owner's file fails with
//! EOVERFLOW), and deltas mean nothing to the plain driver, so these differ in directory and the
//! `format` file says so.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{
    disk::Disk,
    error::{At, StoreError},
};

/// Version of everything the store writes.
pub const FORMAT: u32 = 1;

/// How ids in layers relate to ids on the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "mode")]
pub enum Mapping {
    /// As they are: real root.
    Root,
    /// Root is the user, the rest are sub-ids beginning here.
    Sub {
        /// First subordinate uid.
        start: u32,
    },
    /// Everything belongs to the user.
    Single,
}

/// How a root is put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Driver {
    /// overlayfs in the kernel; a layer holds differences.
    Overlay,
    /// Plain directories; a layer holds a whole tree and is copied to be written on.
    Plain,
}

impl Driver {
    /// Its name in file names and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Overlay => "overlay",
            Self::Plain => "plain",
        }
    }
}

/// What the `format` file says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Format {
    /// [`FORMAT`].
    pub format: u32,
    /// The user's id on the host.
    pub user: u32,
    /// Id mapping of all layers.
    pub mapping: Mapping,
    /// Kind of all layers.
    pub driver: Driver,
}

impl Format {
    /// The present format for a user, mapping and driver.
    pub fn new(user: u32, mapping: Mapping, driver: Driver) -> Self {
        Self {
            format: FORMAT,
            user,
            mapping,
            driver,
        }
    }

    /// Name of the directory below the layers' home: `root-overlay`, `sub-200000-overlay` …
    pub fn directory(&self) -> String {
        match self.mapping {
            Mapping::Root => format!("root-{}", self.driver.name()),
            Mapping::Sub { start } => format!("sub-{start}-{}", self.driver.name()),
            Mapping::Single => format!("single-{}", self.driver.name()),
        }
    }

    /// Writes the file into a new store, or checks an old one's.
    pub(crate) fn write_or_check(&self, disk: &Disk, dir: &Path) -> Result<(), StoreError> {
        let path = dir.join("format");
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                let text = serde_json::to_vec(self).map_err(std::io::Error::other);
                return disk.replace(&path, &text.at("write", &path)?, true);
            }
            Err(e) => return Err(e).at("read", &path),
        };
        // The version first: the rest may mean something else in another one.
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }
        let corrupt = |e: serde_json::Error| StoreError::Corrupt {
            path: path.clone(),
            reason: e.to_string(),
        };
        let version: Version = serde_json::from_str(&text).map_err(corrupt)?;
        let differs = |what, found: String, expected: String| StoreError::Format {
            path: path.clone(),
            what,
            found,
            expected,
        };
        if version.format != FORMAT {
            return Err(differs(
                "format",
                version.format.to_string(),
                FORMAT.to_string(),
            ));
        }
        let found: Self = serde_json::from_str(&text).map_err(corrupt)?;
        if found.user != self.user {
            return Err(differs(
                "owner",
                format!("uid {}", found.user),
                format!("uid {}", self.user),
            ));
        }
        if found != *self {
            return Err(differs("kind", found.directory(), self.directory()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn another_owner_kind_or_version_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::default();
        let mine = Format::new(1000, Mapping::Sub { start: 200_000 }, Driver::Overlay);
        mine.write_or_check(&disk, dir.path()).unwrap();
        mine.write_or_check(&disk, dir.path()).unwrap();
        for other in [
            Format::new(1001, mine.mapping, mine.driver),
            Format::new(1000, Mapping::Single, mine.driver),
            Format::new(1000, mine.mapping, Driver::Plain),
        ] {
            assert!(other.write_or_check(&disk, dir.path()).is_err());
        }
        std::fs::write(dir.path().join("format"), r#"{"format":99,"x":1}"#).unwrap();
        let error = mine
            .write_or_check(&disk, dir.path())
            .unwrap_err()
            .to_string();
        assert!(error.contains("has format 99, but 1 is needed"), "{error}");
    }
}
