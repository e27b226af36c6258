//! Where the sources a spec names are looked for, and whether a tree is the project itself.

use std::{
    fs,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use super::{
    SourceOrigin, SrpmError,
    files::{below, copy_dated, write_dated},
    spec::{ExpandedSpec, SpecSource},
    survey::TreeSpec,
    tree::SourceTree,
};
use rpmkit_vcs::git;

/// Files larger than this are not offered to rpm while it reads the spec: what a spec includes
/// or loads is text.
const PARSE_LIMIT: usize = 1 << 20;

/// A directory on disk that has sources.
#[derive(Debug, Clone)]
pub(super) struct DiskDir {
    path: PathBuf,
    /// What its links may not leave; nothing for a directory of the user's own choice.
    top: Option<PathBuf>,
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
        let real = fs::canonicalize(&self.path);
        if self.top.is_none() && real.is_ok_and(|real| real.starts_with(tree.top())) {
            self.top = Some(tree.top());
        }
        self
    }

    /// The file of this name, if there is one.
    fn file(&self, name: &str) -> Result<Option<PathBuf>, SrpmError> {
        let path = self.path.join(name);
        if name.is_empty() || !path.is_file() {
            return Ok(None);
        }
        match &self.top {
            Some(top) => below(top, &path).map(Some),
            None => Ok(Some(path)),
        }
    }
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
        for dir in &self.disk {
            let entries = fs::read_dir(&dir.path).map_err(SrpmError::io("read", &dir.path))?;
            for entry in entries.filter_map(Result::ok) {
                let to = dest.join(entry.file_name());
                // A link that leads out is told when the spec asks for it.
                let Ok(Some(from)) = dir.file(&entry.file_name().to_string_lossy()) else {
                    continue;
                };
                let small = fs::metadata(&from).is_ok_and(|data| data.len() <= PARSE_LIMIT as u64);
                if small && !to.exists() {
                    copy_dated(&from, &to)?;
                }
            }
        }
        for dir in &self.tree {
            for path in tree.files() {
                let Some(name) = path.strip_prefix(dir.as_slice()) else {
                    continue;
                };
                let to = dest.join(git::bytes_path(name));
                if name.contains(&b'/') || to.exists() {
                    continue;
                }
                // Submodules and dangling links are no files rpm could read.
                if let Ok(content) = tree.read(path)
                    && content.len() <= PARSE_LIMIT
                {
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
            if let Some(path) = dir.file(name)? {
                copy_dated(&path, dest)?;
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
                    let executable = tree.executable(&path);
                    write_dated(dest, &tree.read(&path)?, tree.mtime(&path), executable)?;
                    return Ok(Some(SourceOrigin::Tree));
                }
            }
        }
        if let Some(dir) = &self.beside
            && let Some(path) = dir.file(name)?
        {
            copy_dated(&path, dest)?;
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
