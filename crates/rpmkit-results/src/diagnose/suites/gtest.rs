//! `[  FAILED  ] Suite.Test (0 ms)`.

use super::{super::text, Failures, Scene};

pub(super) fn read(scene: &Scene<'_>) -> Option<Failures> {
    let mut found = Failures::of("gtest");
    for (at, line) in scene.lines.iter().enumerate() {
        let line = line.trim_start();
        if let Some(rest) = line.strip_prefix("[  FAILED  ] ") {
            if let Some((count, _)) = rest
                .split_once(" test")
                .filter(|(count, _)| count.parse::<u64>().is_ok())
            {
                found.failed = count.parse().ok();
                found.seen(at);
            } else {
                found.test(at, rest.split([' ', ',']).next().unwrap_or(rest));
            }
        } else if let Some(rest) = line.strip_prefix("[==========] ")
            && rest.contains(" ran.")
        {
            found.total = text::number(rest);
        } else if let Some(place) = line.strip_suffix(": Failure")
            && found.detail.is_none()
        {
            found.detail = Some(text::below_build(place).to_owned());
        } else if line.ends_with(" FAILED TEST") || line.ends_with(" FAILED TESTS") {
            found.seen(at);
        }
    }
    found.some()
}
