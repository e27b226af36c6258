//! mock's SCM integration: check out, find the spec, make the tarball, fill in sources.

use std::{
    fs,
    os::unix::{ffi::OsStrExt, fs::MetadataExt},
    path::{Path, PathBuf},
};

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
        fs::remove_dir_all(&self.work_dir).map_err(ScmError::io("remove", &self.work_dir))
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
            fs::remove_dir_all(&dest).map_err(ScmError::io("remove", &dest))?;
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
            .and_then(|spec| fs::read_to_string(spec).ok())
            .is_some_and(|text| distgit::counts_commits(&text))
    }

    /// The spec in the checkout.
    ///
    /// # Errors
    /// [`ScmError::NoCheckout`] or [`ScmError::NoSpec`].
    pub fn spec(&self, options: &ScmOptions) -> Result<PathBuf, ScmError> {
        if !self.src_dir.is_dir() {
            return Err(ScmError::NoCheckout {
                path: self.src_dir.clone(),
            });
        }
        let named = self.src_dir.join(&options.spec);
        let lower = self.src_dir.join(options.spec.to_lowercase());
        if named.exists() {
            Ok(named)
        } else if lower.exists() {
            Ok(lower)
        } else {
            Err(ScmError::NoSpec { path: named })
        }
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
        let write_tar = options.write_tar || self.src_dir.join(".write_tar").exists();
        let spec = self.spec(options)?;
        let sources = match &options.int_src_dir {
            Some(dir) => self.src_dir.join(dir),
            None => self.src_dir.clone(),
        };
        if !sources.is_dir() {
            return Err(ScmError::NoSourceDirectory { path: sources }.into());
        }
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
            let name = source.file_name();
            let (here, there) = (ready.sources.join(name), options.ext_src_dir.join(name));
            if here.exists() {
                self.date(&here, &times)?;
            } else if there.exists() {
                crate::srpm::copy_dated(&there, &here)?;
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
        if !path.is_file() {
            return Ok(());
        }
        let time = times.get(inside.as_os_str().as_bytes()).unwrap_or(other);
        set_time(path, *time)
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
                let spec = fs::metadata(&ready.spec).map_err(ScmError::io("read", &ready.spec))?;
                set_time(&dest, spec.mtime())?;
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

/// Sets a file's time, in seconds since 1970.
fn set_time(path: &Path, seconds: i64) -> Result<(), ScmError> {
    let time =
        std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds.max(0).unsigned_abs());
    // Opened for reading: what is checked out may well be read-only.
    fs::File::open(path)
        .and_then(|file| file.set_modified(time))
        .map_err(ScmError::io("set the time of", path))
}

#[cfg(test)]
mod tests;
