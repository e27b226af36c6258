//! A look at a template before it is compiled. The engine bounds brackets, but `x + 1 + 1 …` and `x.a.a …`
//! lean to the left without end, and what leans is gone through by recursion.

/// Operators in one tag or expression; the longest shipped one has thirty.
const MAX_OPERATORS: usize = 200;
/// Brackets within each other.
const MAX_NESTING: usize = 40;
/// Blocks within each other; every `elif` counts as one.
const MAX_BLOCKS: usize = 60;
/// Bytes of a template, also of what one has become.
const MAX_BYTES: usize = 4 << 20;

/// Lines of a template and columns of a line, which the engine counts in sixteen bits.
const MAX_PLACE: usize = 60_000;

/// What is too much, and at which byte.
pub(super) fn check(text: &str) -> Result<(), (usize, String)> {
    if text.len() > MAX_BYTES {
        return Err((0, format!("a template of more than {MAX_BYTES} bytes")));
    }
    for (n, line) in text.split('\n').enumerate() {
        if n >= MAX_PLACE || line.len() > MAX_PLACE {
            let at = line.as_ptr() as usize - text.as_ptr() as usize;
            return Err((
                at,
                format!("more than {MAX_PLACE} lines, or bytes in one line"),
            ));
        }
    }
    let bytes = text.as_bytes();
    // How much each open block counts.
    let mut blocks: Vec<usize> = Vec::new();
    let mut at = 0;
    while let Some(found) = bytes[at..].iter().position(|b| *b == b'{') {
        at += found;
        let end: &[u8; 2] = match bytes.get(at + 1) {
            Some(b'{') => b"}}",
            Some(b'%') => b"%}",
            Some(b'#') => {
                let rest = &text[at..];
                at = rest.find("#}").map_or(bytes.len(), |end| at + end + 2);
                continue;
            }
            _ => {
                at += 1;
                continue;
            }
        };
        let start = at;
        at = expression(bytes, at + 2, *end)?;
        if end == b"%}" {
            let word = bytes[start + 2..at]
                .split(|b| !b.is_ascii_alphabetic())
                .find(|word| !word.is_empty());
            match word.unwrap_or_default() {
                b"elif" => {
                    if let Some(block) = blocks.last_mut() {
                        *block += 1;
                    }
                }
                b"set" if bytes[start..at].contains(&b'=') => {}
                b"if" | b"for" | b"set" | b"block" | b"with" | b"filter" | b"macro" | b"call"
                | b"autoescape" => blocks.push(1),
                word if word.starts_with(b"end") => {
                    blocks.pop();
                }
                _ => {}
            }
            if blocks.iter().sum::<usize>() > MAX_BLOCKS {
                return Err((start, format!("blocks nested more than {MAX_BLOCKS} deep")));
            }
        }
    }
    Ok(())
}

/// Goes through an expression; gives the byte after its end, which may be missing.
fn expression(bytes: &[u8], start: usize, end: [u8; 2]) -> Result<usize, (usize, String)> {
    let (mut at, mut operators, mut depth) = (start, 0_usize, 0_usize);
    while at < bytes.len() {
        if depth == 0 && bytes[at..].starts_with(&end) {
            return Ok(at + 2);
        }
        match bytes[at] {
            quote @ (b'"' | b'\'') => {
                at = text_end(bytes, at, quote);
                continue;
            }
            b'(' | b'[' | b'{' => {
                depth += 1;
                operators += 1;
            }
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b'+' | b'-' | b'*' | b'/' | b'%' | b'~' | b'|' | b'.' | b'<' | b'>' | b'=' | b'!' => {
                operators += 1;
            }
            letter if letter.is_ascii_alphabetic() || letter == b'_' => {
                let word = bytes[at..]
                    .iter()
                    .take_while(|b| b.is_ascii_alphanumeric() || **b == b'_')
                    .count();
                if let b"not" | b"and" | b"or" | b"in" | b"is" | b"if" | b"else" =
                    &bytes[at..at + word]
                {
                    operators += 1;
                }
                at += word;
                continue;
            }
            _ => {}
        }
        if depth > MAX_NESTING {
            return Err((at, format!("brackets nested more than {MAX_NESTING} deep")));
        }
        if operators > MAX_OPERATORS {
            return Err((
                start,
                format!("more than {MAX_OPERATORS} operators in one expression"),
            ));
        }
        at += 1;
    }
    Ok(bytes.len())
}

/// The byte after a text; one that does not end, ends with everything.
fn text_end(bytes: &[u8], start: usize, quote: u8) -> usize {
    let mut at = start + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            byte if byte == quote => return at + 1,
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
    fn what_leans_or_nests_without_end_is_refused() {
        for text in [
            format!("{{{{ x{} }}}}", "+1".repeat(20_000)),
            format!("{{{{ {}x }}}}", "not ".repeat(20_000)),
            format!("{{{{ x{} }}}}", ".a".repeat(50_000)),
            format!("{{{{ x{} }}}}", "|upper".repeat(20_000)),
            format!("{{{{ x{} }}}}", "[0]".repeat(20_000)),
            format!("{{{{ {}", "(".repeat(20_000)),
            format!("{{% if x{} %}}", " or x".repeat(20_000)),
            "{% if x %}".repeat(1000),
            " ".repeat(70_000),
            "\n".repeat(70_000),
            format!("{{% if x %}}{}", "{% elif x %}".repeat(1000)),
            format!("a {{b}} {{# {{{{ #}}{{{{ x{} }}}}", " == x".repeat(1000)),
        ] {
            assert!(check(&text).is_err(), "{}", &text[..40]);
        }
    }

    #[test]
    fn texts_comments_and_many_blocks_pass() {
        let dots = ".".repeat(1000);
        for text in [
            format!("{dots} {{ {dots} }} {{# {dots} #}} {{{{ '{dots}' }}}}"),
            "{% if a and b %}x{% elif c %}y{% else %}z{% endif %}{{ x.a[0] }}\n".repeat(1000),
            format!("{{{{ [{}] }}}}", "'a', ".repeat(1000)),
        ] {
            assert_eq!(check(&text), Ok(()), "{}", &text[..40]);
        }
    }
}
