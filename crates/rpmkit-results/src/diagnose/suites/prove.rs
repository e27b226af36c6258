//! `t/b.t (Wstat: 256 Tests: 2 Failed: 1)` below `Test Summary Report`, and TAP's `not ok`.

use super::{super::text, Failures, Scene};

pub(super) fn read(scene: &Scene<'_>) -> Option<Failures> {
    let (end, _) = scene.rev().find(|(_, line)| {
        line.starts_with("Result: FAIL")
            || line.starts_with("Failed ") && line.contains("test programs")
    })?;
    // A script that could not be compiled ran no test: what kept it from it is the cause.
    let has = |text: &str| scene.lines.iter().any(|line| line.contains(text));
    if has("BEGIN failed--compilation aborted") && has("No plan found in TAP output") {
        return None;
    }
    let mut found = Failures::of("prove");
    found.seen(end);
    let mut failed = 0;
    for (at, line) in scene.lines.iter().enumerate() {
        if let Some((file, rest)) = line.split_once(" (Wstat: ") {
            found.test(at, file);
            failed += text::behind(rest, "Failed: ")
                .and_then(text::number)
                .unwrap_or(0);
        } else if line.starts_with("Files=") {
            found.total = text::behind(line, "Tests=").and_then(text::number);
        }
    }
    found.failed = Some(failed.max(1));
    found.some()
}
