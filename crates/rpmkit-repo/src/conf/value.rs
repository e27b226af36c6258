//! The kinds of values dnf's options have: booleans, numbers, sizes, spans of time, lists.

use std::time::Duration;

use rpmkit_fetch::IpVersion;

use super::ini::unquote;

/// How long repository metadata counts as fresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Expire {
    /// Asked for again only on demand.
    Never,
    /// Asked for again after this time; zero means every time.
    After(Duration),
}

type Parsed<T> = Result<T, &'static str>;

pub(super) fn boolean(text: &str) -> Parsed<bool> {
    match unquote(text).to_ascii_lowercase().as_str() {
        "1" | "yes" | "true" | "on" => Ok(true),
        "0" | "no" | "false" | "off" => Ok(false),
        _ => Err("a boolean was expected: 1, yes, true, on or 0, no, false, off"),
    }
}

pub(super) fn number(text: &str) -> Parsed<i64> {
    unquote(text)
        .parse()
        .map_err(|_| "a whole number was expected")
}

pub(super) fn count(text: &str) -> Parsed<u32> {
    unquote(text)
        .parse()
        .map_err(|_| "a whole number not below zero was expected")
}

/// A size in bytes with the optional suffixes k, M and G.
pub(super) fn bytes(text: &str) -> Parsed<u64> {
    const WHAT: &str = "a size was expected: a number, perhaps with k, M or G";
    let text = unquote(text);
    let (digits, factor) = match text.char_indices().last() {
        Some((at, 'k' | 'K')) => (&text[..at], 1024.0),
        Some((at, 'm' | 'M')) => (&text[..at], 1024.0 * 1024.0),
        Some((at, 'g' | 'G')) => (&text[..at], 1024.0 * 1024.0 * 1024.0),
        _ => (text, 1.0),
    };
    let value: f64 = digits.trim().parse().map_err(|_| WHAT)?;
    if value.is_finite() && value >= 0.0 {
        Ok((value * factor) as u64)
    } else {
        Err(WHAT)
    }
}

/// A span of time with the optional suffixes s, m, h and d.
pub(super) fn seconds(text: &str) -> Parsed<Duration> {
    const WHAT: &str = "a span of time was expected: a number, perhaps with s, m, h or d";
    let text = unquote(text);
    let (digits, factor) = match text.char_indices().last() {
        Some((at, 's' | 'S')) => (&text[..at], 1.0),
        Some((at, 'm' | 'M')) => (&text[..at], 60.0),
        Some((at, 'h' | 'H')) => (&text[..at], 3600.0),
        Some((at, 'd' | 'D')) => (&text[..at], 86400.0),
        _ => (text, 1.0),
    };
    let value: f64 = digits.trim().parse().map_err(|_| WHAT)?;
    Duration::try_from_secs_f64(value * factor).map_err(|_| WHAT)
}

pub(super) fn expire(text: &str) -> Parsed<Expire> {
    match unquote(text).to_ascii_lowercase().as_str() {
        "never" | "-1" => Ok(Expire::Never),
        other => seconds(other).map(Expire::After),
    }
}

pub(super) fn ip_version(text: &str) -> Parsed<IpVersion> {
    match unquote(text).to_ascii_lowercase().as_str() {
        "4" | "ipv4" => Ok(IpVersion::V4),
        "6" | "ipv6" => Ok(IpVersion::V6),
        "" | "whatever" | "any" => Ok(IpVersion::Any),
        _ => Err("one of 4, IPv4, 6, IPv6, whatever was expected"),
    }
}

/// A list separated by blanks, newlines or commas.
pub(super) fn list(text: &str) -> Vec<String> {
    text.split(|c: char| c.is_whitespace() || c == ',')
        .map(unquote)
        .filter(|item| !item.is_empty())
        .map(str::to_owned)
        .collect()
}

/// A text; empty means that the option is not set.
pub(super) fn text(value: &str) -> Option<String> {
    let value = unquote(value);
    (!value.is_empty()).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_by_their_kind() {
        // mock's templates print Python's booleans.
        assert_eq!(boolean("True"), Ok(true));
        assert_eq!(boolean("off"), Ok(false));
        assert!(boolean("maybe").is_err());
        assert_eq!(bytes("1.5k"), Ok(1536));
        assert_eq!(bytes("10M"), Ok(10 << 20));
        assert!(bytes("-3").is_err());
        assert_eq!(seconds("90"), Ok(Duration::from_secs(90)));
        assert_eq!(
            expire("6h"),
            Ok(Expire::After(Duration::from_secs(6 * 3600)))
        );
        assert_eq!(expire("-1"), Ok(Expire::Never));
        assert_eq!(expire("never"), Ok(Expire::Never));
        assert!(expire("soon").is_err());
        assert!(seconds("-5").is_err());
        assert_eq!(list("a, b\nc  d,"), ["a", "b", "c", "d"]);
        assert_eq!(text("''"), None);
        assert_eq!(ip_version("IPv6"), Ok(IpVersion::V6));
    }
}
