//! How Python writes a value.

use std::fmt::Write as _;

use super::Value;

/// Python's `repr()`.
pub fn repr(value: &Value) -> String {
    let mut out = String::new();
    write_repr(&mut out, value, false);
    out
}

/// Python's `repr()`, with dictionaries sorted by key as `pprint` shows them.
pub(super) fn sorted_repr(value: &Value) -> String {
    let mut out = String::new();
    write_repr(&mut out, value, true);
    out
}

fn write_repr(out: &mut String, value: &Value, sorted: bool) {
    match value {
        Value::None => out.push_str("None"),
        Value::Bool(true) => out.push_str("True"),
        Value::Bool(false) => out.push_str("False"),
        Value::Int(number) => push(out, format_args!("{number}")),
        Value::Float(number) => out.push_str(&float_repr(*number)),
        Value::Str(text) => out.push_str(&str_repr(text)),
        Value::Bytes(bytes) => write_bytes(out, bytes),
        Value::List(items) => {
            out.push('[');
            write_items(out, items, sorted);
            out.push(']');
        }
        Value::Tuple(items) => {
            out.push('(');
            write_items(out, items, sorted);
            out.push_str(if items.len() == 1 { ",)" } else { ")" });
        }
        Value::Dict(dict) => {
            out.push('{');
            let pairs: Vec<_> = if sorted {
                sorted_pairs(dict)
            } else {
                dict.0.iter().collect()
            };
            for (nth, (key, value)) in pairs.into_iter().enumerate() {
                if nth > 0 {
                    out.push_str(", ");
                }
                write_repr(out, key, sorted);
                out.push_str(": ");
                write_repr(out, value, sorted);
            }
            out.push('}');
        }
    }
}

/// The pairs of a dictionary in order of their keys; keys that cannot be compared keep their place
/// by type name.
pub(super) fn sorted_pairs(dict: &super::Dict) -> Vec<(&Value, &Value)> {
    let mut pairs: Vec<_> = dict.0.iter().collect();
    pairs.sort_by(|(a, _), (b, _)| {
        a.order(b)
            .unwrap_or_else(|| a.type_name().cmp(b.type_name()))
    });
    pairs
}

fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = out.write_fmt(text);
}

fn write_items(out: &mut String, items: &[Value], sorted: bool) {
    for (nth, item) in items.iter().enumerate() {
        if nth > 0 {
            out.push_str(", ");
        }
        write_repr(out, item, sorted);
    }
}

fn quote_for(single: bool, double: bool) -> char {
    if single && !double { '"' } else { '\'' }
}

/// Python's `repr()` of text.
pub fn str_repr(text: &str) -> String {
    let quote = quote_for(text.contains('\''), text.contains('"'));
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            ' '..='~' => out.push(c),
            c if (c as u32) < 0x100 && !printable(c) => {
                push(&mut out, format_args!("\\x{:02x}", c as u32));
            }
            c if printable(c) => out.push(c),
            c if (c as u32) < 0x1_0000 => push(&mut out, format_args!("\\u{:04x}", c as u32)),
            c => push(&mut out, format_args!("\\U{:08x}", c as u32)),
        }
    }
    out.push(quote);
    out
}

/// Whether Python shows a character as itself: not a control, format, separator, private or
/// surrogate one. The ranges are those of Unicode's general categories Cc, Cf, Z* and Co.
fn printable(c: char) -> bool {
    !matches!(
        c as u32,
        0..=0x1f | 0x7f..=0xa0 | 0xad | 0x600..=0x605 | 0x61c | 0x6dd | 0x70f | 0x890 | 0x891
            | 0x8e2 | 0x1680 | 0x180e | 0x2000..=0x200f | 0x2028..=0x202f | 0x205f..=0x206f
            | 0x3000 | 0xe000..=0xf8ff | 0xfeff | 0xfff0..=0xfffb | 0xfffe | 0xffff
            | 0x1_10bd | 0x1_10cd | 0x1_bca0..=0x1_bca3 | 0x1_d173..=0x1_d17a
            | 0xe_0000..=0xe_00ff | 0xe_01f0..=0x10_ffff
    )
}

fn write_bytes(out: &mut String, bytes: &[u8]) {
    let quote = quote_for(bytes.contains(&b'\''), bytes.contains(&b'"'));
    out.push('b');
    out.push(quote);
    for &byte in bytes {
        match byte {
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            b if char::from(b) == quote => {
                out.push('\\');
                out.push(quote);
            }
            b' '..=b'~' => out.push(char::from(byte)),
            _ => push(out, format_args!("\\x{byte:02x}")),
        }
    }
    out.push(quote);
}

/// Python's `repr()` of a floating point number: the shortest digits that read back the same.
pub fn float_repr(number: f64) -> String {
    if number.is_nan() {
        return "nan".into();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf" } else { "-inf" }.into();
    }
    let scientific = format!("{number:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {
        let plain = format!("{number}");
        return if plain.contains('.') {
            plain
        } else {
            plain + ".0"
        };
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_quoted_as_python_does() {
        assert_eq!(str_repr("a'b"), "\"a'b\"");
        assert_eq!(str_repr("a'b\""), "'a\\'b\"'");
        assert_eq!(
            str_repr("\u{1b}\\\n\u{e9}\u{200b}"),
            "'\\x1b\\\\\\n\u{e9}\\u200b'"
        );
        assert_eq!(str_repr("\u{a0}"), "'\\xa0'");
    }

    #[test]
    fn numbers_are_shown_as_python_does() {
        for (number, text) in [
            (2.5, "2.5"),
            (1.0, "1.0"),
            (1e16, "1e+16"),
            (123_456_789_012_345.0, "123456789012345.0"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (-0.0, "-0.0"),
            (1.5e300, "1.5e+300"),
        ] {
            assert_eq!(float_repr(number), text);
        }
    }

    #[test]
    fn containers_read_as_python_prints_them() {
        let tuple = Value::Tuple(vec![Value::from("x")]);
        assert_eq!(repr(&tuple), "('x',)");
        let list = Value::List(vec![tuple, Value::None, Value::Bool(true)]);
        assert_eq!(repr(&list), "[('x',), None, True]");
        assert_eq!(repr(&Value::Bytes(b"a'\xff".to_vec())), "b\"a'\\xff\"");
    }
}
