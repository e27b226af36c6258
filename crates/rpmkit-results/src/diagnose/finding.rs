//! One thing that may be the cause, found in what a failing command printed.

use std::path::PathBuf;

use crate::{
    failure::{FailureCause, SourcePlace},
    want::MissingThing,
};

use super::scene::Scene;

/// Looks for causes of one kind in the output of a failing command; the last one counts.
pub(super) type Family = fn(&Scene<'_>) -> Option<Finding>;

/// A possible cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    /// The line of the scene the finding ends with: of several findings the latest one counts, as
    /// what came before it was survived.
    pub at: usize,
    /// The line it begins with.
    pub from: usize,
    /// What kind of cause it is; `None` for one that has only words.
    pub cause: Option<FailureCause>,
    /// What happened, in words: a fragment that can follow a colon.
    pub text: String,
    /// Whether `text` is a whole statement, not to be put behind "`%build` failed".
    pub whole: bool,
    /// What to do about it.
    pub hints: Vec<String>,
    /// What was missing.
    pub wants: Vec<MissingThing>,
    /// The place in a source file.
    pub source: Option<SourcePlace>,
}

impl Finding {
    /// A finding that has only words.
    pub(super) fn new(at: usize, text: impl Into<String>) -> Self {
        Self {
            at,
            from: at,
            cause: None,
            text: text.into(),
            whole: false,
            hints: Vec::new(),
            wants: Vec::new(),
            source: None,
        }
    }

    pub(super) fn from(mut self, from: usize) -> Self {
        self.from = from.min(self.at);
        self
    }

    pub(super) fn cause(mut self, cause: FailureCause) -> Self {
        self.cause = Some(cause);
        self
    }

    /// Says that `text` stands by itself.
    pub(super) fn whole(mut self) -> Self {
        self.whole = true;
        self
    }

    pub(super) fn hint(mut self, text: impl Into<String>) -> Self {
        self.hints.push(text.into());
        self
    }

    pub(super) fn want(mut self, want: MissingThing) -> Self {
        if !self.wants.contains(&want) {
            self.wants.push(want);
        }
        self
    }

    pub(super) fn source(mut self, file: &str, line: u32, column: Option<u32>) -> Self {
        self.source = Some(SourcePlace {
            file: PathBuf::from(file),
            line,
            column,
        });
        self
    }
}
