//! What `rpmkit doctor` looks at. A file a subject; each yields [`DoctorLine`]s.

mod disk;
mod emulation;
mod security;
mod system;

use std::path::{Path, PathBuf};

use rpmkit_cli::Host;
use rpmkit_sandbox::{IdMode, ProbeFinding, ProbeRequest, ProbeState, SandboxError, probe};
use serde::Serialize;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DoctorLine {
    /// What it is.
    pub what: String,
    /// How it stands.
    pub state: ProbeState,
    /// The result in words.
    pub detail: String,
    /// Why it is not fine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// What to do about it, best first.
    pub remedies: Vec<String>,
}

impl DoctorLine {
    fn new(what: impl Into<String>, state: ProbeState, detail: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            state,
            detail: detail.into(),
            cause: None,
            remedies: Vec::new(),
        }
    }

    fn remedy(mut self, text: impl Into<String>) -> Self {
        self.remedies.push(text.into());
        self
    }
}

impl From<ProbeFinding> for DoctorLine {
    fn from(finding: ProbeFinding) -> Self {
        Self {
            what: finding.what,
            state: finding.state,
            detail: finding.detail,
            cause: finding.advice.cause,
            remedies: finding.advice.remedies,
        }
    }
}

/// Looks at everything. The mode is the one builds would run in.
pub fn examine(host: &Host) -> Result<(Option<IdMode>, Vec<DoctorLine>), SandboxError> {
    let found = probe(&ProbeRequest {
        store: Some(existing(&host.dirs.cache)),
    })?;
    let mut lines: Vec<DoctorLine> = found.findings.into_iter().map(DoctorLine::from).collect();
    lines.extend(security::lines(Path::new("/"), found.mode.is_some()));
    lines.extend(disk::lines(host));
    lines.push(system::memory());
    lines.push(system::clock(host));
    lines.push(system::open_files());
    lines.push(system::git(host));
    lines.push(system::network());
    lines.extend(system::proxies(host));
    lines.extend(emulation::lines(host));
    Ok((found.mode, lines))
}

/// The path itself or its nearest ancestor that is there: nothing is made by looking.
fn existing(path: &Path) -> PathBuf {
    path.ancestors()
        .find(|p| p.is_dir())
        .unwrap_or(Path::new("/"))
        .to_owned()
}

/// Bytes for people: binary units with one decimal, as `df -h` shows them.
fn bytes(count: u64) -> String {
    let mut unit = 0;
    let mut rest = count;
    let mut fraction = 0;
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    while rest >= 1024 && unit + 1 < UNITS.len() {
        fraction = rest % 1024 * 10 / 1024;
        rest /= 1024;
        unit += 1;
    }
    if unit == 0 {
        format!("{rest} B")
    } else {
        format!("{rest}.{fraction} {}", UNITS[unit])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_told_in_their_unit() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(1536), "1.5 KiB");
        assert_eq!(bytes(13 << 30), "13.0 GiB");
    }

    #[test]
    fn the_nearest_existing_ancestor_is_found() {
        assert_eq!(existing(Path::new("/usr/no/such/thing")), Path::new("/usr"));
    }
}
