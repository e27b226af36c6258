//! Which store this host and user want: the mode and the driver that work here.
//!
//! Finding out takes a child and some trial mounts, so the answer is kept next to the stores, for as
//! long as nothing it depends on changes.

use std::path::{Path, PathBuf};

use rpmkit_fs::WriteOptions;
use rpmkit_sandbox::{IdMode, ProbeRequest, ProbeState, SandboxError};
use serde::{Deserialize, Serialize};

use super::{
    Disk, Driver, FORMAT, LockHolder, Mapping, Namespace, Ops, Store, StoreError, StoreFormat,
    StoreOptions,
};
use rpmkit_types::event::Events;

/// What works here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostSurvey {
    /// Identities.
    pub mode: IdMode,
    /// How roots are put together.
    pub driver: Driver,
    /// Why not with overlayfs, for people.
    pub reason: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    format: u32,
    fingerprint: String,
    survey: HostSurvey,
}

/// What the answer depends on: the boot, and what decides about namespaces and sub-ids.
const DECIDING_FILES: [&str; 4] = [
    "/proc/sys/kernel/random/boot_id",
    "/proc/sys/user/max_user_namespaces",
    "/proc/sys/kernel/unprivileged_userns_clone",
    "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
];
const DECIDING_PLACES: [&str; 6] = [
    "/etc/subuid",
    "/etc/subgid",
    "/etc/passwd",
    "/etc/group",
    "/usr/bin/newuidmap",
    "/usr/bin/newgidmap",
];

fn fingerprint(user: u32, home: &Path) -> String {
    use std::os::unix::fs::MetadataExt;
    let mut out = format!("{user}");
    for file in DECIDING_FILES {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        out.push_str(&format!(" {}", text.trim()));
    }
    for place in DECIDING_PLACES {
        let time = std::fs::metadata(place).map_or(0, |m| m.mtime());
        out.push_str(&format!(" {time}"));
    }
    let device = std::fs::metadata(home).map_or(0, |m| m.dev());
    out.push_str(&format!(" {device}"));
    out
}

/// Finds out, or remembers, what works for the stores below `home`, which is made.
///
/// # Errors
/// When no mode of the sandbox works here at all.
pub fn survey(home: &Path, user: u32) -> Result<HostSurvey, SandboxError> {
    // A home that cannot be made fails with a better message when the store is opened.
    let _ = std::fs::create_dir_all(home);
    let path = home.join("host.json");
    let now = fingerprint(user, home);
    let kept = std::fs::read(&path)
        .ok()
        .and_then(|t| serde_json::from_slice::<Kept>(&t).ok());
    if let Some(kept) = kept.filter(|k| k.format == FORMAT && k.fingerprint == now) {
        return Ok(kept.survey);
    }
    let survey = look(home)?;
    let kept = Kept {
        format: FORMAT,
        fingerprint: now,
        survey,
    };
    if let Ok(text) = serde_json::to_vec(&kept) {
        // A cache: not being able to keep it is no failure.
        let _ = rpmkit_fs::write_file(&path, text, &WriteOptions::with_mode(0o666));
    }
    Ok(kept.survey)
}

/// Always finds out anew.
fn look(home: &Path) -> Result<HostSurvey, SandboxError> {
    let probe = rpmkit_sandbox::probe(&ProbeRequest {
        store: Some(home.to_owned()),
    })?;
    let Some(mode) = probe.mode else {
        return Err(match probe.failure {
            Some(failure) => failure.into(),
            None => SandboxError::Died("probing the host".to_owned()),
        });
    };
    let refused = probe
        .findings
        .iter()
        .rfind(|f| f.what.contains("overlay in the store") && f.state != ProbeState::Ok);
    Ok(HostSurvey {
        mode,
        driver: match refused {
            Some(_) => Driver::Plain,
            None => Driver::Overlay,
        },
        reason: refused.map(|f| f.detail.clone()),
    })
}

impl Mapping {
    /// What a mode's layers look like.
    pub fn of(mode: &IdMode) -> Self {
        match mode {
            IdMode::Root(_) => Self::Root,
            IdMode::Sub(ids) => Self::Sub {
                start: ids.uids.start,
            },
            IdMode::Single => Self::Single,
        }
    }
}

impl Store {
    /// Opens the store that fits a survey, below `home`. The first time that overlayfs cannot be
    /// used, says why. `ops` are the program's operations.
    pub fn open_here(
        home: PathBuf,
        user: u32,
        survey: &HostSurvey,
        ops: Ops,
        holder: LockHolder,
        events: Events,
    ) -> Result<Self, StoreError> {
        let format = StoreFormat::new(user, Mapping::of(&survey.mode), survey.driver);
        let is_new = !home.join(format.directory()).exists();
        if let Some(reason) = survey.reason.as_ref().filter(|_| is_new) {
            events.warn(format!(
                "chroots are kept as plain copies, which is slower: overlayfs cannot be used in `{}`: {reason}",
                home.display()
            ));
        }
        Self::open(StoreOptions {
            home,
            format,
            hands: Box::new(Namespace {
                mode: survey.mode.clone(),
                ops,
            }),
            holder,
            events,
            disk: Disk::default(),
        })
    }
}
