//! Lists of configurations.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

use super::{
    ConfigError, LoadRequest, Loader, SearchRules, Value, files,
    releases::{Dates, State},
};

/// One configuration of a list.
#[derive(Debug, Clone)]
pub struct ListedConfig {
    /// What to give to `-r`.
    pub name: String,
    /// The file that defines it.
    pub file: PathBuf,
    /// Whether it is the user's own.
    pub custom: bool,
    /// What is known about its release today.
    pub state: Option<State>,
    /// The description, or why the definition cannot be read.
    pub description: Result<String, String>,
}

/// The definitions of one directory, sorted by name: files, then lines of `chroots.toml`.
pub(super) fn in_dir(
    loader: &mut Loader,
    dir: &Path,
    extensions: &[&str],
) -> Result<Vec<(String, PathBuf)>, ConfigError> {
    let mut found: Vec<(String, PathBuf)> = Vec::new();
    if let Ok(entries) = std::fs::read_dir(dir) {
        for entry in entries.flatten() {
            let path = entry.path();
            let name = path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let fits = path
                .extension()
                .is_some_and(|extension| extensions.iter().any(|known| extension == *known));
            let shared = matches!(name.as_str(), "chroots" | "releases");
            if fits && !name.starts_with('.') && !shared {
                found.push((name, path));
            }
        }
    }
    if extensions.contains(&"toml") {
        let path = dir.join("chroots.toml");
        if let Some(chroots) = loader.chroots(&path)? {
            for name in chroots.names() {
                if !found.iter().any(|(known, _)| known == name) {
                    found.push((name.to_owned(), path.clone()));
                }
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Files of a configuration directory that define no chroot.
pub(super) fn shared(name: &str) -> bool {
    matches!(name, "site-defaults" | "chroot-aliases" | "user")
}

/// Names of every definition within reach, by precedence and without repetition.
pub(super) fn names(loader: &mut Loader, request: &LoadRequest) -> Vec<String> {
    let mut dirs = request.chroot_dirs();
    if request.builtin {
        dirs.push(files::BUILTIN.into());
    }
    let mut names = Vec::new();
    for dir in dirs {
        let found = in_dir(loader, &dir, &["cfg", "toml"]).unwrap_or_default();
        names.extend(
            found
                .into_iter()
                .map(|(name, _)| name)
                .filter(|name| !shared(name)),
        );
    }
    names.sort();
    names.dedup();
    names
}

/// Every definition by rpmkit's rules: the user's own marked, hidden ones left out. `request.root` does
/// not matter.
pub fn list(request: &LoadRequest) -> Result<Vec<ListedConfig>, ConfigError> {
    let mut loader = Loader::for_listing();
    let user = request.user_dir();
    let own = request.host.xdg_config_home.join("rpmkit");
    let mut dirs = request.chroot_dirs();
    if request.builtin {
        dirs.push(files::BUILTIN.into());
    }
    let mut found: Vec<(String, PathBuf, bool)> = Vec::new();
    let mut seen = HashSet::new();
    for dir in dirs {
        let custom = dir == user || dir == own;
        for (name, file) in in_dir(&mut loader, &dir, &["cfg", "toml"])? {
            if !shared(&name) && seen.insert(name.clone()) {
                found.push((name, file, custom));
            }
        }
    }
    found.sort();
    let names: Vec<&str> = found.iter().map(|(name, ..)| name.as_str()).collect();
    let descriptions = describe_all(request, &names);
    let dates = Dates::read(request)?;
    let state = |name: &str| dates.state(name, &request.host.today);
    Ok(found
        .into_iter()
        .zip(descriptions)
        .map(|((name, file, custom), description)| ListedConfig {
            state: state(&name),
            name,
            file,
            custom,
            description: description.map_err(|error| error.to_string()),
        })
        .collect())
}

/// The descriptions of several definitions, in their order. Neighbours share templates, so each thread
/// takes a stretch of them and parses what they have in common once.
fn describe_all(request: &LoadRequest, roots: &[&str]) -> Vec<Result<String, ConfigError>> {
    /// Fewer than this are done sooner than a thread is started.
    const STRETCH: usize = 32;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let size = roots.len().div_ceil(threads).max(STRETCH);
    let one = |roots: &[&str]| -> Vec<Result<String, ConfigError>> {
        let mut loader = Loader::for_listing();
        let load = |root: &&str| describe(&mut loader, request, root);
        roots.iter().map(load).collect()
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = roots
            .chunks(size)
            .map(|stretch| scope.spawn(move || one(stretch)))
            .collect();
        workers
            .into_iter()
            .flat_map(|worker| match worker.join() {
                Ok(found) => found,
                Err(panic) => std::panic::resume_unwind(panic),
            })
            .collect()
    })
}

/// The expanded description of a definition.
fn describe(loader: &mut Loader, request: &LoadRequest, root: &str) -> Result<String, ConfigError> {
    let request = LoadRequest {
        root: root.to_owned(),
        overrides: None,
        ..request.clone()
    };
    let config = loader.load(&request)?;
    Ok(config
        .get("description")?
        .unwrap_or_else(|| Value::from(""))
        .to_string())
}

/// What mock's `--list-chroots` prints. Like mock, it hides the shared files only in `/etc/mock`, and
/// shows a definition that cannot be read with a fixed text. Definitions in our own format, and
/// compiled-in ones where a directory has none of the name, are listed too.
pub fn list_chroots(request: &LoadRequest) -> Result<String, ConfigError> {
    let mut loader = Loader::for_listing();
    let mut out = format!("{:<34} description\nGlobal configs:\n", "config name");
    let dir = request.config_path();
    let mut found = in_dir(&mut loader, &dir, &["cfg", "toml"])?;
    found.retain(|(name, path)| {
        let hidden = matches!(name.as_str(), "chroot-aliases" | "site-defaults");
        !(hidden
            && (dir == Path::new("/etc/mock") || path.extension().is_some_and(|e| e == "toml")))
    });
    if request.builtin && request.configdir.is_none() {
        for (name, path) in in_dir(&mut loader, Path::new(files::BUILTIN), &["toml"])? {
            if !found.iter().any(|(known, _)| *known == name) {
                found.push((name, path));
            }
        }
    }
    // mock sorts by file name, in which the extension takes part.
    found.sort_by(|(a, _), (b, _)| format!("{a}.cfg").cmp(&format!("{b}.cfg")));
    let own = in_dir(&mut loader, &request.user_dir(), &["cfg", "toml"])?;
    let request = LoadRequest {
        search: SearchRules::Mock,
        ..request.clone()
    };
    let root = |(name, path): &(String, PathBuf)| {
        if path.file_name().is_some_and(|file| file == "chroots.toml") {
            name.clone()
        } else {
            path.to_string_lossy().into_owned()
        }
    };
    let roots: Vec<String> = found.iter().chain(&own).map(root).collect();
    let roots: Vec<&str> = roots.iter().map(String::as_str).collect();
    let mut descriptions = describe_all(&request, &roots).into_iter();
    let mut add = |out: &mut String, found: &[(String, PathBuf)]| {
        for ((name, _), text) in found.iter().zip(descriptions.by_ref()) {
            let text = text.unwrap_or_else(|_| "error during parsing the config file".into());
            out.push_str(&format!("{name:<34} {text}\n"));
        }
    };
    add(&mut out, &found);
    out.push_str("Custom configs:\n");
    add(&mut out, &own);
    Ok(out)
}

/// Entries as a table for people.
pub fn table(entries: &[ListedConfig]) -> String {
    let width = entries
        .iter()
        .map(|entry| entry.name.chars().count())
        .max()
        .unwrap_or(0)
        .max(20);
    let mut out = String::new();
    for entry in entries {
        let text = match &entry.description {
            Ok(text) => text.clone(),
            Err(error) => format!(
                "cannot be read: {}",
                error.lines().next().unwrap_or_default()
            ),
        };
        let own = if entry.custom { " (yours)" } else { "" };
        // What is current is what is expected.
        let state = match &entry.state {
            Some(State::EndOfLife { last }) => format!(" [end of life since {last}]"),
            Some(State::Current) | None => String::new(),
            Some(other) => format!(" [{}]", other.word()),
        };
        out.push_str(format!("{:<width$}  {text}{state}{own}", entry.name).trim_end());
        out.push('\n');
    }
    out
}

/// Entries as a JSON array of objects with `name`, `description` or `error`, `file`, `custom` and `state`:
/// `current`, `branched`, `rawhide`, `end of life`, or null for what has no dates.
pub fn json(entries: &[ListedConfig]) -> String {
    let all: serde_json::Value = entries
        .iter()
        .map(|entry| {
            let (key, text) = match &entry.description {
                Ok(text) => ("description", text),
                Err(error) => ("error", error),
            };
            serde_json::json!({
                "name": entry.name,
                key: text,
                "file": entry.file,
                "custom": entry.custom,
                "state": entry.state.as_ref().map(State::word),
            })
        })
        .collect();
    format!("{all:#}\n")
}
