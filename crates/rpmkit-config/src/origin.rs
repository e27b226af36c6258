//! Where each setting came from.

use std::{collections::BTreeMap, fmt, path::PathBuf};

/// The source of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// mock's built-in default.
    Default,
    /// A line of a file; line zero stands for the whole file.
    File {
        /// Which file. A definition that is compiled in has a name like `<built-in>/fedora.toml`.
        file: PathBuf,
        /// Which line, from one.
        line: usize,
    },
    /// An option of the command line.
    CommandLine(String),
    /// Worked out by the loader; the text says from what.
    Derived(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { file, line: 0 } => write!(f, "{}", file.display()),
            Self::File { file, line } => write!(f, "{}:{line}", file.display()),
            Self::CommandLine(word) => write!(f, "command line ({word})"),
            Self::Derived(from) => write!(f, "derived from {from}"),
        }
    }
}

/// The origins of a configuration, by option and the keys below it.
#[derive(Debug, Clone, Default)]
pub struct Origins(BTreeMap<Vec<String>, Origin>);

impl Origins {
    /// Notes that the value at `path` now comes from `origin`, with everything below it.
    pub fn set(&mut self, path: &[String], origin: Origin) {
        let below: Vec<_> = self
            .0
            .range(path.to_vec()..)
            .take_while(|(key, _)| key.starts_with(path))
            .map(|(key, _)| key.clone())
            .collect();
        for key in below {
            self.0.remove(&key);
        }
        self.0.insert(path.to_vec(), origin);
    }

    /// Notes that something was added to the value at `path`; what was there keeps its origin.
    pub fn touch(&mut self, path: &[String], origin: Origin) {
        self.0.insert(path.to_vec(), origin);
    }

    /// The origin of the value at `path`: its own, or that of the nearest value around it.
    pub fn get(&self, path: &[&str]) -> &Origin {
        let mut key: Vec<String> = path.iter().map(|part| (*part).to_owned()).collect();
        while !key.is_empty() {
            if let Some(origin) = self.0.get(&key) {
                return origin;
            }
            key.pop();
        }
        &Origin::Default
    }

    /// Every noted path, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&[String], &Origin)> {
        self.0.iter().map(|(key, origin)| (key.as_slice(), origin))
    }
}
