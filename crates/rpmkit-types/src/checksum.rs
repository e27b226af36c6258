//! Digests by name, computed while data streams by.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::Digest;

/// Digest algorithms seen in rpm-md, metalinks and dist-git `sources` files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChecksumKind {
    /// MD5: only ever found in old `sources` files.
    Md5,
    /// SHA-1 (rpm-md also calls it `sha`).
    Sha1,
    /// SHA-224.
    Sha224,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
    /// SHA3-256: in packages of format v6.
    Sha3_256,
}

impl ChecksumKind {
    /// Reads the names in use: `sha`, `sha1`, `SHA512`, `sha-256` …
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().replace('-', "").as_str() {
            "md5" => Self::Md5,
            "sha" | "sha1" => Self::Sha1,
            "sha224" => Self::Sha224,
            "sha256" => Self::Sha256,
            "sha384" => Self::Sha384,
            "sha512" => Self::Sha512,
            "sha3256" => Self::Sha3_256,
            _ => return None,
        })
    }

    /// The name rpm-md uses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Md5 => "md5",
            Self::Sha1 => "sha1",
            Self::Sha224 => "sha224",
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
            Self::Sha3_256 => "sha3-256",
        }
    }
}

/// A digest with its algorithm; `hex` is lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Checksum {
    /// Algorithm.
    pub kind: ChecksumKind,
    /// Lower-case hexadecimal digits.
    pub hex: String,
}

impl Checksum {
    /// Takes digits in any case.
    pub fn new(kind: ChecksumKind, hex: &str) -> Self {
        Self {
            kind,
            hex: hex.trim().to_ascii_lowercase(),
        }
    }

    /// SHA-256 of a text, as used for keys of our own.
    pub fn sha256(data: &[u8]) -> Self {
        let mut hasher = Hasher::new(ChecksumKind::Sha256);
        hasher.update(data);
        hasher.finish()
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind.name(), self.hex)
    }
}

/// A running digest of any supported kind.
pub struct Hasher(Inner);

enum Inner {
    Md5(md5::Md5),
    Sha1(sha1::Sha1),
    Sha224(sha2::Sha224),
    Sha256(sha2::Sha256),
    Sha384(sha2::Sha384),
    Sha512(sha2::Sha512),
    Sha3_256(sha3::Sha3_256),
}

impl Hasher {
    /// Starts a digest.
    pub fn new(kind: ChecksumKind) -> Self {
        Self(match kind {
            ChecksumKind::Md5 => Inner::Md5(Digest::new()),
            ChecksumKind::Sha1 => Inner::Sha1(Digest::new()),
            ChecksumKind::Sha224 => Inner::Sha224(Digest::new()),
            ChecksumKind::Sha256 => Inner::Sha256(Digest::new()),
            ChecksumKind::Sha384 => Inner::Sha384(Digest::new()),
            ChecksumKind::Sha512 => Inner::Sha512(Digest::new()),
            ChecksumKind::Sha3_256 => Inner::Sha3_256(Digest::new()),
        })
    }

    /// Adds data.
    pub fn update(&mut self, data: &[u8]) {
        match &mut self.0 {
            Inner::Md5(h) => h.update(data),
            Inner::Sha1(h) => h.update(data),
            Inner::Sha224(h) => h.update(data),
            Inner::Sha256(h) => h.update(data),
            Inner::Sha384(h) => h.update(data),
            Inner::Sha512(h) => h.update(data),
            Inner::Sha3_256(h) => h.update(data),
        }
    }

    /// Ends the digest.
    pub fn finish(self) -> Checksum {
        let (kind, bytes) = match self.0 {
            Inner::Md5(h) => (ChecksumKind::Md5, h.finalize().to_vec()),
            Inner::Sha1(h) => (ChecksumKind::Sha1, h.finalize().to_vec()),
            Inner::Sha224(h) => (ChecksumKind::Sha224, h.finalize().to_vec()),
            Inner::Sha256(h) => (ChecksumKind::Sha256, h.finalize().to_vec()),
            Inner::Sha384(h) => (ChecksumKind::Sha384, h.finalize().to_vec()),
            Inner::Sha512(h) => (ChecksumKind::Sha512, h.finalize().to_vec()),
            Inner::Sha3_256(h) => (ChecksumKind::Sha3_256, h.finalize().to_vec()),
        };
        Checksum {
            kind,
            hex: hex::encode(bytes),
        }
    }
}
