//! The way from a checkout to staged sources.

use std::{
    fs,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use super::{
    Choose, SpecParser, SrpmError,
    error::MissingSource,
    find,
    spec::{ExpandedSpec, SpecSource},
    tree::{SourceTree, TreeChoice},
};
use crate::scm::{ArchiveOptions, git};

/// Files larger than this are not offered to rpm while it reads the spec: what a spec includes
/// or loads is text.
const PARSE_LIMIT: usize = 1 << 20;

/// What to make a source package of.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// A directory, usually a git checkout, or a spec file.
    pub path: PathBuf,
    /// The spec, relative to the current directory or to the tree.
    pub spec: Option<PathBuf>,
    /// A directory sources are looked for in before anywhere else.
    pub sources: Option<PathBuf>,
    /// Which state of the checkout.
    pub tree: TreeChoice,
    /// Replace symbolic links in a made archive by what they point to. Sources that are links
    /// themselves are always followed.
    pub symlink_dereference: bool,
    /// Macros to define while the spec is read, as (name, value).
    pub defines: Vec<(String, String)>,
    /// Paths, relative to the tree, that never go into a made archive: result directories.
    pub exclude: Vec<PathBuf>,
}

/// Where a staged source came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceOrigin {
    /// A file of the tree.
    Tree,
    /// A file of the directory that was named, or found lying beside the spec.
    Directory(PathBuf),
    /// Made from the tree.
    Archive,
}

/// One file in the staging directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StagedSource {
    /// `Source0`, `Patch2`.
    pub tag: String,
    /// Where it is now.
    pub path: PathBuf,
    /// Where it is from.
    pub origin: SourceOrigin,
}

/// What `rpmbuild -bs` needs.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// The spec in the staging directory.
    pub spec: PathBuf,
    /// The directory that is to be `_sourcedir`; holds nothing but the sources.
    pub source_dir: PathBuf,
    /// Each of them.
    pub sources: Vec<StagedSource>,
    /// What the spec says.
    pub expanded: ExpandedSpec,
    /// Remarks for people: which state was built, what was made of what.
    pub notes: Vec<String>,
}

/// Finds, reads and gathers; writes only below `staging`, which must be an empty directory.
/// `choose` is asked when there are several specs; without it that is an error.
///
/// # Errors
/// See [`SrpmError`].
pub fn prepare(
    request: &Request,
    staging: &Path,
    parser: &mut dyn SpecParser,
    choose: Option<&mut Choose<'_>>,
) -> Result<Prepared, SrpmError> {
    let (tree, spec) = locate(request, choose)?;
    let mut notes = tree.notes().to_vec();
    let source_dir = staging.join("SOURCES");
    let parse_dir = staging.join("PARSE");
    for dir in [&source_dir, &parse_dir] {
        fs::create_dir_all(dir).map_err(SrpmError::io("create", dir))?;
    }
    let staged_spec = staging.join(spec.file_name());
    spec.stage(&tree, &staged_spec)?;
    let places = Places::new(request, &tree, &spec);
    places.offer(&tree, &parse_dir)?;
    let text = parser
        .expand(&staged_spec, &parse_dir, &request.defines)
        .map_err(|error| SrpmError::Parse(Box::new(error)))?;
    let expanded = ExpandedSpec::parse(&text, &staged_spec)?;
    let upstream = is_upstream(&tree, &expanded);
    let mut sources = Vec::new();
    let mut missing = Vec::new();
    for source in &expanded.sources {
        let dest = source_dir.join(source.file_name());
        let origin = match places.find(&tree, source, &dest)? {
            Some(origin) => origin,
            None if upstream && Some(source) == expanded.main_source() => {
                let mut options = ArchiveOptions::with_prefix(expanded.archive_prefix());
                options.dereference = request.symlink_dereference;
                options.exclude = request
                    .exclude
                    .iter()
                    .map(|path| path.as_os_str().as_bytes().to_vec())
                    .collect();
                notes.extend(tree.archive(&dest, &options)?);
                notes.push(format!(
                    "{} `{}` made from {}",
                    source.tag(),
                    source.file_name(),
                    tree.describe()
                ));
                date(&dest, tree.newest())?;
                SourceOrigin::Archive
            }
            None => {
                missing.push(MissingSource {
                    tag: source.tag(),
                    text: source.text.clone(),
                });
                continue;
            }
        };
        sources.push(StagedSource {
            tag: source.tag(),
            path: dest,
            origin,
        });
    }
    if !missing.is_empty() {
        return Err(SrpmError::MissingSources {
            spec: spec.shown(),
            missing,
            looked_in: places.names(),
        });
    }
    fs::remove_dir_all(&parse_dir).map_err(SrpmError::io("remove", &parse_dir))?;
    Ok(Prepared {
        spec: staged_spec,
        source_dir,
        sources,
        expanded,
        notes,
    })
}

/// A spec in the tree, or one elsewhere on disk.
enum Spec {
    InTree(PathBuf),
    OnDisk(PathBuf),
}

impl Spec {
    fn shown(&self) -> PathBuf {
        match self {
            Self::InTree(path) | Self::OnDisk(path) => path.clone(),
        }
    }

    fn file_name(&self) -> PathBuf {
        let path = self.shown();
        let name = path.file_name().unwrap_or(path.as_os_str());
        PathBuf::from(name.to_string_lossy().trim_end_matches(".rpkg").to_owned())
    }

    fn stage(&self, tree: &SourceTree, dest: &Path) -> Result<(), SrpmError> {
        match self {
            Self::InTree(path) => {
                let path = path.as_os_str().as_bytes();
                write_dated(dest, &tree.read(path)?, tree.mtime(path))
            }
            Self::OnDisk(path) => copy_dated(path, dest),
        }
    }
}

fn locate(
    request: &Request,
    choose: Option<&mut Choose<'_>>,
) -> Result<(SourceTree, Spec), SrpmError> {
    let path = if request.path.as_os_str().is_empty() {
        Path::new(".")
    } else {
        &request.path
    };
    let Ok(metadata) = fs::metadata(path) else {
        return Err(SrpmError::NoSuchPath {
            path: path.to_owned(),
        });
    };
    let (root, named) = if metadata.is_dir() {
        (path.to_owned(), request.spec.clone())
    } else {
        let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty());
        let dir = dir.unwrap_or(Path::new("."));
        // A spec deep in a checkout still means the whole checkout.
        let top = git::discover(dir)
            .ok()
            .and_then(|repo| repo.workdir().map(Path::to_owned));
        (top.unwrap_or(dir.to_owned()), Some(path.to_owned()))
    };
    let tree = SourceTree::open(&root, &request.tree)?;
    let Some(named) = named else {
        let found = find::pick(&tree, find::find_specs(&tree), choose)?;
        return Ok((tree, Spec::InTree(found)));
    };
    if tree.has(named.as_os_str().as_bytes()) {
        return Ok((tree, Spec::InTree(named)));
    }
    let on_disk = [tree.root().join(&named), named.clone()]
        .iter()
        .find_map(|path| fs::canonicalize(path).ok());
    let inside = on_disk
        .as_ref()
        .and_then(|path| path.strip_prefix(tree.root()).ok())
        .filter(|path| tree.has(path.as_os_str().as_bytes()))
        .map(Path::to_owned);
    match (inside, on_disk) {
        (Some(inside), _) => Ok((tree, Spec::InTree(inside))),
        // A file on disk that the asked-for commit does not have is not what was asked for.
        (None, Some(path)) if tree.commit().is_none() || !path.starts_with(tree.root()) => {
            Ok((tree, Spec::OnDisk(path)))
        }
        (None, Some(path)) if request.tree == TreeChoice::Auto => Ok((tree, Spec::OnDisk(path))),
        _ => Err(SrpmError::NoSuchSpec {
            spec: named,
            place: tree.describe(),
        }),
    }
}

/// The places sources are looked for, in order.
struct Places {
    /// `--sources`, then directories beside a spec that is not in the tree.
    disk: Vec<PathBuf>,
    /// Directories of the tree, with a slash at the end or empty.
    tree: Vec<Vec<u8>>,
    /// Where git-ignored downloads lie: beside the spec, on disk.
    beside: Option<PathBuf>,
}

impl Places {
    fn new(request: &Request, tree: &SourceTree, spec: &Spec) -> Self {
        let mut places = Self {
            disk: request.sources.iter().cloned().collect(),
            tree: Vec::new(),
            beside: None,
        };
        match spec {
            Spec::OnDisk(path) => places.disk.extend(path.parent().map(Path::to_owned)),
            Spec::InTree(path) => {
                let dir = path.parent().unwrap_or(Path::new(""));
                places.beside = Some(tree.root().join(dir));
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

    fn names(&self) -> Vec<String> {
        let disk = self.disk.iter().map(|dir| format!("`{}`", dir.display()));
        let tree = self.tree.iter().map(|dir| match dir.as_slice() {
            b"" => "the top of the tree".to_owned(),
            dir => format!("`{}` of the tree", String::from_utf8_lossy(dir)),
        });
        disk.chain(tree).collect()
    }

    /// Copies what rpm may want to read while it parses: small files beside the spec.
    fn offer(&self, tree: &SourceTree, dest: &Path) -> Result<(), SrpmError> {
        for dir in &self.disk {
            let entries = fs::read_dir(dir).map_err(SrpmError::io("read", dir))?;
            for entry in entries.filter_map(Result::ok) {
                let to = dest.join(entry.file_name());
                let small = fs::metadata(entry.path())
                    .is_ok_and(|data| data.is_file() && data.len() <= PARSE_LIMIT as u64);
                if small && !to.exists() {
                    copy_dated(&entry.path(), &to)?;
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
                if let Ok(content) = tree.read(path) {
                    if content.len() <= PARSE_LIMIT {
                        write_dated(&to, &content, tree.mtime(path))?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Puts a source at `dest` if some place has it.
    fn find(
        &self,
        tree: &SourceTree,
        source: &SpecSource,
        dest: &Path,
    ) -> Result<Option<SourceOrigin>, SrpmError> {
        let name = source.file_name();
        for dir in &self.disk {
            let path = dir.join(name);
            if path.is_file() {
                copy_dated(&path, dest)?;
                return Ok(Some(SourceOrigin::Directory(dir.clone())));
            }
        }
        for dir in &self.tree {
            // A local source may be written with a path; the tree may have it just there.
            for path in [
                [dir.as_slice(), name.as_bytes()].concat(),
                [dir.as_slice(), source.text.as_bytes()].concat(),
            ] {
                if tree.has(&path) {
                    write_dated(dest, &tree.read(&path)?, tree.mtime(&path))?;
                    return Ok(Some(SourceOrigin::Tree));
                }
            }
        }
        if let Some(dir) = &self.beside {
            let path = dir.join(name);
            if path.is_file() && !name.is_empty() {
                copy_dated(&path, dest)?;
                return Ok(Some(SourceOrigin::Directory(dir.clone())));
            }
        }
        Ok(None)
    }
}

/// Whether the tree is the project itself and not only its packaging: there is something in it
/// besides specs, patches, the spec's own sources and what packaging repositories carry.
fn is_upstream(tree: &SourceTree, spec: &ExpandedSpec) -> bool {
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
            ]
            .iter()
            .any(|suffix| lower.ends_with(suffix))
            || lower.starts_with("readme")
            || lower.starts_with("license")
            || lower.starts_with("copying")
            || PACKAGING.contains(&name)
            || matches!(first, "tests" | "plans")
            || spec.sources.iter().any(|source| source.file_name() == name))
    })
}

impl SourceTree {
    /// The time of the tree as a whole: its commit's, or that of its youngest file.
    fn newest(&self) -> i64 {
        if self.commit().is_some() {
            return self.mtime(b"");
        }
        self.files()
            .iter()
            .map(|path| self.mtime(path))
            .max()
            .unwrap_or(0)
    }
}

/// Copies with its time. Links are followed: a source package that holds a link builds nowhere.
pub(crate) fn copy_dated(from: &Path, to: &Path) -> Result<(), SrpmError> {
    fs::copy(from, to).map_err(SrpmError::io("copy", from))?;
    let modified = fs::metadata(from)
        .and_then(|data| data.modified())
        .map_err(SrpmError::io("read", from))?;
    set_time(to, modified)
}

fn write_dated(to: &Path, content: &[u8], mtime: i64) -> Result<(), SrpmError> {
    fs::write(to, content).map_err(SrpmError::io("write", to))?;
    date(to, mtime)
}

fn date(path: &Path, mtime: i64) -> Result<(), SrpmError> {
    set_time(
        path,
        SystemTime::UNIX_EPOCH + Duration::from_secs(mtime.max(0).unsigned_abs()),
    )
}

fn set_time(path: &Path, time: SystemTime) -> Result<(), SrpmError> {
    fs::File::options()
        .write(true)
        .open(path)
        .and_then(|file| file.set_modified(time))
        .map_err(SrpmError::io("write", path))
}
