//! mock's `--mount`: a root that stays mounted after the command has ended.
//!
//! A mount in a namespace lives as long as a process in it, so a keeper process stays behind: the one
//! thing that may survive a command of ours, because it was asked for. It holds the chroot's use
//! lock, so everything else is refused until `--umount` ends it. The root is seen from outside at
//! `/proc/PID/root`, of which `mounted` in the chroot's directory reminds.

use std::{
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Command as Process, Stdio},
    time::{Duration, Instant},
};

use clap::Args;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use rpmkit_cli::{Failure, Host, Outcome, Status};
use rpmkit_core::{
    Error,
    chroot::{Chroot, ChrootError},
};

use crate::verbs::{Request, shell};

/// How a keeper calls itself in its lock; also its sub-command.
const KEEPER: &str = "keep";

/// The keeper process of `mock --mount`
#[derive(Debug, Args)]
pub(crate) struct KeepArgs {
    /// Present the root here by a link
    #[arg(long)]
    link: Option<PathBuf>,
}

/// `--mount`: mounts the chroot's root and leaves it mounted. Gives the path under which it is seen;
/// if `link` is given, that becomes a symbolic link to it.
///
/// `program` is `rpmkit-snap` or whatever else has its verbs; `args` are put before the sub-command.
pub fn mount(
    host: &Host,
    chroot: &Chroot,
    program: &Path,
    args: &[String],
    link: Option<&Path>,
) -> Result<PathBuf, Failure> {
    let mut command = Process::new(program);
    command.args(args).arg(KEEPER);
    command.arg("--root").arg(chroot.name().as_str());
    if !chroot.ext().is_empty() {
        command.arg("--uniqueext").arg(chroot.ext());
    }
    if let Some(link) = link {
        command.arg("--link").arg(link);
    }
    use std::os::unix::process::CommandExt;
    command
        .env_clear()
        .envs(&host.env)
        .current_dir("/")
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let failed = |e: std::io::Error| {
        Failure::general(format!(
            "cannot start the keeper `{}`: {e}",
            program.display()
        ))
    };
    let mut child = command.spawn().map_err(failed)?;
    let mut line = String::new();
    if let Some(out) = child.stdout.take() {
        BufReader::new(out).read_line(&mut line).map_err(failed)?;
    }
    if let Some(path) = line.trim().strip_prefix("mounted ") {
        return Ok(PathBuf::from(path));
    }
    let mut why = String::new();
    if let Some(mut err) = child.stderr.take() {
        let _ = err.read_to_string(&mut why);
    }
    let code = child.wait().ok().and_then(|s| s.code()).unwrap_or(1);
    let mut failure = Failure::general(why.trim().trim_start_matches("error: ").to_owned());
    failure.code = u8::try_from(code).unwrap_or(1).max(1);
    Err(failure)
}

/// `--umount`: ends what `--mount` left. Nothing mounted is fine, as in mock.
pub fn umount(chroot: &Chroot) -> Outcome {
    let Some(holder) = chroot.in_use_by().map_err(Error::from)? else {
        return Ok(Status::OK);
    };
    let keeper = holder.filter(|h| h.command.split(' ').any(|word| word == KEEPER));
    let Some(keeper) = keeper else {
        let chroot = chroot.label();
        let holder = None;
        return Err(Error::from(ChrootError::SnapshotBusy { chroot, holder }).into());
    };
    let pid = Pid::from_raw(i32::try_from(keeper.pid).unwrap_or(0));
    if pid.as_raw() > 1 {
        // Gone in this moment is as good.
        let _ = kill(pid, Signal::SIGTERM);
    }
    let until = Instant::now() + Duration::from_secs(10);
    while chroot.in_use_by().map_err(Error::from)?.is_some() {
        if Instant::now() > until {
            return Err(Failure::general(format!(
                "`{}` is still mounted by {keeper}",
                chroot.label()
            )));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(Status::OK)
}

/// The keeper itself.
pub(crate) fn run(request: &Request<'_>, args: &KeepArgs) -> Outcome {
    let fail = |what: &str, e: &dyn std::fmt::Display| Failure::general(format!("{what}: {e}"));
    let mut session = request.opened.chroot.open().map_err(Error::from)?;
    session.mark_dirty().map_err(Error::from)?;
    let container = shell::start(request, &session, false)?;
    let pid = container
        .monitor_pid()
        .and_then(first_child)
        .ok_or_else(|| Failure::general("the container's first process is not to be found"))?;
    let path = PathBuf::from(format!("/proc/{pid}/root"));
    if let Some(link) = &args.link {
        let _ = std::fs::remove_file(link);
        std::os::unix::fs::symlink(&path, link).map_err(|e| fail("cannot link the root", &e))?;
    }
    // A signal kills the container at once (see `rpmkit_cli::signals`); what is left to us is to take
    // the link away and to write down that the chroot is closed.
    let (tell, told) = std::sync::mpsc::channel();
    rpmkit_cli::signals::on_stop(move || {
        let _ = tell.send(());
    });
    request.printer.data(format!("mounted {}", path.display()));
    let _ = told.recv();
    if let Some(link) = &args.link {
        let _ = std::fs::remove_file(link);
    }
    // It may be gone already, which is what we want.
    let _ = container.stop();
    session.close().map_err(Error::from)?;
    Ok(Status::OK)
}

/// The container's pid 1, as this pid namespace numbers it.
fn first_child(monitor: u32) -> Option<u32> {
    let text = std::fs::read_to_string(format!("/proc/{monitor}/task/{monitor}/children")).ok()?;
    text.split_whitespace().next()?.parse().ok()
}
