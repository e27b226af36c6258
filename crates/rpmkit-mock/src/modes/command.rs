//! `--shell` and `--chroot`: a command of the user's in the chroot, with its status as ours.

use std::{path::PathBuf, time::SystemTime};

use rpmkit_cli::{
    Context, Failure, Status, VerbResult, listen::python_quoted, visible::VisiblePieces,
};
use rpmkit_core::{
    Error, Event, Listener,
    build::{Buildroot, ChrootAccess},
    event::Log,
};
use rpmkit_sandbox::{Command, Exit, Lines, Output, RunAs, Stdin};

use super::work::Work;

/// `--shell [COMMAND…]`: with a terminal; the words are one line for the shell inside.
pub fn shell(cx: &Context, work: &Work<'_>) -> VerbResult {
    let mut root = work.prepared(cx, ChrootAccess::JoinOrEphemeral)?;
    let words = &work.request.words;
    let argv = match words.as_slice() {
        [] => vec!["/bin/sh".to_owned(), "-i".to_owned(), "-l".to_owned()],
        words => vec!["/bin/sh".to_owned(), "-c".to_owned(), words.join(" ")],
    };
    let unprivileged = work.request.options.unpriv || work.settings.chroot.no_root_shells;
    let cwd = work.request.options.cwd.clone();
    let cwd = cwd.unwrap_or_else(|| work.settings.chroot.chroothome.clone());
    let mut command = command(&mut root, work, argv, unprivileged, cwd.into())?;
    if let Some(term) = cx.host.var("TERM") {
        command = command.env("TERM", term);
    }
    let exit = work.state("shell", || {
        let container = root.start()?;
        Ok(container.run_interactive(&command)?)
    });
    ended(work, root, exit)
}

/// `--chroot COMMAND…`: without a terminal; one word is a line for the shell inside, several are run
/// as they are.
pub fn chroot(cx: &Context, work: &Work<'_>) -> VerbResult {
    let words = &work.request.words;
    let argv = match words.as_slice() {
        [] => {
            return Err(Failure::usage(
                "You must specify a command to run with --chroot",
            ));
        }
        [line] => vec!["/bin/sh".to_owned(), "-c".to_owned(), line.clone()],
        words => words.to_vec(),
    };
    work.open_logs(cx)?;
    let mut root = work.prepared(cx, ChrootAccess::JoinOrEphemeral)?;
    let cwd = work
        .request
        .options
        .cwd
        .clone()
        .unwrap_or_else(|| "/".to_owned());
    let mut command = command(
        &mut root,
        work,
        argv,
        work.request.options.unpriv,
        cwd.into(),
    )?;
    command.output = Output::Merged;
    command.stdin = Stdin::Null;
    let shown: Vec<String> = words.iter().map(|w| python_quoted(w)).collect();
    let what = format!("chroot [{}]", shown.join(", "));
    let logs = cx.logs.clone();
    let exit = work.state(&what, || {
        let container = root.start()?;
        let mut lines = Lines::default();
        let mut pieces = VisiblePieces::default();
        let mut on_line = |bytes: &[u8]| {
            // Straight to the log: the console has the bytes as they are.
            let line = String::from_utf8_lossy(bytes).into_owned();
            logs.on_event(
                SystemTime::now(),
                &Event::Output {
                    log: Log::Root,
                    line,
                },
            );
        };
        let exit = container.run(&command, |_, piece| {
            cx.printer.foreign(&mut pieces, piece);
            lines.feed(piece, &mut on_line);
        })?;
        lines.finish(&mut on_line);
        cx.printer.foreign(&mut pieces, b"");
        Ok(exit)
    });
    ended(work, root, exit)
}

/// A command with the configuration's environment. One as root may change the root.
fn command(
    root: &mut Buildroot,
    work: &Work<'_>,
    argv: Vec<String>,
    unprivileged: bool,
    cwd: PathBuf,
) -> Result<Command, Failure> {
    let user = if unprivileged {
        root.build_user()
    } else {
        RunAs::Root
    };
    if !unprivileged {
        root.touch().map_err(|e| work.failure(&e))?;
    }
    if user == RunAs::Root
        && !root.engine().mode().has_ids()
        && becomes_another(&work.request.words)
    {
        root.engine().events().warn(
            "without subordinate ids nobody can become another user in the chroot, so this command will fail: use \
             `--unpriv`, or ask for ids with `usermod --add-subuids`",
        );
    }
    let plan = root.command(argv, user);
    let mut command = Command::new(plan.argv).cwd(cwd).user(plan.user);
    command.env = plan
        .env
        .into_iter()
        .map(|(k, v)| (k.into(), v.into()))
        .collect();
    command.read_only_root = plan.read_only_root;
    command.writable = plan.writable;
    command.filters = plan.filters;
    Ok(command)
}

/// Whether a command line begins with a program that changes users.
fn becomes_another(words: &[String]) -> bool {
    let first = words
        .first()
        .and_then(|line| line.split_whitespace().next());
    let name = first.map(|word| word.rsplit('/').next().unwrap_or(word));
    name.is_some_and(|name| matches!(name, "su" | "sudo" | "runuser"))
}

fn ended(
    work: &Work<'_>,
    root: Buildroot,
    exit: Result<Exit, rpmkit_core::build::BuildError>,
) -> VerbResult {
    let closed = root.close();
    let exit = exit.map_err(|e| work.failure(&e))?;
    closed.map_err(Error::from)?;
    let status = exit.shell_code();
    Ok(Status(u8::try_from(status).unwrap_or(1)))
}

#[cfg(test)]
mod tests {
    use super::becomes_another;

    #[test]
    fn programs_that_change_users_are_known() {
        let is = |line: &str| becomes_another(&[line.to_owned()]);
        assert!(is("su - mockbuild -c 'set -e'") && is("/usr/sbin/runuser -u x id"));
        assert!(!is("sum x") && !is("") && !becomes_another(&[]));
    }
}
