//! `--pm-cmd`, `--dnf-cmd`, `--yum-cmd`: the package manager's own verbs, as the embedded one has them. What
//! changes the chroot is in [`mod@alter`], what only looks in [`look`] and [`query`].

mod alter;
mod flags;
mod groups;
mod look;
mod modules;
mod query;

use rpmkit_cli::{Context, Failure, Status, VerbResult};

use super::work::Work;
use crate::mode::{Mode, Pm};
use alter::Alter;
use flags::Flags;
use look::PmLook;

/// The verbs, for the message about all others.
const VERBS: &str = "install, reinstall, downgrade, swap, remove, autoremove, upgrade, distro-sync, builddep, \
     download, group, module, mark, list, info, search, provides, repoquery, deplist, repolist, repoinfo, check, \
     check-update, history, makecache, clean";

/// Runs one of the verbs.
pub fn run(cx: &Context, work: &Work<'_>) -> VerbResult {
    let all = &work.request.words;
    let mode = match work.request.mode {
        Mode::PmCmd(Pm::Yum) => "yum-cmd",
        Mode::PmCmd(Pm::Dnf) => "dnf-cmd",
        _ => "pm-cmd",
    };
    work.info(format!("Running {mode} {}", all.join(" ")));
    let (flags, words) = flags::read(all)?;
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let settings = flags.apply(&work.settings);
    let note = all.join(" ");
    let alter = |words| Alter {
        cx,
        work,
        settings: &settings,
        note: &note,
        flags: &flags,
        words,
    };
    let look = PmLook {
        cx,
        work,
        settings: &settings,
        flags: &flags,
    };
    match words.as_slice() {
        [] => Err(Failure::usage(
            "You must specify a command of the package manager.",
        )),
        [
            "install" | "localinstall" | "in" | "install-n" | "install-na" | "install-nevra",
            rest @ ..,
        ] => alter(rest).install(),
        ["groupinstall" | "group-install", rest @ ..] => alter(rest).install_groups(),
        ["groupremove" | "group-remove" | "grouperase", rest @ ..] => alter(rest).remove_groups(),
        ["grouplist", rest @ ..] => look.groups(rest),
        ["groupinfo", rest @ ..] => look.group(rest),
        ["group" | "groups" | "grp", verb, rest @ ..] => match *verb {
            "install" | "upgrade" => alter(rest).install_groups(),
            "remove" | "erase" => alter(rest).remove_groups(),
            "list" => look.groups(rest),
            "info" => look.group(rest),
            "summary" => look.group_summary(),
            other => Err(unknown(&format!("group {other}"))),
        },
        ["remove" | "erase" | "rm", rest @ ..] => alter(rest).remove(false),
        ["autoremove", rest @ ..] => alter(rest).remove(true),
        [
            "update" | "upgrade" | "up" | "upgrade-minimal" | "update-minimal" | "update-to"
            | "upgrade-to",
            rest @ ..,
        ] => alter(rest).upgrade(),
        [
            "distro-sync" | "distrosync" | "distribution-synchronization" | "dsync",
            rest @ ..,
        ] => alter(rest).synchronize(),
        ["reinstall" | "rei", rest @ ..] => alter(rest).reinstall(),
        ["downgrade" | "dg", rest @ ..] => alter(rest).downgrade(),
        ["swap", rest @ ..] => alter(rest).swap(),
        ["builddep" | "build-dep", rest @ ..] => alter(rest).build_dependencies(),
        ["download", rest @ ..] => alter(rest).download(),
        ["module", verb, rest @ ..] => modules::run(&look, &alter(rest), verb),
        ["mark", rest @ ..] => alter(rest).mark(),
        ["list" | "ls", rest @ ..] => look.list(rest),
        ["info", rest @ ..] => look.info(rest),
        ["search" | "se", rest @ ..] => look.search(rest),
        ["provides" | "whatprovides" | "prov", rest @ ..] => look.provides(rest),
        ["repoquery" | "rq", rest @ ..] => query::run(&look, rest),
        ["deplist", rest @ ..] => query::deplist(&look, rest),
        ["repolist", ..] | ["repo", "list", ..] => look.repolist(),
        ["repoinfo", rest @ ..] | ["repo", "info", rest @ ..] => look.repoinfo(rest),
        ["check", ..] => look.check(),
        ["check-update" | "check-upgrade", rest @ ..] => look.check_update(rest),
        ["history" | "hist", rest @ ..] => look.history(rest),
        ["makecache", ..] => look.makecache(),
        ["updateinfo" | "advisory", ..] => look.advisories(),
        // What is kept is keyed by its content and never stale.
        ["clean", ..] => {
            cx.printer.data("0 files removed");
            Ok(Status::OK)
        }
        ["help" | "--help", ..] => {
            cx.printer.data(format!("verbs: {VERBS}"));
            Ok(Status::OK)
        }
        [other, ..] => Err(unknown(other)),
    }
}

fn unknown(verb: &str) -> Failure {
    Failure::new(
        rpmkit_core::ExitCode::PackageManager,
        format!("No such command: {verb}."),
    )
    .hint(format!(
        "the embedded package manager has {VERBS}; for others, `--install dnf` and run it with `--shell`"
    ))
}
