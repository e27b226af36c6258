//! The loop that gives ready builds to an executor until nothing is left.

use std::time::Duration;

use rpmkit_types::Dep;

use crate::{Cycle, Executor, ExecutorError, JobEnd, JobScheduler, JobState, JobTicket, NodeId};

/// How failures are met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DrivePolicy {
    /// Go on with what does not depend on what failed.
    pub keep_going: bool,
    /// Try failed ones again as long as a round has built others.
    pub rounds: bool,
    /// How often a build whose place went away is done again.
    pub losses: usize,
    /// How long to wait between looks.
    pub wait: Duration,
}

impl Default for DrivePolicy {
    fn default() -> Self {
        Self {
            keep_going: true,
            rounds: false,
            losses: 3,
            wait: Duration::from_millis(100),
        }
    }
}

/// What the end of a build changes for others.
#[derive(Debug, Default)]
pub struct Reaction {
    /// Builds that have not begun and now wait for another one.
    pub needs: Vec<(NodeId, NodeId)>,
    /// Builds put aside that may be tried again.
    pub retry: Vec<NodeId>,
}

/// Who follows a chain.
pub trait ChainObserver {
    /// A build begins. With a queue, it is in the queue.
    fn started(&mut self, node: NodeId, scheduler: &JobScheduler);
    /// A build ended. What it built may change what others wait for.
    fn ended(&mut self, node: NodeId, end: &JobEnd, scheduler: &JobScheduler) -> Reaction;
    /// A build will not happen because of another one.
    fn blocked(&mut self, node: NodeId, by: NodeId);
    /// `node` is to wait for `on`.
    ///
    /// # Errors
    /// The circle that would close.
    fn connect(&mut self, node: NodeId, on: NodeId, requirement: &Dep) -> Result<(), Box<Cycle>>;
    /// Something happened to a build, for people.
    fn noticed(&mut self, node: NodeId, text: &str);
    /// What a running build wrote.
    fn wrote(&mut self, node: NodeId, bytes: &[u8]);
    /// Time passes. `false` ends the chain.
    fn tick(&mut self, scheduler: &JobScheduler) -> bool;
}

/// Builds all there is.
///
/// # Errors
/// What the executor cannot do; what runs then is ended.
pub fn drive(
    scheduler: &mut JobScheduler,
    executor: &mut dyn Executor,
    observer: &mut dyn ChainObserver,
    policy: DrivePolicy,
) -> Result<(), ExecutorError> {
    let mut run = Drive {
        losses: vec![0; scheduler.count()],
        scheduler,
        executor,
        observer,
        policy,
        stopping: false,
        built: 0,
    };
    let outcome = run.all();
    if outcome.is_err() || run.stopping {
        for node in run.scheduler.running_nodes() {
            // It is ended as well as can be.
            let _ = run.executor.cancel(node);
        }
    }
    outcome
}

struct Drive<'a> {
    losses: Vec<usize>,
    scheduler: &'a mut JobScheduler,
    executor: &'a mut dyn Executor,
    observer: &'a mut dyn ChainObserver,
    policy: DrivePolicy,
    stopping: bool,
    built: usize,
}

impl Drive<'_> {
    fn all(&mut self) -> Result<(), ExecutorError> {
        loop {
            self.fill()?;
            if self.scheduler.running() == 0 {
                if self.another_round() {
                    continue;
                }
                return Ok(());
            }
            let ended = self.executor.poll(self.policy.wait)?;
            for node in self.scheduler.running_nodes() {
                let bytes = self.executor.logs(node)?;
                if !bytes.is_empty() {
                    self.observer.wrote(node, &bytes);
                }
            }
            for (node, text) in self.executor.notices() {
                self.observer.noticed(node, &text);
            }
            for (node, end) in ended {
                self.end(node, end)?;
            }
            if !self.observer.tick(self.scheduler) {
                self.stopping = true;
                return Ok(());
            }
        }
    }

    /// Gives out what can be.
    fn fill(&mut self) -> Result<(), ExecutorError> {
        if self.stopping {
            return Ok(());
        }
        if self.executor.has_queue() {
            for node in self.scheduler.all() {
                self.submit(node)?;
            }
            return Ok(());
        }
        while let Some(node) = self.scheduler.start_next() {
            self.submit(node)?;
        }
        Ok(())
    }

    fn submit(&mut self, node: NodeId) -> Result<(), ExecutorError> {
        let ticket = JobTicket {
            node,
            after: self.scheduler.waits_for(node),
            estimate: self.scheduler.estimate(node),
        };
        self.executor.submit(&ticket)?;
        self.observer.started(node, self.scheduler);
        Ok(())
    }

    fn end(&mut self, node: NodeId, end: JobEnd) -> Result<(), ExecutorError> {
        if self.scheduler.state(node) != JobState::Running {
            // It was given up meanwhile.
            return Ok(());
        }
        let end = self.settled(node, end)?;
        match end {
            JobEnd::Built { reused } => {
                self.built += usize::from(!reused);
                self.scheduler.done(node);
            }
            JobEnd::Failed { .. } => {
                for blocked in self.scheduler.failed(node) {
                    self.executor.cancel(blocked)?;
                    self.observer.blocked(blocked, node);
                }
                self.stopping |= !self.policy.keep_going;
            }
            JobEnd::Unmet => self.scheduler.defer(node),
            JobEnd::NeedsMore(_) | JobEnd::Lost { .. } => {}
        }
        let reaction = self.observer.ended(node, &end, self.scheduler);
        for (waiting, on) in reaction.needs {
            if self.scheduler.state(waiting) == JobState::Waiting {
                self.scheduler.wait_for(waiting, on);
            }
        }
        for again in reaction.retry {
            if self.scheduler.state(again) == JobState::Deferred {
                self.scheduler.again(again);
            }
        }
        if matches!(end, JobEnd::NeedsMore(_) | JobEnd::Lost { .. }) {
            self.take_back(node)?;
        }
        Ok(())
    }

    /// What an end comes to: needs that would close a circle and places lost too often are failures.
    fn settled(&mut self, node: NodeId, end: JobEnd) -> Result<JobEnd, ExecutorError> {
        match &end {
            JobEnd::NeedsMore(needs) => {
                for (on, requirement) in needs {
                    if let Err(cycle) = self.observer.connect(node, *on, requirement) {
                        return Ok(JobEnd::Failed {
                            code: rpmkit_types::ExitCode::ChainIncomplete.code(),
                            reason: format!("its generated requirements close a circle: {cycle}"),
                        });
                    }
                    self.scheduler.wait_for(node, *on);
                }
                Ok(end)
            }
            JobEnd::Lost { reason } => {
                self.losses[node] += 1;
                if self.losses[node] > self.policy.losses {
                    let reason = format!("given up after {} tries: {reason}", self.losses[node]);
                    return Ok(JobEnd::Failed {
                        code: rpmkit_types::ExitCode::General.code(),
                        reason,
                    });
                }
                Ok(end)
            }
            _ => Ok(end),
        }
    }

    /// Puts a build back among those that wait; with a queue, those behind it as well.
    fn take_back(&mut self, node: NodeId) -> Result<(), ExecutorError> {
        if self.executor.has_queue() {
            let mut todo = vec![node];
            while let Some(one) = todo.pop() {
                for behind in self.scheduler.running_nodes() {
                    if behind != node && self.scheduler.waits_for(behind).contains(&one) {
                        self.executor.cancel(behind)?;
                        self.scheduler.again(behind);
                        todo.push(behind);
                    }
                }
            }
        }
        self.scheduler.again(node);
        Ok(())
    }

    /// Nothing runs and nothing is ready: what was put aside has failed; failed ones have another round where
    /// that is asked for and something was built since.
    fn another_round(&mut self) -> bool {
        if self.stopping {
            return false;
        }
        let aside = self.scheduler.all_in(|s| s == JobState::Deferred);
        if !aside.is_empty() {
            for node in aside {
                for blocked in self.scheduler.failed(node) {
                    self.observer.blocked(blocked, node);
                }
            }
            return true;
        }
        let failed = self.scheduler.all_in(|s| s == JobState::Failed);
        if !self.policy.rounds || failed.is_empty() || self.built == 0 {
            return false;
        }
        self.built = 0;
        for node in failed {
            self.scheduler.retry(node);
        }
        true
    }
}

#[cfg(test)]
mod tests;
