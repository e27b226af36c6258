//! Test frameworks: which tests failed, and how many there were, from what the framework prints.

mod automake;
mod cargo;
mod cpp;
mod ctest;
mod go;
mod gtest;
mod java;
mod jest;
mod meson;
mod prove;
mod pytest;
mod ruby;
mod unittest;

use crate::failure::FailureCause;

use super::{finding::Finding, scene::Scene};

/// Reads one framework's output; `None` when nothing failed in it.
type Reader = fn(&Scene<'_>) -> Option<Failures>;

/// Most particular first: a `FAIL:` line is in the output of several.
const READERS: [Reader; 13] = [
    pytest::read,
    unittest::read,
    ctest::read,
    meson::read,
    gtest::read,
    cargo::read,
    go::read,
    jest::read,
    ruby::read,
    cpp::read,
    java::read,
    prove::read,
    automake::read,
];

/// What a framework told.
#[derive(Debug, Default, PartialEq, Eq)]
struct Failures {
    framework: &'static str,
    /// Names, as the framework writes them.
    tests: Vec<String>,
    /// How many failed, where it counts them.
    failed: Option<u64>,
    /// How many there were.
    total: Option<u64>,
    /// What the first one failed with.
    detail: Option<String>,
    /// First and last line about it.
    from: usize,
    at: usize,
}

impl Failures {
    fn of(framework: &'static str) -> Self {
        Self {
            framework,
            from: usize::MAX,
            ..Self::default()
        }
    }

    /// Notes a test that failed, told of on line `at`.
    fn test(&mut self, at: usize, name: &str) {
        let name = name.trim();
        if !name.is_empty() && !self.tests.iter().any(|known| known == name) {
            self.tests.push(name.to_owned());
        }
        self.seen(at);
    }

    fn seen(&mut self, at: usize) {
        self.from = self.from.min(at);
        self.at = self.at.max(at);
    }

    /// Nothing, unless some test failed.
    fn some(self) -> Option<Self> {
        (!self.tests.is_empty() || self.failed.is_some_and(|count| count > 0)).then_some(self)
    }
}

/// Most names told.
const NAMED: usize = 3;

pub(super) fn find(scene: &Scene<'_>) -> Option<Finding> {
    let mut best: Option<Failures> = None;
    for read in READERS {
        if let Some(found) = read(scene)
            && best.as_ref().is_none_or(|known| found.at > known.at)
        {
            // A framework inside another ends first; the outer one knows the names of files only.
            match &mut best {
                Some(inner) if scene.lines.len() > found.at => inner.at = found.at,
                other => *other = Some(found),
            }
        }
    }
    let found = best?;
    let failed = found
        .failed
        .unwrap_or(found.tests.len() as u64)
        .max(found.tests.len() as u64);
    let text = sentence(
        found.framework,
        &found.tests,
        failed,
        found.total,
        found.detail.as_deref(),
    );
    Some(
        Finding::new(found.at, text)
            .from(found.from.min(found.at))
            .cause(FailureCause::TestsFailed {
                section: scene.section.map(str::to_owned),
                framework: found.framework.to_owned(),
                tests: found.tests,
                failed,
                total: found.total,
            }),
    )
}

/// How many tests of what failed, which first, and with what if it was one.
pub(crate) fn sentence(
    framework: &str,
    tests: &[String],
    failed: u64,
    total: Option<u64>,
    detail: Option<&str>,
) -> String {
    let count = match (total, failed) {
        (Some(total), failed) if total >= failed => format!("{failed} of {total} tests"),
        (_, 1) => "1 test".to_owned(),
        (_, failed) => format!("{failed} tests"),
    };
    let mut text = format!("{count} of {framework}");
    if !tests.is_empty() {
        let named: Vec<String> = tests
            .iter()
            .take(NAMED)
            .map(|name| format!("`{name}`"))
            .collect();
        text.push_str(": ");
        text.push_str(&named.join(", "));
        if failed > NAMED as u64 {
            text.push_str(&format!(" and {} more", failed - NAMED as u64));
        }
    }
    if let Some(detail) = detail.filter(|_| failed == 1) {
        text.push_str(&format!(" ({detail})"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(printed: &str, text: &str) {
        let lines: Vec<String> = printed
            .lines()
            .filter(|line| !line.is_empty())
            .map(str::to_owned)
            .collect();
        let found = find(&Scene::of(Some("%check"), &lines)).map(|found| found.text);
        assert_eq!(found.as_deref(), Some(text));
    }

    #[test]
    fn python() {
        check(
            "collected 4 items\nFAILED tests/test_a.py::test_one - assert 1 == 2\n==== 1 failed, 3 passed in 0.12s ====",
            "1 of 4 tests of pytest: `tests/test_a.py::test_one` (assert 1 == 2)",
        );
        check(
            "F.\n======\nFAIL: test_a (mod.Case)\n------\nTraceback (most recent call last):\n  File \"x\", line 1\nAssertionError: 1 != 2\n------\nRan 2 tests in 0.001s\nFAILED (failures=1)",
            "1 of 2 tests of unittest: `test_a (mod.Case)` (AssertionError: 1 != 2)",
        );
    }

    #[test]
    fn build_systems() {
        check(
            "50% tests passed, 1 tests failed out of 2\nTotal Test time (real) =   0.01 sec\nThe following tests FAILED:\n\t  2 - beta (Failed)\nErrors while running CTest",
            "1 of 2 tests of ctest: `beta`",
        );
        check(
            "1/2 alpha OK 0.01s\n2/2 suite:beta FAIL 0.01s exit status 1\nSummary of Failures:\n2/2 suite:beta FAIL 0.01s exit status 1\nOk:                 1\nFail:               1",
            "1 of 2 tests of meson: `suite:beta`",
        );
        check(
            "PASS: a\nFAIL: b\n# TOTAL: 2\n# PASS:  1\n# FAIL:  1\nmake: *** [check] Error 1",
            "1 of 2 tests of automake: `b`",
        );
        check("FAIL: t2", "1 test of the suite: `t2`");
    }

    #[test]
    fn languages() {
        check(
            "running 2 tests\ntest tests::ok ... ok\ntest tests::sums ... FAILED\n---- tests::sums stdout ----\nthread 'tests::sums' panicked at src/lib.rs:9:9:\nassertion failed\ntest result: FAILED. 1 passed; 1 failed; 0 ignored",
            "1 of 2 tests of cargo: `tests::sums` (src/lib.rs:9:9)",
        );
        check(
            "--- FAIL: TestX (0.00s)\n    x_test.go:5: no\nFAIL\nFAIL\texample.org/x\t0.002s\nFAIL",
            "1 test of go: `TestX` (x_test.go:5: no)",
        );
        check(
            "[==========] Running 2 tests from 1 test suite.\ntest.cc:9: Failure\n[  FAILED  ] Sum.Bad (0 ms)\n[==========] 2 tests from 1 test suite ran. (0 ms total)\n[  FAILED  ] 1 test, listed below:\n[  FAILED  ] Sum.Bad\n 1 FAILED TEST",
            "1 of 2 tests of gtest: `Sum.Bad` (test.cc:9)",
        );
        check(
            "  ● adds › numbers\nTests:       1 failed, 2 passed, 3 total",
            "1 of 3 tests of jest: `adds › numbers`",
        );
        check(
            "t/a.t .. ok\nTest Summary Report\n-------------------\nt/b.t (Wstat: 0 Tests: 1 Failed: 1)\n  Failed test:  1\nFiles=2, Tests=2,  0 wallclock secs\nResult: FAIL",
            "1 of 2 tests of prove: `t/b.t`",
        );
    }

    #[test]
    fn passing_tests_are_no_failure() {
        let lines: Vec<String> = [
            "PASS: FAIL: handling",
            "ok 1 - FAILED is told",
            "test x ... ok",
            "100% tests passed, 0 tests failed out of 3",
        ]
        .map(str::to_owned)
        .to_vec();
        assert_eq!(find(&Scene::of(Some("%check"), &lines)), None);
    }
}
