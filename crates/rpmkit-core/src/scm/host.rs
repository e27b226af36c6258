//! Commands on the host. Only version control needs them: svn, cvs, git over ssh, and what a
//! configuration asks for by name. Each is shown before it runs, and none sees a shell.

use std::{
    ffi::OsString,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
};

use super::ScmError;
use crate::event::{Event, Events, Log};

/// The host as commands see it.
#[derive(Debug, Clone, Default)]
pub struct Host {
    /// The whole environment commands get; `PATH` in it says where they are found.
    pub env: Vec<(OsString, OsString)>,
}

impl Host {
    /// A variable of that environment.
    pub fn var(&self, name: &str) -> Option<&OsString> {
        self.env
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value)
    }

    /// Where a program is.
    ///
    /// # Errors
    /// [`ScmError::NoProgram`], which says what package usually has it.
    pub fn find(&self, program: &str, cwd: &Path) -> Result<PathBuf, ScmError> {
        which::which_in(program, self.var("PATH"), cwd).map_err(|_| ScmError::NoProgram {
            program: program.to_owned(),
        })
    }

    /// Runs a command, its output becoming events line by line.
    ///
    /// # Errors
    /// When there is no such program or it fails; the error carries its status.
    pub fn run(&self, argv: &[String], cwd: &Path, events: &Events) -> Result<(), ScmError> {
        self.capture(argv, cwd, events, true).map(drop)
    }

    /// As [`Host::run`], with what the command wrote to its standard output.
    ///
    /// # Errors
    /// As [`Host::run`].
    pub fn output(
        &self,
        argv: &[String],
        cwd: &Path,
        events: &Events,
    ) -> Result<Vec<u8>, ScmError> {
        self.capture(argv, cwd, events, false)
    }

    fn capture(
        &self,
        argv: &[String],
        cwd: &Path,
        events: &Events,
        show_stdout: bool,
    ) -> Result<Vec<u8>, ScmError> {
        let Some((program, arguments)) = argv.split_first() else {
            return Err(ScmError::EmptyCommand);
        };
        let shown =
            shlex::try_join(argv.iter().map(String::as_str)).unwrap_or_else(|_| argv.join(" "));
        let path = self.find(program, cwd)?;
        events.info(format!(
            "running on the host, in {}: {shown}",
            cwd.display()
        ));
        let mut child = Command::new(&path)
            .args(arguments)
            .current_dir(cwd)
            .env_clear()
            .envs(self.env.iter().map(|(key, value)| (key, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(ScmError::io("run", &path))?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let mut kept = Vec::new();
        let mut last = String::new();
        std::thread::scope(|scope| {
            let errors = scope.spawn(|| {
                let mut last = String::new();
                if let Some(stderr) = stderr {
                    each_line(stderr, |line| {
                        if !line.trim().is_empty() {
                            last = line.trim().to_owned();
                        }
                        show(events, line);
                    });
                }
                last
            });
            if let Some(mut stdout) = stdout {
                if show_stdout {
                    each_line(stdout, |line| show(events, line));
                } else if let Err(error) = stdout.read_to_end(&mut kept) {
                    show(events, &format!("reading from {program}: {error}"));
                }
            }
            last = errors.join().unwrap_or_default();
        });
        let status = child.wait().map_err(ScmError::io("run", &path))?;
        if status.success() {
            return Ok(kept);
        }
        Err(ScmError::Command {
            command: shown,
            status: shell_status(status),
            last,
        })
    }
}

fn show(events: &Events, line: &str) {
    events.emit(Event::Output {
        log: Log::Root,
        line: line.to_owned(),
    });
}

fn each_line(stream: impl Read, mut take: impl FnMut(&str)) {
    for line in BufReader::new(stream).split(b'\n') {
        let Ok(line) = line else { return };
        take(String::from_utf8_lossy(&line).trim_end_matches('\r'));
    }
}

/// A status as shells count: 128 and the signal for a killed process.
fn shell_status(status: ExitStatus) -> u8 {
    use std::os::unix::process::ExitStatusExt;
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal))
        .unwrap_or(1);
    u8::try_from(code).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    pub(crate) fn host() -> Host {
        Host {
            env: vec![("PATH".into(), "/usr/local/bin:/usr/bin:/bin".into())],
        }
    }

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn words_are_not_seen_by_a_shell() {
        let dir = tempfile::tempdir().unwrap();
        let out = host()
            .output(
                &words(&["printf", "%s", "$HOME;`id`"]),
                dir.path(),
                &Events::silent(),
            )
            .unwrap();
        assert_eq!(out, b"$HOME;`id`");
    }

    #[test]
    fn failure_and_absence_are_told() {
        let dir = tempfile::tempdir().unwrap();
        let error = host()
            .run(
                &words(&["sh", "-c", "echo oh no >&2; exit 9"]),
                dir.path(),
                &Events::silent(),
            )
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "`sh -c 'echo oh no >&2; exit 9'` ended with status 9: oh no"
        );
        assert_eq!(error.status(), Some(9));
        let error = host()
            .run(&words(&["no-such-program"]), dir.path(), &Events::silent())
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "`no-such-program` is not installed on this host"
        );
        assert_eq!(error.exit_code(), crate::ExitCode::CommandLine);
    }
}
