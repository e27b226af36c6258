//! `--debug-config` and `--debug-config-expanded`: what mock prints.

use super::{Config, ConfigError, Dict, Value, options, pformat};

/// The printed form: `config_opts['NAME'] = VALUE` for each option that is not at its default, sorted.
/// `values` are the options to show; the defaults they are compared with are expanded if they are.
pub fn print(config: &Config, values: &Dict, expanded: bool) -> Result<String, ConfigError> {
    let mut defaults = options::defaults(config.host());
    // mock finds some plugins by looking at its files, and only the first time it makes its defaults:
    // those it compares with lack them, so that this option is always shown.
    if let Some(Value::Dict(conf)) = defaults.get_mut("plugin_conf") {
        conf.0.retain(|key, _| {
            let key = key.as_str().unwrap_or_default();
            !key.starts_with("__init__") && !key.starts_with("overlayfs")
        });
    }
    let expander = super::Expander::new(std::sync::Arc::new(defaults.clone()));
    let mut sorted: Vec<_> = values.pairs().collect();
    sorted.sort_by_key(|(name, _)| *name);
    let mut out = String::new();
    for (name, value) in sorted {
        // mock switches this one on both sides before it compares.
        if name == "__jinja_expand" {
            continue;
        }
        let default = match defaults.get(name) {
            // Not known before the run, so never the same.
            Some(_) if name == "mock_run_uuid" => None,
            Some(default) if expanded => Some(expander.expand(name, default)?),
            Some(default) => Some(default.clone()),
            None => None,
        };
        if default.as_ref() != Some(value) {
            out.push_str(&format!(
                "config_opts[{}] = {}\n",
                quoted(name),
                pformat(value)
            ));
        }
    }
    Ok(out)
}

/// mock puts single quotes around the name whatever it holds.
fn quoted(name: &str) -> String {
    format!("'{name}'")
}

/// What `mock --debug-config` prints. By then mock has expanded everything inside lists and
/// dictionaries, and has told each plugin where things are; texts at the top are as they were written.
pub fn debug_config(config: &Config, expanded: bool) -> Result<String, ConfigError> {
    let config = &settled(config)?;
    let mut values = Dict::new();
    for (name, raw) in config.raw().pairs() {
        let inside = matches!(raw, Value::List(_) | Value::Dict(_));
        let value = if expanded || inside {
            config.get(name)?.unwrap_or_default()
        } else {
            raw.clone()
        };
        values.set(name, value);
    }
    print(config, &values, expanded)
}

/// What mock changes in the options before it does anything: the extended root name, the home directory
/// in the environment, the places each plugin is told.
fn settled(config: &Config) -> Result<Config, ConfigError> {
    let text = |config: &Config, name: &str| -> Result<String, ConfigError> {
        Ok(config.get(name)?.unwrap_or_default().to_string())
    };
    let shared = text(config, "root")?;
    let mut config = config.clone();
    if let Some(ext) = config.get("unique-ext")? {
        config = config.with("root", format!("{shared}-{ext}").into());
    }
    let join = |top: String, name: &str| format!("{}/{name}", top.trim_end_matches('/'));
    let basedir = join(text(&config, "basedir")?, &text(&config, "root")?);
    let cache_topdir = text(&config, "cache_topdir")?;
    let cachedir = join(cache_topdir.clone(), &shared);
    let mut resultdir = text(&config, "resultdir")?;
    if resultdir.contains("%(") {
        let all = Value::Dict(config.expanded()?);
        resultdir = super::python::percent(&resultdir, &all).unwrap_or(resultdir);
    }
    if let Some(Value::Dict(conf)) = config.raw().get("plugin_conf") {
        let mut conf = conf.clone();
        let names: Vec<String> = conf.pairs().map(|(name, _)| name.to_owned()).collect();
        for name in names.iter().filter(|name| name.ends_with("_opts")) {
            if let Some(Value::Dict(opts)) = conf.get_mut(name) {
                opts.set("basedir", basedir.as_str());
                opts.set("cache_topdir", cache_topdir.as_str());
                opts.set("cachedir", cachedir.as_str());
                opts.set("root", shared.as_str());
                opts.set("resultdir", resultdir.as_str());
            }
        }
        config = config.with("plugin_conf", conf.into());
    }
    if let Some(Value::Dict(environment)) = config.raw().get("environment") {
        let mut environment = environment.clone();
        environment.set("HOME", text(&config, "chroothome")?);
        for proxy in ["http_proxy", "https_proxy", "ftp_proxy", "no_proxy"] {
            let set = config.get(proxy)?.filter(Value::truth);
            let inherited = || {
                config
                    .host_env(proxy)
                    .filter(|value| !value.is_empty())
                    .map(Value::from)
            };
            if let Some(value) = set.or_else(inherited) {
                environment.set(proxy, value);
            }
        }
        config = config.with("environment", environment.into());
    }
    Ok(config)
}

/// The raw options as mock's own function prints them right after loading.
pub fn debug_loaded(config: &Config, expanded: bool) -> Result<String, ConfigError> {
    let values = if expanded {
        config.expanded()?
    } else {
        config.raw().clone()
    };
    print(config, &values, expanded)
}
