//! Drives a container by hand: `sandbox [--single|--sub|--root] [--root-dir DIR] [--user UID] [--pty] [--net] [--repeat N] COMMAND…`.
//! `--overlay DIR` puts a volatile overlay with its changes in a fresh directory below DIR over the root.
//! Without a root directory the host's own `/` is shown read-only. `sandbox probe [STORE]` prints what the host allows.

use rpmkit_sandbox::{
    Command, Container, ContainerSpec, Filters, IdMode, IdRange, Mount, Network, Overlay,
    ProbeRequest, RootFs, RunAs, SandboxError, Stream,
};
use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

fn main() {
    rpmkit_sandbox::reexec(&[("remove", remove)]);
    match run() {
        Ok(code) => std::process::exit(code),
        Err(error) => {
            eprintln!("sandbox: {error}");
            let advice = error.advice();
            for line in advice.cause.iter().chain(&advice.remedies) {
                eprintln!("  {line}");
            }
            std::process::exit(125);
        }
    }
}

/// As root of the namespace: files of sub-ids and the kernel's own work directory are beyond the user outside.
fn remove(path: &[u8]) -> Result<Vec<u8>, String> {
    let path = Path::new(OsStr::from_bytes(path));
    std::fs::remove_dir_all(path)
        .map(|()| Vec::new())
        .map_err(|e| e.to_string())
}

struct Args {
    overlay: Option<PathBuf>,
    spec: ContainerSpec,
    command: Command,
    pty: bool,
    repeat: u32,
}

fn run() -> Result<i32, SandboxError> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.first().is_some_and(|arg| arg == "probe") {
        return probe(args.get(1));
    }
    let args = parse(args)?;
    let mut times = Vec::new();
    let mut code = 0;
    for _ in 0..args.repeat {
        let mut spec = args.spec.clone();
        let scratch = args
            .overlay
            .as_deref()
            .map(|dir| put_overlay(&mut spec, dir))
            .transpose()?;
        let start = Instant::now();
        let container = Container::start(&spec)?;
        let ready = start.elapsed();
        let exit = if args.pty {
            container.run_interactive(&args.command)?
        } else {
            container.run(&args.command, show)?
        };
        let ran = start.elapsed();
        container.stop()?;
        times.push((start.elapsed(), ready, ran));
        if let Some(scratch) = scratch {
            rpmkit_sandbox::call(&spec.mode, "remove", scratch.as_os_str().as_bytes())?;
        }
        code = exit.shell_code();
    }
    if args.repeat > 1 {
        times.sort();
        let (all, ready, ran) = times[times.len() / 2];
        eprintln!(
            "min {:?}; median {all:?}: ready {ready:?}, command done {ran:?}",
            times[0].0
        );
    }
    Ok(code)
}

/// A fresh upper and work directory over the root.
fn put_overlay(spec: &mut ContainerSpec, below: &Path) -> Result<PathBuf, SandboxError> {
    let RootFs::Dir(lower) = &spec.root else {
        return Ok(PathBuf::new());
    };
    let action = "make the directories of an overlay";
    let fail = |source| SandboxError::Io { action, source };
    let scratch = below.join(format!("scratch-{}", std::process::id()));
    for name in ["upper", "work"] {
        std::fs::create_dir_all(scratch.join(name)).map_err(fail)?;
    }
    let (upper, work) = (Some(scratch.join("upper")), Some(scratch.join("work")));
    spec.root = RootFs::Overlay(Overlay {
        lowers: vec![lower.clone()],
        upper,
        work,
        volatile: true,
    });
    spec.read_only_root = false;
    Ok(scratch)
}

fn parse(args: Vec<String>) -> Result<Args, SandboxError> {
    let mut mode = None;
    let mut root = "/".to_owned();
    let (mut user, mut pty, mut network, mut repeat) = (RunAs::Root, false, Network::None, 1);
    let mut overlay = None;
    let mut args = args.into_iter().peekable();
    while let Some(flag) = args.next_if(|arg| arg.starts_with("--")) {
        match flag.as_str() {
            "--single" => mode = Some(IdMode::Single),
            "--root" => mode = IdRange::for_root().map(IdMode::Root),
            "--sub" => mode = None,
            "--root-dir" => root = args.next().unwrap_or_default(),
            "--user" => {
                let id = args.next().and_then(|id| id.parse().ok()).unwrap_or(1000);
                user = RunAs::Id { uid: id, gid: id };
            }
            "--overlay" => overlay = args.next().map(PathBuf::from),
            "--pty" => pty = true,
            "--net" => network = Network::Host,
            "--repeat" => repeat = args.next().and_then(|n| n.parse().ok()).unwrap_or(50),
            _ => eprintln!("sandbox: `{flag}` is unknown"),
        }
    }
    let mode = mode.map_or_else(rpmkit_sandbox::detect, Ok)?;
    let mut spec = ContainerSpec::new(mode.clone(), RootFs::Dir(root.clone().into()));
    spec.hostname = Some("sandbox".to_owned());
    spec.network = network;
    spec.filters = Filters::for_packages(&mode);
    if root == "/" {
        spec.read_only_root = true;
        spec.mounts.push(Mount::tmpfs("/tmp", 0o1777));
    }
    let command = Command::new(args)
        .user(user)
        .env("TERM", std::env::var("TERM").unwrap_or_default());
    Ok(Args {
        overlay,
        spec,
        command,
        pty,
        repeat,
    })
}

fn show(stream: Stream, bytes: &[u8]) {
    let result = match stream {
        Stream::Stdout => std::io::stdout().write_all(bytes),
        Stream::Stderr => std::io::stderr().write_all(bytes),
    };
    drop(result);
}

fn probe(store: Option<&String>) -> Result<i32, SandboxError> {
    let start = Instant::now();
    let probe = rpmkit_sandbox::probe(&ProbeRequest {
        store: store.map(Into::into),
    })?;
    let took = start.elapsed();
    for finding in &probe.findings {
        println!("{:?} {}: {}", finding.state, finding.what, finding.detail);
        for line in finding.advice.cause.iter().chain(&finding.advice.remedies) {
            println!("    {line}");
        }
    }
    println!("mode {:?}, {took:?}", probe.mode);
    Ok(i32::from(probe.mode.is_none()))
}
