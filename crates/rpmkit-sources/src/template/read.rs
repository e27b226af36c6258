//! Reading a project's files.

use rpmkit_vcs::Host;
use std::{fs, path::Path};

use super::{Facts, Kind, TemplateError, cargo, golang, license, native, python, repo};

/// What a directory is, by the build files in it; the most telling first, since a project may
/// well carry several.
pub fn detect(dir: &Path) -> Option<Kind> {
    [
        ("Cargo.toml", Kind::Rust),
        ("go.mod", Kind::Go),
        ("meson.build", Kind::Meson),
        ("configure.ac", Kind::Autotools),
        ("configure.in", Kind::Autotools),
        ("CMakeLists.txt", Kind::Cmake),
        ("configure", Kind::Autotools),
        ("pyproject.toml", Kind::Python),
        ("setup.py", Kind::Python),
        ("setup.cfg", Kind::Python),
    ]
    .into_iter()
    .find(|(file, _)| dir.join(file).is_file())
    .map(|(_, kind)| kind)
}

/// Reads what can be known without asking. The host's cargo is needed for Rust only.
///
/// # Errors
/// When a project file is there and cannot be read or makes no sense.
pub fn inspect(dir: &Path, kind: Kind, host: &Host) -> Result<Facts, TemplateError> {
    let mut facts = match kind {
        Kind::Rust => cargo::inspect(dir, host)?,
        Kind::Python => python::inspect(dir)?,
        Kind::Autotools => native::autotools(dir)?,
        Kind::Cmake => native::cmake(dir)?,
        Kind::Meson => native::meson(dir)?,
        Kind::Go => golang::inspect(dir)?,
    };
    if facts.name.is_empty() {
        facts.name = fs::canonicalize(dir)
            .ok()
            .and_then(|dir| {
                dir.file_name()
                    .map(|name| name.to_string_lossy().into_owned())
            })
            .unwrap_or_default();
    }
    let mut names: Vec<String> = fs::read_dir(dir)
        .map_err(|error| TemplateError::read(dir, error))?
        .filter_map(Result::ok)
        .filter(|entry| entry.path().is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    for name in names {
        // A name rpm would take for a pattern or an option stays out.
        let plain = |c: char| c.is_alphanumeric() || "._-+".contains(c);
        if !name.chars().all(plain) {
            continue;
        }
        let upper = name.to_uppercase();
        if ["LICENSE", "LICENCE", "COPYING", "UNLICENSE"]
            .iter()
            .any(|start| upper.starts_with(start))
            && !upper.ends_with(".SPEC")
            && fs::metadata(dir.join(&name)).is_ok_and(|data| data.len() > 0)
        {
            facts.licenses.push(name);
        } else if ["README", "NEWS", "CHANGELOG", "CHANGES", "AUTHORS"]
            .iter()
            .any(|start| upper.starts_with(start))
            // An empty file is an error to rpmlint.
            && fs::metadata(dir.join(&name)).is_ok_and(|data| data.len() > 0)
        {
            facts.docs.push(name);
        }
    }
    if facts.summary.is_empty() {
        facts.summary = readme_line(dir, &facts.docs).unwrap_or_default();
    }
    if facts.license.is_empty() {
        facts.license = license::of_files(dir, &facts.licenses).unwrap_or_default();
    }
    if facts.version.is_empty() {
        facts.version = version_file(dir)
            .or_else(|| repo::version(dir))
            .unwrap_or_default();
    }
    if facts.url.is_empty() {
        facts.url = repo::url(dir).unwrap_or_default();
    }
    Ok(facts)
}

/// A text file; one that is not UTF-8 is taken for Latin-1, as old projects are.
pub(super) fn text(path: &Path) -> Result<String, TemplateError> {
    let bytes = fs::read(path).map_err(|error| TemplateError::read(path, error))?;
    Ok(String::from_utf8(bytes)
        .unwrap_or_else(|error| error.as_bytes().iter().copied().map(char::from).collect()))
}

/// The version a file of its own has, as release archives and many projects keep it.
fn version_file(dir: &Path) -> Option<String> {
    [
        ".tarball-version",
        "VERSION",
        "VERSION.txt",
        "version.txt",
        ".version",
    ]
    .iter()
    .filter_map(|name| text(&dir.join(name)).ok())
    .filter_map(|text| Some(text.lines().next()?.trim().to_owned()))
    .find(|line| {
        let plain = line.trim_start_matches(['v', 'V']);
        plain.starts_with(|c: char| c.is_ascii_digit()) && !line.contains(char::is_whitespace)
    })
}

/// The first sentence below the README's heading.
fn readme_line(dir: &Path, docs: &[String]) -> Option<String> {
    let readme = docs
        .iter()
        .find(|name| name.to_uppercase().starts_with("README"))?;
    let text = text(&dir.join(readme)).ok()?;
    let line = text.lines().map(str::trim).find(|line| {
        line.starts_with(|c: char| c.is_alphanumeric()) && line.split_whitespace().count() > 2
    })?;
    let end = line.find(". ").map_or(line.len(), |at| at + 1);
    Some(line[..end].to_owned())
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
    let bytes = fs::read(path).map_err(|error| TemplateError::read(path, error))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let before = String::from_utf8_lossy(&error.as_bytes()[..good]).into_owned();
        TemplateError::syntax(
            path,
            line_of(&before, good),
            "this is not UTF-8, as TOML has to be",
        )
    })?;
    text.parse().map_err(|error: toml::de::Error| {
        let at = error.span().map_or(0, |span| span.start);
        TemplateError::syntax(
            path,
            line_of(&text, at),
            error.message().replace('\n', ", "),
        )
    })
}
