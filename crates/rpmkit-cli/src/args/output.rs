//! How a verb speaks.

use clap::{Args, ValueEnum};

use crate::printer::Verbosity;

/// Options on output.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// Say more: debug messages and phases as they start
    #[arg(short, long, conflicts_with = "quiet")]
    pub verbose: bool,

    /// Say only warnings and errors
    #[arg(short, long)]
    pub quiet: bool,

    /// Show the output of commands as it comes
    #[arg(long)]
    pub live: bool,

    /// Write JSON to standard output: a line an event, the last one with the result
    #[arg(long)]
    pub json: bool,

    /// Like `--json`, under the name cargo gave it
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub message_format: MessageFormat,
}

/// What events are written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum MessageFormat {
    /// For people, on standard error.
    #[default]
    Human,
    /// JSON lines on standard output.
    Json,
}

impl OutputArgs {
    /// How much to say.
    pub fn verbosity(&self) -> Verbosity {
        match (self.quiet, self.verbose) {
            (true, _) => Verbosity::Quiet,
            (_, true) => Verbosity::Verbose,
            _ => Verbosity::Normal,
        }
    }

    /// Whether events are JSON lines.
    pub fn is_json(&self) -> bool {
        self.json || self.message_format == MessageFormat::Json
    }
}
