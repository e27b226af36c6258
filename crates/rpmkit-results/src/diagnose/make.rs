//! What make says of the targets that failed.

use super::{finding::Finding, scene::Scene, text};

/// Cuts what a failing command printed down to what led to the first target that failed for good:
/// failures that the makefile ignores go out with what they printed, and so does all that other jobs
/// printed after the first failure.
pub(super) fn narrow<'a>(scene: &mut Scene<'a>) {
    let mut lines: Vec<&'a str> = Vec::with_capacity(scene.lines.len());
    let mut first_failure = None;
    for line in &scene.lines {
        if let Some((target, true)) = marker(line) {
            drop_recipe(&mut lines, target);
            first_failure = lines.iter().position(|line| marker(line).is_some());
            continue;
        }
        if marker(line).is_some() && first_failure.is_none() {
            first_failure = Some(lines.len());
        }
        lines.push(line);
    }
    if let Some(at) = first_failure {
        // Markers right behind the first one are those of the makes around it.
        let end = lines[at..]
            .iter()
            .position(|line| marker(line).is_none() && !line.starts_with("make"))
            .map_or(lines.len(), |more| at + more);
        if has_error(&lines[..at]) || !has_error(&lines[end..]) {
            lines.truncate(end);
        }
    }
    scene.lines = lines;
}

fn has_error(lines: &[&str]) -> bool {
    lines.iter().any(|line| super::alarming(line))
}

/// Takes out what the recipe of an ignored failure printed: diagnostics right before its marker, back
/// to the line that calls it.
fn drop_recipe(lines: &mut Vec<&str>, target: &str) {
    let stem = stem(target);
    while let Some(line) = lines.pop() {
        let indented = line.starts_with(' ');
        let of_it = super::alarming(line)
            || indented
            || line.contains("warning:")
            || line.contains("note:")
            || line.contains(": In function")
            || (!stem.is_empty() && line.contains(stem));
        if !of_it {
            lines.push(line);
            break;
        }
        if !indented && !stem.is_empty() && line.contains(target) {
            break;
        }
    }
}

/// Target of a line by which make reports a failure, and whether it goes on regardless.
pub(super) fn marker(line: &str) -> Option<(&str, bool)> {
    if !line.contains("make") {
        return None;
    }
    let (head, rest) = line.split_once('[').and_then(|(head, rest)| {
        // `make[2]: *** [Makefile:3: all] Error 1` has the level in brackets of its own.
        if head.ends_with("make") || head.ends_with("gmake") {
            rest.split_once('[')
        } else {
            Some((head, rest))
        }
    })?;
    if !head.contains(": ") {
        return None;
    }
    let (inside, end) = rest.split_once(']')?;
    let target = inside.rsplit(": ").next()?.trim();
    if end.contains("(ignored)") {
        return Some((target, true));
    }
    let failed = head.contains("*** ")
        && (end.contains("Error ") || end.contains("Segmentation fault") || end.contains("Killed"));
    failed.then_some((target, false))
}

/// File name of a target without its ending.
pub(super) fn stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.split_once('.').map_or(name, |(stem, _)| stem)
}

/// The first target that failed in the scene.
pub(super) fn failed_target<'a>(scene: &Scene<'a>) -> Option<&'a str> {
    scene.lines.iter().find_map(|line| match marker(line) {
        Some((target, false)) => Some(target),
        _ => None,
    })
}

/// Complaints of make itself.
pub(super) fn complaint(scene: &Scene<'_>) -> Option<Finding> {
    scene.rev().find_map(|(at, line)| {
        let (who, said) = line.split_once(" *** ")?;
        if !who.contains("make") && !who.contains("akefile") {
            return None;
        }
        if marker(line).is_some() || said.starts_with("Waiting for") {
            return None;
        }
        let mut found = Finding::new(at, line.trim_end());
        if let Some(target) = text::between(said, "No rule to make target ", ",")
            .or_else(|| text::between(said, "No rule to make target ", ".  Stop"))
        {
            let target = text::bare(target);
            if target.starts_with('/') {
                found = found.want(crate::want::MissingThing::File(target.to_owned()));
            } else if matches!(target, "install" | "check" | "test" | "all") {
                found = found.hint(format!("the makefile has no target `{target}`: leave the call out, or name one that it has"));
            }
        } else if said.contains("no makefile found") {
            found = found.hint("make needs a makefile: run `%configure`, `%cmake` or what else writes it first, or go to the directory that has it with `-C DIR`");
        } else if said.contains("missing separator") {
            found = found.hint("a recipe of the makefile begins with blanks where a tab is due");
        }
        Some(found)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn narrowed(text: &str) -> Vec<String> {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let mut scene = Scene::of(Some("%build"), &lines);
        narrow(&mut scene);
        scene.lines.iter().map(|line| (*line).to_owned()).collect()
    }

    #[test]
    fn markers_of_all_versions() {
        assert_eq!(
            marker("make: *** [Makefile:2: all] Error 1"),
            Some(("all", false))
        );
        assert_eq!(marker("make[2]: *** [a.o] Error 1"), Some(("a.o", false)));
        assert_eq!(
            marker("make: [Makefile:2: x.o] Error 1 (ignored)"),
            Some(("x.o", true))
        );
        assert_eq!(marker("make: *** No rule to make target 'x'.  Stop."), None);
        assert_eq!(marker("make[1]: Entering directory '/x'"), None);
    }

    #[test]
    fn ignored_failures_go_out_with_their_output() {
        let left = narrowed(
            "cc -c cannot_fail.c\ncannot_fail.c:1:1: error: no\n    1 | x\nmake: [Makefile:2: cannot_fail.o] Error 1 (ignored)\ncc -c b.c\nb.c:1:1: error: wrong\nmake: *** [Makefile:4: b.o] Error 1",
        );
        assert!(
            !left.iter().any(|line| line.contains("cannot_fail.c:1")),
            "{left:?}"
        );
        assert!(left.iter().any(|line| line.contains("b.c:1:1")));
    }

    #[test]
    fn nothing_behind_the_first_failure_counts() {
        let left = narrowed(
            "a.c:1:1: error: first\nmake[1]: *** [a.o] Error 1\nmake: *** [all] Error 2\nb.c:1:1: error: second\nmake[1]: *** [b.o] Error 1",
        );
        assert_eq!(
            left.last().map(String::as_str),
            Some("make: *** [all] Error 2")
        );
    }
}
