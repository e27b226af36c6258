//! Verbs that are other people's programs, found as git and cargo find theirs.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use rpmkit_cli::{Context, Failure, Host, VerbResult, nearest::nearest};
use rpmkit_host::{HostCommand, Tool};

use crate::front;

/// Directories searched, in order: this program's own, then `PATH`.
fn places(host: &Host) -> Vec<PathBuf> {
    let own = host.exe.parent().map(Path::to_owned);
    let path = host.var("PATH").unwrap_or("");
    own.into_iter()
        .chain(path.split(':').map(PathBuf::from))
        // Nothing of the directory one stands in, which may be a stranger's.
        .filter(|dir| dir.is_absolute())
        .collect()
}

fn executable(path: &Path) -> bool {
    std::fs::metadata(path)
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// Names of external verbs on this machine, sorted; ours are not among them.
pub fn installed(cx: &Context) -> Vec<String> {
    let known: Vec<String> = front::command()
        .get_subcommands()
        .map(|c| c.get_name().to_owned())
        .collect();
    let mut found = BTreeSet::new();
    for dir in places(&cx.host) {
        let Ok(entries) = std::fs::read_dir(dir) else {
            continue;
        };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let Some(verb) = name.to_str().and_then(|n| n.strip_prefix("rpmkit-")) else {
                continue;
            };
            // Build directories hold `rpmkit-mock.d` and the like.
            if !verb.contains('.') && !known.iter().any(|k| k == verb) && executable(&entry.path())
            {
                found.insert(verb.to_owned());
            }
        }
    }
    found.into_iter().collect()
}

/// Becomes `rpmkit-VERB`; returns only when there is none.
pub fn run(cx: &mut Context, words: &[OsString]) -> VerbResult {
    let [verb, rest @ ..] = words else {
        return Err(Failure::command_line("no verb given"));
    };
    let mut name = OsString::from("rpmkit-");
    name.push(verb);
    let shown = verb.to_string_lossy();
    // A verb is one word: `../x` must not run something from elsewhere.
    let plain = !shown.contains('/');
    let program = places(&cx.host)
        .into_iter()
        .map(|dir| dir.join(&name))
        .find(|path| plain && executable(path));
    if let Some(program) = program {
        let environment = cx.host.environment();
        let started = HostCommand::new(Tool::Users, &program.to_string_lossy(), &environment);
        let error = match started {
            Ok(command) => command.args(rest).cwd(&cx.host.cwd).exec(),
            Err(error) => error,
        };
        return Err(Failure::general(error.to_string()));
    }
    let others = installed(cx);
    let command = front::command();
    let known = command
        .get_subcommands()
        .map(clap::Command::get_name)
        .chain(others.iter().map(String::as_str));
    let failure = Failure::command_line(format!(
        "there is no verb `{shown}`: neither rpmkit's own nor a program `rpmkit-{shown}` on PATH"
    ));
    Err(match nearest(&shown, known) {
        Some(near) => failure.hint(format!("did you mean `rpmkit {near}`?")),
        None => failure.hint("`rpmkit --help` lists all verbs"),
    })
}
