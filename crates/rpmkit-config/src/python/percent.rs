//! `'text' % value`.

use super::format::{Spec, pad, radix};
use crate::{Value, repr};

/// Formats as Python's `%` operator does; the error is Python's.
pub fn percent(text: &str, value: &Value) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut args = Args {
        all: match value {
            Value::Tuple(items) => items.as_slice(),
            other => std::slice::from_ref(other),
        },
        used: 0,
        dict: value.as_dict(),
        named: false,
    };
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut spec = Spec::default();
        let mut name = None;
        if chars.next_if_eq(&'(').is_some() {
            let mut depth = 1;
            let mut key = String::new();
            for c in chars.by_ref() {
                match c {
                    '(' => depth += 1,
                    ')' => depth -= 1,
                    _ => {}
                }
                if depth == 0 {
                    break;
                }
                key.push(c);
            }
            if depth != 0 {
                return Err("incomplete format key".into());
            }
            name = Some(key);
        }
        while let Some(flag) = chars.next_if(|c| matches!(c, '-' | '+' | ' ' | '0' | '#')) {
            match flag {
                '-' => spec.align = Some('<'),
                '0' => spec.zero = true,
                '#' => spec.alternate = true,
                '+' => spec.sign = Some('+'),
                _ => spec.sign = spec.sign.or(Some(' ')),
            }
        }
        spec.width = size(&mut chars, &mut args, &mut spec.align)?;
        if chars.next_if_eq(&'.').is_some() {
            spec.precision = Some(size(&mut chars, &mut args, &mut None)?.unwrap_or(0));
        }
        while chars.next_if(|c| matches!(c, 'h' | 'l' | 'L')).is_some() {}
        let Some(kind) = chars.next() else {
            return Err("incomplete format".into());
        };
        if kind == '%' {
            out.push('%');
            continue;
        }
        let value = args.take(name.as_deref())?;
        out.push_str(&one(kind, value, &spec)?);
        if out.len() > super::limits::MAX_TEXT {
            return Err("the text would be too long".into());
        }
    }
    if !args.named && args.used < args.all.len() && args.dict.is_none() {
        let list = matches!(args.all, [Value::List(_)]) && !matches!(value, Value::Tuple(_));
        if !list || args.used == 0 && !matches!(value, Value::List(_)) {
            return Err("not all arguments converted during string formatting".into());
        }
    }
    Ok(out)
}

/// The values that are formatted, in order or by name.
struct Args<'a> {
    all: &'a [Value],
    used: usize,
    dict: Option<&'a crate::Dict>,
    named: bool,
}

impl<'a> Args<'a> {
    fn take(&mut self, name: Option<&str>) -> Result<&'a Value, String> {
        if let Some(name) = name {
            self.named = true;
            let dict = self.dict.ok_or("format requires a mapping")?;
            return dict
                .get(name)
                .ok_or_else(|| format!("there is no key '{name}'"));
        }
        let value = self
            .all
            .get(self.used)
            .ok_or("not enough arguments for format string")?;
        self.used += 1;
        Ok(value)
    }
}

fn size(
    chars: &mut std::iter::Peekable<std::str::Chars<'_>>,
    args: &mut Args<'_>,
    align: &mut Option<char>,
) -> Result<Option<usize>, String> {
    if chars.next_if_eq(&'*').is_some() {
        let Value::Int(width) = args.take(None)? else {
            return Err("* wants int".into());
        };
        if *width < 0 {
            *align = Some('<');
        }
        return Spec::limit(width.unsigned_abs()).map(Some);
    }
    let mut digits = String::new();
    while let Some(digit) = chars.next_if(char::is_ascii_digit) {
        digits.push(digit);
    }
    if digits.is_empty() {
        return Ok(None);
    }
    Spec::limit(digits.parse().unwrap_or(u128::MAX)).map(Some)
}

fn one(kind: char, value: &Value, spec: &Spec) -> Result<String, String> {
    let cut = |text: String| match spec.precision {
        Some(precision) => text.chars().take(precision).collect(),
        None => text,
    };
    // Text is put to the right; zeros are only for numbers.
    let text = |text: String| {
        let spec = Spec {
            align: spec.align.or(Some('>')),
            zero: false,
            ..spec.clone()
        };
        Ok(pad(&cut(text), &spec))
    };
    let number = match value {
        Value::Bool(flag) => Some(Value::Int((*flag).into())),
        Value::Int(_) | Value::Float(_) => Some(value.clone()),
        _ => None,
    };
    match kind {
        's' => text(value.to_string()),
        'r' => text(repr(value)),
        'a' => text(super::format::ascii(&repr(value))),
        'c' => match value {
            Value::Int(code) => u32::try_from(*code)
                .ok()
                .and_then(char::from_u32)
                .map(|c| {
                    pad(
                        &c.to_string(),
                        &Spec {
                            align: spec.align.or(Some('>')),
                            ..spec.clone()
                        },
                    )
                })
                .ok_or_else(|| "%c arg not in range(0x110000)".into()),
            Value::Str(one) if one.chars().count() == 1 => text(one.clone()),
            _ => Err("%c requires int or char".into()),
        },
        'd' | 'i' | 'u' => match number {
            Some(Value::Int(number)) => Ok(radix(number, 'd', spec)),
            Some(Value::Float(number)) if number.is_finite() => {
                Ok(radix(number as i128, 'd', spec))
            }
            _ => Err(format!(
                "%{kind} format: a real number is required, not {}",
                value.type_name()
            )),
        },
        'x' | 'X' | 'o' => match number {
            Some(Value::Int(number)) => Ok(radix(number, kind, spec)),
            _ => Err(format!(
                "%{kind} format: an integer is required, not {}",
                value.type_name()
            )),
        },
        'e' | 'E' | 'f' | 'F' | 'g' | 'G' => match number {
            Some(Value::Int(number)) => Ok(super::format::float(number as f64, kind, spec)),
            Some(Value::Float(number)) => Ok(super::format::float(number, kind, spec)),
            _ => Err(format!("must be real number, not {}", value.type_name())),
        },
        other => Err(format!(
            "unsupported format character '{other}' (0x{:x})",
            other as u32
        )),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::python::literal;

    #[test]
    fn as_python_formats() {
        for (text, value, out) in [
            ("%s-%s", "('a', 1)", "a-1"),
            ("%s", "'x'", "x"),
            ("%s", "[1, 'a']", "[1, 'a']"),
            ("%r %d%%", "('x', 5)", "'x' 5%"),
            ("%(a)s/%(b)03d", "{'a': 'x', 'b': 7}", "x/007"),
            (
                "[%5s|%-5s|%05d|%+d|% d]",
                "('a', 'b', 42, 3, 4)",
                "[    a|b    |00042|+3| 4]",
            ),
            ("%x %X %o %#x", "(255, 255, 8, 255)", "ff FF 10 0xff"),
            (
                "%.2f %e %g %g",
                "(3.14159, 12345.678, 0.00001, 1e20)",
                "3.14 1.234568e+04 1e-05 1e+20",
            ),
            ("%.3s|%*d", "('abcdef', 4, 7)", "abc|   7"),
            ("%c%c", "(65, 'b')", "Ab"),
            ("plain", "{'a': 1}", "plain"),
            ("plain", "()", "plain"),
            ("%d", "True", "1"),
            ("%d", "3.9", "3"),
            ("%-06d|", "5", "5     |"),
            ("%06.2f|%+.1e", "(-3.14159, 5.0)", "-03.14|+5.0e+00"),
        ] {
            assert_eq!(
                percent(text, &literal(value).unwrap()).unwrap(),
                out,
                "{text}"
            );
        }
        for (text, value) in [
            ("%s", "()"),
            ("plain", "'x'"),
            ("%s", "('a', 'b')"),
            ("%d", "'x'"),
            ("%(a)s", "'x'"),
            ("%(a)s", "{}"),
            ("%y", "1"),
            ("%", "1"),
            ("%999999999999d", "1"),
        ] {
            assert!(percent(text, &literal(value).unwrap()).is_err(), "{text}");
        }
    }
}
