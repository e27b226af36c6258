//! Names with rules: chroots and layers.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::Checksum;

/// A name that breaks its rule.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NameError {
    /// A chroot name must be usable as a path below the state directory.
    #[error(
        "`{0}` is no chroot name: it must not be empty, absolute, or contain `..`, blanks or NUL"
    )]
    Chroot(String),
    /// A layer id is 64 hexadecimal digits.
    #[error("`{0}` is no layer id: 64 lower-case hexadecimal digits were expected")]
    Layer(String),
}

/// Name of a chroot definition, such as `fedora-43-x86_64` or `koji/f43-build`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ChrootName(String);

impl ChrootName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ChrootName {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        let bad = text.is_empty()
            || text.starts_with('/')
            || text.split('/').any(|part| matches!(part, "" | "." | ".."))
            || text.bytes().any(|b| b == 0 || b.is_ascii_whitespace());
        if bad {
            return Err(NameError::Chroot(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for ChrootName {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<ChrootName> for String {
    fn from(name: ChrootName) -> Self {
        name.0
    }
}

impl fmt::Display for ChrootName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Identity of an immutable layer: the SHA-256 of what went into it, or random digits for a layer
/// whose content only its user knows (a snapshot).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LayerId(String);

impl LayerId {
    /// The id of content described by `canonical`.
    pub fn of(canonical: &[u8]) -> Self {
        Self(Checksum::sha256(canonical).hex)
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first twelve digits, enough for people.
    pub fn short(&self) -> &str {
        &self.0[..12]
    }
}

impl FromStr for LayerId {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        let ok = text.len() == 64
            && text
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if ok {
            Ok(Self(text.to_owned()))
        } else {
            Err(NameError::Layer(text.to_owned()))
        }
    }
}

impl TryFrom<String> for LayerId {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<LayerId> for String {
    fn from(id: LayerId) -> Self {
        id.0
    }
}

impl fmt::Display for LayerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
