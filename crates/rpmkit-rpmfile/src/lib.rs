//! RPM files read natively: header, payload, and unpacking a whole set into a directory.
//!
//! Unpacking runs no scriptlet and records nothing in a database. It serves the *tool root*, the
//! throw-away system whose only job is to run the target's own rpm, so everything in it belongs to
//! root, and documentation is left out.

mod bounds;
mod budget;
mod cpio;
mod digest;
mod header;
mod source;
#[cfg(test)]
mod testing;
mod unpack;

use std::{io, path::PathBuf};

pub use bounds::{HeaderError, read_metadata};
pub use header::{FileKind, FileRecord, PackageFile};
pub use source::{UnpackedSrpm, unpack_source};
pub use unpack::{UnpackReport, unpack_set};

/// A package file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RpmFileError {
    /// The file cannot be read.
    #[error("cannot read package `{path}`: {source}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Not an RPM, or its header is damaged.
    #[error("`{path}` is no usable RPM package: {reason}")]
    Header {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The header is fine, the payload is not.
    #[error("payload of package `{path}` is damaged: {reason}")]
    Payload {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Its header declares more than there is room for.
    #[error(
        "no room to unpack `{package}`: its header declares {needed} bytes, and {free} are free at `{target}`"
    )]
    Room {
        /// Which package.
        package: PathBuf,
        /// Where it was to go.
        target: PathBuf,
        /// Bytes of all its files.
        needed: u64,
        /// Bytes that are free.
        free: u64,
    },
    /// The tree being unpacked into refused something.
    #[error("cannot {action} `{target}` while unpacking `{package}`: {source}")]
    Write {
        /// The verb.
        action: &'static str,
        /// Host path of what was to be made.
        target: PathBuf,
        /// Package it comes from.
        package: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}
