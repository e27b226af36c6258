//! Python's `pprint.pformat` with its default settings (80 columns, indent of one, sorted keys):
//! the form in which mock shows options.

use super::{
    Value,
    repr::{repr, sorted_pairs, sorted_repr, str_repr},
};

const WIDTH: usize = 80;

/// The text `pprint.pformat(value)` gives.
pub fn pformat(value: &Value) -> String {
    let mut out = String::new();
    format(&mut out, value, 0, 0, 0);
    out
}

fn columns(text: &str) -> usize {
    text.chars().count()
}

fn new_line(out: &mut String, indent: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n(' ', indent));
}

/// Writes `value`, which starts in column `indent` and must leave `allowance` columns free after
/// itself; broken up only if it does not fit.
fn format(out: &mut String, value: &Value, indent: usize, allowance: usize, level: usize) {
    let flat = sorted_repr(value);
    let room = WIDTH.saturating_sub(indent + allowance);
    if columns(&flat) <= room {
        out.push_str(&flat);
        return;
    }
    match value {
        Value::Dict(dict) => {
            out.push('{');
            let pairs = sorted_pairs(dict);
            let last = pairs.len().saturating_sub(1);
            for (nth, (key, item)) in pairs.into_iter().enumerate() {
                if nth > 0 {
                    out.push(',');
                    new_line(out, indent + 1);
                }
                let key = repr(key);
                out.push_str(&key);
                out.push_str(": ");
                let after = if nth == last { allowance + 1 } else { 1 };
                format(out, item, indent + columns(&key) + 3, after, level + 1);
            }
            out.push('}');
        }
        Value::List(list) => items(out, list, ("[", "]"), indent, allowance, level),
        Value::Tuple(list) => {
            let end = if list.len() == 1 { ",)" } else { ")" };
            items(out, list, ("(", end), indent, allowance, level);
        }
        Value::Str(text) => string(out, text, indent, allowance, level + 1),
        _ => out.push_str(&flat),
    }
}

fn items(
    out: &mut String,
    list: &[Value],
    (open, close): (&str, &str),
    indent: usize,
    allowance: usize,
    level: usize,
) {
    out.push_str(open);
    for (nth, item) in list.iter().enumerate() {
        if nth > 0 {
            out.push(',');
            new_line(out, indent + 1);
        }
        let after = if nth + 1 == list.len() {
            allowance + close.len()
        } else {
            1
        };
        format(out, item, indent + 1, after, level + 1);
    }
    out.push_str(close);
}

/// Text that is too long becomes adjacent literals, broken at line ends and then at blanks.
fn string(out: &mut String, text: &str, mut indent: usize, mut allowance: usize, level: usize) {
    if level == 1 {
        indent += 1;
        allowance += 1;
    }
    let full = WIDTH.saturating_sub(indent);
    let lines = split_lines(text);
    let mut chunks = Vec::new();
    let mut last_repr = String::new();
    for (nth, line) in lines.iter().enumerate() {
        let last_line = nth + 1 == lines.len();
        let reserved = if last_line { allowance } else { 0 };
        last_repr = str_repr(line);
        if columns(&last_repr) <= full.saturating_sub(reserved) {
            chunks.push(last_repr.clone());
            continue;
        }
        let words = split_words(line);
        let mut current = String::new();
        for (index, word) in words.iter().enumerate() {
            let candidate = format!("{current}{word}");
            let reserved = if index + 1 == words.len() {
                reserved
            } else {
                0
            };
            if columns(&str_repr(&candidate)) > full.saturating_sub(reserved) {
                if !current.is_empty() {
                    chunks.push(str_repr(&current));
                }
                current = (*word).to_owned();
            } else {
                current = candidate;
            }
        }
        if !current.is_empty() {
            chunks.push(str_repr(&current));
        }
    }
    if chunks.len() == 1 {
        out.push_str(&last_repr);
        return;
    }
    if level == 1 {
        out.push('(');
    }
    for (nth, chunk) in chunks.iter().enumerate() {
        if nth > 0 {
            new_line(out, indent);
        }
        out.push_str(chunk);
    }
    if level == 1 {
        out.push(')');
    }
}

/// Lines with their ends, at every boundary Python's `str.splitlines` knows.
fn split_lines(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut start = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let ends = matches!(
            c,
            '\n' | '\r' | '\x0b' | '\x0c' | '\x1c'..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}'
        );
        if !ends {
            continue;
        }
        let mut end = at + c.len_utf8();
        if c == '\r' && chars.peek().is_some_and(|(_, next)| *next == '\n') {
            chars.next();
            end += 1;
        }
        lines.push(&text[start..end]);
        start = end;
    }
    if start < text.len() {
        lines.push(&text[start..]);
    }
    lines
}

/// Words with the blanks that follow them; leading blanks are a word of their own.
fn split_words(line: &str) -> Vec<&str> {
    let blank = |c: char| c.is_whitespace() || matches!(c, '\x1c'..='\x1f');
    let mut words = Vec::new();
    let mut start = 0;
    let mut in_blanks = false;
    for (at, c) in line.char_indices() {
        if blank(c) {
            in_blanks = true;
        } else if in_blanks {
            words.push(&line[start..at]);
            start = at;
            in_blanks = false;
        }
    }
    if start < line.len() {
        words.push(&line[start..]);
    }
    words
}
