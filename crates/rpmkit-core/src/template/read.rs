//! Reading a project's files.

use std::{fs, path::Path};

use super::{Facts, Kind, TemplateError, cargo, cargo::CargoTool};

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
    ]
    .into_iter()
    .find(|(file, _)| dir.join(file).is_file())
    .map(|(_, kind)| kind)
}

/// Reads what can be known without asking. `cargo` is needed for Rust only.
///
/// # Errors
/// When a project file is there and cannot be read or makes no sense.
pub fn inspect(dir: &Path, kind: Kind, cargo: Option<&CargoTool>) -> Result<Facts, TemplateError> {
    let mut facts = match kind {
        Kind::Rust => {
            let cargo = cargo.ok_or_else(|| {
                TemplateError::read(&dir.join("Cargo.toml"), "there is no `cargo` on this host")
            })?;
            cargo::inspect(dir, cargo)?
        }
        Kind::Python => python(dir)?,
        Kind::Autotools => autotools(dir)?,
        Kind::Cmake => cmake(dir)?,
        Kind::Meson => meson(dir)?,
        Kind::Go => go(dir)?,
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
        let upper = name.to_uppercase();
        if ["LICENSE", "LICENCE", "COPYING", "UNLICENSE"]
            .iter()
            .any(|start| upper.starts_with(start))
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
    Ok(facts)
}

fn text(path: &Path) -> Result<String, TemplateError> {
    fs::read(path)
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .map_err(|error| TemplateError::read(path, error))
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

fn python(dir: &Path) -> Result<Facts, TemplateError> {
    let path = dir.join("pyproject.toml");
    let table: toml::Table = text(&path)?
        .parse()
        .map_err(|error| TemplateError::read(&path, error))?;
    let mut facts = Facts::new(Kind::Python);
    let empty = toml::Table::new();
    let project = table
        .get("project")
        .and_then(toml::Value::as_table)
        .unwrap_or(&empty);
    let get = |key: &str| {
        project
            .get(key)
            .and_then(toml::Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    facts.name = get("name");
    facts.version = get("version");
    facts.summary = get("description");
    facts.license = match project.get("license") {
        Some(toml::Value::String(text)) => text.clone(),
        Some(toml::Value::Table(table)) => table
            .get("text")
            .and_then(toml::Value::as_str)
            .unwrap_or_default()
            .to_owned(),
        _ => String::new(),
    };
    if let Some(urls) = project.get("urls").and_then(toml::Value::as_table) {
        facts.url = ["homepage", "repository", "source", "source code"]
            .iter()
            .find_map(|wanted| {
                urls.iter()
                    .find(|(key, _)| key.to_lowercase() == *wanted)
                    .and_then(|(_, value)| value.as_str())
            })
            .or_else(|| urls.values().find_map(toml::Value::as_str))
            .unwrap_or_default()
            .to_owned();
    }
    facts.binaries = project
        .get("scripts")
        .and_then(toml::Value::as_table)
        .map(|scripts| scripts.keys().cloned().collect())
        .unwrap_or_default();
    let module = facts.name.replace('-', "_");
    let lower = module.to_lowercase();
    facts.parts = [module.clone(), lower]
        .into_iter()
        .find(|name| {
            [dir.to_owned(), dir.join("src")]
                .iter()
                .any(|base| base.join(name).is_dir() || base.join(format!("{name}.py")).is_file())
        })
        .or(Some(module))
        .filter(|name| !name.is_empty())
        .into_iter()
        .collect();
    Ok(facts)
}

fn autotools(dir: &Path) -> Result<Facts, TemplateError> {
    let mut facts = Facts::new(Kind::Autotools);
    facts.bootstrap = !dir.join("configure").is_file();
    let source = ["configure.ac", "configure.in"]
        .iter()
        .map(|name| dir.join(name))
        .find(|path| path.is_file());
    if let Some(path) = source {
        let text = text(&path)?;
        if let Some(arguments) = call(&text, "AC_INIT") {
            let plain = |at: usize| {
                arguments
                    .get(at)
                    // A value made by a macro is not known without running m4.
                    .filter(|value| !value.contains(['(', '$']))
                    .cloned()
                    .unwrap_or_default()
            };
            facts.name = plain(3);
            if facts.name.is_empty() {
                facts.name = plain(0).to_lowercase().replace(' ', "-");
            }
            facts.version = plain(1);
            facts.url = plain(4);
        }
        if text.contains("AC_PROG_CXX") {
            facts.requires.push("gcc-c++".to_owned());
        }
        if text.contains("PKG_CHECK_MODULES") || text.contains("PKG_PROG_PKG_CONFIG") {
            facts.requires.push("pkgconfig".to_owned());
        }
    }
    Ok(facts)
}

fn cmake(dir: &Path) -> Result<Facts, TemplateError> {
    let text = text(&dir.join("CMakeLists.txt"))?;
    let mut facts = Facts::new(Kind::Cmake);
    let lower = text.to_lowercase();
    let project = lower.find("project(").or_else(|| lower.find("project ("));
    let words = project
        .and_then(|at| text.get(at..))
        .and_then(|rest| rest.split_once('('))
        .and_then(|(_, rest)| rest.split_once(')'))
        .map(|(inner, _)| shlex::split(inner).unwrap_or_default())
        .unwrap_or_default();
    facts.name = words
        .first()
        .filter(|name| !name.contains('$'))
        .map(|name| name.to_lowercase())
        .unwrap_or_default();
    let after = |key: &str| {
        words
            .iter()
            .position(|word| word == key)
            .and_then(|at| words.get(at + 1))
            .filter(|value| !value.contains('$'))
            .cloned()
            .unwrap_or_default()
    };
    facts.version = after("VERSION");
    facts.summary = after("DESCRIPTION");
    facts.url = after("HOMEPAGE_URL");
    // Without a word about languages cmake looks for a C++ compiler too.
    let languages: Vec<&str> = words
        .iter()
        .skip(1)
        .map(String::as_str)
        .filter(|word| matches!(*word, "C" | "CXX" | "NONE"))
        .collect();
    if languages.is_empty() || languages.contains(&"CXX") {
        facts.requires.push("gcc-c++".to_owned());
    }
    Ok(facts)
}

fn meson(dir: &Path) -> Result<Facts, TemplateError> {
    let text = text(&dir.join("meson.build"))?;
    let mut facts = Facts::new(Kind::Meson);
    let arguments = call(&text, "project").unwrap_or_default();
    facts.name = arguments.first().cloned().unwrap_or_default();
    let named = |key: &str| {
        arguments
            .iter()
            .filter_map(|argument| argument.split_once(':'))
            .find(|(name, _)| name.trim() == key)
            .map(|(_, value)| unquote(value.trim()).to_owned())
            .filter(|value| !value.contains('('))
            .unwrap_or_default()
    };
    facts.version = named("version");
    facts.license = named("license");
    if arguments.iter().any(|argument| argument == "cpp") {
        facts.requires.push("gcc-c++".to_owned());
    }
    Ok(facts)
}

fn go(dir: &Path) -> Result<Facts, TemplateError> {
    let text = text(&dir.join("go.mod"))?;
    let mut facts = Facts::new(Kind::Go);
    let module = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("module "))
        .unwrap_or_default()
        .trim();
    let mut parts: Vec<&str> = module.split('/').collect();
    // `…/v2` is a major version and no name.
    if parts.last().is_some_and(|last| {
        last.strip_prefix('v')
            .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
    }) {
        parts.pop();
    }
    facts.name = parts.last().copied().unwrap_or_default().to_owned();
    facts.url = format!("https://{}", parts.join("/"));
    facts.has_vendor = dir.join("vendor").is_dir();
    facts.vendored = dir.join("go.sum").is_file() && !facts.has_vendor;
    let commands = dir.join("cmd");
    if let Ok(entries) = fs::read_dir(&commands) {
        let mut names: Vec<String> = entries
            .filter_map(Result::ok)
            .filter(|entry| entry.path().is_dir())
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        for name in names {
            facts.parts.push(format!("./cmd/{name}"));
            facts.binaries.push(name);
        }
    }
    if facts.binaries.is_empty() {
        facts.binaries.push(facts.name.clone());
        facts.parts.push(".".to_owned());
    }
    Ok(facts)
}

/// The arguments of the first call of `name`: split at commas outside of brackets and quotes,
/// their own quotes taken off.
fn call(text: &str, name: &str) -> Option<Vec<String>> {
    let start = text.match_indices(name).find_map(|(at, _)| {
        let before = text[..at].rsplit('\n').next().unwrap_or_default();
        let rest = text[at + name.len()..].trim_start();
        // Not in a comment.
        let comment =
            before.trim_start().starts_with('#') || before.trim_start().starts_with("dnl");
        (!comment && rest.starts_with('(')).then(|| text.len() - rest.len() + 1)
    })?;
    let (mut depth, mut quote, mut arguments, mut current) = (0, None, Vec::new(), String::new());
    for letter in text[start..].chars() {
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            (None, '\'' | '"') => quote = Some(letter),
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
