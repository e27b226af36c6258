#![allow(clippy::unwrap_used)]
use super::*;
use crate::{ChainGraph, ChainPackage, JobEstimate, JobLimits, PackageDeps};

/// Ends every build at once, as a table says for its first, second… try; then well.
struct Scripted {
    script: Vec<Vec<JobEnd>>,
    queue: bool,
    given: Vec<(NodeId, Vec<NodeId>)>,
    open: Vec<NodeId>,
    cancelled: Vec<NodeId>,
}

impl Executor for Scripted {
    fn has_queue(&self) -> bool {
        self.queue
    }
    fn submit(&mut self, job: &JobTicket) -> Result<(), ExecutorError> {
        self.given.push((job.node, job.after.clone()));
        self.open.push(job.node);
        Ok(())
    }
    fn poll(&mut self, _: Duration) -> Result<Vec<(NodeId, JobEnd)>, ExecutorError> {
        let node = self.open.remove(0);
        let script = &mut self.script[node];
        let end = if script.is_empty() {
            JobEnd::Built { reused: false }
        } else {
            script.remove(0)
        };
        Ok(vec![(node, end)])
    }
    fn cancel(&mut self, node: NodeId) -> Result<(), ExecutorError> {
        self.open.retain(|one| *one != node);
        self.cancelled.push(node);
        Ok(())
    }
    fn logs(&mut self, _: NodeId) -> Result<Vec<u8>, ExecutorError> {
        Ok(Vec::new())
    }
}

#[derive(Default)]
struct Heard {
    ends: Vec<(NodeId, JobEnd)>,
    blocked: Vec<NodeId>,
    retry: Vec<NodeId>,
}

impl ChainObserver for Heard {
    fn started(&mut self, _: NodeId, _: &JobScheduler) {}
    fn ended(&mut self, node: NodeId, end: &JobEnd, _: &JobScheduler) -> Reaction {
        self.ends.push((node, end.clone()));
        Reaction {
            retry: match end {
                JobEnd::Built { .. } => std::mem::take(&mut self.retry),
                _ => Vec::new(),
            },
            ..Reaction::default()
        }
    }
    fn blocked(&mut self, node: NodeId, _: NodeId) {
        self.blocked.push(node);
    }
    fn connect(&mut self, _: NodeId, _: NodeId, _: &Dep) -> Result<(), Box<Cycle>> {
        Ok(())
    }
    fn noticed(&mut self, _: NodeId, _: &str) {}
    fn wrote(&mut self, _: NodeId, _: &[u8]) {}
    fn tick(&mut self, _: &JobScheduler) -> bool {
        true
    }
}

/// Packages `p0`, `p1`…, each of which requires those listed.
fn scheduler(needs: &[&[usize]]) -> JobScheduler {
    let packages = needs
        .iter()
        .enumerate()
        .map(|(number, needs)| ChainPackage {
            name: format!("p{number}"),
            target: 0,
            deps: PackageDeps {
                build_requires: needs.iter().map(|n| Dep::any(format!("p{n}"))).collect(),
                provides: vec![Dep::any(format!("p{number}"))],
                requires: Vec::new(),
            },
            bootstrap: None,
        });
    let graph = ChainGraph::new(packages.collect());
    let one = JobEstimate {
        seconds: 1.0,
        memory: 0,
    };
    JobScheduler::new(
        &graph,
        vec![one; needs.len()],
        JobLimits { jobs: 1, memory: 0 },
    )
}

fn failed() -> JobEnd {
    JobEnd::Failed {
        code: 1,
        reason: "no".into(),
    }
}

fn run(
    needs: &[&[usize]],
    script: Vec<Vec<JobEnd>>,
    queue: bool,
    policy: DrivePolicy,
    retry: Vec<NodeId>,
) -> (JobScheduler, Scripted, Heard) {
    let mut s = scheduler(needs);
    let mut executor = Scripted {
        script,
        queue,
        given: Vec::new(),
        open: Vec::new(),
        cancelled: Vec::new(),
    };
    let mut heard = Heard {
        retry,
        ..Heard::default()
    };
    drive(&mut s, &mut executor, &mut heard, policy).unwrap();
    (s, executor, heard)
}

fn order(executor: &Scripted) -> Vec<NodeId> {
    executor.given.iter().map(|(node, _)| *node).collect()
}

#[test]
fn others_go_on_after_a_failure_unless_told_otherwise() {
    let needs: &[&[usize]] = &[&[], &[0], &[]];
    let script = || vec![vec![failed()], vec![], vec![]];
    let (s, executor, heard) = run(needs, script(), false, DrivePolicy::default(), vec![]);
    assert_eq!(order(&executor), [0, 2]);
    assert_eq!(heard.blocked, [1]);
    assert_eq!(s.state(2), JobState::Done);
    let stop = DrivePolicy {
        keep_going: false,
        ..DrivePolicy::default()
    };
    let (s, executor, _) = run(needs, script(), false, stop, vec![]);
    assert_eq!(order(&executor), [0]);
    assert_eq!(s.state(2), JobState::Waiting);
}

#[test]
fn a_build_that_finds_out_what_it_needs_waits_for_it() {
    let more = JobEnd::NeedsMore(vec![(1, Dep::any("p1"))]);
    let (s, executor, _) = run(
        &[&[], &[]],
        vec![vec![more], vec![]],
        false,
        DrivePolicy::default(),
        vec![],
    );
    assert_eq!(order(&executor), [0, 1, 0]);
    assert_eq!(s.state(0), JobState::Done);
}

#[test]
fn what_nobody_provides_waits_for_others_and_fails_in_the_end() {
    let script = vec![vec![JobEnd::Unmet], vec![]];
    let needs: &[&[usize]] = &[&[], &[]];
    let policy = DrivePolicy::default();
    let (s, executor, _) = run(needs, script.clone(), false, policy, vec![0]);
    assert_eq!(order(&executor), [0, 1, 0]);
    assert_eq!(s.state(0), JobState::Done);
    let (s, executor, _) = run(needs, script, false, policy, vec![]);
    assert_eq!(order(&executor), [0, 1]);
    assert_eq!(s.state(0), JobState::Failed);
}

#[test]
fn lost_builds_are_done_again_a_few_times() {
    let lost = || JobEnd::Lost {
        reason: "node gone".into(),
    };
    let policy = DrivePolicy {
        losses: 1,
        ..DrivePolicy::default()
    };
    let (s, executor, _) = run(&[&[]], vec![vec![lost()]], false, policy, vec![]);
    assert_eq!((executor.given.len(), s.state(0)), (2, JobState::Done));
    let (s, _, heard) = run(&[&[]], vec![vec![lost(), lost()]], false, policy, vec![]);
    assert_eq!(s.state(0), JobState::Failed);
    assert!(
        matches!(&heard.ends[1].1, JobEnd::Failed { reason, .. } if reason.contains("2 tries"))
    );
}

#[test]
fn a_queue_gets_all_at_once_with_what_they_come_after() {
    let needs: &[&[usize]] = &[&[], &[0], &[1]];
    let policy = DrivePolicy::default();
    let (_, executor, _) = run(needs, vec![vec![]; 3], true, policy, vec![]);
    assert_eq!(executor.given, [(0, vec![]), (1, vec![0]), (2, vec![1])]);
    let (s, executor, heard) = run(
        needs,
        vec![vec![failed()], vec![], vec![]],
        true,
        policy,
        vec![],
    );
    assert_eq!(executor.cancelled, [1, 2]);
    assert_eq!(heard.blocked, [1, 2]);
    assert_eq!(s.running(), 0);
    // Whoever is behind a build that is put back is given anew with it.
    let lost = JobEnd::Lost { reason: "x".into() };
    let (s, executor, _) = run(
        needs,
        vec![vec![lost], vec![], vec![]],
        true,
        policy,
        vec![],
    );
    assert_eq!(order(&executor), [0, 1, 2, 0, 1, 2]);
    assert_eq!(s.state(2), JobState::Done);
}

#[test]
fn failed_ones_have_another_round_as_long_as_others_were_built() {
    let rounds = DrivePolicy {
        rounds: true,
        ..DrivePolicy::default()
    };
    let (s, executor, _) = run(
        &[&[], &[]],
        vec![vec![failed()], vec![]],
        false,
        rounds,
        vec![],
    );
    assert_eq!(order(&executor), [0, 1, 0]);
    assert_eq!(s.state(0), JobState::Done);
    let (s, executor, _) = run(&[&[]], vec![vec![failed(); 9]], false, rounds, vec![]);
    assert_eq!((executor.given.len(), s.state(0)), (1, JobState::Failed));
}
