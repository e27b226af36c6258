//! The one place that prints. Standard output carries data, standard error speaks to people.

use std::{
    io::{self, Write},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use indicatif::MultiProgress;

use crate::{
    host::{Host, Terminal},
    visible::{VisiblePieces, visible},
};

/// How much people want to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Verbosity {
    /// Warnings and errors only.
    Quiet,
    /// Phases and messages.
    #[default]
    Normal,
    /// Everything, debug messages too.
    Verbose,
}

/// Whose manners to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Face {
    /// Ours: phases, progress, a failure report.
    #[default]
    People,
    /// mock's: `INFO: …` lines, no progress, no colour.
    Mock,
}

/// What a tone means, so that colours are decided in one place. Text must make sense without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Something worked.
    Good,
    /// Something failed.
    Bad,
    /// Something is off.
    Warn,
    /// A heading or a name.
    Strong,
    /// Secondary text.
    Faint,
}

/// The printer; cheap to clone, every clone writes to the same streams.
#[derive(Clone)]
pub struct Printer(Arc<Inner>);

struct Inner {
    out: Mutex<Box<dyn Write + Send>>,
    err: Mutex<Box<dyn Write + Send>>,
    out_color: bool,
    err_color: bool,
    face: Face,
    verbosity: Verbosity,
    progress: Option<MultiProgress>,
    interactive: bool,
    broken: AtomicBool,
    /// Standard output is looked at: by a person, or in a service's log. Else a program reads it.
    out_seen: bool,
    /// What GitHub was told to stop obeying commands until.
    stopped: Mutex<Option<String>>,
}

impl Printer {
    /// The printer on the process's own streams.
    pub fn new(host: &Host, face: Face, verbosity: Verbosity) -> Self {
        let Terminal {
            stdin,
            stdout,
            stderr,
            capable,
            color_wanted,
            color_forced,
        } = host.terminal;
        let ours = face == Face::People;
        let color = |tty: bool| ours && color_wanted && (color_forced || (tty && capable));
        let progress =
            ours && stderr && capable && host.ci.is_none() && verbosity != Verbosity::Quiet;
        Self(Arc::new(Inner {
            out: Mutex::new(Box::new(io::stdout())),
            err: Mutex::new(Box::new(io::stderr())),
            out_color: color(stdout),
            err_color: color(stderr),
            face,
            verbosity,
            progress: progress.then(crate::steady::progress),
            interactive: stdin && stderr && host.ci.is_none(),
            broken: AtomicBool::new(false),
            out_seen: stdout || host.ci.is_some(),
            stopped: Mutex::default(),
        }))
    }

    /// A printer that keeps what it is given, for tests.
    pub fn captured(face: Face, verbosity: Verbosity) -> (Self, Captured, Captured) {
        let (out, err) = (Captured::default(), Captured::default());
        let printer = Self(Arc::new(Inner {
            out: Mutex::new(Box::new(out.clone())),
            err: Mutex::new(Box::new(err.clone())),
            out_color: false,
            err_color: false,
            face,
            verbosity,
            progress: None,
            interactive: false,
            broken: AtomicBool::new(false),
            out_seen: false,
            stopped: Mutex::default(),
        }));
        (printer, out, err)
    }

    /// Whose manners.
    pub fn face(&self) -> Face {
        self.0.face
    }

    /// How much.
    pub fn verbosity(&self) -> Verbosity {
        self.0.verbosity
    }

    /// Whether a person can be asked something.
    pub fn interactive(&self) -> bool {
        self.0.interactive
    }

    /// Where progress bars go; `None` when there must be none.
    pub fn progress(&self) -> Option<&MultiProgress> {
        self.0.progress.as_ref()
    }

    /// Whether the reader of standard output went away.
    pub fn broken_pipe(&self) -> bool {
        self.0.broken.load(Ordering::Relaxed)
    }

    /// A line of data on standard output. Where it is looked at, control characters are shown.
    pub fn data(&self, line: impl AsRef<str>) {
        let line = line.as_ref();
        let line = match self.0.out_seen {
            true => seen(line, self.0.out_color),
            false => line.to_owned(),
        };
        self.raw(format!("{line}\n").as_bytes());
    }

    /// Output of a command on standard output, where it comes in pieces: as it is for a program, with
    /// control characters shown where it is looked at. An empty piece ends it.
    pub fn foreign(&self, pieces: &mut VisiblePieces, piece: &[u8]) {
        match (self.0.out_seen, piece.is_empty()) {
            (false, _) => self.raw(piece),
            (true, false) => self.raw(pieces.feed(piece).as_bytes()),
            (true, true) => self.raw(pieces.finish().as_bytes()),
        }
    }

    /// Bytes on standard output as they are, flushed.
    pub fn raw(&self, bytes: &[u8]) {
        self.around_progress(|| {
            let mut out = lock(&self.0.out);
            self.note(out.write_all(bytes).and_then(|()| out.flush()));
        });
    }

    /// A value as indented JSON on standard output.
    pub fn json(&self, value: &impl serde::Serialize) {
        match serde_json::to_string_pretty(value) {
            Ok(text) => self.data(text),
            Err(error) => self.line(format!("ERROR: cannot write the result as JSON: {error}")),
        }
    }

    /// A line on standard error, whatever the verbosity, with control characters shown.
    pub fn line(&self, line: impl AsRef<str>) {
        let line = seen(line.as_ref(), self.0.err_color);
        self.err_raw(format!("{line}\n").as_bytes());
    }

    /// Has GitHub obey no commands in what follows, but those of [`Printer::command`]: a build may write
    /// `::error::` and the like (GitHub's "Workflow commands", stop-commands).
    pub fn stop_commands(&self, token: String) {
        let mut stopped = lock(&self.0.stopped);
        if stopped.is_none() {
            self.line(format!("::stop-commands::{token}"));
            *stopped = Some(token);
        }
    }

    /// A command for GitHub, obeyed even after [`Printer::stop_commands`].
    pub fn command(&self, command: &str) {
        let stopped = lock(&self.0.stopped);
        match &*stopped {
            Some(token) => self.line(format!("::{token}::\n{command}\n::stop-commands::{token}")),
            None => self.line(command),
        }
    }

    /// Has GitHub obey commands again: the next program of the step may have some.
    pub fn resume_commands(&self) {
        if let Some(token) = lock(&self.0.stopped).take() {
            self.line(format!("::{token}::"));
        }
    }

    /// A line on standard error unless quiet.
    pub fn say(&self, line: impl AsRef<str>) {
        if self.0.verbosity > Verbosity::Quiet {
            self.line(line);
        }
    }

    /// Bytes on standard error as they are.
    pub fn err_raw(&self, bytes: &[u8]) {
        self.around_progress(|| {
            let mut err = lock(&self.0.err);
            // Nobody to tell when standard error is gone.
            let _ = err.write_all(bytes).and_then(|()| err.flush());
        });
    }

    /// `text` in a tone, for standard error.
    pub fn paint(&self, tone: Tone, text: &str) -> String {
        painted(self.0.err_color, tone, text)
    }

    /// `text` in a tone, for standard output.
    pub fn paint_data(&self, tone: Tone, text: &str) -> String {
        painted(self.0.out_color, tone, text)
    }

    /// Columns of the terminal on standard error; 80 when there is none.
    pub fn width(&self) -> usize {
        match console::Term::stderr().size_checked() {
            Some((_, columns)) => usize::from(columns),
            None => 80,
        }
    }

    fn around_progress(&self, write: impl FnOnce()) {
        match &self.0.progress {
            Some(bars) => bars.suspend(write),
            None => write(),
        }
    }

    fn note(&self, written: io::Result<()>) {
        if written.is_err_and(|e| e.kind() == io::ErrorKind::BrokenPipe) {
            self.0.broken.store(true, Ordering::Relaxed);
        }
    }
}

fn painted(color: bool, tone: Tone, text: &str) -> String {
    if !color {
        return text.to_owned();
    }
    let mark = match tone {
        Tone::Good => MARKS[0].0,
        Tone::Bad => MARKS[1].0,
        Tone::Warn => MARKS[2].0,
        Tone::Strong => MARKS[3].0,
        Tone::Faint => MARKS[4].0,
    };
    format!("{mark}{text}{END}")
}

/// Stand for tones until the text is printed, so that every other control character in it is shown.
/// Unicode keeps these for a program's own use. A stranger's text that has them has a colour at most.
const MARKS: [(char, &str); 5] = [
    ('\u{fdd0}', "32"),
    ('\u{fdd1}', "1;31"),
    ('\u{fdd2}', "33"),
    ('\u{fdd3}', "1"),
    ('\u{fdd4}', "2"),
];

/// Ends a tone.
const END: char = '\u{fdd5}';

/// `text` as it is printed: tones in colour, control characters shown.
fn seen(text: &str, color: bool) -> String {
    if !color {
        return visible(text).into_owned();
    }
    let mut out = String::with_capacity(text.len() + 32);
    let mut open = false;
    for piece in text.split_inclusive(|c| c == END || MARKS.iter().any(|(mark, _)| *mark == c)) {
        let last = piece.chars().next_back().unwrap_or_default();
        let code = MARKS.iter().find(|(mark, _)| *mark == last);
        let plain = match code.is_some() || last == END {
            true => &piece[..piece.len() - last.len_utf8()],
            false => piece,
        };
        out.push_str(&visible(plain));
        match code {
            Some((_, code)) => out.push_str(&format!("\x1b[{code}m")),
            None if last == END => out.push_str("\x1b[0m"),
            None => {}
        }
        open = code.is_some() || (open && last != END);
    }
    if open {
        out.push_str("\x1b[0m");
    }
    out
}

/// A panicking writer leaves nothing half done that could matter to the next line.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Bytes a captured printer was given.
#[derive(Clone, Default)]
pub struct Captured(Arc<Mutex<Vec<u8>>>);

impl Captured {
    /// All so far.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&lock(&self.0)).into_owned()
    }
}

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        lock(&self.0).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_kept_apart_and_quiet_is_quiet() {
        let (printer, out, err) = Printer::captured(Face::People, Verbosity::Quiet);
        printer.data("data");
        printer.say("chatter");
        printer.line("error");
        assert_eq!(
            (out.text().as_str(), err.text().as_str()),
            ("data\n", "error\n")
        );
    }

    #[test]
    fn without_colour_text_is_untouched() {
        let (printer, ..) = Printer::captured(Face::People, Verbosity::Normal);
        assert_eq!(printer.paint(Tone::Bad, "x"), "x");
        let text = format!("{}\u{1b}[5m", painted(true, Tone::Bad, "x\u{1b}]0;t\u{7}"));
        assert_eq!(
            seen(&text, true),
            "\x1b[1;31mx\\u001b]0;t\\u0007\x1b[0m\\u001b[5m"
        );
        assert_eq!(seen("\u{fdd1}x", true), "\x1b[1;31mx\x1b[0m");
        assert_eq!(seen("\u{fdd1}x", false), "\\ufdd1x");
    }

    #[test]
    fn control_characters_are_shown_where_somebody_looks() {
        let (mut printer, out, err) = Printer::captured(Face::Mock, Verbosity::Normal);
        printer.line("ERROR: \u{1b}]52;c;x\u{7}");
        assert_eq!(err.text(), "ERROR: \\u001b]52;c;x\\u0007\n");
        let mut pieces = VisiblePieces::default();
        printer.data("a\u{1b}");
        printer.foreign(&mut pieces, b"b\x1b");
        if let Some(inner) = Arc::get_mut(&mut printer.0) {
            inner.out_seen = true;
        }
        printer.data("c\u{1b}");
        printer.foreign(&mut pieces, b"d\xc2");
        printer.foreign(&mut pieces, b"\x9b\n");
        assert_eq!(out.text(), "a\u{1b}\nb\u{1b}c\\u001b\nd\\u009b\n");
    }

    #[test]
    fn only_our_own_commands_are_obeyed() {
        let (printer, _, err) = Printer::captured(Face::People, Verbosity::Normal);
        printer.stop_commands("t0".to_owned());
        printer.line("::error::from a build");
        printer.command("::group::ours");
        printer.resume_commands();
        assert_eq!(
            err.text(),
            "::stop-commands::t0\n::error::from a build\n::t0::\n::group::ours\n\
             ::stop-commands::t0\n::t0::\n"
        );
    }

    #[test]
    fn a_reader_that_left_is_noticed_and_no_panic() {
        struct Gone;
        impl Write for Gone {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let (printer, ..) = Printer::captured(Face::People, Verbosity::Normal);
        *lock(&printer.0.out) = Box::new(Gone);
        assert!(!printer.broken_pipe());
        printer.data("x");
        assert!(printer.broken_pipe());
    }
}
