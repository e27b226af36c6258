//! `Tests:       1 failed, 2 passed, 3 total`, and mocha's `1 failing`.

use super::{super::text, Failures, Scene};

pub(super) fn read(scene: &Scene<'_>) -> Option<Failures> {
    let mut found = Failures::of("jest");
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
        } else if trimmed.ends_with(" failing") && trimmed.split(' ').count() == 2 {
            found.framework = "mocha";
            found.failed = text::number(trimmed);
            found.seen(at);
        }
    }
    found.failed?;
    found.some()
}
