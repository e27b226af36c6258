//! rpkg's macros of a project's own: bash functions in the file that `user_macros` of `rpkg.conf` names.
//! They run in the build root, on a copy of the tree.

use std::{
    os::unix::ffi::OsStrExt,
    path::{Component, Path, PathBuf},
};

use super::{SourceTree, runner::TREE_IN_ROOT};
use rpmkit_vcs::git;

/// Runs a bash script in a copy of the tree in the build root and gives what it prints.
pub(super) type Shell<'s> = dyn FnMut(&str) -> Result<String, super::SrpmError> + 's;

/// The macros a tree defines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct UserMacros {
    /// Their file, relative to the repository, when there is one.
    file: Option<PathBuf>,
    functions: Vec<String>,
    /// Where macros of this tree are, or would be, defined; for people.
    pub place: String,
}

impl UserMacros {
    /// Reads what `rpkg.conf` at the top of the tree, or beside the spec, says.
    pub fn of(tree: &SourceTree, spec: &Path) -> Self {
        let read = |path: &Path| {
            let text = tree.read(path.as_os_str().as_bytes()).ok()?;
            Some(String::from_utf8_lossy(&text).into_owned())
        };
        let beside = spec.with_file_name("rpkg.conf");
        let conf = [PathBuf::from("rpkg.conf"), beside]
            .into_iter()
            .find_map(|path| Some((read(&path)?, path)));
        let Some((text, conf)) = conf else {
            return Self::nowhere(
                "macros of this tree would be defined in a file that `user_macros` in its `rpkg.conf` names; it has no `rpkg.conf`"
                    .to_owned(),
            );
        };
        let Some(value) = user_macros(&text) else {
            return Self::nowhere(format!(
                "macros of this tree would be defined in a file that `user_macros` in `{}` names",
                conf.display()
            ));
        };
        let inside = git::bytes_path(tree.inside()).to_owned();
        let functions = plain_path(&value).and_then(|file| {
            let text = read(file.strip_prefix(&inside).ok()?)?;
            Some((file, functions(&text)))
        });
        match functions {
            Some((file, functions)) => Self {
                place: format!("macros of this tree are defined in `{}`", file.display()),
                file: Some(file),
                functions,
            },
            None => Self::nowhere(format!(
                "macros of this tree would be defined in `{value}`, which `{}` names and the tree does not have",
                conf.display()
            )),
        }
    }

    fn nowhere(place: String) -> Self {
        Self {
            place,
            ..Self::default()
        }
    }

    /// Whether the tree defines a macro of this name.
    pub fn has(&self, name: &str) -> bool {
        self.functions.iter().any(|function| function == name)
    }

    /// A script that runs `body` with the tree's macros; `known` are built-in ones and their values.
    pub fn script(&self, known: &[(String, String)], body: &str) -> String {
        let mut script = "output() { printf '%s' \"$*\"; }\n".to_owned();
        for (name, value) in known {
            if let Ok(value) = shlex::try_quote(value) {
                script.push_str(&format!("{name}() {{ printf '%s' {value}; }}\n"));
            }
        }
        let file = self
            .file
            .as_ref()
            .map(|file| format!("{TREE_IN_ROOT}/{}", file.display()));
        if let Some(file) = file.as_deref().and_then(|file| shlex::try_quote(file).ok()) {
            script.push_str(&format!("source {file} || exit\n"));
        }
        script.push_str(body.trim());
        script.push('\n');
        script
    }
}

/// The value of `user_macros`, relative to the top of the repository.
fn user_macros(conf: &str) -> Option<String> {
    let mut section = "";
    for line in conf.lines().map(str::trim) {
        if line.starts_with('[') {
            section = line.trim_matches(['[', ']']).trim();
        }
        let Some((key, value)) = line.split_once('=') else {
            continue;
        };
        if section == "rpkg" && key.trim() == "user_macros" {
            let value = value.trim().trim_matches(['"', '\'']);
            let value = value.strip_prefix("${git_props:root}/").unwrap_or(value);
            return (!value.is_empty()).then(|| value.to_owned());
        }
    }
    None
}

/// A path below the tree, without `.`.
pub(super) fn plain_path(text: &str) -> Option<PathBuf> {
    let mut plain = PathBuf::new();
    for part in Path::new(text).components() {
        match part {
            Component::Normal(name) => plain.push(name),
            Component::CurDir => {}
            _ => return None,
        }
    }
    Some(plain)
}

/// The names of functions, `function NAME {` or `NAME() {`.
fn functions(text: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| {
            let line = line.trim();
            let name = match line.strip_prefix("function ") {
                Some(rest) => rest
                    .split(['(', '{', ' ', '\t'])
                    .find(|word| !word.is_empty())?,
                None => line.split_once('(')?.0.trim_end(),
            };
            let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
            (!name.is_empty() && name.chars().all(word)).then(|| name.to_owned())
        })
        .collect()
}
