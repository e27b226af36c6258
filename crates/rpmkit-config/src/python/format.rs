//! Format specifications: what stands after the colon in an f-string, and what `%` shares with it.

use crate::{Value, value::float_repr};

/// Columns one formatted value may take.
const MAX_WIDTH: u128 = 100_000;

/// How a value is laid out.
#[derive(Debug, Clone, Default)]
pub(super) struct FormatSpec {
    pub(super) fill: Option<char>,
    pub(super) align: Option<char>,
    pub(super) sign: Option<char>,
    pub(super) alternate: bool,
    pub(super) zero: bool,
    pub(super) width: Option<usize>,
    pub(super) grouping: Option<char>,
    pub(super) precision: Option<usize>,
    pub(super) kind: Option<char>,
}

impl FormatSpec {
    /// A width or precision within reason.
    pub(super) fn limit(number: u128) -> Result<usize, String> {
        if number > MAX_WIDTH {
            return Err(format!("a width of more than {MAX_WIDTH}"));
        }
        Ok(number as usize)
    }

    /// Reads `[[fill]align][sign][#][0][width][grouping][.precision][type]`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let all: Vec<char> = text.chars().collect();
        let mut at = 0;
        let mut spec = Self::default();
        let is_align = |c: Option<&char>| c.is_some_and(|c| matches!(c, '<' | '>' | '^' | '='));
        if is_align(all.get(1)) {
            spec.fill = all.first().copied();
            spec.align = all.get(1).copied();
            at = 2;
        } else if is_align(all.first()) {
            spec.align = all.first().copied();
            at = 1;
        }
        let take = |set: &str, at: &mut usize| {
            let found = all.get(*at).copied().filter(|c| set.contains(*c));
            *at += usize::from(found.is_some());
            found
        };
        spec.sign = take("+- ", &mut at);
        spec.alternate = take("#", &mut at).is_some();
        spec.zero = take("0", &mut at).is_some();
        let digits = |at: &mut usize| -> Result<Option<usize>, String> {
            let len = all[*at..].iter().take_while(|c| c.is_ascii_digit()).count();
            let text: String = all[*at..*at + len].iter().collect();
            *at += len;
            if text.is_empty() {
                return Ok(None);
            }
            Self::limit(text.parse().unwrap_or(u128::MAX)).map(Some)
        };
        spec.width = digits(&mut at)?;
        spec.grouping = take(",_", &mut at);
        if take(".", &mut at).is_some() {
            spec.precision = Some(digits(&mut at)?.ok_or("Format specifier missing precision")?);
        }
        spec.kind = all.get(at).copied();
        if at + 1 < all.len() {
            return Err(format!("Invalid format specifier '{text}'"));
        }
        Ok(spec)
    }
}

/// `format(value, text)`.
pub(super) fn format(value: &Value, text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Ok(value.to_string());
    }
    let spec = FormatSpec::parse(text)?;
    let unknown = || {
        format!(
            "Unknown format code '{}' for object of type '{}'",
            spec.kind.unwrap_or(' '),
            value.type_name()
        )
    };
    match (value, spec.kind) {
        (Value::Str(text), None | Some('s')) => {
            if spec.sign.is_some() || spec.align == Some('=') {
                return Err("this is not allowed in string format specifier".into());
            }
            let cut: String = match spec.precision {
                Some(precision) => text.chars().take(precision).collect(),
                None => text.clone(),
            };
            let align = spec.align.or(Some('<'));
            let fill = spec.fill.or(spec.zero.then_some('0'));
            Ok(pad(
                &cut,
                &FormatSpec {
                    align,
                    fill,
                    zero: false,
                    ..spec
                },
            ))
        }
        (
            Value::Int(_) | Value::Bool(_),
            kind @ (None | Some('d' | 'x' | 'X' | 'o' | 'b' | 'n')),
        ) => {
            if spec.precision.is_some() {
                return Err("Precision not allowed in integer format specifier".into());
            }
            let number = match value {
                Value::Int(number) => *number,
                other => i128::from(other.truth()),
            };
            Ok(radix(number, kind.unwrap_or('d'), &spec))
        }
        (Value::Int(number), Some(kind @ ('e' | 'E' | 'f' | 'F' | 'g' | 'G' | '%'))) => {
            Ok(float(*number as f64, kind, &spec))
        }
        (Value::Float(number), None) => match spec.precision {
            None => Ok(signed(*number < 0.0, &float_repr(number.abs()), &spec)),
            Some(_) => Ok(float(*number, 'r', &spec)),
        },
        (Value::Float(number), Some(kind @ ('e' | 'E' | 'f' | 'F' | 'g' | 'G' | '%'))) => {
            Ok(float(*number, kind, &spec))
        }
        (Value::Str(_) | Value::Bool(_) | Value::Int(_) | Value::Float(_), _) => Err(unknown()),
        (other, _) => Err(format!(
            "unsupported format string passed to {}.__format__",
            other.type_name()
        )),
    }
}

/// Fills text up to the width.
pub(super) fn pad(text: &str, spec: &FormatSpec) -> String {
    let len = text.chars().count();
    let missing = spec.width.unwrap_or(0).saturating_sub(len);
    let fill = |count: usize| spec.fill.unwrap_or(' ').to_string().repeat(count);
    match spec.align {
        Some('<') => format!("{text}{}", fill(missing)),
        Some('^') => {
            let left = missing / 2;
            format!("{}{text}{}", fill(left), fill(missing - left))
        }
        _ => format!("{}{text}", fill(missing)),
    }
}

/// Puts sign, digits and padding together.
fn signed(negative: bool, digits: &str, spec: &FormatSpec) -> String {
    let sign = match (negative, spec.sign) {
        (true, _) => "-",
        (false, Some('+')) => "+",
        (false, Some(' ')) => " ",
        _ => "",
    };
    let zero = spec.zero && spec.align.is_none();
    if zero || spec.align == Some('=') {
        let fill = spec.fill.unwrap_or(if spec.zero { '0' } else { ' ' });
        let width = spec.width.unwrap_or(0);
        let missing = width.saturating_sub(sign.len() + digits.chars().count());
        return format!("{sign}{}{digits}", fill.to_string().repeat(missing));
    }
    pad(&format!("{sign}{digits}"), spec)
}

/// A whole number in some base.
pub(super) fn radix(number: i128, kind: char, spec: &FormatSpec) -> String {
    let magnitude = number.unsigned_abs();
    let (prefix, digits) = match kind {
        'x' => ("0x", format!("{magnitude:x}")),
        'X' => ("0X", format!("{magnitude:X}")),
        'o' => ("0o", format!("{magnitude:o}")),
        'b' => ("0b", format!("{magnitude:b}")),
        _ => ("", magnitude.to_string()),
    };
    let digits = match spec.precision {
        Some(width) => format!("{digits:0>width$}"),
        None => digits,
    };
    let digits = match spec.grouping {
        Some(mark) => group(&digits, mark, if prefix.is_empty() { 3 } else { 4 }),
        None => digits,
    };
    if !spec.alternate || prefix.is_empty() {
        return signed(number < 0, &digits, spec);
    }
    // Zeros go between the prefix and the digits.
    let mut inner = spec.clone();
    if spec.zero && spec.align.is_none() {
        let sign = usize::from(number < 0 || spec.sign.is_some_and(|sign| sign != '-'));
        let room = spec.width.unwrap_or(0).saturating_sub(prefix.len() + sign);
        inner.width = None;
        return signed(number < 0, &format!("{prefix}{digits:0>room$}"), &inner);
    }
    signed(number < 0, &format!("{prefix}{digits}"), &inner)
}

fn group(digits: &str, mark: char, every: usize) -> String {
    let len = digits.len();
    let mut out = String::new();
    for (nth, digit) in digits.chars().enumerate() {
        if nth > 0 && (len - nth).is_multiple_of(every) {
            out.push(mark);
        }
        out.push(digit);
    }
    out
}

/// A floating point number.
pub(super) fn float(number: f64, kind: char, spec: &FormatSpec) -> String {
    let magnitude = number.abs();
    let upper = kind.is_ascii_uppercase();
    let precision = spec.precision.unwrap_or(6);
    let text = if !magnitude.is_finite() {
        float_repr(magnitude)
    } else {
        match kind {
            'f' | 'F' => format!("{magnitude:.precision$}"),
            '%' => format!("{:.precision$}%", magnitude * 100.0),
            'e' | 'E' => exponent(magnitude, precision),
            _ => general(magnitude, precision.max(1), kind == 'r', spec.alternate),
        }
    };
    let text = if upper { text.to_uppercase() } else { text };
    let text = match spec.grouping {
        Some(mark) => match text.split_once('.') {
            Some((whole, rest)) => format!("{}.{rest}", group(whole, mark, 3)),
            None => group(&text, mark, 3),
        },
        None => text,
    };
    signed(number.is_sign_negative() && !number.is_nan(), &text, spec)
}

fn exponent(number: f64, precision: usize) -> String {
    let text = format!("{number:.precision$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
}

/// `%g`: the shorter of the two notations, without zeros at the end.
fn general(number: f64, precision: usize, keep_point: bool, alternate: bool) -> String {
    let scientific = exponent(number, precision - 1);
    let power: i32 = scientific
        .rsplit_once('e')
        .and_then(|(_, power)| power.parse().ok())
        .unwrap_or(0);
    let trim = |text: &str| {
        if alternate || !text.contains('.') {
            text.to_owned()
        } else {
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
    };
    let limit = i32::try_from(precision).unwrap_or(i32::MAX);
    // Without a type, at least one digit must follow the point.
    if power < -4
        || power >= limit - i32::from(keep_point) && power >= limit - 1 + i32::from(!keep_point)
    {
        let (mantissa, power) = scientific.split_once('e').unwrap_or((&scientific, "+00"));
        return format!("{}e{power}", trim(mantissa));
    }
    let decimals = usize::try_from(limit - 1 - power).unwrap_or(0);
    let text = trim(&format!("{number:.decimals$}"));
    if keep_point && !text.contains('.') {
        text + ".0"
    } else {
        text
    }
}

/// Everything beyond ASCII as escapes, as `ascii()` gives.
pub(super) fn ascii(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c as u32 {
            0..=0x7f => out.push(c),
            code @ 0x80..=0xff => out.push_str(&format!("\\x{code:02x}")),
            code @ 0x100..=0xffff => out.push_str(&format!("\\u{code:04x}")),
            code => out.push_str(&format!("\\U{code:08x}")),
        }
    }
    out
}
