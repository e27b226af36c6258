//! `--pm-cmd`, `--dnf-cmd`, `--yum-cmd`: the package manager's own verbs, as far as the embedded package
//! manager has them. What changes the chroot is in [`mod@alter`], what only looks in [`look`].

mod alter;
mod look;

use rpmkit_cli::{Context, Failure, Status, VerbResult};

use super::work::Work;
use alter::Alter;

/// Options of dnf's that these verbs take.
#[derive(Debug, Default, PartialEq, Eq)]
struct Flags {
    best: Option<bool>,
    weak_deps: Option<bool>,
    excludes: Vec<String>,
    installed: bool,
    available: bool,
    query_format: Option<String>,
    what_provides: Option<String>,
    location: bool,
    keep_unneeded: bool,
}

/// The verbs, for the message about all others.
const VERBS: &str = "install, groupinstall, reinstall, downgrade, remove, autoremove, upgrade, list, info, search, \
     provides, repoquery, repolist, makecache, clean";

/// Runs one of the verbs the embedded package manager has.
pub fn run(cx: &Context, work: &Work<'_>) -> VerbResult {
    let all = &work.request.words;
    work.info(format!("Running pm-cmd {}", all.join(" ")));
    let (flags, words) = flags(all)?;
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let note = all.join(" ");
    let alter = |words| Alter {
        cx,
        work,
        note: &note,
        flags: &flags,
        words,
    };
    match words.as_slice() {
        [] => Err(Failure::usage(
            "You must specify a command of the package manager.",
        )),
        ["install" | "localinstall" | "in", rest @ ..] => alter(rest).install(),
        ["groupinstall", rest @ ..] | ["group" | "groups", "install", rest @ ..] => {
            alter(rest).install_groups()
        }
        ["remove" | "erase" | "rm", rest @ ..] => alter(rest).remove(false),
        ["autoremove", rest @ ..] => alter(rest).remove(true),
        ["update" | "upgrade" | "up", rest @ ..] => alter(rest).upgrade(),
        ["reinstall" | "rei", rest @ ..] => alter(rest).reinstall(),
        ["downgrade" | "dg", rest @ ..] => alter(rest).downgrade(),
        ["list" | "ls", rest @ ..] => look::list(cx, work, &flags, rest),
        ["info", rest @ ..] => look::info(cx, work, &flags, rest),
        ["search" | "se", rest @ ..] => look::search(cx, work, rest),
        ["provides" | "whatprovides", rest @ ..] => look::provides(cx, work, rest),
        ["repoquery" | "rq", rest @ ..] => look::repoquery(cx, work, &flags, rest),
        ["repolist", ..] | ["repo", "list", ..] => look::repolist(cx, work),
        ["makecache" | "check-update", ..] => look::makecache(cx, work),
        // What is kept is keyed by its content and never stale.
        ["clean", ..] => Ok(Status::OK),
        [other, ..] => Err(Failure::command_line(format!(
            "the embedded package manager has no command `{other}`"
        ))
        .hint(format!(
            "it has {VERBS}; for others, `--install dnf` and run it with `--shell`"
        ))),
    }
}

/// Takes the options out of the words.
fn flags(all: &[String]) -> Result<(Flags, Vec<String>), Failure> {
    let mut flags = Flags::default();
    let mut words = Vec::new();
    let mut rest = all.iter();
    while let Some(word) = rest.next() {
        if !word.starts_with('-') || word == "-" {
            words.push(word.clone());
            continue;
        }
        let (name, glued) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (word.as_str(), None),
        };
        let mut value = || {
            glued
                .clone()
                .or_else(|| rest.next().cloned())
                .ok_or_else(|| {
                    Failure::command_line(format!(
                        "option `{name}` of the package manager needs a value"
                    ))
                })
        };
        match name {
            // Nobody is asked here anyway.
            "-y" | "--assumeyes" | "-q" | "--quiet" | "-v" | "--verbose" | "--refresh"
            | "--allowerasing" => {}
            "--noautoremove" | "--no-autoremove" => flags.keep_unneeded = true,
            "--best" => flags.best = Some(true),
            "--nobest" => flags.best = Some(false),
            "-x" | "--exclude" | "--excludepkgs" => {
                flags
                    .excludes
                    .extend(value()?.split(',').map(str::to_owned));
            }
            "--setopt" => setopt(&mut flags, &value()?)?,
            "--installed" => flags.installed = true,
            "--available" => flags.available = true,
            "--all" => (flags.installed, flags.available) = (true, true),
            "--qf" | "--queryformat" => flags.query_format = Some(value()?),
            "--whatprovides" => flags.what_provides = Some(value()?),
            "--location" => flags.location = true,
            _ => {
                return Err(Failure::command_line(format!(
                    "the embedded package manager does not know the option `{word}`"
                ))
                .hint(
                    "it knows -y, -q, --best, --nobest, --exclude, --setopt=best|install_weak_deps, \
                     --installed, --available, --qf, --whatprovides, --location",
                ));
            }
        }
    }
    Ok((flags, words))
}

fn setopt(flags: &mut Flags, text: &str) -> Result<(), Failure> {
    let on = |value: &str| ["1", "true", "True", "yes", "on"].contains(&value);
    match text.split_once('=') {
        Some(("best", value)) => flags.best = Some(on(value)),
        Some(("install_weak_deps", value)) => flags.weak_deps = Some(on(value)),
        _ => {
            return Err(Failure::command_line(format!(
                "the embedded package manager takes --setopt for `best` and `install_weak_deps`, not `{text}`"
            ))
            .hint("write it into the configuration's dnf.conf"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(words: &[&str]) -> Result<(Flags, Vec<String>), Failure> {
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        flags(&words)
    }

    #[test]
    fn options_stand_anywhere() {
        let (flags, words) = read(&[
            "-y",
            "install",
            "--setopt=install_weak_deps=0",
            "a",
            "-x",
            "b,c",
            "--nobest",
        ])
        .unwrap();
        assert_eq!(words, ["install", "a"]);
        assert_eq!(flags.weak_deps, Some(false));
        assert_eq!(flags.best, Some(false));
        assert_eq!(flags.excludes, ["b", "c"]);
    }

    #[test]
    fn what_is_not_known_is_named() {
        let failure = read(&["install", "--downloadonly", "a"]).unwrap_err();
        assert!(failure.message.contains("`--downloadonly`"), "{failure}");
        assert_eq!(failure.code, 5);
        assert!(read(&["repoquery", "--qf"]).is_err());
        assert!(read(&["install", "--setopt=x=1"]).is_err());
    }
}
