//! What a run leaves behind: result directory, `result.json`, and the record of a failure.

pub mod diagnose;
pub mod excerpt;
pub mod failure;
mod hardware;
mod lines;
pub mod nearest;
pub mod owner;
pub mod record;
pub mod reports;
pub mod want;

pub use hardware::hardware_report;
pub use lines::requirement_line;
