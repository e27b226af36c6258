//! An executor on which everything takes the time a table says, and no time at all.

use std::{cmp::Reverse, collections::BinaryHeap, time::Duration};

use crate::{Executor, ExecutorError, JobEnd, JobTicket, NodeId};

/// Builds of known length on a clock of its own.
#[derive(Debug)]
pub struct SimulatedExecutor {
    /// Microseconds, one entry a node.
    lengths: Vec<u64>,
    now: u64,
    running: BinaryHeap<Reverse<(u64, NodeId)>>,
}

impl SimulatedExecutor {
    /// `seconds` has one entry a node.
    pub fn new(seconds: &[f64]) -> Self {
        // A build of a million years is none.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let micros = |s: &f64| (s * 1e6).round() as u64;
        Self {
            lengths: seconds.iter().map(micros).collect(),
            now: 0,
            running: BinaryHeap::new(),
        }
    }

    /// What its clock says, in seconds since the start.
    pub fn seconds(&self) -> f64 {
        Duration::from_micros(self.now).as_secs_f64()
    }
}

impl Executor for SimulatedExecutor {
    fn submit(&mut self, job: &JobTicket) -> Result<(), ExecutorError> {
        let ends = self.now + self.lengths[job.node];
        self.running.push(Reverse((ends, job.node)));
        Ok(())
    }

    fn poll(&mut self, _: Duration) -> Result<Vec<(NodeId, JobEnd)>, ExecutorError> {
        let mut ended = Vec::new();
        while let Some(Reverse((at, node))) = self.running.peek().copied() {
            if !ended.is_empty() && at > self.now {
                break;
            }
            self.now = at;
            self.running.pop();
            ended.push((node, JobEnd::Built { reused: false }));
        }
        Ok(ended)
    }

    fn cancel(&mut self, node: NodeId) -> Result<(), ExecutorError> {
        self.running.retain(|Reverse((_, one))| *one != node);
        Ok(())
    }

    fn logs(&mut self, _: NodeId) -> Result<Vec<u8>, ExecutorError> {
        Ok(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::JobEstimate;

    #[test]
    fn builds_end_in_the_order_of_their_ends() {
        let mut executor = SimulatedExecutor::new(&[3.0, 1.0, 1.0]);
        for node in 0..3 {
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
        let ended = |e: &mut SimulatedExecutor| -> Vec<NodeId> {
            e.poll(Duration::ZERO)
                .unwrap()
                .iter()
                .map(|(n, _)| *n)
                .collect()
        };
        assert_eq!(ended(&mut executor), [1, 2]);
        assert_eq!(executor.seconds(), 1.0);
        assert_eq!(ended(&mut executor), [0]);
        assert_eq!(executor.seconds(), 3.0);
    }
}
