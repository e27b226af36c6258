//! Reading files of projects: text, TOML, and calls as CMake, Meson and autoconf write them.

use std::path::Path;

use rpmkit_fs::{Links, UntrustedTree};

use super::TemplateError;

/// Bytes of a file that is looked at.
const LIMIT: u64 = 16 << 20;

/// A file of the project. A link is followed while it stays in the directory it is in: what is read ends up
/// in the spec.
pub(super) fn bytes(path: &Path) -> Result<Vec<u8>, TemplateError> {
    let (dir, name) = (path.parent(), path.file_name());
    UntrustedTree::open(dir.unwrap_or(Path::new(".")), Links::Beneath)
        .and_then(|tree| tree.without(".git").read(name.unwrap_or_default(), LIMIT))
        .map_err(|error| match error.is_refusal() {
            true => TemplateError::read(path, std::io::Error::from(error)),
            false => TemplateError::read(path, error.into_system()),
        })
}

/// A text file; one that is not UTF-8 is taken for Latin-1, as old projects are.
pub(super) fn text(path: &Path) -> Result<String, TemplateError> {
    let bytes = bytes(path)?;
    Ok(String::from_utf8(bytes)
        .unwrap_or_else(|error| error.as_bytes().iter().copied().map(char::from).collect()))
}

/// The arguments of the first call of `name`.
pub(super) fn call(text: &str, name: &str) -> Option<Vec<String>> {
    calls(text, name).next()
}

/// The arguments of every call of `name`: split at commas outside of brackets and quotes, their
/// own quotes taken off.
pub(super) fn calls<'t>(text: &'t str, name: &'t str) -> impl Iterator<Item = Vec<String>> + 't {
    text.match_indices(name).filter_map(move |(at, _)| {
        let before = text[..at].rsplit('\n').next().unwrap_or_default();
        let rest = text[at + name.len()..].trim_start();
        // Not in a comment, and not the end of another name.
        let comment = before.trim_start().starts_with('#')
            || before.trim_start().starts_with("dnl")
            || before.contains(" #");
        let part = before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        if comment || part || !rest.starts_with('(') {
            return None;
        }
        arguments(&rest[1..])
    })
}

fn arguments(text: &str) -> Option<Vec<String>> {
    let (mut depth, mut quote, mut arguments, mut current) = (0, None, Vec::new(), String::new());
    for letter in text.chars() {
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            // In prose an apostrophe opens nothing.
            (None, '\'' | '"') if depth == 0 => quote = Some(letter),
            (None, '(' | '[') => depth += 1,
            (None, ')') if depth == 0 => {
                arguments.push(current);
                let clean = |argument: String| {
                    unquote(argument.trim().trim_matches(['[', ']']).trim()).to_owned()
                };
                return Some(arguments.into_iter().map(clean).collect());
            }
            (None, ')' | ']') => depth -= 1,
            (None, ',') if depth == 0 => {
                arguments.push(std::mem::take(&mut current));
                continue;
            }
            _ => {}
        }
        current.push(letter);
    }
    None
}

fn unquote(text: &str) -> &str {
    text.trim_matches(['\'', '"'])
}

/// The line, from 1, a place in a text is in.
pub(super) fn line_of(text: &str, at: usize) -> usize {
    text.get(..at)
        .map_or(1, |before| before.matches('\n').count() + 1)
}

/// A TOML file.
pub(super) fn toml(path: &Path) -> Result<toml::Table, TemplateError> {
    let bytes = bytes(path)?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let before = String::from_utf8_lossy(&error.as_bytes()[..good]).into_owned();
        TemplateError::syntax(
            path,
            line_of(&before, good),
            "this is not UTF-8, as TOML has to be",
        )
    })?;
    rpmkit_types::check_toml(&text)
        .map_err(|(at, reason)| TemplateError::syntax(path, line_of(&text, at), reason))?;
    text.parse().map_err(|error: toml::de::Error| {
        let at = error.span().map_or(0, |span| span.start);
        TemplateError::syntax(
            path,
            line_of(&text, at),
            error.message().replace('\n', ", "),
        )
    })
}
