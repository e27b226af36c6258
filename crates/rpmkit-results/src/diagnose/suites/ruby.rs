//! RSpec's `3 examples, 1 failure` and minitest's `2 runs, 2 assertions, 1 failures, 0 errors, 0 skips`.

use super::{super::text, Failures, Scene};

pub(super) fn read(scene: &Scene<'_>) -> Option<Failures> {
    let mut found = Failures::of("rspec");
    for (at, line) in scene.lines.iter().enumerate() {
        let counts = |words: &[&str]| {
            words
                .iter()
                .filter_map(|word| text::counted(line, word))
                .sum::<u64>()
        };
        if line.contains(" example") && line.contains(" failure") {
            found.total = Some(counts(&["example", "examples"]));
            found.failed = Some(counts(&["failure", "failures"]));
            found.seen(at);
        } else if let Some(rest) = line.strip_prefix("rspec ") {
            found.test(at, rest.split(" # ").next().unwrap_or(rest));
        } else if line.contains(" assertions, ") && line.contains(" failures, ") {
            found.framework = "minitest";
            found.total = Some(counts(&["runs", "tests"]));
            found.failed = Some(counts(&["failures", "errors"]));
            found.seen(at);
        } else if (line.ends_with(") Failure:") || line.ends_with(") Error:"))
            && let Some(below) = scene.lines.get(at + 1)
        {
            let name = below.split([' ', '[']).next().unwrap_or(below);
            found.test(at, name.trim_end_matches(':'));
        }
    }
    found.failed.filter(|failed| *failed > 0)?;
    found.some()
}
