//! Commands on the host. Only version control needs them: svn, cvs, git over ssh, and what a
//! configuration asks for by name. Each is shown before it runs, and none sees a shell.

use std::{
    ffi::OsString,
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
};

use super::ScmError;
use rpmkit_types::event::{Event, Events, Log};

/// The host as commands see it.
#[derive(Debug, Clone, Default)]
pub struct CommandEnv {
    /// The whole environment commands get; `PATH` in it says where they are found.
    pub env: Vec<(OsString, OsString)>,
}

impl CommandEnv {
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
    /// [`ScmError::NoProgram`], which says what package usually has it;
    /// [`ScmError::NotExecutable`].
    pub fn find(&self, program: &str, cwd: &Path) -> Result<PathBuf, ScmError> {
        which::which_in(program, self.var("PATH"), cwd).map_err(|_| {
            let program = program.to_owned();
            if program.contains('/') && cwd.join(&program).exists() {
                ScmError::NotExecutable { program }
            } else {
                ScmError::NoProgram { program }
            }
        })
    }

    /// Runs a command, its output becoming events line by line.
    ///
    /// # Errors
    /// When there is no such program or it fails; the error carries its status.
    pub fn run(&self, argv: &[String], cwd: &Path, events: &Events) -> Result<(), ScmError> {
        self.capture(argv, cwd, events, true).map(drop)
    }

    /// As [`CommandEnv::run`], with what the command wrote to its standard output.
    ///
    /// # Errors
    /// As [`CommandEnv::run`].
    pub fn output(
        &self,
        argv: &[String],
        cwd: &Path,
        events: &Events,
    ) -> Result<Vec<u8>, ScmError> {
        self.capture(argv, cwd, events, false)
    }

    /// As [`CommandEnv::output`], for a command that is told something and must not be shown: secrets
    /// go this way.
    ///
    /// # Errors
    /// As [`CommandEnv::run`].
    pub fn converse(&self, argv: &[String], cwd: &Path, input: &[u8]) -> Result<Vec<u8>, ScmError> {
        let Some((program, arguments)) = argv.split_first() else {
            return Err(ScmError::EmptyCommand);
        };
        let path = self.find(program, cwd)?;
        let mut child = self
            .command(&path, arguments, cwd)
            .stdin(Stdio::piped())
            .spawn()
            .map_err(ScmError::io("run", &path))?;
        if let Some(mut stdin) = child.stdin.take() {
            // One that does not listen says why itself.
            let _ = stdin.write_all(input);
        }
        let out = child
            .wait_with_output()
            .map_err(ScmError::io("run", &path))?;
        if out.status.success() {
            return Ok(out.stdout);
        }
        let lines: Vec<String> = String::from_utf8_lossy(&out.stderr)
            .lines()
            .map(|line| line.trim().to_owned())
            .collect();
        Err(ScmError::Command {
            command: shown(argv),
            status: shell_status(out.status),
            last: telling(&lines),
        })
    }

    fn command(&self, path: &Path, arguments: &[String], cwd: &Path) -> Command {
        let mut command = Command::new(path);
        command
            .args(arguments)
            .current_dir(cwd)
            .env_clear()
            .envs(self.env.iter().map(|(key, value)| (key, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
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
        let shown = shown(argv);
        let path = self.find(program, cwd)?;
        events.info(format!(
            "running on the host, in {}: {shown}",
            cwd.display()
        ));
        let mut child = self
            .command(&path, arguments, cwd)
            .spawn()
            .map_err(ScmError::io("run", &path))?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let mut kept = Vec::new();
        let mut last = String::new();
        std::thread::scope(|scope| {
            let errors = scope.spawn(|| {
                let mut lines = Vec::new();
                if let Some(stderr) = stderr {
                    each_line(stderr, |line| {
                        lines.push(line.trim().to_owned());
                        show(events, line);
                    });
                }
                telling(&lines)
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

/// A command as one could type it, without passwords.
fn shown(argv: &[String]) -> String {
    let words: Vec<String> = argv
        .iter()
        .map(|word| super::url::without_secret(word))
        .collect();
    shlex::try_join(words.iter().map(String::as_str)).unwrap_or_else(|_| words.join(" "))
}

/// The line of a failed command's messages that says why: the last one, but not git's advice
/// after a failed connection, nor its own "could not read" where ssh has said more.
fn telling(lines: &[String]) -> String {
    const ADVICE: &[&str] = &[
        "Please make sure you have the correct access rights",
        "and the repository exists.",
        "fatal: Could not read from remote repository.",
    ];
    let mut said = lines.iter().rev().filter(|line| !line.is_empty());
    let last = said.clone().next().cloned().unwrap_or_default();
    said.find(|line| !ADVICE.contains(&line.as_str()))
        .cloned()
        .unwrap_or(last)
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

    pub(crate) fn host() -> CommandEnv {
        CommandEnv {
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
    fn what_is_told_is_answered_and_passwords_are_not_shown() {
        let dir = tempfile::tempdir().unwrap();
        let out = host()
            .converse(&words(&["cat"]), dir.path(), b"a\nb")
            .unwrap();
        assert_eq!(out, b"a\nb");
        assert_eq!(
            shown(&words(&["git", "fetch", "https://a:b@h/x"])),
            "git fetch 'https://a:***@h/x'"
        );
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
            .run(
                &words(&["sh", "-c", "printf 'Host key verification failed.\\nfatal: Could not read from remote repository.\\n\\nPlease make sure you have the correct access rights\\nand the repository exists.\\n' >&2; exit 128"]),
                dir.path(),
                &Events::silent(),
            )
            .unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with("status 128: Host key verification failed."),
            "{error}"
        );
        let error = host()
            .run(&words(&["no-such-program"]), dir.path(), &Events::silent())
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "`no-such-program` is not installed on this host"
        );
        assert_eq!(error.exit_code(), rpmkit_types::ExitCode::General);
        let error = host()
            .run(&words(&["/etc/passwd"]), dir.path(), &Events::silent())
            .unwrap_err();
        assert_eq!(error.to_string(), "`/etc/passwd` cannot be executed");
        assert_eq!(error.exit_code(), rpmkit_types::ExitCode::CommandLine);
    }
}
