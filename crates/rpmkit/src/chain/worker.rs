//! One build of a chain, in a process of its own, here or on another machine.
//!
//! It is told what to do by a file and answers by one. Its results appear under their key by one rename, so that it may
//! be killed at any moment and be run twice.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use clap::Parser;
use rpmkit_cli::{
    Context, Failure, Status, VerbResult,
    args::{BuildOptions, ChrootArgs, OutputArgs},
    frame,
    job::{self, Cleanup},
    setup,
};
use rpmkit_core::{
    Error, Events, ExitCode,
    build::{
        About, BuildError, Buildroot, Built, ChrootAccess, Rebuild, build_requirements,
        failure_report,
    },
    config::{SearchRules, Settings},
    repo::{
        OWN_RESULTS,
        create::{CreateOptions, create},
        local::read_header,
    },
    results::failure::FailureCause,
    types::{Dep, is_source_package},
};
use rpmkit_graph::PackageDeps;

use super::{
    home::{ChainHome, ChainRecord, locked},
    key::KeyParts,
    memory::MemoryWatch,
    task::{ANSWER, ChainAnswer, ChainTask, TASK, TASK_FORMAT, read, write},
};

/// Its name among the verbs. Nothing a user types, and no promise.
pub const HIDDEN: &str = "__chain-task";

/// Name of the directory with the logs of a build that failed, in the task's.
pub const FAILED: &str = "failed";

/// A task and the words its chain was called with.
#[derive(Debug, Parser)]
struct WorkerArgs {
    dir: PathBuf,
    #[command(flatten)]
    chroot: ChrootArgs,
    #[command(flatten)]
    options: BuildOptions,
}

/// Does the task in the directory given.
pub fn run(cx: &mut Context, args: Vec<OsString>) -> VerbResult {
    let args: WorkerArgs = match frame::parse(cx, args) {
        Ok(args) => args,
        Err(ended) => return ended,
    };
    let path = args.dir.join(TASK);
    let task: ChainTask = read(&path)
        .map_err(|e| Failure::general(format!("cannot read `{}`: {e}", path.display())))?;
    if task.format != TASK_FORMAT {
        return Err(Failure::general(format!(
            "`{}` is of format {}, {TASK_FORMAT} was expected: all machines need the same rpmkit",
            path.display(),
            task.format
        )));
    }
    if let Some(parent) = task.parent {
        end_with(parent)?;
    }
    // Says that somebody is at work here. Whoever has it, the work is the same.
    let _lock = locked(&args.dir.join("lock"));
    let answer = args.dir.join(ANSWER);
    if let Ok(ChainAnswer::Built { .. }) = read(&answer) {
        // It was done before.
        return Ok(Status::OK);
    }
    let events = cx.listen(&OutputArgs {
        json: true,
        ..OutputArgs::default()
    });
    let outcome = WorkerRun {
        cx,
        args: &args,
        task: &task,
        events,
    }
    .all();
    let told = outcome.unwrap_or_else(|failure| told(&failure));
    write(&answer, &told)
        .map_err(|e| Failure::general(format!("cannot write `{}`: {e}", answer.display())))?;
    Ok(Status(match told {
        ChainAnswer::Built { .. } | ChainAnswer::Explained { .. } => 0,
        ChainAnswer::Failed { code, .. } => code.max(1),
        ChainAnswer::Withheld { .. } | ChainAnswer::Unmet { .. } => {
            ExitCode::ChainIncomplete.code()
        }
    }))
}

/// Has this process end when the one that started it does.
fn end_with(parent: u32) -> Result<(), Failure> {
    nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL)
        .map_err(|e| Failure::general(format!("cannot watch process {parent}: {e}")))?;
    if u32::try_from(nix::unistd::getppid().as_raw()) != Ok(parent) {
        return Err(Failure::general(format!("process {parent} has ended")));
    }
    Ok(())
}

/// What a failure is to the chain.
fn told(failure: &Failure) -> ChainAnswer {
    let reason = failure
        .message
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned();
    match failure.report.as_ref().map(|report| &report.cause) {
        Some(FailureCause::Withheld { requirements }) => ChainAnswer::Withheld {
            requirements: requirements.clone(),
        },
        Some(FailureCause::Unresolvable { requirements, .. }) => ChainAnswer::Unmet {
            requirements: requirements.iter().map(|u| u.requirement.clone()).collect(),
            reason,
        },
        _ => ChainAnswer::Failed {
            code: failure.code,
            reason,
        },
    }
}

struct WorkerRun<'a> {
    cx: &'a Context,
    args: &'a WorkerArgs,
    task: &'a ChainTask,
    events: Events,
}

impl WorkerRun<'_> {
    fn all(&self) -> Result<ChainAnswer, Failure> {
        let (cx, task) = (self.cx, self.task);
        let home = ChainHome::open(&task.home)
            .map_err(|e| Failure::general(format!("cannot use `{}`: {e}", task.home.display())))?;
        let mut settings = self.settings()?;
        for (number, dir) in self.repositories()?.iter().enumerate() {
            settings
                .repositories
                .dnf_conf
                .push_str(&section(number, dir));
        }
        let engine = setup::engine(cx, self.events.clone(), &settings)?;
        let mut root =
            Buildroot::open(&engine, &settings, ChrootAccess::Ephemeral).map_err(Error::from)?;
        let parts = self.parts(&mut root, &task.generated)?;
        if task.explain {
            root.discard().map_err(Error::from)?;
            return Ok(ChainAnswer::Explained { parts });
        }
        if !task.force
            && let Some((results, record)) = home.find(&parts.key())
        {
            root.discard().map_err(Error::from)?;
            return Ok(answer(&record, results, true));
        }
        let dir = self.workdir()?;
        let built = self.build(root, &dir);
        let (built, seconds, memory) = match built {
            Ok(built) => built,
            Err(failure) => {
                self.keep_logs(&dir);
                return Err(failure);
            }
        };
        let parts = match built.generated == task.generated {
            true => parts,
            false => {
                let mut root = Buildroot::open(&engine, &settings, ChrootAccess::Ephemeral)
                    .map_err(Error::from)?;
                let parts = self.parts(&mut root, &built.generated)?;
                root.discard().map_err(Error::from)?;
                parts
            }
        };
        let record = ChainRecord {
            parts,
            package: task.package.name.clone(),
            generated: built.generated.clone(),
            deps: deps(&built).map_err(Error::from)?,
            seconds,
            memory,
            results: PathBuf::new(),
        };
        let options = CreateOptions {
            exclude_sources: true,
            ..CreateOptions::default()
        };
        create(&dir, &options).map_err(|e| Error::from(BuildError::from(e)))?;
        let results = home
            .publish(&dir, &record)
            .map_err(|e| Failure::general(format!("cannot keep the results: {e}")))?;
        let record = ChainRecord {
            results: results.clone(),
            ..record
        };
        if !task.bootstrap
            && let Err(error) = home.remember(&record)
        {
            self.events.warn(format!(
                "what is known of {} is not kept: {error}",
                record.package
            ));
        }
        Ok(answer(&record, results, false))
    }

    fn settings(&self) -> Result<Settings, Failure> {
        let (chroot, options) = (&self.args.chroot, &self.args.options);
        let root = chroot
            .root
            .first()
            .ok_or_else(|| Failure::usage("the task names no chroot"))?;
        let configured = setup::configure(
            self.cx,
            root,
            SearchRules::Rpmkit,
            chroot.configdir.as_deref(),
            &chroot.addrepo,
            setup::overrides(chroot, options),
        )?;
        Ok(configured.settings)
    }

    /// Results of what it waits for.
    fn repositories(&self) -> Result<Vec<PathBuf>, Failure> {
        let results = |dir: &PathBuf| match read(&dir.join(ANSWER)) {
            Ok(ChainAnswer::Built { results, .. }) => Ok(results),
            _ => Err(Failure::new(
                ExitCode::ChainIncomplete,
                format!("`{}`, which it waits for, has no results", dir.display()),
            )),
        };
        self.task.visible.iter().map(results).collect()
    }

    fn parts(&self, root: &mut Buildroot, generated: &[Dep]) -> Result<KeyParts, Failure> {
        let own = [self.task.build_requires.clone(), generated.to_vec()].concat();
        let packages = build_requirements(root, &self.task.package, own)
            .and_then(|request| root.would_hold(&request))
            .map_err(|error| {
                Failure::of_report(failure_report(&error, &self.about(root.settings())))
            })?;
        Ok(KeyParts::new(
            root.settings(),
            &self.task.sources,
            &packages,
        ))
    }

    fn about(&self, settings: &Settings) -> About {
        About {
            chroot: settings.chroot.chroot_name.clone(),
            package: format!(
                "{}-{}-{}",
                self.task.package.name,
                self.task.package.evr.version,
                self.task.package.evr.release
            ),
            ..About::default()
        }
    }

    /// A directory for this very process: another one may be at the same task.
    fn workdir(&self) -> Result<PathBuf, Failure> {
        let make = || {
            tempfile::Builder::new()
                .prefix("work.")
                .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o755))
                .tempdir_in(&self.args.dir)
        };
        make().map(tempfile::TempDir::keep).map_err(|e| {
            Failure::general(format!("cannot write `{}`: {e}", self.args.dir.display()))
        })
    }

    fn build(&self, root: Buildroot, dir: &Path) -> Result<(Built, f64, u64), Failure> {
        let about = self.about(root.settings());
        let job = Rebuild {
            srpm: self.task.srpm.clone(),
            spec: None,
            sources: None,
            resultdir: dir.to_owned(),
            clean: true,
            from: None,
            calculate: false,
            withheld: self.task.withheld.clone(),
        };
        let cleanup = Cleanup {
            on_success: true,
            on_failure: true,
            by_name: false,
        };
        let (watch, started) = (MemoryWatch::start(), Instant::now());
        let built = job::build(self.cx, root, &job, about, cleanup)?;
        Ok((built, started.elapsed().as_secs_f64(), watch.finish()))
    }

    /// Puts the logs of a failed build where its chain looks for them.
    fn keep_logs(&self, dir: &Path) {
        let to = self.args.dir.join(FAILED);
        let moved = fs::remove_dir_all(&to)
            .or_else(|e| match e.kind() {
                std::io::ErrorKind::NotFound => Ok(()),
                _ => Err(e),
            })
            .and_then(|()| fs::rename(dir, &to));
        if let Err(error) = moved {
            self.events
                .warn(format!("the logs are left in `{}`: {error}", dir.display()));
        }
    }
}

fn answer(record: &ChainRecord, results: PathBuf, reused: bool) -> ChainAnswer {
    ChainAnswer::Built {
        results,
        reused,
        seconds: record.seconds,
        memory: record.memory,
    }
}

/// The repository of one build's results. They never change, and are ours.
fn section(number: usize, dir: &Path) -> String {
    let id = format!("{OWN_RESULTS}_{number}");
    format!(
        "\n[{id}]\nname={id}\nbaseurl=file://{}\nenabled=1\nskip_if_unavailable=0\nmetadata_expire=0\ncost=1\n\
         gpgcheck=0\nmodule_hotfixes=1\n",
        dir.display()
    )
}

/// What the packages of a build provide and require.
fn deps(built: &Built) -> Result<PackageDeps, BuildError> {
    let mut out = PackageDeps::default();
    let packages = built.artifacts.iter().filter(|path| {
        path.extension().is_some_and(|kind| kind == "rpm") && !is_source_package(path)
    });
    for path in packages {
        let package = read_header(path)?;
        out.provides.extend(package.provides);
        out.provides.extend(package.files.into_iter().map(Dep::any));
        let requires = package.requires.into_iter().map(|one| one.dep);
        out.requires.extend(requires.filter(|dep| !dep.is_rpmlib()));
    }
    for list in [&mut out.provides, &mut out.requires] {
        list.sort_by_cached_key(ToString::to_string);
        list.dedup();
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use rpmkit_core::results::failure::{FailureReport, Unmet};

    use super::*;

    #[test]
    fn failures_are_told_by_what_the_chain_can_do_about_them() {
        let of = |cause| {
            told(&Failure::of_report(FailureReport::new(
                ExitCode::Build,
                cause,
                "it failed\nat length".to_owned(),
            )))
        };
        let requirements = vec![Dep::any("x")];
        assert_eq!(
            of(FailureCause::Withheld {
                requirements: requirements.clone()
            }),
            ChainAnswer::Withheld { requirements }
        );
        let unmet = Unmet {
            requirement: "y >= 2".into(),
            line: None,
        };
        let unresolvable = FailureCause::Unresolvable {
            problems: Vec::new(),
            unmatched: Vec::new(),
            requirements: vec![unmet],
        };
        assert!(
            matches!(of(unresolvable), ChainAnswer::Unmet { requirements, .. } if requirements == ["y >= 2"])
        );
        let failed = ChainAnswer::Failed {
            code: 10,
            reason: "it failed".into(),
        };
        assert_eq!(of(FailureCause::Other), failed);
    }

    #[test]
    fn repositories_of_results_are_numbered_and_never_stale() {
        let text = section(3, Path::new("/r"));
        assert!(text.contains("[local_build_repo_3]\n") && text.contains("metadata_expire=0\n"));
    }
}
