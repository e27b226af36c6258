//! A package as repository metadata (or an installed root) describes it.

use serde::{Deserialize, Serialize};

use super::{Checksum, Dep, Nevra};

/// A requirement with its scriptlet mark.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Requirement {
    /// What is required.
    #[serde(flatten)]
    pub dep: Dep,
    /// Needed already by the package's `%pre` (rpm-md `pre="1"`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pre: bool,
}

/// Where a package's file is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Location {
    /// Path relative to the repository, as metadata gives it.
    pub href: String,
    /// `xml:base`, when the file lies in another repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
}

/// One package: identity, dependencies, and what is needed to fetch and check its file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// Identity.
    pub nevra: Nevra,
    /// Id of the repository it comes from; empty for local files and installed packages.
    #[serde(default)]
    pub repo: String,
    /// Digest of the whole file. Absent for installed packages of unknown origin.
    pub checksum: Option<Checksum>,
    /// Where the file is.
    pub location: Location,
    /// Size of the file in bytes.
    #[serde(default)]
    pub size: u64,
    /// Size of the installed files in bytes.
    #[serde(default)]
    pub installed_size: u64,
    /// Build time, seconds since 1970.
    #[serde(default)]
    pub build_time: u64,
    /// Name of the source package's file, empty for a source package.
    #[serde(default)]
    pub source_rpm: String,
    /// Vendor tag.
    #[serde(default)]
    pub vendor: String,
    /// Capabilities offered.
    #[serde(default)]
    pub provides: Vec<Dep>,
    /// Capabilities needed.
    #[serde(default)]
    pub requires: Vec<Requirement>,
    /// Conflicting capabilities.
    #[serde(default)]
    pub conflicts: Vec<Dep>,
    /// Packages replaced.
    #[serde(default)]
    pub obsoletes: Vec<Dep>,
    /// Weak forward dependencies, strong form.
    #[serde(default)]
    pub recommends: Vec<Dep>,
    /// Weak forward dependencies, hint form.
    #[serde(default)]
    pub suggests: Vec<Dep>,
    /// Weak backward dependencies, strong form.
    #[serde(default)]
    pub supplements: Vec<Dep>,
    /// Weak backward dependencies, hint form.
    #[serde(default)]
    pub enhances: Vec<Dep>,
    /// Paths that primary metadata lists (or that somebody requires).
    #[serde(default)]
    pub files: Vec<String>,
}
