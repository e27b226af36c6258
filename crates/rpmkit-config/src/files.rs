//! Finding and reading configuration files: directories in order of precedence, then what is compiled
//! in.

use std::path::{Path, PathBuf};

use super::{ConfigError, builtin};

/// The name compiled-in files carry in errors and origins.
pub(super) const BUILTIN: &str = "<built-in>";

/// How deep files may extend or include each other.
pub(super) const MAX_DEPTH: usize = 50;

/// Where configuration files are looked for.
#[derive(Debug, Clone, Default)]
pub(super) struct Files {
    /// Directories, most important first.
    pub(super) dirs: Vec<PathBuf>,
    /// Whether compiled-in definitions count.
    pub(super) builtin: bool,
}

impl Files {
    /// The first of `names` in the first directory that has one.
    pub(super) fn find(&self, names: &[String]) -> Option<PathBuf> {
        for dir in &self.dirs {
            for name in names {
                let path = dir.join(name);
                if exists(&path) {
                    return Some(path);
                }
            }
        }
        if self.builtin {
            let name = names.iter().find(|name| builtin::text(name).is_some())?;
            return Some(Path::new(BUILTIN).join(name));
        }
        None
    }

    /// The directories a search went through, for an error.
    pub(super) fn looked(&self, name: &str) -> Vec<PathBuf> {
        self.dirs.iter().map(|dir| dir.join(name)).collect()
    }
}

/// Whether `path` names a file, compiled-in ones included.
pub(super) fn exists(path: &Path) -> bool {
    match path.strip_prefix(BUILTIN) {
        Ok(name) => name
            .to_str()
            .is_some_and(|name| builtin::text(name).is_some()),
        Err(_) => path.exists(),
    }
}

/// The text of a file, compiled-in ones included. A byte order mark is dropped and line ends become
/// newlines, as Python's text mode does.
pub(super) fn read(path: &Path) -> Result<String, ConfigError> {
    let compiled = path.strip_prefix(BUILTIN).ok().and_then(Path::to_str);
    if let Some(text) = compiled.and_then(builtin::text) {
        return Ok(text.to_owned());
    }
    let error = |source| ConfigError::Read {
        path: path.to_owned(),
        source,
    };
    let bytes = std::fs::read(path).map_err(error)?;
    let text = String::from_utf8(bytes).map_err(|bad| {
        error(std::io::Error::new(
            std::io::ErrorKind::InvalidData,
            format!("no UTF-8 after byte {}", bad.utf8_error().valid_up_to()),
        ))
    })?;
    Ok(if text.contains('\r') {
        text.replace("\r\n", "\n").replace('\r', "\n")
    } else {
        text
    })
}
