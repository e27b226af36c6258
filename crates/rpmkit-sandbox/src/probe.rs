//! What this host allows, found by trying it.

use crate::diagnose::Advice;
use crate::error::{SandboxError, SandboxStep, StepError};
use crate::ids::{self, ENOUGH_IDS, IdMode, IdRange, SubIdProblem, SubIds};
use crate::{spawn, wire};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What to try.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProbeRequest {
    /// A directory where overlays will be made; it is tried as upper directory. None tries a tmpfs only.
    pub store: Option<PathBuf>,
}

/// How a tried thing stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProbeState {
    /// Works.
    Ok,
    /// Does not work, and something lesser takes its place.
    Degraded,
    /// Does not work, and nothing takes its place.
    Failed,
}

/// One line of `rpmkit doctor`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeFinding {
    /// What was tried, for instance `overlay in the store`.
    pub what: String,
    /// How it stands.
    pub state: ProbeState,
    /// The result in words, with the failing call and error if any.
    pub detail: String,
    /// Likely cause and remedies; empty when all is well.
    pub advice: Advice,
}

/// The result of [`probe`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// The best mode that works; none when no sandbox is possible here.
    pub mode: Option<IdMode>,
    /// Everything tried, in order.
    pub findings: Vec<ProbeFinding>,
    /// The first failure of the mode that came furthest, when none works.
    pub failure: Option<StepError>,
}

/// To the re-executed child: modes to try in turn, until one works.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ProbePlan {
    pub(crate) modes: Vec<IdMode>,
    pub(crate) store: Option<PathBuf>,
}

/// What became of one mode: its steps in order, with their failures. The last is decisive if it is not degradable.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Trial {
    pub(crate) mode: IdMode,
    pub(crate) steps: Vec<Tried>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Tried {
    pub(crate) what: String,
    pub(crate) step: SandboxStep,
    pub(crate) failure: Option<StepError>,
    /// The mode works without it.
    pub(crate) optional: bool,
}

impl Trial {
    pub(crate) fn works(&self) -> bool {
        self.steps
            .iter()
            .all(|tried| tried.failure.is_none() || tried.optional)
    }
}

/// Tries, in a child, step by step, all a container needs. Takes some milliseconds; callers may keep the answer.
///
/// # Errors
/// When our own child cannot be run; a host that refuses things is no error but an answer.
pub fn probe(request: &ProbeRequest) -> Result<Probe, SandboxError> {
    let (modes, mut findings) = candidates();
    let plan = crate::plan::Plan::Probe(ProbePlan {
        modes,
        store: request.store.clone(),
    });
    let (mut child, socket) = spawn::spawn(&plan, &[])?;
    let trials =
        wire::receive::<Vec<Trial>>(&socket).map_err(SandboxError::io("hear from the probe"))?;
    drop(child.wait());
    let Some((trials, _)) = trials else {
        return Err(SandboxError::Died("probing the host".to_owned()));
    };
    let mode = trials
        .iter()
        .find(|trial| trial.works())
        .map(|trial| trial.mode.clone());
    for trial in &trials {
        findings.extend(
            trial
                .steps
                .iter()
                .map(|tried| finding(trial, tried, mode.is_some())),
        );
    }
    let failure = trials
        .iter()
        .max_by_key(|trial| trial.steps.len())
        .filter(|_| mode.is_none())
        .and_then(|trial| {
            trial
                .steps
                .iter()
                .rev()
                .find_map(|tried| tried.failure.clone())
        });
    Ok(Probe {
        mode,
        findings,
        failure,
    })
}

/// The best mode of this host.
///
/// # Errors
/// The step that failed, with advice, when no mode works.
pub fn detect() -> Result<IdMode, SandboxError> {
    let probe = probe(&ProbeRequest::default())?;
    match (probe.mode, probe.failure) {
        (Some(mode), _) => Ok(mode),
        (None, Some(failure)) => Err(failure.into()),
        (None, None) => Err(SandboxError::Died("probing the host".to_owned())),
    }
}

/// Modes worth trying for this user, best first, and what is known about sub-ids without trying.
fn candidates() -> (Vec<IdMode>, Vec<ProbeFinding>) {
    let uid = nix::unistd::geteuid();
    if uid.is_root() {
        // Root of a container without CAP_SYS_ADMIN may still map every id it has.
        let own = vec![IdMode::Sub(SubIds::identity()), IdMode::Single];
        let modes = match ids::mapped_here() {
            // In somebody's user namespace "root" cannot have ids of its own, and may have no others.
            Some(ids) if ids > ENOUGH_IDS => own,
            Some(_) => vec![IdMode::Single],
            None if ids::may_administer() => {
                IdRange::for_root().map(IdMode::Root).into_iter().collect()
            }
            None => own,
        };
        return (modes, Vec::new());
    }
    let name = nix::unistd::User::from_uid(uid)
        .ok()
        .flatten()
        .map_or_else(|| uid.to_string(), |user| user.name);
    match SubIds::find(&name, uid.as_raw()) {
        Ok(ids) => {
            let detail = format!(
                "`{name}` has {} uids from {} on",
                ids.uids.count, ids.uids.start
            );
            (
                vec![IdMode::Sub(ids), IdMode::Single],
                vec![ok("subordinate ids", detail)],
            )
        }
        Err(problem) => (vec![IdMode::Single], vec![no_sub_ids(&name, &problem)]),
    }
}

fn ok(what: &str, detail: String) -> ProbeFinding {
    ProbeFinding {
        what: what.to_owned(),
        state: ProbeState::Ok,
        detail,
        advice: Advice::default(),
    }
}

fn no_sub_ids(name: &str, problem: &SubIdProblem) -> ProbeFinding {
    let remedy = match problem {
        SubIdProblem::NoTool(_) => "sudo apt install uidmap (Fedora: shadow-utils)".to_owned(),
        SubIdProblem::NoRange { .. } => {
            format!("sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {name}")
        }
    };
    ProbeFinding {
        what: "subordinate ids".to_owned(),
        state: ProbeState::Degraded,
        detail: format!("{problem}; all files will belong to one id"),
        advice: Advice {
            cause: Some("this user was given no range of its own".to_owned()),
            remedies: vec![remedy],
        },
    }
}

fn finding(trial: &Trial, tried: &Tried, some_mode_works: bool) -> ProbeFinding {
    let name = match &trial.mode {
        IdMode::Root(_) => "root",
        IdMode::Sub(_) => "sub-ids",
        IdMode::Single => "single id",
    };
    let what = format!("{} ({name})", tried.what);
    match &tried.failure {
        None => ok(&what, "works".to_owned()),
        Some(failure) => ProbeFinding {
            what,
            state: if tried.optional || some_mode_works {
                ProbeState::Degraded
            } else {
                ProbeState::Failed
            },
            detail: failure.to_string(),
            advice: failure.advice(),
        },
    }
}
