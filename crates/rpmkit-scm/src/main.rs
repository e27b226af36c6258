//! `rpmkit-scm`: packages from version control.

fn main() -> std::process::ExitCode {
    rpmkit_cli::run_program(&rpmkit_scm::VERB)
}
