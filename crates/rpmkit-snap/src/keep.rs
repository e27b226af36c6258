//! mock's `--mount`: a root that stays mounted after the command has ended.
//!
//! A mount in a namespace lives as long as a process in it, so a keeper process stays behind: the one
//! thing that may survive a command of ours, because it was asked for. It holds the chroot's use
//! lock, so everything else is refused until `--umount` ends it. The root is seen from outside at
//! `/proc/PID/root`, to which a link at the chroot's usual place leads. Real root needs no keeper: its
//! mount stays by itself.

use std::{
    ffi::OsStr,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use clap::Args;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use rpmkit_cli::{Failure, Host, Status, VerbResult};
use rpmkit_core::{
    Error,
    chroot::{Chroot, ChrootError, RootPlace},
    store::Mapping,
};
use rpmkit_host::{HostCommand, Tool};

use crate::verbs::{SnapContext, shell};

/// The keeper's sub-command.
const KEEPER: &str = "keep";

/// The keeper process of `mock --mount`
#[derive(Debug, Args)]
pub(crate) struct KeepArgs {
    /// Present the root here by a link
    #[arg(long)]
    at: PathBuf,
    /// The build user's home inside
    #[arg(long)]
    builddir: PathBuf,
    /// Home of the layers
    #[arg(long)]
    pub(crate) layers: PathBuf,
}

/// `--mount`: mounts the chroot's root at a place and leaves it mounted.
pub fn mount(host: &Host, chroot: &Chroot, place: RootPlace<'_>) -> Result<(), Failure> {
    if chroot.store().format().mapping == Mapping::Root {
        return Ok(chroot.mount(place).map_err(Error::from)?);
    }
    if let Some(at) = chroot.mounted_at().map_err(Error::from)? {
        let chroot = chroot.label();
        return Err(Error::from(ChrootError::Mounted { chroot, at }).into());
    }
    let program = keeper_program(host)?;
    let home = chroot.store().dir().parent().unwrap_or(Path::new("/"));
    let snap = (program.file_name() == Some("rpmkit".as_ref())).then_some("snap");
    let ext = (!chroot.ext().is_empty()).then_some(["--uniqueext", chroot.ext()]);
    let path = program.to_string_lossy();
    let command = HostCommand::new(Tool::Users, &path, &host.environment())
        .map_err(|error| Failure::general(error.to_string()))?
        .args(snap)
        .args([KEEPER, "--root", chroot.name().as_str()])
        .args(ext.into_iter().flatten())
        .args([OsStr::new("--at"), place.at.as_os_str()])
        .args([OsStr::new("--builddir"), place.home.as_os_str()])
        .args([OsStr::new("--layers"), home.as_os_str()]);
    use std::os::unix::process::CommandExt;
    let mut command = command.to_std();
    command.process_group(0);
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
    if line.trim() == "mounted" {
        return Ok(());
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

/// The program that has [`KEEPER`]: beside this one.
fn keeper_program(host: &Host) -> Result<PathBuf, Failure> {
    let dir = host.exe.parent().unwrap_or(Path::new("/"));
    ["rpmkit-snap", "rpmkit"]
        .iter()
        .map(|name| dir.join(name))
        .find(|path| path.is_file())
        .ok_or_else(|| {
            Failure::general(format!(
                "neither `rpmkit-snap` nor `rpmkit` is in `{}`, and one of them must keep the mount",
                dir.display()
            ))
        })
}

/// `--umount`: ends what `--mount` left. Nothing mounted is fine, as in mock.
pub fn umount(chroot: &Chroot) -> VerbResult {
    if chroot.unmount().map_err(Error::from)? || chroot.mounted_at().map_err(Error::from)?.is_none()
    {
        return Ok(Status::OK);
    }
    let keeper = chroot.in_use_by().map_err(Error::from)?.flatten();
    let Some(keeper) = keeper else {
        return Ok(Status::OK);
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
pub(crate) fn run(request: &SnapContext<'_>, args: &KeepArgs) -> VerbResult {
    let mut session = request.opened.chroot.open().map_err(Error::from)?;
    session.mark_dirty().map_err(Error::from)?;
    let container = shell::start_visible(request, &session, &args.builddir)?;
    let pid = container
        .monitor_pid()
        .ok_or_else(|| Failure::general("the container's monitor is not to be found"))?;
    let path = PathBuf::from(format!("/proc/{pid}/root"));
    let place = RootPlace {
        at: &args.at,
        home: &args.builddir,
    };
    let chroot = &request.opened.chroot;
    chroot.keep(&session, place, &path).map_err(Error::from)?;
    // A signal kills the container at once (see `rpmkit_cli::signals`); what is left to us is to take
    // the link away and to write down that the chroot is closed.
    let (tell, told) = std::sync::mpsc::channel();
    rpmkit_cli::signals::on_stop(move || {
        let _ = tell.send(());
    });
    request.printer.data("mounted");
    let _ = told.recv();
    let _ = std::fs::remove_file(&args.at);
    // It may be gone already, which is what we want.
    let _ = container.stop();
    session.close().map_err(Error::from)?;
    Ok(Status::OK)
}
