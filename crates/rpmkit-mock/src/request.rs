//! From parsed words to a request, with the checks mock makes before it touches anything, in its
//! order and with its words: clients show them to users.

use rpmkit_cli::{Failure, Host};

use crate::{
    cmdline::{Options, ParsedWords, ScrubTarget},
    mode::{Mode, Pm, Word},
};

/// The plugins mock knows; others cannot be enabled from the command line.
pub const PLUGINS: [&str; 24] = [
    "tmpfs",
    "root_cache",
    "yum_cache",
    "mount",
    "bind_mount",
    "ccache",
    "selinux",
    "package_state",
    "chroot_scan",
    "lvm_root",
    "compress_logs",
    "sign",
    "pm_request",
    "hw_info",
    "procenv",
    "showrc",
    "rpkg_preprocessor",
    "rpmautospec",
    "buildroot_lock",
    "export_buildroot_image",
    "unbreq",
    "expand_spec",
    "system_monitor",
    "overlayfs",
];

/// `--isolation`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IsolationFlag {
    /// Our own choice.
    Auto,
    /// Plain namespaces.
    Simple,
    /// systemd-nspawn, or what corresponds.
    Nspawn,
}

/// `--plugin-option PLUGIN:KEY=VALUE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginOption {
    /// One of [`PLUGINS`].
    pub plugin: String,
    /// Its option.
    pub key: String,
    /// A Python literal, or else a plain text.
    pub value: String,
}

/// What is to be done, checked as far as that goes without a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MockRequest {
    /// What.
    pub mode: Mode,
    /// On what.
    pub words: Vec<String>,
    /// Macros of `--define`, `--with` and `--without`: name with its per cent sign, body.
    pub macros: Vec<(String, String)>,
    /// `--isolation` and its old forms.
    pub isolation: Option<IsolationFlag>,
    /// `--plugin-option`, taken apart.
    pub plugin_options: Vec<PluginOption>,
    /// Everything else, as typed.
    pub options: Options,
    /// Deprecated options used: mock's error lines about them, which stop nothing.
    pub deprecations: Vec<&'static str>,
}

impl MockRequest {
    /// The configuration to load.
    pub fn root(&self) -> &str {
        match self.options.hermetic_build {
            Some(_) => "hermetic-build",
            None => self.options.root.as_deref().unwrap_or("default"),
        }
    }

    /// Makes a request of what was parsed.
    pub fn new(parsed: ParsedWords, host: &Host) -> Result<Self, Failure> {
        let ParsedWords {
            mode,
            mut options,
            mut words,
        } = parsed;
        let word = mode.unwrap_or_else(|| match words.first().and_then(|w| Word::old_style(w)) {
            Some(old) => {
                words.remove(0);
                old
            }
            None => Word::Rebuild,
        });
        let bad = |text: &str| Err(Failure::command_line(text));
        if options.hermetic_build.is_some()
            && options
                .root
                .as_deref()
                .is_some_and(|root| root != "default")
        {
            return bad(
                "The --hermetic-build mode uses a special chroot configuration, you can not select the chroot \
                 configuration with the -r/--root option.",
            );
        }
        if options.hermetic_build.is_some() && word != Word::Rebuild {
            return bad("--rebuild mode needed with --hermetic-build");
        }
        if words.first().is_some_and(|w| w == "--") {
            words.remove(0);
        }
        // `--scrub` turns any mode into a cleaning one, except this, which mock looks at first.
        let scrub = !options.scrub.is_empty() && word != Word::ScrubAllChroots;
        let is = |wanted| !scrub && word == wanted;
        if let Some(target) = options.target.as_ref().filter(|t| t.contains(',')) {
            return Err(Failure::command_line(format!(
                "--target option accepts only one arch. Invalid: {target}"
            )));
        }
        if is(Word::BuildSrpm) && options.spec.is_none() && !options.scm_enable {
            return bad("Must specify both --spec and --sources with --buildsrpm");
        }
        if options.recurse {
            options.keep_going = true;
        }
        if options.localrepo.is_some() && !is(Word::Chain) {
            return bad("The --localrepo option works only with --chain");
        }
        if options.recurse && !is(Word::Chain) {
            return bad("Only --chain mode supports --recurse build algorithm");
        }
        if options.keep_going && !is(Word::Chain) {
            return bad("Only --chain mode supports --continue build algorithm");
        }
        for path in [&mut options.spec, &mut options.sources]
            .into_iter()
            .flatten()
        {
            *path = host.expand_user(path).to_string_lossy().into_owned();
        }
        let rebuild = is(Word::Rebuild) || is(Word::CalculateDeps);
        if !options.additional_package.is_empty() && !rebuild {
            return bad("The --additional-package option requires the --rebuild mode");
        }
        let macros = macros(&options)?;
        if let Some(file) = &options.macro_file {
            let path = host.expand_user(file);
            if !path.is_file() {
                return Err(Failure::command_line(format!(
                    "Input rpm macros file does not exist: {file}"
                )));
            }
            options.macro_file = Some(path.to_string_lossy().into_owned());
        }
        for dir in [&mut options.resultdir, &mut options.rootdir]
            .into_iter()
            .flatten()
        {
            *dir = host.expand_user(dir).to_string_lossy().into_owned();
        }
        let plugin_options = plugins(&options)?;
        let (isolation, deprecations) = isolation(&options)?;
        if rebuild && words.len() > 1 && options.resultdir.is_none() {
            return bad("Must specify --resultdir when building multiple RPMS.");
        }
        if is(Word::Chain) && options.resultdir.is_some() {
            return bad("The --chain mode doesn't support --resultdir, use --localrepo instead");
        }
        Ok(Self {
            mode: resolve(word, &options),
            words,
            macros,
            isolation,
            plugin_options,
            options,
            deprecations,
        })
    }
}

fn resolve(word: Word, options: &Options) -> Mode {
    if word == Word::ScrubAllChroots {
        return Mode::ScrubAllChroots;
    }
    if options.print_root_path {
        return Mode::PrintRootPath;
    }
    if options.list_snapshots {
        return Mode::ListSnapshots;
    }
    if !options.scrub.is_empty() {
        let targets: Vec<ScrubTarget> = options.scrub.clone();
        return Mode::Scrub(targets);
    }
    match word {
        Word::Rebuild => Mode::Rebuild { calculate: false },
        Word::CalculateDeps => Mode::Rebuild { calculate: true },
        Word::Chain => Mode::Chain,
        Word::BuildSrpm => Mode::BuildSrpm,
        Word::DebugConfig => Mode::DebugConfig { expanded: false },
        Word::DebugConfigExpanded => Mode::DebugConfig { expanded: true },
        Word::Shell => Mode::Shell,
        Word::Chroot => Mode::Chroot,
        Word::Clean => Mode::Clean,
        Word::ScrubAllChroots => Mode::ScrubAllChroots,
        Word::Init => Mode::Init,
        Word::InstallDeps => Mode::InstallDeps,
        Word::Install => Mode::Install,
        Word::ListChroots => Mode::ListChroots,
        Word::Update => Mode::Update,
        Word::Remove => Mode::Remove,
        Word::OrphansKill => Mode::OrphansKill,
        Word::CopyIn => Mode::CopyIn,
        Word::CopyOut => Mode::CopyOut,
        Word::PmCmd => Mode::PmCmd(Pm::Configured),
        Word::YumCmd => Mode::PmCmd(Pm::Yum),
        Word::DnfCmd => Mode::PmCmd(Pm::Dnf),
        Word::Snapshot => Mode::Snapshot,
        Word::RemoveSnapshot => Mode::RemoveSnapshot,
        Word::RollbackTo => Mode::RollbackTo,
        Word::Umount => Mode::Umount,
        Word::Mount => Mode::Mount,
    }
}

fn macros(options: &Options) -> Result<Vec<(String, String)>, Failure> {
    let mut macros: Vec<(String, String)> = Vec::new();
    let switches = |kind: &'static str, names: &[String]| -> Vec<String> {
        names
            .iter()
            .map(|name| format!("_{kind}_{} --{kind}-{name}", name.replace('-', "_")))
            .collect()
    };
    let with = switches("with", &options.with);
    let without = switches("without", &options.without);
    for text in options.define.iter().chain(&with).chain(&without) {
        let text = text.trim();
        let Some((name, body)) = text.split_once(' ') else {
            return Err(Failure::command_line(format!(
                "Bad option for '--define' ({text}).  Use --define 'macro expr'"
            )));
        };
        let name = if name.starts_with('%') {
            name.to_owned()
        } else {
            format!("%{name}")
        };
        match macros.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => body.clone_into(old),
            None => macros.push((name, body.to_owned())),
        }
    }
    Ok(macros)
}

fn plugins(options: &Options) -> Result<Vec<PluginOption>, Failure> {
    let list = || {
        let names: Vec<String> = PLUGINS.iter().map(|p| format!("'{p}'")).collect();
        format!("[{}]", names.join(", "))
    };
    for (option, names) in [
        ("disable", &options.disable_plugin),
        ("enable", &options.enable_plugin),
    ] {
        if let Some(name) = names.iter().find(|name| !PLUGINS.contains(&name.as_str())) {
            return Err(Failure::command_line(format!(
                "Bad option for '--{option}-plugin={name}'. Expecting one of: {}",
                list()
            )));
        }
    }
    options
        .plugin_option
        .iter()
        .map(|text| {
            let parts = text
                .split_once(':')
                .and_then(|(plugin, rest)| Some((plugin, rest.split_once('=')?)));
            let Some((plugin, (key, value))) = parts else {
                return Err(Failure::command_line(format!(
                    "Bad option for '--plugin-option' ({text}).  Use --plugin-option 'plugin:key=value'"
                )));
            };
            if !PLUGINS.contains(&plugin) {
                return Err(Failure::command_line(format!(
                    "Bad option for '--plugin-option' ({text}).  No such plugin: {plugin}"
                )));
            }
            Ok(PluginOption {
                plugin: plugin.to_owned(),
                key: key.to_owned(),
                value: value.to_owned(),
            })
        })
        .collect()
}

fn isolation(options: &Options) -> Result<(Option<IsolationFlag>, Vec<&'static str>), Failure> {
    let mut chosen = None;
    let mut deprecations = Vec::new();
    if options.old_chroot {
        chosen = Some(IsolationFlag::Simple);
        deprecations
            .push("Option --old-chroot has been deprecated. Use --isolation=simple instead.");
    }
    if options.new_chroot {
        chosen = Some(IsolationFlag::Nspawn);
        deprecations
            .push("Option --new-chroot has been deprecated. Use --isolation=nspawn instead.");
    }
    match options.isolation.as_deref() {
        None => {}
        Some("simple") => chosen = Some(IsolationFlag::Simple),
        Some("nspawn") => chosen = Some(IsolationFlag::Nspawn),
        Some("auto") => chosen = Some(IsolationFlag::Auto),
        Some(other) => {
            return Err(Failure::command_line(format!(
                "Bad option for '--isolation'. Unknown value: {other}"
            )));
        }
    }
    Ok((chosen, deprecations))
}

#[cfg(test)]
mod tests;
