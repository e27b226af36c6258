//! `str.format`: fields by order and by name, keys, conversions, and formats that hold fields themselves.

use indexmap::IndexMap;

use super::{format as value_format, limits::MAX_TEXT, ops};
use crate::{Value, repr};

/// What `format` was given.
#[derive(Debug, Default)]
pub(super) struct Arguments {
    pub(super) ordered: Vec<Value>,
    pub(super) named: IndexMap<String, Value>,
}

/// `text.format(…)`.
pub(super) fn format(text: &str, arguments: &Arguments) -> Result<String, String> {
    let mut next = 0;
    expand(text, arguments, &mut next, true)
}

fn expand(
    text: &str,
    arguments: &Arguments,
    next: &mut usize,
    outer: bool,
) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        out.push_str(&rest[..at]);
        let (brace, after) = rest[at..].split_at(1);
        if let Some(after) = after.strip_prefix(brace).filter(|_| outer) {
            out.push_str(brace);
            rest = after;
            continue;
        }
        let end = close(after).filter(|_| brace == "{");
        let end = end.ok_or_else(|| format!("Single '{brace}' encountered in format string"))?;
        let field = &after[..end];
        rest = &after[end + 1..];
        if !outer && field.contains(['{', '}']) {
            return Err("Max string recursion exceeded".into());
        }
        let (name, spec) = field.split_once(':').unwrap_or((field, ""));
        let (name, conversion) = match name.split_once('!') {
            Some((name, conversion)) => (name, Some(conversion)),
            None => (name, None),
        };
        let value = lookup(name, arguments, next)?;
        let value = match conversion {
            None => value,
            Some("s") => Value::Str(value.to_string()),
            Some("r") => Value::Str(repr(&value)),
            Some("a") => Value::Str(value_format::ascii(&repr(&value))),
            Some(other) => return Err(format!("Unknown conversion specifier '{other}'")),
        };
        let spec = if outer {
            expand(spec, arguments, next, false)?
        } else {
            spec.to_owned()
        };
        out.push_str(&value_format::format(&value, &spec)?);
        if out.len() > MAX_TEXT {
            return Err("the text would be too long".into());
        }
    }
    out.push_str(rest);
    Ok(out)
}

/// Where the field ends that starts at the front.
fn close(text: &str) -> Option<usize> {
    let mut depth = 0;
    text.bytes().position(|byte| {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => {}
        }
        depth < 0
    })
}

/// The value of `name`, `0`, or nothing for the next one, with `[key]` behind it.
fn lookup(name: &str, arguments: &Arguments, next: &mut usize) -> Result<Value, String> {
    let head = name.split(['[', '.']).next().unwrap_or_default();
    let index = match head {
        "" => {
            *next += 1;
            Some(*next - 1)
        }
        digits => digits.parse().ok(),
    };
    let found = match index {
        Some(index) => arguments
            .ordered
            .get(index)
            .ok_or("Replacement index out of range for positional args tuple")?,
        None => arguments
            .named
            .get(head)
            .ok_or_else(|| format!("no argument is named `{head}`"))?,
    };
    let mut value = found;
    let mut rest = &name[head.len()..];
    while !rest.is_empty() {
        let key = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        let (key, after) = key.ok_or_else(|| format!("the field `{{{name}}}` cannot be read"))?;
        rest = after;
        value = match (value, key.parse::<i128>()) {
            (Value::List(items) | Value::Tuple(items), Ok(at)) => {
                &items[ops::index(&Value::Int(at), items.len(), "list")?]
            }
            (Value::Dict(dict), Ok(at)) => dict
                .0
                .get(&Value::Int(at))
                .ok_or_else(|| format!("there is no key {key}"))?,
            (Value::Dict(dict), Err(_)) => dict
                .0
                .get(&Value::from(key))
                .ok_or_else(|| format!("there is no key '{key}'"))?,
            _ => return Err(format!("the field `{{{name}}}` cannot be read")),
        };
    }
    Ok(value.clone())
}
