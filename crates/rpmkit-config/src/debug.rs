//! `--debug-config` and `--debug-config-expanded`: what mock prints.

use std::path::Path;

use super::{Config, ConfigError, Dict, Value, options, pformat, thirty_two_bit};

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
    // By then mock runs as the target's kind of machine, which its defaults notice.
    let target = config.get("target_arch")?.unwrap_or_default().to_string();
    let seen = if thirty_two_bit(&target) {
        match config.host().arch.as_str() {
            "x86_64" => "i686",
            "aarch64" => "armv8l",
            "ppc64le" => "ppcle",
            "ppc64" => "ppc",
            "s390x" => "s390",
            other => other,
        }
    } else {
        config.host().arch.as_str()
    };
    defaults.set("host_arch", seen);
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
    let config = &formats(&evaluated(config)?)?;
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
fn evaluated(config: &Config) -> Result<Config, ConfigError> {
    let text = |config: &Config, name: &str| -> Result<String, ConfigError> {
        Ok(config.get(name)?.unwrap_or_default().to_string())
    };
    let shared = text(config, "root")?;
    let mut config = config.clone();
    // Plugins are read before the name is extended, so their caches stay shared.
    if let Some(conf) = config.get("plugin_conf")? {
        config = config.with("plugin_conf", conf);
    }
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

/// The forms of log lines, which mock takes from its `logging.ini`; as it ships it where there is none.
fn formats(config: &Config) -> Result<Config, ConfigError> {
    let text = |name: &str| -> Result<String, ConfigError> {
        Ok(config.get(name)?.unwrap_or_default().to_string())
    };
    let file = text("log_config_file")?;
    let dirs = [text("config_path")?, "/etc/mock".to_owned()];
    let ini = dirs
        .iter()
        .find_map(|dir| std::fs::read_to_string(Path::new(dir).join(&file)).ok())
        .unwrap_or_default();
    let mut config = config.clone();
    for log in ["build", "root", "state"] {
        let name = text(&format!("{log}_log_fmt_name"))?;
        let shipped = match name.as_str() {
            "detailed" => "%(levelname)s %(filename)s:%(lineno)d:  %(message)s",
            "state" => "%(asctime)s - %(message)s",
            _ => "%(message)s",
        };
        let form = format_of(&ini, &name).unwrap_or_else(|| shipped.to_owned());
        config = config.with(&format!("{log}_log_fmt_str"), form.into());
    }
    Ok(config)
}

/// The key `format` of the section `[formatter_NAME]`.
fn format_of(ini: &str, name: &str) -> Option<String> {
    let heading = format!("[formatter_{name}]");
    ini.lines()
        .skip_while(|line| line.trim_end() != heading)
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .find_map(|line| {
            let (key, value) = line.split_once([':', '='])?;
            (key.trim() == "format").then(|| value.trim().to_owned())
        })
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
