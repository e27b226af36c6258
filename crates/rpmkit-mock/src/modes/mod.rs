//! A file a mode. What they share is the frame here: the first lines mock says.

use rpmkit_cli::{Context, Failure, Outcome};

use crate::{request::MockRequest, run::MOCK_VERSION};

/// Runs the mode of a request; `args` are the words it was made from.
pub fn run(cx: &mut Context, request: &MockRequest, args: &[String]) -> Outcome {
    let program = cx.host.called_as();
    let words: Vec<String> = std::iter::once(&program)
        .chain(args)
        .map(|w| shell_quoted(w))
        .collect();
    cx.printer.say(format!(
        "INFO: mock.py version {MOCK_VERSION} starting (rpmkit {}), args: {}",
        env!("CARGO_PKG_VERSION"),
        words.join(" ")
    ));
    Err(Failure::general(format!(
        "the engine is not connected yet: {:?}",
        request.mode
    )))
}

/// A word as a shell needs it.
fn shell_quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./-_".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\"'\"'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_as_python_does() {
        assert_eq!(shell_quoted("a/b-c"), "a/b-c");
        assert_eq!(shell_quoted("a b"), "'a b'");
        assert_eq!(shell_quoted("it's"), "'it'\"'\"'s'");
        assert_eq!(shell_quoted(""), "''");
    }
}
