//! Text of strangers on a terminal or in the log of a service.
//!
//! What a build writes, and what its files are called, is data. A terminal takes some of it for orders:
//! it moves, retitles, copies, answers. So each control character is shown as what it is, `\u001b`; that
//! is also how JSON writes it, so that a record stays one.

use std::borrow::Cow;

/// `text` without control characters but newline and tab.
pub fn visible(text: &str) -> Cow<'_, str> {
    escaped(text, |c| c == '\n' || c == '\t')
}

/// `text` on one line: a name, whatever is in it.
pub fn one_line(text: &str) -> Cow<'_, str> {
    escaped(text, |_| false)
}

/// A line of output as a terminal would leave it: without colours, and of what a carriage return
/// overwrote only the rest.
pub fn left_on_screen(line: &str) -> Cow<'_, str> {
    let line = line.trim_end_matches('\r');
    console::strip_ansi_codes(line.rsplit('\r').next().unwrap_or(line))
}

fn escaped(text: &str, keep: impl Fn(char) -> bool) -> Cow<'_, str> {
    let odd = |c: char| orders(c) && !keep(c);
    if !text.contains(odd) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if odd(c) {
            out.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Whether a character does something else than to be seen: C0, DEL and C1; those that turn the
/// direction of text around (Unicode's bidirectional algorithm, UAX 9), so that it reads as something
/// else than it is; line and paragraph separators; and those this program marks tones with.
fn orders(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}'
                | '\u{fdd0}'..='\u{fdef}'
        )
}

/// Bytes that come in pieces, made [`visible`]: a character may be cut in two.
#[derive(Debug, Default)]
pub struct VisiblePieces {
    rest: Vec<u8>,
}

impl VisiblePieces {
    /// What can be shown after another piece. Bytes that are no UTF-8 are replaced.
    pub fn feed(&mut self, piece: &[u8]) -> String {
        self.rest.extend_from_slice(piece);
        let whole = match std::str::from_utf8(&self.rest) {
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            // What follows a wrong byte may be cut as well; at most three bytes of one character are.
            _ => self.rest.len() - cut(&self.rest),
        };
        let text: Vec<u8> = self.rest.drain(..whole).collect();
        visible(&String::from_utf8_lossy(&text)).into_owned()
    }

    /// What was left: the beginning of a character.
    pub fn finish(&mut self) -> String {
        let rest = std::mem::take(&mut self.rest);
        visible(&String::from_utf8_lossy(&rest)).into_owned()
    }
}

/// How many bytes at the end begin a character that is not whole.
fn cut(bytes: &[u8]) -> usize {
    (1..=bytes.len().min(3))
        .find(|back| {
            let tail = &bytes[bytes.len() - back..];
            std::str::from_utf8(tail)
                .is_err_and(|e| e.valid_up_to() == 0 && e.error_len().is_none())
        })
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_shown() {
        for (text, shown) in [
            ("a\tb\nc", "a\tb\nc"),
            ("\u{1b}]0;title\u{7}", "\\u001b]0;title\\u0007"),
            ("\u{9b}31m", "\\u009b31m"),
            ("50%\r100%", "50%\\u000d100%"),
            ("evil\u{202e}cod.exe", "evil\\u202ecod.exe"),
            ("grün ✓ 日本", "grün ✓ 日本"),
        ] {
            assert_eq!(visible(text), shown);
        }
        assert_eq!(one_line("a\nb"), "a\\u000ab");
        assert_eq!(left_on_screen("10%\r\u{1b}[1m20%\u{1b}[0m\r"), "20%");
    }

    #[test]
    fn a_character_in_two_pieces() {
        let mut pieces = VisiblePieces::default();
        let all = "é\u{9b}✓".as_bytes();
        let mut text = String::new();
        for byte in all {
            text.push_str(&pieces.feed(&[*byte]));
        }
        text.push_str(&pieces.feed(b"\xff\xc3"));
        text.push_str(&pieces.finish());
        assert_eq!(text, "é\\u009b✓\u{fffd}\u{fffd}");
    }
}
