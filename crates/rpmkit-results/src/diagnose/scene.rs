//! The command of a section that failed, and what it printed.
//!
//! rpm runs sections with `set -x`: every command is announced with `+ ` before it runs, so what
//! stands behind the last announcement is the output of the command that ended the section.

use std::path::PathBuf;

/// A section that failed, cut down to what failed in it.
#[derive(Debug)]
pub(crate) struct Scene<'a> {
    /// Its name with the per cent sign; `None` for a command outside any section.
    pub section: Option<&'a str>,
    /// The command that failed, as the shell announced it.
    pub command: Option<&'a str>,
    /// What that command printed.
    pub lines: Vec<&'a str>,
    /// All commands of the section in order.
    pub trace: Vec<&'a str>,
    /// All lines of the section.
    pub all: &'a [String],
}

/// A command and where its output begins.
#[derive(Debug, Clone, Copy)]
struct Step<'a> {
    command: &'a str,
    /// First line behind the announcement.
    start: usize,
    /// The line of the announcement.
    at: usize,
}

/// Blocks before the last one that are looked at when the last one only passes a status on.
const LOOK_BACK: usize = 6;

impl<'a> Scene<'a> {
    /// The scene of a section's lines.
    pub(super) fn of(section: Option<&'a str>, all: &'a [String]) -> Self {
        let steps = steps(all);
        let end = |nth: usize| steps.get(nth + 1).map_or(all.len(), |next| next.at);
        let mut last = steps.len().checked_sub(1);
        // What rpm puts behind each section is not part of it.
        while let Some(nth) = last
            && nth > 0
            && (is_epilogue(steps[nth].command)
                || steps[nth].command.starts_with("exit ") && steps[nth - 1].command == "jobs -p")
            && steps[nth].start == end(nth)
        {
            last = Some(nth - 1);
        }
        let Some(last) = last else {
            return Self {
                section,
                command: None,
                lines: all.iter().map(String::as_str).collect(),
                trace: Vec::new(),
                all,
            };
        };
        let mut chosen = last;
        // `exit 1`, `x=$(command)` and `[ … ]` fail for what was before them.
        while passes_on(steps[chosen].command)
            && !is_test(steps[last].command)
            && steps[chosen].start == end(chosen)
            && chosen > 0
            && last - chosen < LOOK_BACK
            && !is_prologue(steps[chosen - 1].command)
        {
            chosen -= 1;
        }
        // Several words of a script before it gives up.
        while chosen > 0
            && program(steps[chosen].command) == "echo"
            && program(steps[chosen - 1].command) == "echo"
        {
            chosen -= 1;
        }
        if steps[chosen].start == end(chosen) {
            // Nothing was printed on the way: the last command is all there is to say.
            chosen = last;
        }
        Self {
            section,
            command: Some(steps[chosen].command),
            lines: all[steps[chosen].start..]
                .iter()
                .map(String::as_str)
                .collect(),
            trace: steps
                .iter()
                .take(last + 1)
                .map(|step| step.command)
                .collect(),
            all,
        }
    }

    /// Lines with their numbers, the last one first.
    pub(super) fn rev(&self) -> impl Iterator<Item = (usize, &'a str)> + '_ {
        self.lines
            .iter()
            .enumerate()
            .rev()
            .map(|(at, line)| (at, *line))
    }

    /// The first line behind `at` that `choose` takes, at most `within` lines on.
    pub(super) fn after<T>(
        &self,
        at: usize,
        within: usize,
        choose: impl Fn(&'a str) -> Option<T>,
    ) -> Option<T> {
        self.lines
            .iter()
            .skip(at + 1)
            .take(within)
            .find_map(|line| choose(line))
    }

    /// The last line before `at` that `choose` takes, at most `within` lines back.
    pub(super) fn before<T>(
        &self,
        at: usize,
        within: usize,
        choose: impl Fn(&'a str) -> Option<T>,
    ) -> Option<T> {
        self.lines[..at]
            .iter()
            .rev()
            .take(within)
            .find_map(|line| choose(line))
    }

    /// The directory the section had changed to, as far as its `cd` commands tell. One that failed did
    /// not change anything.
    pub(super) fn directory(&self) -> Option<PathBuf> {
        let mut now: Option<PathBuf> = None;
        let ran = self.trace.len().saturating_sub(1);
        for command in &self.trace[..ran] {
            let Some(to) = command
                .strip_prefix("cd ")
                .map(|to| to.trim_matches(['\'', '"']))
            else {
                continue;
            };
            match &mut now {
                _ if to.starts_with('/') => now = Some(PathBuf::from(to)),
                Some(now) if to == ".." => drop(now.pop()),
                Some(now) if !to.starts_with('-') => now.push(to),
                _ => {}
            }
        }
        now
    }

    /// Base name of the failing command's program.
    pub(super) fn program(&self) -> &'a str {
        self.command.map_or("", program)
    }

    /// Whether the section is this one.
    pub(super) fn is(&self, section: &str) -> bool {
        self.section == Some(section)
    }
}

/// Base name of a command's program.
pub(crate) fn program(command: &str) -> &str {
    let word = command.split_whitespace().next().unwrap_or("");
    let word = word.trim_matches(['\'', '"']);
    word.rsplit('/').next().unwrap_or(word)
}

/// A command that ends with the status of an earlier one.
fn passes_on(command: &str) -> bool {
    let word = command.split_whitespace().next().unwrap_or("");
    matches!(
        word,
        "exit" | "return" | "false" | "[" | "'['" | "[[" | "test" | "echo"
    ) || is_assignment(word)
}

/// A condition by itself: it is what failed, whatever was printed before.
fn is_test(command: &str) -> bool {
    let word = command.split_whitespace().next().unwrap_or("");
    matches!(word, "[" | "'['" | "[[" | "test")
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

fn is_epilogue(command: &str) -> bool {
    command.starts_with("RPM_EC=") || command == "jobs -p"
}

/// What rpm runs before the section's own text.
fn is_prologue(command: &str) -> bool {
    command == "umask 022" || command == "cd /builddir/build/BUILD"
}

/// The announced commands of a section.
fn steps(lines: &[String]) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    let mut hunk = Hunk::default();
    let mut at = 0;
    while at < lines.len() {
        let line = &lines[at];
        if hunk.holds(line) {
            at += 1;
            continue;
        }
        let in_diff = line.starts_with("+++ ") && at > 0 && lines[at - 1].starts_with("--- ");
        let Some(command) = announced(line).filter(|_| !in_diff) else {
            at += 1;
            continue;
        };
        let start = at + 1 + continuation(&lines[at..]);
        steps.push(Step { command, start, at });
        at = start;
    }
    steps
}

/// The command of a line of tracing: pluses for the depth, a blank, the command.
fn announced(line: &str) -> Option<&str> {
    let rest = line.trim_start_matches('+');
    (rest.len() < line.len())
        .then(|| rest.strip_prefix(' '))
        .flatten()
        .filter(|command| !command.is_empty() && !command.starts_with(' '))
}

/// How many more lines the announcement on the first of `lines` has: a quoted text may go on.
fn continuation(lines: &[String]) -> usize {
    const MOST: usize = 200;
    let mut open = false;
    for (nth, line) in lines.iter().take(MOST).enumerate() {
        let quotes = line.replace(r"'\''", "").matches('\'').count();
        open ^= quotes % 2 == 1;
        if !open {
            return nth;
        }
        if line.starts_with("error: ") {
            break;
        }
    }
    0
}

/// The rest of a hunk of a unified diff, whose added lines look like announcements.
#[derive(Default)]
struct Hunk {
    old: usize,
    new: usize,
}

impl Hunk {
    /// Whether the line belongs to a hunk.
    fn holds(&mut self, line: &str) -> bool {
        if let Some(rest) = line.strip_prefix("@@ -") {
            let mut words = rest.split_whitespace();
            let mut count = || {
                let word = words.next()?.trim_start_matches('+');
                word.split_once(',')
                    .map_or(Some(1), |(_, n)| n.parse().ok())
            };
            (self.old, self.new) = (count().unwrap_or(0), count().unwrap_or(0));
            return true;
        }
        if self.old == 0 && self.new == 0 {
            return false;
        }
        match line.as_bytes().first() {
            Some(b'+') => self.new = self.new.saturating_sub(1),
            Some(b'-') => self.old = self.old.saturating_sub(1),
            Some(b' ') => {
                self.old = self.old.saturating_sub(1);
                self.new = self.new.saturating_sub(1);
            }
            Some(b'\\') => {}
            _ => {
                *self = Self::default();
                return false;
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[track_caller]
    fn check(text: &str, command: &str, printed: &[&str]) {
        let lines = lines(text);
        let scene = Scene::of(Some("%build"), &lines);
        assert_eq!(
            (scene.command, scene.lines),
            (Some(command), printed.to_vec())
        );
    }

    #[test]
    fn what_was_tolerated_is_not_part_of_it() {
        check(
            "+ umask 022\n++ git describe\nsh: git: command not found\n+ VERSION=\n+ true\n+ gcc -c a.c\na.c:1: error: no",
            "gcc -c a.c",
            &["a.c:1: error: no"],
        );
    }

    #[test]
    fn a_status_passed_on_leads_to_who_gave_it() {
        check(
            "+ umask 022\n+ ls\nx\n++ git describe\nsh: git: command not found\n+ VERSION=",
            "git describe",
            &["sh: git: command not found", "+ VERSION="],
        );
        check("+ make\nno\n+ exit 1", "make", &["no", "+ exit 1"]);
        check("+ umask 022\n+ '[' -f a ']'", "'[' -f a ']'", &[]);
        check(
            "+ echo a\na\n+ test -f b\n+ RPM_EC=1\n++ jobs -p\n+ exit 1",
            "test -f b",
            &["+ RPM_EC=1", "++ jobs -p", "+ exit 1"],
        );
    }

    #[test]
    fn the_directory_is_where_cd_led() {
        let lines = lines("+ cd /builddir/build/BUILD\n+ cd a-1\n+ cd src\n+ cd ..\n+ make");
        let scene = Scene::of(Some("%build"), &lines);
        assert_eq!(scene.directory(), Some("/builddir/build/BUILD/a-1".into()));
    }

    #[test]
    fn rpms_own_ending_is_not_the_command() {
        check(
            "+ set +e\n+ make\nno\n+ RPM_EC=2\n++ jobs -p",
            "make",
            &["no", "+ RPM_EC=2", "++ jobs -p"],
        );
    }

    #[test]
    fn quoted_texts_and_diffs_are_no_announcements() {
        check(
            "+ python3 -c 'import x\n+ y\n'\nTraceback",
            "python3 -c 'import x",
            &["Traceback"],
        );
        check(
            "+ ./test\n--- a\n+++ b\n@@ -1 +1,2 @@\n x\n+ y\nFAIL: it",
            "./test",
            &["--- a", "+++ b", "@@ -1 +1,2 @@", " x", "+ y", "FAIL: it"],
        );
    }
}
