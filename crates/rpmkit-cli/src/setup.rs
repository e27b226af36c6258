//! From arguments to a configuration and an engine: the two things every verb with a chroot needs.

use std::{fs, path::Path};

use rpmkit_core::{
    Error, Events, ExitCode,
    build::{Engine, Surroundings, added_repository},
    config::{self, Config, LoadRequest, Overrides, SearchRules, Settings},
    repo::{CacheDirs, FetchOptions, Fetcher, Proxies},
    store::{host::survey, sandbox_hints},
};
use rpmkit_sandbox::{SandboxError, TimeZoneName};

use crate::{
    args::{BuildOptions, ChrootArgs},
    failure::{Failure, chain},
    frame::Context,
    homes,
    host::Host,
};

/// The configuration used when none is named.
pub const DEFAULT_CHROOT: &str = "default";

/// A configuration with its typed view.
pub struct Configured {
    /// Everything, for those who show it.
    pub config: Config,
    /// What builds read.
    pub settings: Settings,
}

/// The options of a command line that change the configuration.
pub fn overrides(chroot: &ChrootArgs, build: &BuildOptions) -> Overrides {
    let mut repos = Vec::new();
    for (option, names) in [
        ("--enablerepo", &chroot.enablerepo),
        ("--disablerepo", &chroot.disablerepo),
    ] {
        for name in names {
            repos.extend([option.to_owned(), name.clone()]);
        }
    }
    Overrides {
        config_opts: chroot.config_opts.clone(),
        verbose: 1,
        uniqueext: chroot.uniqueext.clone(),
        offline: chroot.offline,
        enable_disable_repos: repos,
        target: build.target.clone(),
        forcearch: build.forcearch.clone(),
        no_clean: build.no_clean,
        no_check: build.nocheck,
        with: build.with.clone(),
        without: build.without.clone(),
        defines: build.define.clone(),
        rpmbuild_timeout: build.rpmbuild_timeout.and_then(|s| i64::try_from(s).ok()),
        enable_network: build.enable_network,
        cleanup_after: build.no_cleanup_after.then_some(false),
        ..Overrides::default()
    }
}

/// Loads the configuration `root` names and passes on what its loader has to say.
pub fn configure(
    cx: &Context,
    root: &str,
    search: SearchRules,
    configdir: Option<&Path>,
    addrepo: &[String],
    overrides: Overrides,
) -> Result<Configured, Failure> {
    let host = config_host(&cx.host);
    let mut request = match search {
        SearchRules::Rpmkit => LoadRequest::new(root, host),
        SearchRules::Mock => LoadRequest::mock(root, host),
    };
    request.configdir = configdir.map(|dir| cx.host.cwd.join(dir));
    request.overrides = Some(overrides);
    let config = config::load(&request).map_err(Error::from)?;
    for message in config.messages() {
        cx.printer.say(&message.text);
    }
    let mut settings = config.settings().map_err(Error::from)?;
    for url in addrepo {
        let section = added_repository(&settings.repositories.dnf_conf, url);
        settings.repositories.dnf_conf.push_str(&section);
    }
    Ok(Configured { config, settings })
}

/// What a configuration may know about this host.
pub fn config_host(host: &Host) -> config::HostFacts {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let uname = nix::sys::utsname::uname().ok();
    let field = |get: fn(&nix::sys::utsname::UtsName) -> &std::ffi::OsStr| {
        uname
            .as_ref()
            .map(|u| get(u).to_string_lossy().into_owned())
            .unwrap_or_default()
    };
    config::HostFacts {
        arch: host.machine.clone(),
        uname: [
            field(|u| u.sysname()),
            field(|u| u.nodename()),
            field(|u| u.release()),
            field(|u| u.version()),
            field(|u| u.machine()),
        ],
        hostname: host.hostname.clone(),
        fqdn: config::HostFacts::qualify(&host.hostname, &read("/etc/hosts")),
        uid: host.uid,
        gid: host.gid,
        user: host.login.clone(),
        home: host.home.clone(),
        xdg_config_home: host.dirs.config_home.clone(),
        env: host.env.clone(),
        groups: config::HostFacts::parse_groups(&read("/etc/group")),
        users: config::HostFacts::parse_users(&read("/etc/passwd")),
        today: jiff::Zoned::now().date().to_string(),
        run_id: read("/proc/sys/kernel/random/uuid").trim().to_owned(),
        cwd: host.cwd.clone(),
    }
}

/// How this user downloads: through the proxies of the environment.
pub fn fetch_options(host: &Host, offline: bool) -> FetchOptions {
    FetchOptions {
        offline,
        proxies: proxies(host),
        ..FetchOptions::default()
    }
}

/// Opens the store and the downloads of this user. Finding out what the host allows is remembered.
pub fn engine(cx: &Context, events: Events, settings: &Settings) -> Result<Engine, Failure> {
    let host = &cx.host;
    let cache = host.dirs.cache.clone();
    homes::private_cache(host)?;
    let layers = homes::of(host, settings)?;
    // Where it cannot be made, what needs it says so.
    let _ = host.dirs.make_temp();
    let found = survey(&layers, host.uid).map_err(|e| sandbox_failure(&e))?;
    let mut options = fetch_options(host, !settings.repositories.online);
    options.sha1_keys = settings.build.macro_is_on("_rpmkit_sha1_keys");
    if let Some(agent) = &settings.repositories.user_agent {
        options.user_agent.clone_from(agent);
    }
    let fetcher = Fetcher::new(CacheDirs::below(&cache), options, events.clone());
    let proxies = ["http_proxy", "https_proxy", "ftp_proxy", "no_proxy"];
    let surroundings = Surroundings {
        temp: host.dirs.temp.clone(),
        uid: host.uid,
        command: command_line(host),
        resolv_conf: "/etc/resolv.conf".into(),
        hosts: "/etc/hosts".into(),
        zone: time_zone(),
        proxies: proxies
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), either_case(host, name)?)))
            .collect(),
        // Only for who calls `mock`: whoever calls us by our own name may rely on nothing staying behind.
        shows_roots: host.called_as() == "mock",
        environment: host.environment(),
        cache,
        layers,
    };
    Ok(Engine::open(&found, fetcher, events, surroundings).map_err(Error::from)?)
}

/// The zone that `/etc/localtime` names, as systemd has it, or `/etc/timezone`, as Debian.
fn time_zone() -> Option<TimeZoneName> {
    let link = fs::read_link("/etc/localtime").ok();
    let linked = link
        .as_deref()
        .and_then(|to| to.to_str()?.split_once("/zoneinfo/"))
        .and_then(|(_, name)| TimeZoneName::new(name));
    linked.or_else(|| TimeZoneName::new(fs::read_to_string("/etc/timezone").ok()?.trim()))
}

/// The proxies of the environment, as curl and so git and dnf take them.
pub fn proxies(host: &Host) -> Proxies {
    let any = || either_case(host, "all_proxy");
    Proxies {
        http: either_case(host, "http_proxy").or_else(any),
        https: either_case(host, "https_proxy").or_else(any),
        no_proxy: either_case(host, "no_proxy").unwrap_or_default(),
    }
}

/// A variable that may be written in small or in capital letters.
fn either_case(host: &Host, name: &str) -> Option<String> {
    host.env
        .get(name)
        .or_else(|| host.env.get(&name.to_ascii_uppercase()))
        .filter(|value| !value.is_empty())
        .cloned()
}

/// How this process was called, for those who have to wait for it.
pub fn command_line(host: &Host) -> String {
    let mut words = host.args.iter().map(|a| a.to_string_lossy().into_owned());
    let program = words.next().unwrap_or_default();
    let name = Path::new(&program)
        .file_name()
        .map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    std::iter::once(name)
        .chain(words)
        .collect::<Vec<_>>()
        .join(" ")
}

/// A failure of the kernel work, with its advice.
pub fn sandbox_failure(error: &SandboxError) -> Failure {
    sandbox_hints(error).into_iter().fold(
        Failure::new(ExitCode::Unshare, chain(error)),
        |failure, hint| failure.hint(hint.0),
    )
}
