//! What the command line changes in a configuration, as mock applies it after all files.

use std::path::{Path, PathBuf};

use super::{ConfigError, Dict, HostFacts, Origin, Value, draft::Draft, python};

/// Options of the command line, in the words of mock's.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// `--config-opts K=V`, in order.
    pub config_opts: Vec<String>,
    /// Verbosity: 0 quiet, 1 normal, 2 verbose.
    pub verbose: i64,
    /// Whether standard error is a terminal.
    pub stderr_is_tty: bool,
    /// `--arch`.
    pub arch: Option<String>,
    /// `--target`.
    pub target: Option<String>,
    /// `--forcearch`.
    pub forcearch: Option<String>,
    /// `--no-clean`.
    pub no_clean: bool,
    /// `--nocheck`.
    pub no_check: bool,
    /// `--postinstall`.
    pub post_install: bool,
    /// `--with X`.
    pub with: Vec<String>,
    /// `--without X`.
    pub without: Vec<String>,
    /// `-D "M EXPR"`.
    pub defines: Vec<String>,
    /// `--macro-file`.
    pub macro_file: Option<String>,
    /// `--resultdir`.
    pub resultdir: Option<String>,
    /// `--rootdir`.
    pub rootdir: Option<String>,
    /// `--uniqueext`.
    pub uniqueext: Option<String>,
    /// `--rpmbuild_timeout`.
    pub rpmbuild_timeout: Option<i64>,
    /// `--bootstrap-chroot`, `--no-bootstrap-chroot`.
    pub bootstrap: Option<bool>,
    /// `--use-bootstrap-image`, `--no-bootstrap-image`.
    pub bootstrap_image: Option<bool>,
    /// `--disable-plugin`.
    pub disable_plugins: Vec<String>,
    /// `--enable-plugin`.
    pub enable_plugins: Vec<String>,
    /// `--plugin-option P:K=V`.
    pub plugin_options: Vec<String>,
    /// `--isolation`.
    pub isolation: Option<String>,
    /// `--enable-network`.
    pub enable_network: bool,
    /// `--cleanup-after`, `--no-cleanup-after`.
    pub cleanup_after: Option<bool>,
    /// `--cache-alterations`.
    pub cache_alterations: bool,
    /// `--offline`.
    pub offline: bool,
    /// `--dnf`, `--yum` and what the package manager modes imply.
    pub package_manager: Option<String>,
    /// `--dnf-cmd`: keeps dnf or dnf5 where one is configured, else takes dnf.
    pub any_dnf: bool,
    /// `--short-circuit`.
    pub short_circuit: Option<String>,
    /// `--rpmbuild-opts`.
    pub rpmbuild_opts: Option<String>,
    /// `--enablerepo`, `--disablerepo` and their names, in order.
    pub enable_disable_repos: Vec<String>,
    /// `--scm-enable`.
    pub scm: bool,
    /// `--scm-option K=V`.
    pub scm_options: Vec<String>,
    /// `--additional-package`.
    pub additional_packages: Vec<String>,
    /// `--calculate-build-dependencies`.
    pub calculatedeps: bool,
    /// `--buildroot-image`.
    pub buildroot_image: Option<String>,
    /// `--hermetic-build`.
    pub hermetic: Option<Hermetic>,
}

/// What `--hermetic-build` brings along.
#[derive(Debug, Clone)]
pub struct Hermetic {
    /// The options its lock file records.
    pub options: Vec<(String, Value)>,
    /// The local repository, an absolute path.
    pub repository: String,
    /// The pinned bootstrap image with its digest, where there is one.
    pub image: Option<(String, String)>,
}

impl Hermetic {
    /// As mock does it: the lock file's options, everything the repository has, nothing from elsewhere.
    fn apply(&self, draft: &mut Draft) {
        let mut set = |name: &str, value: Value| {
            draft.set(name, value, Origin::CommandLine("--hermetic-build".into()));
        };
        set("hermetic_build", true.into());
        for (name, value) in &self.options {
            set(name, value.clone());
        }
        set("offline_local_repository", self.repository.as_str().into());
        set("chroot_setup_cmd", "install *".into());
        if let Some((image, digest)) = &self.image {
            set("bootstrap_image", image.as_str().into());
            set("bootstrap_image_assert_digest", digest.as_str().into());
        }
        set("bootstrap_image_fallback", false.into());
        let mut conf = match draft.value("plugin_conf") {
            Some(Value::Dict(conf)) => conf,
            _ => Dict::new(),
        };
        conf.set("bind_mount_enable", true);
        if let Some(Value::Dict(opts)) = conf.get_mut("bind_mount_opts")
            && let Some(Value::List(dirs)) = opts.get_mut("dirs")
        {
            dirs.push(Value::Tuple(vec![
                self.repository.as_str().into(),
                "/hermetic_repo".into(),
            ]));
        }
        draft.set(
            "plugin_conf",
            conf,
            Origin::CommandLine("--hermetic-build".into()),
        );
    }
}

/// Converts a word of `--config-opts`.
fn word(text: &str) -> Value {
    match text {
        "true" | "True" => Value::Bool(true),
        "false" | "False" => Value::Bool(false),
        "none" | "None" => Value::None,
        _ => python::parse_int(text, 10).map_or_else(|| Value::from(text), Value::Int),
    }
}

/// `--config-opts`: a key given twice becomes a list; an empty second value makes it a list of one.
fn config_opts(words: &[String]) -> Result<Dict, ConfigError> {
    let mut new = Dict::new();
    for text in words {
        let (key, value) = text.split_once('=').ok_or_else(|| {
            ConfigError::CommandLine(format!(
                "bad option for '--config-opts' ({text}): expected NAME=VALUE"
            ))
        })?;
        let value = word(value);
        match new.get_mut(key) {
            None => new.set(key, value),
            Some(Value::List(items)) => items.push(value),
            Some(first) => {
                let mut items = vec![std::mem::take(first)];
                if value.as_str() != Some("") {
                    items.push(value);
                }
                *first = Value::List(items);
            }
        }
    }
    Ok(new)
}

fn bad(option: &str, text: &str, use_: &str) -> ConfigError {
    ConfigError::CommandLine(format!(
        "Bad option for '{option}' ({text}).  Use {option} '{use_}'"
    ))
}

/// Applies everything in mock's order.
pub(super) fn apply(o: &Overrides, draft: &mut Draft, host: &HostFacts) -> Result<(), ConfigError> {
    let line = |text: &str| Origin::CommandLine(text.to_owned());
    if let Some(hermetic) = &o.hermetic {
        hermetic.apply(draft);
    }
    for (key, value) in config_opts(&o.config_opts)?.pairs() {
        draft.set(key, value.clone(), line("--config-opts"));
    }
    draft.set("verbose", o.verbose, line("--verbose"));
    if draft.value("print_main_output").unwrap_or_default() == Value::None {
        let shown = o.verbose > 0 && o.stderr_is_tty;
        draft.set("print_main_output", shown, Origin::Derived("verbosity"));
    }
    arch(o, draft)?;
    for (given, name, value, option) in [
        (o.no_clean, "clean", false, "--no-clean"),
        (o.no_check, "check", false, "--nocheck"),
        (o.post_install, "post_install", true, "--postinstall"),
    ] {
        if given {
            draft.set(name, value, line(option));
        }
    }
    macros(o, draft, host)?;
    for (value, name, option) in [
        (&o.resultdir, "resultdir", "--resultdir"),
        (&o.rootdir, "rootdir", "--rootdir"),
    ] {
        if let Some(path) = value.as_ref().filter(|path| !path.is_empty()) {
            draft.set(name, host.expand_user(path), line(option));
        }
    }
    if let Some(ext) = o.uniqueext.as_ref().filter(|ext| !ext.is_empty()) {
        draft.set("unique-ext", ext.as_str(), line("--uniqueext"));
    }
    if let Some(seconds) = o.rpmbuild_timeout {
        draft.set("rpmbuild_timeout", seconds, line("--rpmbuild_timeout"));
    }
    if let Some(flag) = o.bootstrap {
        draft.set("use_bootstrap", flag, line("--bootstrap-chroot"));
    }
    if let Some(flag) = o.bootstrap_image {
        draft.set("use_bootstrap_image", flag, line("--use-bootstrap-image"));
        if flag {
            draft.set("use_bootstrap", true, line("--use-bootstrap-image"));
        }
    }
    plugins(o, draft)?;
    match o.isolation.as_deref() {
        None => {}
        Some(kind @ ("simple" | "nspawn" | "auto")) => {
            draft.set("isolation", kind, line("--isolation"));
        }
        Some(other) => {
            return Err(ConfigError::CommandLine(format!(
                "Bad option for '--isolation'. Unknown value: {other}"
            )));
        }
    }
    if o.enable_network {
        draft.set("rpmbuild_networking", true, line("--enable-network"));
        draft.set("use_host_resolv", true, line("--enable-network"));
    }
    if let Some(flag) = o.cleanup_after {
        draft.set("cleanup_on_success", flag, line("--cleanup-after"));
        draft.set("cleanup_on_failure", flag, line("--cleanup-after"));
    }
    guard_results(draft, host)?;
    draft.set(
        "cache_alterations",
        o.cache_alterations,
        line("--cache-alterations"),
    );
    draft.set("online", !o.offline, line("--offline"));
    if let Some(manager) = &o.package_manager {
        draft.set("package_manager", manager.as_str(), line("--dnf or --yum"));
    }
    if o.any_dnf {
        let manager = read(draft, "package_manager")?.unwrap_or_default();
        if !matches!(manager.as_str(), Some("dnf" | "dnf5")) {
            draft.set("package_manager", "dnf", line("--dnf-cmd"));
        }
    }
    if let Some(stage) = o.short_circuit.as_ref().filter(|stage| !stage.is_empty()) {
        draft.set("short_circuit", stage.as_str(), line("--short-circuit"));
        draft.set("clean", false, line("--short-circuit"));
    }
    if let Some(words) = o.rpmbuild_opts.as_ref().filter(|words| !words.is_empty()) {
        draft.set("rpmbuild_opts", words.as_str(), line("--rpmbuild-opts"));
    }
    draft.set(
        "enable_disable_repos",
        o.enable_disable_repos.clone(),
        line("--enablerepo"),
    );
    scm(o, draft)?;
    draft.set(
        "additional_packages",
        o.additional_packages.clone(),
        line("--additional-package"),
    );
    draft.set(
        "calculatedeps",
        o.calculatedeps
            .then_some(true)
            .map_or(Value::None, Value::Bool),
        line("--calculate-build-dependencies"),
    );
    if o.calculatedeps {
        draft.set_below(
            "plugin_conf",
            "buildroot_lock_enable",
            true.into(),
            line("--calculate-build-dependencies"),
        );
    }
    image(o, draft, host);
    check_arch(draft)
}

fn arch(o: &Overrides, draft: &mut Draft) -> Result<(), ConfigError> {
    let line = |text: &str| Origin::CommandLine(text.to_owned());
    if let Some(arch) = o.arch.as_ref().filter(|arch| !arch.is_empty()) {
        draft.set("target_arch", arch.as_str(), line("--arch"));
    }
    let target = read(draft, "target_arch")?.unwrap_or_default();
    if let Some(arch) = o.target.as_ref().filter(|arch| !arch.is_empty()) {
        draft.set("rpmbuild_arch", arch.as_str(), line("--target"));
    } else if draft.value("rpmbuild_arch").unwrap_or_default() == Value::None {
        draft.set(
            "rpmbuild_arch",
            target.clone(),
            Origin::Derived("target_arch"),
        );
    }
    if let Some(arch) = o.forcearch.as_ref().filter(|arch| !arch.is_empty()) {
        draft.set("forcearch", arch.as_str(), line("--forcearch"));
    }
    if !draft.value("repo_arch").unwrap_or_default().truth() {
        let mapped = draft
            .value("repo_arch_map")
            .and_then(|map| map.as_dict()?.0.get(&target).cloned())
            .unwrap_or(target);
        draft.set(
            "repo_arch",
            mapped,
            Origin::Derived("repo_arch_map and target_arch"),
        );
    }
    Ok(())
}

fn macros(o: &Overrides, draft: &mut Draft, host: &HostFacts) -> Result<(), ConfigError> {
    let mut defines: Vec<(String, &str)> = o
        .defines
        .iter()
        .map(|text| (text.clone(), "--define"))
        .collect();
    for (names, option, prefix) in [
        (&o.with, "--with", "with"),
        (&o.without, "--without", "without"),
    ] {
        for name in names {
            let text = format!("_{prefix}_{} --{prefix}-{name}", name.replace('-', "_"));
            defines.push((text, option));
        }
    }
    for (text, option) in defines {
        let (name, value) = text
            .trim()
            .split_once(' ')
            .ok_or_else(|| bad("--define", text.trim(), "macro expr"))?;
        let name = if name.starts_with('%') {
            name.to_owned()
        } else {
            format!("%{name}")
        };
        draft.set_below(
            "macros",
            &name,
            value.into(),
            Origin::CommandLine(option.to_owned()),
        );
    }
    if let Some(file) = o.macro_file.as_ref().filter(|file| !file.is_empty()) {
        let path = host.expand_user(file);
        if !host.cwd.join(&path).is_file() {
            return Err(ConfigError::CommandLine(format!(
                "Input rpm macros file does not exist: {file}"
            )));
        }
        draft.set(
            "macrofile",
            path,
            Origin::CommandLine("--macro-file".into()),
        );
    }
    Ok(())
}

fn plugins(o: &Overrides, draft: &mut Draft) -> Result<(), ConfigError> {
    let names = draft.value("plugins").unwrap_or_default();
    let known = |name: &str| {
        names
            .items()
            .is_some_and(|all| all.iter().any(|one| one.as_str() == Some(name)))
    };
    for (list, option, flag) in [
        (&o.disable_plugins, "--disable-plugin", false),
        (&o.enable_plugins, "--enable-plugin", true),
    ] {
        for name in list {
            if !known(name) {
                return Err(ConfigError::CommandLine(format!(
                    "Bad option for '{option}={name}'. Expecting one of: {names}"
                )));
            }
            draft.set_below(
                "plugin_conf",
                &format!("{name}_enable"),
                flag.into(),
                Origin::CommandLine(option.to_owned()),
            );
        }
    }
    for text in &o.plugin_options {
        let parts = text
            .split_once(':')
            .and_then(|(plugin, rest)| Some((plugin, rest.split_once('=')?)));
        let Some((plugin, (key, value))) = parts else {
            return Err(bad("--plugin-option", text, "plugin:key=value"));
        };
        if !known(plugin) {
            return Err(ConfigError::CommandLine(format!(
                "Bad option for '--plugin-option' ({text}).  No such plugin: {plugin}"
            )));
        }
        let value = python::literal(value).unwrap_or_else(|_| Value::from(value));
        plugin_option(draft, plugin, key, value);
    }
    Ok(())
}

/// Sets one option of one plugin.
fn plugin_option(draft: &mut Draft, plugin: &str, key: &str, value: Value) {
    let table = format!("{plugin}_opts");
    let Some(Value::Dict(conf)) = draft.value("plugin_conf") else {
        return;
    };
    let mut opts = match conf.get(&table) {
        Some(Value::Dict(opts)) => opts.clone(),
        _ => Dict::new(),
    };
    opts.set(key, value);
    draft.set_below(
        "plugin_conf",
        &table,
        opts.into(),
        Origin::CommandLine("--plugin-option".into()),
    );
}

fn scm(o: &Overrides, draft: &mut Draft) -> Result<(), ConfigError> {
    if !o.scm {
        return Ok(());
    }
    draft.set("scm", true, Origin::CommandLine("--scm-enable".into()));
    for text in &o.scm_options {
        let (key, value) = text
            .split_once('=')
            .ok_or_else(|| bad("--scm-option", text, "key=value"))?;
        draft.set_below(
            "scm_opts",
            key,
            value.into(),
            Origin::CommandLine("--scm-option".into()),
        );
    }
    Ok(())
}

fn image(o: &Overrides, draft: &mut Draft, host: &HostFacts) {
    let line = || Origin::CommandLine("--buildroot-image".into());
    if let Some(image) = o.buildroot_image.as_ref().filter(|image| !image.is_empty()) {
        let file = std::fs::canonicalize(host.cwd.join(image));
        let image = file.map_or_else(
            |_| image.clone(),
            |path| format!("oci-archive:{}", path.display()),
        );
        draft.set("buildroot_image", image, line());
    }
    if draft.value("buildroot_image").unwrap_or_default().truth() {
        draft.set(
            "use_buildroot_image",
            true,
            Origin::Derived("buildroot_image"),
        );
    }
}

/// Automatic cleaning is off when the results lie inside the chroot's own directory, where they would
/// be cleaned away with it.
fn guard_results(draft: &mut Draft, host: &HostFacts) -> Result<(), ConfigError> {
    let text = |draft: &Draft, name: &str| -> Result<String, ConfigError> {
        Ok(read(draft, name)?.unwrap_or_default().to_string())
    };
    let base = Path::new(&text(draft, "basedir")?).join(text(draft, "root")?);
    let mut results = text(draft, "resultdir")?;
    if results.contains("%(") {
        let all = draft.expander().everything();
        results = python::percent(&results, &Value::Dict(all)).unwrap_or(results);
    }
    let real = |path: &Path| {
        real_path(&host.cwd.join(path))
            .to_string_lossy()
            .into_owned()
    };
    // mock compares the texts of the paths, not their parts.
    if real(Path::new(&results)).starts_with(&real(&base)) {
        for name in ["cleanup_on_success", "cleanup_on_failure"] {
            draft.set(name, false, Origin::Derived("resultdir"));
        }
    }
    Ok(())
}

/// The path with links resolved; the part that does not exist is taken as written.
fn real_path(path: &Path) -> PathBuf {
    let mut rest = Vec::new();
    let mut head = path.to_owned();
    loop {
        if let Ok(mut found) = std::fs::canonicalize(&head) {
            found.extend(rest.iter().rev());
            return found;
        }
        match head.file_name() {
            Some(name) => rest.push(name.to_owned()),
            None => return path.to_owned(),
        }
        if !head.pop() {
            return path.to_owned();
        }
    }
}

/// What mock's check of architectures changes: emulation is chosen by itself where the host cannot run
/// the target, and `%_platform_multiplier` follows. Only for definitions that name legal hosts.
fn check_arch(draft: &mut Draft) -> Result<(), ConfigError> {
    let Some(legal) = read(draft, "legal_host_arches")? else {
        return Ok(());
    };
    let host = read(draft, "host_arch")?.unwrap_or_default();
    let listed = match &legal {
        Value::Str(text) => host.as_str().is_some_and(|host| text.contains(host)),
        other => other.items().is_some_and(|all| all.contains(&host)),
    };
    let mut forced = read(draft, "forcearch")?.unwrap_or_default().truth();
    if !listed && !forced {
        let target = read(draft, "rpmbuild_arch")?.unwrap_or_default();
        forced = target.truth();
        draft.set("forcearch", target, Origin::Derived("legal_host_arches"));
    }
    let macros = draft.value("macros").unwrap_or_default();
    let set = macros
        .as_dict()
        .is_some_and(|macros| macros.get("%_platform_multiplier").is_some());
    if !set {
        draft.set_below(
            "macros",
            "%_platform_multiplier",
            Value::Int(if forced { 10 } else { 1 }),
            Origin::Derived("forcearch"),
        );
    }
    Ok(())
}

/// An option with its templates expanded, as mock sees options once the files are read.
fn read(draft: &Draft, name: &str) -> Result<Option<Value>, ConfigError> {
    match draft.value(name) {
        None => Ok(None),
        Some(value) => draft.expander().expand(name, &value).map(Some),
    }
}
