//! What is left to say when nothing more precise is known.

use super::{finding::Finding, scene::Scene, text};

/// Closing lines that only pass a failure on.
const CLOSINGS: [&str; 27] = [
    "collect2: error: ld returned",
    "ninja: build stopped",
    "error: aborting due to",
    "error: could not compile",
    "error: test failed, to rerun",
    "cc1: all warnings being treated as errors",
    "cc1plus: all warnings being treated as errors",
    "-- Configuring incomplete",
    "[ERROR] To see the full stack trace",
    "[ERROR] Re-run Maven",
    "autoreconf: error: ",
    "compilation terminated.",
    "A complete log of this run can be found in",
    "BUILD FAILED",
    "error: subprocess-exited-with-error",
    "error: metadata-generation-failed",
    "BUILD FAILURE",
    "FAILURE: Build failed with an exception",
    "[ERROR] -> [Help",
    "[ERROR] [Help",
    "[ERROR] For more information",
    "msgfmt: found ",
    "gpgv: FAILED",
    "ERROR: usage: ",
    "error: Bytecompiling failed",
    "make: *** Deleting file",
    "Failed to execute goal ",
];

/// The last line that reads like an error: what came before it was survived.
pub(super) fn find(scene: &Scene<'_>) -> Option<Finding> {
    let telling = |line: &str| {
        alarming(line)
            && line.trim() != "[ERROR]"
            && !line.starts_with("FAILED: ")
            && super::make::marker(line).is_none()
            && !text::any(line, &CLOSINGS)
    };
    let (at, _) = scene.rev().find(|(_, line)| telling(line))?;
    // Of a row of such lines the first leads to the rest.
    let mut from = at;
    while from > 0 && telling(scene.lines[from - 1]) && at - from < 10 {
        from -= 1;
    }
    let said = scene.lines[from].trim();
    let said = said
        .trim_start_matches("error: ")
        .trim_start_matches("[ERROR] ")
        .trim_end_matches(" -> [Help 1]");
    Some(Finding::new(at, said).from(from))
}

/// Without any such line: what the command said last, if it said one thing or two.
pub(super) fn last_words(scene: &Scene<'_>) -> Option<Finding> {
    let spoken = scene.rev().filter(|(_, line)| {
        !line.trim().is_empty() && !line.starts_with('+') && super::make::marker(line).is_none()
    });
    let (at, line) = spoken.take(1).next()?;
    Some(Finding::new(at, line.trim_matches([' ', '\t', '='])))
}

/// Whether a line reads like the report of an error.
pub(crate) fn alarming(line: &str) -> bool {
    if line.starts_with('+')
        || line.contains("warning: ")
        || line.starts_with("PASS")
        || line.starts_with("ok ")
    {
        return false;
    }
    [
        "error: ",
        "error[E",
        "Error: ",
        "Error]",
        "ERROR",
        "FAIL",
        "fatal: ",
        "fatal error",
        "Fatal",
        "undefined reference",
        "Traceback",
        "panicked at",
        " *** ",
        "cannot ",
        "Cannot ",
        "can't ",
        "Can't ",
        "could not ",
        "ouldn't ",
        "Could not ",
        "unable to ",
        "Unable to ",
        "No such file",
        "not found",
        "Killed",
        "Permission denied",
        "Segmentation fault",
        "No rule to make target",
        "refused",
        "denied",
        "nvalid option",
        "nrecognized option",
        "unknown option",
        "rror code",
        "npm error",
        "No space left",
        "BAD signature",
        "error : ",
    ]
    .iter()
    .any(|mark| line.contains(mark))
}
