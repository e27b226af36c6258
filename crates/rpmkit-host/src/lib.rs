//! Programs of the host: the one way in which they are started.
//!
//! rpmkit needs few of them: git and its helpers, svn, cvs and ssh to reach repositories, `newuidmap`,
//! and what the user's own configuration names (`sign`, `compress_logs`, get commands). Each stands on
//! the side of the user, while the words it is given, and the trees it looks at, come from strangers.
//! So a program is started through [`HostCommand`] only, and:
//!
//! - it gets words, never text for a shell; only a line the user wrote ([`HostCommand::line`]) is read by
//!   one, and names from outside reach it as parameters;
//! - it is looked for in the absolute directories of the caller's `PATH`, never in the working directory;
//! - it gets the variables its kind needs ([`Tool`]) and no others;
//! - it runs in `/` unless a directory is given, so that it finds no settings in a stranger's tree;
//! - a word from outside ([`HostCommand::operand`]) is refused where it would be taken for an option.

mod command;
mod environment;
mod error;
mod git;
mod output;

pub use command::HostCommand;
pub use environment::{Environment, Tool};
pub use error::HostError;
pub use output::{HostStream, ProgramEnd, shell_status};
