//! The front door of rpmkit: its own verbs, the suite's verbs in-process, and anybody's
//! `rpmkit-VERB` next to this program or on `PATH`.

pub mod called;
pub mod chain;
pub mod doctor;
pub mod external;
pub mod front;
pub mod generate;
pub mod results;
pub mod verbs;

use std::process::ExitCode;

use rpmkit_cli::Face;

/// The whole `main`.
pub fn main() -> ExitCode {
    rpmkit_sandbox::reexec(rpmkit_core::OPS);
    if let Some(verb) = std::env::args_os()
        .next()
        .as_deref()
        .and_then(called::by_name)
    {
        return rpmkit_cli::run_program(verb);
    }
    if let Some(ended) = rpmkit_cli::verb::complete(front::command) {
        return ended;
    }
    rpmkit_cli::run(Face::People, front::run)
}
