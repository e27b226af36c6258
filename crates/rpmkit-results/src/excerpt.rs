//! What is kept of a command's output for a diagnosis: enough of a long build, never all of it.

use std::collections::VecDeque;

/// Lines kept from where a section begins.
const HEAD: usize = 500;
/// Lines kept from between head and tail that read like errors or that the shell traced.
const MARKED: usize = 4000;
/// Lines kept from the end.
const TAIL: usize = 4000;
/// Bytes kept of one line.
const WIDTH: usize = 4096;

/// A window on output that forgets what cannot matter: everything before the section that runs now,
/// and ordinary lines in the middle of a long one.
#[derive(Debug, Default)]
pub struct OutputExcerpt {
    before: Vec<String>,
    head: Vec<String>,
    marked: VecDeque<String>,
    tail: VecDeque<String>,
}

impl OutputExcerpt {
    /// Takes one line, the next of the output.
    pub fn push(&mut self, line: &str) {
        if line.starts_with("Executing(%") {
            // rpm stops at the first section that fails, so the ones before went well.
            if self.before.is_empty() {
                self.before = std::mem::take(&mut self.head);
            }
            self.head.clear();
            self.marked.clear();
            self.tail.clear();
        }
        let line = bounded(line);
        if self.head.len() < HEAD {
            self.head.push(line);
            return;
        }
        if self.tail.len() == TAIL
            && let Some(oldest) = self.tail.pop_front()
            && is_marked(&oldest)
        {
            if self.marked.len() == MARKED {
                self.marked.pop_front();
            }
            self.marked.push_back(oldest);
        }
        self.tail.push_back(line);
    }

    /// The lines, oldest first.
    pub fn into_lines(self) -> Vec<String> {
        let mut lines = self.before;
        lines.extend(self.head);
        lines.extend(self.marked);
        lines.extend(self.tail);
        lines
    }
}

fn bounded(line: &str) -> String {
    let mut end = line.len().min(WIDTH);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    line[..end].to_owned()
}

fn is_marked(line: &str) -> bool {
    line.starts_with('+') || super::diagnose::alarming(line) || line.contains("(ignored)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_early_error_of_a_long_section_is_kept_and_its_noise_is_not() {
        let mut kept = OutputExcerpt::default();
        kept.push("warning: of the spec");
        kept.push("Executing(%prep): /bin/sh -e x");
        kept.push("a.c:1:1: error: of another section");
        kept.push("Executing(%build): /bin/sh -e x");
        for n in 0..600 {
            kept.push(&format!("gcc {n}.c"));
        }
        kept.push("b.c:2:1: error: early");
        for n in 0..100_000 {
            kept.push(&format!("gcc -O2 {n}.c"));
        }
        kept.push("make: *** [all] Error 1");
        let lines = kept.into_lines();
        assert!(lines.len() <= 1 + HEAD + MARKED + TAIL);
        assert_eq!(lines[0], "warning: of the spec");
        assert!(lines.iter().any(|line| line == "b.c:2:1: error: early"));
        assert!(!lines.iter().any(|line| line.contains("another section")));
        assert_eq!(
            lines.last().map(String::as_str),
            Some("make: *** [all] Error 1")
        );
    }

    #[test]
    fn a_line_is_cut_between_characters() {
        let long = "ä".repeat(WIDTH);
        assert!(bounded(&long).len() <= WIDTH);
    }
}
