//! Running to the end, and what came out.

use std::{
    io::{BufRead, BufReader, Read, Write},
    process::{ExitStatus, Stdio},
};

use crate::{HostCommand, HostError};

/// Longest answer that is kept in memory. A program that says more is told apart from one that ended.
const MOST: u64 = 64 << 20;

/// Longest line that is handed on in one piece.
const LINE: u64 = 1 << 20;

/// Where a line was written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostStream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// How a program ended, and what it said.
#[derive(Debug, Clone)]
pub struct ProgramEnd {
    /// Its status.
    pub status: ExitStatus,
    /// What it wrote to its standard output, unless lines of it were handed on.
    pub stdout: Vec<u8>,
    /// What it wrote to its standard error, likewise.
    pub stderr: Vec<u8>,
}

impl HostCommand {
    /// Runs it and keeps what it says.
    ///
    /// # Errors
    /// [`HostError::Start`], also when it says more than 64 MiB.
    pub fn output(&self) -> Result<ProgramEnd, HostError> {
        self.converse(b"")
    }

    /// As [`HostCommand::output`], for one that reads `input`: secrets go this way.
    ///
    /// # Errors
    /// As [`HostCommand::output`].
    pub fn converse(&self, input: &[u8]) -> Result<ProgramEnd, HostError> {
        let failed = |source| self.start_error(source);
        let mut command = self.to_std();
        if !input.is_empty() {
            command.stdin(Stdio::piped());
        }
        let mut child = command.spawn().map_err(failed)?;
        let (stdin, out, err) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (stdout, stderr) = std::thread::scope(|scope| {
            scope.spawn(move || {
                // One that does not listen says why itself.
                stdin.map(|mut stdin| stdin.write_all(input))
            });
            let err = scope.spawn(|| kept(err));
            (kept(out), err.join().unwrap_or_default())
        });
        let status = child.wait().map_err(failed)?;
        if stdout.len() as u64 > MOST || stderr.len() as u64 > MOST {
            return Err(failed(std::io::Error::other("it said more than 64 MiB")));
        }
        Ok(ProgramEnd {
            status,
            stdout,
            stderr,
        })
    }

    /// Runs it and hands on each line as it comes, without its newline; bytes that are no UTF-8 are
    /// replaced. With `keep`, standard output is kept instead.
    ///
    /// # Errors
    /// As [`HostCommand::output`].
    pub fn lines(
        &self,
        keep: bool,
        take: &(dyn Fn(HostStream, &str) + Sync),
    ) -> Result<ProgramEnd, HostError> {
        let failed = |source| self.start_error(source);
        let mut child = self.to_std().spawn().map_err(failed)?;
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let stdout = std::thread::scope(|scope| {
            scope.spawn(|| each_line(err, |line| take(HostStream::Err, line)));
            if keep {
                return kept(out);
            }
            each_line(out, |line| take(HostStream::Out, line));
            Vec::new()
        });
        let status = child.wait().map_err(failed)?;
        if stdout.len() as u64 > MOST {
            return Err(failed(std::io::Error::other("it said more than 64 MiB")));
        }
        Ok(ProgramEnd {
            status,
            stdout,
            stderr: Vec::new(),
        })
    }
}

/// What a stream says; a byte more than [`MOST`] where it says more. Then the pipe is closed, and the
/// program ends by itself.
fn kept(stream: Option<impl Read>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        // What was read before an error is what there is; the status says that something is wrong.
        let _ = stream.take(MOST + 1).read_to_end(&mut bytes);
    }
    bytes
}

fn each_line(stream: Option<impl Read>, mut take: impl FnMut(&str)) {
    let Some(stream) = stream else { return };
    let mut stream = BufReader::new(stream);
    let mut line = Vec::new();
    loop {
        line.clear();
        match stream.by_ref().take(LINE).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        take(String::from_utf8_lossy(text).trim_end_matches('\r'));
    }
}

/// A status as shells count: 128 and the signal for a killed process.
pub fn shell_status(status: ExitStatus) -> u8 {
    use std::os::unix::process::ExitStatusExt;
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal))
        .unwrap_or(1);
    u8::try_from(code).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Mutex;

    use super::*;
    use crate::{Environment, Tool};

    fn sh(line: &str) -> HostCommand {
        let env: Environment = [("PATH", "/usr/bin:/bin")].into_iter().collect();
        HostCommand::new(Tool::Bare, "sh", &env)
            .unwrap()
            .args(["-c", line])
    }

    #[test]
    fn lines_come_from_both_streams() {
        let seen = Mutex::new(Vec::new());
        let take = |stream, line: &str| seen.lock().unwrap().push((stream, line.to_owned()));
        let ended = sh("echo a; printf 'b\\r\\nc' >&2; exit 3")
            .lines(false, &take)
            .unwrap();
        assert_eq!(shell_status(ended.status), 3);
        let mut seen = seen.into_inner().unwrap();
        seen.sort_by_key(|(stream, line)| (*stream == HostStream::Err, line.clone()));
        let text = |stream, line: &str| (stream, line.to_owned());
        let all = [
            text(HostStream::Out, "a"),
            text(HostStream::Err, "b"),
            text(HostStream::Err, "c"),
        ];
        assert_eq!(seen, all);
    }

    #[test]
    fn what_is_told_is_answered() {
        let ended = sh("cat; kill -9 $$").converse(b"x\ny").unwrap();
        assert_eq!(ended.stdout, b"x\ny");
        assert_eq!(shell_status(ended.status), 137);
    }

    #[test]
    fn much_that_is_told_and_said_at_once_does_not_wait_for_itself() {
        let input = vec![b'x'; 1 << 20];
        assert_eq!(
            sh("cat").converse(&input).unwrap().stdout.len(),
            input.len()
        );
    }
}
