//! The one place that prints. Standard output carries data, standard error speaks to people.

use std::{
    io::{self, Write},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use indicatif::MultiProgress;

use crate::host::{Host, Terminal};

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
            progress: progress.then(MultiProgress::new),
            interactive: stdin && stderr && host.ci.is_none(),
            broken: AtomicBool::new(false),
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

    /// A line of data on standard output.
    pub fn data(&self, line: impl AsRef<str>) {
        let line = line.as_ref();
        self.raw(format!("{line}\n").as_bytes());
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

    /// A line on standard error, whatever the verbosity.
    pub fn line(&self, line: impl AsRef<str>) {
        let line = line.as_ref();
        self.err_raw(format!("{line}\n").as_bytes());
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
    let code = match tone {
        Tone::Good => "32",
        Tone::Bad => "1;31",
        Tone::Warn => "33",
        Tone::Strong => "1",
        Tone::Faint => "2",
    };
    format!("\x1b[{code}m{text}\x1b[0m")
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
        assert_eq!(painted(true, Tone::Bad, "x"), "\x1b[1;31mx\x1b[0m");
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
