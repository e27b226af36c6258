//! The program `rpmkit-snap`.

fn main() -> std::process::ExitCode {
    rpmkit_sandbox::reexec(rpmkit_core::OPS);
    rpmkit_cli::run_program(&rpmkit_snap::VERB)
}
