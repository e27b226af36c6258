//! `rpmkit shell`: the chroot as a failed build left it.

use std::path::PathBuf;

use clap::Args;
use rpmkit_cli::{
    Context, Failure, Status, VerbResult,
    args::{BuildOptions, ChrootArgs, OutputArgs},
    setup,
};
use rpmkit_core::{
    Error,
    build::{Buildroot, ChrootAccess},
    config::SearchRules,
};
use rpmkit_sandbox::Command;

use crate::results;

/// Reads what rpm set for the section (everything in its script before it begins to trace), goes to where
/// the command that failed ran, and becomes a shell. `$1` is the script (where another
/// build of the package came in between, the newest is it), `$2` the directory, the rest a command.
const ENTER: &str = r#"
s=$1
[ -r "$s" ] || s=$(ls -t /var/tmp/rpm-tmp.* 2>/dev/null | head -n 1)
if [ -r "$s" ]; then eval "$(sed '/^[[:space:]]*set -x/,$d' "$s")"; fi
cd "$2" 2>/dev/null || cd "$HOME"
shift 2
if [ $# -gt 0 ]; then exec /bin/sh -c "$*"; fi
if [ -x /bin/bash ]; then exec /bin/bash -i; fi
exec /bin/sh -i
"#;

/// Open a shell in the chroot as a failed build left it
///
/// As the build user, in the directory the command that failed ran in, with the environment of the
/// section. What is changed there stays until the next build starts afresh.
#[derive(Debug, Clone, Args)]
pub struct BuildShellArgs {
    /// Result directory of the build, or the checkout [default: the latest build]
    #[arg(value_name = "BUILD", value_hint = clap::ValueHint::DirPath)]
    pub build: Option<PathBuf>,

    /// Which chroot
    #[command(flatten)]
    pub chroot: ChrootArgs,

    /// How to speak
    #[command(flatten)]
    pub output: OutputArgs,

    /// A command line to run instead of a shell
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<String>,
}

/// Runs it, and ends with its status.
pub fn run(cx: &mut Context, args: &BuildShellArgs) -> VerbResult {
    let events = cx.listen(&args.output);
    let dir = results::directory(cx, args.build.as_deref())?;
    let record = results::record(&dir)?;
    let name = args.chroot.root.first().unwrap_or(&record.chroot).clone();
    let configured = setup::configure(
        cx,
        &name,
        SearchRules::Rpmkit,
        args.chroot.configdir.as_deref(),
        &args.chroot.addrepo,
        setup::overrides(&args.chroot, &BuildOptions::default()),
    )?;
    let engine = setup::engine(cx, events, &configured.settings)?;
    let kept = record
        .failure
        .as_ref()
        .and_then(|failure| failure.kept.as_deref());
    let mut root = match kept {
        Some(kept) => Buildroot::open_kept(&engine, &configured.settings, kept),
        None => Buildroot::open(&engine, &configured.settings, ChrootAccess::Own),
    }
    .map_err(Error::from)?;
    if !root.home().join("build/BUILD").exists() {
        let _ = root.close();
        return Err(Failure::general(format!(
            "the chroot `{name}` is not as the build in `{}` left it: another run has started afresh since",
            dir.display()
        ))
        .hint("build again; what a failed build leaves stays until the next one"));
    }
    let failure = record.failure.as_ref();
    let script = failure
        .and_then(|failure| failure.script.clone())
        .unwrap_or_default();
    let directory = failure
        .and_then(|failure| failure.directory.clone())
        .unwrap_or_else(|| root.topdir().as_path().join("BUILD"));
    let mut argv: Vec<String> = ["/bin/sh", "-c", ENTER, "rpmkit-shell"]
        .map(str::to_owned)
        .to_vec();
    argv.push(script.display().to_string());
    argv.push(directory.display().to_string());
    argv.extend(args.command.iter().cloned());
    let plan = root.command(argv, root.build_user());
    let mut command = Command::new(plan.argv)
        .cwd(root.topdir().as_path())
        .user(plan.user);
    command.env = plan
        .env
        .into_iter()
        .map(|(k, v)| (k.into(), v.into()))
        .collect();
    command.read_only_root = plan.read_only_root;
    if let Some(term) = cx.host.var("TERM") {
        command = command.env("TERM", term);
    }
    let exit = root.start().map_err(Error::from).and_then(|container| {
        container
            .run_interactive(&command)
            .map_err(|e| Error::from(rpmkit_core::build::BuildError::from(e)))
    });
    let closed = root.close();
    let exit = exit?;
    closed.map_err(Error::from)?;
    Ok(Status(u8::try_from(exit.shell_code()).unwrap_or(1)))
}
