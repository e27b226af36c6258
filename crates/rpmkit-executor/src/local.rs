//! Processes of this machine.

use std::{
    collections::BTreeMap,
    fs::File,
    process::Child,
    rc::Rc,
    time::{Duration, Instant},
};

use rpmkit_graph::{Executor, ExecutorError, JobEnd, JobTicket, NodeId};
use rpmkit_host::{Environment, HostCommand, Tool};

use crate::spool::{JobSpool, Tails, last_line};

/// How often processes are looked at.
const LOOK: Duration = Duration::from_millis(10);

/// Runs each build as a process of its own.
pub struct LocalExecutor {
    spool: Rc<dyn JobSpool>,
    environment: Environment,
    running: BTreeMap<NodeId, Child>,
    tails: Tails,
}

impl LocalExecutor {
    /// An executor of what `spool` has. Workers get this environment.
    pub fn new(spool: Rc<dyn JobSpool>, environment: Environment) -> Self {
        Self {
            spool,
            environment,
            running: BTreeMap::new(),
            tails: Tails::default(),
        }
    }

    fn end(&self, node: NodeId, status: std::process::ExitStatus) -> JobEnd {
        self.spool.outcome(node).unwrap_or_else(|| {
            let said = last_line(&self.spool.errors(node));
            let said = said.map_or_else(String::new, |line| format!(": {line}"));
            JobEnd::Lost {
                reason: format!("its process ended with {status}{said}"),
            }
        })
    }
}

impl Executor for LocalExecutor {
    fn submit(&mut self, job: &JobTicket) -> Result<(), ExecutorError> {
        self.spool.prepare(job.node)?;
        self.tails.forget(job.node);
        let label = self.spool.label(job.node);
        let failed =
            |reason: String| ExecutorError::new(format!("start the build of {label}"), reason);
        let mut words = self.spool.command(job.node).into_iter();
        let program = words.next().unwrap_or_default();
        let open = |path| {
            let file = File::options().create(true).append(true).open(path);
            file.map_err(|e| failed(e.to_string()))
        };
        let child = HostCommand::new(Tool::Users, &program, &self.environment)
            .map_err(|e| failed(e.to_string()))?
            .args(words)
            .to_std()
            .stdout(open(self.spool.output(job.node))?)
            .stderr(open(self.spool.errors(job.node))?)
            .spawn()
            .map_err(|e| failed(e.to_string()))?;
        self.running.insert(job.node, child);
        Ok(())
    }

    fn poll(&mut self, wait: Duration) -> Result<Vec<(NodeId, JobEnd)>, ExecutorError> {
        let until = Instant::now() + wait;
        loop {
            let mut ended = Vec::new();
            for (node, child) in &mut self.running {
                let status = child
                    .try_wait()
                    .map_err(|e| ExecutorError::new("wait for a build's process", e.to_string()))?;
                ended.extend(status.map(|status| (*node, status)));
            }
            if !ended.is_empty() || Instant::now() >= until {
                for (node, _) in &ended {
                    self.running.remove(node);
                }
                let ends = ended.into_iter();
                return Ok(ends
                    .map(|(node, status)| (node, self.end(node, status)))
                    .collect());
            }
            std::thread::sleep(LOOK);
        }
    }

    fn cancel(&mut self, node: NodeId) -> Result<(), ExecutorError> {
        self.tails.forget(node);
        let Some(mut child) = self.running.remove(&node) else {
            return Ok(());
        };
        child
            .kill()
            .and_then(|()| child.wait())
            .map(drop)
            .map_err(|e| ExecutorError::new("end a build's process", e.to_string()))
    }

    fn logs(&mut self, node: NodeId) -> Result<Vec<u8>, ExecutorError> {
        self.tails.more(node, &self.spool.output(node))
    }
}

impl Drop for LocalExecutor {
    fn drop(&mut self) {
        for child in self.running.values_mut() {
            // It is over either way.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::PathBuf;

    use rpmkit_graph::JobEstimate;

    use super::*;

    /// Shell lines as workers; one that leaves a file `N` was done.
    struct Lines {
        dir: tempfile::TempDir,
        lines: Vec<&'static str>,
    }

    impl Lines {
        fn path(&self, node: NodeId, kind: &str) -> PathBuf {
            self.dir.path().join(format!("{node}{kind}"))
        }
    }

    impl JobSpool for Lines {
        fn prepare(&self, _: NodeId) -> Result<(), ExecutorError> {
            Ok(())
        }
        fn command(&self, node: NodeId) -> Vec<String> {
            let line = self.lines[node]
                .replace("DONE", &format!("touch {}", self.path(node, "").display()));
            ["sh", "-c", &line].map(str::to_owned).to_vec()
        }
        fn output(&self, node: NodeId) -> PathBuf {
            self.path(node, ".out")
        }
        fn errors(&self, node: NodeId) -> PathBuf {
            self.path(node, ".err")
        }
        fn outcome(&self, node: NodeId) -> Option<JobEnd> {
            self.path(node, "")
                .exists()
                .then_some(JobEnd::Built { reused: false })
        }
        fn label(&self, node: NodeId) -> String {
            node.to_string()
        }
    }

    fn executor(lines: &[&'static str]) -> LocalExecutor {
        let spool = Rc::new(Lines {
            dir: tempfile::tempdir().unwrap(),
            lines: lines.to_vec(),
        });
        let environment = [("PATH", "/usr/bin:/bin")].into_iter().collect();
        LocalExecutor::new(spool, environment)
    }

    fn submit(executor: &mut LocalExecutor, node: NodeId) {
        let estimate = JobEstimate {
            seconds: 0.0,
            memory: 0,
        };
        let job = JobTicket {
            node,
            after: Vec::new(),
            estimate,
        };
        executor.submit(&job).unwrap();
    }

    fn all(executor: &mut LocalExecutor) -> Vec<(NodeId, JobEnd)> {
        executor.poll(Duration::from_secs(60)).unwrap()
    }

    #[test]
    fn the_answer_counts_and_a_worker_without_one_is_lost() {
        let mut executor = executor(&["echo one; DONE; exit 3", "echo why >&2; kill -9 $$"]);
        submit(&mut executor, 0);
        assert_eq!(all(&mut executor), [(0, JobEnd::Built { reused: false })]);
        assert_eq!(executor.logs(0).unwrap(), b"one\n");
        assert_eq!(executor.logs(0).unwrap(), b"");
        submit(&mut executor, 1);
        let (_, end) = all(&mut executor).remove(0);
        assert!(
            matches!(&end, JobEnd::Lost { reason } if reason.contains("signal: 9") && reason.ends_with("why")),
            "{end:?}"
        );
    }

    #[test]
    fn cancelled_ones_end() {
        let mut executor = executor(&["sleep 1000"]);
        submit(&mut executor, 0);
        executor.cancel(0).unwrap();
        executor.cancel(0).unwrap();
        assert_eq!(executor.poll(Duration::ZERO).unwrap(), []);
    }
}
