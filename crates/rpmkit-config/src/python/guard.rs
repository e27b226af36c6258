//! A look at the text before it is parsed: nesting and chains beyond any sensible configuration are
//! refused, so that no input can exhaust the stack.

use super::limits::{MAX_BYTES, MAX_NESTING, MAX_OPERATORS};

/// What is too much, and at which byte.
pub(super) fn check(text: &str) -> Result<(), (usize, String)> {
    if text.len() > MAX_BYTES {
        return Err((0, format!("a configuration of more than {MAX_BYTES} bytes")));
    }
    let bytes = text.as_bytes();
    let mut at = 0;
    let mut depth = 0_usize;
    let mut operators = 0_usize;
    let mut line_start = true;
    let mut indents: Vec<usize> = Vec::new();
    while at < bytes.len() {
        if line_start && depth == 0 {
            line_start = false;
            let indent = bytes[at..]
                .iter()
                .take_while(|b| matches!(b, b' ' | b'\t'))
                .count();
            let blank = matches!(bytes.get(at + indent), None | Some(b'\n' | b'#'));
            if !blank {
                operators = 0;
                indents.retain(|known| *known < indent);
                if indent > 0 {
                    indents.push(indent);
                }
                if indents.len() > MAX_NESTING {
                    return Err((at, format!("blocks nested more than {MAX_NESTING} deep")));
                }
            }
            at += indent;
            continue;
        }
        match bytes[at] {
            b'\n' => line_start = true,
            b'#' => {
                while at < bytes.len() && bytes[at] != b'\n' {
                    at += 1;
                }
                continue;
            }
            b'\\' => {
                // A continued line: the statement goes on.
                at += 2;
                continue;
            }
            quote @ (b'"' | b'\'') => {
                at = skip_string(bytes, at, quote);
                continue;
            }
            b'(' | b'[' | b'{' => {
                depth += 1;
                if depth > MAX_NESTING {
                    return Err((at, format!("brackets nested more than {MAX_NESTING} deep")));
                }
                if at > 0 && matches!(bytes[at - 1], b')' | b']' | b'}') {
                    operators += 1;
                }
            }
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b'+' | b'-' | b'*' | b'/' | b'%' | b'~' | b'^' | b'&' | b'|' | b'.' | b'@' => {
                operators += 1;
            }
            letter if letter.is_ascii_alphabetic() || letter == b'_' => {
                let end = bytes[at..]
                    .iter()
                    .position(|b| !(b.is_ascii_alphanumeric() || *b == b'_'))
                    .map_or(bytes.len(), |len| at + len);
                if matches!(
                    &bytes[at..end],
                    b"not" | b"if" | b"else" | b"lambda" | b"await"
                ) {
                    operators += 1;
                }
                at = end;
                continue;
            }
            _ => {}
        }
        if operators > MAX_OPERATORS {
            return Err((
                at,
                format!("more than {MAX_OPERATORS} operators in one statement"),
            ));
        }
        at += 1;
    }
    Ok(())
}

/// The byte after a string; an open one ends with the text.
fn skip_string(bytes: &[u8], start: usize, quote: u8) -> usize {
    let triple = bytes[start..].starts_with(&[quote; 3]);
    let mut at = start + if triple { 3 } else { 1 };
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            b'\n' if !triple => return at,
            b if b == quote && !triple => return at + 1,
            b if b == quote && bytes[at..].starts_with(&[quote; 3]) => return at + 3,
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
    fn deep_texts_are_refused_and_plain_ones_pass() {
        assert!(check(&"(".repeat(100)).is_err());
        assert!(check(&format!("x = {}1", "- ".repeat(5000))).is_err());
        assert!(check(&format!("x = {}1", "not ".repeat(5000))).is_err());
        assert!(check(&format!("x = a{}", "[0]".repeat(5000))).is_err());
        let blocks: String = (0..100)
            .map(|n| format!("{}if x:\n", " ".repeat(n)))
            .collect();
        assert!(check(&blocks).is_err());
        let list = format!("x = [\n{}]\n", "    ('a', \"((((\"),  # (((\n".repeat(3000));
        assert!(check(&list).is_ok());
        assert!(check(&"config_opts['a'] = 1 + 2\n".repeat(3000)).is_ok());
    }
}
