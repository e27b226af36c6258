//! `rpmkit completions`: the script a shell loads.

use clap::Args;
use clap_complete::env::Shells;
use rpmkit_cli::{Context, Failure, Status, VerbResult};

use crate::front::SUITE;

/// Print the completion script for a shell
///
/// The script asks the program itself whenever TAB is pressed, so it offers the chroots and
/// snapshots there are at that moment, and never goes stale.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "For bash:\n  rpmkit completions bash > ~/.local/share/bash-completion/completions/rpmkit"
)]
pub struct CompletionsArgs {
    /// Shell to complete in
    #[arg(value_parser = clap::builder::PossibleValuesParser::new(["bash", "zsh", "fish", "elvish", "powershell"]))]
    pub shell: String,

    /// Complete the command `mock` as well
    #[arg(long)]
    pub mock: bool,
}

/// Prints it.
pub fn run(cx: &mut Context, args: &CompletionsArgs) -> VerbResult {
    let mut names = vec!["rpmkit".to_owned()];
    names.extend(SUITE.iter().map(|verb| format!("rpmkit-{}", verb.name)));
    if args.mock {
        names.push("mock".to_owned());
    }
    for name in names {
        cx.printer.raw(&script(&args.shell, &name)?);
    }
    Ok(Status::OK)
}

/// The script for one command in one shell.
pub fn script(shell: &str, name: &str) -> Result<Vec<u8>, Failure> {
    let shells = Shells::builtins();
    let completer = shells
        .completer(shell)
        .ok_or_else(|| Failure::command_line(format!("no completions for the shell `{shell}`")))?;
    let mut text = Vec::new();
    completer
        .write_registration("COMPLETE", name, name, name, &mut text)
        .map_err(|e| Failure::general(format!("cannot write the completions of `{name}`: {e}")))?;
    if shell == "zsh" {
        // zsh runs the file itself at the first TAB, as a function named after it; without this, that would
        // define what completes and complete nothing.
        let function = name.replace('-', "_");
        let first = format!(
            "\nif [[ ${{funcstack[1]}} == _{name} ]]; then\n    _clap_dynamic_completer_{function} \"$@\"\nfi\n"
        );
        text.extend(first.into_bytes());
    }
    Ok(text)
}
