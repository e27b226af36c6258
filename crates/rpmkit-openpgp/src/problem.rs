//! Why a signature is not accepted, in words for people.

use std::fmt;

/// Why a signature is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureProblem {
    /// Nothing is signed.
    #[error("it is not signed")]
    Missing,
    /// Signed by a key that is not among those given.
    #[error("it is signed by key {}, expected {}", list(.found), list(.known))]
    UnknownKey {
        /// Key ids the signature names.
        found: Vec<String>,
        /// Key ids that would do.
        known: Vec<String>,
    },
    /// The key is right, the signature does not fit the data.
    #[error("it does not fit the content (key {key})")]
    Wrong {
        /// Key id.
        key: String,
    },
    /// The key may not sign.
    #[error("key {key} is not made for signing")]
    NotForSigning {
        /// Key id.
        key: String,
    },
    /// Key or signature break a rule.
    #[error("{why} (key {key})")]
    Refused {
        /// Key id.
        key: String,
        /// The rule.
        why: Refusal,
    },
    /// Signed, but the content is not the signed one.
    #[error("the {part} is not the one that was signed: expected {expected}, found {found}")]
    Digest {
        /// `header` or `payload`.
        part: &'static str,
        /// What the signed header says.
        expected: String,
        /// What the file has.
        found: String,
    },
    /// The header is signed, and nothing ties the payload to it.
    #[error("the signed header holds no digest of the payload")]
    NoPayloadDigest,
    /// The signature cannot be read.
    #[error("it cannot be read: {0}")]
    Unreadable(String),
}

/// A rule that is broken. Times are seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Made with a digest that can be forged.
    Digest(String),
    /// The key is too short, or of a kind that is not accepted.
    Algorithm(String),
    /// No signature of the key over itself holds at that time.
    Unbound,
    /// Only self-signatures of SHA-1 stand behind the key.
    Sha1Only,
    /// The key was made after the signature.
    KeyTooYoung,
    /// The key had expired when the signature was made.
    KeyExpired(u64),
    /// The key, or the key it belongs to, was revoked.
    KeyRevoked,
    /// The signature itself has expired.
    Expired(u64),
    /// The signature is of the future, or has no time at all.
    Time,
    /// The signature holds something that must be understood and is not: the subpacket's number.
    Critical(u8),
    /// A signature of another kind, as over a key.
    Kind,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Digest(name) => write!(f, "it is made with {name}, which can be forged"),
            Self::Algorithm(name) => write!(f, "its key is {name}, which is not accepted"),
            Self::Unbound => f.write_str("no valid self-signature stands behind its key"),
            Self::Sha1Only => f.write_str(
                "it vouches for itself with SHA-1 only, which rpm 6 refuses; the macro \
                 `%_rpmkit_sha1_keys 1` in the configuration accepts such keys from before 2023",
            ),
            Self::KeyTooYoung => f.write_str("it is older than its key"),
            Self::KeyExpired(when) => write!(
                f,
                "it was made after its key had expired on {}",
                date(*when)
            ),
            Self::KeyRevoked => f.write_str("its key is revoked"),
            Self::Expired(when) => write!(f, "it expired on {}", date(*when)),
            Self::Time => f.write_str("its time of signing lies in the future or is missing"),
            Self::Critical(number) => {
                write!(f, "it holds a condition that is not understood ({number})")
            }
            Self::Kind => f.write_str("it is no signature of data"),
        }
    }
}

fn list(ids: &[String]) -> String {
    match ids {
        [] => "(none)".to_owned(),
        ids => ids.join(" or "),
    }
}

/// The day, in UTC.
pub(crate) fn date(seconds: u64) -> String {
    i64::try_from(seconds)
        .ok()
        .and_then(|seconds| jiff::Timestamp::from_second(seconds).ok())
        .map_or_else(
            || seconds.to_string(),
            |time| time.strftime("%Y-%m-%d").to_string(),
        )
}
