//! `rpmkit-mock`; `mock`, `mockchain`, `mock-parse-buildlog`, `rpmkit-hermetic-repo` and `mock-hermetic-repo` when
//! called by those names.

use std::path::Path;

fn main() -> std::process::ExitCode {
    let called = std::env::args_os().next().unwrap_or_default();
    let name = Path::new(&called)
        .file_name()
        .and_then(|name| name.to_str());
    let verb = match name {
        Some("mock-hermetic-repo" | "rpmkit-hermetic-repo") => &rpmkit_mock::HERMETIC_REPO,
        Some("mock-parse-buildlog") => &rpmkit_mock::PARSE_BUILDLOG,
        Some("mockchain") => &rpmkit_mock::CHAIN,
        _ => &rpmkit_mock::VERB,
    };
    rpmkit_cli::run_program(verb)
}
