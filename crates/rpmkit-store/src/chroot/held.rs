//! A chroot's container that stays behind when its command has ended, so that the root is seen, and a container that others
//! join while it works.
//!
//! Whoever works in a chroot listens on a socket beside its state. Who wants to work in what runs connects there; who wants
//! the chroot for themselves asks whoever listens to end, which only a container does that nobody uses: its processes and its
//! locks are gone then. The note and the link of what is held are those of [`super::shown`], and so is how they are withdrawn.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rpmkit_sandbox::{Container, IdMode};

use super::{Chroot, ChrootError, Session, encode, shown::RootPlace};
use crate::{At, LockHolder, StoreError, StoreLock, now};

/// How long a container that yields may take to be gone.
const GOING: Duration = Duration::from_secs(10);

impl Chroot {
    /// Where others reach the container that works in this chroot.
    pub fn socket_path(&self) -> PathBuf {
        self.dir().join(format!("join-{}", encode(&self.ext)))
    }

    /// The container that works in this chroot, or that was left there; `None` when there is none.
    pub fn join(&self, mode: &IdMode) -> Option<Container> {
        Container::join(mode, &self.socket_path()).ok()
    }

    /// The use lock. A container that nobody uses ends for it.
    pub(super) fn use_lock_now(&self) -> Result<Option<StoreLock>, StoreError> {
        if let Some(lock) = self.use_lock(&self.ext)? {
            return Ok(Some(lock));
        }
        // No command is run, so the mode does not matter.
        let goes = self
            .join(&IdMode::Single)
            // One that has ended in this moment is as good.
            .is_some_and(|idle| idle.yields().unwrap_or(true));
        let until = Instant::now() + GOING;
        while goes && Instant::now() < until {
            if let Some(lock) = self.use_lock(&self.ext)? {
                return Ok(Some(lock));
            }
            std::thread::sleep(Duration::from_micros(300));
        }
        Ok(None)
    }

    /// Has the path lead to the root of a visible container of `session`, which is this chroot's, for as long as there is one.
    /// `false` where something else is at the path.
    pub fn link(
        &self,
        _session: &Session,
        place: RootPlace<'_>,
        container: &Container,
    ) -> Result<bool, ChrootError> {
        let Some(monitor) = container.monitor_pid() else {
            return Ok(false);
        };
        self.note_held(place, Path::new(&format!("/proc/{monitor}/root")))
            .map_err(ChrootError::from)
    }

    /// Leaves a visible container of `session` behind, which [`Self::link`] has shown. It keeps the session's locks.
    pub fn hold(&self, mut session: Session, container: Container) -> Result<(), ChrootError> {
        if let Some(pid) = container.monitor_pid() {
            let holder = LockHolder {
                pid,
                command: "the chroot's own, which keeps it visible".to_owned(),
                since: now(),
            };
            session
                .sign(&holder)
                .at("write", &self.use_path(&self.ext))?;
        }
        container.leave().map_err(|e| ChrootError::Left {
            chroot: self.label(),
            source: e,
        })?;
        session.left();
        Ok(())
    }
}
