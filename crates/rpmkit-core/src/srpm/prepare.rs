//! The way from a checkout to staged sources.

use std::{
    fs,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use super::{
    Choose, SpecParser, SrpmError, TreeRunner,
    convention::{self, Convention, Explanation, Found},
    copy,
    error::MissingSource,
    files::{copy_dated, date, write_dated},
    find,
    packit::{self, Packit},
    places::{Places, is_upstream},
    rpkg,
    runner::{OUT_IN_ROOT, TREE_IN_ROOT, TreeCommand},
    snapshot,
    spec::{ExpandedSpec, SpecSource},
    tree::{SourceTree, TreeChoice},
    vendored,
};
use crate::{
    Events,
    scm::{
        ArchiveOptions, Download, Host,
        distgit::{self, ListedSource, Lookaside, SourceStore},
        git,
    },
};

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
pub struct Tools<'a> {
    /// The target's rpm.
    pub parser: &'a mut dyn SpecParser,
    /// The build root, for conventions with commands; without it those end with an error.
    pub runner: Option<&'a mut dyn TreeRunner>,
    /// Somebody to ask when there are several specs; without, that is an error.
    pub choose: Option<Box<Choose<'a>>>,
    /// For the lookaside cache and `get_sources`.
    pub download: &'a dyn Download,
    /// Where cargo and go are, for archives of vendored dependencies; without, those have to be there.
    pub host: Option<&'a Host>,
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

/// What comes out.
#[derive(Debug, Clone)]
pub enum Made {
    /// Sources for `rpmbuild -bs`.
    Sources(Box<Prepared>),
    /// A source package a project's own Makefile made already.
    Package {
        /// The file, in the staging directory.
        srpm: PathBuf,
        /// Remarks for people.
        notes: Vec<String>,
    },
}

/// Finds, reads and gathers; writes only below `staging`, which must be an empty directory.
///
/// # Errors
/// See [`SrpmError`].
pub fn prepare(
    request: &Request,
    staging: &Path,
    tools: &mut Tools<'_>,
) -> Result<Made, SrpmError> {
    let survey = Survey::take(request, tools.choose.as_deref_mut())?;
    let mut job = Job {
        request,
        staging,
        tools,
        notes: survey.tree.notes().to_vec(),
        disk: request.sources.iter().cloned().collect(),
        vendored: Vec::new(),
    };
    job.notes.extend(shallow_note(&survey));
    match survey.followed {
        Convention::Copr => job.copr(&survey),
        Convention::Packit => job.packit(survey),
        Convention::Rpkg => {
            let out = job.directory("ARCHIVES")?;
            let path = survey.spec.shown();
            let rendered = rpkg::render(&survey.tree, &path, &survey.text, &out)?;
            for archive in &rendered.archives {
                date(archive, survey.tree.newest())?;
            }
            job.notes.extend(rendered.notes);
            job.disk.insert(0, out);
            job.stage(&survey.tree, &survey.spec, &rendered.text, None)
        }
        Convention::Tito => {
            let name = survey.spec.file_name().with_extension("");
            let dir = convention::tito_directory(&survey.tree, &name.to_string_lossy());
            job.stage(&survey.tree, &survey.spec, &survey.text, dir)
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
pub fn explain(request: &Request) -> Result<Explanation, SrpmError> {
    let mut first = |_: &[PathBuf]| Some(0);
    match Survey::take(request, Some(&mut first)) {
        Ok(survey) => {
            let mut notes = survey.tree.notes().to_vec();
            notes.extend(shallow_note(&survey));
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

/// A word about counted releases where history is cut off or not looked at.
fn shallow_note(survey: &Survey) -> Option<String> {
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

/// A spec in the tree, or one elsewhere on disk.
#[derive(Debug, Clone)]
pub(super) enum Spec {
    /// Relative to the tree.
    InTree(PathBuf),
    /// Absolute.
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

    fn read(&self, tree: &SourceTree) -> Result<Vec<u8>, SrpmError> {
        match self {
            Self::InTree(path) => tree.read(path.as_os_str().as_bytes()),
            Self::OnDisk(path) => fs::read(path).map_err(SrpmError::io("read", path)),
        }
    }

    fn mtime(&self, tree: &SourceTree) -> i64 {
        match self {
            Self::InTree(path) => tree.mtime(path.as_os_str().as_bytes()),
            Self::OnDisk(path) => {
                fs::metadata(path).map_or(0, |data| std::os::unix::fs::MetadataExt::mtime(&data))
            }
        }
    }
}

/// The tree with everything found in it.
struct Survey {
    tree: SourceTree,
    spec: Spec,
    text: String,
    specs: Vec<PathBuf>,
    found: Vec<Found>,
    packit: Option<Packit>,
    followed: Convention,
    reason: String,
}

impl Survey {
    fn take(request: &Request, choose: Option<&mut Choose<'_>>) -> Result<Self, SrpmError> {
        let (tree, named) = open(request)?;
        let packit = packit::NAMES
            .iter()
            .find(|name| tree.has(name.as_bytes()))
            .map(|name| {
                let text = tree.read(name.as_bytes())?;
                Packit::parse(&String::from_utf8_lossy(&text), Path::new(name))
            })
            .transpose()?;
        let mut specs = find::find_specs(&tree);
        let spec = match named {
            Some(named) => locate(request, &tree, &named)?,
            None => {
                let by_packit = packit
                    .as_ref()
                    .and_then(|packit| packit.specfile.clone())
                    .filter(|path| tree.has(path.as_os_str().as_bytes()));
                if let Some(path) = by_packit {
                    specs = vec![path];
                }
                Spec::InTree(find::pick(&tree, specs.clone(), choose)?)
            }
        };
        let text = String::from_utf8_lossy(&spec.read(&tree)?).into_owned();
        let path = spec.shown();
        let found = convention::detect(&tree, Some((&path, &text)));
        let actions = packit.as_ref().is_some_and(Packit::makes_sources);
        let (followed, reason) = convention::choose(&found, request.follow, actions);
        Ok(Self {
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

/// Opens the tree a request means, with the spec it names.
fn open(request: &Request) -> Result<(SourceTree, Option<PathBuf>), SrpmError> {
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
    if metadata.is_dir() {
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

fn locate(request: &Request, tree: &SourceTree, named: &Path) -> Result<Spec, SrpmError> {
    if tree.has(named.as_os_str().as_bytes()) {
        return Ok(Spec::InTree(named.to_owned()));
    }
    let on_disk = [tree.root().join(named), named.to_owned()]
        .iter()
        .find_map(|path| fs::canonicalize(path).ok());
    let inside = on_disk
        .as_ref()
        .and_then(|path| path.strip_prefix(tree.root()).ok())
        .filter(|path| tree.has(path.as_os_str().as_bytes()))
        .map(Path::to_owned);
    match (inside, on_disk) {
        (Some(inside), _) => Ok(Spec::InTree(inside)),
        // A file on disk that the asked-for commit does not have is not what was asked for.
        (None, Some(path))
            if tree.commit().is_none()
                || !path.starts_with(tree.root())
                || request.tree == TreeChoice::Auto =>
        {
            Ok(Spec::OnDisk(path))
        }
        _ => Err(SrpmError::NoSuchSpec {
            spec: named.to_owned(),
            place: tree.describe(),
        }),
    }
}

struct Job<'j, 't> {
    request: &'j Request,
    staging: &'j Path,
    tools: &'j mut Tools<'t>,
    notes: Vec<String>,
    /// Directories outside of the tree that have sources.
    disk: Vec<PathBuf>,
    /// Names of archives of vendored dependencies.
    vendored: Vec<String>,
}

impl Job<'_, '_> {
    fn directory(&self, name: &str) -> Result<PathBuf, SrpmError> {
        let dir = self.staging.join(name);
        fs::create_dir_all(&dir).map_err(SrpmError::io("create", &dir))?;
        Ok(dir)
    }

    /// Stages spec and sources. `below` is the directory of the tree an archive is made of.
    fn stage(
        mut self,
        tree: &SourceTree,
        spec: &Spec,
        text: &str,
        below: Option<PathBuf>,
    ) -> Result<Made, SrpmError> {
        let source_dir = self.directory("SOURCES")?;
        let parse_dir = self.directory("PARSE")?;
        let staged = self.staging.join(spec.file_name());
        let text = self.snapshot(tree, spec, text)?;
        write_dated(&staged, text.as_bytes(), spec.mtime(tree))?;
        let places = Places::new(self.disk.clone(), tree, spec);
        places.offer(tree, &parse_dir)?;
        self.count_release(tree, &staged, &text, spec)?;
        let output = self
            .tools
            .parser
            .expand(&staged, &parse_dir, &self.request.defines)
            .map_err(|error| SrpmError::Parse(Box::new(error)))?;
        let expanded = ExpandedSpec::parse(&output, &staged)?;
        let listed = distgit::read_sources(&parse_dir.join("sources"))?;
        let upstream = is_upstream(tree, &expanded);
        let (mut sources, mut missing) = (Vec::new(), Vec::new());
        // What was vendored does not go into the main archive a second time.
        let vendored = expanded
            .sources
            .iter()
            .filter(|source| vendored::is_vendor(source));
        self.vendored = vendored
            .map(|source| source.file_name().to_owned())
            .collect();
        for source in &expanded.sources {
            let dest = source_dir.join(source.file_name());
            let mut origin = self.obtain(
                tree,
                &places,
                source,
                &dest,
                &listed,
                (upstream && Some(source) == expanded.main_source())
                    .then(|| (expanded.archive_prefix(), below.as_deref())),
            )?;
            if origin.is_none() && vendored::is_vendor(source) {
                origin = self.vendor(tree, &expanded, &sources, &dest)?;
            }
            match origin {
                Some(origin) => sources.push(StagedSource {
                    tag: source.tag(),
                    path: dest,
                    origin,
                }),
                None => missing.push(MissingSource {
                    tag: source.tag(),
                    text: source.text.clone(),
                }),
            }
        }
        if !missing.is_empty() {
            return Err(SrpmError::MissingSources {
                spec: spec.shown(),
                missing,
                looked_in: places.names(),
            });
        }
        fs::remove_dir_all(&parse_dir).map_err(SrpmError::io("remove", &parse_dir))?;
        Ok(Made::Sources(Box::new(Prepared {
            spec: staged,
            source_dir,
            sources,
            expanded,
            notes: self.notes,
        })))
    }

    /// Makes an archive of vendored dependencies; `None` when it cannot be.
    fn vendor(
        &mut self,
        tree: &SourceTree,
        expanded: &ExpandedSpec,
        sources: &[StagedSource],
        dest: &Path,
    ) -> Result<Option<SourceOrigin>, SrpmError> {
        let main = sources
            .iter()
            .find(|source| source.origin == SourceOrigin::Archive);
        let (Some(host), Some(main)) = (self.tools.host, main) else {
            return Ok(None);
        };
        let prefix = expanded.archive_prefix();
        let (store, events) = (self.tools.store, self.tools.events);
        if !vendored::make(&main.path, &prefix, dest, host, store, events)? {
            return Ok(None);
        }
        date(dest, tree.newest())?;
        Ok(Some(SourceOrigin::Vendored))
    }

    /// Puts one source at `dest`; `None` when nobody has it.
    fn obtain(
        &mut self,
        tree: &SourceTree,
        places: &Places,
        source: &SpecSource,
        dest: &Path,
        listed: &[ListedSource],
        archive: Option<(String, Option<&Path>)>,
    ) -> Result<Option<SourceOrigin>, SrpmError> {
        let name = source.file_name();
        let digest = listed.iter().find(|listed| listed.file == name);
        if let Some(origin) = places.find(tree, source, dest)? {
            // A download that lies about counts only if it is what `sources` says.
            let right = match digest {
                Some(listed) => self.tools.store.holds(dest, &listed.digest)?,
                None => true,
            };
            if right {
                return Ok(Some(origin));
            }
            self.notes.push(format!(
                "`{name}` beside the spec is not what `sources` lists, so it is fetched"
            ));
        }
        if let Some(listed) = digest {
            let remote = distgit::remote_url(tree.root());
            distgit::fetch_source(
                listed,
                dest,
                tree.root(),
                Lookaside::choose(self.request.lookaside.as_deref(), remote.as_deref()).as_ref(),
                self.tools.store,
                self.tools.download,
                self.tools.events,
            )?;
            // The same file gives the same source package, whenever it was fetched.
            date(dest, tree.newest())?;
            return Ok(Some(SourceOrigin::Lookaside));
        }
        if let Some((prefix, below)) = archive {
            let mut options = ArchiveOptions::with_prefix(prefix);
            let below = below
                .map(|dir| dir.as_os_str().as_bytes())
                .unwrap_or_default();
            options.subdir = tree.in_repository(below);
            options.dereference = self.request.symlink_dereference;
            options.exclude = self
                .request
                .exclude
                .iter()
                .map(|path| tree.in_repository(path.as_os_str().as_bytes()))
                .chain(
                    places
                        .named(&self.vendored)
                        .map(|path| tree.in_repository(&path)),
                )
                .collect();
            self.notes.extend(tree.archive(dest, &options)?);
            self.notes.push(format!(
                "{} `{name}` made from {}",
                source.tag(),
                tree.describe()
            ));
            date(dest, tree.newest())?;
            return Ok(Some(SourceOrigin::Archive));
        }
        if source.is_url() && (self.request.get_sources || self.known(&source.text)) {
            self.tools.events.info(format!("fetching {}", source.text));
            let (digest, new) =
                self.tools
                    .store
                    .fetch_url(&source.text, dest, self.tools.download)?;
            if new {
                self.notes
                    .push(format!("`{name}` downloaded for the first time: {digest}"));
            }
            date(dest, tree.newest())?;
            return Ok(Some(SourceOrigin::Url));
        }
        Ok(None)
    }

    /// Whether a URL was fetched before: then no network is needed to have it again.
    fn known(&self, url: &str) -> bool {
        self.tools.store.recorded(url).is_some()
    }

    fn snapshot(
        &mut self,
        tree: &SourceTree,
        spec: &Spec,
        text: &str,
    ) -> Result<String, SrpmError> {
        if !self.request.snapshot {
            return Ok(text.to_owned());
        }
        let rev = tree.commit().map_or("HEAD".to_owned(), |id| id.to_string());
        let repo = tree.repository().ok_or_else(|| SrpmError::NoHistory {
            path: tree.root().to_owned(),
            rev: rev.clone(),
        })?;
        if let Some(tag) = snapshot::tag_at(repo, &rev)?.filter(|_| tree.commit().is_some()) {
            self.notes.push(format!(
                "the commit is tagged `{tag}`, so its version is no snapshot"
            ));
            return Ok(text.to_owned());
        }
        let suffix = snapshot::suffix(repo, &rev)?;
        let changed =
            snapshot::with_suffix(text, &suffix).ok_or_else(|| SrpmError::NoVersionLine {
                spec: spec.shown(),
                suffix: suffix.clone(),
            })?;
        self.notes
            .push(format!("snapshot version: `{suffix}` added"));
        Ok(changed)
    }

    /// Lets the target's rpmautospec fill in `%autorelease` and `%autochangelog`.
    fn count_release(
        &mut self,
        tree: &SourceTree,
        staged: &Path,
        text: &str,
        spec: &Spec,
    ) -> Result<(), SrpmError> {
        let (true, Spec::InTree(path), Some(_)) =
            (distgit::counts_commits(text), spec, tree.repository())
        else {
            return Ok(());
        };
        let Some(runner) = self.tools.runner.as_deref_mut() else {
            return Ok(());
        };
        let failed = |error| SrpmError::Parse(Box::new(error));
        if !runner.offers("rpmautospec").map_err(failed)? {
            self.notes.push(
                "the target has no rpmautospec, so its own %autorelease decides the release"
                    .to_owned(),
            );
            return Ok(());
        }
        let copy = self.staging.join("AUTOSPEC");
        copy::copy_tree(tree, &copy)?;
        let out = self.staging.join("AUTOSPEC-OUT");
        fs::create_dir_all(&out).map_err(SrpmError::io("create", &out))?;
        let inside = tree.in_repository(path.as_os_str().as_bytes());
        // What is read is what was chosen, a snapshot's version included.
        let in_copy = copy.join(git::bytes_path(&inside));
        fs::write(&in_copy, text).map_err(SrpmError::io("write", &in_copy))?;
        let name = staged.file_name().unwrap_or_default().to_string_lossy();
        runner
            .run(&TreeCommand {
                tree: copy,
                out: out.clone(),
                argv: [
                    "rpmautospec".to_owned(),
                    "process-distgit".to_owned(),
                    git::bytes_path(&inside).display().to_string(),
                    format!("{OUT_IN_ROOT}/{name}"),
                ]
                .to_vec(),
                env: Vec::new(),
                packages: vec!["rpmautospec".to_owned()],
            })
            .map_err(failed)?;
        let made = out.join(&*name);
        let processed = fs::read(&made).map_err(SrpmError::io("read", &made))?;
        self.notes
            .push("release and changelog counted by rpmautospec".to_owned());
        write_dated(staged, &processed, spec.mtime(tree))
    }

    /// Copr's convention: the project's Makefile makes the source package itself.
    fn copr(mut self, survey: &Survey) -> Result<Made, SrpmError> {
        let makefile = PathBuf::from(".copr/Makefile");
        let copy = self.staging.join("TREE");
        copy::copy_tree(&survey.tree, &copy)?;
        let out = self.directory("OUT")?;
        let inside = git::bytes_path(survey.tree.inside()).to_owned();
        let at = Path::new(TREE_IN_ROOT).join(&inside);
        let runner = self
            .tools
            .runner
            .as_deref_mut()
            .ok_or(SrpmError::NoRunner { convention: "copr" })?;
        self.tools
            .events
            .info("running the project's .copr/Makefile in the build root");
        runner
            .run(&TreeCommand {
                tree: copy,
                out: out.clone(),
                argv: vec![
                    "make".to_owned(),
                    "-C".to_owned(),
                    at.display().to_string(),
                    "-f".to_owned(),
                    at.join(&makefile).display().to_string(),
                    "srpm".to_owned(),
                    format!("outdir={OUT_IN_ROOT}"),
                    format!("spec={}", at.join(survey.spec.shown()).display()),
                ],
                env: Vec::new(),
                packages: ["make", "git", "rpm-build"].map(str::to_owned).to_vec(),
            })
            .map_err(|error| SrpmError::Parse(Box::new(error)))?;
        let mut made: Vec<PathBuf> = fs::read_dir(&out)
            .map_err(SrpmError::io("read", &out))?
            .filter_map(Result::ok)
            .map(|entry| entry.path())
            .filter(|path| path.to_string_lossy().ends_with(".src.rpm"))
            .collect();
        match made.pop() {
            Some(srpm) if made.is_empty() => {
                self.notes
                    .push("the source package was made by .copr/Makefile".to_owned());
                Ok(Made::Package {
                    srpm,
                    notes: self.notes,
                })
            }
            last => Err(SrpmError::Makefile {
                makefile,
                made: made.len() + usize::from(last.is_some()),
            }),
        }
    }

    /// Packit's convention: its actions run in a copy of the tree, which then counts.
    fn packit(mut self, survey: Survey) -> Result<Made, SrpmError> {
        let packit = survey.packit.unwrap_or_default();
        let copy_dir = self.staging.join("TREE");
        copy::copy_tree(&survey.tree, &copy_dir)?;
        let out = self.directory("OUT")?;
        let root = copy_dir.join(git::bytes_path(survey.tree.inside()));
        let version = survey
            .text
            .lines()
            .find_map(|line| line.strip_prefix("Version:"))
            .unwrap_or_default()
            .trim()
            .to_owned();
        let runner = self
            .tools
            .runner
            .as_deref_mut()
            .ok_or(SrpmError::NoRunner {
                convention: "packit",
            })?;
        let archive = packit.run(&root, &out, &version, runner, self.tools.events)?;
        let spec = survey.spec.shown();
        let text = fs::read(root.join(&spec)).map_err(SrpmError::io("read", &root.join(&spec)))?;
        let text = String::from_utf8_lossy(&text).into_owned();
        if let Some(archive) = &archive {
            date(archive, survey.tree.newest())?;
            self.notes.push(format!(
                "`{}` made by packit's create-archive",
                archive.file_name().unwrap_or_default().to_string_lossy()
            ));
            // The archive goes by the name the spec has for it.
            let dir = self.directory("ARCHIVES")?;
            let names = main_source_names(&text);
            let own = archive.file_name().map(PathBuf::from);
            for name in names.into_iter().map(PathBuf::from).chain(own) {
                let to = dir.join(&name);
                if !name.as_os_str().is_empty() && !to.exists() {
                    copy_dated(archive, &to)?;
                }
            }
            self.disk.insert(0, dir);
        }
        self.disk.push(root);
        self.stage(&survey.tree, &survey.spec, &text, None)
    }
}

/// The file name of Source0 as far as it is written without macros.
fn main_source_names(spec: &str) -> Vec<String> {
    spec.lines()
        .filter_map(|line| line.split_once(':'))
        .filter(|(tag, _)| {
            let tag = tag.trim().to_ascii_lowercase();
            tag == "source" || tag == "source0"
        })
        .map(|(_, value)| {
            value
                .trim()
                .rsplit('/')
                .next()
                .unwrap_or_default()
                .to_owned()
        })
        .filter(|name| !name.contains('%'))
        .collect()
}
