//! `--- FAIL: TestX (0.00s)` and `FAIL package 0.01s` with tabs between.

use super::{Failures, Scene};

pub(super) fn read(scene: &Scene<'_>) -> Option<Failures> {
    let mut found = Failures::of("go");
    for (at, line) in scene.lines.iter().enumerate() {
        if let Some(rest) = line.trim_start().strip_prefix("--- FAIL: ") {
            found.test(at, rest.split(" (").next().unwrap_or(rest));
            if found.detail.is_none() {
                found.detail = scene.after(at, 1, |below| {
                    below.starts_with("    ").then(|| below.trim().to_owned())
                });
            }
        } else if !found.tests.is_empty() && (*line == "FAIL" || line.starts_with("FAIL\t")) {
            found.seen(at);
        } else if line.starts_with("panic: ") && found.detail.is_none() {
            found.detail = Some(line.trim().to_owned());
        }
    }
    found.some()
}
