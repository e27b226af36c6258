//! `cargo xtask bench chain`: the planner of chains on synthetic ones, builds replaced by simulated ones.

use std::{
    fs::File,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// Most seconds the planner may take for the largest chain.
const PLANNER: f64 = 1.0;
/// Most that the makespan may be of what is possible.
const MAKESPAN: f64 = 1.1;
const SIZES: [&str; 4] = ["10", "100", "1000", "10000"];

/// Prints a line a size, and fails when a goal is missed. `history` is a `history.jsonl` that lengths of
/// builds are drawn from, in place of the recorded ones.
pub fn run(
    root: &Path,
    release: bool,
    cores: usize,
    history: Option<&Path>,
    tell: &dyn Fn(&str),
) -> Result<()> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .current_dir(root)
        .args(["run", "--quiet", "--package", "rpmkit-graph"]);
    if release {
        cargo.arg("--release");
    }
    cargo.args(["--example", "chain_bench", "--"]);
    if let Some(path) = history {
        let file = File::open(path).with_context(|| path.display().to_string())?;
        cargo.arg("-").stdin(file);
    }
    cargo
        .arg(cores.to_string())
        .args(SIZES)
        .stderr(Stdio::inherit());
    let output = cargo.output().context("cannot start cargo")?;
    ensure!(
        output.status.success(),
        "chain_bench ended with {}",
        output.status
    );
    for line in String::from_utf8(output.stdout)?.lines() {
        let (row, met) = judge(&serde_json::from_str(line)?)?;
        tell(&row);
        ensure!(
            met,
            "a goal is missed: planner {PLANNER} s, makespan {MAKESPAN} × the bound"
        );
    }
    Ok(())
}

/// A line for people, and whether both goals are met.
fn judge(line: &Value) -> Result<(String, bool)> {
    let number = |name: &str| {
        line[name]
            .as_f64()
            .with_context(|| format!("no `{name}` in {line}"))
    };
    let (planner, worst) = (number("planner_seconds")?, number("makespan_worst")?);
    let row = format!(
        "{:>6} packages, {} cores: planner {planner:.3} s, {:.0} MiB; makespan {:.3} × the bound, {worst:.3} at worst",
        number("packages")?,
        number("cores")?,
        number("peak_kib")? / 1024.0,
        number("makespan_mean")?,
    );
    Ok((row, planner < PLANNER && worst <= MAKESPAN))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_slow_planner_or_a_long_chain_misses_the_goal() {
        let line = |planner: f64, worst: f64| {
            serde_json::json!({"packages": 10, "cores": 2, "planner_seconds": planner,
                "peak_kib": 2048, "makespan_mean": 1.0, "makespan_worst": worst})
        };
        let (row, met) = judge(&line(0.5, 1.05)).unwrap();
        assert!(met && row.contains("planner 0.500 s, 2 MiB"), "{row}");
        assert!(!judge(&line(1.5, 1.0)).unwrap().1);
        assert!(!judge(&line(0.5, 1.2)).unwrap().1);
        assert!(judge(&serde_json::json!({})).is_err());
    }
}
