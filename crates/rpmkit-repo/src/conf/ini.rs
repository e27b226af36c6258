//! The text form of `dnf.conf`: sections, `key = value`, comments and continuation lines.
//!
//! The rules are those dnf's own reader follows: a line that begins with a blank continues the
//! value above it, `#` and `;` begin a comment only at the start of a line, and a key given twice
//! in one section keeps its last value.

use super::ConfError;

/// One `key = value` of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct IniEntry {
    /// Line of the key, counted from one.
    pub line: usize,
    /// The key without blanks and quotes.
    pub key: String,
    /// The value; continuation lines are joined by newlines.
    pub value: String,
}

/// One `[section]` with its entries in the order written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct IniSection {
    /// Line of the header, counted from one.
    pub line: usize,
    /// The name between the brackets, without blanks and quotes.
    pub name: String,
    /// What it says.
    pub entries: Vec<IniEntry>,
}

/// Splits the text. Sections of the same name are returned apart; the caller merges them.
pub(super) fn parse(text: &str) -> Result<Vec<IniSection>, ConfError> {
    let mut sections: Vec<IniSection> = Vec::new();
    let mut continued = false;
    for (index, raw) in text.lines().enumerate() {
        let line = index + 1;
        let content = raw.trim();
        if content.is_empty() {
            // An empty line inside a list of URLs does not end the list.
            continue;
        }
        if raw.starts_with(['#', ';']) {
            continue;
        }
        if raw.starts_with([' ', '\t']) && continued {
            if content.starts_with(['#', ';']) {
                continue;
            }
            if let Some(entry) = sections.last_mut().and_then(|s| s.entries.last_mut()) {
                if !entry.value.is_empty() {
                    entry.value.push('\n');
                }
                entry.value.push_str(content);
            }
            continue;
        }
        if let Some(rest) = content.strip_prefix('[') {
            let (name, after) = rest.split_once(']').ok_or_else(|| {
                ConfError::new(line, format!("section header `{content}` has no `]`"))
            })?;
            let after = after.trim();
            if !after.is_empty() && !after.starts_with(['#', ';']) {
                return Err(ConfError::new(
                    line,
                    format!("`{after}` after the section header"),
                ));
            }
            let name = unquote(name.trim());
            if name.is_empty() {
                return Err(ConfError::new(line, "section header without a name"));
            }
            sections.push(IniSection {
                line,
                name: name.to_owned(),
                entries: Vec::new(),
            });
            continued = false;
            continue;
        }
        if content.starts_with(['#', ';']) {
            continue;
        }
        let Some(section) = sections.last_mut() else {
            return Err(ConfError::new(
                line,
                format!("`{content}` stands before the first section header"),
            ));
        };
        let (key, value) = content.split_once('=').ok_or_else(|| {
            ConfError::new(
                line,
                format!("`key = value` was expected, found `{content}`"),
            )
        })?;
        let key = unquote(key.trim());
        if key.is_empty() {
            return Err(ConfError::new(line, "there is no key before the `=`"));
        }
        section.entries.push(IniEntry {
            line,
            key: key.to_owned(),
            value: value.trim().to_owned(),
        });
        continued = true;
    }
    Ok(sections)
}

/// Takes off one pair of matching quotes.
pub(super) fn unquote(text: &str) -> &str {
    for quote in ['"', '\''] {
        if let Some(inner) = text
            .strip_prefix(quote)
            .and_then(|rest| rest.strip_suffix(quote))
        {
            return inner;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn continuation_comments_and_quotes_are_read() {
        let text = "# head\n[main]\nkeepcache=1\n\n['build']\n'name'=\"Repo: x\"\nbaseurl=http://a/\n  http://b/\n\n\t# no\n\thttp://c/\n;x\nenabled = 1 \n[x] # tail\n";
        let sections = parse(text).unwrap();
        assert_eq!(sections.len(), 3);
        let build = &sections[1];
        assert_eq!((build.name.as_str(), build.line), ("build", 5));
        assert_eq!(build.entries[0].key, "name");
        assert_eq!(build.entries[1].value, "http://a/\nhttp://b/\nhttp://c/");
        assert_eq!(build.entries[2].line, 13);
        assert_eq!(build.entries[2].value, "1");
    }

    #[test]
    fn errors_name_the_line() {
        for (text, line, part) in [
            ("a=1\n", 1, "before the first section"),
            ("[main]\n\nfoo\n", 3, "found `foo`"),
            ("[main\n", 1, "has no `]`"),
            ("[]\n", 1, "without a name"),
            ("[a] b\n", 1, "`b` after"),
            ("[a]\n= 3\n", 2, "no key"),
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!(error.line, line, "{text:?}");
            assert!(error.problem.contains(part), "{}", error.problem);
        }
    }

    #[test]
    fn indented_text_without_a_key_above_is_read_as_a_line() {
        let sections = parse("  [main]\n  a=1\n").unwrap();
        assert_eq!(sections[0].entries[0].value, "1");
    }
}
