//! Patches that do not apply.

use crate::failure::FailureCause;

use super::{finding::Finding, scene::Scene, text};

pub(super) fn find(scene: &Scene<'_>) -> Option<Finding> {
    let (at, line) = scene.rev().find(|(_, line)| refuses(line))?;
    let patch = patch_name(scene);
    let name = patch.map_or_else(
        || "a patch".to_owned(),
        |name| format!("the patch `{name}`"),
    );
    let cause = FailureCause::PatchFailed {
        patch: patch.map(str::to_owned),
    };
    let found = |text: String| Finding::new(at, text).whole().cause(cause.clone());
    if scene
        .lines
        .iter()
        .any(|line| line.contains("Reversed (or previously applied) patch detected"))
    {
        return Some(
            found(format!("{name} is applied already{}", in_file(scene, at)))
                .hint("drop it: the sources contain the change already"),
        );
    }
    if scene
        .lines
        .iter()
        .any(|line| line.contains("can't find file to patch"))
    {
        return Some(wrong_strip(scene, &name, found));
    }
    if line.contains("patch: **** ") {
        let said = text::behind(line, "patch: **** ").unwrap_or(line);
        return Some(
            found(format!("{name} cannot be read: {said}"))
                .hint("make it anew with `git format-patch` or `diff -u`"),
        );
    }
    let first = scene
        .lines
        .iter()
        .position(|line| line.starts_with("Hunk #") && line.contains("FAILED"));
    let text = match first {
        Some(nth) => {
            let hunk = text::number(&scene.lines[nth][6..]).unwrap_or(1);
            let of = scene.after(nth, usize::MAX, |line| {
                text::between(line, " out of ", " hunk").and_then(text::number)
            });
            let of = of.map_or_else(String::new, |all| format!(" of {all}"));
            format!(
                "{name} does not apply: hunk {hunk}{of} fails{}",
                in_file(scene, nth)
            )
        }
        None => match text::between(line, "patch failed: ", ":")
            .or_else(|| text::between(line, "error: ", ": patch does not apply"))
        {
            Some(file) => format!("{name} does not apply to `{file}`"),
            None => match rejected(scene) {
                Some((failed, all, file)) => {
                    format!("{name} does not apply: {failed} of {all} hunks fail in `{file}`")
                }
                None => format!("{name} does not apply: {}", line.trim()),
            },
        },
    };
    let from = first.unwrap_or(at).saturating_sub(1);
    Some(
        found(text)
            .from(from)
            .hint("rebase the patch on these sources, or drop it if they contain it already"),
    )
}

/// How many hunks of how many failed in which file, as patch says at the end of the first such file.
fn rejected<'a>(scene: &Scene<'a>) -> Option<(u64, u64, &'a str)> {
    scene.lines.iter().find_map(|line| {
        let (failed, rest) = line.split_once(" out of ")?;
        let file = text::behind(rest, "rejects to file ")?;
        Some((
            failed.trim().parse().ok()?,
            text::number(rest)?,
            file.strip_suffix(".rej").unwrap_or(file),
        ))
    })
}

fn refuses(line: &str) -> bool {
    if line.starts_with('+') {
        return false;
    }
    line.contains("FAILED -- saving reject")
        || line.contains("hunks FAILED")
        || line.contains("hunk FAILED")
        || (line.starts_with("Hunk #") && line.contains(" FAILED at "))
        || line.contains("Reversed (or previously applied) patch detected")
        || line.contains("can't find file to patch")
        || line.contains("patch: **** ")
        || line.contains(": patch does not apply")
        || line.starts_with("error: patch failed: ")
        || line.contains("hunk ignored")
        || line.contains("hunks ignored")
}

/// The file a line is about: the last one patch announced before it.
fn in_file(scene: &Scene<'_>, at: usize) -> String {
    scene
        .before(at + 1, usize::MAX, |line| {
            line.strip_prefix("patching file ").map(text::bare)
        })
        .map_or_else(String::new, |file| format!(" in `{file}`"))
}

fn wrong_strip(scene: &Scene<'_>, name: &str, found: impl Fn(String) -> Finding) -> Finding {
    let header = scene.lines.iter().find_map(|line| {
        line.strip_prefix("|--- ")
            .or_else(|| line.strip_prefix("|+++ "))
    });
    let file = header.and_then(|rest| rest.split_whitespace().next());
    let command = scene
        .trace
        .iter()
        .rev()
        .find(|command| command.contains("patch "));
    let level = command
        .and_then(|command| {
            command
                .split_whitespace()
                .find_map(|word| word.strip_prefix("-p"))
        })
        .and_then(|level| level.parse::<u32>().ok())
        .unwrap_or(0);
    let Some(file) = file else {
        return found(format!(
            "{name} does not say which file it changes where `-p{level}` looks for it"
        ));
    };
    let right = if file.starts_with("a/") || file.starts_with("b/") {
        1
    } else {
        u32::from(level == 0)
    };
    let text = format!("{name} changes `{file}`, which is not there with `-p{level}`");
    if right == level {
        found(text).hint("the file is not in these sources: see whether it has moved")
    } else {
        found(text).hint(format!("apply it with `-p{right}`"))
    }
}

/// The patch the section was at.
fn patch_name<'a>(scene: &Scene<'a>) -> Option<&'a str> {
    scene.all.iter().rev().find_map(|line| name_in(line))
}

fn name_in(line: &str) -> Option<&str> {
    // `Patch #0 (fix.patch):` or `Patch0: fix.patch`
    if line.starts_with("Patch #") {
        let (_, rest) = line.split_once('(')?;
        return rest.split(')').next();
    }
    if let Some(rest) = line.strip_prefix("+ ") {
        return rest
            .split_whitespace()
            .map(text::bare)
            .find(|word| word.ends_with(".patch") || word.ends_with(".diff"))
            .map(|word| word.rsplit('/').next().unwrap_or(word));
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used)]
    use super::*;

    fn said(printed: &str) -> (String, String) {
        let text = format!(
            "+ echo 'Patch #0 (fix.patch):'\nPatch #0 (fix.patch):\n+ /usr/bin/patch -f -p0\n{printed}"
        );
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let found = find(&Scene::of(Some("%prep"), &lines)).expect("a finding");
        (found.text, found.hints.concat())
    }

    #[test]
    fn hunks_levels_and_patches_applied_already() {
        let (text, _) = said(
            "patching file f\nHunk #2 FAILED at 10.\n1 out of 3 hunks FAILED -- saving rejects to file f.rej",
        );
        assert_eq!(
            text,
            "the patch `fix.patch` does not apply: hunk 2 of 3 fails in `f`"
        );
        let (text, hint) = said(
            "can't find file to patch at input line 3\nPerhaps you used the wrong -p or --strip option?\n|--- a/f\n|+++ b/f\nNo file to patch.  Skipping patch.\n1 out of 1 hunk ignored",
        );
        assert!(
            text.contains("`a/f`") && hint.contains("-p1"),
            "{text} {hint}"
        );
        let (text, hint) = said(
            "patching file f\nReversed (or previously applied) patch detected!  Skipping patch.\n1 out of 1 hunk ignored -- saving rejects to file f.rej",
        );
        assert!(
            text.contains("applied already in `f`") && hint.contains("drop"),
            "{text}"
        );
    }
}
