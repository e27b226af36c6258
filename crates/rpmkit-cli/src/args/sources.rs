//! What a checkout's sources are.

use std::path::PathBuf;

use clap::Args;

/// Options on making a source package from a checkout.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Sources")]
pub struct SourceArgs {
    /// Spec to use, when a checkout has several
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub spec: Option<PathBuf>,

    /// Build the working tree with its uncommitted changes (the default)
    #[arg(long, group = "tree")]
    pub dirty: bool,

    /// Build what a commit has; without a value, HEAD
    #[arg(long, value_name = "REV", num_args = 0..=1, default_missing_value = "HEAD", require_equals = true, group = "tree")]
    pub commit: Option<String>,

    /// Build what a tag has
    #[arg(long, value_name = "TAG", group = "tree")]
    pub tag: Option<String>,
}
