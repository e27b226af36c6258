//! `FAIL: test (module.Class)`, `Ran 3 tests in 0.1s`, `FAILED (failures=1)`.

use super::{super::text, Failures, Scene};

pub(super) fn read(scene: &Scene<'_>) -> Option<Failures> {
    let (end, closing) = scene.rev().find(|(_, line)| {
        line.starts_with("FAILED (") && (line.contains("failures=") || line.contains("errors="))
    })?;
    let mut found = Failures::of("unittest");
    found.seen(end);
    let mut unread = 0;
    for (at, line) in scene.lines[..end].iter().enumerate() {
        if let Some(name) = line
            .strip_prefix("FAIL: ")
            .or_else(|| line.strip_prefix("ERROR: "))
        {
            if name.contains("unittest.loader._FailedTest") {
                unread += 1;
            }
            found.test(at, name);
            if found.detail.is_none() {
                found.detail = scene.after(at, 40, |below| {
                    let (kind, _) = below.split_once(": ")?;
                    (kind.ends_with("Error") && !kind.contains(' '))
                        .then(|| below.trim().to_owned())
                });
            }
        } else if let Some(rest) = line.strip_prefix("Ran ") {
            found.total = text::number(rest);
        }
    }
    let count = |word: &str| {
        text::behind(closing, word)
            .and_then(text::number)
            .unwrap_or(0)
    };
    found.failed = Some(count("failures=") + count("errors="));
    // A module that could not be imported ran no test: what kept it from it is the cause.
    found.some().filter(|found| found.failed != Some(unread))
}
