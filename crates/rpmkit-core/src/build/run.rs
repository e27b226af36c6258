//! One command in the chroot, with its lines as events.

use std::{borrow::Cow, ffi::OsString, path::PathBuf, time::Duration};

use rpmkit_sandbox::{
    Command, Container, Exceeded, Exit, Filters, Limit, Lines, Output, RunAs, Stdin, Stream,
};

use super::BuildError;
use rpmkit_results::excerpt::OutputExcerpt;
use rpmkit_types::event::{Event, Events, Level, Log};

/// A command to run.
#[derive(Debug, Clone)]
pub struct Run {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// Its whole environment.
    pub env: Vec<(String, String)>,
    /// Working directory inside.
    pub cwd: PathBuf,
    /// Who runs it.
    pub user: RunAs,
    /// Time allowed.
    pub timeout: Option<Duration>,
    /// What it may use.
    pub limits: Vec<Limit>,
    /// Counts against the limits of builds.
    pub counted: bool,
    /// Bytes of output it may write before it is stopped.
    pub most_output: Option<u64>,
    /// The log its output goes to; `None` keeps output out of the event stream.
    pub log: Option<Log>,
    /// Standard input.
    pub stdin: Stdin,
    /// Run on a read-only view of the root (builds in single-id mode).
    pub read_only_root: bool,
    /// Directories that stay writable on it.
    pub writable: Vec<PathBuf>,
    /// System calls that are answered without being done.
    pub filters: Option<Filters>,
    /// Put before lines of standard error. With one, the order between the two streams is not kept.
    pub stderr_prefix: String,
}

/// Bytes of output that are kept in memory.
const MOST_KEPT: usize = 256 << 20;

/// How it went.
#[derive(Debug, Clone)]
pub struct Ran {
    /// How it ended.
    pub exit: Exit,
    /// What a diagnosis needs of its output, oldest first, without colour codes.
    pub tail: Vec<String>,
    /// Everything it wrote, when its output was kept out of the event stream.
    pub output: Vec<u8>,
}

impl Run {
    /// Runs it to its end.
    pub fn go(&self, container: &Container, events: &Events) -> Result<Ran, BuildError> {
        let mut command = Command::new(self.argv.iter().map(OsString::from))
            .cwd(&self.cwd)
            .user(self.user)
            .stdin(self.stdin.clone())
            .output(if self.log.is_some() && self.stderr_prefix.is_empty() {
                Output::Merged
            } else {
                Output::Separate
            });
        command.env = self.env.iter().map(|(k, v)| (k.into(), v.into())).collect();
        command.timeout = self.timeout;
        command.limits.clone_from(&self.limits);
        command.counted = self.counted;
        command.read_only_root = self.read_only_root;
        command.writable.clone_from(&self.writable);
        command.filters = self.filters;
        if let Some(log) = self.log {
            events.emit(Event::Command {
                log,
                argv: self.argv.clone(),
                env: self.env.clone(),
            });
        }
        let mut ran = Ran {
            exit: Exit::Code(0),
            tail: Vec::new(),
            output: Vec::new(),
        };
        let mut lines = Lines::default();
        let mut kept = OutputExcerpt::default();
        let mut error_lines = Lines::default();
        let mut on_line = |bytes: &[u8], stream: Stream| {
            if bytes.iter().all(|byte| *byte == b'\r') {
                return;
            }
            kept.push(&plain(bytes));
            let Some(log) = self.log else { return };
            let line = match stream {
                Stream::Stderr => prefixed(&self.stderr_prefix, bytes),
                Stream::Stdout => bytes.into(),
            };
            events.emit(Event::output(log, &line));
        };
        let killer = container.killer();
        let mut cut = false;
        let mut left = self.most_output.unwrap_or(u64::MAX);
        let finished = container.run_to_end(&command, |stream, piece| {
            let length = piece.len() as u64;
            if length > left {
                // What is on its way still comes, and is dropped.
                left = 0;
                return killer.kill_all();
            }
            left -= length;
            match stream {
                Stream::Stdout if self.log.is_none() => {
                    let room = MOST_KEPT.saturating_sub(ran.output.len());
                    ran.output
                        .extend_from_slice(&piece[..piece.len().min(room)]);
                    cut |= piece.len() > room;
                }
                Stream::Stdout => lines.feed(piece, |line| on_line(line, stream)),
                Stream::Stderr => error_lines.feed(piece, |line| on_line(line, stream)),
            }
        })?;
        lines.finish(|line| on_line(line, Stream::Stdout));
        error_lines.finish(|line| on_line(line, Stream::Stderr));
        ran.exit = if left == 0 {
            Exit::Exceeded(Exceeded::Disk)
        } else {
            finished.exit
        };
        if cut {
            let what = self.argv.first().map_or("", String::as_str);
            events.warn(format!(
                "`{what}` wrote more than {} MiB: the rest is not read",
                MOST_KEPT >> 20
            ));
        }
        ran.tail = kept.into_lines();
        if let Some(log) = self.log {
            events.emit(Event::CommandEnd {
                log,
                status: ran.exit.shell_code(),
            });
            for killed in finished.killed {
                let text = format!("killed a process the command left behind: {killed}");
                events.message(Level::Warning, Some(log), text);
            }
        }
        Ok(ran)
    }
}

/// `stderr_line_prefix`, which mock keeps from what a shell traces.
fn prefixed<'l>(prefix: &str, line: &'l [u8]) -> Cow<'l, [u8]> {
    if line.starts_with(b"+ ") {
        return line.into();
    }
    [prefix.as_bytes(), line].concat().into()
}

/// A line as a report quotes it: no colour codes, and what a carriage return overwrote is gone.
fn plain(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_end_matches('\r');
    let text = text.rsplit('\r').next().unwrap_or(text);
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if c == '\u{1b}' && rest.peek() == Some(&'[') {
            rest.next();
            // A control sequence ends with a byte from @ to ~ (ECMA-48).
            for c in rest.by_ref() {
                if ('@'..='~').contains(&c) {
                    break;
                }
            }
        } else if c != '\u{7}' {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{plain, prefixed};

    #[test]
    fn lines_lose_what_a_terminal_would_not_show() {
        assert_eq!(plain(b"\x1b[1;31merror\x1b[0m: x"), "error: x");
        assert_eq!(plain(b" 10%\r100%\r"), "100%");
    }

    #[test]
    fn standard_error_is_marked_and_traces_are_not() {
        assert_eq!(*prefixed("E: ", b"n\xf6"), *b"E: n\xf6");
        assert_eq!(*prefixed("E: ", b"+ make"), *b"+ make");
        assert_eq!(*prefixed("", b"no"), *b"no");
    }
}
