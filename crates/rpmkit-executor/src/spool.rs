//! Where a build's worker finds its task and leaves its answer.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use rpmkit_graph::{ExecutorError, JobEnd, NodeId};

/// What an executor asks of whoever gives it builds.
pub trait JobSpool {
    /// Lays out its task. What an earlier try left goes.
    ///
    /// # Errors
    /// When that cannot be.
    fn prepare(&self, node: NodeId) -> Result<(), ExecutorError>;
    /// Program and words of the worker.
    fn command(&self, node: NodeId) -> Vec<String>;
    /// The file its standard output goes to.
    fn output(&self, node: NodeId) -> PathBuf;
    /// The file its standard error goes to.
    fn errors(&self, node: NodeId) -> PathBuf;
    /// How it ended, once it has said so.
    fn outcome(&self, node: NodeId) -> Option<JobEnd>;
    /// What to call it.
    fn label(&self, node: NodeId) -> String;
}

/// Reads on where it stopped last.
#[derive(Debug, Default)]
pub(crate) struct Tails(BTreeMap<NodeId, u64>);

/// Bytes of a file read at once.
const PIECE: u64 = 1 << 20;

impl Tails {
    pub fn more(&mut self, node: NodeId, path: &Path) -> Result<Vec<u8>, ExecutorError> {
        let Ok(mut file) = File::open(path) else {
            // It has not begun.
            return Ok(Vec::new());
        };
        let at = self.0.entry(node).or_default();
        let mut bytes = Vec::new();
        let read = file
            .seek(SeekFrom::Start(*at))
            .and_then(|_| file.take(PIECE).read_to_end(&mut bytes))
            .map_err(|e| ExecutorError::new(format!("read `{}`", path.display()), e.to_string()))?;
        *at += read as u64;
        Ok(bytes)
    }

    pub fn forget(&mut self, node: NodeId) {
        self.0.remove(&node);
    }
}

/// The last line of a file that is not empty.
pub(crate) fn last_line(path: &Path) -> Option<String> {
    let text = std::fs::read(path).ok()?;
    let text = String::from_utf8_lossy(&text).into_owned();
    text.lines()
        .rev()
        .find(|l| !l.trim().is_empty())
        .map(str::to_owned)
}
