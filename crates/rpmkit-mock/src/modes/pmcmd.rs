//! `--pm-cmd`, `--dnf-cmd`, `--yum-cmd`: the package manager's own verbs.

use rpmkit_cli::{Context, Failure, Outcome, Status};

use super::{
    install::{add_packages, change, updated},
    work::Work,
};

/// Runs one of the verbs the embedded package manager has.
pub fn run(cx: &Context, work: &Work<'_>) -> Outcome {
    let words = &work.request.words;
    work.info(format!("Running pm-cmd {}", words.join(" ")));
    let Some((verb, rest)) = words.split_first() else {
        return Err(Failure::usage(
            "You must specify a command of the package manager.",
        ));
    };
    let note = words.join(" ");
    let no_options = || match rest.iter().find(|word| word.starts_with('-')) {
        Some(option) => Err(Failure::command_line(format!(
            "the embedded package manager does not know the option `{option}`"
        ))),
        None => Ok(()),
    };
    match verb.as_str() {
        "install" | "localinstall" => {
            no_options()?;
            change(cx, work, &note, |_, request| add_packages(cx, work, rest, request))
        }
        "groupinstall" => {
            no_options()?;
            change(cx, work, &note, |_, request| {
                request.install.extend(rest.iter().map(|group| format!("@{group}")));
                Ok(())
            })
        }
        "remove" | "erase" => {
            no_options()?;
            change(cx, work, &note, |_, request| {
                request.remove.extend(rest.iter().cloned());
                request.allow_erasing = true;
                Ok(())
            })
        }
        "update" | "upgrade" => {
            no_options()?;
            change(cx, work, &note, |_, request| {
                request.update = updated(rest);
                Ok(())
            })
        }
        // Metadata is refreshed when it is due, and what is kept is keyed by its content.
        "clean" | "makecache" => Ok(Status::OK),
        other => Err(Failure::command_line(format!(
            "the embedded package manager has no command `{other}`"
        ))
        .hint("it knows install, remove, update, groupinstall; for others, `--install dnf` and use `--shell`")),
    }
}
