//! mock's command line: one table, read by our own parser with mock's tolerance, and turned into a
//! clap command for help, completions and the man page.
//!
//! clap itself cannot parse it: modes may be repeated and the last one wins, unknown options are
//! words, options are taken from behind the command they seem to belong to, and long options may be
//! abbreviated, all as Python's argparse does with `parse_known_args`.

mod clapped;
mod options;
mod parse;
mod table;

pub use self::{
    clapped::command,
    options::{Options, PackageManager, RepoSwitch, ScrubTarget, ShortCircuit},
    parse::{Ending, Parsed, parse},
    table::{ENTRIES, Entry, FlagKind},
};
