//! The probe's child: tries each step of a container and reports, instead of giving up at the first refusal.

use crate::error::{AtStep, SandboxStep, StepError};
use crate::ids::IdMode;
use crate::monitor::{Side, clone_mapped};
use crate::mounts::{attach_at, new_fs};
use crate::probe::{ProbePlan, Trial, Tried};
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
        Err(e) => {
            return vec![failed(
                "socket",
                StepError::new(SandboxStep::Protocol, e.to_string(), nix::errno::Errno::EIO),
            )];
        }
    };
    match clone_mapped(mode, all | libc::CLONE_NEWCGROUP) {
        Ok(Side::Child) => {
            let steps = try_all(mode, store);
            drop(ours);
            sys::exit_now(i32::from(wire::send(&theirs, &steps, &[]).is_err()))
        }
        Ok(Side::Parent(pid)) => {
            drop(theirs);
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

fn try_all(mode: &IdMode, store: Option<&Path>) -> Vec<Tried> {
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
        mode.is_rootless(),
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
    if let Some(store) = store {
        report.add(
            "overlay in the store",
            SandboxStep::Overlay,
            true,
            in_store(store),
        );
    }
    // Last: it stays for the rest of this process' short life.
    let filter = seccomp::install(Filters {
        chown: true,
        sync: true,
        mknod: false,
    })
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
    let result = overlay_at(place);
    let _ = nix::mount::umount2(place, nix::mount::MntFlags::MNT_DETACH);
    result
}

fn in_store(store: &Path) -> Result<(), StepError> {
    let dir = store.join(format!(".probe-{:x}", unique()));
    std::fs::create_dir(&dir).step_at(SandboxStep::Overlay, "make", &dir)?;
    let result = overlay_at(&dir);
    // The kernel's work/work has mode 0, which does not stop root of the namespace.
    drop(std::fs::remove_dir_all(&dir));
    result
}

/// Inside a pid namespace our process number would be 1 for everybody.
fn unique() -> u128 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |now| now.as_nanos())
}

fn overlay_at(base: &Path) -> Result<(), StepError> {
    let dir = |name: &str| -> Result<PathBuf, StepError> {
        let path = base.join(name);
        std::fs::create_dir(&path).step_at(SandboxStep::Overlay, "make", &path)?;
        Ok(path)
    };
    let layers = Overlay {
        lowers: vec![dir("lower")?],
        upper: Some(dir("upper")?),
        work: Some(dir("work")?),
        volatile: true,
    };
    overlay::mount(&layers).map(drop)
}
