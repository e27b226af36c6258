//! The build user's home: what goes in before rpmbuild runs, what comes out after.

#![allow(
    clippy::disallowed_methods,
    reason = "a macros file of the user's configuration"
)]

use std::path::{Path, PathBuf};

use super::{
    BuildError, Buildroot, CopyItem, ItemOwner, rpmmacros,
    transfer::{CopiedOut, CopyIn, CopyOut, Follow, Wipe},
};
use rpmkit_types::ChrootPath;

/// Directories of the build tree.
const DIRECTORIES: [&str; 7] = [
    "BUILD",
    "BUILDROOT",
    "RPMS",
    "SOURCES",
    "SPECS",
    "SRPMS",
    "originals",
];

/// What is put into the home.
#[derive(Debug, Clone, Default)]
pub struct DirContents {
    /// Files and directories, with their places below the build tree (`SPECS/x.spec`).
    pub items: Vec<CopyItem>,
    /// Remove everything else first, but what the configuration says to keep.
    pub fresh: bool,
    /// Replace `SOURCES` and `SPECS` instead of adding to them.
    pub replace_sources: bool,
    /// Which links are copied as what they point to.
    pub follow: Follow,
}

impl Buildroot {
    /// Lays out the build tree, the macros file, and `contents`, all owned by the build user.
    pub fn fill_home(&mut self, contents: DirContents) -> Result<(), BuildError> {
        let s = self.settings();
        let macro_file = match &s.build.macrofile {
            Some(path) => Some(read(path)?),
            None => None,
        };
        let macros = s
            .build
            .macros
            .iter()
            .filter_map(|(name, value)| Some((name.as_str(), value.as_deref()?)));
        let text = rpmmacros(macro_file.as_deref(), macros);
        let owner = ItemOwner {
            uid: s.chroot.chrootuid,
            gid: s.chroot.chrootgid,
        };
        let wipe = contents.fresh.then(|| {
            let mut keep: Vec<PathBuf> = s
                .build
                .exclude_from_homedir_cleanup
                .iter()
                .map(PathBuf::from)
                .collect();
            if contents.replace_sources {
                keep.retain(|path| path != Path::new("build/SOURCES"));
            }
            // A part of a build goes on where another one stopped.
            if s.build.short_circuit.is_some() {
                keep.extend(["build/BUILD", "build/BUILDROOT"].map(PathBuf::from));
            }
            Wipe { keep }
        });
        let build = Path::new("build");
        let job = CopyIn {
            base: self.home(),
            items: contents
                .items
                .into_iter()
                .map(|item| CopyItem {
                    to: build.join(item.to),
                    ..item
                })
                .collect(),
            texts: vec![(".rpmmacros".into(), text)],
            directories: DIRECTORIES.iter().map(|d| build.join(d)).collect(),
            wipe,
            owner,
            follow: contents.follow,
        };
        self.engine().operate("copy-in", &job).map(drop)
    }

    /// Copies files whose names end in `suffix` from directories of the build tree to the host
    /// directory `to`; gives their host paths.
    pub fn take(
        &self,
        directories: &[&str],
        suffix: &str,
        to: &Path,
    ) -> Result<Vec<PathBuf>, BuildError> {
        let job = CopyOut {
            base: self.home(),
            directories: directories
                .iter()
                .map(|dir| Path::new("build").join(dir))
                .collect(),
            suffix: suffix.to_owned(),
            to: to.to_owned(),
        };
        let answer = self.engine().operate("copy-out", &job)?;
        let copied = serde_json::from_slice(&answer).map_err(|e| BuildError::Operation {
            op: "copy-out",
            reason: e.to_string(),
        })?;
        match copied {
            CopiedOut::Done(names) => Ok(names.into_iter().map(|name| to.join(name)).collect()),
            CopiedOut::Link(path) => Err(BuildError::Link { path }),
            CopiedOut::Unwritten { path, errno } => Err(BuildError::Io {
                action: WRITE,
                path,
                source: std::io::Error::from_raw_os_error(errno),
            }),
        }
    }

    /// A place in the build tree as seen inside.
    pub fn in_tree(&self, path: impl AsRef<Path>) -> ChrootPath {
        self.topdir().join(path)
    }
}

/// The verb of [`BuildError::Io`] for a file that could not be taken out.
pub(super) const WRITE: &str = "write";

fn read(path: &Path) -> Result<String, BuildError> {
    std::fs::read_to_string(path).map_err(|source| BuildError::Io {
        action: "read",
        path: path.to_owned(),
        source,
    })
}
