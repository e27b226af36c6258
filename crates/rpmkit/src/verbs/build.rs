//! `rpmkit build`: checkout → SRPM → RPMs.

use std::path::PathBuf;

use clap::Args;
use rpmkit_cli::{
    Context, Failure, Outcome,
    args::{BuildOptions, ChrootArgs, OutputArgs, SourceArgs},
};

/// Build packages from a checkout, a spec or a source package
///
/// Makes the source package in the chroot from what the checkout has, installs what it needs, runs
/// rpmbuild, and leaves packages and logs in the result directory.
#[derive(Debug, Clone, Args)]
pub struct BuildArgs {
    /// Checkouts, specs or source packages to build [default: the directory one is in]
    #[arg(value_name = "PATH", value_hint = clap::ValueHint::AnyPath)]
    pub paths: Vec<PathBuf>,

    /// Directory for packages and logs [default: results/CHROOT/NAME-VERSION-RELEASE beside the spec]
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub resultdir: Option<PathBuf>,

    /// Which chroot
    #[command(flatten)]
    pub chroot: ChrootArgs,

    /// What the sources are
    #[command(flatten)]
    pub sources: SourceArgs,

    /// What rpmbuild is told
    #[command(flatten)]
    pub options: BuildOptions,

    /// How to speak
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Builds.
pub fn run(cx: &mut Context, args: BuildArgs) -> Outcome {
    let _events = cx.listen(&args.output);
    Err(Failure::general("the engine is not connected yet"))
}
