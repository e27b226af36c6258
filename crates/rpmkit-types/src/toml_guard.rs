//! A look at a TOML text before it is parsed: parsers bound brackets, but a dotted key makes as many tables
//! within each other as it has dots, and those are taken apart by recursion.

/// Dots outside of texts in one statement; a key has four at most.
const MAX_DOTS: usize = 500;
/// Brackets within each other.
const MAX_DEPTH: usize = 50;

/// What is too much, and at which byte.
pub fn check_toml(text: &str) -> Result<(), (usize, String)> {
    let bytes = text.as_bytes();
    let (mut at, mut dots, mut depth) = (0, 0_usize, 0_usize);
    while at < bytes.len() {
        match bytes[at] {
            b'\n' if depth == 0 => dots = 0,
            b'.' => dots += 1,
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'#' => at += until(&bytes[at..], b"\n"),
            quote @ (b'"' | b'\'') => {
                at = text_end(bytes, at, quote);
                continue;
            }
            _ => {}
        }
        if dots > MAX_DOTS {
            return Err((at, format!("more than {MAX_DOTS} dots in one statement")));
        }
        if depth > MAX_DEPTH {
            return Err((at, format!("brackets nested more than {MAX_DEPTH} deep")));
        }
        at += 1;
    }
    Ok(())
}

/// Bytes up to `end`, at least none. What `end` stops is looked at again.
fn until(bytes: &[u8], end: &[u8]) -> usize {
    let found = bytes.windows(end.len()).position(|window| window == end);
    found.unwrap_or(bytes.len()).saturating_sub(1)
}

/// The byte after a text. One that does not end, ends with its line or with everything; the parser says
/// so.
fn text_end(bytes: &[u8], start: usize, quote: u8) -> usize {
    let long = bytes[start..].starts_with(&[quote; 3]);
    let mut at = start + if long { 3 } else { 1 };
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if quote == b'"' => at += 1,
            b'\n' if !long => return at,
            byte if byte == quote && !long => return at + 1,
            byte if byte == quote && bytes[at..].starts_with(&[quote; 3]) => return at + 3,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_keys_and_deep_brackets_are_refused() {
        for text in [
            format!("{}a = 1", "a.".repeat(50_000)),
            format!("[{}a]", "a.".repeat(50_000)),
            format!("a = {}", "[".repeat(50_000)),
            format!("a = [\n{}", "{a.a.a.a.a.a.a.a.a.a.a.a.a = [\n".repeat(50)),
        ] {
            assert!(check_toml(&text).is_err(), "{}", &text[..20]);
        }
    }

    #[test]
    fn texts_and_comments_may_hold_anything() {
        let dots = ".".repeat(1000);
        let text = format!(
            "# {dots} [[[\na = \"{dots} \\\" [[[\"\nb = '{dots}'\nc = \"\"\"\n{dots}\n\"\"\"\n"
        );
        assert_eq!(check_toml(&text), Ok(()));
        assert_eq!(check_toml(&"a.b = 1.5\n".repeat(10_000)), Ok(()));
    }
}
