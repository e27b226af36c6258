//! Failures of operations.

/// Failure of an operation; crosses the process boundary as text.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpError {
    #[error("cannot {action} `{}`: {source}", path.display())]
    Io {
        action: &'static str,
        path: std::path::PathBuf,
        source: std::io::Error,
    },
    #[error("{0}")]
    Bad(String),
}

pub(crate) trait OpAt<T> {
    fn at(self, action: &'static str, path: &std::path::Path) -> Result<T, OpError>;
}

impl<T, E: Into<std::io::Error>> OpAt<T> for Result<T, E> {
    fn at(self, action: &'static str, path: &std::path::Path) -> Result<T, OpError> {
        self.map_err(|source| OpError::Io {
            action,
            path: path.to_owned(),
            source: source.into(),
        })
    }
}
