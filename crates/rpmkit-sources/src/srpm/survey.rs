//! Looking at a tree before anything is made: which spec, which conventions.

use std::{
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use rpmkit_fs::{HostDir, Links, UntrustedTree};

use super::{
    Choose, SourceRequest, SrpmError,
    convention::{self, Convention, FoundConvention},
    files::{MAX_TEXT, left_in},
    find, layout,
    packit::{self, Packit},
    tree::{SourceTree, TreeChoice},
};
use rpmkit_vcs::{distgit, git};

/// A spec in the tree, or one elsewhere on disk.
#[derive(Debug, Clone)]
pub(super) enum TreeSpec {
    /// Relative to the tree.
    InTree(PathBuf),
    /// Absolute.
    OnDisk(PathBuf),
}

impl TreeSpec {
    pub fn shown(&self) -> PathBuf {
        match self {
            Self::InTree(path) | Self::OnDisk(path) => path.clone(),
        }
    }

    pub fn file_name(&self) -> PathBuf {
        let path = self.shown();
        let name = path.file_name().unwrap_or(path.as_os_str());
        PathBuf::from(name.to_string_lossy().trim_end_matches(".rpkg").to_owned())
    }

    pub fn read(&self, tree: &SourceTree) -> Result<Vec<u8>, SrpmError> {
        match self {
            Self::InTree(path) => tree.read(path.as_os_str().as_bytes()),
            Self::OnDisk(path) => {
                let (place, inside) = on_disk(tree, path)?;
                Ok(place.read(inside, MAX_TEXT)?)
            }
        }
    }

    pub fn mtime(&self, tree: &SourceTree) -> i64 {
        match self {
            Self::InTree(path) => tree.mtime(path.as_os_str().as_bytes()),
            Self::OnDisk(path) => on_disk(tree, path)
                .ok()
                .and_then(|(place, inside)| place.stat(inside).ok())
                .map_or(0, |meta| meta.mtime().0),
        }
    }
}

/// A spec that is no file of the tree's, and the directory it is seen from: one in the checkout (git may
/// ignore it) is still the project's.
fn on_disk(tree: &SourceTree, path: &Path) -> Result<(UntrustedTree, PathBuf), SrpmError> {
    if let Ok(inside) = path.strip_prefix(tree.disk().shown()) {
        return Ok((left_in(tree.disk().shown())?, inside.to_owned()));
    }
    let dir = path.parent().unwrap_or(Path::new("/"));
    let name = path.file_name().unwrap_or(path.as_os_str());
    Ok((UntrustedTree::open(dir, Links::Beneath)?, name.into()))
}

/// The tree with everything found in it.
pub(super) struct TreeSurvey {
    pub tree: SourceTree,
    pub spec: TreeSpec,
    pub text: String,
    pub specs: Vec<PathBuf>,
    pub found: Vec<FoundConvention>,
    pub packit: Option<Packit>,
    pub followed: Convention,
    pub reason: String,
    /// Whether the tree may be the project itself: not when a spec was named that lies in no
    /// repository, for the directory around it may be anything.
    pub may_be_upstream: bool,
}

impl TreeSurvey {
    pub fn take(
        request: &SourceRequest,
        choose: Option<&mut Choose<'_>>,
    ) -> Result<Self, SrpmError> {
        let (tree, named) = open(request)?;
        let names_spec = named.as_ref() == Some(&request.path);
        let packits = packit::NAMES
            .iter()
            .find(|name| tree.has(name.as_bytes()))
            .map(|name| {
                let text = tree.read(name.as_bytes())?;
                Packit::parse(&String::from_utf8_lossy(&text), Path::new(name))
            })
            .transpose()?
            .unwrap_or_default();
        let mut specs = find::find_specs(&tree);
        let spec = match named {
            Some(named) => match locate(request, &tree, &named) {
                Err(SrpmError::NoSuchSpec { .. }) if makes(request, &packits, &named) => {
                    TreeSpec::InTree(named)
                }
                located => located?,
            },
            None => {
                let by_packit = specs_of(request, &tree, &packits, specs.is_empty());
                if !by_packit.is_empty() {
                    specs = by_packit;
                }
                let own = (specs.len() > 1)
                    .then(|| layout::own_spec(&tree, &specs))
                    .flatten();
                TreeSpec::InTree(match own {
                    Some(own) => own,
                    None => find::pick(&tree, specs.clone(), choose)?,
                })
            }
        };
        let path = spec.shown();
        let packit = packits
            .iter()
            .find(|packit| packit.made_specs().contains(&path))
            .or(packits.first())
            .cloned();
        let actions = packit.as_ref().is_some_and(Packit::makes_sources);
        let to_make =
            matches!(&spec, TreeSpec::InTree(path) if !tree.has(path.as_os_str().as_bytes()));
        let text = if to_make {
            String::new()
        } else {
            String::from_utf8_lossy(&spec.read(&tree)?).into_owned()
        };
        let found = convention::detect(&tree, Some((&path, &text)));
        let (followed, reason) = convention::choose(&found, request.follow, actions);
        Ok(Self {
            may_be_upstream: tree.repository().is_some() || !names_spec,
            tree,
            spec,
            text,
            specs,
            found,
            packit,
            followed,
            reason,
        })
    }
}

/// The specs packit names, a package each: those of the tree, and those its actions make. `none` tells
/// that the tree has no spec at all.
fn specs_of(
    request: &SourceRequest,
    tree: &SourceTree,
    packits: &[Packit],
    none: bool,
) -> Vec<PathBuf> {
    let mut specs = Vec::new();
    for packit in packits {
        let there = packit
            .specs()
            .into_iter()
            .find(|path| tree.has(path.as_os_str().as_bytes()));
        let made = || {
            let follows = matches!(request.follow, None | Some(Convention::Packit));
            (follows && packit.makes_sources() && (none || packit.specfile.is_some()))
                .then(|| packit.made_specs().into_iter().next())
                .flatten()
        };
        specs.extend(there.or_else(made));
    }
    specs.dedup();
    specs
}

/// Whether packit's actions may make the spec that was named.
fn makes(request: &SourceRequest, packits: &[Packit], named: &Path) -> bool {
    matches!(request.follow, None | Some(Convention::Packit))
        && packits.iter().any(|packit| {
            packit.makes_sources() && packit.made_specs().iter().any(|path| path == named)
        })
}

/// Opens the tree a request means, with the spec it names.
fn open(request: &SourceRequest) -> Result<(SourceTree, Option<PathBuf>), SrpmError> {
    let path = if request.path.as_os_str().is_empty() {
        Path::new(".")
    } else {
        &request.path
    };
    let opened = HostDir::open(path);
    if opened.as_ref().is_err_and(rpmkit_fs::FsError::is_not_found) {
        return Err(SrpmError::NoSuchPath {
            path: path.to_owned(),
        });
    }
    if opened.is_ok() {
        let tree = SourceTree::open(path, &request.tree)?;
        return Ok((tree, request.spec.clone()));
    }
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty());
    let dir = dir.unwrap_or(Path::new("."));
    // A spec deep in a checkout still means the whole checkout.
    let top = git::discover(dir)
        .ok()
        .and_then(|repo| repo.workdir().map(Path::to_owned));
    let tree = SourceTree::open(&top.unwrap_or(dir.to_owned()), &request.tree)?;
    Ok((tree, Some(path.to_owned())))
}

fn locate(request: &SourceRequest, tree: &SourceTree, named: &Path) -> Result<TreeSpec, SrpmError> {
    if tree.has(named.as_os_str().as_bytes()) {
        return Ok(TreeSpec::InTree(named.to_owned()));
    }
    #[allow(
        clippy::disallowed_methods,
        reason = "the user named it; what of it is in the tree is read from there"
    )]
    let on_disk = [tree.root().join(named), named.to_owned()]
        .iter()
        .find_map(|path| {
            let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty());
            let dir = std::fs::canonicalize(dir.unwrap_or(Path::new("."))).ok()?;
            let beside = dir.join(path.file_name()?);
            if beside.starts_with(tree.disk().shown()) {
                // Where a link of the project's leads is for the tree to say.
                return std::fs::symlink_metadata(&beside).ok().map(|_| beside);
            }
            std::fs::canonicalize(path).ok()
        });
    let inside = on_disk
        .as_ref()
        .and_then(|path| path.strip_prefix(tree.root()).ok())
        .filter(|path| tree.has(path.as_os_str().as_bytes()))
        .map(Path::to_owned);
    match (inside, on_disk) {
        (Some(inside), _) => Ok(TreeSpec::InTree(inside)),
        // A file on disk that the asked-for commit does not have is not what was asked for.
        (None, Some(path))
            if tree.commit().is_none()
                || !path.starts_with(tree.root())
                || request.tree == TreeChoice::Auto =>
        {
            Ok(TreeSpec::OnDisk(path))
        }
        _ => Err(SrpmError::NoSuchSpec {
            spec: named.to_owned(),
            place: tree.describe(),
        }),
    }
}

/// A word about counted releases where history is cut off or not looked at.
pub(super) fn shallow_note(survey: &TreeSurvey) -> Option<String> {
    if !distgit::counts_commits(&survey.text) {
        return None;
    }
    let shallow = survey
        .tree
        .repository()
        .is_some_and(git2::Repository::is_shallow);
    if survey.tree.repository().is_none() {
        return Some(
            "the spec counts commits (%autorelease), but this is no git repository: the release will be 1"
                .to_owned(),
        );
    }
    shallow.then(|| {
        "the spec counts commits (%autorelease), but this is a shallow clone, so the release will be too low: run `git fetch --unshallow` first"
            .to_owned()
    })
}
