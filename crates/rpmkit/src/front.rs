//! From arguments to the verb they name.

use std::ffi::OsString;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use rpmkit_cli::{Context, Verb, VerbResult, frame};

use crate::{chain::worker, external, generate, verbs};

/// The suite's verbs that are programs too. `rpmkit NAME` runs them in this process.
pub const SUITE: &[&Verb] = &[
    &rpmkit_srpm::VERB,
    &rpmkit_mock::VERB,
    &rpmkit_mock::HERMETIC_REPO,
    &rpmkit_scm::VERB,
    &rpmkit_snap::VERB,
];

/// From a git checkout to RPMs in a clean chroot, without root, on any Linux host
///
/// Any program called `rpmkit-VERB` next to this one or on PATH is a verb too.
#[derive(Debug, Parser)]
#[command(
    name = "rpmkit",
    version,
    arg_required_else_help = true,
    max_term_width = 100
)]
struct Cli {
    #[command(subcommand)]
    verb: Own,
}

/// Verbs that only the front door has.
#[derive(Debug, Subcommand)]
enum Own {
    Build(Box<verbs::build::BuildArgs>),
    Cache(verbs::cache::CacheArgs),
    Chain(Box<verbs::chain::ChainArgs>),
    Config(verbs::config::ConfigArgs),
    Diff(verbs::diff::BuildDiffArgs),
    Doctor(verbs::doctor::DoctorArgs),
    Hint(verbs::hint::HintArgs),
    History(verbs::history::HistoryArgs),
    Log(verbs::log::LogArgs),
    New(Box<verbs::new::NewArgs>),
    Repo(verbs::repo::RepoArgs),
    Shell(verbs::shell::BuildShellArgs),
    Why(verbs::why::WhyArgs),
    Completions(verbs::completions::CompletionsArgs),
    /// Somebody's `rpmkit-VERB`.
    #[command(external_subcommand)]
    External(Vec<OsString>),
}

/// The whole command line, for help, completions and man pages. The same on every machine.
pub fn command() -> clap::Command {
    SUITE.iter().fold(Cli::command(), |command, verb| {
        command.subcommand((verb.command)().name(verb.name))
    })
}

/// Runs what the arguments say.
pub fn run(cx: &mut Context) -> VerbResult {
    let args = cx.host.args.clone();
    if let Some(first) = args.get(1).and_then(|a| a.to_str()) {
        if let Some(verb) = SUITE.iter().find(|verb| verb.name == first) {
            let own = std::iter::once(OsString::from(format!("rpmkit {first}")));
            let rest = own.chain(args.into_iter().skip(2)).collect();
            return (verb.run)(cx, rest);
        }
        if first == generate::HIDDEN {
            return generate::run(&args[2..]);
        }
        if first == worker::HIDDEN {
            return worker::run(cx, args[1..].to_vec());
        }
    }
    let mut command = command();
    let others = external::installed(cx);
    if !others.is_empty() {
        command = command.after_help(format!("Also installed: {}", others.join(", ")));
    }
    let parsed = command
        .try_get_matches_from(args)
        .and_then(|matches| Cli::from_arg_matches(&matches));
    match parsed {
        Err(error) => frame::usage(cx, &error),
        Ok(Cli { verb }) => match verb {
            Own::Build(args) => verbs::build::run(cx, *args),
            Own::Cache(args) => verbs::cache::run(cx, &args),
            Own::Chain(args) => verbs::chain::run(cx, &args),
            Own::Config(args) => verbs::config::run(cx, &args),
            Own::Diff(args) => verbs::diff::run(cx, &args),
            Own::Doctor(args) => verbs::doctor::run(cx, &args),
            Own::Hint(args) => verbs::hint::run(cx, &args),
            Own::History(args) => verbs::history::run(cx, &args),
            Own::Log(args) => verbs::log::run(cx, &args),
            Own::New(args) => verbs::new::run(cx, &args),
            Own::Repo(args) => verbs::repo::run(cx, &args),
            Own::Shell(args) => verbs::shell::run(cx, &args),
            Own::Why(args) => verbs::why::run(cx, &args),
            Own::Completions(args) => verbs::completions::run(cx, &args),
            Own::External(words) => external::run(cx, &words),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definitions_hold_together() {
        command().debug_assert();
    }

    #[test]
    fn every_verb_says_what_it_does() {
        for verb in command().get_subcommands() {
            assert!(verb.get_about().is_some(), "{}", verb.get_name());
        }
    }
}
