//! Epoch-version-release and the full name of a package.

use std::{cmp::Ordering, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Epoch, version and release, ordered as rpm orders them (rpmvercmp, `~` and `^` included).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Evr {
    /// Zero when the package states none.
    pub epoch: u32,
    /// Upstream version.
    pub version: String,
    /// Packaging release; empty in dependencies that name only a version.
    pub release: String,
}

impl Evr {
    /// Puts the three parts together.
    pub fn new(epoch: u32, version: impl Into<String>, release: impl Into<String>) -> Self {
        Self {
            epoch,
            version: version.into(),
            release: release.into(),
        }
    }

    /// Reads `[epoch:]version[-release]`. An epoch that is no number counts as part of the version,
    /// which is what rpm does.
    pub fn parse(text: &str) -> Self {
        let (epoch, rest) = match text.split_once(':') {
            Some((e, rest)) if !e.is_empty() && e.bytes().all(|b| b.is_ascii_digit()) => {
                (e.parse().unwrap_or(u32::MAX), rest)
            }
            Some(("", rest)) => (0, rest),
            _ => (0, text),
        };
        let (version, release) = rest.rsplit_once('-').unwrap_or((rest, ""));
        Self::new(epoch, version, release)
    }
}

impl Ord for Evr {
    fn cmp(&self, other: &Self) -> Ordering {
        self.epoch
            .cmp(&other.epoch)
            .then_with(|| rpm_version::rpm_evr_compare(&self.version, &other.version))
            .then_with(|| rpm_version::rpm_evr_compare(&self.release, &other.release))
    }
}

impl PartialOrd for Evr {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Evr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.epoch != 0 {
            write!(f, "{}:", self.epoch)?;
        }
        f.write_str(&self.version)?;
        if !self.release.is_empty() {
            write!(f, "-{}", self.release)?;
        }
        Ok(())
    }
}

/// Name, epoch, version, release and architecture: the identity of one package.
///
/// `Display` gives `name-[epoch:]version-release.arch` with a zero epoch left out, as dnf prints it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Nevra {
    /// Package name.
    pub name: String,
    /// Epoch, version and release.
    #[serde(flatten)]
    pub evr: Evr,
    /// Architecture, or `noarch`, `src`, `nosrc`.
    pub arch: String,
}

/// A text that does not name a package completely.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not of the form name-[epoch:]version-release.arch")]
pub struct NevraError(pub String);

impl Nevra {
    /// Puts the parts together.
    pub fn new(name: impl Into<String>, evr: Evr, arch: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            evr,
            arch: arch.into(),
        }
    }

    /// The file name rpm gives the package: no epoch in it.
    pub fn file_name(&self) -> String {
        format!(
            "{}-{}-{}.{}.rpm",
            self.name, self.evr.version, self.evr.release, self.arch
        )
    }
}

impl fmt::Display for Nevra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}.{}", self.name, self.evr, self.arch)
    }
}

impl FromStr for Nevra {
    type Err = NevraError;

    fn from_str(text: &str) -> Result<Self, NevraError> {
        let bad = || NevraError(text.to_owned());
        let (rest, arch) = text.rsplit_once('.').ok_or_else(bad)?;
        let (rest, release) = rest.rsplit_once('-').ok_or_else(bad)?;
        let (name, version) = rest.rsplit_once('-').ok_or_else(bad)?;
        if name.is_empty() || version.is_empty() || release.is_empty() || arch.is_empty() {
            return Err(bad());
        }
        let mut evr = Evr::parse(version);
        evr.release = release.to_owned();
        Ok(Self::new(name, evr, arch))
    }
}

impl PartialOrd for Nevra {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Nevra {
    fn cmp(&self, other: &Self) -> Ordering {
        self.name
            .cmp(&other.name)
            .then_with(|| self.evr.cmp(&other.evr))
            .then_with(|| self.arch.cmp(&other.arch))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_follows_rpm() {
        for (a, b) in [
            ("1.0~rc1-1", "1.0-1"),
            ("1.0-1", "1.0^git1-1"),
            ("1.9-1", "1.10-1"),
            ("9-1", "1:1-1"),
            ("1.0-1", "1.0-1.1"),
        ] {
            assert!(Evr::parse(a) < Evr::parse(b), "{a} < {b}");
        }
    }

    #[test]
    fn nevra_reads_what_it_prints() -> Result<(), NevraError> {
        for text in ["bash-5.1-2.fc40.x86_64", "a-b-1:2~x-3.noarch"] {
            assert_eq!(text.parse::<Nevra>()?.to_string(), text);
        }
        assert!("bash".parse::<Nevra>().is_err());
        Ok(())
    }
}
