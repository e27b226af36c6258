//! One dependency as rpm states it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Evr;

/// How a dependency compares versions; the names are those of rpm-md's `flags` attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum DepFlag {
    /// `<`
    #[serde(rename = "LT")]
    Lt,
    /// `<=`
    #[serde(rename = "LE")]
    Le,
    /// `=`
    #[serde(rename = "EQ")]
    Eq,
    /// `>=`
    #[serde(rename = "GE")]
    Ge,
    /// `>`
    #[serde(rename = "GT")]
    Gt,
}

impl DepFlag {
    /// The operator as a spec file writes it.
    pub fn operator(self) -> &'static str {
        match self {
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Eq => "=",
            Self::Ge => ">=",
            Self::Gt => ">",
        }
    }
}

/// A capability, perhaps with a version bound. A rich dependency is held in `name` whole, with its
/// parentheses, as repository metadata does.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Dep {
    /// Capability, file path or rich dependency.
    pub name: String,
    /// Version bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<(DepFlag, Evr)>,
}

impl Dep {
    /// A dependency on any version.
    pub fn any(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            version: None,
        }
    }

    /// True for `(a or b)` and its like.
    pub fn is_rich(&self) -> bool {
        self.name.starts_with('(')
    }

    /// True for what rpm itself provides (`rpmlib(...)`).
    pub fn is_rpmlib(&self) -> bool {
        self.name.starts_with("rpmlib(")
    }
}

impl fmt::Display for Dep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if let Some((flag, evr)) = &self.version {
            write!(f, " {} {evr}", flag.operator())?;
        }
        Ok(())
    }
}
