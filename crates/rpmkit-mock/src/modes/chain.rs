//! `--chain`: several source packages in the order given, each with the results of those before it. The scheduler is that of
//! `rpmkit chain`, with one place and without a graph.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use rpmkit_cli::{Context, Failure, Status, VerbResult};
use rpmkit_core::{
    Error, ExitCode,
    build::{BuildError, Buildroot, ChrootAccess},
    event::Level,
    repo::OWN_RESULTS,
    types::{Dep, source_stem},
};
use rpmkit_graph::{
    ChainObserver, Cycle, DrivePolicy, Executor, ExecutorError, JobEnd, JobScheduler, JobState,
    JobTicket, NodeId, Reaction, drive,
};

use super::{
    rebuild::{fetched, one, post_install},
    work::Work,
};

/// Builds the chain.
pub fn run(cx: &Context, work: &Work<'_>) -> VerbResult {
    let options = &work.request.options;
    if work.request.words.is_empty() {
        return Err(Failure::usage("You must specify an SRPM file with --chain"));
    }
    let downloads = cx.host.dirs.scratch()?;
    let repo = repository(cx, work)?;
    work.info(format!("results dir: {}", repo.display()));
    index(&repo)?;
    let chain = Chain {
        cx,
        work,
        repo: &repo,
        downloads: downloads.path(),
    };
    let words = &work.request.words;
    let mut one = InOrder {
        chain,
        words,
        ends: Vec::new(),
        failure: None,
        done: Vec::new(),
        skipped: Vec::new(),
        failed: Vec::new(),
        rounds: 1,
    };
    let mut scheduler = JobScheduler::in_order(words.len());
    let policy = DrivePolicy {
        keep_going: options.keep_going,
        rounds: options.recurse,
        ..DrivePolicy::default()
    };
    let driven = drive(&mut scheduler, &mut one, &mut Unfollowed, policy);
    if let Some(failure) = one.failure {
        return Err(failure);
    }
    driven.map_err(|e| Failure::general(e.to_string()))?;
    let failed = scheduler.all_in(|state| state == JobState::Failed);
    one.tell_failed(&failed, options.recurse, options.keep_going);
    finish(work, &repo, &one.done, &one.skipped, failed.len())
}

/// mock's executor: builds in this process, one after another.
struct InOrder<'a> {
    chain: Chain<'a>,
    words: &'a [String],
    ends: Vec<(NodeId, JobEnd)>,
    /// What ended the chain besides a failed build.
    failure: Option<Failure>,
    done: Vec<String>,
    skipped: Vec<String>,
    /// What failed in this round.
    failed: Vec<NodeId>,
    rounds: usize,
}

impl InOrder<'_> {
    /// mock's words where a round begins that tries again what failed.
    fn tell_round(&mut self, node: NodeId) {
        if !self.failed.contains(&node) {
            return;
        }
        let failed = std::mem::take(&mut self.failed).len();
        self.rounds += 1;
        let work = self.chain.work;
        work.info("Some package succeeded, some failed.");
        work.info(format!(
            "Trying to rebuild {failed} failed pkgs, because --recurse is set."
        ));
    }

    /// mock's words about what could not be built.
    fn tell_failed(&self, failed: &[NodeId], recurse: bool, keep_going: bool) {
        let work = self.chain.work;
        let Some(first) = failed.first() else {
            return;
        };
        if recurse {
            work.info(format!(
                "Tried {} times - following pkgs could not be successfully built:",
                self.rounds
            ));
            failed
                .iter()
                .for_each(|node| work.info(self.words[*node].as_str()));
        } else if !keep_going && self.words.last() != self.words.get(*first) {
            work.events.narrate(
                Level::Error,
                format!(
                    "Stopping the --chain build because --continue isn't specified and the package \
                     '{}' failed to build",
                    self.words[*first]
                ),
            );
        }
    }
}

impl Executor for InOrder<'_> {
    fn submit(&mut self, job: &JobTicket) -> Result<(), ExecutorError> {
        self.tell_round(job.node);
        let word = &self.words[job.node];
        let end = match self.chain.package(word) {
            Ok(ChainEnd::Built) => {
                self.done.push(word.clone());
                JobEnd::Built { reused: false }
            }
            Ok(ChainEnd::Already) => {
                self.skipped.push(word.clone());
                // A round that built nothing is the last one.
                JobEnd::Built { reused: true }
            }
            Ok(ChainEnd::Failed) => {
                self.failed.push(job.node);
                JobEnd::Failed {
                    code: ExitCode::ChainIncomplete.code(),
                    reason: String::new(),
                }
            }
            Err(failure) => {
                let error = ExecutorError::new(format!("build {word}"), failure.to_string());
                self.failure = Some(failure);
                return Err(error);
            }
        };
        self.ends.push((job.node, end));
        Ok(())
    }

    fn poll(&mut self, _: Duration) -> Result<Vec<(NodeId, JobEnd)>, ExecutorError> {
        Ok(std::mem::take(&mut self.ends))
    }

    fn cancel(&mut self, _: NodeId) -> Result<(), ExecutorError> {
        Ok(())
    }

    fn logs(&mut self, _: NodeId) -> Result<Vec<u8>, ExecutorError> {
        // They are on the screen already.
        Ok(Vec::new())
    }
}

/// mock tells all there is to tell while it builds.
struct Unfollowed;

impl ChainObserver for Unfollowed {
    fn started(&mut self, _: NodeId, _: &JobScheduler) {}

    fn ended(&mut self, _: NodeId, _: &JobEnd, _: &JobScheduler) -> Reaction {
        Reaction::default()
    }

    fn blocked(&mut self, _: NodeId, _: NodeId) {}

    fn connect(&mut self, _: NodeId, _: NodeId, _: &Dep) -> Result<(), Box<Cycle>> {
        Ok(())
    }

    fn noticed(&mut self, _: NodeId, _: &str) {}
    fn wrote(&mut self, _: NodeId, _: &[u8]) {}

    fn tick(&mut self, _: &JobScheduler) -> bool {
        rpmkit_cli::signals::stopped().is_none()
    }
}

fn finish(
    work: &Work<'_>,
    repo: &Path,
    done: &[String],
    skipped: &[String],
    failed: usize,
) -> VerbResult {
    work.info(format!("Results out to: {}", repo.display()));
    if !skipped.is_empty() {
        work.info(format!("Packages skipped: {}", skipped.len()));
        skipped.iter().for_each(|word| work.info(word.as_str()));
    }
    work.info(format!("Packages built: {}", done.len()));
    if !done.is_empty() {
        work.info(if failed > 0 {
            "Some packages successfully built in this order:"
        } else {
            "Packages successfully built in this order:"
        });
        done.iter().for_each(|word| work.info(word.as_str()));
    }
    if failed == 0 {
        return Ok(Status::OK);
    }
    // mock just ends so; what went wrong has been said.
    Ok(Status(ExitCode::ChainIncomplete.code()))
}

enum ChainEnd {
    Built,
    Already,
    Failed,
}

struct Chain<'a> {
    cx: &'a Context,
    work: &'a Work<'a>,
    repo: &'a Path,
    downloads: &'a Path,
}

impl Chain<'_> {
    fn package(&self, word: &str) -> Result<ChainEnd, Failure> {
        let name = word.rsplit('/').next().unwrap_or(word);
        let Some(stem) = stem(name) else {
            self.work.events.narrate(
                Level::Error,
                format!("{word} doesn't appear to be an rpm - skipping"),
            );
            return Ok(ChainEnd::Failed);
        };
        let dir = self.repo.join(stem);
        self.work.info(format!("Start chain build: {word}"));
        if dir.join("success").exists() {
            self.work.info(format!("End chain build: {word}"));
            self.work.info(format!("Skipping already built pkg {name}"));
            return Ok(ChainEnd::Already);
        }
        let built = self.build(word, &dir);
        let ok = built.is_ok();
        if let Err(failure) = built {
            let lines = failure.statement();
            self.cx.logs.error(&lines);
            lines
                .iter()
                .for_each(|line| self.cx.printer.line(format!("ERROR: {line}")));
        }
        self.work.info(format!("End chain build: {word}"));
        let (made, old) = if ok {
            ("success", "fail")
        } else {
            ("fail", "success")
        };
        if ok {
            self.work.info(format!("Success building {name}"));
        } else {
            self.work.info(format!("Error building {name}."));
            self.work.info(if self.work.request.options.recurse {
                "Will try to build again (if some other package will succeed).".to_owned()
            } else {
                format!("See logs/results in {}", self.repo.display())
            });
        }
        fs::create_dir_all(&dir)
            .and_then(|()| mark(&dir.join(made)))
            .map_err(|e| cannot("write", &dir.join(made), &e))?;
        // The mark of an earlier run may not be there.
        let _ = fs::remove_file(dir.join(old));
        if ok {
            index(self.repo)?;
        }
        Ok(if ok {
            ChainEnd::Built
        } else {
            ChainEnd::Failed
        })
    }

    fn build(&self, word: &str, dir: &Path) -> Result<(), Failure> {
        let srpm = fetched(self.cx, self.work, word, self.downloads)?;
        let engine = self.work.engine(self.cx)?;
        let mut settings = self.work.settings.clone();
        settings.repositories.dnf_conf.push_str(&section(self.repo));
        let root = Buildroot::open(&engine, &settings, ChrootAccess::OwnOrEphemeral)
            .map_err(|e| self.work.failure(&e))?;
        one(
            self.cx,
            self.work,
            root,
            (srpm, word),
            None,
            dir,
            self.work.settings.build.clean,
        )
        .inspect_err(|_| {
            self.work.clean_up(false, || ());
        })
        .and_then(|built| {
            self.work.clean_up(true, || ());
            if settings.build.post_install {
                post_install(self.cx, self.work, &settings, &[built])?;
            }
            Ok(())
        })
    }
}

/// The directory a package's results go to: its name without what tells packages.
fn stem(name: &str) -> Option<String> {
    source_stem(Path::new(name)).or_else(|| name.strip_suffix(".rpm").map(str::to_owned))
}

/// The repository of what has been built so far. Everything in it is fresh and ours.
fn section(repo: &Path) -> String {
    format!(
        "\n[{OWN_RESULTS}]\nname={OWN_RESULTS}\nbaseurl=file://{}\nenabled=1\nskip_if_unavailable=0\nmetadata_expire=0\ncost=1\ngpgcheck=0\n",
        repo.display()
    )
}

/// `LOCAL/results/CONFIG`, where LOCAL is as asked or a directory for this run.
fn repository(cx: &Context, work: &Work<'_>) -> Result<PathBuf, Failure> {
    let options = &work.request.options;
    let local = match &options.localrepo {
        Some(dir) => cx.host.cwd.join(cx.host.expand_user(dir)),
        None => {
            let prefix = options.tmp_prefix.as_ref().unwrap_or(&cx.host.login);
            let prefix = format!("mock-chain-{prefix}-{}-", std::process::id());
            let made = tempfile::Builder::new()
                .prefix(&prefix)
                .tempdir_in(&cx.host.dirs.temp);
            made.map_err(|e| cannot("make a directory in", &cx.host.dirs.temp, &e))?
                .keep()
        }
    };
    let repo = local
        .join("results")
        .join(&work.settings.chroot.chroot_name);
    fs::create_dir_all(&repo).map_err(|e| cannot("create", &repo, &e))?;
    Ok(repo)
}

/// Makes a repository of all packages below a directory.
fn index(repo: &Path) -> Result<(), Failure> {
    rpmkit_core::repo::create::create(
        repo,
        &rpmkit_core::repo::create::CreateOptions {
            update: true,
            ..Default::default()
        },
    )
    .map(drop)
    .map_err(|e| Error::from(BuildError::from(e)).into())
}

fn cannot(action: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::general(format!("cannot {action} `{}`: {error}", path.display()))
}

/// Writes a mark of how a build ended, in place of what is there: a link is not followed.
fn mark(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    fs::File::create_new(path)?.write_all(b"done\n")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_mark_is_written_through_no_link() {
        let dir = tempfile::tempdir().unwrap();
        let (victim, made) = (dir.path().join("victim"), dir.path().join("success"));
        fs::write(&victim, "mine").unwrap();
        std::os::unix::fs::symlink(&victim, &made).unwrap();
        mark(&made).unwrap();
        mark(&made).unwrap();
        assert_eq!(fs::read_to_string(&victim).unwrap(), "mine");
        assert_eq!(fs::read_to_string(&made).unwrap(), "done\n");
    }

    #[test]
    fn results_go_by_the_packages_name() {
        for (name, dir) in [
            ("a-1-1.src.rpm", Some("a-1-1")),
            ("a-1-1.nosrc.rpm", Some("a-1-1")),
            ("a.rpm", Some("a")),
            ("a.spec", None),
        ] {
            assert_eq!(stem(name).as_deref(), dir);
        }
    }

    #[test]
    fn the_repository_is_never_stale() {
        assert!(
            section(Path::new("/r")).contains(
                "baseurl=file:///r\nenabled=1\nskip_if_unavailable=0\nmetadata_expire=0\n"
            )
        );
    }
}
