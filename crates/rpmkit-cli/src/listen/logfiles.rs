//! mock's log files in a result directory. Koji, Copr and people tail them while they grow, so every
//! line is one unbuffered append; a directory used again keeps what it has.

use std::{
    fs::File,
    io::Write,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use jiff::{Timestamp, tz::TimeZone};
use rpmkit_core::event::{Event, Level, Listener, Log, MockLog};
use rpmkit_fs::{FsError, Links, UntrustedTree};

use super::pyrepr;

/// Listener that writes `build.log`, `root.log` and `state.log`. Clones share the files.
#[derive(Clone)]
pub struct LogFiles(Arc<Mutex<Inner>>);

struct Inner {
    open: Option<Open>,
    running: Vec<String>,
    stray: Vec<String>,
    /// A failure has been written to the files that are open.
    told: bool,
    zone: TimeZone,
}

struct Open {
    build: File,
    root: File,
    state: File,
}

/// States that were finished without a start, or never finished: mock ends with 110 then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unbalanced states: {}", .0.join(", "))]
pub struct Unbalanced(pub Vec<String>);

impl Default for LogFiles {
    fn default() -> Self {
        Self::new(TimeZone::system())
    }
}

impl LogFiles {
    /// No files yet; times are shown in `zone`.
    pub fn new(zone: TimeZone) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            open: None,
            running: Vec::new(),
            stray: Vec::new(),
            told: false,
            zone,
        })))
    }

    /// Starts writing to the files in `dir`, which must exist, and stops writing to any others.
    pub fn open(&self, dir: &Path) -> Result<(), rpmkit_core::Error> {
        // Another user may write in the directory: none of its links is followed.
        let failed = |name: &str| {
            let path = dir.join(name);
            |error: FsError| rpmkit_core::Error::Io {
                action: "open",
                path,
                source: error.into(),
            }
        };
        let tree = UntrustedTree::open(dir, Links::Never).map_err(failed(""))?;
        let append = |name: &str| tree.append(name, 0o644).map_err(failed(name));
        let open = Open {
            build: append("build.log")?,
            root: append("root.log")?,
            state: append("state.log")?,
        };
        let mut inner = self.lock();
        inner.open = Some(open);
        inner.told = false;
        Ok(())
    }

    /// Writes the lines of a failure to `root.log`, where mock has them. Nothing for a second one, or once
    /// the files are closed: then it is there already.
    pub fn error(&self, lines: &[String]) {
        let mut inner = self.lock();
        if std::mem::replace(&mut inner.told, true) {
            return;
        }
        for line in lines {
            inner.message(Level::Error, Some(Log::Root), line);
        }
    }

    /// Stops writing; the files are complete.
    pub fn close(&self) {
        self.lock().open = None;
    }

    /// Whether every state that started has finished.
    pub fn balanced(&self) -> Result<(), Unbalanced> {
        let inner = self.lock();
        let off: Vec<String> = inner.stray.iter().chain(&inner.running).cloned().collect();
        if off.is_empty() {
            Ok(())
        } else {
            Err(Unbalanced(off))
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listener for LogFiles {
    fn on_event(&self, at: SystemTime, event: &Event) {
        let mut inner = self.lock();
        match event {
            Event::State { start, what } => inner.state(at, *start, what),
            Event::Narrative { level, log, text } => match log {
                MockLog::State => inner.state_line(at, text),
                MockLog::Root => inner.message(*level, Some(Log::Root), text),
            },
            Event::Message { level, log, text } => inner.message(*level, *log, text),
            Event::Command { log, argv, env } => {
                inner.line(Level::Debug, *log, EXECUTING, &executing(argv, env));
            }
            Event::CommandEnd { log, status } => {
                inner.line(Level::Debug, *log, RETURNED, &returned(*status));
            }
            Event::Output { log, line, raw } => {
                // mock takes colours out, and nothing else.
                let line = without_colors(raw.as_deref().unwrap_or(line.as_bytes()));
                if !line.is_empty() {
                    inner.bytes(Level::Debug, *log, OUTPUT, &line);
                }
            }
            _ => {}
        }
    }
}

impl Inner {
    fn state(&mut self, at: SystemTime, start: bool, what: &str) {
        if start {
            self.running.push(what.to_owned());
        } else if let Some(at) = self.running.iter().rposition(|s| s == what) {
            self.running.remove(at);
        } else {
            self.stray.push(what.to_owned());
        }
        let word = if start { "Start" } else { "Finish" };
        self.state_line(at, &format!("{word}: {what}"));
    }

    fn state_line(&mut self, at: SystemTime, text: &str) {
        let time = Timestamp::try_from(at).map_or_else(
            |_| String::new(),
            |t| {
                t.to_zoned(self.zone.clone())
                    .strftime("%Y-%m-%d %H:%M:%S,%3f")
                    .to_string()
            },
        );
        if let Some(open) = &mut self.open {
            let line = format!("{time} - {text}\n");
            append(&mut open.state, line.as_bytes());
        }
    }

    fn message(&mut self, level: Level, log: Option<Log>, text: &str) {
        self.line(level, log.unwrap_or(Log::Root), SAID, text);
    }

    fn line(&mut self, level: Level, log: Log, place: &str, text: &str) {
        self.bytes(level, log, place, text.as_bytes());
    }

    /// mock writes `LEVEL file.py:line:  message` into root.log, and programs split there: the file is
    /// the one of mock that says such things, and the line is one of its lines. Every byte as it came:
    /// what is no text is for whoever shows it to make visible.
    fn bytes(&mut self, level: Level, log: Log, place: &str, text: &[u8]) {
        let Some(open) = &mut self.open else {
            return;
        };
        match log {
            Log::Build => append(&mut open.build, &[text, b"\n"].concat()),
            Log::Root => {
                let before = format!("{} {place}:  ", level_name(level));
                append(&mut open.root, &[before.as_bytes(), text, b"\n"].concat());
            }
        }
    }
}

/// Where mock logs that it starts a command, what it wrote, how it ended, and all else.
const EXECUTING: &str = "util.py:557";
const OUTPUT: &str = "util.py:462";
const RETURNED: &str = "util.py:609";
const SAID: &str = "buildroot.py:1";

/// mock's line about a command that starts.
pub(super) fn executing(argv: &[String], env: &[(String, String)]) -> String {
    format!(
        "Executing command: {} with env {} and shell False",
        pyrepr::list(argv),
        pyrepr::dict(env)
    )
}

/// mock's line about a command that ended.
pub(super) fn returned(status: i32) -> String {
    format!("Child return code was: {status}")
}

/// mock's names of levels.
pub(super) fn level_name(level: Level) -> &'static str {
    match level {
        Level::Debug => "DEBUG",
        Level::Info => "INFO",
        Level::Warning => "WARNING",
        Level::Error => "ERROR",
    }
}

/// A log must not stop a build: a full disk shows where the build itself writes.
fn append(file: &mut File, line: &[u8]) {
    let _ = file.write_all(line);
}

/// A line without `ESC [ numbers m`.
fn without_colors(line: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.windows(2).position(|two| two == b"\x1b[") {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at + 2..];
        let numbers = rest
            .iter()
            .take_while(|b| b.is_ascii_digit() || **b == b';');
        let end = numbers.count();
        if rest.get(end) == Some(&b'm') {
            rest = &rest[end + 1..];
        } else {
            out.extend_from_slice(b"\x1b[");
        }
    }
    out.extend_from_slice(rest);
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::listen::tests::{noon, tell};

    fn read(dir: &Path, name: &str) -> String {
        std::fs::read_to_string(dir.join(name)).unwrap()
    }

    #[test]
    fn each_of_the_three_files_gets_its_events() {
        let dir = tempfile::tempdir().unwrap();
        let logs = LogFiles::new(TimeZone::UTC);
        logs.open(dir.path()).unwrap();
        tell(&logs);
        assert_eq!(
            read(dir.path(), "build.log"),
            "Executing command: ['bash', '-c', \"rpmbuild -bb it's\"] with env {'LANG': 'C.UTF-8'} and shell False\n\
             checking for gcc... gcc\n\
             Child return code was: 1\n"
        );
        assert_eq!(
            read(dir.path(), "root.log"),
            "INFO buildroot.py:1:  calculated the chroot\n\
             DEBUG buildroot.py:1:  mirror 2 is slow\n\
             WARNING buildroot.py:1:  mirror 1 is gone\n"
        );
        assert_eq!(
            read(dir.path(), "state.log"),
            "2026-01-02 03:04:05,678 - Start: run\n\
             2026-01-02 03:04:05,678 - Start: rpmbuild demo\n\
             2026-01-02 03:04:05,678 - Finish: rpmbuild demo\n\
             2026-01-02 03:04:05,678 - Finish: run\n"
        );
        assert_eq!(logs.balanced(), Ok(()));
    }

    #[test]
    fn no_log_is_written_through_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let victim = dir.path().join("victim");
        std::fs::write(&victim, "mine").unwrap();
        let results = dir.path().join("results");
        std::fs::create_dir(&results).unwrap();
        std::os::unix::fs::symlink(&victim, results.join("root.log")).unwrap();
        let logs = LogFiles::new(TimeZone::UTC);
        let error = logs.open(&results).unwrap_err();
        assert!(error.to_string().contains("root.log"), "{error}");
        tell(&logs);
        assert_eq!(read(dir.path(), "victim"), "mine");
    }

    #[test]
    fn a_directory_used_again_keeps_its_logs() {
        let dir = tempfile::tempdir().unwrap();
        let logs = LogFiles::new(TimeZone::UTC);
        for _ in 0..2 {
            logs.open(dir.path()).unwrap();
            tell(&logs);
            logs.close();
        }
        assert_eq!(read(dir.path(), "state.log").lines().count(), 8);
        tell(&logs);
        assert_eq!(read(dir.path(), "state.log").lines().count(), 8);
    }

    #[test]
    fn a_failure_is_in_root_log() {
        let dir = tempfile::tempdir().unwrap();
        let logs = LogFiles::new(TimeZone::UTC);
        logs.open(dir.path()).unwrap();
        for _ in 0..2 {
            logs.error(&[
                "cannot".into(),
                "No matching package to install: 'a'".into(),
            ]);
        }
        assert_eq!(
            read(dir.path(), "root.log"),
            "ERROR buildroot.py:1:  cannot\nERROR buildroot.py:1:  No matching package to install: 'a'\n"
        );
    }

    #[test]
    fn states_must_balance() {
        let logs = LogFiles::new(TimeZone::UTC);
        let state = |start, what: &str| {
            logs.on_event(
                noon(),
                &Event::State {
                    start,
                    what: what.into(),
                },
            );
        };
        state(true, "run");
        state(false, "init");
        assert_eq!(
            logs.balanced(),
            Err(Unbalanced(vec!["init".into(), "run".into()]))
        );
    }

    #[test]
    fn colours_go_and_all_else_stays() {
        assert_eq!(
            without_colors(b"\x1b[1;31merror\x1b[m: \x1b]0;t\x07 10%\r20%\x08\x1b[2J\xff\x1b["),
            b"error: \x1b]0;t\x07 10%\r20%\x08\x1b[2J\xff\x1b["
        );
    }

    #[test]
    fn every_byte_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let logs = LogFiles::new(TimeZone::UTC);
        logs.open(dir.path()).unwrap();
        let said = b"caf\xe9 \xff\xfe\x00 \xc2\x9b";
        for log in [Log::Build, Log::Root] {
            logs.on_event(noon(), &Event::output(log, said));
        }
        for name in ["build.log", "root.log"] {
            let text = std::fs::read(dir.path().join(name)).unwrap();
            assert!(text.ends_with(&[said, &b"\n"[..]].concat()), "{text:?}");
        }
    }
}
