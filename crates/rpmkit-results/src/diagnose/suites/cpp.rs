//! Frameworks of C and C++ besides gtest: Catch2, doctest, Boost.Test, Check, QtTest.

use super::{super::text, Failures, Scene};

pub(super) fn read(scene: &Scene<'_>) -> Option<Failures> {
    let found = [catch(scene), boost(scene), check(scene), qt(scene)];
    found.into_iter().flatten().find_map(Failures::some)
}

/// `test cases: 3 | 2 passed | 1 failed`; the name stands between two rules, or behind `TEST CASE:`.
fn catch(scene: &Scene<'_>) -> Option<Failures> {
    let (at, line) = scene
        .rev()
        .find(|(_, line)| line.contains("test cases: ") && line.contains(" failed"))?;
    let mut found = Failures::of(if line.contains("[doctest]") {
        "doctest"
    } else {
        "Catch2"
    });
    let counts = text::behind(line, "test cases: ")?;
    found.total = text::number(counts);
    let words = counts.replace('|', " ");
    found.failed = text::counted(&words, "failed");
    found.seen(at);
    let rule = |line: &str| line.len() > 20 && line.chars().all(|c| c == '-');
    for nth in 0..at {
        if let Some(name) = scene.lines[nth].strip_prefix("TEST CASE:") {
            found.test(nth, name);
        } else if nth + 2 < at && rule(scene.lines[nth]) && rule(scene.lines[nth + 2]) {
            found.test(nth + 1, scene.lines[nth + 1]);
        }
    }
    Some(found)
}

/// `test.cpp(5): error: in "suite/case": …` and `*** 1 failure is detected in the test module "x"`
fn boost(scene: &Scene<'_>) -> Option<Failures> {
    let (end, line) = scene.rev().find(|(_, line)| {
        line.starts_with("*** ") && line.contains(" detected in the test module ")
    })?;
    let mut found = Failures::of("Boost.Test");
    found.seen(end);
    found.failed = text::number(&line[4..]);
    for (at, line) in scene.lines[..end].iter().enumerate() {
        if let Some(name) = text::between(line, "error: in \"", "\"") {
            found.test(at, name);
            let (_, why) = line.split_once("\": ")?;
            found.detail.get_or_insert_with(|| why.trim().to_owned());
        }
    }
    // Several checks of one case count as one test.
    found.failed = Some(found.tests.len() as u64)
        .filter(|count| *count > 0)
        .or(found.failed);
    Some(found)
}

/// `66%: Checks: 3, Failures: 1, Errors: 0` and `file.c:20:F:Core:name:0: why`
fn check(scene: &Scene<'_>) -> Option<Failures> {
    let (from, line) = scene
        .rev()
        .find(|(_, line)| line.contains("%: Checks: ") && line.contains(", Failures: "))?;
    let count = |word: &str| text::behind(line, word).and_then(text::number).unwrap_or(0);
    let mut found = Failures::of("Check");
    found.total = Some(count("Checks: "));
    found.failed = Some(count("Failures: ") + count("Errors: ")).filter(|failed| *failed > 0);
    found.failed?;
    found.seen(from);
    for (at, line) in scene.lines.iter().enumerate().skip(from + 1) {
        let parts: Vec<&str> = line.splitn(7, ':').collect();
        if let [_, _, "F" | "E", _, name, _, why] = parts.as_slice() {
            found.test(at, name);
            found.detail.get_or_insert_with(|| why.trim().to_owned());
        }
    }
    Some(found)
}

/// `FAIL!  : Class::name() why` and `Totals: 3 passed, 1 failed, …`
fn qt(scene: &Scene<'_>) -> Option<Failures> {
    let mut found = Failures::of("QtTest");
    for (at, line) in scene.lines.iter().enumerate() {
        if let Some(rest) = line.strip_prefix("FAIL!  : ") {
            let (name, why) = rest.split_once(") ").unwrap_or((rest, ""));
            found.test(at, &format!("{})", name.trim_end_matches(')')));
            found.detail.get_or_insert_with(|| why.trim().to_owned());
        } else if let Some(rest) = line.strip_prefix("Totals: ") {
            let count = |word| text::counted(rest, word).unwrap_or(0);
            let failed = count("failed");
            found.failed = Some(found.failed.unwrap_or(0) + failed);
            found.total =
                Some(found.total.unwrap_or(0) + failed + count("passed") + count("skipped"));
            if failed > 0 {
                found.seen(at);
            }
        }
    }
    Some(found)
}
