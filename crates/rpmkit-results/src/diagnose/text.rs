//! Small ways of taking lines apart.

/// The text between `before` and the next `after`, if it is not empty.
pub(super) fn between<'a>(line: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(before)?;
    let end = rest.find(after)?;
    Some(&rest[..end]).filter(|text| !text.is_empty())
}

/// The text behind `before`, trimmed, if it is not empty.
pub(super) fn behind<'a>(line: &'a str, before: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(before)?;
    Some(rest.trim()).filter(|text| !text.is_empty())
}

/// The first text between quotes of any kind.
pub(super) fn quoted(line: &str) -> Option<&str> {
    let open = line.find(['\'', '‘', '"', '`'])?;
    let rest = &line[open + line[open..].chars().next()?.len_utf8()..];
    let close = rest.find(['\'', '’', '"', '`'])?;
    Some(&rest[..close]).filter(|text| !text.is_empty())
}

/// A word without the quotes and punctuation around it.
pub(super) fn bare(word: &str) -> &str {
    word.trim_matches(|c: char| {
        matches!(
            c,
            '\'' | '"' | '`' | '‘' | '’' | ',' | ';' | ':' | '(' | ')' | '[' | ']'
        )
    })
    .trim_end_matches('.')
}

/// The number a text begins with.
pub(super) fn number(text: &str) -> Option<u64> {
    let text = text.trim_start();
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    text[..end].parse().ok()
}

/// The number right before `word` in a line: of `3 failed`, 3.
pub(super) fn counted(line: &str, word: &str) -> Option<u64> {
    let mut words = line.split(|c: char| c.is_whitespace() || matches!(c, ',' | '=' | ';'));
    let mut last = None;
    words.find_map(|one| {
        if one.is_empty() {
            return None;
        }
        if one == word {
            return last;
        }
        last = one.parse().ok();
        None
    })
}

/// Whether any of the texts is in the line.
pub(super) fn any(line: &str, texts: &[&str]) -> bool {
    texts.iter().any(|text| line.contains(text))
}

/// The path of a file without the build directory of the package in front.
pub(super) fn below_build(path: &str) -> &str {
    path.split_once("/BUILD/")
        .and_then(|(_, below)| below.split_once('/'))
        .map_or(path, |(_, rest)| rest)
}

/// The same, for a path as a compiler names it: one that runs in a directory of its own goes up first.
pub(super) fn in_tree(path: &str) -> &str {
    let mut path = below_build(path);
    while let Some(rest) = path.strip_prefix("../").or_else(|| path.strip_prefix("./")) {
        path = rest;
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taking_lines_apart() {
        assert_eq!(between("a [b] c", "[", "]"), Some("b"));
        assert_eq!(quoted("no ‘x’ here"), Some("x"));
        assert_eq!(bare("‘zlib’,"), "zlib");
        assert_eq!(
            counted("==== 2 failed, 3 passed in 0.1s ====", "failed"),
            Some(2)
        );
        assert_eq!(counted("==== 2 failed, 3 passed", "passed"), Some(3));
        assert_eq!(below_build("/builddir/build/BUILD/a-1/src/a.c"), "src/a.c");
        assert_eq!(below_build("src/a.c"), "src/a.c");
    }
}
