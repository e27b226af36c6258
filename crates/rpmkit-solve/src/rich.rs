//! rpm's rich (boolean) dependencies, as `(a or b)` or `(x >= 1 with x < 2)`.

use rpmkit_solv::{Id, Pool, RelOp};

/// A dependency read into a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rich {
    /// A capability, perhaps with a version.
    Simple {
        /// Name or path.
        name: String,
        /// Comparison and EVR.
        version: Option<(RelOp, String)>,
    },
    /// Two sides and what joins them. `else` stands on the right of `if` and `unless`.
    Op(Box<Rich>, RelOp, Box<Rich>),
}

/// A text that is no rich dependency.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no valid rich dependency: {what}, at character {at}")]
pub struct RichError {
    /// The whole text.
    pub text: String,
    /// Offset of the trouble in bytes.
    pub at: usize,
    /// What was expected.
    pub what: &'static str,
}

impl Rich {
    /// Reads a dependency with its parentheses.
    pub fn parse(text: &str) -> Result<Self, RichError> {
        let mut parser = Parser {
            rest: text,
            depth: 0,
        };
        let read = parser.group().and_then(|tree| {
            if parser.rest.trim_end().is_empty() {
                Ok(tree)
            } else {
                Err("nothing more was expected here")
            }
        });
        read.map_err(|what| RichError {
            text: text.to_owned(),
            at: text.len() - parser.rest.len(),
            what,
        })
    }

    /// Puts the dependency into a pool.
    pub fn intern(&self, pool: &mut Pool) -> Id {
        match self {
            Self::Simple { name, version } => {
                let id = pool.intern(name);
                match version {
                    None => id,
                    Some((op, evr)) => {
                        let evr = pool.intern(evr);
                        pool.rel(id, *op, evr)
                    }
                }
            }
            Self::Op(left, op, right) => {
                let (left, right) = (left.intern(pool), right.intern(pool));
                pool.rel(left, *op, right)
            }
        }
    }

    /// Every plain name in the dependency.
    pub fn names(&self) -> Vec<&str> {
        match self {
            Self::Simple { name, .. } => vec![name],
            Self::Op(left, _, right) => {
                let mut names = left.names();
                names.extend(right.names());
                names
            }
        }
    }
}

/// Deeper nesting than anybody writes, so that hostile metadata cannot exhaust the stack.
const MAX_DEPTH: u32 = 200;

struct Parser<'a> {
    rest: &'a str,
    depth: u32,
}

impl<'a> Parser<'a> {
    fn blanks(&mut self) {
        self.rest = self.rest.trim_start_matches(' ');
    }

    /// `(` chain `)`
    fn group(&mut self) -> Result<Rich, &'static str> {
        self.rest = self.rest.strip_prefix('(').ok_or("`(` was expected")?;
        self.chain(None)
    }

    /// Operands up to the closing parenthesis. An operator may be repeated, not mixed, except that
    /// `else` may follow `if` and `unless`; all bind to the right.
    fn chain(&mut self, before: Option<RelOp>) -> Result<Rich, &'static str> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("nested too deeply");
        }
        self.blanks();
        let left = if self.rest.starts_with('(') {
            self.group()?
        } else {
            self.simple()?
        };
        self.blanks();
        if let Some(rest) = self.rest.strip_prefix(')') {
            self.rest = rest;
            self.depth -= 1;
            return Ok(left);
        }
        let word = self.rest.split(' ').next().unwrap_or_default();
        let op = match word {
            "and" => RelOp::And,
            "or" => RelOp::Or,
            "if" => RelOp::If,
            "unless" => RelOp::Unless,
            "else" => RelOp::Else,
            "with" => RelOp::With,
            "without" => RelOp::Without,
            "" => return Err("`)` was expected"),
            _ => return Err("and, or, if, unless, else, with, without or `)` was expected"),
        };
        let fits = match before {
            None => op != RelOp::Else,
            Some(RelOp::If | RelOp::Unless) if op == RelOp::Else => true,
            Some(same) => same == op,
        };
        if !fits {
            return Err("operators may only be mixed inside parentheses of their own");
        }
        self.rest = &self.rest[word.len()..];
        let right = self.chain(Some(op))?;
        self.depth -= 1;
        Ok(Rich::Op(Box::new(left), op, Box::new(right)))
    }

    /// A name, which may hold balanced parentheses of its own, and perhaps a version.
    fn simple(&mut self) -> Result<Rich, &'static str> {
        let name = self.word();
        if name.is_empty() {
            return Err("a capability was expected");
        }
        self.blanks();
        let signs = self
            .rest
            .find(|c| !matches!(c, '<' | '=' | '>'))
            .unwrap_or(self.rest.len());
        let (op, rest) = self.rest.split_at(signs);
        let version = if op.is_empty() {
            None
        } else {
            let op = compare(op).ok_or("<, <=, =, >= or > was expected")?;
            self.rest = rest;
            self.blanks();
            let evr = self.word();
            if evr.is_empty() {
                return Err("a version was expected");
            }
            // As everywhere in the pool a zero epoch is left out.
            let evr = evr
                .strip_prefix("0:")
                .filter(|e| !e.is_empty())
                .unwrap_or(evr);
            Some((op, evr.to_owned()))
        };
        Ok(Rich::Simple {
            name: name.to_owned(),
            version,
        })
    }

    fn word(&mut self) -> &'a str {
        let mut open = 0u32;
        let end = self
            .rest
            .find(|c| match c {
                ' ' | ',' => true,
                '(' => {
                    open += 1;
                    false
                }
                ')' if open > 0 => {
                    open -= 1;
                    false
                }
                ')' => true,
                _ => false,
            })
            .unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }
}

/// The operators of versions, `=<` and its like as rpm and libsolv understand them.
pub(crate) fn compare(op: &str) -> Option<RelOp> {
    Some(match op {
        "<" => RelOp::Lt,
        "<=" | "=<" => RelOp::Le,
        "=" | "==" => RelOp::Eq,
        ">=" | "=>" => RelOp::Ge,
        ">" => RelOp::Gt,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn shown(text: &str) -> String {
        let mut pool = Pool::new("x86_64").unwrap();
        let id = Rich::parse(text).unwrap().intern(&mut pool);
        pool.text(id)
    }

    #[test]
    fn what_is_read_is_what_was_written() {
        for text in [
            "(a or b)",
            "(a or b or c)",
            "(a >= 1 with a < 2.0~)",
            "(a if b)",
            "(a if b else c)",
            "(a unless b else c)",
            "(a without b)",
            "((a and b) or c(x86-64) = 1:2-3)",
            "(pkgconfig(x) if (b or (c and d)))",
            "(crate(x/default) >= 1.0.0 with crate(x/default) < 2.0.0~)",
        ] {
            assert_eq!(shown(text), text);
        }
        assert_eq!(shown("(a = 0:1-2)").trim_matches(['(', ')']), "a = 1-2");
        assert_eq!(shown("( a   or ( b ) )"), "(a or b)");
    }

    #[test]
    fn what_rpm_refuses_is_refused() {
        for text in [
            "a",
            "(a",
            "(a or)",
            "()",
            "(a or b and c)",
            "(a b)",
            "(a >= )",
            "(a or b) c",
            "(a >> 1)",
            "(a or b else c)",
        ] {
            assert!(Rich::parse(text).is_err(), "{text}");
        }
        let deep = "(".repeat(100_000);
        assert!(Rich::parse(&deep).is_err());
    }
}
