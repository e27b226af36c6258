//! Methods of text.

use ruff_python_ast::ExprCall;
use std::rc::Rc;

use super::{fields, interp::Interp, limits::MAX_TEXT};
use crate::{ConfigError, Value, heap::Cell};

/// The methods that can be read.
pub(super) const METHODS: &[&str] = &[
    "capitalize",
    "center",
    "count",
    "endswith",
    "find",
    "format",
    "index",
    "isalnum",
    "isalpha",
    "isdecimal",
    "isdigit",
    "islower",
    "isnumeric",
    "isspace",
    "isupper",
    "join",
    "ljust",
    "lower",
    "lstrip",
    "partition",
    "removeprefix",
    "removesuffix",
    "replace",
    "rfind",
    "rjust",
    "rpartition",
    "rsplit",
    "rstrip",
    "split",
    "splitlines",
    "startswith",
    "strip",
    "title",
    "upper",
    "zfill",
];

impl Interp<'_> {
    pub(super) fn text_method(
        &mut self,
        call: &ExprCall,
        text: &str,
        method: &str,
    ) -> Result<Cell, ConfigError> {
        if method == "format" {
            return self.format_method(call, text);
        }
        let args = self
            .arguments(call)?
            .iter()
            .map(|cell| self.plain(call, cell))
            .collect::<Result<Vec<_>, _>>()?;
        let wrong = |message: String| self.wrong(call, message);
        match (method, args.as_slice()) {
            ("join", [items]) => join(text, items).map_err(wrong),
            ("startswith" | "endswith", [what]) => {
                let test = |part: &str| match method {
                    "startswith" => text.starts_with(part),
                    _ => text.ends_with(part),
                };
                match what {
                    Value::Str(part) => Ok(Cell::Plain(test(part).into())),
                    Value::Tuple(parts) => Ok(Cell::Plain(
                        parts.iter().filter_map(Value::as_str).any(test).into(),
                    )),
                    _ => Err(wrong(format!("{method}() takes text"))),
                }
            }
            _ => {
                let changed = changed(text, method, &args)
                    .or_else(|| asked(text, method, &args))
                    .or_else(|| parted(text, method, &args));
                match changed {
                    Some(result) => result.map_err(wrong),
                    None => Err(wrong(format!(
                        "{method}() cannot be read with these arguments"
                    ))),
                }
            }
        }
    }

    /// `text.format(…)`, with arguments in order and by name.
    fn format_method(&mut self, call: &ExprCall, text: &str) -> Result<Cell, ConfigError> {
        let mut values = fields::Arguments::default();
        for arg in &call.arguments.args {
            let value = self.value(arg)?;
            values.ordered.push(value);
        }
        for keyword in &call.arguments.keywords {
            let value = if super::expr::is_root(&keyword.value) {
                Value::Dict(self.reading.draft().with_aliases())
            } else {
                self.value(&keyword.value)?
            };
            match (&keyword.arg, value) {
                (Some(name), value) => {
                    values.named.insert(name.to_string(), value);
                }
                (None, Value::Dict(dict)) => {
                    let entries = dict.0.into_iter();
                    values
                        .named
                        .extend(entries.map(|(key, value)| (key.to_string(), value)));
                }
                (None, _) => return Err(self.wrong(keyword, "`**` takes a dict")),
            }
        }
        fields::format(text, &values)
            .map(|text| Cell::Plain(text.into()))
            .map_err(|message| self.wrong(call, message))
    }
}

type Read = Option<Result<Cell, String>>;

fn plain(text: impl Into<String>) -> Read {
    Some(Ok(Cell::Plain(text.into().into())))
}

fn join(separator: &str, items: &Value) -> Result<Cell, String> {
    let parts: Option<Vec<&str>> = match items {
        Value::List(items) | Value::Tuple(items) => items.iter().map(Value::as_str).collect(),
        Value::Dict(dict) => dict.0.keys().map(Value::as_str).collect(),
        _ => None,
    };
    let parts = parts.ok_or("join() takes a list, tuple or dict of text")?;
    let size: usize = parts.iter().map(|part| part.len() + separator.len()).sum();
    if size > MAX_TEXT {
        return Err("the text would be too long".into());
    }
    Ok(Cell::Plain(parts.join(separator).into()))
}

/// Methods that give another text.
fn changed(text: &str, method: &str, args: &[Value]) -> Read {
    match (method, args) {
        ("lower", []) => plain(text.to_lowercase()),
        ("upper", []) => plain(text.to_uppercase()),
        ("title", []) => plain(title(text)),
        ("capitalize", []) => {
            let mut chars = text.chars();
            let first: String = chars
                .next()
                .into_iter()
                .flat_map(char::to_uppercase)
                .collect();
            plain(first + &chars.as_str().to_lowercase())
        }
        ("strip", [] | [Value::None]) => plain(text.trim()),
        ("lstrip", [] | [Value::None]) => plain(text.trim_start()),
        ("rstrip", [] | [Value::None]) => plain(text.trim_end()),
        ("strip", [Value::Str(set)]) => plain(text.trim_matches(|c| set.contains(c))),
        ("lstrip", [Value::Str(set)]) => plain(text.trim_start_matches(|c| set.contains(c))),
        ("rstrip", [Value::Str(set)]) => plain(text.trim_end_matches(|c| set.contains(c))),
        ("removeprefix", [Value::Str(part)]) => {
            plain(text.strip_prefix(part.as_str()).unwrap_or(text))
        }
        ("removesuffix", [Value::Str(part)]) => {
            plain(text.strip_suffix(part.as_str()).unwrap_or(text))
        }
        ("replace", [Value::Str(old), Value::Str(new)]) => {
            let times = text.matches(old.as_str()).count();
            if text.len() + times.saturating_mul(new.len()) > MAX_TEXT {
                return Some(Err("the text would be too long".into()));
            }
            plain(text.replace(old.as_str(), new))
        }
        ("replace", [Value::Str(old), Value::Str(new), Value::Int(count)]) => {
            let times = text.matches(old.as_str()).count();
            let count = usize::try_from(*count).unwrap_or(times).min(times);
            if text.len() + count.saturating_mul(new.len()) > MAX_TEXT {
                return Some(Err("the text would be too long".into()));
            }
            plain(text.replacen(old.as_str(), new, count))
        }
        ("zfill" | "ljust" | "rjust" | "center", [Value::Int(width)]) => {
            Some(padded(text, method, *width, ' '))
        }
        ("ljust" | "rjust" | "center", [Value::Int(width), Value::Str(fill)])
            if fill.chars().count() == 1 =>
        {
            let fill = fill.chars().next().unwrap_or(' ');
            Some(padded(text, method, *width, fill))
        }
        _ => None,
    }
}

fn padded(text: &str, method: &str, width: i128, fill: char) -> Result<Cell, String> {
    let width = super::format::FormatSpec::limit(u128::try_from(width).unwrap_or(0))?;
    let missing = width.saturating_sub(text.chars().count());
    let fills = |count: usize| fill.to_string().repeat(count);
    let made = match method {
        "zfill" => {
            let digits = text.trim_start_matches(['+', '-']);
            let sign = if text.len() - digits.len() > 1 {
                1
            } else {
                text.len() - digits.len()
            };
            format!("{}{}{}", &text[..sign], "0".repeat(missing), &text[sign..])
        }
        "ljust" => format!("{text}{}", fills(missing)),
        "rjust" => format!("{}{text}", fills(missing)),
        _ => {
            // Where it does not come out even, an odd width has the extra one on the left.
            let left = missing / 2 + (missing & width & 1);
            format!("{}{text}{}", fills(left), fills(missing - left))
        }
    };
    Ok(Cell::Plain(made.into()))
}

fn title(text: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for c in text.chars() {
        match (c.is_alphabetic(), inside) {
            (true, true) => out.extend(c.to_lowercase()),
            (true, false) => out.extend(c.to_uppercase()),
            (false, _) => out.push(c),
        }
        inside = c.is_alphabetic();
    }
    out
}

/// Methods that give a number or a flag.
fn asked(text: &str, method: &str, args: &[Value]) -> Read {
    let flag = |flag: bool| Some(Ok(Cell::Plain(flag.into())));
    let number = |number: i128| Some(Ok(Cell::Plain(Value::Int(number))));
    let place = |at: usize| text[..at].chars().count() as i128;
    let all = |test: fn(char) -> bool| !text.is_empty() && text.chars().all(test);
    match (method, args) {
        ("count", [Value::Str(part)]) => number(text.matches(part.as_str()).count() as i128),
        ("find", [Value::Str(part)]) => number(text.find(part.as_str()).map_or(-1, place)),
        ("rfind", [Value::Str(part)]) => number(text.rfind(part.as_str()).map_or(-1, place)),
        ("index", [Value::Str(part)]) => Some(match text.find(part.as_str()) {
            Some(at) => Ok(Cell::Plain(Value::Int(place(at)))),
            None => Err("substring not found".into()),
        }),
        ("isdigit" | "isdecimal" | "isnumeric", []) => flag(all(char::is_numeric)),
        ("isalpha", []) => flag(all(char::is_alphabetic)),
        ("isalnum", []) => flag(all(char::is_alphanumeric)),
        ("isspace", []) => flag(all(char::is_whitespace)),
        ("islower", []) => {
            flag(text.chars().any(char::is_lowercase) && !text.chars().any(char::is_uppercase))
        }
        ("isupper", []) => {
            flag(text.chars().any(char::is_uppercase) && !text.chars().any(char::is_lowercase))
        }
        _ => None,
    }
}

/// Methods that give several texts.
fn parted(text: &str, method: &str, args: &[Value]) -> Read {
    let list = |parts: Vec<&str>| Some(Ok(Cell::new(parts.into())));
    let three = |(a, b, c): (&str, &str, &str)| {
        let items = [a, b, c].map(|part| Cell::Plain(part.into()));
        Some(Ok(Cell::Tuple(Rc::new(items.to_vec()))))
    };
    match (method, args) {
        ("splitlines", []) => list(text.lines().collect()),
        ("split" | "rsplit", [] | [Value::None]) => list(text.split_whitespace().collect()),
        (_, [Value::Str(separator), ..]) if separator.is_empty() => {
            Some(Err("empty separator".into()))
        }
        ("split" | "rsplit", [Value::Str(separator)]) => {
            list(text.split(separator.as_str()).collect())
        }
        ("split" | "rsplit", [Value::Str(separator), Value::Int(times)]) => {
            let Ok(times) = usize::try_from(*times) else {
                return list(text.split(separator.as_str()).collect());
            };
            let pieces = times.saturating_add(1);
            if method == "split" {
                return list(text.splitn(pieces, separator.as_str()).collect());
            }
            let mut parts: Vec<&str> = text.rsplitn(pieces, separator.as_str()).collect();
            parts.reverse();
            list(parts)
        }
        ("partition", [Value::Str(separator)]) => {
            three(match text.split_once(separator.as_str()) {
                Some((left, right)) => (left, separator, right),
                None => (text, "", ""),
            })
        }
        ("rpartition", [Value::Str(separator)]) => {
            three(match text.rsplit_once(separator.as_str()) {
                Some((left, right)) => (left, separator, right),
                None => ("", "", text),
            })
        }
        _ => None,
    }
}
