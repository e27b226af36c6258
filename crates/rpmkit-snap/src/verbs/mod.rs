//! A file a verb.

pub(crate) mod clean;
pub(crate) mod create;
pub(crate) mod diff;
pub(crate) mod du;
pub(crate) mod export;
pub(crate) mod gc;
pub(crate) mod import;
pub(crate) mod list;
pub(crate) mod remove;
pub(crate) mod rename;
pub(crate) mod rollback;
pub(crate) mod scrub;
pub(crate) mod shell;

use rpmkit_cli::{Failure, Host, Printer};
use rpmkit_core::{Error, chroot::SnapshotInfo};

use crate::open::Opened;

/// What a verb is given.
pub(crate) struct SnapContext<'a> {
    pub opened: &'a Opened,
    pub printer: Printer,
    pub host: &'a Host,
    pub json: bool,
    pub yes: bool,
}

impl SnapContext<'_> {
    pub fn list(&self) -> Result<Vec<SnapshotInfo>, Failure> {
        Ok(self.opened.chroot.list().map_err(Error::from)?)
    }

    /// Says what was done, or gives it as JSON.
    pub fn done(&self, text: impl AsRef<str>, value: serde_json::Value) {
        if self.json {
            self.printer.json(&value);
        } else {
            self.printer.say(text);
        }
    }
}
