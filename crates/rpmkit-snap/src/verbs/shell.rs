//! `rpmkit snap shell`

use std::path::Path;

use clap::Args;
use clap_complete::ArgValueCompleter;
use rpmkit_cli::{Failure, Status, VerbResult, setup::sandbox_failure};
use rpmkit_core::{Error, chroot::Session, store::VOLUMES};
use rpmkit_sandbox::{Command, Container, ContainerSpec, Mount, Network, Stream};

use super::SnapContext;
use crate::ask;

/// Look around in a snapshot: a shell on a throw-away copy of it
///
/// Whatever is done there is gone afterwards. Several may be open at once, beside anything else.
#[derive(Debug, Args)]
pub(crate) struct ShellArgs {
    /// Snapshot; asked for when left out
    #[arg(add = ArgValueCompleter::new(crate::complete::snapshots))]
    name: Option<String>,
    /// Let it use the network
    #[arg(long)]
    enable_network: bool,
    /// Command to run instead of a shell
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

pub(crate) fn run(request: &SnapContext<'_>, args: &ShellArgs) -> VerbResult {
    let name = ask::choose(request, args.name.as_deref(), "Look around in")?;
    let layer = request.opened.chroot.layer(&name).map_err(Error::from)?;
    let Some(layer) = layer else {
        return Err(Failure::usage(format!(
            "snapshot `{name}` is the empty root"
        )));
    };
    let chroot = &request.opened.chroot;
    let session = chroot.throwaway(Some(&layer)).map_err(Error::from)?;
    let container = start(request, &session, args.enable_network)?;
    let words: Vec<String> = match args.command.as_slice() {
        [] => ["/bin/sh", "-i", "-l"].map(str::to_owned).to_vec(),
        words => words.to_vec(),
    };
    let term = request.host.var("TERM").unwrap_or("dumb");
    let command = Command::new(words)
        .env("HOME", "/builddir")
        .env("TERM", term)
        .env("LANG", "C.UTF-8")
        .env(
            "PS1",
            format!("<rpmkit {}:{name}> \\w \\$ ", chroot.label()),
        );
    let exit = container.run_interactive(&command);
    let exit = exit.map_err(|e| sandbox_failure(&e))?;
    container.stop().map_err(|e| sandbox_failure(&e))?;
    session.close().map_err(Error::from)?;
    let code = u8::try_from(exit.shell_code()).unwrap_or(1);
    Ok(Status(code))
}

/// A container on a session's root, with the directories that are kept off the overlay.
pub(crate) fn start(
    request: &SnapContext<'_>,
    session: &Session,
    network: bool,
) -> Result<Container, Failure> {
    let spec = spec(request, session, network, Path::new("/builddir"));
    Container::start_with(&spec, &session.lock_fds(), None).map_err(|e| sandbox_failure(&e))
}

/// A container nothing runs in, whose root is seen from outside.
pub(crate) fn start_visible(
    request: &SnapContext<'_>,
    session: &Session,
    home: &Path,
) -> Result<Container, Failure> {
    let mut spec = spec(request, session, false, home);
    spec.visible = true;
    Container::start_with(&spec, &session.lock_fds(), None).map_err(|e| sandbox_failure(&e))
}

fn spec(request: &SnapContext<'_>, session: &Session, network: bool, home: &Path) -> ContainerSpec {
    let mode = request.opened.survey.mode.clone();
    let mut spec = ContainerSpec::new(mode, session.root().into());
    for (name, place, _) in VOLUMES {
        let place = if name == "builddir" {
            home
        } else {
            Path::new(place)
        };
        spec.mounts.push(Mount::bind(session.volume(name), place));
    }
    if network {
        spec.network = Network::Host;
        spec.mounts.push(Mount::Bind {
            source: "/etc/resolv.conf".into(),
            target: "/etc/resolv.conf".into(),
            read_only: true,
            optional: true,
        });
    }
    spec
}

/// What a command in a session's root writes.
pub(crate) fn output(
    request: &SnapContext<'_>,
    session: &Session,
    words: &[&str],
) -> Result<String, Failure> {
    let container = start(request, session, false)?;
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let exit = container
        .run(
            &Command::new(words.iter().copied()),
            |stream, data| match stream {
                Stream::Stdout => out.extend_from_slice(data),
                Stream::Stderr => err.extend_from_slice(data),
            },
        )
        .map_err(|e| sandbox_failure(&e))?;
    container.stop().map_err(|e| sandbox_failure(&e))?;
    if !exit.success() {
        return Err(Failure::general(format!(
            "`{}` failed in the snapshot: {}",
            words.join(" "),
            String::from_utf8_lossy(&err).trim()
        )));
    }
    Ok(String::from_utf8_lossy(&out).into_owned())
}
