//! Work on the files of layers, done as root of the mode's user namespace.
//!
//! Each operation takes and gives JSON and holds no state. They never follow symbolic links of the
//! trees they work on.

mod copy;
mod diff;
mod housekeep;
mod merge;
mod remove;
mod usage;

use serde::{Serialize, de::DeserializeOwned};

pub use copy::CopyTree;
pub use diff::{Change, ChangeKind, Diff};
pub use housekeep::Housekeep;
pub use merge::Flatten;
pub use remove::RemoveTree;
pub use usage::{Usage, UsageOf};

pub(crate) use copy::attributes;
pub(crate) use housekeep::keep_safe;
pub(crate) use merge::walk;
pub(crate) use remove::remove_tree as delete;

/// The operations by name, for the program's whole table.
pub const OPS: &[(&str, rpmkit_sandbox::OpFn)] = &[
    ("remove-tree", remove_tree),
    ("copy-tree", copy_tree),
    ("flatten", flatten),
    ("diff", diff),
    ("usage", usage),
    ("housekeep", housekeep),
    ("pack", pack),
    ("unpack-archive", unpack_archive),
];

fn remove_tree(input: &[u8]) -> Result<Vec<u8>, String> {
    json(input, remove::remove_tree)
}

fn copy_tree(input: &[u8]) -> Result<Vec<u8>, String> {
    json(input, copy::copy_tree)
}

fn flatten(input: &[u8]) -> Result<Vec<u8>, String> {
    json(input, merge::flatten)
}

fn diff(input: &[u8]) -> Result<Vec<u8>, String> {
    json(input, diff::diff)
}

fn pack(input: &[u8]) -> Result<Vec<u8>, String> {
    json(input, super::archive::pack)
}

fn unpack_archive(input: &[u8]) -> Result<Vec<u8>, String> {
    json(input, super::archive::unpack)
}

fn usage(input: &[u8]) -> Result<Vec<u8>, String> {
    json(input, usage::usage)
}

fn housekeep(input: &[u8]) -> Result<Vec<u8>, String> {
    json(input, housekeep::housekeep)
}

fn json<I: DeserializeOwned, O: Serialize>(
    input: &[u8],
    run: fn(I) -> Result<O, OpError>,
) -> Result<Vec<u8>, String> {
    let input = serde_json::from_slice(input).map_err(|e| e.to_string())?;
    let output = run(input).map_err(|e| e.to_string())?;
    serde_json::to_vec(&output).map_err(|e| e.to_string())
}

/// Failure of an operation; crosses the process boundary as text.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpError {
    #[error("cannot {action} `{}`: {source}", path.display())]
    Io {
        action: &'static str,
        path: std::path::PathBuf,
        source: std::io::Error,
    },
    #[error("{0}")]
    Bad(String),
}

pub(crate) trait OpAt<T> {
    fn at(self, action: &'static str, path: &std::path::Path) -> Result<T, OpError>;
}

impl<T, E: Into<std::io::Error>> OpAt<T> for Result<T, E> {
    fn at(self, action: &'static str, path: &std::path::Path) -> Result<T, OpError> {
        self.map_err(|source| OpError::Io {
            action,
            path: path.to_owned(),
            source: source.into(),
        })
    }
}
