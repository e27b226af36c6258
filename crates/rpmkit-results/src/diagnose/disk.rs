//! File systems that are full.

use crate::failure::FailureCause;

use super::{finding::Finding, scene::Scene, text};

pub(super) fn find(scene: &Scene<'_>) -> Option<Finding> {
    scene.rev().find_map(|(at, line)| {
        let told = is_full(line);
        told.then(|| {
            Finding::new(at, line.trim_end()).cause(FailureCause::DiskFull {
                path: text::quoted(line).map(str::to_owned),
            })
        })
    })
}

/// Whether a program or rpm ended with this: the words are the last of the line, not a remark in it.
pub(super) fn is_full(line: &str) -> bool {
    if line.starts_with('+') || line.starts_with("PASS") || line.starts_with("ok ") {
        return false;
    }
    let line = line.trim_end();
    ["No space left on device", "Disk quota exceeded"]
        .iter()
        .any(|words| {
            line.strip_suffix(words)
                .is_some_and(|head| head.ends_with(": ") || head.ends_with("] "))
                || line.contains(&format!(": {words}: "))
                || (line.starts_with("error: ") && line.contains(words))
        })
}
