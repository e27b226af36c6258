//! Finding the line of a spec that a failure belongs to.

mod aligned;

use crate::{diagnose::scene::Scene, failure::FailureCause};
use aligned::Logical;

/// The line (from one) of `spec` that `cause` is about, if one can be named with confidence.
/// The scene's tracing tells how far a section got.
pub(super) fn locate(spec: &str, cause: &FailureCause, scene: &Scene<'_>) -> Option<u32> {
    let reached = || in_section(spec, scene.section?, &scene.trace);
    let found = match cause {
        FailureCause::PatchFailed { patch: Some(patch) } => {
            tag(spec, "patch", patch).or_else(reached)
        }
        FailureCause::ShellSyntax { section, said } => unreadable(spec, section, said),
        FailureCause::WrongSourceDirectory { .. } => starting(spec, &["%setup", "%autosetup"]),
        FailureCause::FilesMissing { files } => files.first().and_then(|f| in_files(spec, f)),
        FailureCause::UnpackagedFiles { .. } => starting(spec, &["%files"]),
        FailureCause::MissingBuildRequires { requirements } => requirements.first().and_then(|r| {
            tag(
                spec,
                "buildrequires",
                r.split_whitespace().next().unwrap_or(r),
            )
        }),
        FailureCause::MissingSource { file } => {
            tag(spec, "source", file).or_else(|| tag(spec, "patch", file))
        }
        FailureCause::ArchExcluded { .. } => starting_tag(spec, &["exclusivearch", "excludearch"]),
        FailureCause::ArchInNoarch => starting_tag(spec, &["buildarch"]),
        FailureCause::SpecParse { .. }
        | FailureCause::Unresolvable { .. }
        | FailureCause::EmptyDebuginfo
        | FailureCause::Limit { .. }
        | FailureCause::Withheld { .. }
        | FailureCause::Interrupted => None,
        _ => reached(),
    }?;
    u32::try_from(found + 1).ok()
}

/// The line (from one) of a spec that asks for a requirement: a `BuildRequires:` that has it, or the section
/// that generates requirements.
pub fn requirement_line(spec: &str, requirement: &str) -> Option<u32> {
    let name = requirement
        .trim_start_matches('(')
        .split_whitespace()
        .next()?;
    let tags = |line: &&str| {
        line.split_once(':')
            .is_some_and(|(tag, _)| tag.trim().to_lowercase().starts_with("buildrequires"))
    };
    let has = |line: &str| {
        line.split([' ', '\t', ',', ':'])
            .map(|word| word.trim_matches(['(', ')']))
            .any(|word| word == name || word == name.trim_end_matches(')'))
            || line.split([' ', '\t', ',']).any(|word| word == name)
    };
    let exact = spec.lines().position(|line| tags(&line) && has(line));
    let found = exact
        .or_else(|| tag(spec, "buildrequires", name))
        .or_else(|| {
            spec.lines()
                .position(|line| heads(line, "%generate_buildrequires"))
        })?;
    u32::try_from(found + 1).ok()
}

/// Section names that end the section before them.
const SECTIONS: [&str; 24] = [
    "%package",
    "%description",
    "%prep",
    "%generate_buildrequires",
    "%conf",
    "%build",
    "%install",
    "%check",
    "%clean",
    "%files",
    "%changelog",
    "%pre",
    "%post",
    "%preun",
    "%postun",
    "%pretrans",
    "%posttrans",
    "%preuntrans",
    "%postuntrans",
    "%triggerin",
    "%triggerun",
    "%triggerpostun",
    "%sourcelist",
    "%patchlist",
];

fn heads(line: &str, section: &str) -> bool {
    line.strip_prefix(section)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']))
}

/// Commands of a section with their lines (from zero): continued lines are one, comments none.
fn body(spec: &str, section: &str) -> Option<(usize, Vec<Logical>)> {
    let head = spec.lines().position(|l| heads(l, section))?;
    let mut commands: Vec<Logical> = Vec::new();
    let mut open = false;
    let lines = spec.lines().enumerate().skip(head + 1);
    for (at, line) in lines.take_while(|(_, l)| !SECTIONS.iter().any(|s| heads(l, s))) {
        let text = line.trim();
        let (text, goes_on) = match text.strip_suffix('\\') {
            Some(text) => (text.trim_end(), true),
            None => (text, false),
        };
        match commands.last_mut().filter(|_| open) {
            Some(last) => {
                last.text.push(' ');
                last.text.push_str(text);
            }
            None if text.is_empty() || text.starts_with('#') || is_condition(text) => {}
            None => commands.push(Logical {
                at,
                text: text.to_owned(),
            }),
        }
        open = goes_on;
    }
    Some((head, commands))
}

fn is_condition(line: &str) -> bool {
    [
        "%if",
        "%el",
        "%endif",
        "%dnl",
        "%global",
        "%define",
        "%undefine",
    ]
    .iter()
    .any(|word| line.starts_with(word))
}

/// The line a section had reached, or its heading.
fn in_section(spec: &str, section: &str, trace: &[&str]) -> Option<usize> {
    let (head, body) = body(spec, section)?;
    Some(aligned::last(&body, trace).unwrap_or(head))
}

/// The line the shell could not read: one with an odd quote, one it quotes, or the start of a compound
/// command that is not closed.
fn unreadable(spec: &str, section: &str, said: &str) -> Option<usize> {
    let (head, body) = body(spec, section)?;
    let quote = ['"', '\'', '`']
        .into_iter()
        .find(|quote| said.contains("matching") && said.contains(&format!("`{quote}'")))
        .or_else(|| said.contains("nterminated quoted").then_some('"'));
    if let Some(quote) = quote {
        let odd = |line: &&Logical| {
            line.text
                .replace(&format!("\\{quote}"), "")
                .matches(quote)
                .count()
                % 2
                == 1
        };
        return body.iter().find(odd).map(|line| line.at).or(Some(head));
    }
    let word = said
        .split_once("near unexpected token `")
        .and_then(|(_, rest)| rest.split('\'').next());
    if let Some(word) = word.filter(|word| *word != "newline") {
        let has = |line: &&Logical| {
            line.text
                .split_whitespace()
                .any(|one| one.trim_end_matches(';') == word)
        };
        return body.iter().find(has).map(|line| line.at).or(Some(head));
    }
    let mut open: Vec<usize> = Vec::new();
    for line in &body {
        let first = line.text.split_whitespace().next().unwrap_or("");
        let closes = line
            .text
            .split([' ', ';'])
            .any(|word| matches!(word, "fi" | "done" | "esac"));
        if matches!(first, "if" | "for" | "while" | "until" | "case") && !closes {
            open.push(line.at);
        } else if closes && !matches!(first, "if" | "for" | "while" | "until" | "case") {
            open.pop();
        }
    }
    open.last().copied().or(Some(head))
}

/// A `TagN: … needle …` line.
fn tag(spec: &str, name: &str, needle: &str) -> Option<usize> {
    let tagged = |line: &str| {
        line.split_once(':').is_some_and(|(tag, _)| {
            let tag = tag.trim().to_lowercase();
            tag.strip_prefix(name)
                .is_some_and(|n| n.chars().all(|c| c.is_ascii_digit()))
        })
    };
    let mut only = None;
    for (at, line) in spec.lines().enumerate().filter(|(_, l)| tagged(l)) {
        if line.contains(needle) {
            return Some(at);
        }
        // With macros in it the name cannot be compared; if there is a single candidate it is that.
        if line.contains('%') {
            only = match only {
                None => Some(Some(at)),
                Some(_) => Some(None),
            };
        }
    }
    only.flatten()
}

fn starting(spec: &str, words: &[&str]) -> Option<usize> {
    spec.lines()
        .position(|l| words.iter().any(|w| heads(l.trim_start(), w)))
}

fn starting_tag(spec: &str, names: &[&str]) -> Option<usize> {
    spec.lines().position(|l| {
        l.split_once(':')
            .is_some_and(|(tag, _)| names.contains(&tag.trim().to_lowercase().as_str()))
    })
}

/// The line of a `%files` section that lists `file`, recognised by its last component.
fn in_files(spec: &str, file: &str) -> Option<usize> {
    let name = file.rsplit('/').next().filter(|n| !n.is_empty())?;
    let mut inside = false;
    let mut head = None;
    for (at, line) in spec.lines().enumerate() {
        if SECTIONS.iter().any(|s| heads(line, s)) {
            inside = heads(line, "%files");
            if inside && head.is_none() {
                head = Some(at);
            }
        } else if inside
            && line
                .split_whitespace()
                .any(|w| w.rsplit('/').next() == Some(name))
        {
            return Some(at);
        }
    }
    head
}

#[cfg(test)]
mod tests {
    use super::requirement_line;

    #[test]
    fn requirements_are_found_on_their_lines() {
        let spec = "Name: a\nBuildRequires: gcc-c++ make\nBuildRequires: gcc\nBuildRequires:pkgconfig(zlib) >= 1\n%generate_buildrequires\n";
        for (requirement, line) in [
            ("gcc", 3),
            ("make", 2),
            ("pkgconfig(zlib) >= 1", 4),
            ("python3dist(x)", 5),
        ] {
            assert_eq!(
                requirement_line(spec, requirement),
                Some(line),
                "{requirement}"
            );
        }
        assert_eq!(requirement_line("Name: a", "x"), None);
    }
}
