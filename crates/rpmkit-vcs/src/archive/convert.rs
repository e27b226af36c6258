//! What a file looks like outside of the repository: line ends and `$Id$`, as `git archive` and a
//! checkout have it (gitattributes).

use std::borrow::Cow;

use super::attributes::{Export, Text};

/// Converts a blob's content; `id` is the blob's own.
pub(super) fn convert<'c>(content: &'c [u8], export: &Export, id: &str) -> Cow<'c, [u8]> {
    let mut content = Cow::Borrowed(content);
    if export.ident && contains(&content, b"$Id") {
        content = Cow::Owned(expand_ident(&content, id));
    }
    if wants_crlf(&content, export.text) {
        content = Cow::Owned(to_crlf(&content));
    }
    content
}

fn wants_crlf(content: &[u8], text: Text) -> bool {
    match text {
        Text::Keep => false,
        Text::Crlf => true,
        Text::AutoCrlf => looks_like_text(content),
    }
}

/// git's guess: no NUL, no carriage return of any kind, and hardly anything that does not print.
fn looks_like_text(content: &[u8]) -> bool {
    let (mut printable, mut other) = (0_usize, 0_usize);
    for byte in content {
        match byte {
            0 | b'\r' => return false,
            b'\n' => {}
            8 | b'\t' | 27 | 12 => printable += 1,
            127 | ..32 => other += 1,
            _ => printable += 1,
        }
    }
    // A control-Z at the end is a text file's of old systems.
    if content.last() == Some(&26) {
        other -= 1;
    }
    printable >> 7 >= other
}

/// Line feeds that have no carriage return get one.
fn to_crlf(content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len() + content.len() / 32);
    for byte in content {
        if *byte == b'\n' && out.last() != Some(&b'\r') {
            out.push(b'\r');
        }
        out.push(*byte);
    }
    out
}

/// `$Id$`, or an earlier expansion of it, becomes `$Id: BLOB $`. What another system expanded, with
/// several words in it, stays.
fn expand_ident(content: &[u8], id: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len() + 48);
    let mut rest = content;
    while let Some(at) = rest.windows(3).position(|window| window == b"$Id") {
        let (before, after) = (&rest[..at + 3], &rest[at + 3..]);
        out.extend_from_slice(before);
        let length = match after.first() {
            Some(b'$') => Some(1),
            Some(b':') => earlier(after),
            _ => None,
        };
        rest = after;
        if let Some(length) = length {
            out.extend_from_slice(b": ");
            out.extend_from_slice(id.as_bytes());
            out.extend_from_slice(b" $");
            rest = &after[length..];
        }
    }
    out.extend_from_slice(rest);
    out
}

/// The length of `: ONE-WORD $` or `:$`, up to and with the dollar.
fn earlier(text: &[u8]) -> Option<usize> {
    let end = text.iter().position(|byte| matches!(byte, b'$' | b'\n'))?;
    if text[end] == b'\n' {
        return None;
    }
    let inner = text.get(2..end).unwrap_or_default();
    let foreign = inner
        .iter()
        .position(|byte| *byte == b' ')
        .is_some_and(|space| space + 1 < inner.len());
    (!foreign).then_some(end + 1)
}

fn contains(content: &[u8], what: &[u8]) -> bool {
    content.windows(what.len()).any(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_of_others_stay() {
        let of =
            |text: &str| String::from_utf8_lossy(&expand_ident(text.as_bytes(), "X")).into_owned();
        assert_eq!(of("a $Id$ b"), "a $Id: X $ b");
        assert_eq!(of("$Id: old $"), "$Id: X $");
        assert_eq!(of("$Id:$ $Id:old$"), "$Id: X $ $Id: X $");
        assert_eq!(of("$Id: file.c,v 1.2 ada $"), "$Id: file.c,v 1.2 ada $");
        assert_eq!(of("$Id: no\nend$"), "$Id: no\nend$");
        assert_eq!(of("$Identity$ $Id"), "$Identity$ $Id");
    }
}
