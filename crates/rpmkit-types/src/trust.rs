//! Why a package may be installed.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What stands behind a package whose digest is that of its repository's metadata.
///
/// Part of a layer's key: a layer is reused only where the same would be trusted in the same way.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trust {
    /// A signature that is good.
    Signed {
        /// Version of the policy that says which signatures are good.
        policy: u32,
        /// Name of the set of keys it may be made with: a digest of the key files.
        keys: String,
        /// How many of a package's signatures had to be good.
        level: VerifyLevel,
    },
    /// No signature was looked at.
    Unsigned(Unsigned),
}

/// How many of a package's signatures have to be good, as rpm's macro `%_pkgverify_level` says.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum VerifyLevel {
    /// Every one.
    #[default]
    All,
    /// One; others may be made with keys that are not known.
    Signature,
}

/// Why no signature was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unsigned {
    /// `gpgcheck` is off for its repository.
    GpgcheckOff(Setting),
    /// A file the user named, with `localpkg_gpgcheck` off.
    LocalFile,
    /// A result of the chain that is being built.
    OwnResult,
}

/// Where an option was set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Setting {
    /// Nowhere: dnf's default.
    Default,
    /// In `[main]`.
    Main,
    /// In the repository's own section.
    Repository,
}

impl fmt::Display for Unsigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::GpgcheckOff(Setting::Default) => "`gpgcheck` was not set",
            Self::GpgcheckOff(Setting::Main) => "`gpgcheck=0` in `[main]`",
            Self::GpgcheckOff(Setting::Repository) => "`gpgcheck=0` of the repository",
            Self::LocalFile => "`localpkg_gpgcheck=0`",
            Self::OwnResult => "made by an earlier build of the chain",
        })
    }
}
