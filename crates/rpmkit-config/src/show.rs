//! Showing a configuration: as text for people, as JSON for programs.

use super::{Config, ConfigError, Dict, Origin, Value, options, pformat};

/// What is shown.
#[derive(Debug, Clone, Default)]
pub struct ShownText {
    /// Templates expanded.
    pub expanded: bool,
    /// With the origin of each value.
    pub origin: bool,
    /// Also options that have their default.
    pub all: bool,
    /// Only these options; all of them when empty.
    pub only: Vec<String>,
}

fn values(config: &Config, shown: &ShownText) -> Result<Vec<(String, Value)>, ConfigError> {
    let mut out = Vec::new();
    for (name, raw) in config.raw().pairs() {
        let asked = shown
            .only
            .iter()
            .any(|only| options::canonical(only) == name);
        if !asked && (!shown.only.is_empty() || !shown.all && !changed(config, name, raw)) {
            continue;
        }
        let value = if shown.expanded {
            config.get(name)?.unwrap_or_default()
        } else {
            raw.clone()
        };
        out.push((name.to_owned(), value));
    }
    out.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(out)
}

fn changed(config: &Config, name: &str, raw: &Value) -> bool {
    let default = options::find(name).and_then(|spec| spec.default_value(config.host()));
    default.as_ref() != Some(raw)
}

/// `name = value` lines, sorted; with `origin`, a comment line before each value and for each key that
/// came from elsewhere.
pub fn show(config: &Config, shown: &ShownText) -> Result<String, ConfigError> {
    let mut out = String::new();
    for (name, value) in values(config, shown)? {
        if shown.origin {
            out.push_str(&format!("# {}\n", config.origins().get(&[&name])));
            for (path, origin) in config.origins().iter() {
                if path.len() > 1 && path[0] == name {
                    out.push_str(&format!("#   {}: {origin}\n", path[1..].join(".")));
                }
            }
        }
        out.push_str(&format!("{name} = {}\n", pformat(&value)));
    }
    Ok(out)
}

/// One JSON object: options by name, or with `origin`, objects of `value`, `origin` and, for keys that
/// came from elsewhere, `origins`. Tuples become arrays, `None` becomes null.
pub fn json(config: &Config, shown: &ShownText) -> Result<String, ConfigError> {
    let mut map = serde_json::Map::new();
    for (name, value) in values(config, shown)? {
        let value = to_json(&value);
        let entry = if shown.origin {
            let mut entry = serde_json::Map::new();
            entry.insert("value".into(), value);
            entry.insert("origin".into(), origin_json(config.origins().get(&[&name])));
            let below: serde_json::Map<String, serde_json::Value> = config
                .origins()
                .iter()
                .filter(|(path, _)| path.len() > 1 && path[0] == name)
                .map(|(path, origin)| (path[1..].join("."), origin_json(origin)))
                .collect();
            if !below.is_empty() {
                entry.insert("origins".into(), below.into());
            }
            entry.into()
        } else {
            value
        };
        map.insert(name, entry);
    }
    let mut text = format!("{:#}", serde_json::Value::Object(map));
    text.push('\n');
    Ok(text)
}

fn origin_json(origin: &Origin) -> serde_json::Value {
    origin.to_string().into()
}

/// A value as JSON. Keys that are no text are written as Python shows them; numbers beyond 64 bits
/// become text.
pub fn to_json(value: &Value) -> serde_json::Value {
    use serde_json::Value as Json;
    let object = |dict: &Dict| {
        dict.0
            .iter()
            .map(|(key, value)| (key.to_string(), to_json(value)))
            .collect::<serde_json::Map<_, _>>()
    };
    match value {
        Value::None => Json::Null,
        Value::Bool(flag) => Json::Bool(*flag),
        Value::Int(number) => match i64::try_from(*number) {
            Ok(number) => number.into(),
            Err(_) => number.to_string().into(),
        },
        Value::Float(number) => serde_json::Number::from_f64(*number)
            .map_or_else(|| Json::String(value.to_string()), Json::Number),
        Value::Str(text) => text.as_str().into(),
        Value::Bytes(_) => value.to_string().into(),
        Value::List(items) | Value::Tuple(items) => items.iter().map(to_json).collect(),
        Value::Dict(dict) => object(dict).into(),
    }
}

/// A value out of JSON. Numbers that are no whole ones of 64 bits become floats.
pub fn from_json(value: &serde_json::Value) -> Value {
    use serde_json::Value as Json;
    match value {
        Json::Null => Value::None,
        Json::Bool(flag) => Value::Bool(*flag),
        Json::Number(number) => match number.as_i64() {
            Some(number) => Value::Int(number.into()),
            None => Value::Float(number.as_f64().unwrap_or_default()),
        },
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(items) => Value::List(items.iter().map(from_json).collect()),
        Json::Object(map) => {
            let mut dict = Dict::new();
            for (key, value) in map {
                dict.set(key.as_str(), from_json(value));
            }
            Value::Dict(dict)
        }
    }
}
