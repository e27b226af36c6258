//! `Tests:       1 failed, 2 passed, 3 total`, and mocha's `1 failing` with the numbered list below.

use super::{super::text, Failures, Scene};

pub(super) fn read(scene: &Scene<'_>) -> Option<Failures> {
    let mut found = Failures::of("jest");
    let mut passed = 0;
    for (at, line) in scene.lines.iter().enumerate() {
        let trimmed = line.trim();
        if let Some(name) = trimmed.strip_prefix("● ") {
            found.test(at, name);
        } else if let Some(rest) = trimmed.strip_prefix("Tests:")
            && rest.contains(" failed")
        {
            found.failed = text::counted(rest, "failed");
            found.total = text::counted(rest, "total");
            found.seen(at);
        } else if trimmed.contains(" passing (") {
            passed = text::number(trimmed).unwrap_or(0);
        } else if trimmed.ends_with(" failing") && trimmed.split(' ').count() == 2 {
            let failed = text::number(trimmed).unwrap_or(0);
            found.framework = "mocha";
            found.failed = Some(failed);
            found.total = Some(passed + failed);
            found.seen(at);
            for nth in 1..=failed.min(super::NAMED as u64) {
                if let Some((at, name)) = listed(scene, at, nth) {
                    found.test(at, &name);
                }
            }
        }
    }
    found.failed?;
    found.some()
}

/// The nth failure of mocha's list, which has a suite and a test on a line each.
fn listed(scene: &Scene<'_>, from: usize, nth: u64) -> Option<(usize, String)> {
    let head = format!("{nth}) ");
    let at = (from..scene.lines.len()).find(|at| scene.lines[*at].trim().starts_with(&head))?;
    let mut name = scene.lines[at].trim()[head.len()..].to_owned();
    for line in scene.lines[at + 1..].iter().take(6) {
        name.push(' ');
        name.push_str(line.trim().trim_end_matches(':'));
        if line.trim_end().ends_with(':') {
            break;
        }
    }
    Some((at, name))
}
