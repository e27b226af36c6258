//! Printing and conversions where Python and the template engine would differ.

use minijinja::{
    Error, ErrorKind, State,
    value::{Kwargs, Value as Jinja, ValueKind},
};

use crate::{
    Value, repr,
    value::{float_repr, str_repr},
};

/// Prints a value into the output as Python's `str()` would.
pub(super) fn format(
    out: &mut minijinja::Output<'_>,
    _: &mut State<'_, '_>,
    value: &Jinja,
) -> Result<(), Error> {
    let text = match value.as_str() {
        Some(text) if value.kind() == ValueKind::String => {
            return out.write_str(text).map_err(Error::from);
        }
        _ if value.is_undefined() => return Ok(()),
        _ => shown(value, 0),
    };
    out.write_str(&text).map_err(Error::from)
}

/// Python's `repr()` of what a template works with.
pub(super) fn shown(value: &Jinja, depth: usize) -> String {
    if depth > 60 {
        return "...".to_owned();
    }
    let all = || -> Vec<String> {
        value
            .try_iter()
            .map(|items| items.map(|item| shown(&item, depth + 1)).collect())
            .unwrap_or_default()
    };
    match value.kind() {
        ValueKind::Undefined => "Undefined".to_owned(),
        ValueKind::String => str_repr(value.as_str().unwrap_or_default()),
        ValueKind::Bytes => repr(&Value::Bytes(value.as_bytes().unwrap_or_default().to_vec())),
        ValueKind::Number if !value.is_integer() => match f64::try_from(value.clone()) {
            Ok(number) => float_repr(number),
            Err(_) => value.to_string(),
        },
        ValueKind::Seq if value.is_tuple() => match all().as_slice() {
            [one] => format!("({one},)"),
            items => format!("({})", items.join(", ")),
        },
        ValueKind::Seq => format!("[{}]", all().join(", ")),
        ValueKind::Map => {
            let entry = |key: Jinja| {
                let inner = value.get_item(&key).unwrap_or_default();
                format!("{}: {}", shown(&key, depth + 1), shown(&inner, depth + 1))
            };
            let entries: Vec<String> = value
                .try_iter()
                .map(|keys| keys.map(entry).collect())
                .unwrap_or_default();
            format!("{{{}}}", entries.join(", "))
        }
        _ => value.to_string(),
    }
}

/// Jinja's `int` filter: text that is no number gives the default, zero; an undefined value is an error.
pub(super) fn int(
    value: &Jinja,
    default: Option<Jinja>,
    base: Option<u32>,
    kwargs: Kwargs,
) -> Result<Jinja, Error> {
    defined(value)?;
    let default = match default {
        Some(default) => default,
        None => kwargs
            .get::<Option<Jinja>>("default")?
            .unwrap_or(Jinja::from(0)),
    };
    let base = match base {
        Some(base) => base,
        None => kwargs.get::<Option<u32>>("base")?.unwrap_or(10),
    };
    kwargs.assert_all_used()?;
    let number = match value.as_str() {
        Some(text) => parse_int(text, base).or_else(|| number(text).map(|number| number as i128)),
        None if value.kind() == ValueKind::Bool => Some(i128::from(value.is_true())),
        None if value.is_integer() => return Ok(value.clone()),
        None => f64::try_from(value.clone())
            .ok()
            .filter(|number| number.is_finite())
            .map(|number| number as i128),
    };
    Ok(number.map_or(default, Jinja::from))
}

/// Jinja's `float` filter: text that is no number gives the default, zero.
pub(super) fn float(value: &Jinja, default: Option<Jinja>) -> Result<Jinja, Error> {
    defined(value)?;
    let number = match value.as_str() {
        Some(text) => number(text),
        None => f64::try_from(value.clone()).ok(),
    };
    Ok(number.map_or_else(|| default.unwrap_or(Jinja::from(0.0)), Jinja::from))
}

fn number(text: &str) -> Option<f64> {
    let number: f64 = text.trim().replace('_', "").parse().ok()?;
    number.is_finite().then_some(number)
}

fn defined(value: &Jinja) -> Result<(), Error> {
    if value.is_undefined() {
        return Err(Error::new(
            ErrorKind::UndefinedError,
            "the value is not defined",
        ));
    }
    Ok(())
}

/// Python's `int(text, base)`: blanks around, a sign, underscores between digits, a prefix that agrees
/// with the base.
pub(crate) fn parse_int(text: &str, base: u32) -> Option<i128> {
    if base != 0 && !(2..=36).contains(&base) {
        return None;
    }
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.to_ascii_lowercase();
    let (found, rest) = match lower.get(..2) {
        Some("0x") => (16, &lower[2..]),
        Some("0o") => (8, &lower[2..]),
        Some("0b") => (2, &lower[2..]),
        _ => (0, lower.as_str()),
    };
    let (base, rest) = match (base, found) {
        (0, 0)
            if lower.len() > 1 && lower.starts_with('0') && !lower.trim_matches('0').is_empty() =>
        {
            return None;
        }
        (0, 0) => (10, rest),
        (0, found) => (found, rest),
        (base, found) if found == base => (base, rest),
        (base, _) => (base, lower.as_str()),
    };
    let rest = if found == base {
        rest.strip_prefix('_').unwrap_or(rest)
    } else {
        rest
    };
    if rest.is_empty() || rest.starts_with('_') || rest.ends_with('_') || rest.contains("__") {
        return None;
    }
    if !rest.chars().all(|c| c == '_' || c.is_digit(base)) {
        return None;
    }
    let number = i128::from_str_radix(&rest.replace('_', ""), base).ok()?;
    Some(if negative { -number } else { number })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_read_as_python_does() {
        for (text, base, number) in [
            (" 42 ", 10, Some(42)),
            ("-1_000", 10, Some(-1000)),
            ("1__0", 10, None),
            ("0x1f", 16, Some(31)),
            ("0x1f", 0, Some(31)),
            ("0x1f", 10, None),
            ("010", 10, Some(10)),
            ("010", 0, None),
            ("", 10, None),
            ("-", 10, None),
            ("--1", 10, None),
            ("4.5", 10, None),
        ] {
            assert_eq!(parse_int(text, base), number, "{text} {base}");
        }
    }
}
