//! The operations on layers and archives by the names they are called by. Each takes and gives JSON.

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    archive,
    ops::{self, OpError},
};

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
    json(input, ops::delete)
}

fn copy_tree(input: &[u8]) -> Result<Vec<u8>, String> {
    json(input, ops::copy_tree)
}

fn flatten(input: &[u8]) -> Result<Vec<u8>, String> {
    json(input, ops::flatten)
}

fn diff(input: &[u8]) -> Result<Vec<u8>, String> {
    json(input, ops::diff)
}

fn pack(input: &[u8]) -> Result<Vec<u8>, String> {
    json(input, archive::pack)
}

fn unpack_archive(input: &[u8]) -> Result<Vec<u8>, String> {
    json(input, archive::unpack)
}

fn usage(input: &[u8]) -> Result<Vec<u8>, String> {
    json(input, ops::usage)
}

fn housekeep(input: &[u8]) -> Result<Vec<u8>, String> {
    json(input, ops::housekeep)
}

fn json<I: DeserializeOwned, O: Serialize>(
    input: &[u8],
    run: fn(I) -> Result<O, OpError>,
) -> Result<Vec<u8>, String> {
    let input = serde_json::from_slice(input).map_err(|e| e.to_string())?;
    let output = run(input).map_err(|e| e.to_string())?;
    serde_json::to_vec(&output).map_err(|e| e.to_string())
}
