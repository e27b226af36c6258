//! The options that something acts on, with their types settled once. What has no field here is in the
//! [`Config`] still.

mod build;
mod chroot;
mod overlayfs;
mod plugins;
mod read;
mod repositories;
mod unread;

use super::{Config, ConfigError, Dict, Value};
use read::SettingsReader;

pub use build::BuildSettings;
pub use chroot::ChrootSettings;
pub use overlayfs::Overlayfs;
pub use plugins::Plugins;
pub use repositories::RepositorySettings;

/// A typed, immutable view of one configuration, templates expanded.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What the chroot is.
    pub chroot: ChrootSettings,
    /// Where its packages come from.
    pub repositories: RepositorySettings,
    /// How a build is done.
    pub build: BuildSettings,
    /// Which plugins take part, and their options.
    pub plugins: Plugins,
}

impl Settings {
    /// Reads the view out of a configuration. Fails on the first option that cannot be expanded or
    /// has a value of the wrong kind.
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        let r = SettingsReader::new(config);
        let root = r.required("root")?;
        // Paths are rendered with the extended name, as mock changes `root` before it reads them.
        let places = match r.unique_extension()? {
            Some(ext) => config.with("root", format!("{root}-{ext}").into()),
            None => config.clone(),
        };
        let places = SettingsReader::new(&places);
        let settings = Self {
            plugins: Plugins::new(config, &places)?,
            chroot: ChrootSettings::new(config, &r, &places)?,
            repositories: RepositorySettings::new(config, &r)?,
            build: BuildSettings::new(config, &r, &places)?,
        };
        unread::check(&r)?;
        Ok(settings)
    }
}
