//! The front door: `rpmkit VERB`.

fn main() -> std::process::ExitCode {
    rpmkit::main()
}
