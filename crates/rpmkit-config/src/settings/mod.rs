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

pub use build::{BuildLimits, BuildSettings};
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeSet;

    use super::*;
    use crate::{
        HostFacts, LoadRequest, load,
        options::{self, Support},
    };

    /// Options that are read before there is a view, or by one of the parts alone.
    const ELSEWHERE: &[(&str, &str)] = &[
        ("__jinja_expand", "load"),
        ("config_file", "load"),
        ("config_path", "load"),
        ("config_paths", "load"),
        ("description", "list"),
        ("dist", "the lock file"),
        ("hermetic_build", "overrides"),
        ("host_arch", "overrides"),
        ("jinja_max_recursion", "template"),
        ("legal_host_arches", "overrides"),
        ("mock_run_uuid", "templates"),
        ("no-config", "hints"),
        ("offline_local_repository", "overrides"),
        ("scm_opts", "the mode for version control"),
        ("use_container_host_hostname", "load"),
        ("verbose", "overrides"),
        ("version", "the lock file"),
    ];

    #[test]
    fn an_option_is_read_or_has_a_reason() {
        let dir = tempfile::tempdir().unwrap();
        // Where one option is only asked for because of another.
        let text = "config_opts['root'] = 'r'\nconfig_opts['backup_on_clean'] = True\n\
                    config_opts['buildroot_image'] = 'x'\nconfig_opts['use_buildroot_image'] = True\n";
        std::fs::write(dir.path().join("t.cfg"), text).unwrap();
        let mut request = LoadRequest::mock("t", HostFacts::default());
        request.configdir = Some(dir.path().to_owned());
        let config = load(&request).unwrap();
        let asked = |work: &dyn Fn()| -> BTreeSet<String> {
            read::ASKED.take();
            work();
            read::ASKED.take()
        };
        let all = asked(&|| drop(Settings::new(&config).unwrap()));
        let checked = asked(&|| unread::check(&SettingsReader::new(&config)).unwrap());
        for spec in options::all().filter(|spec| spec.support == Support::Used) {
            let elsewhere = ELSEWHERE.iter().any(|(name, _)| *name == spec.name);
            let read = all.contains(spec.name) && !checked.contains(spec.name);
            assert!(
                read || elsewhere,
                "`{}` is said to be acted on, and nothing reads it",
                spec.name
            );
        }
    }
}
