//! `cargo xtask bench`: times as ratios to a floor measured in the same run, and where they go.
//!
//! The floors: rpmbuild itself in a ready root, `rpm -U` of a set that is already downloaded (by the
//! target's rpm), and starting any program at all. Machines are noisy, so every figure
//! is the best of several runs, and what counts is the ratio.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{chroot, confbench, demo, distro, fixture, history, serve::Server, views::Views};

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
    /// The distribution's packages.
    packages: PathBuf,
    _server: Server,
}

impl Bench<'_> {
    /// Measures and prints.
    pub fn run(&self, say: &dyn Fn(&str), tell: &dyn Fn(&str)) -> Result<()> {
        let rpmkit = demo::build_suite(self.root, self.target, self.release)?;
        let work = self.target.join("distro");
        let distribution = distro::make(&work, distro::Suite::Bookworm, None, say)?;
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
        figures.extend(place.configuration()?);
        say("making a history of 20,000 commits");
        figures.extend(histories(&history::measure(self.root, self.release)?));
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

/// The same archive against two floors.
fn histories(measured: &history::History) -> [Figure; 2] {
    let of = |what, floor: (&'static str, Duration), goal, met| Figure {
        what,
        took: measured.archive,
        floor: Some(floor),
        goal,
        met,
    };
    [
        of(
            "archive of 20,000 commits' history",
            ("git archive, no times", measured.git_archive),
            "seconds",
            measured.archive < Duration::from_secs(20),
        ),
        of(
            "the same",
            ("a git call a file", measured.per_file),
            "< 0.1 of it",
            measured.archive.as_secs_f64() < 0.1 * measured.per_file.as_secs_f64(),
        ),
    ]
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
        let conf = chroot::write(
            &dir.path().join("conf"),
            &distribution.stamp,
            &server.url(),
            chroot::With::Base,
        )?;
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
            packages: distribution.dir.join("zst/Packages"),
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

    /// A second build against plain rpmbuild of the same package in the root such a build leaves.
    fn second_build(&self, tell: &dyn Fn(&str)) -> Result<Figure> {
        let floor = self.plain_rpmbuild()?;
        let mut least: Option<(Duration, Vec<Value>)> = None;
        for _ in 0..ROUNDS {
            let (took, events) = self.build()?;
            if least.as_ref().is_none_or(|(known, _)| took < *known) {
                least = Some((took, events));
            }
        }
        let (took, events) = least.context("no build was made")?;
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
        tell(&format!(
            "  {:<24} {:>9}",
            "all but plain rpmbuild",
            shown(took.saturating_sub(floor))
        ));
        Ok(Figure {
            what: "second build, the whole process",
            took,
            floor: Some(("plain rpmbuild -bb", floor)),
            goal: "< 500 ms more",
            met: took.saturating_sub(floor) < Duration::from_millis(500),
        })
    }

    /// `rpmbuild -bb` alone, timed inside the root that a build left, requirements and all.
    fn plain_rpmbuild(&self) -> Result<Duration> {
        let results = self.dir.path().join("floor");
        let mut srpm = self.in_chroot(&["srpm"]);
        srpm.arg("--resultdir").arg(&results).arg(&self.checkout);
        self.time(srpm)?;
        let package = walkdir::WalkDir::new(&results)
            .into_iter()
            .flatten()
            .map(walkdir::DirEntry::into_path)
            .find(|path| path.to_string_lossy().ends_with(".src.rpm"))
            .context("`rpmkit srpm` left no source package")?;
        let mut build = self.in_chroot(&["mock", "--quiet", "--no-cleanup-after", "--rebuild"]);
        build.arg(package).arg("--resultdir").arg(&results);
        self.time(build)?;
        best(ROUNDS, || {
            let mut command = self.in_chroot(&["mock", "--quiet", "--unpriv", "--chroot"]);
            command.arg(inside(
                "cd /builddir/build && rpmbuild -bb --nodeps SPECS/*.spec",
            ));
            nanoseconds(&self.time(command)?.1)
        })
    }

    /// All layers anew from full download caches, against the target's own `rpm -U` of the same
    /// packages into an empty directory of the same file system.
    fn cold_init(&self, say: &dyn Fn(&str)) -> Result<Figure> {
        let mut least: Option<(f64, Duration, Duration)> = None;
        for round in 0..3 {
            say(&format!("cold init, round {}", round + 1));
            // A cache of its own with everything but layers. Nothing is deleted before a round:
            // ext4 is slow to create files where some were deleted in the last minutes.
            let cache = self.dir.path().join(format!("cold-{round}"));
            self.copy_cache_without_layers(&cache)?;
            let mut init = self.in_chroot(&["mock", "--quiet", "--init"]);
            init.env("RPMKIT_CACHE_DIR", &cache);
            let (took, _) = self.time(init)?;
            let floor = self.plain_rpm(&cache)?;
            let ratio = took.as_secs_f64() / floor.as_secs_f64().max(1e-9);
            if least.is_none_or(|(known, ..)| ratio < known) {
                least = Some((ratio, took, floor));
            }
        }
        let (ratio, took, floor) = least.context("no init was made")?;
        Ok(Figure {
            what: "cold init, tool root included",
            took,
            floor: Some(("rpm -U of the set", floor)),
            goal: "< 1.3 ×",
            met: ratio < 1.3,
        })
    }

    /// Hard links to all downloads, metadata and solutions.
    fn copy_cache_without_layers(&self, to: &Path) -> Result<()> {
        let from = self.dir.path().join("cache");
        let entries = walkdir::WalkDir::new(&from)
            .into_iter()
            .filter_entry(|entry| !(entry.depth() == 1 && entry.file_name() == "layers"));
        for entry in entries {
            let entry = entry?;
            let place = to.join(entry.path().strip_prefix(&from)?);
            if entry.file_type().is_dir() {
                std::fs::create_dir_all(&place)?;
            } else {
                std::fs::hard_link(entry.path(), &place)?;
            }
        }
        Ok(())
    }

    /// The chroot's own rpm installs the chroot's packages once more, with as little as it can do.
    fn plain_rpm(&self, cache: &Path) -> Result<Duration> {
        let root = "/builddir/floor";
        let mounts = format!(
            "--plugin-option=bind_mount:dirs=[({:?}, '/mnt'), ('/proc', '{root}/proc'), ('/dev', '{root}/dev')]",
            self.packages
        );
        let mut list = self.in_chroot(&["mock", "--quiet"]);
        list.env("RPMKIT_CACHE_DIR", cache).args([
            "--chroot",
            "rpm -qa --qf '/mnt/%{name}-%{version}-%{release}.%{arch}.rpm\\n'",
        ]);
        let (_, set) = self.time(list)?;
        let set: Vec<&str> = set.lines().filter(|p| !p.contains("gpg-pubkey")).collect();
        let mut command = self.in_chroot(&["mock", "--quiet"]);
        command.env("RPMKIT_CACHE_DIR", cache);
        command.args([&mounts, "--chroot"]).arg(inside(&format!(
            // A low limit on open files, as for our own installs: rpm closes each a scriptlet.
            "ulimit -n 1024; mkdir -p {root}/sys; rpm --root {root} -U --nodigest --nosignature \
             --define '_netsharedpath /proc:/sys:/dev' --define '_pkgverify_level none' {}",
            set.join(" ")
        )));
        nanoseconds(&self.time(command)?.1)
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

    fn configuration(&self) -> Result<[Figure; 2]> {
        let times = confbench::measure(&self.rpmkit, self.dir.path())?;
        let below = |took, millis| took < Duration::from_millis(millis);
        Ok([
            Figure {
                what: "load and expand a Fedora config",
                took: times.one,
                floor: Some(("reading its files", times.one_floor)),
                goal: "< 5 ms",
                met: below(times.one, 5),
            },
            Figure {
                what: "list a tree of 480 configs",
                took: times.list,
                floor: Some(("reading them", times.list_floor)),
                goal: "< 100 ms",
                met: below(times.list, 100),
            },
        ])
    }
}

/// A shell command that prints how long `command` ran, in nanoseconds, and only that.
fn inside(command: &str) -> String {
    format!(
        "begun=$(date +%s%N); ( {command} ) >/tmp/floor.log 2>&1 || {{ cat /tmp/floor.log >&2; exit 1; }}; \
         echo $(($(date +%s%N) - begun))"
    )
}

fn nanoseconds(text: &str) -> Result<Duration> {
    let text = text.trim();
    let number = text
        .parse()
        .with_context(|| format!("`{text}` is no time"))?;
    Ok(Duration::from_nanos(number))
}
