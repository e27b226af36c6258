//! What a run leaves behind: result directory, `result.json`, and the record of a failure.

pub mod diagnose;
pub mod failure;
pub mod owner;
pub mod record;
mod section;
mod speclines;
