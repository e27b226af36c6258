//! What is asked of the loader.

use std::path::PathBuf;

use super::{HostFacts, files::Files, overrides::Overrides};

/// Which rules of searching apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Search {
    /// rpmkit's own: every directory in turn, then what is compiled in.
    #[default]
    Rpmkit,
    /// mock's: the user's directory, then one configuration directory.
    Mock,
}

/// A configuration to load.
#[derive(Debug, Clone)]
pub struct LoadRequest {
    /// The text of `-r`: a name, a name with a slash, or a path that ends in `.cfg` or `.toml`.
    pub root: String,
    /// `--configdir`.
    pub configdir: Option<PathBuf>,
    /// Rules of searching.
    pub search: Search,
    /// The machine's own directories, most important first.
    pub system_dirs: Vec<PathBuf>,
    /// Whether compiled-in definitions are a last resort.
    pub builtin: bool,
    /// Facts about the host.
    pub host: HostFacts,
    /// What the command line changes; `None` for the configuration as the files have it.
    pub overrides: Option<Overrides>,
}

impl LoadRequest {
    /// Asks for `root` by rpmkit's rules, with the usual places.
    pub fn new(root: impl Into<String>, host: HostFacts) -> Self {
        Self {
            root: root.into(),
            configdir: None,
            search: Search::Rpmkit,
            system_dirs: vec!["/etc/rpmkit".into(), "/etc/mock".into()],
            builtin: true,
            host,
            overrides: None,
        }
    }

    /// Asks for `root` by mock's rules. Compiled-in definitions stay the last resort, so that `mock -r
    /// NAME` works on a host without mock's packages.
    pub fn mock(root: impl Into<String>, host: HostFacts) -> Self {
        Self {
            search: Search::Mock,
            system_dirs: vec!["/etc/mock".into()],
            ..Self::new(root, host)
        }
    }

    /// The user's own directory of mock definitions.
    pub fn user_dir(&self) -> PathBuf {
        self.host.home.join(".config/mock")
    }

    /// Directories with shared files (`site-defaults`, templates, includes), most important first.
    pub(super) fn files(&self) -> Files {
        let mut dirs: Vec<PathBuf> = self.configdir.iter().cloned().collect();
        if self.search == Search::Rpmkit {
            dirs.push(self.host.xdg_config_home.join("rpmkit"));
        }
        if self.search == Search::Rpmkit || dirs.is_empty() {
            dirs.extend(self.system_dirs.iter().cloned());
        }
        dirs.retain(|dir| !dir.as_os_str().is_empty());
        Files {
            dirs,
            builtin: self.builtin,
        }
    }

    /// Directories with definitions of chroots, most important first: the same, with the user's own
    /// mock directory at its place.
    pub(super) fn chroot_dirs(&self) -> Vec<PathBuf> {
        let mut dirs = self.files().dirs;
        let at = match self.search {
            Search::Mock => 0,
            Search::Rpmkit => dirs.len() - self.system_dirs.len().min(dirs.len()),
        };
        dirs.insert(at, self.user_dir());
        dirs
    }

    /// The directory that options and messages name as the configuration directory.
    pub fn config_path(&self) -> PathBuf {
        match (&self.configdir, self.system_dirs.last()) {
            (Some(dir), _) => dir.clone(),
            (None, Some(dir)) => dir.clone(),
            (None, None) => PathBuf::from("/etc/mock"),
        }
    }
}
