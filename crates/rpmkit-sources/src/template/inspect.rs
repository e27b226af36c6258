//! What a project is and what can be known of it: asks the reader for its build system, then the files
//! all projects have.

#![allow(
    clippy::disallowed_methods,
    reason = "looks whether files are there; what is read goes through `read::bytes`"
)]

use std::{fs, path::Path};

use rpmkit_vcs::CommandEnv;

use super::{
    Facts, ProjectKind, TemplateError, cargo, golang, license, native, python, read::text, repo,
};

/// What a directory is, by the build files in it; the most telling first, since a project may
/// well carry several.
pub fn detect(dir: &Path) -> Option<ProjectKind> {
    [
        ("Cargo.toml", ProjectKind::Rust),
        ("go.mod", ProjectKind::Go),
        ("meson.build", ProjectKind::Meson),
        ("configure.ac", ProjectKind::Autotools),
        ("configure.in", ProjectKind::Autotools),
        ("CMakeLists.txt", ProjectKind::Cmake),
        ("configure", ProjectKind::Autotools),
        ("pyproject.toml", ProjectKind::Python),
        ("setup.py", ProjectKind::Python),
        ("setup.cfg", ProjectKind::Python),
    ]
    .into_iter()
    .find(|(file, _)| dir.join(file).is_file())
    .map(|(_, kind)| kind)
}

/// Reads what can be known without asking. The host's cargo is needed for Rust only.
///
/// # Errors
/// When a project file is there and cannot be read or makes no sense.
pub fn inspect(dir: &Path, kind: ProjectKind, host: &CommandEnv) -> Result<Facts, TemplateError> {
    let mut facts = match kind {
        ProjectKind::Rust => cargo::inspect(dir, host)?,
        ProjectKind::Python => python::inspect(dir)?,
        ProjectKind::Autotools => native::autotools(dir)?,
        ProjectKind::Cmake => native::cmake(dir)?,
        ProjectKind::Meson => native::meson(dir)?,
        ProjectKind::Go => golang::inspect(dir)?,
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
    if points_elsewhere(&facts.summary) {
        facts.summary.clear();
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

/// Whether a line only says where to read on: "See README".
fn points_elsewhere(line: &str) -> bool {
    let lower = line.to_lowercase();
    let read = ["see ", "read ", "please see ", "please read ", "refer to "];
    read.iter().any(|start| lower.starts_with(start))
        && ["readme", "http", "documentation", " docs"]
            .iter()
            .any(|what| lower.contains(what))
}

/// The first sentence below the README's heading.
fn readme_line(dir: &Path, docs: &[String]) -> Option<String> {
    let readme = docs
        .iter()
        .find(|name| name.to_uppercase().starts_with("README"))?;
    let text = text(&dir.join(readme)).ok()?;
    let line = text.lines().map(str::trim).find(|line| {
        line.starts_with(|c: char| c.is_alphanumeric())
            && line.split_whitespace().count() > 2
            && !points_elsewhere(line)
    })?;
    let end = line.find(". ").map_or(line.len(), |at| at + 1);
    Some(line[..end].to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::disallowed_methods,
        clippy::disallowed_types
    )]
    use super::*;

    #[test]
    fn a_summary_is_never_a_pointer_to_another_file() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
        write(
            "pyproject.toml",
            "[project]\nname='a'\nversion='1'\ndescription='See README.md'\n",
        );
        let summary = || {
            inspect(dir.path(), ProjectKind::Python, &CommandEnv::default())
                .unwrap()
                .summary
        };
        assert_eq!(summary(), "");
        write(
            "README.md",
            "# a\n\nSee https://a.example for more.\n\nSees all that others do. Fast.\n",
        );
        assert_eq!(summary(), "Sees all that others do.");
    }
}
