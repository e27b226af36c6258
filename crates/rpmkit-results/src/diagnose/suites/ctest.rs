//! `1 tests failed out of 2` and the list below `The following tests FAILED:`.

use super::{super::text, Failures, Scene};

pub(super) fn read(scene: &Scene<'_>) -> Option<Failures> {
    let mut found = Failures::of("ctest");
    let mut listing = false;
    for (at, line) in scene.lines.iter().enumerate() {
        if line.contains(" tests failed out of ") {
            found.failed = text::behind(line, "tests passed, ").and_then(text::number);
            found.total = text::behind(line, " tests failed out of ").and_then(text::number);
            if found.failed.is_some_and(|count| count > 0) {
                found.seen(at);
            }
        } else if line.contains("The following tests FAILED:") {
            listing = true;
            found.seen(at);
        } else if listing {
            // `\t  1 - name (Failed)`
            match line.trim().split_once(" - ") {
                Some((number, rest)) if number.parse::<u64>().is_ok() => {
                    found.test(at, rest.rsplit_once(" (").map_or(rest, |(name, _)| name));
                }
                _ => {
                    listing = false;
                    if line.contains("Errors while running CTest") {
                        found.seen(at);
                    }
                }
            }
        }
    }
    found.some()
}
