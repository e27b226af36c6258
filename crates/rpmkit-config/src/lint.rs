//! What looks wrong in a configuration that can still be loaded.

use super::{
    Config, Level, Message, Origin, Value,
    draft::Draft,
    options::{self, OptionKind, Support},
    spelling,
};

/// The known option whose name is close to `name`, if one is close enough to be a misspelling.
pub fn nearest(name: &str) -> Option<&'static str> {
    closest(
        name,
        options::all()
            .map(|spec| spec.name)
            .chain(options::ALIASES.iter().map(|(alias, _)| *alias)),
    )
}

/// The one of `names` that is closest to `name`, if close enough to be a misspelling.
pub(super) fn closest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (name.chars().count() / 4).clamp(1, 3);
    names
        .filter(|other| *other != name)
        .map(|other| (distance(name, other), other))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, other)| other)
}

/// Edits from one word to the other.
fn distance(one: &str, two: &str) -> usize {
    let two: Vec<char> = two.chars().collect();
    let mut row: Vec<usize> = (0..=two.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in two.iter().enumerate() {
            let change = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[two.len()]
}

/// Whether an option is known: by name, by alias, or as the bootstrap's own value of a known one.
pub fn known(name: &str) -> bool {
    options::find(name).is_some()
        || name
            .strip_prefix("bootstrap_")
            .is_some_and(|inner| options::find(inner).is_some())
}

/// Notes unknown options, once each. One that a template uses is a variable, not a mistake.
pub(super) fn unknown_options(draft: &mut Draft) {
    let unknown: Vec<String> = draft
        .names()
        .filter(|name| !known(name))
        .map(str::to_owned)
        .collect();
    if !unknown.is_empty() {
        let templates = templates(draft);
        for name in unknown.iter().filter(|name| !mentions(&templates, name)) {
            let text = match nearest(name) {
                Some(near) => format!("unknown option `{name}`: did you mean `{near}`?"),
                None => format!("unknown option `{name}`: no template and nothing else uses it"),
            };
            let text = located(draft, name, text);
            draft.messages.push(Message {
                level: Level::Warning,
                text,
            });
        }
    }
    let set: Vec<String> = draft
        .names()
        .filter(|name| options::find(name).is_some_and(|spec| spec.support == Support::Missing))
        .filter(|name| *draft.origins.get(&[name]) != Origin::Default)
        .map(str::to_owned)
        .collect();
    for name in set {
        let value = draft.value(&name).unwrap_or_default();
        if !value.truth() {
            continue;
        }
        let text = format!(
            "option `{name}` is set to `{value}`, which rpmkit does not act on: {}",
            options::because(&name).unwrap_or_default()
        );
        let text = located(draft, &name, text);
        draft.messages.push(Message {
            level: Level::Warning,
            text,
        });
    }
}

/// Notes plugins that are switched on and that nothing here answers for, and names no plugin has.
pub(super) fn plugins(draft: &mut Draft) {
    let Some(Value::Dict(conf)) = draft.value("plugin_conf") else {
        return;
    };
    let mut texts = Vec::new();
    for (key, value) in conf.pairs() {
        let Some(name) = key.strip_suffix("_enable").filter(|_| value.truth()) else {
            continue;
        };
        let said = match options::plugin_support(name) {
            Some(Support::Missing) => format!(
                "plugin `{name}` is on, which rpmkit does not have: {}",
                options::plugin_instead(name)
            ),
            Some(_) => continue,
            None => match closest(name, options::PLUGINS.iter().copied()) {
                Some(near) => format!("there is no plugin `{name}`: did you mean `{near}`?"),
                None => format!("there is no plugin `{name}`: it is ignored"),
            },
        };
        let origin = draft.origins.get(&["plugin_conf", key]).clone();
        texts.push(match origin {
            Origin::Default => said,
            origin => format!("{origin}: {said}"),
        });
    }
    draft.messages.extend(texts.into_iter().map(|text| Message {
        level: Level::Warning,
        text,
    }));
}

fn located(draft: &Draft, name: &str, text: String) -> String {
    match draft.origins.get(&[name]) {
        Origin::Default => text,
        origin => format!("{origin}: {text}"),
    }
}

/// The texts of all templates.
fn templates(draft: &Draft) -> Vec<String> {
    fn gather(value: &Value, out: &mut Vec<String>) {
        match value {
            Value::Str(text) if super::template::may_change(text) => out.push(text.clone()),
            Value::List(items) => items.iter().for_each(|item| gather(item, out)),
            Value::Dict(dict) => dict.0.values().for_each(|item| gather(item, out)),
            _ => {}
        }
    }
    let mut out = Vec::new();
    for name in draft.names() {
        if let Some(value) = draft.value(name) {
            gather(&value, &mut out);
        }
    }
    out
}

/// Whether a word occurs in one of the texts.
fn mentions(texts: &[String], name: &str) -> bool {
    let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    texts.iter().any(|text| {
        text.match_indices(name).any(|(at, _)| {
            !part(text[..at].chars().next_back()) && !part(text[at + name.len()..].chars().next())
        })
    })
}

/// A finding of `config check`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LintFinding {
    /// How serious.
    pub level: Level,
    /// Where the value came from.
    pub origin: Origin,
    /// What is wrong.
    pub text: String,
}

impl std::fmt::Display for LintFinding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let level = match self.level {
            Level::Debug | Level::Info => "note",
            Level::Warning => "warning",
            Level::Error => "error",
        };
        match &self.origin {
            Origin::File { .. } => write!(f, "{level}: {}: {}", self.origin, self.text),
            _ => write!(f, "{level}: {}", self.text),
        }
    }
}

/// Looks a loaded configuration over: what the loader noted, options without effect, values of the
/// wrong kind, templates that cannot be expanded.
pub fn check(config: &Config) -> Vec<LintFinding> {
    let mut findings: Vec<LintFinding> = config
        .messages()
        .iter()
        .filter(|message| message.level >= Level::Warning)
        .map(|message| LintFinding {
            level: message.level,
            origin: Origin::Derived("the loader"),
            text: message.text.clone(),
        })
        .collect();
    let mut find = |level, name: &str, text: String| {
        findings.push(LintFinding {
            level,
            origin: config.origins().get(&[name]).clone(),
            text,
        });
    };
    for (name, raw) in config.raw().pairs() {
        let value = match config.get(name) {
            Ok(value) => value.unwrap_or_default(),
            Err(error) => {
                find(Level::Error, name, error.to_string());
                continue;
            }
        };
        if *config.origins().get(&[name]) == Origin::Default {
            continue;
        }
        let Some(spec) = options::find(name) else {
            continue;
        };
        if !fits(spec.kind, &value) {
            let text = format!(
                "option `{name}` is {} ({}): {} was expected",
                super::repr(raw),
                value.type_name(),
                expected(spec.kind)
            );
            find(Level::Warning, name, text);
        }
        if spec.support == Support::Moot {
            let text = format!(
                "option `{name}` has no effect here: {}",
                options::because(name).unwrap_or_default()
            );
            find(Level::Info, name, text);
        }
    }
    let patterns = config.get("plugin_conf").ok().flatten().and_then(|conf| {
        conf.as_dict()?
            .get("chroot_scan_opts")?
            .as_dict()?
            .get("regexes")
            .cloned()
    });
    for pattern in patterns.as_ref().and_then(Value::items).unwrap_or_default() {
        if let Some(reason) = crate::bad_pattern(&pattern.to_string()) {
            find(
                Level::Error,
                "plugin_conf",
                format!("plugin chroot_scan: {reason}"),
            );
        }
    }
    if let Ok(Some(text)) = config.get("dnf.conf") {
        for said in spelling::dnf_conf(&text.to_string()) {
            find(Level::Warning, "dnf.conf", said);
        }
    }
    if let Ok(Some(Value::Dict(conf))) = config.get("plugin_conf") {
        for said in spelling::plugin_keys(conf.pairs().map(|(key, _)| key)) {
            find(Level::Warning, "plugin_conf", said);
        }
    }
    if !config.raw().get("root").is_some_and(Value::truth) {
        find(Level::Error, "root", "`root` is not set".into());
    }
    if let Err(error) = config.settings() {
        find(Level::Error, "root", error.to_string());
    }
    findings
}

fn fits(kind: OptionKind, value: &Value) -> bool {
    match kind {
        OptionKind::Any => true,
        OptionKind::Bool => matches!(value, Value::Bool(_) | Value::Int(0 | 1) | Value::None),
        OptionKind::Int => matches!(value, Value::Int(_) | Value::None),
        OptionKind::Str => matches!(value, Value::Str(_)),
        OptionKind::StrOrNone => matches!(value, Value::Str(_) | Value::None),
        OptionKind::Words => matches!(value, Value::Str(_) | Value::List(_) | Value::Tuple(_)),
        OptionKind::List | OptionKind::Tuple => matches!(value, Value::List(_) | Value::Tuple(_)),
        OptionKind::Dict => matches!(value, Value::Dict(_)),
    }
}

fn expected(kind: OptionKind) -> &'static str {
    match kind {
        OptionKind::Any => "any value",
        OptionKind::Bool => "True or False",
        OptionKind::Int => "a number",
        OptionKind::Str => "text",
        OptionKind::StrOrNone => "text or None",
        OptionKind::Words => "text or a list of words",
        OptionKind::List => "a list",
        OptionKind::Tuple => "a tuple",
        OptionKind::Dict => "a dictionary",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspellings_find_their_option() {
        assert_eq!(nearest("chroot_setup_cmds"), Some("chroot_setup_cmd"));
        assert_eq!(nearest("reslutdir"), Some("resultdir"));
        assert_eq!(nearest("yum.con"), Some("yum.conf"));
        assert_eq!(nearest("frobnicate"), None);
        assert!(known("bootstrap_package_manager"));
        assert!(!known("mirrored"));
    }
}
