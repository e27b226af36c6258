//! The line of a spec that a message of rpm's is about, where rpm gives no number, and what rpm calls an
//! error and goes on from.

use std::path::Path;

use super::{rpm::spec_error, text};

/// The line (from one) a message without a number is about.
pub(super) fn mentioned(message: &str, spec: &str) -> Option<u32> {
    let tagged = |line: &str, tag: &str| {
        line.split_once(':')
            .is_some_and(|(name, _)| name.trim().eq_ignore_ascii_case(tag))
    };
    let all = || spec.lines().enumerate();
    let first = |is: &dyn Fn(&str) -> bool| all().find(|(_, line)| is(line)).map(|(at, _)| at);
    let at = if let Some((tag, _)) = message.split_once(" field must be present") {
        first(&|line| tagged(line, tag))
    } else if let Some(tag) = text::between(message, "Duplicate ", " entries") {
        let of_tag = all().filter(|(_, line)| tagged(line, tag));
        of_tag.last().map(|(at, _)| at)
    } else if message.starts_with("No compatible architectures") {
        first(&|line| tagged(line, "BuildArch") || tagged(line, "BuildArchitectures"))
            .or_else(|| first(&|line| tagged(line, "ExclusiveArch") || tagged(line, "ExcludeArch")))
    } else if let Some(number) = text::behind(message, "o patch number ") {
        first(&|line| line.trim_start().starts_with("%patch") && has_number(line, number))
    } else if let Some(number) = text::behind(message, "o source number ") {
        first(&|line| line.contains("setup") && has_number(line, number))
    } else if message.contains("changelog entries must start") {
        let heading = first(&|line| line.trim_end() == "%changelog")?;
        all()
            .skip(heading + 1)
            .find(|(_, line)| !line.trim().is_empty())
            .map(|(at, _)| at)
    } else if message.contains("%changelog not in descending") {
        first(&|line| line.trim_end() == "%changelog")
    } else if let Some(rest) = text::behind(message, "in lua scriptlet: [string \"") {
        let name = rest
            .split('"')
            .next()
            .unwrap_or(rest)
            .trim_matches(['<', '>']);
        first(&|line| line.split_whitespace().next() == Some(name))
    } else {
        literal(message, spec)
    }?;
    u32::try_from(at + 1).ok()
}

fn has_number(line: &str, number: &str) -> bool {
    line.split(|c: char| !c.is_ascii_digit())
        .any(|word| word == number.trim())
}

/// Words of rpm's messages that are in many lines.
const COMMON: [&str; 8] = [
    "failed", "error", "line", "file", "open", "Unable", "spec", "%files",
];

/// The only line that holds what a message quotes at its end, or a file it names.
fn literal(message: &str, spec: &str) -> Option<usize> {
    let words = message
        .split_whitespace()
        .map(|word| word.trim_end_matches([':', ',']))
        .map(|word| word.rsplit('/').next().unwrap_or(word));
    let parts = message
        .rsplit(": ")
        .chain(text::quoted(message))
        .chain(words);
    for part in parts {
        let part = part.trim();
        if part.len() < 4 || COMMON.contains(&part) {
            continue;
        }
        let mut lines = spec
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.starts_with('#') && line.contains(part));
        if let (Some((at, _)), None) = (lines.next(), lines.next()) {
            return Some(at);
        }
    }
    None
}

/// What rpm calls an error of the spec and goes on from, each with its place: packages come of it,
/// without what was wrong. `lines` is what rpm printed, `spec` its path to show and its text.
pub fn survived(lines: &[String], spec: (&Path, &str)) -> Vec<String> {
    let (path, spec_text) = spec;
    let mut told: Vec<String> = Vec::new();
    for line in lines {
        let bogus = |said: &&str| said.starts_with("bogus date in %changelog");
        let said = line
            .strip_prefix("error: ")
            .or_else(|| line.strip_prefix("warning: ").filter(bogus));
        let Some(said) = said else { continue };
        let (number, message) = match spec_error(line) {
            Some((number, message)) => (number, message),
            None => (None, said.trim().to_owned()),
        };
        let place = match number.or_else(|| mentioned(&message, spec_text)) {
            Some(number) => format!("{}:{number}", path.display()),
            None => path.display().to_string(),
        };
        let warning = format!("{place}: {message}");
        if !told.contains(&warning) {
            told.push(warning);
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: &str = "Name: a\n%include more.inc\nName: b\nBuildArch: odd\n%prep\n%setup -a 4\n%patch -P 3 -p1\n%post -p <lua>\nif x then\n%changelog\n- no star\n";

    #[test]
    fn messages_without_a_number_lead_to_a_line() {
        for (message, line) in [
            (
                "Unable to open more.inc: No such file or directory",
                Some(2),
            ),
            ("Duplicate Name entries in package: (main package)", Some(3)),
            ("No compatible architectures found for build", Some(4)),
            ("No source number 4", Some(6)),
            ("No patch number 3", Some(7)),
            (
                "invalid syntax in lua scriptlet: [string \"%post\"]:1: 'end' expected",
                Some(8),
            ),
            ("%changelog entries must start with *", Some(11)),
            ("something else", None),
        ] {
            assert_eq!(mentioned(message, SPEC), line, "{message}");
        }
    }

    #[test]
    fn what_rpm_goes_on_from_is_told_once() {
        let lines: Vec<String> = [
            "error: bad date in %changelog: no star",
            "error: bad date in %changelog: no star",
            "warning: something",
            "warning: bogus date in %changelog: - no star",
        ]
        .map(str::to_owned)
        .to_vec();
        assert_eq!(
            survived(&lines, (Path::new("a.spec"), SPEC)),
            [
                "a.spec:11: bad date in %changelog: no star",
                "a.spec:11: bogus date in %changelog: - no star"
            ]
        );
    }
}
