//! `FAILED file::test - why` and `=== 1 failed, 3 passed in 0.1s ===`.

use super::{super::text, Failures, Scene};

pub(super) fn read(scene: &Scene<'_>) -> Option<Failures> {
    let mut found = Failures::of("pytest");
    // Files that could not even be read ran no test: what kept them from it is the cause.
    let collected = !scene
        .lines
        .iter()
        .any(|line| line.contains(" during collection !"));
    if !collected && !scene.lines.iter().any(|line| line.starts_with("FAILED ")) {
        return None;
    }
    for (at, line) in scene.lines.iter().enumerate() {
        if let Some(rest) = line
            .strip_prefix("FAILED ")
            .or_else(|| line.strip_prefix("ERROR "))
        {
            let (name, why) = rest.split_once(" - ").unwrap_or((rest, ""));
            if !name.contains(".py") {
                continue;
            }
            found.test(at, name);
            if !why.is_empty() && found.detail.is_none() {
                found.detail = Some(why.trim().to_owned());
            }
        } else if line.starts_with("==")
            && line.contains(" in ")
            && (line.contains(" failed") || line.contains(" error"))
        {
            let count = |word| text::counted(line, word).unwrap_or(0);
            let failed = count("failed") + count("error") + count("errors");
            found.failed = Some(failed);
            found.total = Some(
                failed + count("passed") + count("skipped") + count("xfailed") + count("xpassed"),
            );
            found.seen(at);
        }
    }
    found.some()
}
