//! Why a file could not be had.

use std::{fmt, path::PathBuf, time::Duration};

use rpmkit_types::Checksum;

/// Why one attempt to get one file from one address failed.
#[derive(Debug, thiserror::Error)]
pub enum FetchCause {
    /// The server answered with an error.
    #[error("the server answered with status {0}")]
    Status(u16),
    /// There is no such file (`file://` and plain paths).
    #[error("no such file")]
    Missing,
    /// Connection, name resolution, reading.
    #[error("{0}")]
    Connection(String),
    /// Certificates or the encrypted channel.
    #[error("the encrypted connection failed: {0}")]
    Tls(String),
    /// Nothing arrived for so long.
    #[error("nothing arrived for {} seconds", .0.as_secs_f32())]
    Timeout(Duration),
    /// Slower than the minimum rate.
    #[error("only {rate} bytes a second arrived, the minimum rate is {minimum}")]
    Slow {
        /// What was measured, bytes a second.
        rate: u64,
        /// What `minrate` asks for.
        minimum: u64,
    },
    /// Fewer or more bytes than announced.
    #[error("{expected} bytes were expected, {found} found")]
    Length {
        /// Announced by metadata or by the server.
        expected: u64,
        /// What came.
        found: u64,
    },
    /// Other content than metadata promised.
    #[error("expected {expected}, found {found}")]
    Digest {
        /// What metadata says. Several where a metalink allows several.
        expected: String,
        /// Digest of what came.
        found: Checksum,
    },
    /// The content makes no sense.
    #[error("{0}")]
    Content(String),
    /// This machine's disk, not the other side.
    #[error("cannot {action} `{path}`: {source}")]
    Local {
        /// The verb.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl FetchCause {
    /// True when trying the same address again may help.
    pub fn transient(&self) -> bool {
        match self {
            Self::Status(code) => matches!(code, 408 | 425 | 429 | 500 | 502 | 503 | 504),
            Self::Connection(_) | Self::Timeout(_) | Self::Slow { .. } | Self::Length { .. } => {
                true
            }
            Self::Missing
            | Self::Tls(_)
            | Self::Digest { .. }
            | Self::Content(_)
            | Self::Local { .. } => false,
        }
    }

    /// True when no other address can help either.
    pub fn final_everywhere(&self) -> bool {
        matches!(self, Self::Local { .. })
    }
}

/// One address and why it gave nothing.
#[derive(Debug, thiserror::Error)]
#[error("`{url}`: {cause}")]
pub struct FetchFailure {
    /// The address, without any password.
    pub url: String,
    /// Why.
    pub cause: FetchCause,
}

/// All addresses that were tried for one file.
#[derive(Debug)]
pub struct FetchFailures(pub Vec<FetchFailure>);

impl fmt::Display for FetchFailures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(last) = self.0.last() else {
            return f.write_str("there is no address to try");
        };
        // A wrong digest says more than a server that did not answer afterwards.
        let telling = self
            .0
            .iter()
            .rev()
            .find(|failure| {
                matches!(
                    failure.cause,
                    FetchCause::Digest { .. } | FetchCause::Length { .. }
                )
            })
            .unwrap_or(last);
        write!(f, "{telling}")?;
        match self.0.len() - 1 {
            0 => Ok(()),
            1 => f.write_str(" (and one more failed attempt)"),
            more => write!(f, " (and {more} more failed attempts)"),
        }
    }
}
