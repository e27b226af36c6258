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
    #[arg(long, value_name = "REV", num_args = 0..=1, default_missing_value = "HEAD", group = "tree")]
    pub commit: Option<String>,

    /// Build what a tag has
    #[arg(long, value_name = "TAG", group = "tree")]
    pub tag: Option<String>,

    /// Directory to look for sources in first
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub sources: Option<PathBuf>,

    /// Put what symbolic links point to into the archive made of the tree, not the links
    #[arg(long)]
    pub symlink_dereference: bool,

    /// Add `^DATEgitCOMMIT` to the version, unless the commit is tagged
    #[arg(long)]
    pub snapshot: bool,

    /// Download sources the spec has URLs for and nobody has yet; their digests are remembered
    #[arg(long)]
    pub get_sources: bool,

    /// Run this host's cargo or go, outside of the chroot, where the spec names a `-vendor.tar.` archive
    /// nobody has; for projects you trust [default: those of the target's repositories, in the chroot]
    #[arg(long)]
    pub vendor_with_host: bool,

    /// Lookaside cache of a dist-git, with {name}, {file}, {hashtype} and {hash} in it
    #[arg(long, value_name = "URL")]
    pub lookaside: Option<String>,

    /// Convention to follow, in place of the first found
    #[arg(long, value_name = "CONVENTION", value_parser = ["rpkg", "packit", "copr", "tito", "dist-git", "plain"])]
    pub follow: Option<String>,
}
