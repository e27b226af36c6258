//! Hints, and failures that carry them across crates.

use serde::{Deserialize, Serialize};

use crate::ExitCode;

/// A thing the user can do next. Rendered once, by the front end, on a line of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hint(pub String);

impl Hint {
    /// Makes a hint of a sentence fragment without a final full stop.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

/// A failure that knows its exit code and what to do about it. A crate passes on a failure of whoever it was
/// called by in this form, without knowing its type.
pub trait CodedError: std::error::Error + Send + Sync {
    /// mock's code for it.
    fn exit_code(&self) -> ExitCode;

    /// What the user can do about it.
    fn hints(&self) -> Vec<Hint>;
}

/// A failure of a type only the caller knows.
#[derive(Debug)]
pub struct AnyCodedError(Box<dyn CodedError>);

impl AnyCodedError {
    /// The failure as what it was made of, where it is of that type.
    ///
    /// # Errors
    /// The failure itself, where it is of another type.
    pub fn downcast<T: CodedError + 'static>(self) -> Result<T, Self> {
        let known = (&*self.0 as &(dyn std::error::Error + 'static)).is::<T>();
        if !known {
            return Err(self);
        }
        let error: Box<dyn std::error::Error + Send + Sync> = self.0;
        match error.downcast::<T>() {
            Ok(error) => Ok(*error),
            Err(_) => unreachable!("its type was asked"),
        }
    }

    /// mock's code for it.
    pub fn exit_code(&self) -> ExitCode {
        self.0.exit_code()
    }

    /// What the user can do about it.
    pub fn hints(&self) -> Vec<Hint> {
        self.0.hints()
    }
}

impl<T: CodedError + 'static> From<T> for AnyCodedError {
    fn from(failure: T) -> Self {
        Self(Box::new(failure))
    }
}

impl std::fmt::Display for AnyCodedError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for AnyCodedError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("it is full")]
    struct Full;

    impl CodedError for Full {
        fn exit_code(&self) -> ExitCode {
            ExitCode::ResultDir
        }

        fn hints(&self) -> Vec<Hint> {
            Vec::new()
        }
    }

    #[derive(Debug, thiserror::Error)]
    #[error("it is empty")]
    struct Empty;

    impl CodedError for Empty {
        fn exit_code(&self) -> ExitCode {
            ExitCode::General
        }

        fn hints(&self) -> Vec<Hint> {
            Vec::new()
        }
    }

    #[test]
    fn a_failure_comes_back_as_what_it_was() {
        let any = AnyCodedError::from(Full);
        assert_eq!(any.to_string(), "it is full");
        assert_eq!(any.exit_code(), ExitCode::ResultDir);
        let any = any.downcast::<Empty>().unwrap_err();
        any.downcast::<Full>().unwrap();
    }
}
