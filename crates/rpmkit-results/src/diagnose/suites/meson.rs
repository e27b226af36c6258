//! `2/2 suite:name FAIL 0.01s …` and the counts below.

use super::{super::text, Failures, Scene};

pub(super) fn read(scene: &Scene<'_>) -> Option<Failures> {
    let mut found = Failures::of("meson");
    let mut total = 0;
    for (at, line) in scene.lines.iter().enumerate() {
        if let Some(name) = failed(line) {
            found.test(at, name);
        }
        for word in [
            "Ok:",
            "Expected Fail:",
            "Fail:",
            "Unexpected Pass:",
            "Skipped:",
            "Timeout:",
        ] {
            let Some(count) = line.trim_start().strip_prefix(word).and_then(text::number) else {
                continue;
            };
            total += count;
            if matches!(word, "Fail:" | "Timeout:" | "Unexpected Pass:") && count > 0 {
                found.failed = Some(found.failed.unwrap_or(0) + count);
                found.seen(at);
            }
        }
    }
    found.failed?;
    found.total = (total > 0).then_some(total);
    found.some()
}

/// Name of the test a result line says failed.
fn failed(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let (number, rest) = line.split_once(' ')?;
    let (nth, of) = number.split_once('/')?;
    nth.parse::<u64>().ok()?;
    of.parse::<u64>().ok()?;
    let end = [" FAIL ", " ERROR ", " TIMEOUT ", " UNEXPECTEDPASS "]
        .iter()
        .find_map(|word| rest.find(word))?;
    Some(rest[..end].trim())
}
