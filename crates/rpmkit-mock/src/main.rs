//! `rpmkit-mock`, and `mock` when called by that name.

fn main() -> std::process::ExitCode {
    rpmkit_cli::run_program(&rpmkit_mock::VERB)
}
