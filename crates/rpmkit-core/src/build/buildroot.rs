//! One chroot of one configuration: prepared, changed, entered.
//!
//! A buildroot is a session on a stack of layers. Installing into an untouched one means mounting
//! (and, the first time, making) another layer; only a root somebody has already written to is
//! changed in place.

#![allow(
    clippy::disallowed_methods,
    reason = "whether a file is there, in a directory of ours"
)]

mod unverified;

use std::path::{Path, PathBuf};

use rpmkit_sandbox::{
    Container, ContainerSpec, Filters, Mount, Network, Personality, RunAs, Stdin,
};

use super::{
    BuildError, Engine,
    narrative::{self, Prepared},
    plugins::{self, ccache::CompilerCache, tmpfs::TmpfsRules},
    run::{Ran, Run},
    skeleton, traced,
    tree::DirContents,
    undone,
    user_hooks::HookCaller,
};
use rpmkit_config::{Settings, thirty_two_bit};
use rpmkit_pm as pm;
use rpmkit_pm::{Embedded, PmError};
use rpmkit_solve::{Solution, SolveRequest};
use rpmkit_store::{
    Layer, LayerKind, VOLUMES,
    chroot::{Chroot, ChrootError, RootPlace, Session},
};
use rpmkit_types::{
    ChrootPath, ExitCode, Package,
    event::{Level, Log},
};
use unverified::Purpose;

/// Where kojid puts what its commands in the chroot work on.
const KOJI: &str = "/chroot_tmpdir";

/// A chroot in use.
pub struct Buildroot {
    engine: Engine,
    settings: Settings,
    pm: Embedded,
    session: Session,
    /// What is installed; unknown once somebody else may have installed something.
    packages: Option<Vec<Package>>,
    container: Option<Container>,
    ccache: Option<CompilerCache>,
    /// Of the plugins `bind_mount` and `mount`.
    mounts: Vec<Mount>,
    /// Of the plugin `system_monitor`, while a build runs.
    pub(super) monitor: Option<plugins::monitor::Monitor>,
}

/// How to come by a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChrootAccess {
    /// The chroot itself; an error when somebody is working in it.
    Own,
    /// The chroot itself, or an ephemeral one when somebody is working in it.
    OwnOrEphemeral,
    /// An ephemeral one whoever is working in the chroot: a question that leaves the chroot as it is, or many builds
    /// at once, none of which knows of another.
    Ephemeral,
    /// The root that runs, beside whoever works in it; without one the chroot itself.
    Join,
    /// As [`Self::Join`], or an ephemeral one when the chroot cannot be had either.
    JoinOrEphemeral,
    /// The chroot itself, or, when somebody is working in it, the root that runs.
    OwnOrJoin,
}

impl ChrootAccess {
    fn joins_first(self) -> bool {
        matches!(self, Self::Join | Self::JoinOrEphemeral)
    }

    fn ends_ephemeral(self) -> bool {
        matches!(self, Self::OwnOrEphemeral | Self::JoinOrEphemeral)
    }
}

impl Buildroot {
    /// Opens the chroot of `settings`. Installs nothing yet.
    pub fn open(
        engine: &Engine,
        settings: &Settings,
        access: ChrootAccess,
    ) -> Result<Self, BuildError> {
        let chroot = chroot_of(engine, settings)?;
        undone::check(engine, settings)?;
        let settings = &with_build_user(settings, engine.surroundings().uid);
        let home = Path::new(&settings.chroot.chroothome);
        let mounts = plugins::mounts::all(&settings.plugins, home)?;
        let ccache = CompilerCache::open(engine, &settings.chroot, &settings.plugins)?;
        let pm = super::repositories::package_manager(engine, settings)?;
        let joined = if access.joins_first() {
            joinable(engine, &chroot)?
        } else {
            None
        };
        let tried = joined.is_some();
        let (session, container) = match joined {
            Some((session, container)) => (session, Some(container)),
            None => open_session(engine, settings, &chroot, access)?,
        };
        let mut root = Self {
            engine: engine.clone(),
            settings: settings.clone(),
            pm,
            session,
            packages: None,
            container,
            ccache,
            mounts,
            monitor: None,
        };
        if tried && !root.suits()? {
            // Nobody uses it, so it ends for us.
            root.container = None;
            (root.session, root.container) = open_session(engine, settings, &chroot, access)?;
        }
        Ok(root)
    }

    /// Whether the container we have joined is what we would have started. One that others use will have to do.
    fn suits(&self) -> Result<bool, BuildError> {
        let (running, others) = self.running()?.company()?;
        let wanted = self.container_spec();
        let same = running.mounts == wanted.mounts
            && running.network == wanted.network
            && running.personality == wanted.personality
            && running.emulation == wanted.emulation
            && running.root == wanted.root;
        if others == 0 {
            return Ok(same);
        }
        if running.network != wanted.network {
            self.engine.events().warn(format!(
                "chroot `{}` is in use, {} a network: a command that joins it has what it has",
                self.session.chroot().label(),
                if running.network == Network::Host {
                    "with"
                } else {
                    "without"
                }
            ));
        }
        Ok(true)
    }

    /// Whether somebody else is in the root now, so that nothing can be changed below it.
    fn has_company(&self) -> bool {
        if self.session.is_guest() {
            return true;
        }
        let company = self.container.as_ref().map(Container::company);
        matches!(company, Some(Ok((_, others))) if others > 0)
    }

    /// Where the root is to be seen.
    fn place(&self) -> RootPlace<'_> {
        RootPlace {
            at: &self.settings.chroot.rootdir,
            home: Path::new(&self.settings.chroot.chroothome),
        }
    }

    /// Whether the container of this session is seen from outside, and stays.
    fn is_shown(&self) -> bool {
        self.engine.surroundings().shows_roots
            && !self.session.is_throwaway()
            && !self.session.is_guest()
            && TmpfsRules::of(&self.settings.plugins).is_none_or(|rules| rules.keep)
    }

    /// Another root of the same configuration, that is thrown away in the end. It has a network, and
    /// nothing else of the host's: no caches, no mounts.
    pub(super) fn with_network(&self) -> Result<Self, BuildError> {
        let mut settings = self.settings.clone();
        settings.build.rpmbuild_networking = true;
        settings.chroot.use_host_resolv = true;
        Ok(Self {
            engine: self.engine.clone(),
            pm: super::repositories::package_manager(&self.engine, &settings)?,
            session: self.session.chroot().throwaway(None)?,
            settings,
            packages: None,
            container: None,
            ccache: None,
            mounts: Vec::new(),
            monitor: None,
        })
    }

    /// The configuration.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The shared part of the run.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The session, for snapshot operations between commands.
    pub fn session(&mut self) -> Result<&mut Session, BuildError> {
        self.stop()?;
        Ok(&mut self.session)
    }

    /// The chroot.
    pub(super) fn chroot(&self) -> Chroot {
        self.session.chroot().clone()
    }

    /// Calls the user's programs for a hook.
    pub fn hook_call(
        &self,
        hook: &'static str,
        details: &serde_json::Value,
    ) -> Result<(), BuildError> {
        HookCaller {
            settings: &self.settings,
            environment: &self.engine.surroundings().environment,
            events: self.engine.events(),
        }
        .call(hook, details)
    }

    /// Fails where names are asked for that only other tools than the package manager would install.
    pub fn refuse_external(&self, names: Vec<String>) -> Result<(), BuildError> {
        if names.is_empty() {
            return Ok(());
        }
        let bootstrap = self.settings.repositories.use_bootstrap;
        if bootstrap && self.settings.build.external_buildrequires {
            return Err(BuildError::External(names));
        }
        Err(BuildError::ExternalOff { bootstrap, names })
    }

    /// The package manager.
    pub fn package_manager(&self) -> &Embedded {
        &self.pm
    }

    /// Drops what was written since the current snapshot.
    pub fn clean(&mut self) -> Result<(), BuildError> {
        self.stop()?;
        self.hook_call("umount_root", &serde_json::Value::Null)?;
        self.hook("hook_postclean", |root| root.session.clean())?;
        self.packages = None;
        self.hook_call("postclean", &serde_json::Value::Null)
    }

    fn hook<T>(&mut self, name: &str, work: impl FnOnce(&mut Self) -> T) -> T {
        let options = self.settings.plugins.overlayfs.clone();
        let events = self.engine.events().clone();
        traced(&options, &events, name, || work(self))
    }

    /// Makes sure the minimal buildroot is there: mounts or makes the base layer under an untouched
    /// session, and leaves a root that was worked in as it is.
    ///
    /// # Errors
    /// Besides what making it may meet: [`BuildError::Unverified`].
    pub fn init(&mut self) -> Result<(), BuildError> {
        self.prepare_for(Purpose::Work, false)
    }

    /// As [`Self::init`], for commands that look around in the root or copy something: what nobody
    /// verified is told, and no error.
    pub fn init_to_look(&mut self) -> Result<(), BuildError> {
        self.prepare_for(Purpose::Look, false)
    }

    /// As [`Self::init`] before a build, when mock also brings a root up to date that is there.
    pub(super) fn init_for_build(&mut self) -> Result<(), BuildError> {
        let short = self.settings.build.short_circuit.is_some();
        self.prepare_for(Purpose::Work, !short)
    }

    fn prepare_for(&mut self, purpose: Purpose, build: bool) -> Result<(), BuildError> {
        let events = self.engine.events().clone();
        events.state(true, "chroot init");
        if self.session.is_guest() {
            // Whoever started the container has prepared it.
            events.state(false, "chroot init");
            return Ok(());
        }
        let nothing = serde_json::Value::Null;
        self.hook_call("mount_root", &nothing)?;
        if TmpfsRules::of(&self.settings.plugins).is_some() {
            let verb = if self.session.is_pristine() {
                "mounting"
            } else {
                "reusing"
            };
            let place = self.settings.chroot.rootdir.display().to_string();
            events.narrate(Level::Info, format!("{verb} tmpfs at {place}."));
        }
        narrative::preinit(&self.settings, &self.engine);
        self.hook_call("preinit", &nothing)?;
        let prepared = match self.prepare(purpose) {
            Ok(prepared) => prepared,
            Err(error) => {
                plugins::initfailed(self);
                return Err(error);
            }
        };
        if build {
            self.tell_package_management()?;
            if prepared != Prepared::Installed {
                self.update_before_build()?;
            }
        }
        // What every command finds in its home, as in mock: the build tree and the macros. A build lays
        // them out anew; here they only must not be missing.
        if !self.home().join(".rpmmacros").exists() {
            self.fill_home(DirContents::default())?;
        }
        self.hook_call("postinit", &nothing)?;
        // Not said of a preparation that failed: mock's stays unfinished.
        events.state(false, "chroot init");
        if prepared == Prepared::Installed {
            self.tell_installed()?;
        }
        Ok(())
    }

    /// `update_before_build`. A root made of a layer has the newest packages there are; one that was kept
    /// may not.
    fn update_before_build(&mut self) -> Result<(), BuildError> {
        let settings = &self.settings;
        let wanted = settings.repositories.update_before_build
            && settings.repositories.online
            && settings.build.clean;
        if !wanted {
            return Ok(());
        }
        let what = format!("{} update", self.pm.dialect().name());
        let events = self.engine.events().clone();
        events.in_state(&what, || {
            if self.session.is_pristine() {
                self.pm
                    .say(&self.pm.dialect().proposal(&Solution::default()));
                return Ok(());
            }
            let mut request = self.pm.request();
            request.update = rpmkit_solve::Update::All;
            let solution = self.change(&request, "update")?;
            if solution.is_empty() {
                return Ok(());
            }
            let new: Vec<String> = solution
                .install
                .iter()
                .map(|package| package.nevra.to_string())
                .collect();
            events.narrate(
                Level::Info,
                format!(
                    "Calling postupdate hooks because there are new/updated packages:\n{}",
                    new.join("\n")
                ),
            );
            self.hook_call("postupdate", &serde_json::Value::Null)
        })
    }

    /// The layer that is all there is of the root, unless somebody has written to it.
    pub(super) fn untouched_top(&self) -> Option<Layer> {
        let top = self.session.top().cloned();
        top.filter(|_| !self.session.is_touched())
    }

    /// Whether the layer right below the session is one that `is` takes.
    pub(super) fn top_is(&self, is: impl Fn(&Layer) -> bool) -> bool {
        self.session.top().is_some_and(is)
    }

    fn prepare(&mut self, purpose: Purpose) -> Result<Prepared, BuildError> {
        self.leave_unverified(purpose)?;
        let ours = self
            .session
            .top()
            .is_none_or(|layer| layer.meta().kind == LayerKind::Base);
        if !self.session.is_pristine() || !ours {
            return Ok(Prepared::Present);
        }
        let request = self.setup_request()?;
        let made = self.hook("hook_preinit", |root| {
            root.pm.base(
                &request,
                &skeleton::of(&root.settings, root.engine.events()),
                &root.settings.repositories.package_manager,
            )
        });
        let (base, fresh) = match made {
            Ok(made) => made,
            Err(error) => {
                let error = error.into();
                self.tell_refusal(&error);
                return Err(error);
            }
        };
        if self.settings.plugins.enabled("root_cache") {
            // The layer is what mock packs there.
            let what = if fresh {
                "creating root cache"
            } else {
                "unpacking root cache"
            };
            self.engine.events().in_state(what, || ());
        }
        self.stop()?;
        self.session.remember(self.pm.tool_root()?);
        self.session.move_to(&base)?;
        self.hook("hook_postinit", |root| root.session.postinit())?;
        self.packages = Some(base.packages()?);
        Ok(if fresh {
            Prepared::Installed
        } else {
            Prepared::Unpacked
        })
    }

    /// mock's `chroot_setup_cmd` and what else every root of this configuration has.
    fn setup_request(&self) -> Result<SolveRequest, BuildError> {
        let mut request = self.pm.request();
        let solve = |e| BuildError::Pm(PmError::Solve(e));
        request
            .add_command(&self.settings.chroot.chroot_setup_cmd)
            .map_err(solve)?;
        request.install.extend(
            self.settings
                .chroot
                .chroot_additional_packages
                .iter()
                .cloned(),
        );
        for (action, specs) in &self.settings.repositories.module_setup_commands {
            match action.as_str() {
                // Of every request: see `with_modules`.
                "enable" | "disable" => {}
                // Installing a stream means enabling it and asking for its profile's packages.
                "install" | "switch-to" => {
                    let specs = modules(specs).map(|spec| format!("@{spec}"));
                    request.install.extend(specs);
                }
                // A new root has no streams to leave and none to remove, and nothing is shown of it.
                "reset" | "remove" | "update" | "list" | "info" => {}
                other => {
                    return Err(BuildError::Undone {
                        option: "module_setup_commands",
                        found: other.to_owned(),
                        code: ExitCode::PackageManager,
                        remedy: "use enable, disable, install, switch-to, remove or reset",
                    });
                }
            }
        }
        self.with_modules(&mut request);
        Ok(request)
    }

    /// Adds the module streams that the configuration enables to a request: they hold for all that is
    /// installed later, too.
    fn with_modules(&self, request: &mut SolveRequest) {
        for (action, specs) in &self.settings.repositories.module_setup_commands {
            let specs = modules(specs).map(str::to_owned);
            match action.as_str() {
                "enable" => request.module_enable.extend(specs),
                "disable" => request.module_disable.extend(specs),
                "install" | "switch-to" => {
                    // The stream only: what was installed of it is there.
                    let streams = specs
                        .map(|spec| spec.split('/').next().unwrap_or(&spec).to_owned())
                        .filter(|spec| spec.contains(':'));
                    request.module_enable.extend(streams);
                }
                _ => {}
            }
        }
    }

    /// The streams somebody has enabled and disabled in the root itself, where dnf keeps that.
    fn modules_of_root(&mut self, request: &mut SolveRequest) -> Result<(), BuildError> {
        if !self.session.is_touched() {
            return Ok(());
        }
        let script = "cat /etc/dnf/modules.d/*.module 2>/dev/null || :";
        let ran = self.quietly(["/bin/sh", "-c", script].map(str::to_owned).to_vec())?;
        let (mut name, mut stream) = (String::new(), String::new());
        for line in String::from_utf8_lossy(&ran.output).lines() {
            match line.trim().split_once('=') {
                Some(("name", value)) => value.clone_into(&mut name),
                Some(("stream", value)) => value.clone_into(&mut stream),
                Some(("state", "enabled")) if !stream.is_empty() => {
                    request.module_enable.push(format!("{name}:{stream}"));
                }
                Some(("state", "disabled")) => request.module_disable.push(name.clone()),
                _ => {}
            }
        }
        Ok(())
    }

    /// What is installed now, asked of the root's own rpm where we cannot know.
    pub fn packages(&mut self) -> Result<&[Package], BuildError> {
        if self.packages.is_none() {
            let known = match self.session.top() {
                Some(layer) if self.session.is_pristine() => layer.packages()?,
                _ => Vec::new(),
            };
            let packages = if known.is_empty() {
                self.query()?
            } else {
                known
            };
            self.packages = Some(packages);
        }
        Ok(self.packages.as_deref().unwrap_or_default())
    }

    /// Names of installed packages that nobody asked for. What is not known to be one counts as asked for, as
    /// does everything that came into a root somebody has written to.
    pub fn dependencies(&self) -> Vec<String> {
        let top = self.session.top();
        top.map(|layer| layer.meta().dependencies.iter().cloned().collect())
            .unwrap_or_default()
    }

    fn query(&mut self) -> Result<Vec<Package>, BuildError> {
        let argv = ["rpm", "-qa", "--qf", &pm::query_format()].map(str::to_owned);
        let ran = self.quietly(argv.to_vec())?;
        if !ran.exit.success() {
            return Err(PmError::Query {
                reason: ran.tail.join("; "),
            }
            .into());
        }
        Ok(pm::parse_installed(&String::from_utf8_lossy(&ran.output)))
    }

    /// Runs a short command as root and keeps what it writes to standard output.
    pub fn quietly(&mut self, argv: Vec<String>) -> Result<Ran, BuildError> {
        let mut run = self.command(argv, RunAs::Root);
        run.log = None;
        self.run(&run)
    }

    /// The packages a build with these requirements would find installed, the minimal root's included. Nothing
    /// is installed.
    ///
    /// # Errors
    /// When they cannot be met, or the repositories are not to be read.
    pub fn would_hold(&mut self, request: &SolveRequest) -> Result<Vec<Package>, BuildError> {
        let base = self.pm.resolve(&self.setup_request()?, &[])?.install;
        let more = self.pm.resolve(request, &base)?;
        Ok(pm::after(&base, &more))
    }

    /// What `request` would change.
    pub fn resolve(&mut self, request: &SolveRequest) -> Result<Solution, BuildError> {
        self.packages()?;
        let mut request = request.clone();
        self.with_modules(&mut request);
        self.modules_of_root(&mut request)?;
        let installed = self.packages.as_deref().unwrap_or_default();
        Ok(self.pm.resolve(&request, installed)?)
    }

    /// Takes requirements on paths out of `request` that a package in the root has already. The solver
    /// knows what repositories say of installed packages, and few of their files; the root's own rpm knows
    /// all of them, and it is the one rpmbuild asks.
    pub(super) fn leave_out_present(
        &mut self,
        request: &mut SolveRequest,
    ) -> Result<(), BuildError> {
        let paths: Vec<String> = request
            .builddeps
            .iter()
            .filter(|dep| dep.name.starts_with('/') && dep.version.is_none())
            .map(|dep| dep.name.clone())
            .collect();
        for path in paths {
            let argv = ["rpm", "-q", "--whatprovides", "--", &path].map(str::to_owned);
            if self.quietly(argv.to_vec())?.exit.success() {
                request.builddeps.retain(|dep| dep.name != path);
            }
        }
        Ok(())
    }

    /// Installs, updates and removes. `note` says for what, for people.
    pub fn change(&mut self, request: &SolveRequest, note: &str) -> Result<Solution, BuildError> {
        let solution = self.resolve(request);
        if let Err(error) = &solution {
            self.tell_refusal(error);
        }
        let solution = solution?;
        self.advance(&solution, note)?;
        Ok(solution)
    }

    /// Applies a solution: by another layer while nobody has written to the root, else in place.
    /// What builds left in the home and the temporary directories stays.
    pub fn advance(&mut self, solution: &Solution, note: &str) -> Result<(), BuildError> {
        if solution.is_empty() {
            self.pm.say(&self.pm.dialect().proposal(solution));
            return Ok(());
        }
        let installed = self.packages()?.to_vec();
        if self.has_company() {
            self.session.mark_dirty()?;
            let unchecked = self.pm.unchecked(&solution.install)?;
            self.session.note_unchecked(unchecked)?;
            let root = self.session.root().clone();
            self.pm.apply_inside(self.running()?, &root, solution)?;
            self.packages = Some(pm::after(&installed, solution));
            return Ok(());
        }
        self.stop()?;
        let details = serde_json::json!({ "note": note });
        self.hook_call("preyum", &details)?;
        self.hook("hook_preyum", |root| match root.session.top().cloned() {
            Some(top) if !root.session.is_touched() => {
                let layer = root.pm.extend(&top, &installed, solution, note)?;
                root.session.remember(root.pm.tool_root()?);
                Ok::<_, BuildError>(root.session.move_to(&layer)?)
            }
            _ => {
                root.session.mark_dirty()?;
                let unchecked = root.pm.unchecked(&solution.install)?;
                root.session.note_unchecked(unchecked)?;
                root.pm.apply(root.session.root(), solution)?;
                // The transaction mounted the root without syncing, as a container does.
                Ok(root.session.refresh()?)
            }
        })?;
        self.packages = Some(pm::after(&installed, solution));
        self.hook_call("postyum", &details)
    }

    /// A command with the configuration's environment, in the build directory's home.
    pub fn command(&self, argv: Vec<String>, user: RunAs) -> Run {
        let mut env = self.settings.chroot.environment.clone();
        if self.has_network() {
            for (name, value) in &self.engine.surroundings().proxies {
                if !env.iter().any(|(known, _)| known == name) {
                    env.push((name.clone(), value.clone()));
                }
            }
        }
        if let Some(cache) = &self.ccache {
            env.extend(cache.env().iter().cloned());
        }
        let single = !self.engine.mode().has_ids();
        Run {
            argv,
            env,
            cwd: PathBuf::from("/"),
            user,
            timeout: None,
            limits: TmpfsRules::of(&self.settings.plugins)
                .map(TmpfsRules::limits)
                .unwrap_or_default(),
            counted: false,
            most_output: None,
            log: Some(Log::Root),
            stdin: Stdin::Null,
            // Without ids of their own builds would own every file of the root.
            read_only_root: user != RunAs::Root && single,
            // As good as given to the build user, which is what directories are made by hand for.
            writable: if user != RunAs::Root && single {
                self.session.root().made_by_hand()
            } else {
                Vec::new()
            },
            // Everything belongs to the one id there is, whoever it is given to.
            filters: (user == RunAs::Root && single).then(|| Filters {
                chown: true,
                ..Filters::default()
            }),
            stderr_prefix: self.settings.build.stderr_line_prefix.clone(),
        }
    }

    /// A command that runs what a stranger may have written, a spec or a project's own tools: with all limits.
    pub(super) fn limited_command(
        &self,
        argv: Vec<String>,
        user: RunAs,
    ) -> Result<Run, BuildError> {
        let build = &self.settings.build;
        let mut run = self.command(argv, user);
        run.timeout = build.rpmbuild_timeout;
        run.limits.extend(super::limits::limits(&build.macros)?);
        run.counted = true;
        run.most_output = build.limits.disk_mb.map(|mib| u64::from(mib) << 20);
        Ok(run)
    }

    /// The build user.
    pub fn build_user(&self) -> RunAs {
        RunAs::Id {
            uid: self.settings.chroot.chrootuid,
            gid: self.settings.chroot.chrootgid,
        }
    }

    /// Runs a command. One as root may change the root, so it counts as written to from then on,
    /// except for [`Buildroot::quietly`]'s questions.
    pub fn run(&mut self, run: &Run) -> Result<Ran, BuildError> {
        if run.user == RunAs::Root && run.log.is_some() {
            self.touch()?;
        }
        self.start()?;
        let events = self.engine.events().clone();
        run.go(self.running()?, &events)
    }

    /// Notes that the root is about to be written to by hand.
    pub fn touch(&mut self) -> Result<(), BuildError> {
        self.packages = None;
        Ok(self.session.mark_dirty()?)
    }

    /// The running container, started when it is not.
    pub fn start(&mut self) -> Result<&Container, BuildError> {
        if self.container.is_none() {
            let spec = self.container_spec();
            let locks = self.session.lock_fds();
            let socket = self.session.chroot().socket_path();
            let socket = (!self.session.is_throwaway()).then_some(socket.as_path());
            let container = Container::start_with(&spec, &locks, socket)?;
            self.show(&container);
            self.container = Some(container);
            if self.settings.plugins.overlayfs.touch_rpmdb {
                self.touch_rpmdb()?;
            }
        }
        self.running()
    }

    /// Has the root of a container of ours seen at its place.
    fn show(&self, container: &Container) {
        if !self.is_shown() {
            return;
        }
        let chroot = self.session.chroot();
        match chroot.link(&self.session, self.place(), container) {
            Ok(true) => {}
            Ok(false) => self.engine.events().warn(format!(
                "`{}` is not empty, so the root of chroot `{}` is not seen there",
                self.settings.chroot.rootdir.display(),
                chroot.label()
            )),
            Err(error) => self.engine.events().warn(error.to_string()),
        }
    }

    /// mock's option: has the files of the rpm database copied to the upper directory, by opening them for
    /// writing. Changes nothing in them, so the root does not count as written to.
    fn touch_rpmdb(&self) -> Result<(), BuildError> {
        const SCRIPT: &str =
            "for f in /var/lib/rpm/*; do [ ! -f \"$f\" ] || : >>\"$f\" || exit; done";
        let mut run = self.command(
            ["/bin/sh", "-c", SCRIPT].map(str::to_owned).to_vec(),
            RunAs::Root,
        );
        run.log = None;
        let events = self.engine.events();
        let ran = run.go(self.running()?, events)?;
        if !ran.exit.success() {
            events.warn(format!(
                "option `touch_rpmdb`: the rpm database cannot be opened for writing: {}",
                ran.tail.join("; ")
            ));
        }
        Ok(())
    }

    fn running(&self) -> Result<&Container, BuildError> {
        self.container
            .as_ref()
            .ok_or_else(|| BuildError::Unprepared("the chroot is not running".to_owned()))
    }

    /// Ends the container; the root is at rest afterwards.
    pub fn stop(&mut self) -> Result<(), BuildError> {
        if self.session.is_guest() {
            // It is not ours to end.
            return Ok(());
        }
        match self.container.take() {
            Some(container) => {
                container.stop()?;
                // A work directory that was mounted without syncing will not be mounted again.
                Ok(self.session.refresh()?)
            }
            None => Ok(()),
        }
    }

    fn has_network(&self) -> bool {
        self.settings.build.rpmbuild_networking
    }

    fn container_spec(&self) -> ContainerSpec {
        let s = &self.settings;
        let root = self.session.root().into();
        let mut spec = ContainerSpec::new(self.engine.mode().clone(), root);
        spec.hostname = s.chroot.hostname.clone();
        let mut places = Vec::new();
        for (name, place, _) in VOLUMES {
            let place = if name == "builddir" {
                &s.chroot.chroothome
            } else {
                place
            };
            spec.mounts
                .push(Mount::bind(self.session.volume(name), place));
            places.push(place.into());
        }
        spec.budget = super::limits::budget(&s.build.limits, places);
        // A guest's, too: it is compared with the one that runs.
        let stays = self.engine.surroundings().shows_roots && !self.session.is_throwaway();
        if stays && !self.engine.mode().is_rootless() {
            self.add_plain_places(&mut spec);
        }
        if self.has_network() {
            spec.network = Network::Host;
            if s.chroot.use_host_resolv {
                // mock copies both.
                let around = self.engine.surroundings();
                for (source, target) in [
                    (&around.resolv_conf, "/etc/resolv.conf"),
                    (&around.hosts, "/etc/hosts"),
                ] {
                    spec.mounts.push(Mount::Bind {
                        source: source.clone(),
                        target: target.into(),
                        read_only: true,
                        optional: true,
                    });
                }
            }
        }
        spec.mounts
            .extend(self.ccache.iter().map(CompilerCache::mount));
        spec.mounts.extend(self.mounts.iter().cloned());
        spec.visible = self.is_shown();
        spec.zone = self.engine.surroundings().zone.clone();
        spec.machine_id = true;
        spec.emulation = super::emulation::of(&s.chroot);
        if thirty_two_bit(&s.chroot.target_arch) {
            spec.personality = Personality::Linux32;
        }
        spec
    }

    /// What the host's root may write in a root that stays visible: the volumes, and a directory at the top that kojid makes.
    /// In the rest of it, which is an overlay of another user namespace, it can make nothing.
    fn add_plain_places(&self, spec: &mut ContainerSpec) {
        let source = self.session.volume(KOJI.trim_start_matches('/'));
        // Without it the container says what is wrong.
        let _ = std::fs::create_dir(&source);
        spec.mounts.push(Mount::bind(source, KOJI));
        spec.plain = spec
            .mounts
            .iter()
            .filter_map(|mount| match mount {
                Mount::Bind { source, target, .. } => Some((source.clone(), target.clone())),
                _ => None,
            })
            .collect();
    }

    /// Host path of the build user's home.
    pub fn home(&self) -> PathBuf {
        self.session.volume("builddir")
    }

    /// The build tree as seen inside.
    pub fn topdir(&self) -> ChrootPath {
        ChrootPath::new(Path::new(&self.settings.chroot.chroothome).join("build"))
    }

    /// Ends the work and keeps the root as it is. Where roots stay visible, the container stays, too.
    pub fn close(mut self) -> Result<(), BuildError> {
        if self.is_shown() {
            self.start()?;
            if let Some(container) = self.container.take() {
                let chroot = self.session.chroot().clone();
                return Ok(chroot.hold(self.session, container)?);
            }
        }
        self.stop()?;
        if TmpfsRules::of(&self.settings.plugins).is_some_and(|rules| !rules.keep) {
            let events = self.engine.events().clone();
            events.narrate(Level::Info, "unmounting tmpfs.");
            let called = self.hook_call("postumount", &serde_json::Value::Null);
            self.session.discard()?;
            return called;
        }
        let called = self.hook_call("postumount", &serde_json::Value::Null);
        let events = self.engine.events();
        traced(
            &self.settings.plugins.overlayfs,
            events,
            "hook_umount_root",
            || self.session.close(),
        )?;
        called
    }

    /// Ends the work and keeps the root under a name of its own, which it gives: `what` is the build that
    /// failed in it, `message` why. The chroot's next use starts from where this one did.
    pub fn keep(mut self, what: &str, message: &str) -> Result<String, BuildError> {
        self.stop()?;
        Ok(self.session.keep(what, message)?)
    }

    /// The chroot of `settings`, as it was kept under `name`; what is written to it stays until the next
    /// build.
    pub fn open_kept(engine: &Engine, settings: &Settings, name: &str) -> Result<Self, BuildError> {
        chroot_of(engine, settings)?.stand_on(name)?;
        Self::open(engine, settings, ChrootAccess::Own)
    }

    /// Forgets what was kept of a build by the same name, which has succeeded now.
    pub fn forget_kept(&self, what: &str) -> Result<(), BuildError> {
        Ok(self.session.chroot().forget_kept(what)?)
    }

    /// Ends the work and drops everything written since the current snapshot.
    pub fn discard(mut self) -> Result<(), BuildError> {
        if let Some(container) = self.container.take() {
            container.stop()?;
        }
        let nothing = serde_json::Value::Null;
        let called = self
            .hook_call("umount_root", &nothing)
            .and_then(|()| self.hook_call("postclean", &nothing))
            .and_then(|()| self.hook_call("postumount", &nothing));
        let events = self.engine.events();
        traced(
            &self.settings.plugins.overlayfs,
            events,
            "hook_postclean",
            || self.session.discard(),
        )?;
        called
    }
}

fn chroot_of(engine: &Engine, settings: &Settings) -> Result<Chroot, BuildError> {
    let name = settings
        .chroot
        .shared_root
        .parse()
        .map_err(|e| BuildError::Repositories {
            chroot: settings.chroot.chroot_name.clone(),
            reason: format!("option `root`: {e}"),
        })?;
    Ok(Chroot::new(
        engine.store(),
        name,
        settings.chroot.uniqueext.as_deref().unwrap_or_default(),
    ))
}

/// Modules of one command of `module_setup_commands`: mock separates them by commas.
fn modules(specs: &str) -> impl Iterator<Item = &str> {
    specs
        .split(|c: char| c == ',' || c.is_whitespace())
        .filter(|spec| !spec.is_empty())
}

/// The session that `access` asks for, and the container when it is a joined one.
fn open_session(
    engine: &Engine,
    settings: &Settings,
    chroot: &Chroot,
    access: ChrootAccess,
) -> Result<(Session, Option<Container>), BuildError> {
    let opened = traced(
        &settings.plugins.overlayfs,
        engine.events(),
        "hook_mount_root",
        || match access {
            ChrootAccess::Ephemeral => chroot.throwaway(None),
            _ => chroot.open(),
        },
    );
    let (in_use, holder) = match opened {
        Ok(session) => return Ok((session, None)),
        Err(ChrootError::InUse { chroot, holder }) => (chroot, holder),
        Err(other) => return Err(other.into()),
    };
    if access == ChrootAccess::OwnOrJoin
        && let Some((session, container)) = joinable(engine, chroot)?
    {
        return Ok((session, Some(container)));
    }
    if !access.ends_ephemeral() {
        return Err(ChrootError::InUse {
            chroot: in_use,
            holder,
        }
        .into());
    }
    let who = holder.map_or_else(|| "another process".to_owned(), |h| h.to_string());
    engine.events().info(format!(
        "chroot `{in_use}` is in use by {who}; building in an ephemeral copy of it",
    ));
    Ok((chroot.throwaway(None)?, None))
}

/// A container that works in the chroot, or was left in it, and a session beside it.
fn joinable(engine: &Engine, chroot: &Chroot) -> Result<Option<(Session, Container)>, BuildError> {
    let Some(container) = chroot.join(engine.mode()) else {
        return Ok(None);
    };
    Ok(chroot.visit()?.map(|session| (session, container)))
}

/// Build user and group where the configuration leaves them to the caller's ids, as mock's defaults
/// do: always the same ones, so that layers and packages do not depend on who builds. Never root.
const BUILD_IDS: (u32, u32) = (1000, 135);

fn with_build_user(settings: &Settings, caller: u32) -> Settings {
    let mut settings = settings.clone();
    let chroot = &mut settings.chroot;
    if chroot.chrootuid == caller || chroot.chrootuid == 0 {
        (chroot.chrootuid, chroot.chrootgid) = BUILD_IDS;
    }
    if chroot.chrootgid == 0 {
        chroot.chrootgid = BUILD_IDS.1;
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::modules;

    #[test]
    fn modules_are_separated_as_in_mock() {
        let of = |text| modules(text).collect::<Vec<_>>();
        assert_eq!(of("a:1, b:2/x"), ["a:1", "b:2/x"]);
        assert_eq!(of("a b"), ["a", "b"]);
        assert!(of("").is_empty());
    }
}
