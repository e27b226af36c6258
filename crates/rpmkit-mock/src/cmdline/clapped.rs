//! The table as a clap command, for help, completions and the man page; never for parsing.

use clap::{Arg, ArgAction, Command, ValueHint, builder::PossibleValuesParser};
use std::ffi::OsStr;

use clap_complete::{
    ArgValueCompleter, CompletionCandidate, PathCompleter, engine::ValueCompleter,
};
use rpmkit_cli::{Host, complete};

use super::table::{ENTRIES, Entry, FlagKind};

/// mock's command line, under the name `rpmkit-mock`.
pub fn command() -> Command {
    let words = Arg::new("words")
        .value_name("WORD")
        .num_args(0..)
        .add(ArgValueCompleter::new(complete_words))
        .help("Source packages, packages, files or a command, as the mode takes them");
    ENTRIES
        .iter()
        .map(arg)
        .fold(Command::new("rpmkit-mock"), Command::arg)
        .about("Build packages in a clean chroot, with mock's whole command line")
        .long_about(
            "Build packages in a clean chroot, with mock's whole command line.\n\n\
             One mode is run, the last one named; without one, source packages are rebuilt. Options \
             may stand anywhere, long ones may be abbreviated, and unknown ones are words. Called by \
             the name `mock` the program keeps mock's directories too.",
        )
        .arg(words)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .args_override_self(true)
        .version(env!("CARGO_PKG_VERSION"))
        .max_term_width(100)
}

/// Snapshots for the modes that take one, files for all others.
fn complete_words(current: &OsStr) -> Vec<CompletionCandidate> {
    let of_snapshots = Host::read().is_ok_and(|host| {
        let mut args = host.args.iter().filter_map(|arg| arg.to_str());
        args.any(|arg| ["--rollback-to", "--remove-snapshot"].contains(&arg))
    });
    if of_snapshots {
        rpmkit_snap::complete::snapshots(current)
    } else {
        PathCompleter::any().complete(current)
    }
}

fn arg(entry: &Entry) -> Arg {
    // The table has at most one short and one long spelling each.
    let long = entry.names.iter().find_map(|n| n.strip_prefix("--"));
    let short = entry
        .names
        .iter()
        .filter(|n| !n.starts_with("--"))
        .find_map(|n| n.chars().nth(1));
    let id = long.unwrap_or("short");
    let mut arg = Arg::new(id).help(entry.help);
    if let Some(long) = long {
        arg = arg.long(long);
    }
    if let Some(short) = short {
        arg = arg.short(short);
    }
    let arg = match &entry.kind {
        FlagKind::Help => arg.action(ArgAction::Help).help_heading("Options"),
        FlagKind::Version => arg.action(ArgAction::Version).help_heading("Options"),
        FlagKind::Mode(_) => arg.action(ArgAction::SetTrue).help_heading("Modes"),
        FlagKind::Flag(_) => arg.action(ArgAction::SetTrue).help_heading("Options"),
        FlagKind::Value(name, _) | FlagKind::Int(name, _) => arg
            .action(ArgAction::Append)
            .value_name(*name)
            .value_hint(hint(name))
            .help_heading("Options"),
        FlagKind::Choice(name, choices, _) => arg
            .action(ArgAction::Append)
            .value_name(*name)
            .value_parser(PossibleValuesParser::new(*choices))
            .help_heading(if id == "scrub" { "Modes" } else { "Options" }),
        FlagKind::Pair(names, _) => arg
            .action(ArgAction::Append)
            .num_args(2)
            .value_names(*names)
            .value_hint(ValueHint::AnyPath)
            .help_heading("Options"),
    };
    match id {
        "root" => arg.add(ArgValueCompleter::new(complete::chroots)),
        "enable-plugin" | "disable-plugin" => {
            arg.value_parser(PossibleValuesParser::new(crate::request::PLUGINS))
        }
        "isolation" => arg.value_parser(PossibleValuesParser::new(["auto", "simple", "nspawn"])),
        _ => arg,
    }
}

fn hint(value_name: &str) -> ValueHint {
    match value_name {
        "DIR" => ValueHint::DirPath,
        "FILE" | "IMAGE" => ValueHint::FilePath,
        "PATH" => ValueHint::AnyPath,
        _ => ValueHint::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definitions_hold_together() {
        command().debug_assert();
    }
}
