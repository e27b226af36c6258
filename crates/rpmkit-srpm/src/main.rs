//! `rpmkit-srpm`: a source package from a checkout.

fn main() -> std::process::ExitCode {
    rpmkit_cli::run_program(&rpmkit_srpm::VERB)
}
