//! mock's SCM integration: check out, find the spec, make the tarball, fill in sources.

use std::{
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use rpmkit_fs::{CopyMode, CopyOptions, HostDir, IfThere, Links, RemoveOptions, UntrustedTree};

use crate::srpm::{ExpandedSpec, SourceKind, SpecParser, SrpmError};
use rpmkit_types::event::Events;
use rpmkit_vcs::{
    ArchiveOptions, FileTimes, ScmError,
    archive::{self, DirTimes},
    distgit::{self, SourceStore},
    git::{self, RemoteAccess, history},
    options::{Method, ScmOptions},
    svn,
};

/// Bytes of a spec that is looked at.
const MAX_SPEC: u64 = 64 << 20;

/// A checkout in its temporary directory. Nothing removes it but [`ScmCheckout::remove`]: mock
/// leaves it behind after failures and after `--buildsrpm`, and so do we.
#[derive(Debug)]
pub struct ScmCheckout {
    work_dir: PathBuf,
    src_dir: PathBuf,
}

/// What a build is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScmSources {
    /// For `--sources`.
    pub sources: PathBuf,
    /// For `--spec`.
    pub spec: PathBuf,
    /// The tarball, if one was written.
    pub tarball: Option<PathBuf>,
}

impl ScmCheckout {
    /// Runs the get command, or does in-process what it asks for, in a fresh directory below
    /// `tmp` whose name ends in `.mock-scm.PACKAGE`.
    ///
    /// # Errors
    /// A failing command's error carries its status; set-up mistakes are mock's 5.
    pub fn get(
        options: &ScmOptions,
        tmp: &Path,
        access: &RemoteAccess,
        events: &Events,
    ) -> Result<Self, ScmError> {
        #[allow(
            clippy::disallowed_methods,
            reason = "mock leaves it behind after failures, under a name its users look for"
        )]
        let work_dir = tempfile::Builder::new()
            .prefix("tmp")
            .suffix(&format!(".mock-scm.{}", options.directory()))
            .tempdir_in(tmp)
            .map_err(ScmError::io("create a directory in", tmp))?
            .keep();
        let checkout = Self {
            src_dir: work_dir.join(options.directory()),
            work_dir,
        };
        events.info(format!(
            "SCM checkout directory: {}",
            checkout.work_dir.display()
        ));
        match options.method {
            Method::Git => checkout.get_git(options, access, events)?,
            Method::Distgit => checkout.get_distgit(options, access, events)?,
            Method::Svn | Method::Cvs => {
                access
                    .host
                    .configured(&options.get, &checkout.work_dir, events)?;
            }
        }
        Ok(checkout)
    }

    /// The checkout itself.
    pub fn dir(&self) -> &Path {
        &self.src_dir
    }

    /// Removes the temporary directory.
    ///
    /// # Errors
    /// When something in it cannot be removed.
    pub fn remove(self) -> Result<(), ScmError> {
        remove(&self.work_dir)
    }

    fn get_git(
        &self,
        options: &ScmOptions,
        access: &RemoteAccess,
        events: &Events,
    ) -> Result<(), ScmError> {
        // Below 128 is `git checkout`'s answer to an unknown name, 128 `git clone`'s to all else.
        let as_command = |source: ScmError| ScmError::Checkout {
            status: match source {
                ScmError::UnknownRevision { .. } => 1,
                // git clones these; what fails is the checkout, or looking for the spec.
                ScmError::EmptyRemote { .. } if options.branch.is_some() => 1,
                ScmError::EmptyRemote { .. } => 5,
                _ => 128,
            },
            source: Box::new(source),
        };
        let Some((mut request, dir)) = options.clone_request() else {
            access
                .host
                .configured(&options.get, &self.work_dir, events)?;
            if options.branch.is_none() {
                return Ok(());
            }
            let repo = git::discover(&self.src_dir)?;
            return self
                .git_branch(&repo, options, access, events)
                .map_err(as_command);
        };
        events.info(format!("cloning {} into {dir}", request.url));
        let dest = self.work_dir.join(dir);
        if request.rev.is_some() && options.branch.is_some() {
            // `-b` decides what is cloned, the option what is checked out afterwards.
            let repo = git::clone(&request, &dest, access, events).map_err(as_command)?;
            return self
                .git_branch(&repo, options, access, events)
                .map_err(as_command);
        }
        request.rev = request.rev.or_else(|| options.branch.clone());
        request.recursive = options.recursive();
        // One commit is enough unless times come from history or history goes into a tarball.
        request.shallow = !options.git_timestamps && options.exclude_vcs;
        let repo = git::clone(&request, &dest, access, events).map_err(as_command)?;
        if request.shallow && repo.is_shallow() && self.needs_history(options) {
            events.info("the spec counts commits, so all of the history is needed");
            drop(repo);
            remove(&dest)?;
            request.shallow = false;
            git::clone(&request, &dest, access, events).map_err(as_command)?;
        }
        Ok(())
    }

    fn git_branch(
        &self,
        repo: &git2::Repository,
        options: &ScmOptions,
        access: &RemoteAccess,
        events: &Events,
    ) -> Result<(), ScmError> {
        if let Some(branch) = &options.branch {
            git::checkout(repo, branch)?;
            if options.recursive() {
                git::submodules(repo, access, events)?;
            }
        }
        Ok(())
    }

    fn get_distgit(
        &self,
        options: &ScmOptions,
        access: &RemoteAccess,
        events: &Events,
    ) -> Result<(), ScmError> {
        if options.clone_request().is_some() {
            self.get_git(options, access, events)?;
        } else {
            access
                .host
                .configured(&options.get, &self.work_dir, events)?;
        }
        match &options.source_get {
            Some(words) if !words.is_empty() => {
                access.host.configured(words, &self.src_dir, events)
            }
            _ => Ok(()),
        }
    }

    fn needs_history(&self, options: &ScmOptions) -> bool {
        self.spec(options)
            .ok()
            .and_then(|spec| self.tree().ok()?.read(self.inside(&spec), MAX_SPEC).ok())
            .is_some_and(|text| distgit::counts_commits(&String::from_utf8_lossy(&text)))
    }

    /// The spec in the checkout.
    ///
    /// # Errors
    /// [`ScmError::NoCheckout`] or [`ScmError::NoSpec`].
    pub fn spec(&self, options: &ScmOptions) -> Result<PathBuf, ScmError> {
        let tree = self.tree()?;
        for name in [options.spec.clone(), options.spec.to_lowercase()] {
            if tree.exists(&name)? {
                // A link that stays in the checkout is followed by who reads the spec.
                tree.open_file(&name)?;
                return Ok(self.src_dir.join(name));
            }
        }
        Err(ScmError::NoSpec {
            path: self.src_dir.join(&options.spec),
        })
    }

    /// What was checked out: links count while they stay in it, and git's own files do not.
    fn tree(&self) -> Result<UntrustedTree, ScmError> {
        let missing = |_| ScmError::NoCheckout {
            path: self.src_dir.clone(),
        };
        let work = HostDir::open(&self.work_dir)?;
        let tree = work.tree(
            self.src_dir
                .strip_prefix(&self.work_dir)
                .unwrap_or(&self.src_dir),
            Links::Beneath,
        );
        Ok(tree.map_err(missing)?.without(".git"))
    }

    /// A path of the checkout in [`Self::tree`].
    fn inside<'p>(&self, path: &'p Path) -> &'p Path {
        path.strip_prefix(&self.src_dir).unwrap_or(path)
    }

    /// Finds the spec, sets times, writes the tarball and copies external sources: all of what
    /// mock does between the checkout and the build.
    ///
    /// # Errors
    /// [`ScmError::NoSpec`], or when the spec does not parse or something cannot be written.
    pub fn prepare(
        &self,
        options: &ScmOptions,
        defines: &[(String, String)],
        parser: &mut dyn SpecParser,
        access: &RemoteAccess,
        events: &Events,
    ) -> Result<ScmSources, SrpmError> {
        let spec = self.spec(options)?;
        let tree = self.tree()?;
        let write_tar = options.write_tar || tree.exists(".write_tar")?;
        let sources = match &options.int_src_dir {
            Some(dir) => self.src_dir.join(dir),
            None => self.src_dir.clone(),
        };
        let place = match tree.subtree(self.inside(&sources)) {
            Err(error) if error.is_refusal() => return Err(error.into()),
            opened => opened.map_err(|_| ScmError::NoSourceDirectory {
                path: sources.clone(),
            })?,
        };
        let text = parser
            .expand(&spec, &sources, defines)
            .map_err(SrpmError::Parse)?;
        let expanded = ExpandedSpec::parse(&text, &spec)?;
        let mut ready = ScmSources {
            sources,
            spec,
            tarball: None,
        };
        if options.method == Method::Git && options.git_timestamps {
            let repo = git::discover(&self.src_dir)?;
            let count = git::set_file_times(&repo)?;
            events.info(format!("{count} files dated from history"));
        }
        let times = self.times(options, access, events)?;
        if write_tar && options.method != Method::Distgit {
            ready.tarball = Some(self.write_tar(options, &expanded, &ready, &times, events)?);
        }
        self.date(&ready.spec, &times)?;
        for source in &expanded.sources {
            let name = Path::new(source.file_name());
            if name.file_name().is_none() {
                continue;
            }
            if place.exists(name)? {
                self.date(&ready.sources.join(name), &times)?;
                continue;
            }
            let there = HostDir::open(&options.ext_src_dir).ok();
            if let Some(there) = there.filter(|dir| dir.exists(name).is_ok_and(|is| is)) {
                let copy = CopyOptions {
                    mode: CopyMode::Plain,
                    there: IfThere::Replace,
                    ..CopyOptions::default()
                };
                there.copy_file(name, &place, name, &copy)?;
            }
        }
        Ok(ready)
    }

    /// Gives a file of the checkout the time history has for it, so that the same commit gives the
    /// same source package whenever it is checked out.
    fn date(&self, path: &Path, times: &DirTimes) -> Result<(), ScmError> {
        let (DirTimes::Each(times, other), Ok(inside)) = (times, path.strip_prefix(&self.src_dir))
        else {
            return Ok(());
        };
        let time = times.get(inside.as_os_str().as_bytes()).unwrap_or(other);
        self.set_time(inside, *time)
    }

    /// Sets a file's time, in seconds since 1970, wherever in the checkout links lead to it.
    fn set_time(&self, inside: &Path, seconds: i64) -> Result<(), ScmError> {
        let tree = self.tree()?;
        let Ok(path) = tree.real_path(inside) else {
            return Ok(());
        };
        if tree.lstat(&path)?.is_file() {
            let time = std::time::UNIX_EPOCH
                + std::time::Duration::from_secs(seconds.max(0).unsigned_abs());
            tree.set_modified(&path, time)?;
        }
        Ok(())
    }

    /// The whole checkout below `NAME-VERSION/`, under Source0's name.
    fn write_tar(
        &self,
        options: &ScmOptions,
        spec: &ExpandedSpec,
        ready: &ScmSources,
        times: &DirTimes,
        events: &Events,
    ) -> Result<PathBuf, SrpmError> {
        let top = format!("{}-{}", spec.name, spec.version);
        let name = spec
            .sources
            .iter()
            .find(|source| source.kind == SourceKind::Source && source.number == 0)
            .map_or_else(
                || format!("{top}.tar.gz"),
                |source| source.file_name().to_owned(),
            );
        let dest = ready.sources.join(name);
        let mut archive = ArchiveOptions::with_prefix(top);
        // An earlier archive would end up in the new one, and its times with it.
        archive.times = FileTimes::Commit;
        archive::archive_dir(&self.src_dir, &dest, &archive, times, options.exclude_vcs)?;
        match times {
            DirTimes::Each(..) => self.date(&dest, times)?,
            DirTimes::Disk => {
                let spec = self.tree()?.stat(self.inside(&ready.spec))?;
                self.set_time(self.inside(&dest), spec.mtime().0)?;
            }
        }
        events.info(format!("wrote {}", dest.display()));
        Ok(dest)
    }

    /// When the files of the checkout were changed.
    fn times(
        &self,
        options: &ScmOptions,
        access: &RemoteAccess,
        events: &Events,
    ) -> Result<DirTimes, SrpmError> {
        match options.method {
            Method::Git => self.git_times(options),
            // Other clients may have been configured for it.
            Method::Distgit => Ok(self.git_times(options).unwrap_or(DirTimes::Disk)),
            Method::Svn => {
                let (times, newest) = svn::file_times(&self.src_dir, &access.host, events)?;
                Ok(DirTimes::Each(times, newest))
            }
            // cvs gives files the times of their revisions when it checks them out.
            Method::Cvs => Ok(DirTimes::Disk),
        }
    }

    fn git_times(&self, options: &ScmOptions) -> Result<DirTimes, SrpmError> {
        let repo = git::discover(&self.src_dir)?;
        let head = git::resolve(&repo, "HEAD")?;
        let commit = head.time().seconds();
        let times = if options.git_timestamps {
            history::file_times(&repo, &head, history::Clock::Author)?
        } else {
            std::collections::HashMap::new()
        };
        Ok(DirTimes::Each(times, commit))
    }

    /// Fills in what a dist-git's `sources` file names, for checkouts whose `distgit_src_get` is
    /// to be done in-process.
    ///
    /// # Errors
    /// See [`distgit::fetch_sources`].
    pub fn fetch_lookaside(
        &self,
        lookaside: Option<&str>,
        store: &SourceStore,
        download: &dyn rpmkit_vcs::Download,
        events: &Events,
    ) -> Result<Vec<PathBuf>, ScmError> {
        distgit::fetch_sources(
            &self.src_dir,
            &self.src_dir,
            lookaside,
            store,
            download,
            events,
        )
    }
}

/// Removes what was checked out, however deep it is.
fn remove(dir: &Path) -> Result<(), ScmError> {
    let parent = HostDir::open(dir.parent().unwrap_or(Path::new("/")))?;
    let name = dir.file_name().unwrap_or(dir.as_os_str());
    parent.remove_all(name, RemoveOptions::default())?;
    Ok(())
}

#[cfg(test)]
mod tests;
