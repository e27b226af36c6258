//! What the engine tells whoever listens. Terminal, mock-style log files, JSON lines and CI
//! annotations are all listeners on this one stream; nothing below the front end prints.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};

/// The stretches a run is divided into, in the order they usually come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Reading configuration.
    Config,
    /// Getting sources from version control or a lookaside cache.
    Sources,
    /// Refreshing repository metadata.
    Metadata,
    /// Solving dependencies.
    Solve,
    /// Downloading packages.
    Download,
    /// Making the tool root (the target's own rpm).
    ToolRoot,
    /// Installing the minimal buildroot.
    Init,
    /// Installing build dependencies.
    BuildDeps,
    /// Making the source package.
    Srpm,
    /// `%generate_buildrequires`.
    DynamicBuildRequires,
    /// rpmbuild itself.
    Rpmbuild,
    /// Writing the result directory.
    Results,
    /// Dropping the chroot's private layer.
    Clean,
    /// A snapshot operation.
    Snapshot,
    /// A command of the user's in the chroot.
    Command,
}

impl Phase {
    /// Its name, as in JSON: lower case with dashes.
    pub fn name(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Sources => "sources",
            Self::Metadata => "metadata",
            Self::Solve => "solve",
            Self::Download => "download",
            Self::ToolRoot => "tool-root",
            Self::Init => "init",
            Self::BuildDeps => "build-deps",
            Self::Srpm => "srpm",
            Self::DynamicBuildRequires => "dynamic-build-requires",
            Self::Rpmbuild => "rpmbuild",
            Self::Results => "results",
            Self::Clean => "clean",
            Self::Snapshot => "snapshot",
            Self::Command => "command",
        }
    }
}

impl std::fmt::Display for Phase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// How serious a message is; the names are mock's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Only in log files and with `--verbose`.
    Debug,
    /// For people following along.
    Info,
    /// Something is off but the run goes on.
    Warning,
    /// The run will fail, or part of it did.
    Error,
}

/// Which of mock's log files a line belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Log {
    /// `root.log`: preparing the chroot.
    Root,
    /// `build.log`: rpmbuild.
    Build,
}

/// Where a line goes that mock says and nobody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MockLog {
    /// `root.log`, and the console with the level before it.
    Root,
    /// `state.log` with the time before it, and the console as it is.
    State,
}

/// What a progress report counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Whole things, such as packages.
    Items,
}

/// One thing that happened.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Event {
    /// A phase begins. `what` names its object (a package, a chroot) and may be empty.
    PhaseStart {
        /// Which.
        phase: Phase,
        /// On what.
        what: String,
    },
    /// A phase ended, well or not.
    PhaseEnd {
        /// Which.
        phase: Phase,
        /// On what; the same text as at the start.
        what: String,
        /// How long it took; in JSON, seconds.
        #[serde(serialize_with = "seconds")]
        took: Duration,
        /// False when it failed.
        ok: bool,
    },
    /// mock's state log: `Start: X` and `Finish: X`, which must balance.
    State {
        /// True for `Start`.
        start: bool,
        /// The text after the colon.
        what: String,
    },
    /// What mock says at this point. Its console and its log files repeat it: programs look for these lines.
    /// Nobody else does.
    Narrative {
        /// How serious.
        level: Level,
        /// Where it goes.
        log: MockLog,
        /// The text; it may have several lines.
        text: String,
    },
    /// A message for people.
    Message {
        /// How serious.
        level: Level,
        /// The log file it goes to besides the screen, if any.
        log: Option<Log>,
        /// One line.
        text: String,
    },
    /// A command is about to run in the chroot.
    Command {
        /// The log file its output goes to.
        log: Log,
        /// Program and arguments.
        argv: Vec<String>,
        /// Its whole environment.
        env: Vec<(String, String)>,
    },
    /// A command ended.
    CommandEnd {
        /// The log file its output went to.
        log: Log,
        /// Exit status, or 128 + the signal that killed it.
        status: i32,
    },
    /// A line of a command's output, without its newline.
    Output {
        /// The log file it belongs to.
        log: Log,
        /// The text; bytes that are no UTF-8 have been replaced.
        line: String,
        /// The line as it came, where that is no UTF-8: for log files, which keep every byte.
        #[serde(skip)]
        raw: Option<Vec<u8>>,
    },
    /// How far a countable task is. `done == total` ends it.
    Progress {
        /// Which phase counts.
        phase: Phase,
        /// What is being counted, for people.
        label: String,
        /// So far.
        done: u64,
        /// In all; zero when unknown.
        total: u64,
        /// Unit of both.
        unit: Unit,
    },
    /// A result file exists.
    Artifact {
        /// Where on the host.
        path: PathBuf,
    },
}

fn seconds<S: serde::Serializer>(took: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(took.as_secs_f64())
}

/// Somebody who wants to know.
pub trait Listener: Send + Sync {
    /// Takes one event. Must not block for long and must not panic.
    fn on_event(&self, at: SystemTime, event: &Event);
}

impl Event {
    /// A line of output, without its newline, as a command wrote it.
    pub fn output(log: Log, bytes: &[u8]) -> Self {
        let raw = std::str::from_utf8(bytes).is_err();
        Self::Output {
            log,
            line: String::from_utf8_lossy(bytes).into_owned(),
            raw: raw.then(|| bytes.to_vec()),
        }
    }
}

/// The sending end, cheap to clone and to pass down.
#[derive(Clone)]
pub struct Events(Arc<dyn Listener>);

impl Events {
    /// Sends to `listener`.
    pub fn new(listener: impl Listener + 'static) -> Self {
        Self(Arc::new(listener))
    }

    /// Sends to nobody.
    pub fn silent() -> Self {
        struct Nobody;
        impl Listener for Nobody {
            fn on_event(&self, _: SystemTime, _: &Event) {}
        }
        Self::new(Nobody)
    }

    /// Sends one event, stamped with the present time.
    pub fn emit(&self, event: Event) {
        self.0.on_event(SystemTime::now(), &event);
    }

    /// A message that goes to the screen only.
    pub fn info(&self, text: impl Into<String>) {
        self.message(Level::Info, None, text);
    }

    /// A warning that goes to the screen only.
    pub fn warn(&self, text: impl Into<String>) {
        self.message(Level::Warning, None, text);
    }

    /// A message with everything said.
    pub fn message(&self, level: Level, log: Option<Log>, text: impl Into<String>) {
        self.emit(Event::Message {
            level,
            log,
            text: text.into(),
        });
    }

    /// A line of mock's for its `root.log` and its console.
    pub fn narrate(&self, level: Level, text: impl Into<String>) {
        let (log, text) = (MockLog::Root, text.into());
        self.emit(Event::Narrative { level, log, text });
    }

    /// A line of mock's for its `state.log` and its console that begins and ends nothing.
    pub fn narrate_state(&self, text: impl Into<String>) {
        let (level, log, text) = (Level::Info, MockLog::State, text.into());
        self.emit(Event::Narrative { level, log, text });
    }

    /// `Start: what`, or `Finish: what`.
    pub fn state(&self, start: bool, what: &str) {
        let what = what.to_owned();
        self.emit(Event::State { start, what });
    }

    /// Runs `work` between `Start: what` and `Finish: what`, which balance whatever happens.
    pub fn in_state<T>(&self, what: &str, work: impl FnOnce() -> T) -> T {
        self.state(true, what);
        let outcome = work();
        self.state(false, what);
        outcome
    }

    /// Runs `work` as a phase: its start, end, duration and outcome become events.
    pub fn phase<T, E>(
        &self,
        phase: Phase,
        what: &str,
        work: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        let started = std::time::Instant::now();
        self.emit(Event::PhaseStart {
            phase,
            what: what.to_owned(),
        });
        let outcome = work();
        self.emit(Event::PhaseEnd {
            phase,
            what: what.to_owned(),
            took: started.elapsed(),
            ok: outcome.is_ok(),
        });
        outcome
    }
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Events")
    }
}
