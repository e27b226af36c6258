//! The options of mock's overlayfs plugin, which say where snapshots lie.
//!
//! Layers and snapshots are there without the plugin, in rpmkit's own store; switching it on moves them
//! to `base_dir`, as in mock. Switching it off by name takes the operations away, as in mock.

use std::path::{Path, PathBuf};

use super::Plugins;
use crate::{Config, ConfigError, Origin, Value};

/// The plugin's options, read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overlayfs {
    enabled: bool,
    switched_off: bool,
    base_dir: Option<String>,
    origin: String,
    /// Open the rpm database for writing whenever the root was mounted.
    pub touch_rpmdb: bool,
    /// Tell in `root.log` when one of the plugin's hooks begins and ends.
    pub trace_hooks: bool,
}

impl Overlayfs {
    pub(super) fn new(config: &Config, plugins: &Plugins) -> Self {
        let enabled = plugins.enabled("overlayfs");
        let named = ["plugin_conf", "overlayfs_enable"];
        let given = config.origins().iter().any(|(path, origin)| {
            path.iter().map(String::as_str).eq(named) && *origin != Origin::Default
        });
        let flag = |key| {
            let value = plugins.option("overlayfs", key);
            enabled && value.is_some_and(Value::truth)
        };
        let base_dir = plugins.option("overlayfs", "base_dir");
        let base_dir = base_dir.filter(|value| value.truth());
        let place = config
            .origins()
            .get(&["plugin_conf", "overlayfs_opts", "base_dir"]);
        Self {
            enabled,
            switched_off: given && !enabled,
            base_dir: base_dir.map(ToString::to_string),
            origin: place.to_string(),
            touch_rpmdb: flag("touch_rpmdb"),
            trace_hooks: flag("trace_hooks"),
        }
    }

    /// Whether the configuration or the command line says that the plugin shall be off, rather than
    /// saying nothing.
    pub fn switched_off(&self) -> bool {
        self.switched_off
    }

    /// Whether things lie in a directory of the configuration's own.
    pub fn has_base_dir(&self) -> bool {
        self.enabled && self.base_dir.is_some()
    }

    /// Home of the layers of the chroot `root`: below `base_dir` where the plugin is on, in a directory
    /// of the configuration's own, else `usual`.
    ///
    /// # Errors
    /// The plugin is on, and `base_dir` is missing, relative, or something else than a directory.
    pub fn layers_home(&self, root: &str, usual: &Path) -> Result<PathBuf, ConfigError> {
        if !self.enabled {
            return Ok(usual.to_owned());
        }
        let Some(base) = &self.base_dir else {
            return Err(ConfigError::NoBaseDir);
        };
        let wrong = |found: &str, expected| ConfigError::BadValue {
            option: "plugin_conf.overlayfs_opts.base_dir".to_owned(),
            found: format!("{found} (from {})", self.origin),
            expected,
        };
        let dir = Path::new(base);
        if !dir.is_absolute() {
            return Err(wrong(&format!("`{base}`"), "an absolute path"));
        }
        // What is not there yet is made.
        if std::fs::metadata(dir).is_ok_and(|meta| !meta.is_dir()) {
            return Err(wrong(&format!("`{base}`"), "a directory"));
        }
        // One component, so that no configuration's directory lies in another's.
        Ok(dir.join(root.replace('%', "%25").replace('/', "%2F")))
    }
}
