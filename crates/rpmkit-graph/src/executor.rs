//! Where builds are done.

use std::time::Duration;

use crate::{JobEstimate, NodeId};

/// A build to be done.
#[derive(Debug, Clone, PartialEq)]
pub struct JobTicket {
    /// Which.
    pub node: NodeId,
    /// Builds this one comes after, for executors with a queue of their own; done already for others.
    pub after: Vec<NodeId>,
    /// What it will probably take.
    pub estimate: JobEstimate,
}

/// How a build ended.
#[derive(Debug, Clone, PartialEq)]
pub enum JobEnd {
    /// Its results are there.
    Built {
        /// They were there before.
        reused: bool,
    },
    /// It found out that it has to wait for others of the chain.
    NeedsMore(Vec<(NodeId, rpmkit_types::Dep)>),
    /// A requirement is met by nothing that is there so far.
    Unmet,
    /// It failed.
    Failed {
        /// Its exit status.
        code: u8,
        /// In one line.
        reason: String,
    },
    /// The place it was done at went away. It is to be done again.
    Lost {
        /// What is known of it.
        reason: String,
    },
}

/// What an executor could not do. Not a failed build.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action}: {reason}")]
pub struct ExecutorError {
    /// To do what.
    pub action: String,
    /// Why not.
    pub reason: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl ExecutorError {
    /// One without a hint.
    pub fn new(action: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            action: action.into(),
            reason: reason.into(),
            hint: None,
        }
    }
}

/// Does builds somewhere. It knows nothing of graphs, keys and results.
pub trait Executor {
    /// Whether it keeps builds until what they come after is done. Otherwise it gets them one by one.
    fn has_queue(&self) -> bool {
        false
    }

    /// Begins a build.
    ///
    /// # Errors
    /// When it cannot even begin.
    fn submit(&mut self, job: &JobTicket) -> Result<(), ExecutorError>;

    /// Those that have ended since it was last asked; waits for one at most `wait`.
    ///
    /// # Errors
    /// When it cannot be found out.
    fn poll(&mut self, wait: Duration) -> Result<Vec<(NodeId, JobEnd)>, ExecutorError>;

    /// What happened to builds besides their ends since it was last asked, for people.
    fn notices(&mut self) -> Vec<(NodeId, String)> {
        Vec::new()
    }

    /// Ends a build, or takes it from the queue. One that is not there is no error.
    ///
    /// # Errors
    /// When it goes on.
    fn cancel(&mut self, node: NodeId) -> Result<(), ExecutorError>;

    /// What a build has written since it was last asked.
    ///
    /// # Errors
    /// When it cannot be read.
    fn logs(&mut self, node: NodeId) -> Result<Vec<u8>, ExecutorError>;
}
