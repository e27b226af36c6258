//! `cargo xtask fuzz`: feeds every parser of foreign bytes with anything.
//!
//! With cargo-fuzz and a nightly toolchain libFuzzer does it, which sees what an input reaches; else
//! the program of `tests/fuzz` does, which needs nothing but cargo.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

/// Fuzzes `targets`, or all, for so many seconds each.
pub fn run(
    root: &Path,
    seconds: Option<u64>,
    runs: Option<u64>,
    plain: bool,
    targets: &[String],
) -> Result<()> {
    if !plain && has_libfuzzer() {
        return with_libfuzzer(root, seconds, runs, targets);
    }
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .current_dir(root)
        .args(["run", "--package", "rpmkit-fuzz", "--"]);
    for (option, value) in [("--seconds", seconds), ("--runs", runs)] {
        if let Some(value) = value {
            command.arg(option).arg(value.to_string());
        }
    }
    done(command.args(targets))
}

/// Whether `cargo +nightly fuzz` works here.
fn has_libfuzzer() -> bool {
    nightly(&["fuzz", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// rustup's cargo, which knows `+nightly`; the one that runs us is a toolchain's own.
fn nightly(args: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    for variable in ["CARGO", "RUSTC", "RUSTUP_TOOLCHAIN"] {
        command.env_remove(variable);
    }
    command.arg("+nightly").args(args);
    command
}

fn with_libfuzzer(
    root: &Path,
    seconds: Option<u64>,
    runs: Option<u64>,
    targets: &[String],
) -> Result<()> {
    let list = nightly(&["fuzz", "list"])
        .current_dir(root.join("fuzz"))
        .output()
        .context("cannot ask cargo-fuzz for its targets")?;
    let known: Vec<String> = String::from_utf8_lossy(&list.stdout)
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    for target in targets {
        if !known.contains(target) {
            bail!(
                "no target is called `{target}`; there are {}",
                known.join(", ")
            );
        }
    }
    let chosen = known
        .iter()
        .filter(|name| targets.is_empty() || targets.contains(name));
    for target in chosen {
        let mut command = nightly(&["fuzz", "run", target, "--"]);
        command.args(["-max_len=65536", "-timeout=10", "-rss_limit_mb=512"]);
        command.arg(format!("-max_total_time={}", seconds.unwrap_or(0)));
        match (runs, seconds) {
            (Some(runs), _) => command.arg(format!("-runs={runs}")),
            (None, None) => command.arg("-runs=10000"),
            (None, Some(_)) => &mut command,
        };
        done(command.current_dir(root.join("fuzz")))?;
    }
    Ok(())
}

fn done(command: &mut Command) -> Result<()> {
    let status = command.status().context("cannot run cargo")?;
    if !status.success() {
        bail!("something was found (see above)");
    }
    Ok(())
}
