//! Which line of a section a traced command comes from.
//!
//! The shell announces commands after rpm and the shell have expanded them, so the two texts differ
//! wherever the spec has a macro or a variable. Both run in the same order, which settles the rest.

use crate::diagnose::scene::program;

/// A command of a section: its first line (from zero) in the spec, and its text with continued lines
/// joined.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Logical {
    pub at: usize,
    pub text: String,
}

/// Macros and the programs they call.
const MACROS: [(&str, &[&str]); 22] = [
    ("make_build", &["make"]),
    ("make_install", &["make"]),
    ("makeinstall", &["make"]),
    ("configure", &["configure"]),
    ("cmake_build", &["cmake", "make", "ninja"]),
    ("cmake_install", &["cmake", "make", "ninja"]),
    ("cmake", &["cmake"]),
    ("ctest", &["ctest"]),
    ("meson", &["meson"]),
    ("ninja", &["ninja"]),
    ("pytest", &["pytest", "python3"]),
    ("tox", &["tox", "python3"]),
    ("py3", &["python3"]),
    ("pyproject", &["python3", "pip"]),
    ("gem", &["gem"]),
    ("cargo", &["cargo"]),
    ("go", &["go"]),
    (
        "autosetup",
        &[
            "rpmuncompress",
            "gzip",
            "bzip2",
            "xz",
            "zstd",
            "tar",
            "unzip",
            "chmod",
            "cd",
            "patch",
            "git",
            "cat",
            "mkdir",
            "rm",
        ],
    ),
    (
        "setup",
        &[
            "rpmuncompress",
            "gzip",
            "bzip2",
            "xz",
            "zstd",
            "tar",
            "unzip",
            "chmod",
            "cd",
            "mkdir",
            "rm",
        ],
    ),
    ("autopatch", &["patch", "git", "cat"]),
    ("patch", &["patch", "cat"]),
    ("find_lang", &["find-lang.sh"]),
];

/// The line of the last command of `trace` among `body`.
pub(super) fn last(body: &[Logical], trace: &[&str]) -> Option<usize> {
    let mut reached: Option<usize> = None;
    let mut sure = false;
    for command in trace {
        let score = |nth: usize| score(&body[nth].text, command);
        let from = reached.unwrap_or(0);
        let best = |range: std::ops::Range<usize>, later: bool| -> Option<(usize, usize)> {
            let mut best: Option<(usize, usize)> = None;
            for nth in range {
                let one = score(nth);
                if one > 0 && best.is_none_or(|(known, _)| one > known || later && one == known) {
                    best = Some((one, nth));
                }
            }
            best
        };
        // A command behind the last one is more likely than a loop that began again.
        let found = match (best(from..body.len(), false), best(0..from, true)) {
            (Some(ahead), Some(back)) if back.0 > ahead.0 => Some(back),
            (ahead, back) => ahead.or(back),
        };
        sure = found.is_some();
        if let Some((_, nth)) = found {
            reached = Some(nth);
        }
    }
    if sure {
        return reached.map(|nth| body[nth].at);
    }
    // The last command is a macro's own; the next line with a macro is the one that calls it.
    let ahead = reached.map_or(0, |nth| nth + 1);
    let own_is_macro = reached.is_some_and(|nth| body[nth].text.starts_with('%'));
    if own_is_macro {
        return reached.map(|nth| body[nth].at);
    }
    let next = body[ahead..]
        .iter()
        .find(|line| line.text.starts_with('%') || line.text.starts_with("./configure"));
    match (next, reached, body) {
        (Some(line), _, _) => Some(line.at),
        (None, Some(nth), _) => Some(body[nth].at),
        (None, None, [one]) => Some(one.at),
        _ => None,
    }
}

/// How surely a line of the spec is what the shell announced as `command`; zero: it is not.
fn score(line: &str, command: &str) -> usize {
    let command = unquoted(command);
    let mut best = 0;
    for part in parts(line) {
        let pattern = pattern(&part);
        let literal = pattern.chars().filter(|c| !matches!(c, '*' | ' ')).count();
        if literal >= 1 && (literal >= 2 || pattern == command) && glob(&pattern, &command) {
            best = best.max(10 + 10 * literal + usize::from(pattern == command) * 1000);
        }
        if let Some(name) = part.trim_start().strip_prefix('%') {
            let name = name.trim_start_matches(['{', '?', '!']);
            let called = program(&command);
            let known = MACROS.iter().find(|(start, _)| name.starts_with(start));
            if known.is_some_and(|(_, programs)| programs.iter().any(|one| called.starts_with(one)))
            {
                // Words of the call that come back in the command make it surer.
                let words = part
                    .split_whitespace()
                    .skip(1)
                    .filter(|word| !word.contains('%') && command.contains(*word))
                    .count();
                best = best.max(8 + words);
            }
        }
    }
    best
}

/// The shell's tracing quotes in its own way, so quotes must not count.
fn unquoted(text: &str) -> String {
    let kept: String = text
        .chars()
        .filter(|c| !matches!(c, '\'' | '"' | '\\'))
        .collect();
    kept.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The simple commands of a line, without what the shell does not announce.
fn parts(line: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut part = String::new();
    let mut quote: Option<char> = None;
    let mut depth = 0usize;
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        match (quote, c) {
            (Some(q), _) if c == q => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, '(' | '{') if part.ends_with(['$', '%']) || depth > 0 => depth += 1,
            (None, ')' | '}') if depth > 0 => depth -= 1,
            (None, '#') if depth == 0 && (part.is_empty() || part.ends_with(' ')) => break,
            (None, ';' | '|' | '&') if depth == 0 && !part.ends_with('>') => {
                out.push(std::mem::take(&mut part));
                continue;
            }
            _ => {}
        }
        part.push(c);
        let _ = rest.peek();
    }
    out.push(part);
    out.into_iter()
        .flat_map(|part| simple(&part))
        .filter(|part| !part.is_empty())
        .collect()
}

/// Words that begin or end a compound command.
const KEYWORDS: [&str; 13] = [
    "if", "then", "else", "elif", "fi", "do", "done", "while", "until", "!", "{", "(", "time",
];

fn simple(part: &str) -> Vec<String> {
    let mut words: Vec<&str> = part.split_whitespace().collect();
    while words.first().is_some_and(|word| KEYWORDS.contains(word)) {
        words.remove(0);
    }
    if let Some(first) = words.first_mut() {
        *first = first.trim_start_matches('(');
    }
    while words.last().is_some_and(|word| matches!(*word, ")" | "}")) {
        words.pop();
    }
    // What is redirected is not announced.
    let mut kept: Vec<&str> = Vec::new();
    let mut skip = false;
    for word in words {
        if skip {
            skip = false;
            continue;
        }
        let bare = word.trim_start_matches(|c: char| c.is_ascii_digit());
        if bare.starts_with('>') || bare.starts_with('<') {
            skip = bare.trim_start_matches(['>', '<']).is_empty();
            continue;
        }
        kept.push(word);
    }
    // Assignments in front of a command are announced by themselves.
    let is_assignment = |word: &str| {
        word.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        })
    };
    let assigned = kept.iter().take_while(|word| is_assignment(word)).count();
    let mut out: Vec<String> = kept[..assigned]
        .iter()
        .map(|word| (*word).to_owned())
        .collect();
    out.push(kept[assigned..].join(" "));
    // `x=$(command)` announces the command too.
    let inner: Vec<String> = part
        .split("$(")
        .skip(1)
        .map(|text| text.split(')').next().unwrap_or(text).trim().to_owned())
        .collect();
    out.extend(inner);
    out
}

/// A line with `*` for all that is expanded before it runs.
fn pattern(part: &str) -> String {
    let text = unquoted(part);
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        match c {
            '%' if after.starts_with('%') => {
                out.push('%');
                rest = &after[1..];
            }
            '%' | '$' if after.starts_with(['{', '(']) => {
                out.push('*');
                rest = closed(after);
            }
            '%' | '$' => {
                let after = after.trim_start_matches(['?', '!']);
                let end = after
                    .find(|c: char| !(c.is_alphanumeric() || c == '_'))
                    .unwrap_or(after.len());
                if end == 0 {
                    out.push(c);
                } else {
                    out.push('*');
                }
                rest = &after[end..];
            }
            '`' => {
                out.push('*');
                rest = after.split_once('`').map_or("", |(_, rest)| rest);
            }
            '?' | '[' | ']' => {
                out.push('*');
                rest = after;
            }
            _ => {
                out.push(c);
                rest = after;
            }
        }
    }
    out
}

/// What stands behind the bracket that closes the one a text begins with.
fn closed(text: &str) -> &str {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '{' | '(' => depth += 1,
            '}' | ')' => {
                depth -= 1;
                if depth == 0 {
                    return &text[at + 1..];
                }
            }
            _ => {}
        }
    }
    ""
}

/// Whether `text` is `pattern` with something for each star. A star may stand for nothing, with the
/// blank before it.
fn glob(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(first) = pieces.next() else {
        return text.is_empty();
    };
    if !pattern.contains('*') {
        return pattern == text;
    }
    let Some(mut rest) = text
        .strip_prefix(first)
        .or_else(|| text.strip_prefix(first.trim_end()))
    else {
        return false;
    };
    let pieces: Vec<&str> = pieces.collect();
    for (nth, piece) in pieces.iter().enumerate() {
        if nth + 1 == pieces.len() {
            return piece.is_empty() || rest.ends_with(piece) || rest.ends_with(piece.trim_start());
        }
        let piece = piece.trim();
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(text: &str) -> Vec<Logical> {
        text.lines()
            .enumerate()
            .map(|(at, line)| Logical {
                at,
                text: line.trim().to_owned(),
            })
            .collect()
    }

    #[track_caller]
    fn check(spec: &str, trace: &[&str], line: usize) {
        assert_eq!(last(&body(spec), trace), Some(line), "{spec}");
    }

    #[test]
    fn the_failing_line_is_found() {
        check(
            "mkdir b\ngcc -o %{name} a.c || exit 1\nls",
            &["mkdir b", "gcc -o demo a.c"],
            1,
        );
        check("echo x > f\n./a \"$X\"", &["echo x", "./a 'y z'"], 1);
        check("%configure\n%make_build", &["./configure --prefix=/usr"], 0);
        check(
            "%configure\n%make_build",
            &["./configure", "/usr/bin/make -O -j2 V=1"],
            1,
        );
        check("cp *.t t/\nprove t", &["cp a.t b.t t/", "prove t"], 1);
        check(
            "for f in a b; do\n  cc -c $f.c\ndone\nmake",
            &["for f in a b", "cc -c a.c", "for f in a b", "cc -c b.c"],
            1,
        );
        check("V=$(git describe)\nmake", &["git describe"], 0);
        check("make\nmake", &["make", "make"], 0);
        check(
            "touch x\n%find_lang demo",
            &["touch x", "/usr/lib/rpm/find-lang.sh /b demo"],
            1,
        );
        check("%special_thing\nmake", &["/usr/lib/special --do"], 0);
    }

    #[test]
    fn stars_stand_for_anything() {
        assert!(glob("make * V=1", "make -j2 V=1"));
        assert!(glob("make *", "make"));
        assert!(!glob("make *", "cmake -j2"));
    }
}
