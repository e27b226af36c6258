//! Staging: the spec, its sources from wherever they are, an archive of the tree.

use std::{
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use rpmkit_fs::{HostDir, RemoveOptions};

use super::{
    SourceOrigin, SourceOutcome, SourceRequest, SourceTools, SrpmError, StagedSource,
    StagedSources,
    error::MissingSource,
    files::{MAX_TEXT, date, write_dated},
    layout,
    places::{DiskDir, Places, is_upstream},
    snapshot,
    spec::{ExpandedSpec, SpecSource},
    survey::TreeSpec,
    tree::SourceTree,
    vendored,
};
use crate::template::VendorPlace;
use rpmkit_vcs::{
    ArchiveOptions, ScmError,
    distgit::{self, ListedSource, Lookaside},
};

/// One source package in the making.
pub(super) struct SourceJob<'j, 't> {
    pub request: &'j SourceRequest,
    pub staging: &'j Path,
    pub tools: &'j mut SourceTools<'t>,
    pub notes: Vec<String>,
    /// Directories outside of the tree that have sources.
    pub disk: Vec<DiskDir>,
    /// Whether an archive may be made of the tree ([`TreeSurvey::may_be_upstream`]).
    pub may_be_upstream: bool,
    /// Names of archives of vendored dependencies.
    pub vendored: Vec<String>,
}

impl SourceJob<'_, '_> {
    pub fn directory(&self, name: &str) -> Result<PathBuf, SrpmError> {
        let dir = self.staging.join(name);
        HostDir::create(&dir, 0o755)?;
        Ok(dir)
    }

    /// Stages spec and sources. `below` is the directory of the tree an archive is made of.
    pub fn stage(
        mut self,
        tree: &SourceTree,
        spec: &TreeSpec,
        text: &str,
        below: Option<PathBuf>,
    ) -> Result<SourceOutcome, SrpmError> {
        let source_dir = self.directory("SOURCES")?;
        let parse_dir = self.directory("PARSE")?;
        let staged = self.staging.join(spec.file_name());
        let text = self.snapshot(tree, spec, text)?;
        let text = match spec {
            TreeSpec::InTree(path) => {
                self.notes.extend(layout::notes(tree, path));
                let (text, notes) = layout::filled_in(tree, path, text);
                self.notes.extend(notes);
                text
            }
            TreeSpec::OnDisk(_) => text,
        };
        write_dated(&staged, text.as_bytes(), spec.mtime(tree), false)?;
        let places = Places::new(self.disk.clone(), tree, spec);
        places.offer(tree, &parse_dir)?;
        self.count_release(tree, &staged, &text, spec)?;
        let output = self
            .tools
            .parser
            .expand(&staged, &parse_dir, &self.request.defines)
            .map_err(SrpmError::Parse)?;
        let expanded = ExpandedSpec::parse(&output, &staged)?;
        if expanded.release.contains("%autorelease") || expanded.release.contains("%{autorelease") {
            return Err(SrpmError::NoAutorelease { spec: spec.shown() });
        }
        let listed = self.listed(tree, spec, &parse_dir)?;
        let upstream = self.may_be_upstream && is_upstream(tree, &expanded);
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
        HostDir::open(self.staging)?.remove_all("PARSE", RemoveOptions::default())?;
        Ok(SourceOutcome::Sources(Box::new(StagedSources {
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
        let place = match (
            self.tools.vendor_with_host,
            self.tools.runner.as_deref_mut(),
        ) {
            (Some(host), _) => VendorPlace::Host(host),
            (None, Some(runner)) => VendorPlace::Chroot(runner),
            (None, None) => return Ok(None),
        };
        let Some(main) = main else {
            return Ok(None);
        };
        let prefix = expanded.archive_prefix();
        let (store, events) = (self.tools.store, self.tools.events);
        if !vendored::make(&main.path, &prefix, dest, place, store, events)? {
            return Ok(None);
        }
        date(dest, tree.newest())?;
        Ok(Some(SourceOrigin::Vendored))
    }

    /// What the lookaside cache has, by the file that says so.
    fn listed(
        &self,
        tree: &SourceTree,
        spec: &TreeSpec,
        parse_dir: &Path,
    ) -> Result<(PathBuf, Vec<ListedSource>), SrpmError> {
        if let TreeSpec::InTree(path) = spec
            && let Some(listed) = layout::listed(tree, path)?
        {
            return Ok(listed);
        }
        let shown = spec.shown().with_file_name("sources");
        // It was offered to rpm, so it is a copy of ours.
        let Some(text) = HostDir::open(parse_dir)?.read_if_there("sources", MAX_TEXT)? else {
            return Ok((shown, Vec::new()));
        };
        let text = String::from_utf8_lossy(&text);
        let list = distgit::parse_sources(&text, &shown)?;
        Ok((shown, list))
    }

    /// Puts one source at `dest`; `None` when nobody has it.
    fn obtain(
        &mut self,
        tree: &SourceTree,
        places: &Places,
        source: &SpecSource,
        dest: &Path,
        (list, listed): &(PathBuf, Vec<ListedSource>),
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
                "`{name}` beside the spec is not what `{}` lists, so it is fetched",
                list.display()
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
            )
            .map_err(|error| match error {
                ScmError::NoLookaside { remote, .. } => ScmError::NoLookaside {
                    path: list.clone(),
                    remote,
                },
                other => other,
            })?;
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
        if source.text.starts_with("file:") {
            return Err(SrpmError::HostFile {
                source_file: MissingSource {
                    tag: source.tag(),
                    text: source.text.clone(),
                },
            });
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
        spec: &TreeSpec,
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
}
