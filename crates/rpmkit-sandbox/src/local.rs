//! What a root has of the machine it runs on: time zone and machine id.
//!
//! Written when a container starts, not into layers, which are the same on every machine. Runs inside the
//! root, so that no link of its leads outside.

use crate::error::{AtStep, SandboxStep, StepError};
use crate::spec::ContainerSpec;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::path::Path;
use std::{fs, io, io::Write as _};

const LOCAL_TIME: &str = "/etc/localtime";
const MACHINE_ID: &str = "/etc/machine-id";

/// A zone's name in the zone database, `Asia/Kolkata`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeZoneName(String);

impl TimeZoneName {
    /// `None` for what cannot be a zone's name: its parts are letters, digits, `_`, `-` and `+`.
    pub fn new(name: &str) -> Option<Self> {
        let part = |part: &str| {
            let fine = |c: u8| c.is_ascii_alphanumeric() || b"_-+".contains(&c);
            !part.is_empty() && part.bytes().all(fine)
        };
        name.split('/').all(part).then(|| Self(name.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for TimeZoneName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        Self::new(&name).ok_or_else(|| format!("`{name}` is no name of a time zone"))
    }
}

impl From<TimeZoneName> for String {
    fn from(name: TimeZoneName) -> Self {
        name.0
    }
}

/// Does what `spec` asks; `/` is the container's root and not read-only yet.
pub(crate) fn settle(spec: &ContainerSpec) -> Result<(), StepError> {
    if let Some(zone) = &spec.zone {
        set_zone(zone).step_at(
            SandboxStep::Root,
            "set the time zone at",
            Path::new(LOCAL_TIME),
        )?;
    }
    if spec.machine_id {
        set_machine_id().step_at(SandboxStep::Root, "write", Path::new(MACHINE_ID))?;
    }
    Ok(())
}

fn set_zone(zone: &TimeZoneName) -> io::Result<()> {
    let to = format!("../usr/share/zoneinfo/{}", zone.as_str());
    // Without the zone's data the link would lead nowhere, and what is there may be the root's own.
    if !Path::new("/etc").join(&to).is_file()
        || fs::read_link(LOCAL_TIME).is_ok_and(|now| now == Path::new(&to))
    {
        return Ok(());
    }
    match fs::remove_file(LOCAL_TIME) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    symlink(to, LOCAL_TIME)
}

/// As mock, which gives every root its own. A root that has none of an id's length has none: systemd's
/// package leaves the file empty, or with `uninitialized` in it.
fn set_machine_id() -> io::Result<()> {
    if !Path::new("/etc").is_dir() || fs::read(MACHINE_ID).is_ok_and(|id| id.len() >= 32) {
        return Ok(());
    }
    let mut bytes = [0_u8; 16];
    io::Read::read_exact(&mut fs::File::open("/dev/urandom")?, &mut bytes)?;
    let mut id = String::with_capacity(33);
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(id, "{byte:02x}");
    }
    id.push('\n');
    match fs::remove_file(MACHINE_ID) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let options = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o444)
        .clone();
    options.open(MACHINE_ID)?.write_all(id.as_bytes())?;
    let dbus = Path::new("/var/lib/dbus");
    if dbus.is_dir() && fs::symlink_metadata(dbus.join("machine-id")).is_err() {
        symlink("../../../etc/machine-id", dbus.join("machine-id"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_of_a_zone_leads_out_of_the_database() {
        for name in [
            "UTC",
            "Asia/Kolkata",
            "Etc/GMT+5",
            "America/Argentina/Ushuaia",
        ] {
            assert!(TimeZoneName::new(name).is_some(), "{name}");
        }
        for name in ["", "/etc", "..", "a/../../b", "a//b", "a b", "a\n"] {
            assert!(TimeZoneName::new(name).is_none(), "{name:?}");
        }
    }
}
