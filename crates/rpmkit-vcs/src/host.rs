//! Commands on the host. Only version control needs them: svn, cvs, git over ssh, and what a
//! configuration asks for by name. Each is shown before it runs, and none sees a shell.

use std::{path::Path, sync::Mutex};

use rpmkit_host::{Environment, HostCommand, HostStream, Tool, shell_status};
use rpmkit_types::event::{Event, Events, Log};

use super::ScmError;

/// The host as commands see it.
#[derive(Debug, Clone, Default)]
pub struct CommandEnv {
    /// The caller's environment; `PATH` in it says where commands are found.
    pub env: Environment,
}

impl CommandEnv {
    /// Runs a command of the user's own configuration, its output becoming events line by line.
    ///
    /// # Errors
    /// When there is no such program or it fails; the error carries its status.
    pub fn configured(&self, argv: &[String], cwd: &Path, events: &Events) -> Result<(), ScmError> {
        let Some((program, words)) = argv.split_first() else {
            return Err(ScmError::EmptyCommand);
        };
        let command = HostCommand::new(Tool::Users, program, &self.env)?;
        run(&command.args(words).cwd(cwd), events)
    }

    /// git outside any repository.
    ///
    /// # Errors
    /// When it is not installed.
    pub fn git(&self) -> Result<HostCommand, ScmError> {
        Ok(HostCommand::git(&self.env)?)
    }
}

/// Runs a command, its output becoming events line by line.
///
/// # Errors
/// When it fails; the error carries its status.
pub fn run(command: &HostCommand, events: &Events) -> Result<(), ScmError> {
    capture(command, events, false).map(drop)
}

/// As [`run`], with what the command wrote to its standard output.
///
/// # Errors
/// As [`run`].
pub(crate) fn output(command: &HostCommand, events: &Events) -> Result<Vec<u8>, ScmError> {
    capture(command, events, true)
}

/// As [`output`], for a command that is told something and must not be shown: secrets go this way.
///
/// # Errors
/// As [`run`].
pub(crate) fn converse(command: &HostCommand, input: &[u8]) -> Result<Vec<u8>, ScmError> {
    let ended = command.converse(input)?;
    if ended.status.success() {
        return Ok(ended.stdout);
    }
    let lines: Vec<String> = String::from_utf8_lossy(&ended.stderr)
        .lines()
        .map(|line| line.trim().to_owned())
        .collect();
    Err(ScmError::Command {
        command: shown(&command.words()),
        status: shell_status(ended.status),
        last: telling(&lines),
    })
}

fn capture(command: &HostCommand, events: &Events, keep: bool) -> Result<Vec<u8>, ScmError> {
    let words = shown(&command.words());
    events.info(format!(
        "running on the host, in {}: {words}",
        command.dir().display()
    ));
    let errors = Mutex::new(Vec::new());
    let ended = command.lines(keep, &|stream, line| {
        if stream == HostStream::Err
            && let Ok(mut errors) = errors.lock()
        {
            errors.push(line.trim().to_owned());
        }
        show(events, line);
    })?;
    if ended.status.success() {
        return Ok(ended.stdout);
    }
    Err(ScmError::Command {
        command: words,
        status: shell_status(ended.status),
        last: telling(&errors.into_inner().unwrap_or_default()),
    })
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
    events.emit(Event::output(Log::Root, line.as_bytes()));
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::disallowed_methods,
        clippy::disallowed_types
    )]
    use super::*;

    fn command(program: &str, words: &[&str]) -> HostCommand {
        let env = [("PATH", "/usr/local/bin:/usr/bin:/bin")];
        let env = env.into_iter().collect();
        HostCommand::new(Tool::Users, program, &env)
            .unwrap()
            .args(words)
    }

    fn host() -> CommandEnv {
        CommandEnv {
            env: [("PATH", "/usr/bin:/bin")].into_iter().collect(),
        }
    }

    #[test]
    fn words_are_not_seen_by_a_shell() {
        let printf = command("printf", &["%s", "$HOME;`id`"]);
        let out = output(&printf, &Events::silent()).unwrap();
        assert_eq!(out, b"$HOME;`id`");
    }

    #[test]
    fn what_is_told_is_answered_and_passwords_are_not_shown() {
        let out = converse(&command("cat", &[]), b"a\nb").unwrap();
        assert_eq!(out, b"a\nb");
        let words = ["git", "fetch", "https://a:b@h/x"].map(str::to_owned);
        assert_eq!(shown(&words), "git fetch 'https://a:***@h/x'");
    }

    #[test]
    fn failure_and_absence_are_told() {
        let silent = Events::silent();
        let sh = |line: &str| run(&command("sh", &["-c", line]), &silent).unwrap_err();
        let error = sh("echo oh no >&2; exit 9");
        assert_eq!(
            error.to_string(),
            "`sh -c 'echo oh no >&2; exit 9'` ended with status 9: oh no"
        );
        assert_eq!(error.status(), Some(9));
        let error = sh(
            "printf 'Host key verification failed.\\nfatal: Could not read from remote repository.\\n\\nPlease make sure you have the correct access rights\\nand the repository exists.\\n' >&2; exit 128",
        );
        assert!(
            error
                .to_string()
                .ends_with("status 128: Host key verification failed."),
            "{error}"
        );
        let configured = |word: &str| {
            let words = [word.to_owned()];
            host()
                .configured(&words, Path::new("/"), &silent)
                .unwrap_err()
        };
        let error = configured("no-such-program");
        assert_eq!(
            error.to_string(),
            "`no-such-program` is not installed on this host"
        );
        assert_eq!(error.exit_code(), rpmkit_types::ExitCode::General);
        let error = configured("/etc/passwd");
        assert_eq!(error.to_string(), "`/etc/passwd` cannot be executed");
        assert_eq!(error.exit_code(), rpmkit_types::ExitCode::CommandLine);
        // A program of the checkout the command runs in.
        let error = configured("./get.sh");
        assert!(
            error.to_string().contains("below the working directory"),
            "{error}"
        );
    }
}
