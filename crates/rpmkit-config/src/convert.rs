//! From mock's format to ours.

use super::{Config, ConfigError, Dict, LoadRequest, Loader, Value, load::Reading, options, toml};

/// Options the loader sets, which no file should.
const LOADERS: &[&str] = &[
    "config_path",
    "config_paths",
    "config_file",
    "chroot_name",
    "mock_run_uuid",
    "version",
    "host_arch",
    "__jinja_expand",
];

/// Our TOML for the definition a request names: what it and the files it includes set, without the
/// site's and the user's own settings. Loading the result gives the same options.
pub fn convert(request: &LoadRequest) -> Result<String, ConfigError> {
    let mut loader = Loader::default();
    let found = loader.find(request)?;
    let mut reading = Reading::new(&mut loader, request);
    reading.definition(&found)?;
    let draft = reading.draft;
    let all = draft.finish().map_err(|option| ConfigError::BadValue {
        option,
        found: "a value that contains itself".into(),
        expected: "a finite value",
    })?;
    let defaults = options::defaults(&request.host);
    let mut out = Dict::new();
    for (name, value) in all.pairs().filter(|(name, _)| !LOADERS.contains(name)) {
        if defaults
            .get(name)
            .is_some_and(|default| default.same(value))
        {
            continue;
        }
        let reduced = match (value, defaults.get(name)) {
            (Value::Dict(new), Some(Value::Dict(old))) => difference(new, old),
            _ => Some(value.clone()),
        };
        match reduced {
            Some(value) => out.set(name, value),
            // Entries of the default were taken away: the whole value has to be said.
            None => out.set(name, toml::Literal::mark(value)),
        }
    }
    let unset: Vec<&str> = defaults
        .pairs()
        .map(|(name, _)| name)
        .filter(|name| all.get(name).is_none())
        .collect();
    let mut text = format!(
        "# From {}: one value for each option it sets; conditions and includes are resolved.\n\n",
        found
            .path()
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
    );
    if !unset.is_empty() {
        out.set("unset", unset);
    }
    text.push_str(&toml::to_toml(&out));
    Ok(text)
}

/// What a table has to say so that merging it into `old` gives `new`; `None` when entries are gone.
fn difference(new: &Dict, old: &Dict) -> Option<Value> {
    if old.0.keys().any(|key| !new.0.contains_key(key)) {
        return None;
    }
    let mut out = Dict::new();
    for (key, value) in &new.0 {
        match (value, old.0.get(key)) {
            (value, Some(before)) if before.same(value) => {}
            (Value::Dict(inner), Some(Value::Dict(before))) => {
                let change =
                    difference(inner, before).unwrap_or_else(|| toml::Literal::mark(value));
                out.0.insert(key.clone(), change);
            }
            _ => {
                out.0.insert(key.clone(), value.clone());
            }
        }
    }
    Some(Value::Dict(out))
}

/// Whether two configurations hold the same options, apart from what differs from run to run.
pub fn same_options(one: &Config, two: &Config) -> bool {
    let strip = |config: &Config| {
        let mut dict = config.raw().clone();
        dict.0
            .retain(|name, _| !name.as_str().is_some_and(|name| LOADERS.contains(&name)));
        Value::Dict(dict)
    };
    strip(one) == strip(two)
}
