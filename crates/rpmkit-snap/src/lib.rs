//! `rpmkit snap`: snapshots and layers for people, and the functions behind mock's options.

mod ask;
pub mod complete;
mod keep;
pub mod mock;
mod open;
mod text;
mod verbs;

use std::ffi::OsString;

use clap::{CommandFactory, Parser, Subcommand};
use rpmkit_cli::{
    Context, Face, Verb, VerbResult,
    args::{ChrootArgs, OutputArgs},
};

pub use open::{Opened, open_store};

/// `rpmkit snap`, `rpmkit-snap`.
pub static VERB: Verb = Verb {
    name: "snap",
    face: Face::People,
    command: Cli::command,
    run,
};

/// Keep, compare and go back to states of a chroot
///
/// A snapshot is a name for a state of the chroot. Making one and going back to it take milliseconds
/// whatever the size of the chroot, and share everything that has not changed.
#[derive(Debug, Parser)]
#[command(name = "rpmkit-snap", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    verb: SnapVerb,
    #[command(flatten)]
    common: Common,
}

/// What all of them take.
#[derive(Debug, clap::Args)]
struct Common {
    /// Do not ask; needed without a terminal for what cannot be undone
    #[arg(short, long, global = true)]
    yes: bool,
    #[command(flatten)]
    chroot: GlobalChroot,
    #[command(flatten)]
    output: GlobalOutput,
}

/// The part of the chroot options that means something here, in every place.
#[derive(Debug, clap::Args)]
struct GlobalChroot {
    /// Chroot whose snapshots are meant: a name, or the path of its configuration
    #[arg(short = 'r', long = "root", visible_alias = "chroot", value_name = "CHROOT", global = true,
          add = clap_complete::ArgValueCompleter::new(rpmkit_cli::complete::chroots))]
    root: Option<String>,
    /// Directory to look for configurations in first
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath, global = true)]
    configdir: Option<std::path::PathBuf>,
    /// The separate chroot of this extra name
    #[arg(long, value_name = "TEXT", global = true)]
    uniqueext: Option<String>,
}

#[derive(Debug, clap::Args)]
struct GlobalOutput {
    /// Say more
    #[arg(short, long, conflicts_with = "quiet", global = true)]
    verbose: bool,
    /// Say only warnings and errors
    #[arg(short, long, global = true)]
    quiet: bool,
    /// Write the result as JSON to standard output
    #[arg(long, global = true)]
    json: bool,
}

impl Common {
    fn chroot(&self) -> ChrootArgs {
        ChrootArgs {
            root: self.chroot.root.iter().cloned().collect(),
            configdir: self.chroot.configdir.clone(),
            uniqueext: self.chroot.uniqueext.clone(),
            ..ChrootArgs::default()
        }
    }

    fn output(&self) -> OutputArgs {
        OutputArgs {
            verbose: self.output.verbose,
            quiet: self.output.quiet,
            json: self.output.json,
            ..OutputArgs::default()
        }
    }
}

#[derive(Debug, Subcommand)]
enum SnapVerb {
    #[command(visible_alias = "ls")]
    List(verbs::list::ListArgs),
    Create(verbs::create::CreateArgs),
    Rollback(verbs::rollback::RollbackArgs),
    #[command(visible_alias = "rm")]
    Remove(verbs::remove::RemoveArgs),
    Rename(verbs::rename::RenameArgs),
    Clean(verbs::clean::CleanArgs),
    Diff(verbs::diff::DiffArgs),
    Shell(verbs::shell::ShellArgs),
    Export(verbs::export::ExportArgs),
    Import(verbs::import::ImportArgs),
    Gc(verbs::gc::GcArgs),
    Scrub(verbs::scrub::ScrubArgs),
    Du(verbs::du::DuArgs),
    #[command(hide = true)]
    Keep(keep::KeepArgs),
}

fn run(cx: &mut Context, args: Vec<OsString>) -> VerbResult {
    let Cli { verb, common } = match rpmkit_cli::parse::<Cli>(cx, args) {
        Ok(cli) => cli,
        Err(ended) => return ended,
    };
    let mut output = common.output();
    // A listing's JSON is one value, not a stream of events.
    let json = output.json;
    output.json = false;
    let events = cx.listen(&output);
    let direct = match &verb {
        SnapVerb::Keep(args) => Some(args.layers.as_path()),
        _ => None,
    };
    let opened = Opened::new(cx, &common.chroot(), events, direct)?;
    let request = verbs::SnapContext {
        opened: &opened,
        printer: cx.printer.clone(),
        host: &cx.host,
        json,
        yes: common.yes,
    };
    let outcome = match verb {
        SnapVerb::List(args) => verbs::list::run(&request, &args),
        SnapVerb::Create(args) => verbs::create::run(&request, &args),
        SnapVerb::Rollback(args) => verbs::rollback::run(&request, &args),
        SnapVerb::Remove(args) => verbs::remove::run(&request, &args),
        SnapVerb::Rename(args) => verbs::rename::run(&request, &args),
        SnapVerb::Clean(_) => verbs::clean::run(&request),
        SnapVerb::Diff(args) => verbs::diff::run(&request, &args),
        SnapVerb::Shell(args) => verbs::shell::run(&request, &args),
        SnapVerb::Export(args) => verbs::export::run(&request, &args),
        SnapVerb::Import(args) => verbs::import::run(&request, &args),
        SnapVerb::Gc(args) => verbs::gc::run(&request, &args),
        SnapVerb::Scrub(_) => verbs::scrub::run(&request),
        SnapVerb::Du(_) => verbs::du::run(&request),
        SnapVerb::Keep(args) => keep::run(&request, &args),
    };
    opened.store.wait_for_background();
    cx.json = json;
    outcome
}
