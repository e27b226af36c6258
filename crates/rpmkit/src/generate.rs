//! The hidden verb behind `cargo xtask completions` and `cargo xtask man`: writes what a package
//! installs, made from the same definitions that parse the arguments.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use rpmkit_cli::{Failure, Status, VerbResult};

use crate::{
    front::{self, SUITE},
    verbs::completions::script,
};

/// Its name. Nothing a user types, and no promise.
pub const HIDDEN: &str = "__generate";

/// Writes `bash/`, `zsh/`, `fish/`, `man/` and `docs/` below the directory given.
pub fn run(args: &[OsString]) -> VerbResult {
    let [dir] = args else {
        return Err(Failure::command_line("expected one directory"));
    };
    let dir = PathBuf::from(dir);
    let mut names = vec!["rpmkit".to_owned()];
    names.extend(OF_MOCK.iter().map(|(name, _)| (*name).to_owned()));
    names.extend(SUITE.iter().map(|verb| format!("rpmkit-{}", verb.name)));
    for name in &names {
        for (shell, file) in [
            ("bash", name.clone()),
            ("zsh", format!("_{name}")),
            ("fish", format!("{name}.fish")),
        ] {
            write(&dir.join(shell), &file, &script(shell, name)?)?;
        }
    }
    man_pages(&dir.join("man"))?;
    write(&dir.join("docs"), "exit-codes.md", exit_codes().as_bytes())?;
    let compat = rpmkit_core::config::options::compat_page();
    write(&dir.join("docs"), "mock-compat.md", compat.as_bytes())?;
    Ok(Status::OK)
}

/// The page on exit codes, from the table that decides them.
fn exit_codes() -> String {
    let mut text = String::from(
        "# Exit codes\n\n\
         They are mock's, so that programs which call mock can call rpmkit. One table in the code\n\
         (`crates/rpmkit-types/src/exit.rs`) has their numbers and meanings, and each error type says which\n\
         is its own. This page is made from the table by `cargo xtask man`.\n\n\
         | code | meaning |\n| ---: | --- |\n| 0 | All is well. |\n",
    );
    for code in rpmkit_core::ExitCode::ALL {
        text.push_str(&format!("| {} | {} |\n", code.code(), code.meaning()));
    }
    for (code, signal) in [(129, "SIGHUP"), (141, "SIGPIPE"), (143, "SIGTERM")] {
        text.push_str(&format!("| {code} | Stopped by {signal}. |\n"));
    }
    text.push_str(
        "\nA command run in the chroot (`--chroot`, `--shell`, rpmbuild itself, a `git clone`) that fails\n\
         passes its own status on. A closed pipe on standard output is no error, except that the `mock`\n\
         face ends with 141 then.\n",
    );
    text
}

fn man_pages(dir: &Path) -> Result<(), Failure> {
    // `debug` adds nothing a reader of a manual wants: hide clap's own `help` verb.
    let command = front::command().disable_help_subcommand(true);
    fs::create_dir_all(dir).map_err(|e| failed(dir, &e))?;
    clap_mangen::generate_to(command, dir).map_err(|e| failed(dir, &e))?;
    for (name, verb) in OF_MOCK {
        let mut page = Vec::new();
        clap_mangen::Man::new((verb.command)().name(name))
            .render(&mut page)
            .map_err(|e| failed(dir, &e))?;
        write(dir, &format!("{name}.1"), &page)?;
    }
    Ok(())
}

/// mock's own names for programs of the suite.
const OF_MOCK: [(&str, &rpmkit_cli::Verb); 5] = [
    ("mock", &rpmkit_mock::VERB),
    ("mock-hermetic-repo", &rpmkit_mock::HERMETIC_REPO),
    ("mock-parse-buildlog", &rpmkit_mock::PARSE_BUILDLOG),
    ("mock-scm", &rpmkit_scm::VERB),
    ("mockchain", &rpmkit_mock::CHAIN),
];

fn write(dir: &Path, name: &str, bytes: &[u8]) -> Result<(), Failure> {
    let path = dir.join(name);
    fs::create_dir_all(dir)
        .and_then(|()| fs::write(&path, bytes))
        .map_err(|e| failed(&path, &e))
}

fn failed(path: &Path, error: &std::io::Error) -> Failure {
    Failure::general(format!("cannot write `{}`: {error}", path.display()))
}
