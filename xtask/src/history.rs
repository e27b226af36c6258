//! An archive with times from history, beside `git archive` and beside one git call a file: measured
//! by an example of the core's, which makes the repository on the spot.

use std::{path::Path, process::Command, time::Duration};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// What it measured.
pub struct History {
    /// Our archive, times of every file included.
    pub archive: Duration,
    /// `git archive`, where every file has the commit's time.
    pub git_archive: Duration,
    /// One `git rev-list` a file, as mock asks; from a sample.
    pub per_file: Duration,
}

/// Measures with a history of 20,000 commits and 5,000 files.
pub fn measure(root: &Path, release: bool) -> Result<History> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root).args(["run", "--quiet"]);
    if release {
        command.arg("--release");
    }
    command.args(["-p", "rpmkit-vcs", "--example", "scm_bench", "--", "--json"]);
    let output = command.output().context("cannot run cargo")?;
    ensure!(
        output.status.success(),
        "{command:?} ended with {}:\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    let value: Value = serde_json::from_slice(&output.stdout)
        .with_context(|| format!("{command:?} printed no figures"))?;
    let seconds = |key: &str| {
        value[key]
            .as_f64()
            .map(Duration::from_secs_f64)
            .with_context(|| format!("no `{key}` in {value}"))
    };
    Ok(History {
        archive: seconds("archive")?,
        git_archive: seconds("git_archive")?,
        per_file: seconds("per_file")?,
    })
}
