//! Drives a container by hand: `sandbox [--single|--sub|--root] [--root-dir DIR] [--user UID] [--pty] [--net] [--repeat N] COMMAND…`.
//! Without a root directory the host's own `/` is shown read-only. `sandbox probe [STORE]` prints what the host allows.

use rpmkit_sandbox::{
    Command, Container, ContainerSpec, Filters, IdMode, Mount, Network, ProbeRequest, RootFs,
    SandboxError, Stream, User,
};
use std::io::Write;
use std::time::Instant;

fn main() {
    rpmkit_sandbox::reexec(&[]);
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

struct Args {
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
        let start = Instant::now();
        let container = Container::start(&args.spec)?;
        let ready = start.elapsed();
        let exit = if args.pty {
            container.run_interactive(&args.command)?
        } else {
            container.run(&args.command, show)?
        };
        let ran = start.elapsed();
        container.stop()?;
        times.push((start.elapsed(), ready, ran));
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

fn parse(args: Vec<String>) -> Result<Args, SandboxError> {
    let mut mode = None;
    let mut root = "/".to_owned();
    let (mut user, mut pty, mut network, mut repeat) = (User::Root, false, Network::None, 1);
    let mut args = args.into_iter().peekable();
    while let Some(flag) = args.next_if(|arg| arg.starts_with("--")) {
        match flag.as_str() {
            "--single" => mode = Some(IdMode::Single),
            "--root" => mode = Some(IdMode::Root),
            "--sub" => mode = None,
            "--root-dir" => root = args.next().unwrap_or_default(),
            "--user" => {
                let id = args.next().and_then(|id| id.parse().ok()).unwrap_or(1000);
                user = User::Id { uid: id, gid: id };
            }
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
