//! `rpmkit-mock`; `mock`, `rpmkit-hermetic-repo` and `mock-hermetic-repo` when called by those names.

use std::path::Path;

fn main() -> std::process::ExitCode {
    let called = std::env::args_os().next().unwrap_or_default();
    let verb = match Path::new(&called).file_name() {
        Some(name) if name == "mock-hermetic-repo" || name == "rpmkit-hermetic-repo" => {
            &rpmkit_mock::HERMETIC_REPO
        }
        _ => &rpmkit_mock::VERB,
    };
    rpmkit_cli::run_program(verb)
}
