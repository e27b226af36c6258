//! What may be built next: ready builds, the longest way to the end first, within cores and memory.

use std::{cmp::Ordering, collections::BTreeSet};

use crate::{ChainGraph, NodeId};

/// What a build will probably take.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct JobEstimate {
    /// Wall time, in seconds.
    pub seconds: f64,
    /// Peak memory, in bytes; 0 when nobody knows.
    pub memory: u64,
}

/// What all builds that run at once may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobLimits {
    /// Builds at once, at least 1.
    pub jobs: usize,
    /// Bytes of memory they may need together, by estimate. One build runs whatever it needs.
    pub memory: u64,
}

/// Where a build is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobState {
    /// Something it needs is not there yet, or there is no room for it.
    Waiting,
    /// Given to the executor.
    Running,
    /// Its requirements cannot be met by what is there; what others build may change that.
    Deferred,
    /// Its results are there.
    Done,
    /// It was tried.
    Failed,
    /// It cannot be built, since this one was not.
    Blocked(NodeId),
}

/// A ready build in the order they are started: those with the longest way to the end first.
#[derive(Debug, Clone, Copy, PartialEq)]
struct ReadyJob {
    /// Seconds.
    way: f64,
    node: NodeId,
}

impl Eq for ReadyJob {}

impl Ord for ReadyJob {
    fn cmp(&self, other: &Self) -> Ordering {
        other
            .way
            .total_cmp(&self.way)
            .then(self.node.cmp(&other.node))
    }
}

impl PartialOrd for ReadyJob {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The state of all builds.
#[derive(Debug)]
pub struct JobScheduler {
    estimates: Vec<JobEstimate>,
    limits: JobLimits,
    states: Vec<JobState>,
    /// Needs that are not done.
    missing: Vec<usize>,
    needs: Vec<Vec<NodeId>>,
    dependents: Vec<Vec<NodeId>>,
    /// Seconds from a build's start to the end of the last that waits for it.
    ways: Vec<f64>,
    ready: BTreeSet<ReadyJob>,
    running: BTreeSet<NodeId>,
    memory: u64,
}

impl JobScheduler {
    /// A scheduler of the graph's nodes, which must have no circle; `estimates` has one entry a node.
    pub fn new(graph: &ChainGraph, estimates: Vec<JobEstimate>, limits: JobLimits) -> Self {
        let needs = graph
            .nodes
            .iter()
            .map(|node| node.needs.iter().map(|need| need.node).collect())
            .collect();
        Self::of_needs(needs, estimates, limits)
    }

    /// A scheduler in which each build waits only for the one before it.
    pub fn in_order(count: usize) -> Self {
        let nothing = JobEstimate {
            seconds: 0.0,
            memory: 0,
        };
        let limits = JobLimits { jobs: 1, memory: 0 };
        Self::of_needs(vec![Vec::new(); count], vec![nothing; count], limits)
    }

    fn of_needs(needs: Vec<Vec<NodeId>>, estimates: Vec<JobEstimate>, limits: JobLimits) -> Self {
        let count = needs.len();
        let mut dependents = vec![Vec::new(); count];
        for (node, needs) in needs.iter().enumerate() {
            for need in needs {
                dependents[*need].push(node);
            }
        }
        let mut scheduler = Self {
            states: vec![JobState::Waiting; count],
            missing: needs.iter().map(Vec::len).collect(),
            ways: vec![0.0; count],
            ready: BTreeSet::new(),
            running: BTreeSet::new(),
            memory: 0,
            estimates,
            limits,
            needs,
            dependents,
        };
        scheduler.measure_ways();
        for node in 0..count {
            scheduler.offer(node);
        }
        scheduler
    }

    /// From the ends backwards.
    fn measure_ways(&mut self) {
        let mut left: Vec<usize> = self.dependents.iter().map(Vec::len).collect();
        let mut todo: Vec<NodeId> = (0..left.len()).filter(|n| left[*n] == 0).collect();
        while let Some(node) = todo.pop() {
            let rest = self.dependents[node].iter().map(|d| self.ways[*d]);
            self.ways[node] = self.estimates[node].seconds + rest.fold(0.0, f64::max);
            for need in &self.needs[node] {
                left[*need] -= 1;
                if left[*need] == 0 {
                    todo.push(*need);
                }
            }
        }
    }

    fn offer(&mut self, node: NodeId) {
        if self.states[node] == JobState::Waiting && self.missing[node] == 0 {
            self.ready.insert(self.job(node));
        }
    }

    fn job(&self, node: NodeId) -> ReadyJob {
        ReadyJob {
            way: self.ways[node],
            node,
        }
    }

    /// Where a build is.
    pub fn state(&self, node: NodeId) -> JobState {
        self.states[node]
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.states.len()
    }

    /// How many are being built.
    pub fn running(&self) -> usize {
        self.running.len()
    }

    /// Those that are being built, ascending.
    pub fn running_nodes(&self) -> Vec<NodeId> {
        self.running.iter().copied().collect()
    }

    /// What a build will probably take.
    pub fn estimate(&self, node: NodeId) -> JobEstimate {
        self.estimates[node]
    }

    /// What a build waits for that is not done.
    pub fn waits_for(&self, node: NodeId) -> Vec<NodeId> {
        let needs = self.needs[node].iter().copied();
        needs
            .filter(|need| self.states[*need] != JobState::Done)
            .collect()
    }

    /// The next build to start, which counts as running from now on. `None` when nothing is ready or nothing
    /// ready fits.
    pub fn start_next(&mut self) -> Option<NodeId> {
        if self.running.len() >= self.limits.jobs.max(1) {
            return None;
        }
        // A build that has to wait for memory holds up none that fits.
        let fits = |job: &&ReadyJob| {
            let wanted = self.estimates[job.node].memory;
            self.running.is_empty() || self.memory.saturating_add(wanted) <= self.limits.memory
        };
        let job = *self.ready.iter().find(fits)?;
        self.ready.remove(&job);
        self.start(job.node);
        Some(job.node)
    }

    fn start(&mut self, node: NodeId) {
        self.states[node] = JobState::Running;
        self.running.insert(node);
        self.memory += self.estimates[node].memory;
    }

    /// All builds that have not begun, each after what it needs, for an executor with a queue of its own; they
    /// count as running from now on.
    pub fn all(&mut self) -> Vec<NodeId> {
        let mut left = self.missing.clone();
        let mut todo: Vec<NodeId> = self.ready.iter().map(|job| job.node).collect();
        todo.reverse();
        let mut out = Vec::new();
        while let Some(node) = todo.pop() {
            out.push(node);
            for dependent in &self.dependents[node] {
                left[*dependent] -= 1;
                if left[*dependent] == 0 && self.states[*dependent] == JobState::Waiting {
                    todo.push(*dependent);
                }
            }
        }
        self.ready.clear();
        for node in &out {
            self.start(*node);
        }
        out
    }

    fn stop(&mut self, node: NodeId) {
        if self.states[node] == JobState::Running {
            self.running.remove(&node);
            self.memory -= self.estimates[node].memory;
        }
    }

    /// A build's results are there.
    pub fn done(&mut self, node: NodeId) {
        self.stop(node);
        self.ready.remove(&self.job(node));
        self.states[node] = JobState::Done;
        for at in 0..self.dependents[node].len() {
            let dependent = self.dependents[node][at];
            self.missing[dependent] -= 1;
            self.offer(dependent);
        }
    }

    /// A build was tried in vain. Gives those that cannot be built for that, which are blocked from now on.
    pub fn failed(&mut self, node: NodeId) -> Vec<NodeId> {
        self.stop(node);
        self.states[node] = JobState::Failed;
        let mut blocked = Vec::new();
        let mut todo = self.dependents[node].clone();
        while let Some(dependent) = todo.pop() {
            if !matches!(
                self.states[dependent],
                JobState::Waiting | JobState::Running | JobState::Deferred
            ) {
                continue;
            }
            self.stop(dependent);
            self.states[dependent] = JobState::Blocked(node);
            blocked.push(dependent);
            todo.extend(&self.dependents[dependent]);
        }
        blocked.sort_unstable();
        blocked
    }

    /// A running build goes back to those that wait.
    pub fn again(&mut self, node: NodeId) {
        self.stop(node);
        self.states[node] = JobState::Waiting;
        self.offer(node);
    }

    /// A failed build is tried once more.
    pub fn retry(&mut self, node: NodeId) {
        if self.states[node] == JobState::Failed {
            self.states[node] = JobState::Waiting;
            self.offer(node);
        }
    }

    /// A running build is put aside until [`JobScheduler::again`] or the end.
    pub fn defer(&mut self, node: NodeId) {
        self.stop(node);
        self.states[node] = JobState::Deferred;
    }

    /// `node`, which has not begun, waits for `on` as well. The caller knows that this closes no circle.
    pub fn wait_for(&mut self, node: NodeId, on: NodeId) {
        if self.needs[node].contains(&on) {
            return;
        }
        self.needs[node].push(on);
        self.dependents[on].push(node);
        if self.states[on] != JobState::Done {
            self.ready.remove(&self.job(node));
            self.missing[node] += 1;
        }
    }

    /// All in this state.
    pub fn all_in(&self, wanted: impl Fn(JobState) -> bool) -> Vec<NodeId> {
        (0..self.states.len())
            .filter(|node| wanted(self.states[*node]))
            .collect()
    }

    /// Seconds until all is done, by estimate: the longest way that is left, or all work that is left
    /// on all places, whichever is more.
    pub fn seconds_left(&self) -> f64 {
        let open = self.all_in(|s| {
            matches!(
                s,
                JobState::Waiting | JobState::Running | JobState::Deferred
            )
        });
        let longest = open.iter().map(|n| self.ways[*n]).fold(0.0, f64::max);
        let work: f64 = open.iter().map(|n| self.estimates[*n].seconds).sum();
        // More places than builds is no matter here; a count of places is small.
        #[allow(clippy::cast_precision_loss)]
        let places = self.limits.jobs.max(1) as f64;
        longest.max(work / places)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn of(needs: &[&[usize]], jobs: &[(f64, u64)], limits: JobLimits) -> JobScheduler {
        let estimates = jobs
            .iter()
            .map(|(seconds, memory)| JobEstimate {
                seconds: *seconds,
                memory: *memory,
            })
            .collect();
        JobScheduler::of_needs(
            needs.iter().map(|n| n.to_vec()).collect(),
            estimates,
            limits,
        )
    }

    const TWO: JobLimits = JobLimits {
        jobs: 2,
        memory: 10,
    };

    #[test]
    fn the_longest_way_goes_first_and_limits_hold() {
        // 0 is short and begins a long way; 1 and 2 are in nobody's way.
        let mut s = of(
            &[&[], &[], &[], &[0]],
            &[(1.0, 0), (5.0, 0), (4.0, 0), (9.0, 0)],
            TWO,
        );
        assert_eq!(s.seconds_left(), 10.0);
        assert_eq!(
            (s.start_next(), s.start_next(), s.start_next()),
            (Some(0), Some(1), None)
        );
        s.done(0);
        assert_eq!((s.start_next(), s.running()), (Some(3), 2));
    }

    #[test]
    fn memory_holds_back_what_does_not_fit_and_nothing_else() {
        let mut s = of(
            &[&[], &[], &[]],
            &[(9.0, 8), (8.0, 8), (1.0, 2)],
            JobLimits {
                jobs: 3,
                memory: 10,
            },
        );
        assert_eq!(
            (s.start_next(), s.start_next(), s.start_next()),
            (Some(0), Some(2), None)
        );
        s.done(0);
        assert_eq!(s.start_next(), Some(1));
        // What needs more than all there is runs alone.
        let mut s = of(&[&[]], &[(1.0, 99)], TWO);
        assert_eq!(s.start_next(), Some(0));
    }

    #[test]
    fn a_failure_blocks_who_waits_for_it_and_others_go_on() {
        let mut s = of(
            &[&[], &[0], &[1], &[]],
            &[(1.0, 0); 4],
            JobLimits { jobs: 1, memory: 0 },
        );
        assert_eq!(s.start_next(), Some(0));
        assert_eq!(s.failed(0), [1, 2]);
        assert_eq!(s.state(2), JobState::Blocked(0));
        assert_eq!(s.start_next(), Some(3));
    }

    #[test]
    fn needs_that_appear_are_waited_for() {
        let mut s = of(&[&[], &[]], &[(1.0, 0), (2.0, 0)], TWO);
        assert_eq!(s.start_next(), Some(1));
        s.wait_for(1, 0);
        s.again(1);
        assert_eq!((s.start_next(), s.start_next()), (Some(0), None));
        assert_eq!(s.waits_for(1), [0]);
        s.done(0);
        assert_eq!(s.start_next(), Some(1));
    }

    #[test]
    fn a_queue_gets_all_in_an_order_that_holds() {
        let mut s = of(&[&[2], &[0], &[]], &[(1.0, 0); 3], TWO);
        assert_eq!(s.all(), [2, 0, 1]);
        assert_eq!(s.running(), 3);
        s.done(2);
        s.done(0);
        s.done(1);
        assert_eq!(s.running(), 0);
    }
}
