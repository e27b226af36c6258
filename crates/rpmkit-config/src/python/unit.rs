//! A parsed file and the way from positions in it to places in files.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    rc::Rc,
};

use ruff_python_ast::ModModule;
use ruff_python_parser::{Parsed, parse_module};
use ruff_text_size::{Ranged, TextRange};

use super::guard;
use crate::{ConfigError, ConfigPlace, files};

/// Parsed files by path.
pub(crate) type ParsedFiles = HashMap<PathBuf, Rc<PythonUnit>>;

/// One stretch of a text that was put together from several files.
#[derive(Debug, Clone)]
pub(super) struct Segment {
    /// Where it begins in the text.
    pub(super) start: usize,
    /// The file it is from.
    pub(super) file: PathBuf,
    /// Where it begins there.
    pub(super) offset: usize,
}

/// A parsed text.
#[derive(Debug)]
pub(crate) struct PythonUnit {
    pub(super) file: PathBuf,
    pub(super) text: String,
    pub(super) parsed: Parsed<ModModule>,
    /// Empty for a text that is one file.
    segments: Vec<Segment>,
    /// Where lines begin, for a text that is one file.
    lines: Vec<usize>,
}

impl PythonUnit {
    /// Parses text that came from `file`, or from the files of `segments`.
    pub(super) fn parse(
        file: &Path,
        text: String,
        segments: Vec<Segment>,
    ) -> Result<Self, ConfigError> {
        let syntax = |offset: usize, message: String| ConfigError::Syntax {
            place: place(file, &text, &segments, offset),
            message,
        };
        guard::check(&text).map_err(|(at, message)| syntax(at, message))?;
        let parsed = parse_module(&text)
            .map_err(|error| syntax(error.location.start().to_usize(), error.error.to_string()))?;
        let lines = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(at, _)| at + 1))
            .collect();
        Ok(Self {
            file: file.to_owned(),
            lines,
            text,
            parsed,
            segments,
        })
    }

    /// The place a node begins at.
    pub(super) fn place(&self, range: TextRange) -> ConfigPlace {
        place(
            &self.file,
            &self.text,
            &self.segments,
            range.start().to_usize(),
        )
    }

    /// File and line a node begins at.
    pub(super) fn line(&self, range: TextRange) -> (PathBuf, usize) {
        if !self.segments.is_empty() {
            let place = self.place(range);
            return (place.file, place.line);
        }
        let offset = range.start().to_usize();
        let line = self.lines.partition_point(|start| *start <= offset);
        (self.file.clone(), line)
    }

    /// The source of a node, shortened for a message.
    pub(super) fn source(&self, node: &impl Ranged) -> String {
        let range = node.range();
        let text = self
            .text
            .get(range.start().to_usize()..range.end().to_usize())
            .unwrap_or_default();
        let first = text.lines().next().unwrap_or_default();
        if first.len() < text.len() || first.chars().count() > 60 {
            first.chars().take(60).chain("…".chars()).collect()
        } else {
            first.to_owned()
        }
    }
}

fn place(file: &Path, text: &str, segments: &[Segment], offset: usize) -> ConfigPlace {
    let mut place = ConfigPlace::at(file, text, offset);
    if let Some(segment) = segments
        .iter()
        .rev()
        .find(|segment| segment.start <= offset)
    {
        // The line is shown as it was composed, the numbers are those of the file it is from.
        if let Ok(original) = files::read(&segment.file) {
            place = ConfigPlace::at(
                &segment.file,
                &original,
                segment.offset + offset - segment.start,
            );
        }
    }
    place
}
