//! What every verb that touches a chroot shares: store, downloads, identities, events.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use rpmkit_sandbox::{Emulation, IdMode, TimeZoneName};

use super::BuildError;
use rpmkit_fs::{FsError, HostDir, TempDir};
use rpmkit_host::Environment;
use rpmkit_pm::PmParts;
use rpmkit_repo::Fetcher;
use rpmkit_results::record::unix_time;
use rpmkit_store::{Hands, LockHolder, Namespace, Store, host::HostSurvey};
use rpmkit_types::event::Events;

/// Facts about the host and the caller, which the front end reads and the core does not.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// Directory for packages and metadata.
    pub cache: PathBuf,
    /// Home of the layers: [`rpmkit_config::Overlayfs::layers_home`].
    pub layers: PathBuf,
    /// Directory for temporary files.
    pub temp: PathBuf,
    /// The caller's user id.
    pub uid: u32,
    /// What this process calls itself to those who wait for it.
    pub command: String,
    /// The host's resolver configuration, shown to chroots that have a network.
    pub resolv_conf: PathBuf,
    /// The host's names of addresses, shown to chroots whose resolver is the host's.
    pub hosts: PathBuf,
    /// The host's time zone by its name in the zone database.
    pub zone: Option<TimeZoneName>,
    /// Variables such as `https_proxy`, handed to chroots that have a network.
    pub proxies: Vec<(String, String)>,
    /// Whether roots stay visible, where the configuration has its root directory, after their command has ended.
    pub shows_roots: bool,
    /// The caller's environment, for programs of the host that the user's configuration names.
    pub environment: Environment,
}

/// The shared part of a run. Cheap to clone.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    mode: IdMode,
    store: Store,
    fetcher: Arc<Fetcher>,
    events: Events,
    surroundings: Surroundings,
}

impl Engine {
    /// Opens the store for what `survey` found to work there.
    pub fn open(
        survey: &HostSurvey,
        fetcher: Fetcher,
        events: Events,
        surroundings: Surroundings,
    ) -> Result<Self, BuildError> {
        let holder = LockHolder {
            pid: std::process::id(),
            command: surroundings.command.clone(),
            since: unix_time(SystemTime::now()),
        };
        let home = surroundings.layers.clone();
        let store = Store::open_here(
            home,
            surroundings.uid,
            survey,
            crate::OPS,
            holder,
            events.clone(),
        )?;
        Ok(Self(Arc::new(Inner {
            mode: survey.mode.clone(),
            store,
            fetcher: Arc::new(fetcher),
            events,
            surroundings,
        })))
    }

    /// Identities chroots run with.
    pub fn mode(&self) -> &IdMode {
        &self.0.mode
    }

    /// The layers.
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// Downloads.
    pub fn fetcher(&self) -> &Fetcher {
        &self.0.fetcher
    }

    /// Where to talk.
    pub fn events(&self) -> &Events {
        &self.0.events
    }

    /// Facts about the host.
    pub fn surroundings(&self) -> &Surroundings {
        &self.0.surroundings
    }

    /// A directory that goes away with the value, or with the next run where this one is killed.
    pub(super) fn scratch(&self) -> Result<TempDir, BuildError> {
        scratch(&self.0.surroundings.temp)
    }

    /// What a package manager is made with.
    pub(super) fn tools(&self, emulation: Option<Emulation>) -> PmParts {
        PmParts {
            mode: self.0.mode.clone(),
            emulation,
            store: self.0.store.clone(),
            fetcher: self.0.fetcher.clone(),
            solver_cache: self.0.surroundings.cache.join("solver"),
            events: self.0.events.clone(),
        }
    }

    /// Runs one of the core's operations with rights over all files of the store.
    pub(crate) fn operate<I: serde::Serialize>(
        &self,
        op: &'static str,
        input: &I,
    ) -> Result<Vec<u8>, BuildError> {
        let failed = |reason: String| BuildError::Operation { op, reason };
        let input = serde_json::to_vec(input).map_err(|e| failed(e.to_string()))?;
        Namespace {
            mode: self.0.mode.clone(),
            ops: crate::OPS,
        }
        .call(op, &input)
        .map_err(failed)
    }
}

/// A directory in `temp` that goes away with the value. What killed runs have left there goes first.
///
/// # Errors
/// When it cannot be made.
pub fn scratch(temp: &Path) -> Result<TempDir, BuildError> {
    let make = || {
        let base = HostDir::open(temp)?;
        // What cannot be removed now is somebody else's worry, or the next run's.
        let _ = TempDir::sweep(&base);
        TempDir::new(&base, "work", "")
    };
    make().map_err(|error: FsError| BuildError::Io {
        action: "create a directory in",
        path: temp.to_owned(),
        source: error.into(),
    })
}
