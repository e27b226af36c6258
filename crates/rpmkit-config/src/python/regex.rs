//! Python's `re` on literal patterns, by a matcher whose time grows with the text only.
//!
//! Look-around and references back have no such matcher: a pattern that holds one is an error that says so.

use std::rc::Rc;

use regex_automata::{
    Input,
    meta::{BuildError, Regex},
    util::{captures::Captures, syntax},
};

use super::limits::MAX_TEXT;
use crate::{Value, heap::Cell};

/// Bytes a compiled pattern may take.
const MAX_PATTERN: usize = 1 << 20;

fn compile(pattern: &str) -> Result<Regex, String> {
    let translated = pattern.replace("\\Z", "\\z");
    Regex::builder()
        .configure(Regex::config().nfa_size_limit(Some(MAX_PATTERN)))
        .syntax(syntax::Config::new().nest_limit(50))
        .build(&translated)
        .map_err(|error| refusal(pattern, &error))
}

fn refusal(pattern: &str, error: &BuildError) -> String {
    let cause = match error.syntax_error() {
        Some(error) => error
            .to_string()
            .lines()
            .last()
            .unwrap_or_default()
            .to_owned(),
        None => error.to_string(),
    };
    format!("the pattern {pattern:?} cannot be read: {cause}")
}

/// `re.match`, `re.search` and `re.fullmatch`: the groups, the whole match first, or `None`.
pub(super) fn find(function: &str, pattern: &str, text: &str) -> Result<Cell, String> {
    let regex = compile(&match function {
        "re.fullmatch" => format!("(?:{pattern})\\z"),
        _ => pattern.to_owned(),
    })?;
    let mut captures = regex.create_captures();
    regex.captures(text, &mut captures);
    let anchored = function != "re.search";
    if !captures
        .get_match()
        .is_some_and(|found| !anchored || found.start() == 0)
    {
        return Ok(Cell::Plain(Value::None));
    }
    let groups = (0..captures.group_len())
        .map(|nth| group(&captures, nth, text))
        .collect();
    Ok(Cell::Tuple(Rc::new(groups)))
}

fn group(captures: &Captures, nth: usize, text: &str) -> Cell {
    match captures.get_group(nth) {
        Some(span) => Cell::Plain(text[span.range()].into()),
        None => Cell::Plain(Value::None),
    }
}

/// `re.sub`: at most `count` replacements, all with 0.
pub(super) fn replace(
    pattern: &str,
    replacement: &str,
    text: &str,
    count: usize,
) -> Result<String, String> {
    let regex = compile(pattern)?;
    let template = Template::parse(replacement)?;
    let mut captures = regex.create_captures();
    let (mut out, mut at, mut done) = (String::new(), 0, 0);
    while at <= text.len() && (count == 0 || done < count) {
        regex.captures(Input::new(text).span(at..text.len()), &mut captures);
        let Some(found) = captures.get_match() else {
            break;
        };
        out.push_str(&text[at..found.start()]);
        template.expand(&captures, text, &mut out)?;
        done += 1;
        at = found.end();
        if found.is_empty() {
            // Past an empty match the next character is taken as it is.
            let next = text[at..].chars().next();
            out.extend(next);
            at += next.map_or(1, char::len_utf8);
        }
        if out.len() > MAX_TEXT {
            return Err("the text would be too long".into());
        }
    }
    out.push_str(text.get(at..).unwrap_or_default());
    Ok(out)
}

/// `re.split` without groups in the pattern.
pub(super) fn split(pattern: &str, text: &str) -> Result<Cell, String> {
    let regex = compile(pattern)?;
    if regex.captures_len() > 1 {
        return Err("re.split() is read without groups in the pattern".into());
    }
    let parts: Vec<&str> = regex.split(text).map(|span| &text[span.range()]).collect();
    Ok(Cell::new(parts.into()))
}

/// `re.findall` with one group at most.
pub(super) fn all(pattern: &str, text: &str) -> Result<Cell, String> {
    let regex = compile(pattern)?;
    if regex.captures_len() > 2 {
        return Err("re.findall() is read with one group at most".into());
    }
    let which = regex.captures_len() - 1;
    let found = regex
        .captures_iter(text)
        .map(|captures| match group(&captures, which, text) {
            Cell::Plain(Value::None) => Cell::Plain("".into()),
            cell => cell,
        })
        .collect();
    Ok(Cell::list(found))
}

/// `re.escape`.
pub(super) fn escape(text: &str) -> String {
    let special = |c: char| "()[]{}?*+-|^$\\.&~# \t\n\r\u{b}\u{c}".contains(c);
    let mut out = String::new();
    for c in text.chars() {
        if special(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// A replacement, cut at its references.
struct Template(Vec<Part>);

enum Part {
    Text(String),
    Number(usize),
    Name(String),
}

impl Template {
    fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('\\') {
            plain.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            let mut chars = rest.chars();
            let Some(mark) = chars.next() else {
                return Err("bad escape (end of pattern)".into());
            };
            rest = chars.as_str();
            match mark {
                'n' => plain.push('\n'),
                't' => plain.push('\t'),
                'r' => plain.push('\r'),
                '\\' => plain.push('\\'),
                'g' => {
                    let name = rest.strip_prefix('<').and_then(|rest| rest.split_once('>'));
                    let (name, after) = name.ok_or("missing group name")?;
                    rest = after;
                    parts.push(Part::Text(std::mem::take(&mut plain)));
                    parts.push(match name.parse() {
                        Ok(number) => Part::Number(number),
                        Err(_) => Part::Name(name.to_owned()),
                    });
                }
                '1'..='9' => {
                    let second = rest.chars().next().filter(char::is_ascii_digit);
                    let digits: String = std::iter::once(mark).chain(second).collect();
                    rest = &rest[digits.len() - 1..];
                    parts.push(Part::Text(std::mem::take(&mut plain)));
                    parts.push(Part::Number(digits.parse().unwrap_or(usize::MAX)));
                }
                other if other.is_ascii_alphanumeric() => {
                    return Err(format!("bad escape \\{other}"));
                }
                other => plain.extend(['\\', other]),
            }
        }
        plain.push_str(rest);
        parts.push(Part::Text(plain));
        Ok(Self(parts))
    }

    fn expand(&self, captures: &Captures, text: &str, out: &mut String) -> Result<(), String> {
        for part in &self.0 {
            let span = match part {
                Part::Text(plain) => {
                    out.push_str(plain);
                    continue;
                }
                Part::Number(number) if *number < captures.group_len() => {
                    captures.get_group(*number)
                }
                Part::Number(number) => return Err(format!("invalid group reference {number}")),
                Part::Name(name) => {
                    let known = captures
                        .group_info()
                        .to_index(captures.pattern().unwrap_or_default(), name);
                    known.ok_or_else(|| format!("unknown group name '{name}'"))?;
                    captures.get_group_by_name(name)
                }
            };
            out.push_str(span.map_or("", |span| &text[span.range()]));
        }
        Ok(())
    }
}
