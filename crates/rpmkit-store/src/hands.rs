//! Hands that can touch files of foreign owners.
//!
//! Layers hold files of sub-ids and directories nobody may enter, so deleting, copying and reading
//! them is done by the operations of [`super::ops`], which run as root of the mode's user namespace.

use rpmkit_sandbox::{IdMode, OpFn, SandboxError};

use super::error::StoreError;

/// Operations by name, as `rpmkit_sandbox::reexec` takes them.
pub type Ops = &'static [(&'static str, OpFn)];

/// Runs named operations with enough rights over a layer's files.
pub trait Hands: Send + Sync {
    /// Runs operation `op` on `input`. The error is the operation's own message.
    fn call(&self, op: &str, input: &[u8]) -> Result<Vec<u8>, String>;

    /// Starts an operation that goes on when this process has ended; `false` when these hands cannot do that.
    /// `foreign`: whether it handles files of other owners, for which entering the namespace is worth its time.
    fn detach(&self, _op: &str, _input: &[u8], _foreign: bool) -> bool {
        false
    }
}

/// Runs operations in this very process: right for real root, and for tests that make no files of
/// other owners.
#[derive(Debug, Clone, Copy)]
pub struct Direct(pub Ops);

impl Hands for Direct {
    fn call(&self, op: &str, input: &[u8]) -> Result<Vec<u8>, String> {
        let found: Option<&(&str, OpFn)> = self.0.iter().find(|(name, _)| *name == op);
        match found {
            Some((_, run)) => run(input),
            None => Err(format!("no operation is called `{op}`")),
        }
    }
}

/// Runs operations in a child that is root of the mode's user namespace; for real root here.
#[derive(Debug, Clone)]
pub struct Namespace {
    /// Whose namespace.
    pub mode: IdMode,
    /// The program's operations, the same that `rpmkit_sandbox::reexec` was given.
    pub ops: Ops,
}

impl Hands for Namespace {
    fn call(&self, op: &str, input: &[u8]) -> Result<Vec<u8>, String> {
        if !self.mode.is_rootless() {
            return Direct(self.ops).call(op, input);
        }
        rpmkit_sandbox::call(&self.mode, op, input).map_err(|e| match e {
            // Only the operation's own words: its name is said by whoever asked for it.
            SandboxError::Op { message, .. } => message,
            other => other.to_string(),
        })
    }

    fn detach(&self, op: &str, input: &[u8], foreign: bool) -> bool {
        let mode = foreign.then_some(&self.mode);
        rpmkit_sandbox::detach(mode, op, input).is_ok()
    }
}

/// Typed call: JSON in, JSON out.
pub(crate) fn ask<I: serde::Serialize, O: serde::de::DeserializeOwned>(
    hands: &dyn Hands,
    op: &str,
    input: &I,
) -> Result<O, StoreError> {
    let failed = |reason: String| StoreError::Namespace {
        op: op.to_owned(),
        reason,
    };
    let input = serde_json::to_vec(input).map_err(|e| failed(e.to_string()))?;
    let output = hands.call(op, &input).map_err(failed)?;
    serde_json::from_slice(&output).map_err(|e| failed(e.to_string()))
}
