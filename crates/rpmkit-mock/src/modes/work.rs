//! What modes work with: the configuration, the events, and the ways to open what is needed.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use rpmkit_cli::{
    Context, Failure, Verbosity, job,
    listen::{Fanout, MockConsole},
    setup,
};
use rpmkit_core::{
    Error, Events, ExitCode,
    build::{
        About, BuildError, Buildroot, ChrootAccess, Engine, HookCaller, added_repository,
        failure_report, traced,
    },
    chroot::Chroot,
    config::{self, Config, Level, LoadRequest, Overrides, Settings},
    event::Log,
    results::{failure::FailureCause, hardware_report, owner::make_results},
};
use rpmkit_fs::{HostDir, WriteOptions};

use crate::{
    cmdline::{PackageManager, RepoSwitch, ShortCircuitFlag},
    mode::{Mode, Pm},
    request::{IsolationFlag, MockRequest},
    run::MOCK_VERSION,
};

/// One run of mock's face.
pub struct Work<'a> {
    /// What was asked.
    pub request: &'a MockRequest,
    /// The configuration.
    pub config: Config,
    /// Its typed view.
    pub settings: Settings,
    /// Where to talk: log files and mock's console.
    pub events: Events,
}

/// What to load: by mock's rules of searching when called by its name, else by our own, so that
/// `rpmkit mock` finds every chroot that `rpmkit build` finds.
pub fn load_request(cx: &Context, request: &MockRequest) -> LoadRequest {
    let host = setup::config_host(&cx.host);
    let mut load = if cx.host.called_as() == "mock" {
        LoadRequest::mock(request.root(), host)
    } else {
        LoadRequest::new(request.root(), host)
    };
    load.configdir = request
        .options
        .configdir
        .as_ref()
        .map(|dir| cx.host.cwd.join(dir));
    load.overrides = Some(overrides(cx, request));
    load
}

/// The host's group of that name, where we may give files to it: mock's results are the group's, and its members may write there.
fn own_group(name: &str) -> Option<u32> {
    let gid = nix::unistd::Group::from_name(name).ok().flatten()?.gid;
    let ours = nix::unistd::geteuid().is_root()
        || nix::unistd::getegid() == gid
        || nix::unistd::getgroups().is_ok_and(|groups| groups.contains(&gid));
    (ours && gid.as_raw() != 0).then(|| gid.as_raw())
}

impl<'a> Work<'a> {
    /// Loads the configuration, tells what its loader has to say, and connects the listeners.
    pub fn new(cx: &mut Context, request: &'a MockRequest) -> Result<Self, Failure> {
        let mut load = load_request(cx, request);
        if let (Some((lock, repository)), Some(overrides)) =
            (&request.options.hermetic_build, &mut load.overrides)
        {
            overrides.hermetic = Some(super::hermetic::read(cx, lock, repository)?);
        }
        let config = config::load(&load).map_err(Error::from)?;
        for message in config.messages() {
            match message.level {
                Level::Debug => {}
                Level::Info => cx.printer.say(format!("INFO: {}", message.text)),
                Level::Warning => cx.printer.line(format!("WARNING: {}", message.text)),
                Level::Error => cx.printer.line(format!("ERROR: {}", message.text)),
            }
        }
        let mut settings = config.settings().map_err(Error::from)?;
        for url in &request.options.addrepo {
            let url = repository_word(&cx.host.cwd, url);
            let section = added_repository(&settings.repositories.dnf_conf, &url);
            settings.repositories.dnf_conf.push_str(&section);
        }
        cx.stop_commands();
        let console = MockConsole::new(cx.printer.clone(), settings.build.print_main_output);
        let events = Events::new(
            Fanout::default()
                .with(cx.logs.clone())
                .with(cx.times.clone())
                .with(cx.warnings.clone())
                .with(console),
        );
        let mut work = Self {
            request,
            config,
            settings,
            events,
        };
        cx.results_group = own_group(&work.settings.chroot.chrootgroup);
        work.place_results(cx);
        work.place_root(cx)?;
        Ok(work)
    }

    /// mock's default result directory lies below `basedir`, which only root and mock's own group
    /// can write to. Who cannot gets the same tree below their own state directory.
    fn place_results(&mut self, cx: &Context) {
        let dir = cx.host.cwd.join(&self.settings.build.resultdir);
        self.settings.build.resultdir = if self.settings.build.resultdir_given || writable(cx, &dir)
        {
            dir
        } else {
            let state = cx.host.dirs.state.join("mock");
            match dir.strip_prefix(&self.settings.chroot.basedir) {
                Ok(below) => state.join(below),
                Err(_) => dir,
            }
        };
    }

    /// As results, so the place where the root is seen.
    fn place_root(&mut self, cx: &Context) -> Result<(), Failure> {
        let root = cx.host.cwd.join(&self.settings.chroot.rootdir);
        let mut around = root.parent().unwrap_or(Path::new("/"));
        while !around.exists() {
            around = around.parent().unwrap_or(Path::new("/"));
        }
        // Root mounts there: no link of another user's may lead it elsewhere.
        HostDir::open(around).map_err(|e| {
            let mut failure = Failure::general(format!("option `basedir`: {e}"));
            failure.code = ExitCode::Root.code();
            failure
        })?;
        let can_write = nix::unistd::access(around, nix::unistd::AccessFlags::W_OK).is_ok();
        let state = cx.host.dirs.state.join("mock");
        self.settings.chroot.rootdir = match root.strip_prefix(&self.settings.chroot.basedir) {
            Ok(below) if !can_write => state.join(below),
            _ => root,
        };
        Ok(())
    }

    /// Does what mock's overlayfs plugin does in a hook; tells of it where the configuration wants that.
    pub fn hook<T>(&self, name: &str, work: impl FnOnce() -> T) -> T {
        traced(&self.settings.plugins.overlayfs, &self.events, name, work)
    }

    /// Calls the user's programs for a hook of mock's that concerns no single build root.
    pub fn call(
        &self,
        cx: &Context,
        hook: &'static str,
        details: &serde_json::Value,
    ) -> Result<(), Failure> {
        HookCaller {
            settings: &self.settings,
            environment: &cx.host.environment(),
            events: &self.events,
        }
        .call(hook, details)
        .map_err(|e| self.failure(&e))
    }

    /// A line for people and `root.log`.
    pub fn info(&self, text: impl Into<String>) {
        self.events.info(text);
    }

    /// Wraps `body` in mock's `Start:` and `Finish:`, which balance even when it fails.
    pub fn state<T>(&self, what: &str, body: impl FnOnce() -> T) -> T {
        self.events.in_state(what, body)
    }

    /// What mock says when it cleans up after a build, around `remove`; nothing where it does not.
    pub fn clean_up<T>(&self, ok: bool, remove: impl FnOnce() -> T) -> Option<T> {
        let build = &self.settings.build;
        let (wanted, option) = if ok {
            (build.cleanup_on_success, "cleanup_on_success")
        } else {
            (build.cleanup_on_failure, "cleanup_on_failure")
        };
        wanted.then(|| {
            self.info(format!("Cleaning up build root ('{option}=True')"));
            self.state("clean chroot", remove)
        })
    }

    /// Starts the log files of the configuration's result directory.
    pub fn open_logs(&self, cx: &Context) -> Result<(), Failure> {
        self.open_logs_in(cx, &self.settings.build.resultdir)
    }

    /// Starts the log files of a directory, with the line mock begins each with.
    pub fn open_logs_in(&self, cx: &Context, dir: &Path) -> Result<(), Failure> {
        job::open_logs(cx, dir)?;
        let line = format!("Mock Version: {MOCK_VERSION}");
        self.events.narrate_state(line.clone());
        self.events
            .message(Level::Info, Some(Log::Build), line.clone());
        self.events.info(line);
        self.hardware(dir);
        job::give_results(cx, dir)
    }

    /// `hw_info.log`, which mock writes whenever it prepares a chroot. A full disk will be told by others.
    fn hardware(&self, dir: &Path) {
        if self.settings.plugins.enabled("hw_info") {
            let chroot = &self.settings.chroot;
            let report = hardware_report(&[&chroot.rootdir, &chroot.cache_topdir]);
            let options = WriteOptions::with_mode(0o644);
            let _ = rpmkit_fs::write_file(dir.join("hw_info.log"), report, &options);
        }
    }

    /// The engine.
    pub fn engine(&self, cx: &Context) -> Result<Engine, Failure> {
        setup::engine(cx, self.events.clone(), &self.settings)
    }

    /// The chroot, prepared or not.
    pub fn open(&self, cx: &Context, access: ChrootAccess) -> Result<Buildroot, Failure> {
        self.open_with(cx, &self.settings, access)
    }

    fn open_with(
        &self,
        cx: &Context,
        settings: &Settings,
        access: ChrootAccess,
    ) -> Result<Buildroot, Failure> {
        let engine = self.engine(cx)?;
        Buildroot::open(&engine, settings, access).map_err(|e| self.failure(&e))
    }

    /// The chroot, with the minimal buildroot in it, to look around or to copy something.
    pub fn to_look(&self, cx: &Context, access: ChrootAccess) -> Result<Buildroot, Failure> {
        self.to_look_with(cx, &self.settings, access)
    }

    /// As [`Self::to_look`], with settings that may differ from the run's own.
    pub fn to_look_with(
        &self,
        cx: &Context,
        settings: &Settings,
        access: ChrootAccess,
    ) -> Result<Buildroot, Failure> {
        let mut root = self.open_with(cx, settings, access)?;
        root.init_to_look().map_err(|e| self.failure(&e))?;
        Ok(root)
    }

    /// The chroot, with the minimal buildroot in it, to be changed; of settings that may differ from the
    /// run's own.
    pub fn prepared_with(
        &self,
        cx: &Context,
        settings: &Settings,
        access: ChrootAccess,
    ) -> Result<Buildroot, Failure> {
        let mut root = self.open_with(cx, settings, access)?;
        root.init().map_err(|e| self.failure(&e))?;
        Ok(root)
    }

    /// `backup_on_clean`: moves the packages of an earlier build out of the way of a clean.
    pub fn back_up(&self) -> Result<(), Failure> {
        let Some(place) = &self.settings.build.backup else {
            return Ok(());
        };
        let moved = move_packages(&self.settings.build.resultdir, place).map_err(|e| {
            Failure::general(format!(
                "option `backup_on_clean`: cannot move packages to `{}`: {e}",
                place.display()
            ))
        })?;
        if !moved.is_empty() {
            self.events.narrate_state(format!(
                "backup_on_clean (completed builds): saving with mv {} {}",
                moved.join(" "),
                place.display()
            ));
        }
        Ok(())
    }

    /// The chroot's snapshots and state.
    pub fn chroot(&self, cx: &Context) -> Result<Chroot, Failure> {
        let engine = self.engine(cx)?;
        let name = self.settings.chroot.shared_root.parse().map_err(|e| {
            Failure::new(
                ExitCode::Config,
                format!(
                    "option `root` of `{}`: {e}",
                    self.settings.chroot.chroot_name
                ),
            )
        })?;
        let ext = self
            .settings
            .chroot
            .uniqueext
            .as_deref()
            .unwrap_or_default();
        Ok(Chroot::new(engine.store(), name, ext))
    }

    /// A failure of the engine with all that is known around it.
    pub fn failure(&self, error: &BuildError) -> Failure {
        let mut report = failure_report(
            error,
            &About {
                chroot: self.settings.chroot.chroot_name.clone(),
                resultdir: Some(self.settings.build.resultdir.clone()),
                ..About::default()
            },
        );
        // There is no package whose requirements they would be: the problems are the message.
        if let FailureCause::Unresolvable { problems, .. } = &report.cause
            && !problems.is_empty()
        {
            report.message = problems.join("\n");
        }
        Failure::of_report(report)
    }
}

/// Moves the packages of a directory, replacing those of the same name. Returns where they were.
fn move_packages(from: &Path, to: &Path) -> io::Result<Vec<String>> {
    let files = match fs::read_dir(from) {
        Ok(files) => files,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(e),
    };
    let mut moved = Vec::new();
    for file in files {
        let file = file?;
        let name = file.file_name();
        if !name.to_string_lossy().ends_with("rpm") || !file.file_type()?.is_file() {
            continue;
        }
        fs::create_dir_all(to)?;
        let target = to.join(&name);
        match fs::rename(file.path(), &target) {
            Err(e) if e.kind() == io::ErrorKind::CrossesDevices => {
                fs::copy(file.path(), &target)?;
                fs::remove_file(file.path())?;
            }
            other => other?,
        }
        moved.push(file.path().display().to_string());
    }
    Ok(moved)
}

/// Whether a directory can be made there and written to. Makes it, as mock does at the start.
fn writable(cx: &Context, dir: &Path) -> bool {
    make_results(dir, cx.host.invoking, cx.results_group).is_ok()
        && tempfile::tempfile_in(dir).is_ok()
}

/// The words of a request that name files of the host.
pub fn host_path(cx: &Context, word: &str) -> PathBuf {
    cx.host.cwd.join(cx.host.expand_user(word))
}

/// A package file by its whole path; anything else as it is.
fn package_word(cwd: &Path, word: &str) -> String {
    let path = cwd.join(word);
    if word.ends_with(".rpm") && path.is_file() {
        return path.display().to_string();
    }
    word.to_owned()
}

/// A directory that is there by its whole path; anything else as it is.
fn repository_word(cwd: &Path, word: &str) -> String {
    let path = cwd.join(word);
    if !word.contains("://") && path.is_dir() {
        return path.display().to_string();
    }
    word.to_owned()
}

/// The options of the command line that change the configuration.
fn overrides(cx: &Context, request: &MockRequest) -> Overrides {
    let o = &request.options;
    let shown = matches!(request.mode, Mode::DebugConfig { .. });
    let package_manager = match (&request.mode, o.package_manager) {
        (Mode::PmCmd(Pm::Yum), _) | (_, Some(PackageManager::Yum)) => Some("yum".to_owned()),
        (_, Some(PackageManager::Dnf)) => Some("dnf".to_owned()),
        _ => None,
    };
    let repos = o.repo_switches.iter().flat_map(|(switch, name)| {
        let option = match switch {
            RepoSwitch::Enable => "--enablerepo",
            RepoSwitch::Disable => "--disablerepo",
        };
        [option.to_owned(), name.clone()]
    });
    Overrides {
        config_opts: o.config_opts.clone(),
        verbose: match o.verbosity {
            Verbosity::Quiet => 0,
            Verbosity::Normal => 1,
            Verbosity::Verbose => 2,
        },
        stderr_is_tty: cx.host.terminal.stderr,
        arch: o.arch.clone(),
        target: o.target.clone(),
        forcearch: o.forcearch.clone(),
        no_clean: o.no_clean,
        no_check: o.nocheck,
        post_install: o.postinstall,
        with: o.with.clone(),
        without: o.without.clone(),
        defines: o.define.clone(),
        macro_file: o.macro_file.clone(),
        resultdir: o.resultdir.clone(),
        rootdir: o.rootdir.clone(),
        uniqueext: o.uniqueext.clone(),
        rpmbuild_timeout: o.rpmbuild_timeout,
        bootstrap: o.bootstrap_chroot,
        bootstrap_image: o.bootstrap_image,
        disable_plugins: o.disable_plugin.clone(),
        enable_plugins: o.enable_plugin.clone(),
        plugin_options: o.plugin_option.clone(),
        // What is chosen on the command line is no option of the configuration to mock.
        isolation: request.isolation.filter(|_| !shown).map(|isolation| {
            match isolation {
                IsolationFlag::Auto => "auto",
                IsolationFlag::Simple => "simple",
                IsolationFlag::Nspawn => "nspawn",
            }
            .to_owned()
        }),
        enable_network: o.enable_network,
        cleanup_after: o.cleanup_after,
        cache_alterations: o.cache_alterations,
        offline: o.offline,
        package_manager,
        any_dnf: request.mode == Mode::PmCmd(Pm::Dnf),
        short_circuit: o.short_circuit.map(|stage| {
            match stage {
                ShortCircuitFlag::Prep => "prep",
                ShortCircuitFlag::Build => "build",
                ShortCircuitFlag::Install => "install",
                ShortCircuitFlag::Binary => "binary",
            }
            .to_owned()
        }),
        rpmbuild_opts: o.rpmbuild_opts.clone(),
        enable_disable_repos: repos.collect(),
        scm: o.scm_enable,
        scm_options: o.scm_option.clone(),
        additional_packages: o
            .additional_package
            .iter()
            .map(|word| package_word(&cx.host.cwd, word))
            .collect(),
        calculatedeps: request.mode == (Mode::Rebuild { calculate: true }),
        buildroot_image: o.buildroot_image.clone(),
        hermetic: None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn packages_are_moved_and_logs_stay() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("result"), dir.path().join("backup/box"));
        assert!(move_packages(&from, &to).unwrap().is_empty());
        fs::create_dir(&from).unwrap();
        for name in ["a-1-1.src.rpm", "a-1-1.noarch.rpm", "build.log"] {
            fs::write(from.join(name), name).unwrap();
        }
        assert_eq!(move_packages(&from, &to).unwrap().len(), 2);
        assert!(from.join("build.log").exists() && !from.join("a-1-1.src.rpm").exists());
        assert!(to.join("a-1-1.src.rpm").exists() && to.join("a-1-1.noarch.rpm").exists());
    }

    #[test]
    fn files_and_directories_of_the_caller_get_their_whole_paths() {
        let dir = tempfile::tempdir().unwrap();
        let cwd = dir.path();
        fs::write(cwd.join("a.rpm"), "").unwrap();
        fs::create_dir(cwd.join("repo")).unwrap();
        let below = |name: &str| cwd.join(name).display().to_string();
        assert_eq!(package_word(cwd, "a.rpm"), below("a.rpm"));
        assert_eq!(package_word(cwd, "gcc"), "gcc");
        assert_eq!(repository_word(cwd, "repo"), below("repo"));
        for word in ["https://example.com/repo", "nosuch"] {
            assert_eq!(repository_word(cwd, word), word);
        }
    }
}
