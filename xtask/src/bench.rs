//! `cargo xtask bench`: times as ratios to a floor measured in the same run, and where they go.
//!
//! The floors: rpmbuild itself in a ready root, `rpm -U` of a set that is already downloaded (the
//! target's rpm, syncing off), and starting any program at all. Machines are noisy, so every figure
//! is the best of several runs, and what counts is the ratio.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::{chroot, demo, distro, fixture, serve::Server, views::Views};

/// Runs of each thing that is cheap to repeat.
const ROUNDS: usize = 5;
/// The checkout that is built.
const FIXTURE: &str = "tree";

/// One bench.
pub struct Bench<'a> {
    /// The workspace.
    pub root: &'a Path,
    /// cargo's target directory.
    pub target: &'a Path,
    /// Measure an optimised build.
    pub release: bool,
}

/// A figure with its floor.
struct Figure {
    what: &'static str,
    took: Duration,
    floor: Option<(&'static str, Duration)>,
    goal: &'static str,
    met: bool,
}

/// A place of its own for everything a run keeps.
struct Place {
    _views: Views,
    dir: tempfile::TempDir,
    rpmkit: PathBuf,
    chroot: String,
    checkout: PathBuf,
    _server: Server,
}

impl Bench<'_> {
    /// Measures and prints.
    pub fn run(&self, say: &dyn Fn(&str), tell: &dyn Fn(&str)) -> Result<()> {
        let rpmkit = demo::build_suite(self.root, self.target, self.release)?;
        let work = self.target.join("distro");
        let distribution = distro::make(&work, None, say)?;
        let place = Place::make(&rpmkit, &distribution, &work)?;
        say("filling the caches");
        place.build()?;
        let mut figures = vec![
            place.start()?,
            place.container()?,
            place.second_build(tell)?,
            place.cold_init(say)?,
        ];
        figures.extend(place.snapshots()?);
        figures.push(place.configuration(
            &["config", "list"],
            "list all chroots",
            "< 100 ms",
            100,
        )?);
        tell(&format!(
            "\n{:<34} {:>9}  {:>7}  {:<28} goal",
            "what", "took", "ratio", "floor"
        ));
        for figure in &figures {
            tell(&figure.line());
        }
        Ok(())
    }
}

impl Figure {
    fn line(&self) -> String {
        let (ratio, floor) = match self.floor {
            Some((name, floor)) => (
                format!(
                    "{:.2}",
                    self.took.as_secs_f64() / floor.as_secs_f64().max(1e-9)
                ),
                format!("{name} {}", shown(floor)),
            ),
            None => (String::new(), String::new()),
        };
        let mark = if self.met { "met" } else { "NOT MET" };
        format!(
            "{:<34} {:>9}  {ratio:>7}  {floor:<28} {} {mark}",
            self.what,
            shown(self.took),
            self.goal
        )
    }
}

fn shown(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

fn best(rounds: usize, mut one: impl FnMut() -> Result<Duration>) -> Result<Duration> {
    let mut least = Duration::MAX;
    for _ in 0..rounds {
        least = least.min(one()?);
    }
    Ok(least)
}

impl Place {
    fn make(rpmkit: &Path, distribution: &distro::Distro, work: &Path) -> Result<Self> {
        let dir = tempfile::Builder::new()
            .prefix("rpmkit-bench-")
            .tempdir_in("/var/tmp")?;
        let server = Server::start(&distribution.dir, 0)?;
        let conf = chroot::write(&dir.path().join("conf"), &distribution.stamp, &server.url())?;
        let checkout = dir.path().join(FIXTURE);
        fixture::lay_out(FIXTURE, &checkout, fixture::Style::Tree, work)?;
        Ok(Self {
            _views: Views::of(dir.path()),
            rpmkit: rpmkit.to_owned(),
            chroot: conf
                .file_stem()
                .map(|stem| stem.to_string_lossy().into_owned())
                .unwrap_or_default(),
            checkout,
            dir,
            _server: server,
        })
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.rpmkit);
        command
            .args(words)
            .env("RPMKIT_CACHE_DIR", self.dir.path().join("cache"))
            .env("RPMKIT_STATE_DIR", self.dir.path().join("state"))
            .current_dir(self.dir.path())
            .stdin(Stdio::null());
        command
    }

    fn in_chroot(&self, words: &[&str]) -> Command {
        let mut command = self.command(words);
        command
            .args(["-r", &self.chroot, "--configdir"])
            .arg(self.dir.path().join("conf"));
        command
    }

    /// Runs to the end; gives the wall time and the output.
    fn time(&self, mut command: Command) -> Result<(Duration, String)> {
        let begun = Instant::now();
        let output = command.output().context("cannot run rpmkit")?;
        let took = begun.elapsed();
        if !output.status.success() {
            bail!(
                "{command:?} ended with {}:\n{}",
                output.status,
                String::from_utf8_lossy(&output.stderr)
            );
        }
        Ok((took, String::from_utf8_lossy(&output.stdout).into_owned()))
    }

    /// A build with its events.
    fn build(&self) -> Result<(Duration, Vec<Value>)> {
        let mut command = self.in_chroot(&["build", "--json"]);
        command.arg(&self.checkout);
        let (took, text) = self.time(command)?;
        let events = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect();
        Ok((took, events))
    }

    fn start(&self) -> Result<Figure> {
        let floor = best(ROUNDS, || {
            let begun = Instant::now();
            Command::new("true").status()?;
            Ok(begun.elapsed())
        })?;
        let took = best(ROUNDS, || Ok(self.time(self.command(&["--version"]))?.0))?;
        Ok(Figure {
            what: "start-up (--version)",
            took,
            floor: Some(("true", floor)),
            goal: "< 20 ms",
            met: took < Duration::from_millis(20),
        })
    }

    /// The whole of `mock --chroot true`: configuration, lock, mounts, command, teardown.
    fn container(&self) -> Result<Figure> {
        let mut init = self.in_chroot(&["mock"]);
        init.args(["--init", "--quiet"]);
        self.time(init)?;
        let took = best(ROUNDS, || {
            let mut command = self.in_chroot(&["mock"]);
            command.args(["--quiet", "--chroot", "true"]);
            Ok(self.time(command)?.0)
        })?;
        Ok(Figure {
            what: "mock --chroot true",
            took,
            floor: None,
            goal: "< 30 ms",
            met: took < Duration::from_millis(30),
        })
    }

    /// A second build: everything but rpmbuild's own run is overhead.
    fn second_build(&self, tell: &dyn Fn(&str)) -> Result<Figure> {
        let mut least: Option<(Duration, Duration, Vec<Value>)> = None;
        for _ in 0..ROUNDS {
            let (took, events) = self.build()?;
            let inside = phase(&events, "rpmbuild")?;
            let around = took.saturating_sub(inside);
            if least.as_ref().is_none_or(|(known, ..)| around < *known) {
                least = Some((around, inside, events));
            }
        }
        let (around, inside, events) = least.context("no build was made")?;
        tell("phases of a second build:");
        for event in events.iter().filter(|e| e["event"] == "phase-end") {
            tell(&format!(
                "  {:<24} {:>9}",
                event["phase"].as_str().unwrap_or_default(),
                shown(Duration::from_secs_f64(
                    event["took"].as_f64().unwrap_or_default()
                ))
            ));
        }
        Ok(Figure {
            what: "second build, around rpmbuild",
            took: around + inside,
            floor: Some(("rpmbuild", inside)),
            goal: "< 500 ms around it",
            met: around < Duration::from_millis(500),
        })
    }

    /// All layers anew from full download caches, against the target's own `rpm -U` in it.
    fn cold_init(&self, say: &dyn Fn(&str)) -> Result<Figure> {
        let mut least: Option<(f64, Duration, Duration)> = None;
        for round in 0..3 {
            say(&format!("cold init, round {}", round + 1));
            let mut scrub = self.in_chroot(&["mock"]);
            scrub.args(["--scrub", "all", "--quiet"]);
            self.time(scrub)?;
            let gc = self.command(&["snap", "gc", "--keep", "0", "--yes"]);
            self.time(gc)?;
            let (_, events) = self.build()?;
            let prepare = ["metadata", "tool-root", "init"]
                .iter()
                .map(|name| phase(&events, name))
                .sum::<Result<Duration>>()?;
            let whole = prepare + before_init(&events, "solve") + before_init(&events, "download");
            let floor = rpm_run(&events)?;
            let ratio = whole.as_secs_f64() / floor.as_secs_f64().max(1e-9);
            if least.is_none_or(|(known, ..)| ratio < known) {
                least = Some((ratio, whole, floor));
            }
        }
        let (ratio, took, floor) = least.context("no init was made")?;
        Ok(Figure {
            what: "cold init, tool root included",
            took,
            floor: Some(("rpm -U", floor)),
            goal: "< 1.3 ×",
            met: ratio < 1.3,
        })
    }

    /// The verbs of `snap` as whole processes, on a chroot that has just been filled with as much again as the
    /// buildroot holds, none of it on disk yet. What they do must not depend on that.
    fn snapshots(&self) -> Result<Vec<Figure>> {
        let mut out = Vec::new();
        let verbs: [(&'static str, &[&str]); 4] = [
            ("snap create, full chroot", &["snap", "create", "bench"]),
            ("snap list", &["snap", "list"]),
            (
                "snap rollback, full chroot",
                &["snap", "rollback", "bench", "--yes"],
            ),
            ("snap remove", &["snap", "remove", "bench", "--yes"]),
        ];
        let fill = |name: &str| -> Result<()> {
            let mut command = self.in_chroot(&["mock"]);
            command.args(["--quiet", "--chroot"]);
            command.arg(format!("cp -a /usr /{name}"));
            self.time(command).map(drop)
        };
        let start = best(ROUNDS, || Ok(self.time(self.command(&["--version"]))?.0))?;
        let mut times = vec![Duration::MAX; verbs.len()];
        for _ in 0..ROUNDS {
            fill("one")?;
            for (nth, (_, words)) in verbs.iter().enumerate() {
                if nth == 2 {
                    // To be dropped by rolling back.
                    fill("two")?;
                }
                let took = self.time(self.in_chroot(words))?.0;
                times[nth] = times[nth].min(took);
            }
            let mut back = self.in_chroot(&["snap", "rollback", "postinit", "--yes"]);
            back.arg("--quiet");
            self.time(back)?;
        }
        for ((what, _), took) in verbs.iter().zip(times) {
            out.push(Figure {
                what,
                took,
                floor: Some(("start-up", start)),
                goal: "< 10 ms",
                met: took < Duration::from_millis(10),
            });
        }
        Ok(out)
    }

    fn configuration(
        &self,
        words: &[&str],
        what: &'static str,
        goal: &'static str,
        limit: u64,
    ) -> Result<Figure> {
        let took = best(ROUNDS, || Ok(self.time(self.command(words))?.0))?;
        Ok(Figure {
            what,
            took,
            floor: None,
            goal,
            met: took < Duration::from_millis(limit),
        })
    }
}

/// The time of a phase, all its runs together.
fn phase(events: &[Value], name: &str) -> Result<Duration> {
    let mut found = false;
    let mut sum = 0.0;
    for event in events {
        if event["event"] == "phase-end" && event["phase"] == name {
            found = true;
            sum += event["took"].as_f64().unwrap_or_default();
        }
    }
    ensure!(found, "the build had no phase `{name}`");
    Ok(Duration::from_secs_f64(sum))
}

/// The time of a phase up to the end of the init phase.
fn before_init(events: &[Value], name: &str) -> Duration {
    let end = events
        .iter()
        .position(|e| e["event"] == "phase-end" && e["phase"] == "init")
        .unwrap_or(events.len());
    phase(&events[..end], name).unwrap_or_default()
}

/// How long the first `rpm -U` ran.
fn rpm_run(events: &[Value]) -> Result<Duration> {
    let start = events
        .iter()
        .position(|e| e["event"] == "command" && e["argv"][0] == "rpm")
        .context("the build ran no rpm")?;
    let end = events[start..]
        .iter()
        .find(|e| e["event"] == "command-end")
        .context("rpm did not end")?;
    let seconds = |event: &Value| -> Result<f64> {
        let text = event["at"].as_str().context("an event has no time")?;
        let clock = text.split('T').nth(1).context("an event has an odd time")?;
        let parts: Vec<f64> = clock
            .trim_end_matches('Z')
            .split(':')
            .filter_map(|part| part.parse().ok())
            .collect();
        let [hours, minutes, seconds] = parts.as_slice() else {
            bail!("`{text}` is no time");
        };
        Ok((hours * 60.0 + minutes) * 60.0 + seconds)
    };
    let mut took = seconds(end)? - seconds(&events[start])?;
    if took < 0.0 {
        // Past midnight.
        took += 86_400.0;
    }
    Ok(Duration::from_secs_f64(took))
}
