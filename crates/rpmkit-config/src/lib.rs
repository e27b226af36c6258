//! Configuration: mock's `.cfg` files and our TOML, read as data and never run.
//!
//! [`load`] takes a [`LoadRequest`] (what `-r` says, where to look, facts about the host, the command
//! line) and gives a [`Config`]: every option, unexpanded, with the place each value came from.
//! [`Config::get`] expands the templates of one option; [`Settings`] is the typed view the build
//! pipeline reads. [`list`](list()), [`debug`], [`convert`](convert()) and [`lint`] serve the verbs.
//!
//! The order of files is mock's: built-in defaults, `site-defaults`, `chroot-aliases.cfg`, the chroot's
//! definition, the user's files, the command line.

mod builtin;
mod convert;
mod draft;
mod error;
mod files;
mod heap;
mod hints;
mod host;
mod load;
mod origin;
mod overrides;
mod patterns;
mod personality;
pub mod releases;
mod request;
mod settings;
mod show;
mod spelling;
mod template;
mod toml;
mod update;
mod value;

#[cfg(test)]
mod tests;

pub mod debug;
pub mod lint;
pub mod list;
pub mod options;
pub mod python;
pub mod schema;

use std::sync::Arc;

use draft::Draft;
use origin::Origins;
use template::Expander;

pub use convert::{convert, same_options};
pub use error::{ConfigError, ConfigPlace};
pub use host::{HostFacts, HostUser};
pub use list::list;
pub use load::{Loader, load};
pub use origin::{Origin, Origins as OriginMap};
pub use overrides::{Hermetic, Overrides};
pub use patterns::{ScanPatterns, bad_pattern, scan_patterns};
pub use personality::thirty_two_bit;
pub use request::{LoadRequest, SearchRules};
pub use rpmkit_types::event::Level;
pub use settings::{
    BuildLimits, BuildSettings, ChrootSettings, Overlayfs, Plugins, RepositorySettings, Settings,
};
pub use show::{ShownText, from_json, json, show, to_json};
pub use update::{Updated, update};
pub use value::{Dict, Value, pformat, repr, str_repr};

/// Something the loader has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// How serious.
    pub level: Level,
    /// One line.
    pub text: String,
}

/// A loaded configuration. Cheap to clone; never changes.
#[derive(Debug, Clone)]
pub struct Config(Arc<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    name: String,
    raw: Arc<Dict>,
    origins: Origins,
    messages: Vec<Message>,
    host: HostFacts,
}

impl Config {
    fn new(name: String, raw: Dict, draft: Draft, host: &HostFacts) -> Self {
        Self(Arc::new(Inner {
            name,
            raw: Arc::new(raw),
            origins: draft.origins,
            messages: draft.messages,
            host: host.clone(),
        }))
    }

    /// Name of the definition, mock's `chroot_name`.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Every option as the files have it, templates unexpanded.
    pub fn raw(&self) -> &Dict {
        &self.0.raw
    }

    /// Where values came from.
    pub fn origins(&self) -> &Origins {
        &self.0.origins
    }

    /// What the loader had to say, in order. To be passed on once, by whoever called the loader.
    pub fn messages(&self) -> &[Message] {
        &self.0.messages
    }

    /// The host the configuration was loaded for.
    pub fn host(&self) -> &HostFacts {
        &self.0.host
    }

    /// One option with its templates expanded; aliases are followed. `None` if it does not exist.
    pub fn get(&self, name: &str) -> Result<Option<Value>, ConfigError> {
        let name = options::canonical(name);
        match self.raw().get(name) {
            Some(raw) => match self.expander().expand(name, raw) {
                Ok(value) => Ok(Some(value)),
                Err(error) => Err(error.of(self.origins().get(&[name]))),
            },
            None => Ok(None),
        }
    }

    /// Every option with its templates expanded. Fails on the first that cannot be.
    pub fn expanded(&self) -> Result<Dict, ConfigError> {
        let expander = self.expander();
        let mut all = Dict::new();
        for (name, value) in self.raw().pairs() {
            let value = expander
                .expand(name, value)
                .map_err(|error| error.of(self.origins().get(&[name])))?;
            all.set(name, value);
        }
        Ok(all)
    }

    /// The typed view.
    pub fn settings(&self) -> Result<Settings, ConfigError> {
        Settings::new(self)
    }

    fn expander(&self) -> Expander {
        Expander::new(Arc::clone(&self.0.raw))
    }

    /// The same with one option changed.
    fn with(&self, name: &str, value: Value) -> Self {
        let mut inner = (*self.0).clone();
        let mut raw = (*inner.raw).clone();
        raw.set(name, value);
        inner.raw = Arc::new(raw);
        Self(Arc::new(inner))
    }

    /// A variable of the caller's environment.
    fn host_env(&self, name: &str) -> Option<String> {
        self.host().env.get(name).cloned()
    }
}

/// Names of every definition within reach, sorted, without reading any of them. `request.root` does
/// not matter.
pub fn names(request: &LoadRequest) -> Vec<String> {
    list::names(&mut Loader::for_listing(), request)
}
