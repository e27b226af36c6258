//! `rpmkit log`: the log of a build, whole or one section of it, also while it grows.

use std::{
    fs::File,
    io::{BufRead, BufReader, Seek, SeekFrom},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use clap::Args;
use rpmkit_cli::{Context, Failure, Status, VerbResult, args::OutputArgs, signals};

use crate::results;

/// How often a growing log is looked at.
const PAUSE: Duration = Duration::from_millis(200);

/// Show the log of a build
#[derive(Debug, Clone, Args)]
pub struct LogArgs {
    /// Result directory of the build, or the checkout [default: the latest build]
    #[arg(value_name = "BUILD", value_hint = clap::ValueHint::DirPath, conflicts_with = "last")]
    pub build: Option<PathBuf>,

    /// The latest build, which is also what no BUILD means
    #[arg(long)]
    pub last: bool,

    /// Only what this section of the spec printed: `build`, `check`, …
    #[arg(long, value_name = "SECTION")]
    pub section: Option<String>,

    /// Go on until the build ends
    #[arg(short, long)]
    pub follow: bool,

    /// How to speak
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Shows it on standard output.
pub fn run(cx: &mut Context, args: &LogArgs) -> VerbResult {
    cx.set_output(&args.output);
    let dir = results::directory(cx, args.build.as_deref())?;
    let path = dir.join("build.log");
    let cannot =
        |e: std::io::Error| Failure::general(format!("cannot read `{}`: {e}", path.display()));
    let mut reader = BufReader::new(File::open(&path).map_err(cannot)?);
    let mut choose = LogChoice::new(args.section.as_deref());
    let mut line = Vec::new();
    let mut shown = false;
    // Builds of one result directory follow each other in its log: of a section the last one counts.
    let mut held: Vec<String> = Vec::new();
    let hold = args.section.is_some() && !args.follow;
    loop {
        let count = reader.read_until(b'\n', &mut line).map_err(cannot)?;
        if count > 0 && (line.ends_with(b"\n") || !args.follow) {
            let text = String::from_utf8_lossy(&line);
            let text = text.trim_end_matches('\n');
            if choose.takes(text) {
                shown = true;
                if !hold {
                    cx.printer.data(text);
                } else {
                    if text.starts_with("Executing(%") {
                        held.clear();
                    }
                    held.push(text.to_owned());
                }
            }
            line.clear();
            continue;
        }
        if count > 0 {
            // The rest of the line is still to come.
            continue;
        }
        if !args.follow
            || ended(&dir, &path)
            || signals::stopped().is_some()
            || cx.printer.broken_pipe()
        {
            break;
        }
        std::thread::sleep(PAUSE);
        let at = reader.stream_position().map_err(cannot)?;
        reader.seek(SeekFrom::Start(at)).map_err(cannot)?;
    }
    for line in held {
        cx.printer.data(line);
    }
    match &args.section {
        Some(section) if !shown => Err(Failure::general(format!(
            "the build in `{}` did not get to a section `%{}`",
            dir.display(),
            section.trim_start_matches('%')
        ))),
        _ => Ok(Status::OK),
    }
}

/// Whether the record was written after the log.
fn ended(dir: &Path, log: &Path) -> bool {
    let time =
        |path: &Path| -> Option<SystemTime> { std::fs::metadata(path).ok()?.modified().ok() };
    match (time(&dir.join("result.json")), time(log)) {
        (Some(record), Some(log)) => record >= log,
        _ => false,
    }
}

/// Takes the lines of one section, or all.
struct LogChoice {
    wanted: Option<String>,
    inside: bool,
}

impl LogChoice {
    fn new(section: Option<&str>) -> Self {
        Self {
            wanted: section.map(|name| format!("Executing(%{}):", name.trim_start_matches('%'))),
            inside: section.is_none(),
        }
    }

    fn takes(&mut self, line: &str) -> bool {
        let Some(wanted) = &self.wanted else {
            return true;
        };
        if line.starts_with("Executing(%") {
            self.inside = line.starts_with(wanted.as_str());
        } else if line.starts_with("Processing files: ") || line.starts_with("RPM build errors:") {
            self.inside = false;
        }
        self.inside
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_cut_out() {
        let mut choose = LogChoice::new(Some("%build"));
        let log = [
            "head",
            "Executing(%prep): /bin/sh",
            "a",
            "Executing(%build): /bin/sh",
            "b",
            "Processing files: x",
            "c",
        ];
        let taken: Vec<&str> = log.into_iter().filter(|line| choose.takes(line)).collect();
        assert_eq!(taken, ["Executing(%build): /bin/sh", "b"]);
        assert!(LogChoice::new(None).takes("anything"));
    }
}
