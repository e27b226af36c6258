//! Facts of Python projects: `pyproject.toml` in all its dialects, `setup.cfg`, `setup.py`.

#![allow(
    clippy::disallowed_methods,
    reason = "looks whether files are there; what is read goes through `read::bytes`"
)]

use std::{fs, path::Path};

use super::{Facts, ProjectKind, TemplateError, license, read, repo};

pub(super) fn inspect(dir: &Path) -> Result<Facts, TemplateError> {
    let mut facts = Facts::new(ProjectKind::Python);
    let path = dir.join("pyproject.toml");
    let table = if path.is_file() {
        read::toml(&path)?
    } else {
        toml::Table::new()
    };
    for from in [
        &["project"][..],
        &["tool", "poetry"],
        &["tool", "flit", "metadata"],
    ] {
        if let Some(found) = at(&table, from).and_then(toml::Value::as_table) {
            standard(&mut facts, found);
        }
    }
    let old = Setup::read(dir)?;
    old.fill(&mut facts);
    let package_dirs = packages(dir);
    facts.parts = modules(&table, &facts.name, &package_dirs);
    if facts.version.is_empty() && by_tags(&table, &old) {
        // An archive has no tags.
        facts.version = repo::version(dir).unwrap_or_default();
        facts.scm_version = true;
    }
    if facts.version.is_empty() {
        facts.version = dynamic(dir, &table, &facts.parts).unwrap_or_default();
    }
    if facts.summary.is_empty() {
        facts.summary = module_text(dir, &facts.parts)
            .and_then(|text| docstring(&text))
            .unwrap_or_default();
    }
    facts.noarch = !compiled(dir, &old.script);
    if !facts.noarch {
        facts.requires.push("gcc".to_owned());
    }
    Ok(facts)
}

/// A value deep in a table.
fn at<'t>(table: &'t toml::Table, keys: &[&str]) -> Option<&'t toml::Value> {
    let (last, before) = keys.split_last()?;
    let mut table = table;
    for key in before {
        table = table.get(*key)?.as_table()?;
    }
    table.get(*last)
}

/// The standard's names for things; poetry and flit use most of them.
fn standard(facts: &mut Facts, project: &toml::Table) {
    let get = |keys: &[&str]| {
        keys.iter()
            .find_map(|key| project.get(*key).and_then(toml::Value::as_str))
            .unwrap_or_default()
            .to_owned()
    };
    let set = |slot: &mut String, value: String| {
        if slot.is_empty() {
            *slot = value;
        }
    };
    set(&mut facts.name, get(&["name", "dist-name", "module"]));
    set(&mut facts.version, get(&["version"]));
    set(&mut facts.summary, get(&["description"]));
    let name = match project.get("license") {
        Some(toml::Value::String(text)) => text.as_str(),
        Some(toml::Value::Table(table)) => table
            .get("text")
            .and_then(toml::Value::as_str)
            .unwrap_or_default(),
        _ => "",
    };
    set(&mut facts.license, license::spdx(name));
    let urls = project.get("urls").and_then(toml::Value::as_table);
    let url = get(&["homepage", "home-page", "repository"]);
    let url = if url.is_empty() {
        urls.map(best_url).unwrap_or_default()
    } else {
        url
    };
    set(&mut facts.url, url);
    for key in ["scripts", "gui-scripts"] {
        if let Some(scripts) = project.get(key).and_then(toml::Value::as_table) {
            facts.binaries.extend(scripts.keys().cloned());
        }
    }
}

/// The home page among labelled addresses, or the nearest to it.
fn best_url(urls: &toml::Table) -> String {
    ["homepage", "home", "repository", "source", "source code"]
        .iter()
        .find_map(|wanted| {
            urls.iter()
                .find(|(key, _)| key.to_lowercase() == *wanted)
                .and_then(|(_, value)| value.as_str())
        })
        .or_else(|| urls.values().find_map(toml::Value::as_str))
        .unwrap_or_default()
        .to_owned()
}

/// What `setup.cfg` and `setup.py` say.
#[derive(Default)]
struct Setup {
    config: Vec<(String, String, String)>,
    script: String,
}

impl Setup {
    fn read(dir: &Path) -> Result<Self, TemplateError> {
        let mut setup = Self::default();
        let (config, script) = (dir.join("setup.cfg"), dir.join("setup.py"));
        if config.is_file() {
            setup.config = ini(&read::text(&config)?);
        }
        if script.is_file() {
            setup.script = read::text(&script)?;
        }
        Ok(setup)
    }

    fn value(&self, key: &str) -> String {
        let config = self
            .config
            .iter()
            .find(|(section, found, _)| section == "metadata" && found == key)
            .map(|(.., value)| value.trim().to_owned())
            // `attr: x.y` and `file: X` are not the value.
            .filter(|value| !value.starts_with("attr:") && !value.starts_with("file:"));
        config
            .or_else(|| keyword(&self.script, key))
            .unwrap_or_default()
    }

    fn fill(&self, facts: &mut Facts) {
        for (slot, key) in [
            (&mut facts.name, "name"),
            (&mut facts.version, "version"),
            (&mut facts.summary, "description"),
            (&mut facts.url, "url"),
        ] {
            if slot.is_empty() {
                *slot = self.value(key);
            }
        }
        if facts.license.is_empty() {
            facts.license = license::spdx(&self.value("license"));
        }
        let listed = self
            .config
            .iter()
            .filter(|(section, key, _)| {
                section == "options.entry_points" && key == "console_scripts"
            })
            .flat_map(|(.., value)| value.lines());
        let written = keyword_block(&self.script, "console_scripts");
        for line in listed.map(str::to_owned).chain(written) {
            if let Some((name, _)) = line.split_once('=') {
                facts.binaries.push(name.trim().to_owned());
            }
        }
        facts.binaries.sort();
        facts.binaries.dedup();
    }
}

/// Sections, keys and values of an INI file; lines that continue a value are indented.
fn ini(text: &str) -> Vec<(String, String, String)> {
    let (mut section, mut out) = (String::new(), Vec::<(String, String, String)>::new());
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = trimmed.strip_prefix('[') {
            section = name.trim_end_matches(']').to_owned();
        } else if line.starts_with([' ', '\t']) {
            if let Some((.., value)) = out.last_mut() {
                value.push('\n');
                value.push_str(trimmed);
            }
        } else if let Some((key, value)) = trimmed.split_once(['=', ':']) {
            let key = key.trim().to_lowercase().replace('-', "_");
            out.push((section.clone(), key, value.trim().to_owned()));
        }
    }
    out
}

/// The string given for a keyword argument, if it is written as a plain literal.
fn keyword(script: &str, key: &str) -> Option<String> {
    script.match_indices(key).find_map(|(at, _)| {
        let before = script[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || "_.'\"".contains(c)) {
            return None;
        }
        let rest = script[at + key.len()..]
            .trim_start()
            .strip_prefix('=')?
            .trim_start();
        literal(rest)
    })
}

/// A string literal at the start of a text.
fn literal(text: &str) -> Option<String> {
    let quote = ["\"\"\"", "'''", "\"", "'"]
        .into_iter()
        .find(|quote| text.starts_with(quote))?;
    let rest = &text[quote.len()..];
    rest.find(quote).map(|end| rest[..end].to_owned())
}

/// The literals of a list in a dictionary of `setup.py`.
fn keyword_block(script: &str, key: &str) -> Vec<String> {
    let block = script
        .split_once(key)
        .and_then(|(_, rest)| rest.split_once('['))
        .and_then(|(_, rest)| rest.split_once(']'))
        .map(|(inner, _)| inner)
        .unwrap_or_default();
    block
        .split(',')
        .filter_map(|part| literal(part.trim()))
        .collect()
}

/// Names of importable things in the tree: packages and lone modules.
fn packages(dir: &Path) -> Vec<String> {
    const NOT_MEANT: [&str; 9] = [
        "setup", "conftest", "tests", "test", "docs", "doc", "examples", "build", "noxfile",
    ];
    let base = if dir.join("src").is_dir() {
        dir.join("src")
    } else {
        dir.to_owned()
    };
    let mut found: Vec<String> = fs::read_dir(base)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.path().join("__init__.py").is_file() {
                return Some(name);
            }
            name.strip_suffix(".py").map(str::to_owned)
        })
        .filter(|name| !NOT_MEANT.contains(&name.as_str()))
        .collect();
    found.sort();
    found
}

/// What the project installs, as `%pyproject_save_files` wants it.
fn modules(table: &toml::Table, name: &str, found: &[String]) -> Vec<String> {
    let flit = [
        &["tool", "flit", "module", "name"][..],
        &["tool", "flit", "metadata", "module"],
    ]
    .iter()
    .find_map(|keys| at(table, keys).and_then(toml::Value::as_str));
    if let Some(module) = flit {
        return vec![module.split('.').next().unwrap_or(module).to_owned()];
    }
    let listed: Vec<String> = [
        &["tool", "setuptools", "packages"][..],
        &["tool", "setuptools", "py-modules"],
        &["tool", "hatch", "build", "targets", "wheel", "packages"],
    ]
    .iter()
    .filter_map(|keys| at(table, keys).and_then(toml::Value::as_array))
    .flatten()
    .filter_map(toml::Value::as_str)
    // `src/name` and `name.part` install `name`.
    .map(|name| {
        let last = name.rsplit('/').next().unwrap_or(name);
        last.split('.').next().unwrap_or(last).to_owned()
    })
    .collect();
    if !listed.is_empty() {
        let mut listed = listed;
        listed.sort();
        listed.dedup();
        return listed;
    }
    let module = name.replace(['-', '.'], "_");
    found
        .iter()
        .find(|one| **one == module || **one == module.to_lowercase())
        .cloned()
        .map(|one| vec![one])
        // The backend may find what we do not: anything it installs is the project's.
        .unwrap_or_else(|| vec!["'*'".to_owned()])
}

/// Whether the backend makes the version from tags.
fn by_tags(table: &toml::Table, old: &Setup) -> bool {
    let source = at(table, &["tool", "hatch", "version", "source"]);
    let pdm = at(table, &["tool", "pdm", "version", "source"]);
    [source, pdm]
        .into_iter()
        .flatten()
        .any(|source| matches!(source.as_str(), Some("vcs" | "scm")))
        || at(table, &["tool", "setuptools_scm"]).is_some()
        || at(table, &["tool", "setuptools-scm"]).is_some()
        || old.script.contains("use_scm_version")
}

/// A version that is written elsewhere.
fn dynamic(dir: &Path, table: &toml::Table, modules: &[String]) -> Option<String> {
    let hatch = at(table, &["tool", "hatch", "version", "path"]);
    let pdm = at(table, &["tool", "pdm", "version", "path"]);
    let file = at(table, &["tool", "setuptools", "dynamic", "version", "file"]);
    if let Some(path) = hatch.or(pdm).and_then(toml::Value::as_str) {
        let text = read::text(&dir.join(path)).ok()?;
        return ["__version__", "VERSION", "version"]
            .iter()
            .find_map(|key| keyword(&text, key));
    }
    let file = match file {
        Some(toml::Value::Array(files)) => files.first().and_then(toml::Value::as_str),
        Some(value) => value.as_str(),
        None => None,
    };
    if let Some(file) = file {
        return Some(read::text(&dir.join(file)).ok()?.trim().to_owned());
    }
    let attr = at(table, &["tool", "setuptools", "dynamic", "version", "attr"]);
    if let Some((module, key)) = attr
        .and_then(toml::Value::as_str)
        .and_then(|a| a.rsplit_once('.'))
    {
        let path = module.replace('.', "/");
        return [format!("{path}.py"), format!("{path}/__init__.py")]
            .iter()
            .flat_map(|path| [dir.join(path), dir.join("src").join(path)])
            .find_map(|path| keyword(&read::text(&path).ok()?, key));
    }
    keyword(&module_text(dir, modules)?, "__version__")
}

/// The first of the project's modules.
fn module_text(dir: &Path, modules: &[String]) -> Option<String> {
    let module = modules.first()?;
    [dir.join("src"), dir.to_owned()]
        .iter()
        .flat_map(|base| {
            [
                base.join(module).join("__init__.py"),
                base.join(format!("{module}.py")),
            ]
        })
        .find_map(|path| read::text(&path).ok())
}

fn docstring(text: &str) -> Option<String> {
    let start = text
        .lines()
        .find(|line| !line.trim().is_empty() && !line.starts_with('#'))?;
    let at = text.find(start)?;
    let found = literal(text[at..].trim_start())?;
    found.trim().lines().next().map(str::to_owned)
}

/// Whether something is compiled.
fn compiled(dir: &Path, script: &str) -> bool {
    script.contains("ext_modules")
        || script.contains("Extension(")
        || script.contains("cffi_modules")
        || walkdir::WalkDir::new(dir)
            .max_depth(4)
            .into_iter()
            .filter_entry(|entry| entry.file_name() != ".git" && entry.file_name() != "results")
            .filter_map(Result::ok)
            .any(|entry| entry.path().extension().is_some_and(|kind| kind == "pyx"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn setup_scripts_are_read_without_running() {
        let script = "setup(\n  name = 'thing',\n  version=\"1.0\", long_description=x,\n  description='''A thing''',\n  \
                      entry_points={'console_scripts': ['thing = thing:main', \"other=thing:two\"]})";
        assert_eq!(keyword(script, "name").as_deref(), Some("thing"));
        assert_eq!(keyword(script, "description").as_deref(), Some("A thing"));
        assert_eq!(keyword(script, "license"), None);
        assert_eq!(
            keyword_block(script, "console_scripts"),
            ["thing = thing:main", "other=thing:two"]
        );
    }

    #[test]
    fn setup_configurations_are_read() {
        let text = "[metadata]\nname = x\nlong-description = a\n  b\n# no\n[options.entry_points]\nconsole_scripts =\n  x = x:main\n";
        let read = ini(text);
        assert_eq!(
            read[1],
            ("metadata".into(), "long_description".into(), "a\nb".into())
        );
        assert_eq!(read[2].2, "\nx = x:main");
    }

    #[test]
    fn the_first_line_of_a_docstring_is_taken() {
        assert_eq!(
            docstring("# c\n\"\"\"\nDoes it.\nMore\n\"\"\"\n").as_deref(),
            Some("Does it.")
        );
        assert_eq!(docstring("import x\n'no'"), None);
    }
}
