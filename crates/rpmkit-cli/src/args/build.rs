//! What rpmbuild is told.

use clap::Args;

/// Options on macros and on the build itself.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Build")]
pub struct BuildOptions {
    /// Define an RPM macro; may be repeated
    #[arg(short = 'D', long, value_name = "MACRO EXPR")]
    pub define: Vec<String>,

    /// Enable a build condition (`%bcond`); may be repeated
    #[arg(long, value_name = "CONDITION")]
    pub with: Vec<String>,

    /// Disable a build condition; may be repeated
    #[arg(long, value_name = "CONDITION")]
    pub without: Vec<String>,

    /// Do not run `%check`
    #[arg(long)]
    pub nocheck: bool,

    /// Build in the chroot as the last run left it
    #[arg(long)]
    pub no_clean: bool,

    /// Keep the chroot after the build, to look into it
    #[arg(long)]
    pub no_cleanup_after: bool,

    /// Give the build a network
    #[arg(long)]
    pub enable_network: bool,

    /// Stop rpmbuild after this many seconds; 0 is never
    #[arg(long, visible_alias = "rpmbuild_timeout", value_name = "SECONDS")]
    pub rpmbuild_timeout: Option<u64>,

    /// Architecture rpmbuild builds for, as its `--target`
    #[arg(long, value_name = "ARCH")]
    pub target: Option<String>,

    /// Build for an architecture this machine cannot run, through qemu-user
    #[arg(long, value_name = "ARCH")]
    pub forcearch: Option<String>,
}
