//! Every option mock knows: its name, type, default, what it is for, and whether rpmkit acts on it.

mod aliases;
mod build;
mod compat;
mod computed;
mod features;
mod identity;
mod images;
mod isolation;
mod limits;
mod misc;
mod output;
mod packages;
mod places;
mod plugin_support;
mod plugins;
mod user;

use std::{collections::HashMap, sync::OnceLock};

use super::{Dict, HostFacts, Value};

pub use aliases::{ALIASES, canonical};
pub use compat::{because, page as compat_page};
pub use features::{FEATURES, FeatureRow};
pub use plugin_support::{plugin_instead, plugin_support};
pub use plugins::NAMES as PLUGINS;

/// What an option holds. Used for the schema of our files and for lints, never to refuse a file that
/// mock would load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptionKind {
    /// `True` or `False`.
    Bool,
    /// A whole number.
    Int,
    /// Text.
    Str,
    /// Text, or nothing.
    StrOrNone,
    /// Words: text that is split at blanks, or a list.
    Words,
    /// A list.
    List,
    /// A tuple; an array of our own files becomes one.
    Tuple,
    /// A table.
    Dict,
    /// Several of these.
    Any,
}

/// Whether setting an option does something here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Support {
    /// rpmkit acts on it.
    Used,
    /// Has no meaning here: what it steers in mock is done in another way.
    Moot,
    /// Nothing implements it; setting it is reported, with what to do instead.
    Missing,
    /// Nothing implements it; a run that needs it ends before any work.
    Refused,
}

/// mock's default.
#[derive(Debug, Clone, Copy)]
pub enum Preset {
    /// The option does not exist until it is set.
    Unset,
    /// `None`.
    None,
    /// A truth value.
    Bool(bool),
    /// A number.
    Int(i64),
    /// Text.
    Str(&'static str),
    /// A list of text.
    List(&'static [&'static str]),
    /// A tuple of text.
    Tuple(&'static [&'static str]),
    /// A dictionary of text.
    Dict(&'static [(&'static str, &'static str)]),
    /// Something made for this host; `None` leaves the option unset.
    Computed(fn(&HostFacts) -> Option<Value>),
}

/// One option.
#[derive(Debug, Clone, Copy)]
pub struct OptionSpec {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: OptionKind,
    /// What mock presets.
    pub default: Preset,
    /// Whether rpmkit acts on it.
    pub support: Support,
    /// What it is for, in a sentence.
    pub doc: &'static str,
}

impl OptionSpec {
    const fn new(
        name: &'static str,
        kind: OptionKind,
        default: Preset,
        support: Support,
        doc: &'static str,
    ) -> Self {
        Self {
            name,
            kind,
            default,
            support,
            doc,
        }
    }

    /// The default on this host, if there is one.
    pub fn default_value(&self, host: &HostFacts) -> Option<Value> {
        let texts = |items: &[&str]| items.iter().map(|text| Value::from(*text)).collect();
        Some(match self.default {
            Preset::Unset => return None,
            Preset::None => Value::None,
            Preset::Bool(flag) => Value::Bool(flag),
            Preset::Int(number) => Value::from(number),
            Preset::Str(text) => Value::from(text),
            Preset::List(items) => Value::List(texts(items)),
            Preset::Tuple(items) => Value::Tuple(texts(items)),
            Preset::Dict(pairs) => Value::Dict(pairs.iter().copied().collect()),
            Preset::Computed(make) => return make(host),
        })
    }
}

/// All options, grouped by topic.
pub fn all() -> impl Iterator<Item = &'static OptionSpec> {
    [
        identity::OPTIONS,
        places::OPTIONS,
        user::OPTIONS,
        build::OPTIONS,
        output::OPTIONS,
        isolation::OPTIONS,
        limits::OPTIONS,
        packages::OPTIONS,
        images::OPTIONS,
        misc::OPTIONS,
    ]
    .into_iter()
    .flatten()
}

/// The option of that name, aliases followed.
pub fn find(name: &str) -> Option<&'static OptionSpec> {
    static BY_NAME: OnceLock<HashMap<&'static str, &'static OptionSpec>> = OnceLock::new();
    BY_NAME
        .get_or_init(|| all().map(|spec| (spec.name, spec)).collect())
        .get(canonical(name))
        .copied()
}

/// mock's built-in configuration on this host.
pub fn defaults(host: &HostFacts) -> Dict {
    let mut dict = Dict::new();
    for spec in all() {
        if let Some(value) = spec.default_value(host) {
            dict.set(spec.name, value);
        }
    }
    dict
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_are_unique_and_defaults_fit_their_kind() {
        let mut seen = std::collections::HashSet::new();
        for spec in all() {
            assert!(seen.insert(spec.name), "{} twice", spec.name);
            assert!(ALIASES.iter().all(|(alias, _)| *alias != spec.name));
            let Some(value) = spec.default_value(&HostFacts::default()) else {
                continue;
            };
            let fits = match spec.kind {
                OptionKind::Bool => matches!(value, Value::Bool(_)),
                OptionKind::Int => matches!(value, Value::Int(_)),
                OptionKind::Str => matches!(value, Value::Str(_)),
                OptionKind::StrOrNone => matches!(value, Value::Str(_) | Value::None),
                OptionKind::Words => {
                    matches!(value, Value::Str(_) | Value::List(_) | Value::Tuple(_))
                }
                OptionKind::List => matches!(value, Value::List(_)),
                OptionKind::Tuple => matches!(value, Value::Tuple(_)),
                OptionKind::Dict => matches!(value, Value::Dict(_)),
                OptionKind::Any => true,
            };
            assert!(fits, "{} has the default {value}", spec.name);
        }
        // What upstream's loader sets before it reads the first file.
        let count = defaults(&HostFacts {
            groups: [("mock".to_owned(), 135)].into(),
            ..HostFacts::default()
        })
        .len();
        assert_eq!(count, 142);
    }

    #[test]
    fn aliases_lead_to_options() {
        assert_eq!(find("yum.conf").unwrap().name, "dnf.conf");
        assert_eq!(find("dnf_command").unwrap().name, "dnf4_command");
        assert_eq!(
            find("system_yum_command").unwrap().name,
            "yum_system_command"
        );
        assert!(find("nosuch").is_none());
    }
}
