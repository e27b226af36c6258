//! `FAIL: name` lines, with the counts of `# TOTAL:` where automake's harness runs; suites with a
//! makefile of their own print the same lines, as do DejaGnu and TAP drivers.

use super::{super::text, Failures, Scene};

pub(super) fn read(scene: &Scene<'_>) -> Option<Failures> {
    let mut found = Failures::of("the suite");
    let (mut tap_total, mut tap_failed) = (None, None);
    for (at, line) in scene.lines.iter().enumerate() {
        let name = ["FAIL: ", "FAIL ", "ERROR: ", "XPASS: "]
            .iter()
            .find_map(|word| line.strip_prefix(word));
        if let Some(name) = name {
            let word = name.split(" (").next().unwrap_or(name);
            if name.contains("unittest.loader._FailedTest")
                || line.starts_with("ERROR: ") && word.contains(' ')
                || line.starts_with("FAIL ") && name.contains(':')
            {
                continue;
            }
            found.test(at, name);
        } else if let Some(name) = line.strip_prefix("not ok ") {
            if !name.contains("# TODO") && !name.contains("# SKIP") {
                let name = name
                    .trim_start_matches(|c: char| c.is_ascii_digit())
                    .trim_start_matches([' ', '-']);
                found.test(at, name);
            }
        } else if let Some(count) = line.strip_prefix("# tests ").and_then(text::number) {
            tap_total = Some(count);
        } else if let Some(count) = line.strip_prefix("# fail ").and_then(text::number) {
            tap_failed = Some(count);
        } else if let Some(count) = line.strip_prefix("1..").and_then(text::number) {
            tap_total = tap_total.or(Some(count));
        } else if let Some(rest) = line.strip_prefix("# TOTAL:") {
            found.framework = "automake";
            found.total = text::number(rest);
        } else if let Some(rest) = line
            .strip_prefix("# FAIL:")
            .or_else(|| line.strip_prefix("# ERROR:"))
        {
            let count = text::number(rest).unwrap_or(0);
            found.failed = Some(found.failed.unwrap_or(0) + count);
            if count > 0 {
                found.seen(at);
            }
        } else if let Some(rest) = line.strip_prefix("# of unexpected failures") {
            found.framework = "dejagnu";
            found.failed = text::number(rest);
            found.seen(at);
        }
    }
    if found.framework == "the suite" && !found.tests.is_empty() {
        found.total = tap_total.filter(|total| *total >= found.tests.len() as u64);
        found.failed = tap_failed;
    }
    found.some()
}
