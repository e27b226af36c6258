//! Words of a project made fit for a spec.

/// A version in rpm's terms: what comes before a release gets a tilde (`1.0.0-rc.1`, `1.0rc1`,
/// `1.0.dev3` come before `1.0`), build metadata after `+` joins with a caret, and a leading `v` is
/// no part of it. What rpm does not allow in a version becomes a dot.
pub fn rpm_version(version: &str) -> String {
    let version = version.trim();
    let version = version
        .strip_prefix(['v', 'V'])
        .filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        .unwrap_or(version);
    let (version, build) = match version.split_once('+') {
        Some((version, build)) => (version, Some(build)),
        None => (version, None),
    };
    let mut out = tilde(version);
    if let Some(build) = build {
        out.push('^');
        out.push_str(&build.replace('-', "."));
    }
    out.chars()
        .map(|c| match c {
            c if c.is_ascii_alphanumeric() || "._~^".contains(c) => c,
            _ => '.',
        })
        .collect()
}

/// Puts the tilde before the first word that means "not yet".
fn tilde(version: &str) -> String {
    const EARLY: [&str; 7] = ["alpha", "beta", "dev", "pre", "rc", "a", "b"];
    let lower = version.to_ascii_lowercase();
    for (at, _) in lower.char_indices().skip(1) {
        let head = &lower[..at];
        let rest = &lower[at..];
        let word = rest.trim_start_matches(['.', '-', '_']);
        let joined = word.len() == rest.len();
        if joined && !head.ends_with(|c: char| c.is_ascii_digit()) {
            continue;
        }
        let early = EARLY.iter().any(|early| {
            word.strip_prefix(early).is_some_and(|after| {
                // `1.1.1b` is a patch level, `1.1.1b2` a beta.
                let number = after.trim_start_matches(['.', '-', '_']);
                let counted = number.starts_with(|c: char| c.is_ascii_digit());
                counted || (early.len() > 1 && number.is_empty())
            })
        });
        if early {
            let word = &version[version.len() - word.len()..];
            return format!("{}~{}", &version[..at], word.replace('-', "."));
        }
    }
    version.replacen('-', "~", 1).replace('-', ".")
}

/// A name rpm takes: what it does not allow becomes a dash.
pub fn rpm_name(name: &str) -> String {
    let mut out = String::new();
    for c in name.trim().chars() {
        if c.is_ascii_alphanumeric() || "._+".contains(c) {
            out.push(c);
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
    }
    let out = out.trim_matches('-');
    out.trim_start_matches(['.', '+', '_']).to_owned()
}

/// One line, with nothing in it that is not to be seen.
pub fn one_line(text: &str) -> String {
    let text: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A summary as rpmlint wants it: one line, no full stop, a capital first, under 80 characters.
pub fn summary(text: &str) -> String {
    let first = text.trim().split("\n\n").next().unwrap_or_default();
    let first = first.lines().next().unwrap_or_default();
    let mut line = one_line(first).trim_end_matches('.').to_owned();
    if line.chars().count() > 79 {
        line = line.chars().take(79).collect();
        if let Some(at) = line.rfind(' ') {
            line.truncate(at);
        }
        line.truncate(line.trim_end_matches([',', ';', ':', '.']).len());
    }
    let mut letters = line.chars();
    let line = match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => line,
    };
    macro_safe(&line)
}

/// `%` begins a macro in a spec.
pub fn macro_safe(text: &str) -> String {
    text.replace('%', "%%")
}

/// Breaks paragraphs into lines of at most 75 characters; a line longer than 79 is an error to
/// rpmlint. No line begins with `%`: rpm would take `%if` or `%files` there for its own, however
/// it is written.
pub fn wrap(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let mut out = Vec::new();
    for paragraph in text.trim().split("\n\n") {
        let mut words: Vec<String> = Vec::new();
        for word in one_line(paragraph)
            .split(' ')
            .filter(|word| !word.is_empty())
        {
            match words.last_mut() {
                Some(last) if word.starts_with('%') => {
                    last.push(' ');
                    last.push_str(&macro_safe(word));
                }
                Some(_) => words.push(macro_safe(word)),
                None => words.push(macro_safe(word.trim_start_matches('%'))),
            }
        }
        words.retain(|word| !word.is_empty());
        let mut line = String::new();
        for word in words {
            // rpm counts a doubled sign once.
            let width = |text: &str| text.replace("%%", "%").chars().count();
            if !line.is_empty() && width(&line) + 1 + width(&word) > 75 {
                out.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(&word);
        }
        if !line.is_empty() {
            out.push(line);
            out.push(String::new());
        }
    }
    while out.last().is_some_and(String::is_empty) {
        out.pop();
    }
    out.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_sort_as_they_mean() {
        for (theirs, ours) in [
            ("1.0.0", "1.0.0"),
            ("v1.0", "1.0"),
            ("1.0.0-rc.1", "1.0.0~rc.1"),
            ("1.0.0-alpha-2+build-5", "1.0.0~alpha.2^build.5"),
            ("1.0rc2", "1.0~rc2"),
            ("2.0b1", "2.0~b1"),
            ("2.0.dev3", "2.0~dev3"),
            ("3.1-beta", "3.1~beta"),
            ("3.1_pre4", "3.1~pre4"),
            ("1.0.post1", "1.0.post1"),
            ("1.1.1b", "1.1.1b"),
            ("9e", "9e"),
            ("2024.1-3", "2024.1~3"),
            ("1:2 ü", "1.2.."),
        ] {
            assert_eq!(rpm_version(theirs), ours, "{theirs}");
        }
    }

    #[test]
    fn names_become_what_rpm_takes() {
        assert_eq!(rpm_name("Hello World!"), "Hello-World");
        assert_eq!(rpm_name("@scope/näme_x"), "scope-n-me_x");
        assert_eq!(rpm_name("-.hidden"), "hidden");
        assert_eq!(rpm_name("世界"), "");
    }

    #[test]
    fn no_line_of_a_description_is_one_of_rpms() {
        assert_eq!(
            wrap("%if you like\nit, 5 %\n\n%description"),
            "if you like it, 5 %%\n\ndescription"
        );
        let long = wrap(&"word %files ".repeat(40));
        assert!(
            long.lines()
                .all(|line| line.len() < 100 && !line.starts_with('%')),
            "{long}"
        );
        assert_eq!(wrap("a\r\nb\tc\u{7}d\n\n\n\nlast"), "a b c d\n\nlast");
    }

    #[test]
    fn summaries_are_one_line() {
        assert_eq!(
            summary("\n does 100% of things.\nMore."),
            "Does 100%% of things"
        );
        assert_eq!(summary(&"long, ".repeat(30)).chars().count(), 76);
        assert_eq!(summary("über\tall"), "Über all");
    }
}
