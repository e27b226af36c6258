//! How a verb ends: a status to pass on, or a failure to show.

use rpmkit_core::{ExitCode, Hint, build::hints::Remedy, results::failure::FailureReport};

/// The status a verb that ran ends with. Not always zero: `--chroot false` worked and ends with 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status(pub u8);

impl Status {
    /// All is well.
    pub const OK: Self = Self(0);
}

/// What every verb returns.
pub type VerbResult = Result<Status, Failure>;

/// A failure with everything the front end shows.
#[derive(Debug, Clone)]
pub struct Failure {
    /// Lower-case fragment with its chain of causes in it.
    pub message: String,
    /// The process's status.
    pub code: u8,
    /// What to do next.
    pub hints: Vec<Hint>,
    /// The full record, when a build failed.
    pub report: Option<Box<FailureReport>>,
    /// Lines the spec misses, as far as the chroot's repositories could tell.
    pub remedies: Vec<Remedy>,
    /// mock shows some messages as `CRITICAL`, the rest as `ERROR`.
    pub critical: bool,
}

impl Failure {
    /// A failure with one of mock's codes.
    pub fn new(code: ExitCode, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            code: code.code(),
            hints: Vec::new(),
            report: None,
            remedies: Vec::new(),
            critical: false,
        }
    }

    /// Code 1.
    pub fn general(message: impl Into<String>) -> Self {
        Self::new(ExitCode::General, message)
    }

    /// Code 5: the command line contradicts itself or names what does not exist.
    pub fn command_line(message: impl Into<String>) -> Self {
        Self::new(ExitCode::CommandLine, message)
    }

    /// Code 50, shown by mock as critical: a mode without what it needs.
    pub fn usage(message: impl Into<String>) -> Self {
        Self {
            critical: true,
            ..Self::new(ExitCode::Usage, message)
        }
    }

    /// Adds a hint.
    #[must_use]
    pub fn hint(mut self, text: impl Into<String>) -> Self {
        self.hints.push(Hint::new(text));
        self
    }

    /// The failure line by line: what of its cause the message does not say comes after it.
    pub fn statement(&self) -> Vec<String> {
        match &self.report {
            Some(report) => report.statement(),
            None => self.message.lines().map(str::to_owned).collect(),
        }
    }

    /// A failed build, all known about it in its report.
    pub fn of_report(report: FailureReport) -> Self {
        Self {
            message: report.message.clone(),
            code: report.exit_code,
            hints: report.hints.clone(),
            report: Some(Box::new(report)),
            remedies: Vec::new(),
            critical: false,
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

impl From<rpmkit_core::Error> for Failure {
    fn from(error: rpmkit_core::Error) -> Self {
        Self {
            message: chain(&error),
            hints: error.hints(),
            ..Self::new(error.exit_code(), String::new())
        }
    }
}

/// An error and its causes in one line; a cause whose text is in the line already is not repeated.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn core_errors_keep_code_and_causes_without_repeating_them() {
        let failure = Failure::from(rpmkit_core::Error::Io {
            action: "read",
            path: "/x".into(),
            source: std::io::Error::from_raw_os_error(2),
        });
        assert_eq!(
            failure.message,
            "cannot read `/x`: No such file or directory (os error 2)"
        );
        assert_eq!(failure.code, 1);
    }
}
