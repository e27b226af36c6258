//! Typed reading of single options.

use std::time::Duration;

use crate::{Config, ConfigError, Dict, Value, template::Expander};

/// Variables that name proxies; mock hands them to what runs in the chroot.
const PROXIES: &[&str] = &["http_proxy", "https_proxy", "ftp_proxy", "no_proxy"];

#[cfg(test)]
thread_local! {
    /// Options that were asked for, for the test that none is accepted and then forgotten.
    pub(super) static ASKED: std::cell::RefCell<std::collections::BTreeSet<String>> = const {
        std::cell::RefCell::new(std::collections::BTreeSet::new())
    };
}

pub(super) struct SettingsReader<'a> {
    config: &'a Config,
    expander: Expander,
}

impl<'a> SettingsReader<'a> {
    pub(super) fn new(config: &'a Config) -> Self {
        Self {
            config,
            expander: config.expander(),
        }
    }

    /// The expanded value; `None` for an option that does not exist.
    pub(super) fn option(&self, name: &str) -> Result<Option<Value>, ConfigError> {
        #[cfg(test)]
        ASKED.with_borrow_mut(|asked| asked.insert(name.to_owned()));
        match self.config.raw().get(name) {
            Some(raw) => match self.expander.expand(name, raw) {
                Ok(value) => Ok(Some(value)),
                Err(error) => Err(error.of(self.config.origins().get(&[name]))),
            },
            None => Ok(None),
        }
    }

    /// Every option that can be expanded; one nobody reads may be broken, as in mock.
    pub(super) fn everything(&self) -> Dict {
        self.expander.everything()
    }

    fn wrong(name: &str, value: &Value, expected: &'static str) -> ConfigError {
        ConfigError::BadValue {
            option: name.to_owned(),
            found: format!("`{value}` ({})", value.type_name()),
            expected,
        }
    }

    fn plain(name: &str, value: &Value) -> Result<String, ConfigError> {
        match value {
            Value::Str(text) => Ok(text.clone()),
            Value::Bool(_) | Value::Int(_) | Value::Float(_) => Ok(value.to_string()),
            other => Err(Self::wrong(name, other, "text")),
        }
    }

    /// Text; empty when unset or `None`.
    pub(super) fn text(&self, name: &str) -> Result<String, ConfigError> {
        Ok(self.optional(name)?.unwrap_or_default())
    }

    /// Text or nothing.
    pub(super) fn optional(&self, name: &str) -> Result<Option<String>, ConfigError> {
        match self.option(name)? {
            None | Some(Value::None) => Ok(None),
            Some(value) => Self::plain(name, &value).map(Some),
        }
    }

    /// Text that must be there.
    pub(super) fn required(&self, name: &str) -> Result<String, ConfigError> {
        match self.optional(name)? {
            Some(text) if !text.is_empty() => Ok(text),
            _ => Err(ConfigError::NoRoot {
                name: self.config.name().to_owned(),
            }),
        }
    }

    /// `unique-ext`, if it says anything.
    pub(super) fn unique_extension(&self) -> Result<Option<String>, ConfigError> {
        Ok(self.optional("unique-ext")?.filter(|ext| !ext.is_empty()))
    }

    /// Text in which mock's old `%(option)s` form is still expanded.
    pub(super) fn percent(&self, name: &str) -> Result<String, ConfigError> {
        let text = self.text(name)?;
        if !text.contains("%(") {
            return Ok(text);
        }
        crate::python::percent(&text, &Value::Dict(self.everything())).map_err(|message| {
            ConfigError::BadValue {
                option: name.to_owned(),
                found: format!("`{text}` ({message})"),
                expected: "a path",
            }
        })
    }

    /// Python's truth value; false when unset.
    pub(super) fn flag(&self, name: &str) -> Result<bool, ConfigError> {
        Ok(self.option(name)?.is_some_and(|value| value.truth()))
    }

    /// A number that is not negative; digits as text count.
    pub(super) fn number(&self, name: &str) -> Result<u32, ConfigError> {
        let value = self.option(name)?.unwrap_or(Value::Int(0));
        let number = match &value {
            Value::Bool(flag) => Some(u32::from(*flag)),
            Value::Int(number) => u32::try_from(*number).ok(),
            Value::Float(number) if *number >= 0.0 && *number < 4e9 => Some(*number as u32),
            Value::Str(text) => text.trim().parse().ok(),
            Value::None => Some(0),
            _ => None,
        };
        number.ok_or_else(|| Self::wrong(name, &value, "a number that is not negative"))
    }

    pub(super) fn seconds(&self, name: &str) -> Result<Duration, ConfigError> {
        Ok(Duration::from_secs(self.number(name)?.into()))
    }

    fn word_list(name: &str, value: &Value) -> Result<Vec<String>, ConfigError> {
        match value {
            Value::None => Ok(Vec::new()),
            Value::Str(text) => Ok(text.split_whitespace().map(str::to_owned).collect()),
            Value::List(items) | Value::Tuple(items) => {
                items.iter().map(|item| Self::plain(name, item)).collect()
            }
            other => Err(Self::wrong(name, other, "words: text or a list")),
        }
    }

    /// Words: text split at blanks, or the items of a list.
    pub(super) fn words(&self, name: &str) -> Result<Vec<String>, ConfigError> {
        self.option(name)?
            .map_or_else(|| Ok(Vec::new()), |value| Self::word_list(name, &value))
    }

    fn dict(&self, name: &str) -> Result<Dict, ConfigError> {
        match self.option(name)? {
            None | Some(Value::None) => Ok(Dict::new()),
            Some(Value::Dict(dict)) => Ok(dict),
            Some(other) => Err(Self::wrong(name, &other, "a dictionary")),
        }
    }

    /// A dictionary of text; keys and values that are `None` or missing become empty.
    pub(super) fn pairs(&self, name: &str) -> Result<Vec<(String, String)>, ConfigError> {
        Ok(self
            .nullable_pairs(name)?
            .into_iter()
            .map(|(key, value)| (key, value.unwrap_or_default()))
            .collect())
    }

    pub(super) fn nullable_pairs(
        &self,
        name: &str,
    ) -> Result<Vec<(String, Option<String>)>, ConfigError> {
        self.dict(name)?
            .0
            .iter()
            .map(|(key, value)| {
                let value = match value {
                    Value::None => None,
                    other => Some(Self::plain(name, other)?),
                };
                Ok((key.to_string(), value))
            })
            .collect()
    }

    /// A dictionary of words.
    pub(super) fn lists(&self, name: &str) -> Result<Vec<(String, Vec<String>)>, ConfigError> {
        self.dict(name)?
            .0
            .iter()
            .map(|(key, value)| {
                // A single requirement may contain blanks: `gcc >= 4`.
                let words = match value {
                    Value::Str(one) => vec![one.clone()],
                    other => Self::word_list(name, other)?,
                };
                Ok((key.to_string(), words))
            })
            .collect()
    }

    /// A list of pairs.
    pub(super) fn two_each(&self, name: &str) -> Result<Vec<(String, String)>, ConfigError> {
        let value = self.option(name)?.unwrap_or_default();
        let wrong = || Self::wrong(name, &value, "a list of pairs");
        if value == Value::None {
            return Ok(Vec::new());
        }
        value
            .items()
            .ok_or_else(wrong)?
            .iter()
            .map(|pair| match pair.items() {
                Some([from, to]) => Ok((Self::plain(name, from)?, Self::plain(name, to)?)),
                _ => Err(wrong()),
            })
            .collect()
    }

    /// Module actions in mock's order: the older options first, then `module_setup_commands`.
    pub(super) fn modules(&self) -> Result<Vec<(String, String)>, ConfigError> {
        let mut actions = Vec::new();
        for (option, action) in [("module_enable", "enable"), ("module_install", "install")] {
            let specs = self.words(option)?;
            if !specs.is_empty() {
                actions.push((action.to_owned(), specs.join(" ")));
            }
        }
        actions.extend(self.two_each("module_setup_commands")?);
        Ok(actions)
    }

    /// `environment` with the home directory and proxies put in, as mock does.
    pub(super) fn environment(&self) -> Result<Vec<(String, String)>, ConfigError> {
        let mut vars = self.pairs("environment")?;
        let mut set = |name: &str, value: String| match vars.iter_mut().find(|(key, _)| key == name)
        {
            Some(entry) => entry.1 = value,
            None => vars.push((name.to_owned(), value)),
        };
        set("HOME", self.text("chroothome")?);
        for name in PROXIES {
            let value = match self.option(name)?.filter(Value::truth) {
                Some(value) => Some(Self::plain(name, &value)?),
                None => self.config.host_env(name).filter(|value| !value.is_empty()),
            };
            if let Some(value) = value {
                set(name, value);
            }
        }
        Ok(vars)
    }

    /// Whether `isolation` is one of mock's words; the older `use_nspawn` may be anything.
    pub(super) fn isolation(&self) -> Result<(), ConfigError> {
        let value = self.option("isolation")?.unwrap_or_default();
        match &value {
            Value::None => self.option("use_nspawn").map(drop),
            Value::Str(text) if ["auto", "simple", "nspawn"].contains(&text.as_str()) => Ok(()),
            other => Err(Self::wrong("isolation", other, "auto, simple or nspawn")),
        }
    }
}
