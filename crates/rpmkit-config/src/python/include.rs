//! `include()`: mock's search, and mock's way of putting files together where it matters.
//!
//! mock pastes texts before anything is evaluated. Files that are whole statements, as all shipped ones
//! are, need no pasting: an include is read where it stands. Only a line that stands inside a string or
//! inside brackets is pasted, and only if it names a file that exists.

use std::path::{Path, PathBuf};

use ruff_python_ast::{Expr, ExprCall};
use std::rc::Rc;

use super::{
    limits::MAX_PASTES,
    literal,
    loading::Loading,
    unit::{Segment, Unit},
};
use crate::{ConfigError, files};

/// Whether a call is `include(…)`.
pub(super) fn is_include(call: &ExprCall) -> bool {
    matches!(call.func.as_ref(), Expr::Name(name) if name.id.as_str() == "include")
}

/// The file an include means: an absolute path, or one relative to a configuration directory.
pub(super) fn find(reading: &dyn Loading, name: &str) -> Option<PathBuf> {
    if Path::new(name).is_absolute() {
        return Some(PathBuf::from(name)).filter(|path| files::exists(path));
    }
    reading.files().find(&[name.to_owned()])
}

/// Where an include was looked for.
pub(super) fn looked(reading: &dyn Loading, name: &str) -> Vec<PathBuf> {
    if Path::new(name).is_absolute() {
        return vec![name.into()];
    }
    reading.files().looked(name)
}

/// Reads and parses a file; includes inside strings and brackets are pasted in.
pub(super) fn unit(reading: &mut dyn Loading, path: &Path) -> Result<Rc<Unit>, ConfigError> {
    if let Some(unit) = reading.parsed().get(path) {
        return Ok(Rc::clone(unit));
    }
    let text = straight(files::read(path)?);
    let inner = inner_lines(&text);
    if !inner.iter().any(|line| find(reading, &line.name).is_some()) {
        let unit = Rc::new(Unit::parse(path, text, Vec::new())?);
        reading.parsed().insert(path.to_owned(), Rc::clone(&unit));
        return Ok(unit);
    }
    let mut pasted = Pasted::default();
    let mut seen = vec![path.to_owned()];
    pasted.add(reading, path, &text, &mut seen)?;
    for file in &seen[1..] {
        reading
            .draft_mut()
            .add_file(file.to_string_lossy().into_owned());
    }
    Unit::parse(path, pasted.text, pasted.segments).map(Rc::new)
}

/// Undoes blanks in front of an include that is in no block: mock's pattern takes them away with the
/// line. They move behind it, so that every place stays where it is.
fn straight(text: String) -> String {
    let indented =
        |line: &str| line.starts_with([' ', '\t']) && line.trim_start().starts_with("include(");
    if !text.lines().any(indented) {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let mut scan = Scan::default();
    // Whether the statement before stands at the margin and opens no block.
    let mut margin = true;
    for line in text.split_inclusive('\n') {
        let inside = scan.inside();
        scan.line(line);
        let body = line.trim_end_matches('\n');
        let trimmed = body.trim_start();
        if !inside && margin && trimmed.starts_with("include(") {
            out.push_str(trimmed);
            out.push_str(&body[..body.len() - trimmed.len()]);
            out.push_str(&line[body.len()..]);
            continue;
        }
        out.push_str(line);
        if !inside && !trimmed.is_empty() && !trimmed.starts_with('#') {
            let code = trimmed.split('#').next().unwrap_or_default().trim_end();
            margin = body.len() == trimmed.len() && !code.ends_with(':');
        }
    }
    out
}

/// A text with the files it pastes in.
#[derive(Default)]
struct Pasted {
    text: String,
    segments: Vec<Segment>,
}

impl Pasted {
    fn segment(&mut self, file: &Path, offset: usize) {
        self.segments.push(Segment {
            start: self.text.len(),
            file: file.to_owned(),
            offset,
        });
    }

    fn add(
        &mut self,
        reading: &dyn Loading,
        path: &Path,
        text: &str,
        seen: &mut Vec<PathBuf>,
    ) -> Result<(), ConfigError> {
        let mut from = 0;
        for line in inner_lines(text) {
            let Some(file) = find(reading, &line.name) else {
                continue;
            };
            self.segment(path, from);
            self.text.push_str(&text[from..line.start]);
            from = line.end;
            if seen.contains(&file) || seen.len() > MAX_PASTES {
                continue;
            }
            seen.push(file.clone());
            let content = straight(files::read(&file)?);
            self.add(reading, &file, &content, seen)?;
        }
        self.segment(path, from);
        self.text.push_str(&text[from..]);
        Ok(())
    }
}

/// A line of the form `include('name')` that is no statement.
struct InnerLine {
    start: usize,
    end: usize,
    name: String,
}

/// Lines mock would paste that stand inside a string or inside brackets.
fn inner_lines(text: &str) -> Vec<InnerLine> {
    let mut found = Vec::new();
    let mut scan = Scan::default();
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let inside = scan.inside();
        scan.line(line);
        let start = offset;
        offset += line.len();
        let trimmed = line.trim_start();
        let Some(rest) = trimmed.strip_prefix("include(") else {
            continue;
        };
        // mock's pattern is greedy: up to the last bracket of the line.
        let Some(close) = rest.rfind(')') else {
            continue;
        };
        if !inside {
            continue;
        }
        if let Ok(crate::Value::Str(name)) = literal(&rest[..close]) {
            let indent = line.len() - trimmed.len();
            found.push(InnerLine {
                start,
                end: start + indent + "include(".len() + close + 1,
                name,
            });
        }
    }
    found
}

/// Follows strings and brackets from line to line.
#[derive(Default)]
struct Scan {
    depth: usize,
    triple: Option<u8>,
}

impl Scan {
    fn inside(&self) -> bool {
        self.depth > 0 || self.triple.is_some()
    }

    fn line(&mut self, line: &str) {
        let bytes = line.as_bytes();
        let mut at = 0;
        let mut single: Option<u8> = None;
        while at < bytes.len() {
            let byte = bytes[at];
            match (self.triple, single) {
                (Some(quote), _) => {
                    if byte == b'\\' {
                        at += 1;
                    } else if bytes[at..].starts_with(&[quote; 3]) {
                        self.triple = None;
                        at += 2;
                    }
                }
                (None, Some(quote)) => {
                    if byte == b'\\' {
                        at += 1;
                    } else if byte == quote {
                        single = None;
                    }
                }
                (None, None) => match byte {
                    b'#' => return,
                    b'"' | b'\'' if bytes[at..].starts_with(&[byte; 3]) => {
                        self.triple = Some(byte);
                        at += 2;
                    }
                    b'"' | b'\'' => single = Some(byte),
                    b'(' | b'[' | b'{' => self.depth += 1,
                    b')' | b']' | b'}' => self.depth = self.depth.saturating_sub(1),
                    _ => {}
                },
            }
            at += 1;
        }
    }
}
