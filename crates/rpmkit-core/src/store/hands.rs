//! Hands that can touch files of foreign owners.
//!
//! Layers hold files of sub-ids and directories nobody may enter, so deleting, copying and reading
//! them is done by the operations of [`super::ops`], which run as root of the mode's user namespace.

use super::error::StoreError;
use crate::ops::{OPS, OpFn};

/// Runs named operations with enough rights over a layer's files.
pub trait Hands: Send + Sync {
    /// Runs operation `op` on `input`. The error is the operation's own message.
    fn call(&self, op: &str, input: &[u8]) -> Result<Vec<u8>, String>;
}

/// Runs operations in this very process: right for real root, and for tests that make no files of
/// other owners.
#[derive(Debug, Clone, Copy, Default)]
pub struct Direct;

impl Hands for Direct {
    fn call(&self, op: &str, input: &[u8]) -> Result<Vec<u8>, String> {
        let found: Option<&(&str, OpFn)> = OPS.iter().find(|(name, _)| *name == op);
        match found {
            Some((_, run)) => run(input),
            None => Err(format!("no operation is called `{op}`")),
        }
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
