//! `mockchain`: mock's older name for `mock --chain`.

use std::ffi::OsString;

use rpmkit_cli::{Context, Face, Printer, Verb, VerbResult, Verbosity};

use crate::{cmdline, run};

/// `mockchain`.
pub static VERB: Verb = Verb {
    name: "mockchain",
    face: Face::Mock,
    command: cmdline::command,
    run: start,
};

fn start(cx: &mut Context, args: Vec<OsString>) -> VerbResult {
    cx.printer = Printer::new(&cx.host, Face::Mock, Verbosity::Normal);
    for line in [
        "",
        "## mockchain is deprecated, use mock --chain instead ##",
        "",
    ] {
        cx.printer.line(line);
    }
    let words = words(args.into_iter().skip(1));
    // From here on it is mock, also for who asks by which name.
    if let Some(name) = cx.host.args.first_mut() {
        *name = "mock".into();
    }
    (run::VERB.run)(cx, words)
}

/// mock's words: what `--mock-option` brings comes first.
fn words(args: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut mock: Vec<OsString> = vec!["mock".into(), "--chain".into()];
    let mut own = Vec::new();
    let mut args = args;
    while let Some(word) = args.next() {
        let text = word.to_string_lossy().into_owned();
        if text == "--mock-option" {
            mock.extend(args.next());
        } else if let Some(option) = text.strip_prefix("--mock-option=") {
            mock.push(option.into());
        } else {
            own.push(word);
        }
    }
    mock.extend(own);
    mock
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_for_mock_come_first() {
        let given = [
            "-r",
            "f",
            "--mock-option",
            "-v",
            "a.src.rpm",
            "--mock-option=--offline",
        ];
        let made = words(given.iter().map(OsString::from));
        assert_eq!(
            made,
            ["mock", "--chain", "-v", "--offline", "-r", "f", "a.src.rpm"]
        );
    }
}
