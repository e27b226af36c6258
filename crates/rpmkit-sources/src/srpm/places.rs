//! Where the sources a spec names are looked for, and whether a tree is the project itself.

use std::{
    ffi::OsStr,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use rpmkit_fs::{HostDir, Links, UntrustedTree};

use super::{
    SourceOrigin, SrpmError,
    files::{copy_dated, left_in, write_dated},
    spec::{ExpandedSpec, SpecSource},
    survey::TreeSpec,
    tree::SourceTree,
};
use rpmkit_vcs::git;

/// Files larger than this are not offered to rpm while it reads the spec: what a spec includes
/// or loads is text.
const PARSE_LIMIT: u64 = 1 << 20;

/// A directory on disk that has sources.
#[derive(Debug, Clone)]
pub(super) struct DiskDir {
    path: PathBuf,
    /// What its links may not leave; nothing for a directory of the user's own choice.
    top: Option<PathBuf>,
}

/// A source that was found on disk.
struct FoundSource {
    tree: UntrustedTree,
    path: PathBuf,
}

impl DiskDir {
    /// One the user named; wherever its links lead is the user's choice, too.
    pub fn of_user(path: PathBuf) -> Self {
        Self { path, top: None }
    }

    /// One that a project, or its commands, filled.
    pub fn of_project(path: PathBuf) -> Self {
        Self {
            top: Some(path.clone()),
            path,
        }
    }

    /// What lies in the tree is the project's, whoever named it.
    fn inside(mut self, tree: &SourceTree) -> Self {
        let top = tree.disk().shown();
        if self.top.is_none() && real(&self.path).is_some_and(|real| real.starts_with(top)) {
            self.top = Some(top.to_owned());
        }
        self
    }

    /// The file of this name, if there is one.
    fn file(&self, name: &OsStr) -> Result<Option<FoundSource>, SrpmError> {
        let path = Path::new(name);
        if path.file_name() != Some(name) {
            return Ok(None);
        }
        let (tree, path) = match &self.top {
            Some(top) => {
                let (Some(dir), Some(top)) = (real(&self.path), real(top)) else {
                    return Ok(None);
                };
                let Ok(dir) = dir.strip_prefix(&top) else {
                    return Ok(None);
                };
                (left_in(&top)?, dir.join(path))
            }
            None => {
                let Some(real) = real(&self.path.join(path)) else {
                    return Ok(None);
                };
                let (Some(dir), Some(name)) = (real.parent(), real.file_name()) else {
                    return Ok(None);
                };
                (UntrustedTree::open(dir, Links::Never)?, name.into())
            }
        };
        match tree.stat(&path) {
            Ok(meta) if meta.is_file() => Ok(Some(FoundSource { tree, path })),
            Ok(_) => Ok(None),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// Where a directory or file of the user's is, links followed.
#[allow(
    clippy::disallowed_methods,
    reason = "the user named it, or filled the directory it is in"
)]
fn real(path: &Path) -> Option<PathBuf> {
    std::fs::canonicalize(path).ok()
}

/// The places sources are looked for, in order.
pub(super) struct Places {
    /// `--sources`, then directories beside a spec that is not in the tree.
    disk: Vec<DiskDir>,
    /// Directories of the tree, with a slash at the end or empty.
    tree: Vec<Vec<u8>>,
    /// Where git-ignored downloads lie: beside the spec, on disk.
    beside: Option<DiskDir>,
}

impl Places {
    /// `disk` are directories outside of the tree, looked in first.
    pub fn new(disk: Vec<DiskDir>, tree: &SourceTree, spec: &TreeSpec) -> Self {
        let mut places = Self {
            disk: disk.into_iter().map(|dir| dir.inside(tree)).collect(),
            tree: Vec::new(),
            beside: None,
        };
        match spec {
            TreeSpec::OnDisk(path) => places.disk.extend(
                path.parent()
                    .map(|dir| DiskDir::of_user(dir.to_owned()).inside(tree)),
            ),
            TreeSpec::InTree(path) => {
                let dir = path.parent().unwrap_or(Path::new(""));
                places.beside = Some(DiskDir::of_user(tree.root().join(dir)).inside(tree));
                let slashed = |dir: &Path| match dir.as_os_str().as_bytes() {
                    b"" => Vec::new(),
                    bytes => [bytes, b"/".as_slice()].concat(),
                };
                places.tree.push(slashed(dir));
                if dir.file_name().is_some_and(|name| name == "SPECS") {
                    places.tree.push(slashed(&dir.with_file_name("SOURCES")));
                }
            }
        }
        if !places.tree.contains(&Vec::new()) {
            places.tree.push(Vec::new());
        }
        places
    }

    /// Paths in the tree these files would have, if they are there.
    pub fn named<'p>(&'p self, files: &'p [String]) -> impl Iterator<Item = Vec<u8>> + 'p {
        self.tree.iter().flat_map(|dir| {
            files
                .iter()
                .map(move |file| [dir, file.as_bytes()].concat())
        })
    }

    /// For people.
    pub fn names(&self) -> Vec<String> {
        let disk = self.disk.iter();
        let disk = disk.map(|dir| format!("`{}`", dir.path.display()));
        let tree = self.tree.iter().map(|dir| match dir.as_slice() {
            b"" => "the top of the tree".to_owned(),
            dir => format!("`{}` of the tree", String::from_utf8_lossy(dir)),
        });
        disk.chain(tree).collect()
    }

    /// Copies what rpm may want to read while it parses: small files beside the spec.
    pub fn offer(&self, tree: &SourceTree, dest: &Path) -> Result<(), SrpmError> {
        let offered = HostDir::open(dest)?;
        let free = |name: &Path| {
            offered
                .lstat_if_there(name)
                .is_ok_and(|meta| meta.is_none())
        };
        for dir in &self.disk {
            for entry in HostDir::open(&dir.path)?.list("", usize::MAX)? {
                // A link that leads out is told when the spec asks for it.
                let Ok(Some(from)) = dir.file(&entry.name) else {
                    continue;
                };
                let meta = from.tree.stat(&from.path)?;
                if meta.len() <= PARSE_LIMIT && free(Path::new(&entry.name)) {
                    copy_dated(&from.tree, &from.path, &dest.join(&entry.name))?;
                }
            }
        }
        for dir in &self.tree {
            for path in tree.files() {
                let Some(name) = path.strip_prefix(dir.as_slice()) else {
                    continue;
                };
                let to = dest.join(git::bytes_path(name));
                if name.contains(&b'/') || !free(git::bytes_path(name)) {
                    continue;
                }
                // Submodules and dangling links are no files rpm could read.
                if let Ok(content) = tree.read_up_to(path, PARSE_LIMIT) {
                    write_dated(&to, &content, tree.mtime(path), tree.executable(path))?;
                }
            }
        }
        Ok(())
    }

    /// Puts a source at `dest` if some place has it.
    pub fn find(
        &self,
        tree: &SourceTree,
        source: &SpecSource,
        dest: &Path,
    ) -> Result<Option<SourceOrigin>, SrpmError> {
        let name = source.file_name();
        for dir in &self.disk {
            if let Some(found) = dir.file(name.as_ref())? {
                copy_dated(&found.tree, &found.path, dest)?;
                return Ok(Some(SourceOrigin::Directory(dir.path.clone())));
            }
        }
        for dir in &self.tree {
            // A local source may be written with a path; the tree may have it just there.
            for path in [
                [dir.as_slice(), name.as_bytes()].concat(),
                [dir.as_slice(), source.text.as_bytes()].concat(),
            ] {
                if tree.has(&path) {
                    tree.copy_to(&path, dest)?;
                    return Ok(Some(SourceOrigin::Tree));
                }
            }
        }
        if let Some(dir) = &self.beside
            && let Some(found) = dir.file(name.as_ref())?
        {
            copy_dated(&found.tree, &found.path, dest)?;
            return Ok(Some(SourceOrigin::Directory(dir.path.clone())));
        }
        Ok(None)
    }
}

/// Whether the tree is the project itself and not only its packaging: there is something in it
/// besides specs, patches, the spec's own sources and what packaging repositories carry.
pub(super) fn is_upstream(tree: &SourceTree, spec: &ExpandedSpec) -> bool {
    const PACKAGING: &[&str] = &[
        "sources",
        "gating.yaml",
        "rpminspect.yaml",
        "packit.yaml",
        "changelog",
        "dead.package",
        "plans.fmf",
        "ci.fmf",
        "rpkg.conf",
        "rpkg.macros",
        "baselibs.conf",
        "_service",
        "_servicedata",
        "_multibuild",
        "_constraints",
        "_link",
        "_aggregate",
        "_channel",
        "_scmsync.obsinfo",
    ];
    tree.files().iter().any(|path| {
        let path = String::from_utf8_lossy(path);
        let name = path.rsplit('/').next().unwrap_or(&path);
        let first = path.split('/').next().unwrap_or(&path);
        let lower = name.to_ascii_lowercase();
        !(name.starts_with('.')
            || first.starts_with('.')
            || [
                ".spec",
                ".spec.rpkg",
                ".patch",
                ".diff",
                ".rpmlintrc",
                ".fmf",
                ".changes",
                ".keyring",
                ".asc",
                ".sig",
                ".sign",
                ".obsinfo",
            ]
            .iter()
            .any(|suffix| lower.ends_with(suffix))
            || lower.starts_with("readme")
            || lower.starts_with("license")
            || lower.starts_with("copying")
            || PACKAGING.contains(&name)
            || matches!(first, "tests" | "plans" | "SPECS" | "SOURCES")
            || spec.sources.iter().any(|source| source.file_name() == name))
    })
}
