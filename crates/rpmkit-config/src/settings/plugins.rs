//! Which plugins are on, and their options.

use super::{Overlayfs, read::Reader};
use crate::{Config, ConfigError, Dict, Value};

/// A typed view of `plugin_conf`.
#[derive(Debug, Clone, Default)]
pub struct Plugins {
    conf: Dict,
    enabled: Vec<String>,
    /// Where snapshots lie.
    pub overlayfs: Overlayfs,
}

impl Plugins {
    pub(super) fn new(config: &Config, places: &Reader<'_>) -> Result<Self, ConfigError> {
        let conf = match places.option("plugin_conf")? {
            Some(Value::Dict(dict)) => dict,
            _ => Dict::new(),
        };
        let on = |name: &String| {
            conf.get(&format!("{name}_enable"))
                .is_some_and(Value::truth)
        };
        let mut enabled = places.words("plugins")?;
        enabled.retain(on);
        let mut plugins = Self {
            conf,
            enabled,
            overlayfs: Overlayfs::default(),
        };
        plugins.overlayfs = Overlayfs::new(config, &plugins);
        Ok(plugins)
    }

    /// Whether a plugin is on.
    pub fn enabled(&self, plugin: &str) -> bool {
        self.enabled.iter().any(|name| name == plugin)
    }

    /// Names of the plugins that are on, in the order of their turn.
    pub fn names(&self) -> &[String] {
        &self.enabled
    }

    /// One option of a plugin.
    pub fn option(&self, plugin: &str, key: &str) -> Option<&Value> {
        self.options(plugin)?.get(key)
    }

    /// All options of a plugin.
    pub fn options(&self, plugin: &str) -> Option<&Dict> {
        self.conf.get(&format!("{plugin}_opts"))?.as_dict()
    }

    /// Host and chroot paths of the `bind_mount` plugin; empty when it is off. Entries that are no
    /// pairs are left out.
    pub fn bind_mounts(&self) -> Vec<(String, String)> {
        if !self.enabled("bind_mount") {
            return Vec::new();
        }
        self.option("bind_mount", "dirs")
            .and_then(Value::items)
            .unwrap_or_default()
            .iter()
            .filter_map(|pair| match pair.items() {
                Some([host, chroot]) => Some((host.to_string(), chroot.to_string())),
                _ => None,
            })
            .collect()
    }

    /// Device, path, type and options of the `mount` plugin; empty when it is off.
    pub fn mounts(&self) -> Vec<[String; 4]> {
        if !self.enabled("mount") {
            return Vec::new();
        }
        self.option("mount", "dirs")
            .and_then(Value::items)
            .unwrap_or_default()
            .iter()
            .filter_map(|entry| {
                let text = |nth: usize| match entry.items()?.get(nth) {
                    None | Some(Value::None) => Some(String::new()),
                    Some(value) => Some(value.to_string()),
                };
                Some([text(0)?, text(1)?, text(2)?, text(3)?])
            })
            .filter(|[device, path, ..]| !device.is_empty() && !path.is_empty())
            .collect()
    }
}
