//! A look at a YAML text before it is made into values: the loader goes down with the nesting and writes
//! every alias out, so that a few lines could stand for more than there is memory.

use std::collections::HashMap;

use yaml_rust2::{Event, parser::Parser};

/// Bytes of a file of settings.
const MAX_BYTES: usize = 1 << 20;
/// Lists and mappings within each other.
const MAX_DEPTH: usize = 50;
/// Values, aliases written out.
const MAX_VALUES: usize = 100_000;

/// What is too much, and on which line.
pub(super) fn check(text: &str) -> Result<(), (usize, String)> {
    if text.len() > MAX_BYTES {
        return Err((1, format!("more than {MAX_BYTES} bytes")));
    }
    let mut parser = Parser::new_from_str(text);
    // The anchors of the lists and mappings that are open, and how many values came before them.
    let mut open: Vec<(usize, usize)> = Vec::new();
    let mut sizes: HashMap<usize, usize> = HashMap::new();
    let mut values = 0_usize;
    loop {
        // What is wrong is the loader's to say.
        let Ok((event, mark)) = parser.next_token() else {
            return Ok(());
        };
        match event {
            Event::StreamEnd => return Ok(()),
            Event::Scalar(_, _, anchor, _) => {
                values += 1;
                sizes.insert(anchor, 1);
            }
            Event::SequenceStart(anchor, _) | Event::MappingStart(anchor, _) => {
                open.push((anchor, values));
                values += 1;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some((anchor, before)) = open.pop() {
                    sizes.insert(anchor, values - before);
                }
            }
            Event::Alias(anchor) => {
                values = values.saturating_add(sizes.get(&anchor).copied().unwrap_or(1));
            }
            _ => {}
        }
        if open.len() > MAX_DEPTH {
            return Err((mark.line(), format!("nested more than {MAX_DEPTH} deep")));
        }
        if values > MAX_VALUES {
            return Err((
                mark.line(),
                format!("more than {MAX_VALUES} values, aliases written out"),
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_and_multiplication_are_refused() {
        assert_eq!(check("a: &x [1, 2]\nb: *x\nc: {d: *x}\n"), Ok(()));
        let lists = "- ".repeat(100_000);
        assert!(check(&lists).is_err_and(|(_, what)| what.contains("deep")));
        let mut laughs = "a: &a0 [x, x]\n".to_owned();
        for n in 1..40 {
            laughs += &format!("b{n}: &a{n} [*a{0}, *a{0}]\n", n - 1);
        }
        assert!(check(&laughs).is_err_and(|(line, what)| line > 10 && what.contains("aliases")));
        assert!(check(&" ".repeat(MAX_BYTES + 1)).is_err());
    }
}
