//! The way from a checkout to staged sources.

use std::{
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use super::{
    Choose, SpecParser, SrpmError, TreeRunner,
    convention::{self, Convention, Explanation},
    files::date,
    job::SourceJob,
    layout,
    places::DiskDir,
    rpkg,
    spec::ExpandedSpec,
    survey::{TreeSurvey, shallow_note},
    tito,
    tree::{SourceTree, TreeChoice},
};
use rpmkit_types::event::Events;
use rpmkit_vcs::{CommandEnv, Download, distgit::SourceStore};

/// What to make a source package of.
#[derive(Debug, Clone, Default)]
pub struct SourceRequest {
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
    /// Add `^DATEgitSHA` to the version, unless the commit is tagged.
    pub snapshot: bool,
    /// Download sources that have URLs and are nowhere else.
    pub get_sources: bool,
    /// The lookaside cache of a dist-git, in place of the one its remote is known for.
    pub lookaside: Option<String>,
    /// The convention to follow, in place of the first one found.
    pub follow: Option<Convention>,
}

/// What preparing needs from outside.
pub struct SourceTools<'a> {
    /// The target's rpm.
    pub parser: &'a mut dyn SpecParser,
    /// The build root, for conventions with commands; without it those end with an error.
    pub runner: Option<&'a mut dyn TreeRunner>,
    /// Somebody to ask when there are several specs; without, that is an error.
    pub choose: Option<Box<Choose<'a>>>,
    /// For the lookaside cache and `get_sources`.
    pub download: &'a dyn Download,
    /// The host, where the user wants its cargo and go to make archives of vendored dependencies; else
    /// those of the target's repositories do, through `runner`.
    pub vendor_with_host: Option<&'a CommandEnv>,
    /// The user's store of downloads.
    pub store: &'a SourceStore,
    /// Where progress goes.
    pub events: &'a Events,
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
    /// Made by cargo or go, for the tree.
    Vendored,
    /// From a dist-git's lookaside cache.
    Lookaside,
    /// Downloaded from where the spec says; now or earlier.
    Url,
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
pub struct StagedSources {
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

/// What comes out.
#[derive(Debug, Clone)]
pub enum SourceOutcome {
    /// Sources for `rpmbuild -bs`.
    Sources(Box<StagedSources>),
    /// A source package a project's own Makefile made already.
    Package {
        /// The file, in the staging directory.
        srpm: PathBuf,
        /// Remarks for people.
        notes: Vec<String>,
    },
}

/// Whether a spec can be chosen at all, for a word in time: [`prepare`] needs a chroot, which may take
/// minutes to make. With `ask`, there is somebody to ask which of several is meant.
///
/// # Errors
/// Those of [`prepare`] that need no more than a look at the tree: [`SrpmError::NoSpec`] and its like.
pub fn check(request: &SourceRequest, ask: bool) -> Result<(), SrpmError> {
    let mut first = |_: &[PathBuf]| Some(0);
    TreeSurvey::take(request, ask.then_some(&mut first)).map(drop)
}

/// Finds, reads and gathers; writes only below `staging`, which must be an empty directory.
///
/// # Errors
/// See [`SrpmError`].
pub fn prepare(
    request: &SourceRequest,
    staging: &Path,
    tools: &mut SourceTools<'_>,
) -> Result<SourceOutcome, SrpmError> {
    let survey = TreeSurvey::take(request, tools.choose.as_deref_mut())?;
    let mut job = SourceJob {
        request,
        staging,
        tools,
        notes: survey.tree.notes().to_vec(),
        disk: request
            .sources
            .iter()
            .cloned()
            .map(DiskDir::of_user)
            .collect(),
        may_be_upstream: survey.may_be_upstream,
        vendored: Vec::new(),
    };
    job.notes.extend(shallow_note(&survey));
    match survey.followed {
        Convention::Copr => job.copr(&survey),
        Convention::Packit => job.packit(survey),
        Convention::Rpkg => {
            let out = job.directory("ARCHIVES")?;
            let path = survey.spec.shown();
            let rendered = rpkg::render(&survey.tree, &path, &survey.text, &out, &mut |script| {
                job.rpkg_shell(&survey.tree, script)
            })?;
            for archive in &rendered.archives {
                date(archive, survey.tree.newest())?;
            }
            job.notes.extend(rendered.notes);
            job.disk.insert(0, DiskDir::of_project(out));
            job.stage(&survey.tree, &survey.spec, &rendered.text, None)
        }
        Convention::Tito => {
            let name = survey.spec.file_name().with_extension("");
            let tito = tito::arrange(&survey.tree, &name.to_string_lossy(), &survey.text)?;
            job.notes.extend(tito.notes);
            job.stage(&survey.tree, &survey.spec, &tito.text, tito.dir)
        }
        Convention::DistGit | Convention::Plain => {
            job.stage(&survey.tree, &survey.spec, &survey.text, None)
        }
    }
}

/// What `prepare` would do, without a chroot: for `--explain`.
///
/// # Errors
/// When the tree cannot be read. Several specs or none are no error here.
pub fn explain(request: &SourceRequest) -> Result<Explanation, SrpmError> {
    let mut first = |_: &[PathBuf]| Some(0);
    match TreeSurvey::take(request, Some(&mut first)) {
        Ok(survey) => {
            let mut notes = survey.tree.notes().to_vec();
            notes.extend(shallow_note(&survey));
            let path = survey.spec.shown();
            notes.extend(layout::notes(&survey.tree, &path));
            if survey.text.is_empty() && !survey.tree.has(path.as_os_str().as_bytes()) {
                notes.push(format!("packit's actions make `{}`", path.display()));
            }
            Ok(Explanation {
                root: survey.tree.root().to_owned(),
                state: survey.tree.describe(),
                specs: survey.specs,
                found: survey.found,
                followed: survey.followed,
                reason: survey.reason,
                notes,
            })
        }
        Err(SrpmError::NoSpec { path }) => {
            let tree = SourceTree::open(&path, &request.tree)?;
            let found = convention::detect(&tree, None);
            let (followed, reason) = convention::choose(&found, request.follow, true);
            Ok(Explanation {
                root: path,
                state: tree.describe(),
                specs: Vec::new(),
                found,
                followed,
                reason,
                notes: vec!["there is no spec".to_owned()],
            })
        }
        Err(error) => Err(error),
    }
}
