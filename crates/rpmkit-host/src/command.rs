//! One program with its words.

use std::{
    ffi::{OsStr, OsString},
    os::unix::{ffi::OsStrExt, fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{Environment, HostError, Tool};

/// A program of the host, ready to be started. See the crate's documentation for what it promises.
#[derive(Debug, Clone)]
pub struct HostCommand {
    program: String,
    path: PathBuf,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    cwd: PathBuf,
    /// Whether `--` was given: everything after it is no option.
    ended: bool,
}

impl HostCommand {
    /// A program, by name or absolute path.
    ///
    /// # Errors
    /// [`HostError::NoProgram`], [`HostError::NotExecutable`], [`HostError::RelativeProgram`].
    pub fn new(tool: Tool, program: &str, environment: &Environment) -> Result<Self, HostError> {
        Ok(Self {
            path: find(program, environment)?,
            program: program.to_owned(),
            args: Vec::new(),
            env: environment
                .of(tool)
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .collect(),
            cwd: "/".into(),
            ended: false,
        })
    }

    /// A line the user wrote, which their shell reads. `name` is its `$0`, `parameters` its `"$@"`:
    /// names from outside belong there and nowhere else.
    ///
    /// # Errors
    /// When there is no `/bin/sh`.
    pub fn line(
        line: &str,
        name: impl Into<OsString>,
        parameters: impl IntoIterator<Item = impl Into<OsString>>,
        environment: &Environment,
    ) -> Result<Self, HostError> {
        let mut command = Self::new(Tool::Users, "/bin/sh", environment)?;
        command.args.extend(["-c".into(), line.into(), name.into()]);
        command.args.extend(parameters.into_iter().map(Into::into));
        Ok(command)
    }

    /// Words of ours, or of the user's own.
    #[must_use]
    pub fn args(mut self, words: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.args.extend(words.into_iter().map(Into::into));
        self
    }

    /// `--`, after which no word is an option.
    #[must_use]
    pub fn end_of_options(mut self) -> Self {
        self.args.push("--".into());
        self.ended = true;
        self
    }

    /// A word from outside.
    ///
    /// # Errors
    /// [`HostError::OptionLike`] where it would be taken for an option.
    pub fn operand(mut self, word: impl AsRef<OsStr>) -> Result<Self, HostError> {
        let word = word.as_ref();
        if !self.ended && word.as_bytes().first() == Some(&b'-') {
            return Err(HostError::OptionLike {
                program: self.program,
                word: word.to_string_lossy().into_owned(),
            });
        }
        self.args.push(word.to_owned());
        Ok(self)
    }

    /// Another working directory than `/`. Not a stranger's tree, unless looking at it is what the
    /// user's own command is for.
    #[must_use]
    pub fn cwd(mut self, dir: &Path) -> Self {
        self.cwd = dir.to_owned();
        self
    }

    /// A variable besides those its kind gets, or in place of one.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        let (name, value) = (name.into(), value.into());
        self.env.retain(|(key, _)| *key != name);
        self.env.push((name, value));
        self
    }

    /// A variable of its environment.
    pub(crate) fn variable(&self, name: &str) -> Option<&OsStr> {
        let mut all = self.env.iter();
        all.find(|(key, _)| key == name)
            .map(|(_, value)| value.as_os_str())
    }

    /// The program's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its working directory.
    pub fn dir(&self) -> &Path {
        &self.cwd
    }

    /// The program as it was asked for, and its words.
    pub fn words(&self) -> Vec<String> {
        let args = self
            .args
            .iter()
            .map(|word| word.to_string_lossy().into_owned());
        std::iter::once(self.program.clone()).chain(args).collect()
    }

    /// Makes it the standard library's, with nothing to read and both outputs piped.
    pub fn to_std(&self) -> Command {
        #[allow(
            clippy::disallowed_methods,
            reason = "the one place that starts programs"
        )]
        let mut command = Command::new(&self.path);
        command
            // As a shell does: some programs look at the name they were called by.
            .arg0(&self.program)
            .args(&self.args)
            .current_dir(&self.cwd)
            .env_clear()
            .envs(self.env.iter().map(|(key, value)| (key, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Becomes the program; returns only when that fails.
    pub fn exec(&self) -> HostError {
        let mut command = self.to_std();
        command
            .stdin(Stdio::inherit())
            .stdout(Stdio::inherit())
            .stderr(Stdio::inherit());
        let source = command.exec();
        self.start_error(source)
    }

    pub(crate) fn start_error(&self, source: std::io::Error) -> HostError {
        HostError::Start {
            path: self.path.clone(),
            source,
        }
    }
}

/// A program's file: a name is looked up in the absolute directories of `PATH`.
fn find(program: &str, environment: &Environment) -> Result<PathBuf, HostError> {
    let owned = || program.to_owned();
    if program.contains('/') {
        let path = PathBuf::from(program);
        return match (path.is_absolute(), path.exists(), is_program(&path)) {
            (false, ..) => Err(HostError::RelativeProgram { program: owned() }),
            (_, false, _) => Err(HostError::NoProgram { program: owned() }),
            (.., false) => Err(HostError::NotExecutable { program: owned() }),
            (.., true) => Ok(path),
        };
    }
    let path = environment.var("PATH").cloned().unwrap_or_default();
    std::env::split_paths(&path)
        .filter(|dir| dir.is_absolute())
        .map(|dir| dir.join(program))
        .find(|path| !program.is_empty() && is_program(path))
        .ok_or_else(|| HostError::NoProgram { program: owned() })
}

fn is_program(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::fs;

    fn environment(path: &str) -> Environment {
        [("PATH", path), ("SECRET", "s")].into_iter().collect()
    }

    #[test]
    fn nothing_of_the_working_directory_is_run() {
        let dir = tempfile::tempdir().unwrap();
        let evil = dir.path().join("evil");
        fs::write(&evil, "#!/bin/sh\n").unwrap();
        fs::set_permissions(&evil, fs::Permissions::from_mode(0o755)).unwrap();
        let here = std::env::current_dir().unwrap();
        let up = "../".repeat(here.components().count());
        let relative = format!("{up}{}", dir.path().display());
        let of =
            |program: &str, path: &str| HostCommand::new(Tool::Git, program, &environment(path));
        assert!(of("evil", dir.path().to_str().unwrap()).is_ok());
        for path in [".", "", &relative, ":"] {
            let error = of("evil", path).unwrap_err();
            assert!(
                matches!(error, HostError::NoProgram { .. }),
                "{path}: {error}"
            );
        }
        let error = of(&format!("{relative}/evil"), "/bin").unwrap_err();
        assert!(
            matches!(error, HostError::RelativeProgram { .. }),
            "{error}"
        );
        let error = of("/etc/passwd", "/bin").unwrap_err();
        assert!(matches!(error, HostError::NotExecutable { .. }), "{error}");
    }

    #[test]
    fn words_from_outside_are_no_options() {
        let git = || HostCommand::new(Tool::Git, "env", &environment("/usr/bin:/bin")).unwrap();
        let error = git().operand("-upload-pack=x\u{1b}").unwrap_err();
        assert_eq!(
            error.to_string(),
            "`-upload-pack=x\\u{1b}` begins with `-`: `env` would take it for an option"
        );
        let words = git().end_of_options().operand("-x").unwrap().words();
        assert_eq!(words, ["env", "--", "-x"]);
    }

    #[test]
    fn a_program_runs_at_the_root_and_without_secrets() {
        let command = HostCommand::new(Tool::Svn, "sh", &environment("/usr/bin:/bin")).unwrap();
        let ended = command.args(["-c", "pwd; echo $SECRET"]).output().unwrap();
        assert_eq!(ended.stdout, b"/\n\n");
    }

    #[test]
    fn names_reach_a_line_as_parameters() {
        let line = "printf '<%s>' \"$0\" \"$@\"; printf $SECRET";
        let env = environment("/bin");
        let ended = HostCommand::line(line, "$(id)", ["a;b", "`id`"], &env).unwrap();
        assert_eq!(ended.output().unwrap().stdout, b"<$(id)><a;b><`id`>s");
    }
}
