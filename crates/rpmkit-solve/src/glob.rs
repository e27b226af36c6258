//! fnmatch as dnf uses it: `*`, `?`, `[...]`, all of them matching `/` too, and a leading dot.

/// Whether `pattern`, which may also be plain text, matches the whole of `text`.
pub fn glob_matches(pattern: &str, text: &str) -> bool {
    if Glob::is_pattern(pattern) {
        Glob::new(pattern).matches(text)
    } else {
        pattern == text
    }
}

/// A pattern ready to match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Glob(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Char(char),
    Any,
    Many,
    Set {
        not: bool,
        ranges: Vec<(char, char)>,
    },
}

impl Glob {
    /// True when dnf takes a text for a pattern.
    pub(crate) fn is_pattern(text: &str) -> bool {
        text.contains(['*', '?', '['])
    }

    /// Reads a pattern. A `[` without its `]` stands for itself.
    pub(crate) fn new(pattern: &str) -> Self {
        let chars: Vec<char> = pattern.chars().collect();
        let mut pieces = Vec::new();
        let mut i = 0;
        while let Some(&c) = chars.get(i) {
            i += 1;
            pieces.push(match c {
                '*' => Piece::Many,
                '?' => Piece::Any,
                '\\' if i < chars.len() => {
                    i += 1;
                    Piece::Char(chars[i - 1])
                }
                '[' => match set(&chars, i) {
                    Some((piece, next)) => {
                        i = next;
                        piece
                    }
                    None => Piece::Char('['),
                },
                c => Piece::Char(c),
            });
        }
        Self(pieces)
    }

    /// Matches the whole text.
    pub(crate) fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        let (mut p, mut t) = (0, 0);
        // Where to go back to: the piece behind the last `*` and the text it has not yet eaten.
        let mut back: Option<(usize, usize)> = None;
        loop {
            let fits = match (self.0.get(p), text.get(t)) {
                (Some(Piece::Many), _) => {
                    back = Some((p + 1, t));
                    p += 1;
                    continue;
                }
                (None, None) => return true,
                (Some(piece), Some(&c)) => piece.fits(c),
                _ => false,
            };
            if fits {
                p += 1;
                t += 1;
            } else {
                match back {
                    Some((behind, eaten)) if eaten < text.len() => {
                        back = Some((behind, eaten + 1));
                        p = behind;
                        t = eaten + 1;
                    }
                    _ => return false,
                }
            }
        }
    }
}

impl Piece {
    fn fits(&self, c: char) -> bool {
        match self {
            Self::Char(own) => *own == c,
            Self::Any => true,
            Self::Many => false,
            Self::Set { not, ranges } => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *not
            }
        }
    }
}

/// Reads a set whose `[` stands before `i`; gives the place behind its `]`.
fn set(chars: &[char], mut i: usize) -> Option<(Piece, usize)> {
    let not = matches!(chars.get(i), Some('!' | '^'));
    i += usize::from(not);
    let first = i;
    let mut ranges = Vec::new();
    loop {
        let c = *chars.get(i)?;
        if c == ']' && i > first {
            return Some((Piece::Set { not, ranges }, i + 1));
        }
        if chars.get(i + 1) == Some(&'-') && chars.get(i + 2).is_some_and(|c| *c != ']') {
            ranges.push((c, chars[i + 2]));
            i += 3;
        } else {
            ranges.push((c, c));
            i += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_fnmatch_does() {
        for (pattern, text, want) in [
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abcd", false),
            ("*b*d", "abcbd", true),
            ("?x", "ax", true),
            ("?x", "x", false),
            ("[a-c]1", "b1", true),
            ("[!a-c]1", "b1", false),
            ("[^x]", "y", true),
            ("[]]", "]", true),
            ("a[", "a[", true),
            ("lib*.so.?", "lib/x.so.1", true),
            ("\\*", "*", true),
            ("\\*", "x", false),
            ("kernel-[0-9]*", "kernel-6.1", true),
        ] {
            assert_eq!(Glob::new(pattern).matches(text), want, "{pattern} {text}");
        }
    }
}
