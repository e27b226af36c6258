//! A verb that is a library function, a program of its own, and a sub-command of `rpmkit`.

use std::{ffi::OsString, process::ExitCode};

use clap_complete::CompleteEnv;

use crate::{
    failure::VerbResult,
    frame::{self, Context},
    printer::Face,
};

/// How a verb's crate offers it. The program `rpmkit-NAME` is `run_program(&VERB)`.
pub struct Verb {
    /// `srpm` of `rpmkit srpm` and `rpmkit-srpm`.
    pub name: &'static str,
    /// Whose manners it has from the first line on.
    pub face: Face,
    /// Its arguments, for help, completions and the man page.
    pub command: fn() -> clap::Command,
    /// Its body. The first argument is the name it was called by.
    pub run: fn(&mut Context, Vec<OsString>) -> VerbResult,
}

/// The whole `main` of a program with one verb.
pub fn run_program(verb: &Verb) -> ExitCode {
    rpmkit_sandbox::reexec(rpmkit_core::OPS);
    if let Some(ended) = complete(verb.command) {
        return ended;
    }
    frame::run(verb.face, |context| {
        let args = context.host.args.clone();
        (verb.run)(context, args)
    })
}

/// Answers the shell when it asks for completions (`COMPLETE` is set), else `None`. To be called
/// before anything is printed.
pub fn complete(command: impl Fn() -> clap::Command) -> Option<ExitCode> {
    let here = std::env::current_dir().ok();
    match CompleteEnv::with_factory(command).try_complete(std::env::args_os(), here.as_deref()) {
        Ok(false) => None,
        Ok(true) => Some(ExitCode::SUCCESS),
        Err(error) => {
            // clap prints to the right stream itself; a closed one leaves nobody to tell.
            let _ = error.print();
            Some(ExitCode::FAILURE)
        }
    }
}
