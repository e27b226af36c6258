//! The probe's child: tries each step of a container and reports, instead of giving up at the first refusal.

use crate::error::{AtStep, SandboxStep, StepError};
use crate::ids::IdMode;
use crate::monitor::{Side, clone_mapped};
use crate::mounts::{attach_at, new_fs};
use crate::probe::{ProbePlan, Trial, Tried};
use crate::sources::{self, Sources};
use crate::spec::{Filters, Overlay};
use crate::{first_mount, net, overlay, seccomp, sys, wire};
use nix::sys::wait::waitpid;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

/// Tries the modes in turn until one works.
pub(crate) fn serve(plan: ProbePlan, socket: &OwnedFd) -> i32 {
    let mut trials = Vec::new();
    for mode in plan.modes {
        let trial = Trial {
            steps: steps_of(&mode, plan.store.as_deref()),
            mode,
        };
        let works = trial.works();
        trials.push(trial);
        if works {
            break;
        }
    }
    i32::from(wire::send(socket, &trials, &[]).is_err())
}

fn steps_of(mode: &IdMode, store: Option<&Path>) -> Vec<Tried> {
    let all = libc::CLONE_NEWNS
        | libc::CLONE_NEWPID
        | libc::CLONE_NEWIPC
        | libc::CLONE_NEWUTS
        | libc::CLONE_NEWNET;
    let (ours, theirs) = match wire::pair() {
        Ok(pair) => pair,
        Err(e) => return vec![no_socket(&e)],
    };
    let layers = match store
        .map(|store| TrialLayers::make(mode, store))
        .transpose()
    {
        Ok(layers) => layers,
        Err(error) => return vec![failed("overlay in the store", error)],
    };
    match clone_mapped(Some(mode), all | libc::CLONE_NEWCGROUP) {
        Ok(Side::Child) => {
            let steps = try_all(mode, layers.as_ref());
            drop(ours);
            sys::exit_now(i32::from(wire::send(&theirs, &steps, &[]).is_err()))
        }
        Ok(Side::Parent(pid)) => {
            drop(theirs);
            if let Some(layers) = &layers {
                layers.serve(pid);
            }
            let mut steps = vec![good("namespaces and id maps", SandboxStep::Namespaces)];
            match wire::receive::<Vec<Tried>>(&ours) {
                Ok(Some((inner, _))) => steps.extend(inner),
                Ok(None) => steps.push(failed(
                    "first steps",
                    StepError::new(
                        SandboxStep::Protocol,
                        "finish the probe",
                        nix::errno::Errno::ECHILD,
                    ),
                )),
                Err(e) => steps.push(failed("first steps", wire::broken(&e))),
            }
            let _ = waitpid(pid, None);
            drop(layers.map(|layers| layers.remove()));
            steps
        }
        Err(error) => vec![failed("namespaces and id maps", error)],
    }
}

fn good(what: &str, step: SandboxStep) -> Tried {
    Tried {
        what: what.to_owned(),
        step,
        failure: None,
        optional: false,
    }
}

fn failed(what: &str, error: StepError) -> Tried {
    Tried {
        what: what.to_owned(),
        step: error.step,
        failure: Some(error),
        optional: false,
    }
}

struct ProbeReport(Vec<Tried>);

impl ProbeReport {
    fn add(
        &mut self,
        what: &str,
        step: SandboxStep,
        optional: bool,
        result: Result<(), StepError>,
    ) -> bool {
        let fine = result.is_ok();
        self.0.push(Tried {
            what: what.to_owned(),
            step,
            failure: result.err(),
            optional,
        });
        fine
    }
}

fn try_all(mode: &IdMode, layers: Option<&TrialLayers>) -> Vec<Tried> {
    let mut report = ProbeReport(Vec::new());
    let cut_off = first_mount::cut_off();
    if !report.add("mounting", SandboxStep::FirstMount, false, cut_off) {
        return report.0;
    }
    report.add(
        "loopback interface",
        SandboxStep::Loopback,
        false,
        net::loopback_up(),
    );
    report.add(
        "fresh /proc",
        SandboxStep::Proc,
        true,
        new_fs(c"proc", &[], 0, SandboxStep::Proc).map(drop),
    );
    report.add(
        "fresh /sys",
        SandboxStep::Sys,
        true,
        new_fs(c"sysfs", &[], sys::ATTR_RDONLY, SandboxStep::Sys).map(drop),
    );
    let pts = new_fs(c"devpts", &[("newinstance", "")], 0, SandboxStep::DevPts).map(drop);
    report.add("own terminals", SandboxStep::DevPts, false, pts);
    report.add("overlay on tmpfs", SandboxStep::Overlay, true, on_tmpfs());
    if let Some(layers) = layers {
        let sources = layers.sources();
        if !mode.is_rootless() {
            let failure = sources.as_ref().err().cloned();
            report.add(
                "files with mapped ids",
                SandboxStep::IdMapped,
                false,
                failure.map_or(Ok(()), Err),
            );
        }
        let tried = sources.and_then(|mut sources| layers.mount(&mut sources));
        report.add("overlay in the store", SandboxStep::Overlay, true, tried);
    }
    // Last: it stays for the rest of this process' short life.
    let filter = seccomp::install(
        Filters {
            chown: true,
            sync: true,
            mknod: false,
        },
        crate::spec::Personality::Native,
    )
    .map(drop);
    report.add(
        "system call filter",
        SandboxStep::Seccomp,
        mode.has_ids(),
        filter,
    );
    report.0
}

/// Covers /tmp, in this process' mount namespace only.
fn on_tmpfs() -> Result<(), StepError> {
    let place = Path::new("/tmp");
    let fs = new_fs(c"tmpfs", &[("mode", "755")], 0, SandboxStep::Tmpfs)?;
    attach_at(fs.as_fd(), place, SandboxStep::Tmpfs)?;
    let result =
        layers_in(place).and_then(|layers| overlay::mount(&layers, &mut Sources::Paths).map(drop));
    let _ = nix::mount::umount2(place, nix::mount::MntFlags::MNT_DETACH);
    result
}

/// An overlay to be tried in the store.
struct TrialLayers {
    store: PathBuf,
    /// As real root: the directory made outside, and the ends of the socket over which its mounts come.
    outside: Option<(PathBuf, Overlay, OwnedFd, OwnedFd)>,
}

impl TrialLayers {
    fn make(mode: &IdMode, store: &Path) -> Result<Self, StepError> {
        let outside = if mode.is_rootless() {
            None
        } else {
            let dir = trial_dir(store)?;
            let layers = layers_in(&dir)?;
            let (ours, theirs) = wire::pair().map_err(|e| no_socket_step(&e))?;
            Some((dir, layers, ours, theirs))
        };
        Ok(Self {
            store: store.to_owned(),
            outside,
        })
    }

    /// In the parent.
    fn serve(&self, pid: nix::unistd::Pid) {
        if let Some((_, layers, ours, _)) = &self.outside {
            let mut wanted = Vec::new();
            let wanted = sources::of_overlay(layers, &mut wanted).map(|()| wanted);
            sources::serve(wanted, pid, ours.as_fd());
        }
    }

    /// In the child.
    fn sources(&self) -> Result<Sources, StepError> {
        match &self.outside {
            None => Ok(Sources::Paths),
            Some((_, _, _, theirs)) => Sources::receive(theirs.as_fd()),
        }
    }

    fn mount(&self, sources: &mut Sources) -> Result<(), StepError> {
        if let Some((_, layers, _, _)) = &self.outside {
            return overlay::mount(layers, sources).map(drop);
        }
        let dir = trial_dir(&self.store)?;
        let result = layers_in(&dir).and_then(|layers| overlay::mount(&layers, sources).map(drop));
        // The kernel's work/work has mode 0, which does not stop root of the namespace.
        drop(std::fs::remove_dir_all(&dir));
        result
    }

    fn remove(&self) -> std::io::Result<()> {
        match &self.outside {
            None => Ok(()),
            Some((dir, ..)) => std::fs::remove_dir_all(dir),
        }
    }
}

fn trial_dir(store: &Path) -> Result<PathBuf, StepError> {
    let dir = store.join(format!(".probe-{:x}", unique()));
    std::fs::create_dir(&dir).step_at(SandboxStep::Overlay, "make", &dir)?;
    Ok(dir)
}

fn no_socket_step(error: &crate::SandboxError) -> StepError {
    StepError::new(
        SandboxStep::Protocol,
        error.to_string(),
        nix::errno::Errno::EIO,
    )
}

fn no_socket(error: &crate::SandboxError) -> Tried {
    failed("socket", no_socket_step(error))
}

/// Inside a pid namespace our process number would be 1 for everybody.
fn unique() -> u128 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |now| now.as_nanos())
}

fn layers_in(base: &Path) -> Result<Overlay, StepError> {
    let dir = |name: &str| -> Result<PathBuf, StepError> {
        let path = base.join(name);
        std::fs::create_dir(&path).step_at(SandboxStep::Overlay, "make", &path)?;
        Ok(path)
    };
    Ok(Overlay {
        lowers: vec![dir("lower")?],
        upper: Some(dir("upper")?),
        work: Some(dir("work")?),
        volatile: true,
    })
}
