//! The state of reading one file, and what every part of it says and asks.

use std::{
    collections::{HashMap, HashSet},
    rc::Rc,
};

use ruff_text_size::Ranged;

use super::{loading::Loading, unit::PythonUnit};
use crate::{ConfigError, Level, Message, Origin, heap::Cell};

/// The state of reading one top file and what it includes.
pub(super) struct Interp<'a> {
    pub(super) reading: &'a mut dyn Loading,
    pub(super) unit: Rc<PythonUnit>,
    /// Plain names the file has given values to. They end with the file, as in mock.
    pub(super) locals: HashMap<String, Cell>,
    /// Names that `import … as` and `from … import` gave to modules and their functions.
    pub(super) imports: HashMap<String, String>,
    /// Rounds of loops so far.
    pub(super) rounds: usize,
    /// Paths read so far: each is read once.
    pub(super) included: HashSet<String>,
    pub(super) depth: usize,
    /// Whether the statement is under an `if`.
    pub(super) branch: bool,
}

impl Interp<'_> {
    pub(super) fn refused(
        &self,
        node: &impl Ranged,
        what: impl Into<String>,
        instead: impl Into<String>,
    ) -> ConfigError {
        ConfigError::Refused {
            place: self.unit.place(node.range()),
            what: what.into(),
            instead: instead.into(),
        }
    }

    pub(super) fn wrong(&self, node: &impl Ranged, message: impl Into<String>) -> ConfigError {
        ConfigError::Evaluate {
            place: self.unit.place(node.range()),
            message: message.into(),
        }
    }

    pub(super) fn origin(&self, node: &impl Ranged) -> Origin {
        let (file, line) = self.unit.line(node.range());
        Origin::File { file, line }
    }

    pub(super) fn say(&mut self, level: Level, text: String) {
        self.reading
            .draft_mut()
            .messages
            .push(Message { level, text });
    }
}
