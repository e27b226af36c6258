//! Maven's surefire (`Tests run: 3, Failures: 1, …`), ant's junit, and Gradle (`Class > test() FAILED`).

use super::{super::text, Failures, Scene};

pub(super) fn read(scene: &Scene<'_>) -> Option<Failures> {
    surefire(scene).or_else(|| gradle(scene))
}

fn surefire(scene: &Scene<'_>) -> Option<Failures> {
    let mut found = Failures::of("surefire");
    let mut listed = false;
    for (at, line) in scene.lines.iter().enumerate() {
        let line = line.trim_start();
        if line.starts_with("[junit] ") {
            found.framework = "junit";
        }
        let text = ["[ERROR]", "[junit]", "[INFO]"]
            .iter()
            .fold(line, |line, mark| line.trim_start_matches(mark))
            .trim();
        if let Some(rest) = text.strip_prefix("Tests run: ") {
            let count = |word: &str| text::behind(rest, word).and_then(text::number).unwrap_or(0);
            let failed = count("Failures: ") + count("Errors: ");
            // The sum stands at the end and counts all classes.
            if failed > 0 || found.failed.is_some() {
                found.failed = Some(failed.max(found.failed.unwrap_or(0)));
                found.total = text::number(rest).max(found.total);
                found.seen(at);
            }
            listed = false;
        } else if text == "Failures:" || text == "Errors:" {
            listed = true;
        } else if listed && line.starts_with("[ERROR]   ") {
            // `ATest.negative:12 expected:<0> but was:<1>`
            let (name, why) = text.split_once([':', ' ']).unwrap_or((text, ""));
            found.test(at, name);
            let why = why.split_once(' ').map_or(why, |(_, why)| why);
            found.detail.get_or_insert_with(|| why.to_owned());
        } else if text.contains("There are test failures") {
            found.seen(at);
        }
    }
    found.failed.filter(|failed| *failed > 0)?;
    // Maven's own closing remarks follow.
    let end = scene
        .rev()
        .find(|(_, line)| line.contains("surefire") || line.starts_with("[ERROR]"));
    if let Some((at, _)) = end {
        found.seen(at.max(found.at));
    }
    found.some()
}

fn gradle(scene: &Scene<'_>) -> Option<Failures> {
    let mut found = Failures::of("Gradle");
    for (at, line) in scene.lines.iter().enumerate() {
        if line.contains(" tests completed, ") || line.contains(" test completed, ") {
            found.total = text::number(line);
            found.failed = text::counted(line, "failed");
            found.seen(at);
        } else if let Some(name) = line
            .strip_suffix(" FAILED")
            .filter(|name| name.contains(" > "))
        {
            if !name.starts_with("> Task") {
                found.test(at, name);
            }
        } else if line.contains("There were failing tests") {
            found.seen(at);
        }
    }
    found.failed?;
    let end = scene
        .rev()
        .find(|(_, line)| line.starts_with("BUILD FAILED"));
    if let Some((at, _)) = end {
        found.seen(at);
    }
    found.some()
}
