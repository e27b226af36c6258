//! Starts `cargo xtask`: checks the host first, because the chores themselves take minutes to
//! compile on a machine where nothing is compiled yet.
#![expect(clippy::print_stderr, reason = "a program for the terminal")]

use std::{
    env,
    os::unix::process::CommandExt,
    process::{Command, ExitCode},
};

use xtask_start::{NEEDED, TESTED, advice, is_root, missing, sentences};

/// Chores that compile rpmkit.
const COMPILING: [&str; 7] = [
    "demo",
    "test",
    "e2e",
    "bench",
    "typed",
    "completions",
    "man",
];

fn main() -> ExitCode {
    let words: Vec<_> = env::args_os().skip(1).collect();
    let compiles = words
        .iter()
        .any(|word| COMPILING.iter().any(|chore| word == chore));
    let mut lacking = missing(NEEDED);
    if words.iter().any(|word| word == "test") {
        lacking.extend(missing(TESTED));
    }
    // Root has it installed by the chore itself.
    if compiles && !lacking.is_empty() && !is_root() {
        eprint!("{}", sentences(&lacking));
        eprintln!("error: {}", advice(&lacking));
        return ExitCode::FAILURE;
    }
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let error = Command::new(&cargo)
        .args(["run", "--package", "xtask", "--"])
        .args(words)
        .exec();
    eprintln!("error: cannot run `{}`: {error}", cargo.display());
    ExitCode::FAILURE
}
