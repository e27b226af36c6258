//! Writing options as TOML.

use super::value::LITERAL;
use crate::{
    Dict, Value,
    options::{self, OptionKind},
    repr,
};

/// Marks a value that is to be written as a Python literal whatever it is.
pub(crate) struct Literal;

impl Literal {
    /// The table that stands for the value.
    pub(crate) fn mark(value: &Value) -> Value {
        let mut dict = Dict::new();
        dict.set(LITERAL, repr(value));
        Value::Dict(dict)
    }

    fn is_mark(dict: &Dict) -> bool {
        dict.len() == 1
            && dict
                .get(LITERAL)
                .is_some_and(|value| value.as_str().is_some())
    }
}

/// The options as a file of ours: plain values first, then tables.
pub fn to_toml(options: &Dict) -> String {
    let mut out = String::new();
    let mut tables = Vec::new();
    for (name, value) in options.pairs() {
        let tuple = options::find(name).is_some_and(|spec| spec.kind == OptionKind::Tuple);
        match value {
            Value::Dict(dict) if is_table(dict) => tables.push((name, dict)),
            Value::Tuple(items) if tuple => entry(&mut out, name, &Value::List(items.clone())),
            Value::List(_) if tuple => entry(&mut out, name, &Literal::mark(value)),
            value => entry(&mut out, name, value),
        }
    }
    for (name, dict) in tables {
        table(&mut out, &[name], dict);
    }
    out
}

/// Whether a dictionary can be a table with a heading.
fn is_table(dict: &Dict) -> bool {
    !dict.is_empty() && !Literal::is_mark(dict) && dict.0.keys().all(|key| key.as_str().is_some())
}

fn table(out: &mut String, path: &[&str], dict: &Dict) {
    let plain = dict.pairs().any(|(_, value)| !inner_table(value));
    if plain {
        if !out.is_empty() {
            out.push('\n');
        }
        let heading: Vec<String> = path.iter().map(|part| key(part)).collect();
        out.push_str(&format!("[{}]\n", heading.join(".")));
    }
    for (name, value) in dict.pairs().filter(|(_, value)| !inner_table(value)) {
        entry(out, name, value);
    }
    for (name, value) in dict.pairs() {
        if let (true, Value::Dict(inner)) = (inner_table(value), value) {
            table(out, &[path, &[name]].concat(), inner);
        }
    }
}

fn inner_table(value: &Value) -> bool {
    matches!(value, Value::Dict(dict) if is_table(dict))
}

fn entry(out: &mut String, name: &str, value: &Value) {
    out.push_str(&key(name));
    out.push_str(" = ");
    match value {
        Value::Str(text) if text.contains('\n') => multi_line(out, text),
        Value::List(items) if inline(value).len() > 80 && sayable(value) => {
            out.push_str("[\n");
            for item in items {
                out.push_str(&format!("    {},\n", inline(item)));
            }
            out.push(']');
        }
        value => out.push_str(&inline(value)),
    }
    out.push('\n');
}

fn key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !name.is_empty() && name.chars().all(bare) {
        name.to_owned()
    } else {
        basic(name)
    }
}

/// Whether TOML has the value itself.
fn sayable(value: &Value) -> bool {
    match value {
        Value::None | Value::Tuple(_) | Value::Bytes(_) => false,
        Value::Bool(_) | Value::Str(_) => true,
        Value::Int(number) => i64::try_from(*number).is_ok(),
        Value::Float(number) => number.is_finite(),
        Value::List(items) => items.iter().all(sayable),
        Value::Dict(dict) => {
            (Literal::is_mark(dict) || dict.get(LITERAL).is_none() || dict.len() > 1)
                && dict
                    .0
                    .iter()
                    .all(|(key, value)| key.as_str().is_some() && sayable(value))
        }
    }
}

/// A value on one line; what TOML cannot say becomes a Python literal.
fn inline(value: &Value) -> String {
    if !sayable(value) {
        return format!("{{ {LITERAL} = {} }}", basic(&repr(value)));
    }
    match value {
        Value::Str(text) => basic(text),
        Value::Bool(flag) => flag.to_string(),
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(inline).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Dict(dict) if dict.is_empty() => "{}".to_owned(),
        Value::Dict(dict) => {
            let entries: Vec<String> = dict
                .pairs()
                .map(|(name, value)| format!("{} = {}", key(name), inline(value)))
                .collect();
            format!("{{ {} }}", entries.join(", "))
        }
        other => repr(other),
    }
}

fn escaped(out: &mut String, c: char) {
    match c {
        '\\' => out.push_str("\\\\"),
        '\t' => out.push_str("\\t"),
        '\r' => out.push_str("\\r"),
        c if c.is_control() => out.push_str(&format!("\\U{:08X}", c as u32)),
        c => out.push(c),
    }
}

fn basic(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            c => escaped(&mut out, c),
        }
    }
    out.push('"');
    out
}

fn multi_line(out: &mut String, text: &str) {
    out.push_str("\"\"\"\n");
    let mut quotes = 0;
    for c in text.chars() {
        quotes = if c == '"' { quotes + 1 } else { 0 };
        match c {
            // A third quote in a row, or one that would touch the end, must not close the text.
            '"' if quotes >= 3 => {
                out.push_str("\\\"");
                quotes = 0;
            }
            '\n' => out.push('\n'),
            c => escaped(out, c),
        }
    }
    if quotes > 0 {
        out.truncate(out.len() - quotes);
        out.push_str(&"\\\"".repeat(quotes));
    }
    out.push_str("\"\"\"");
}
