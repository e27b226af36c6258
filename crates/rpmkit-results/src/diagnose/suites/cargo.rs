//! `test name ... FAILED` and `test result: FAILED. 1 passed; 1 failed; …`.

use super::{super::text, Failures, Scene};

pub(super) fn read(scene: &Scene<'_>) -> Option<Failures> {
    // `test x ... FAILED` is what scripts print too.
    let harness = scene.lines.iter().any(|line| {
        line.starts_with("test result: ") || line.starts_with("running ") && line.contains(" test")
    });
    if !harness {
        return None;
    }
    let mut found = Failures::of("cargo");
    for (at, line) in scene.lines.iter().enumerate() {
        if let Some(name) = line
            .strip_prefix("test ")
            .and_then(|rest| rest.strip_suffix(" ... FAILED"))
        {
            found.test(at, name);
        } else if let Some((_, place)) = line.split_once(" panicked at ") {
            let told = line.starts_with("thread '");
            if told && found.detail.is_none() {
                let place = place.trim_end_matches(':');
                found.detail = Some(place.rsplit("', ").next().unwrap_or(place).to_owned());
            }
        } else if let Some(rest) = line.strip_prefix("test result: FAILED.") {
            let count = |word: &str| text::counted(rest, word).unwrap_or(0);
            found.failed = Some(found.failed.unwrap_or(0) + count("failed"));
            found.total = Some(found.total.unwrap_or(0) + count("failed") + count("passed"));
            found.seen(at);
        }
    }
    found.some()
}
