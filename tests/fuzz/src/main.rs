//! Feeds the parsers with changed seeds, for a time or a number of runs, and keeps what ends them.
//!
//! Every target runs in a process of its own with little memory, which writes each input down before
//! it is used: what ends the process is then there to be looked at, and goes into `finds/`.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use clap::Parser;
use nix::sys::resource::{Resource, setrlimit};
use rpmkit_fuzz::{
    TARGETS, Target, beginnings, kept,
    mutate::{Random, input},
    targets,
};

/// Bytes a parser may have at once, this program's own included.
const MEMORY: u64 = 512 << 20;
/// Longer than any parser may take for 64 KiB, in a program that is not optimised.
const LONG: Duration = Duration::from_secs(10);
/// How a process ends that took too long.
const TOO_LONG: i32 = 99;

/// Feeds every parser of foreign bytes with anything.
#[derive(Parser)]
struct Args {
    /// Stop each target after so many seconds
    #[arg(long)]
    seconds: Option<u64>,
    /// Stop each target after so many runs [default: 10000 without --seconds]
    #[arg(long)]
    runs: Option<u64>,
    /// Begin with another sequence of changes
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only these targets
    targets: Vec<String>,
    /// Run one target in this process and write every input to this file first
    #[arg(long, hide = true)]
    inside: Option<PathBuf>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let unknown = args
        .targets
        .iter()
        .find(|name| targets::find(name).is_none());
    if let Some(name) = unknown {
        let known: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
        eprintln!(
            "error: no target is called `{name}`; there are {}",
            known.join(", ")
        );
        return ExitCode::from(2);
    }
    let chosen = TARGETS.iter().filter(|target| {
        args.targets.is_empty() || args.targets.iter().any(|name| name == target.name)
    });
    if let Some(current) = &args.inside {
        // With the stack of a worker thread, which is the smallest one they run on.
        std::thread::scope(|scope| {
            scope.spawn(|| chosen.for_each(|target| inside(target, &args, current)));
        });
        return ExitCode::SUCCESS;
    }
    let mut found = 0;
    for target in chosen {
        match outside(target, &args) {
            Ok(runs) => println!("{:<14} {runs} runs, nothing found", target.name),
            Err((path, why)) => {
                found += 1;
                println!("{:<14} {why}: {}", target.name, path.display());
            }
        }
    }
    ExitCode::from(u8::from(found > 0))
}

/// Runs a target in a process of its own; gives the number of runs, or what ended it and how.
fn outside(target: &Target, args: &Args) -> Result<String, (PathBuf, String)> {
    let dir = tempfile::tempdir().expect("there is room in /tmp");
    let current = dir.path().join("input");
    let mut command = Command::new(std::env::current_exe().expect("this program has a name"));
    command.arg("--inside").arg(&current).arg(target.name);
    command.arg("--seed").arg(args.seed.to_string());
    if let Some(seconds) = args.seconds {
        command.arg("--seconds").arg(seconds.to_string());
    }
    if let Some(runs) = args.runs {
        command.arg("--runs").arg(runs.to_string());
    }
    command.env("TMPDIR", dir.path());
    let output = command.output().expect("this program can be started");
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    let data = fs::read(&current).unwrap_or_default();
    let digest = rpmkit_types::Checksum::sha256(&data).hex;
    let place = kept("finds", target.name);
    let path = place.join(&digest[..16]);
    let saved = fs::create_dir_all(&place).and_then(|()| fs::write(&path, &data));
    saved.expect("what was found can be kept");
    let errors = String::from_utf8_lossy(&output.stderr);
    let why = match output.status.code() {
        Some(TOO_LONG) => "took too long".to_owned(),
        _ => errors.lines().take(3).collect::<Vec<_>>().join(" "),
    };
    Err((path, why))
}

/// Runs a target here.
fn inside(target: &Target, args: &Args, current: &Path) {
    static RUN: AtomicU64 = AtomicU64::new(0);
    setrlimit(Resource::RLIMIT_DATA, MEMORY, MEMORY).expect("less may always be asked for");
    let begun = Instant::now();
    std::thread::spawn(|| {
        loop {
            let before = RUN.load(Ordering::Relaxed);
            std::thread::sleep(LONG);
            if RUN.load(Ordering::Relaxed) == before {
                std::process::exit(TOO_LONG);
            }
        }
    });
    let all = beginnings(target);
    let end = args.seconds.map(Duration::from_secs);
    let most = args
        .runs
        .unwrap_or(if end.is_some() { u64::MAX } else { 10_000 });
    let mut runs = 0;
    while runs < most && end.is_none_or(|end| begun.elapsed() < end) {
        let mut random = Random::new(args.seed.wrapping_mul(1 << 32).wrapping_add(runs));
        let data = input(&mut random, &all, target.words);
        fs::write(current, &data).expect("there is room in /tmp");
        (target.run)(&data);
        runs += 1;
        RUN.store(runs, Ordering::Relaxed);
    }
    println!("{runs}");
}
