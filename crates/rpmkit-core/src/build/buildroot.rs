//! One chroot of one configuration: prepared, changed, entered.
//!
//! A buildroot is a session on a stack of layers. Installing into an untouched one means mounting
//! (and, the first time, making) another layer; only a root somebody has already written to is
//! changed in place.

use std::path::{Path, PathBuf};

use rpmkit_sandbox::{Container, ContainerSpec, Mount, Network, Personality, RunAs, Stdin};

use super::{
    BuildError, Engine,
    plugins::{self, ccache::CompilerCache},
    run::{Ran, Run},
    skeleton, traced,
    tree::DirContents,
    undone,
};
use rpmkit_config::{Settings, thirty_two_bit};
use rpmkit_pm as pm;
use rpmkit_pm::{Embedded, PmError};
use rpmkit_solve::{Solution, SolveRequest};
use rpmkit_store::{
    Layer, LayerKind, VOLUMES,
    chroot::{Chroot, ChrootError, RootPlace, Session},
};
use rpmkit_types::{ChrootPath, ExitCode, Package, event::Log};

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
}

/// How to come by a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChrootAccess {
    /// The chroot itself; an error when somebody is working in it.
    Own,
    /// The chroot itself, or an ephemeral one when somebody is working in it.
    OwnOrEphemeral,
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
        let name = settings
            .chroot
            .shared_root
            .parse()
            .map_err(|e| BuildError::Repositories {
                chroot: settings.chroot.chroot_name.clone(),
                reason: format!("option `root`: {e}"),
            })?;
        let chroot = Chroot::new(
            engine.store(),
            name,
            settings.chroot.uniqueext.as_deref().unwrap_or_default(),
        );
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

    /// The package manager.
    pub fn package_manager(&self) -> &Embedded {
        &self.pm
    }

    /// Drops what was written since the current snapshot.
    pub fn clean(&mut self) -> Result<(), BuildError> {
        self.stop()?;
        self.hook("hook_postclean", |root| root.session.clean())?;
        self.packages = None;
        Ok(())
    }

    fn hook<T>(&mut self, name: &str, work: impl FnOnce(&mut Self) -> T) -> T {
        let options = self.settings.plugins.overlayfs.clone();
        let events = self.engine.events().clone();
        traced(&options, &events, name, || work(self))
    }

    /// Makes sure the minimal buildroot is there: mounts or makes the base layer under an untouched
    /// session, and leaves a root that was worked in as it is.
    pub fn init(&mut self) -> Result<(), BuildError> {
        if self.session.is_guest() {
            // Whoever started the container has done so.
            return Ok(());
        }
        self.prepare()?;
        // What every command finds in its home, as in mock: the build tree and the macros. A build lays
        // them out anew; here they only must not be missing.
        if !self.home().join(".rpmmacros").exists() {
            self.fill_home(DirContents::default())?;
        }
        Ok(())
    }

    fn prepare(&mut self) -> Result<(), BuildError> {
        self.leave_unverified()?;
        let ours = self
            .session
            .top()
            .is_none_or(|layer| layer.meta().kind == LayerKind::Base);
        if !self.session.is_pristine() || !ours {
            return Ok(());
        }
        let request = self.setup_request()?;
        let base = self.hook("hook_preinit", |root| {
            root.pm.base(
                &request,
                &skeleton::of(&root.settings, root.engine.events()),
            )
        })?;
        self.stop()?;
        self.session.remember(self.pm.tool_root()?);
        self.session.move_to(&base)?;
        self.hook("hook_postinit", |root| root.session.postinit())?;
        self.packages = Some(base.packages()?);
        Ok(())
    }

    /// Packages that were added to the minimal root under `gpgcheck=0` are not kept once their
    /// repository asks for signatures: an untouched root goes back to what it had before them. What
    /// somebody has written to cannot, and is told.
    fn leave_unverified(&mut self) -> Result<(), BuildError> {
        let Some(top) = self.session.top().cloned() else {
            return Ok(());
        };
        if !matches!(top.meta().kind, LayerKind::Base | LayerKind::BuildDeps)
            || !self.pm.distrusts(&top)
        {
            return Ok(());
        }
        let label = self.session.chroot().label();
        if !self.session.is_pristine() {
            self.engine.events().warn(format!(
                "chroot `{label}` holds packages that were installed under `gpgcheck=0`, and was \
                 written to since; `--clean` makes it anew from verified ones"
            ));
            return Ok(());
        }
        if top.meta().kind == LayerKind::BuildDeps {
            self.engine.events().warn(format!(
                "chroot `{label}` holds packages that were installed under `gpgcheck=0`; they are \
                 taken out, as their signatures are to be checked now"
            ));
            let below = self.engine.store().ancestry(&top)?;
            let kept = |layer: &&Layer| layer.meta().kind != LayerKind::BuildDeps;
            if let Some(layer) = below.iter().find(kept) {
                self.stop()?;
                self.session.move_to(layer)?;
                self.packages = None;
            }
        }
        Ok(())
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
            let specs = specs.split_whitespace().map(str::to_owned);
            match action.as_str() {
                "enable" => request.module_enable.extend(specs),
                "disable" => request.module_disable.extend(specs),
                // Installing a stream means enabling it and asking for its profile's packages.
                "install" => request.install.extend(specs.map(|spec| format!("@{spec}"))),
                // A new root has no streams to leave.
                "reset" => {}
                other => {
                    return Err(BuildError::Undone {
                        option: "module_setup_commands",
                        found: other.to_owned(),
                        code: ExitCode::PackageManager,
                        remedy: "use enable, disable, install or reset",
                    });
                }
            }
        }
        Ok(request)
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

    /// What `request` would change.
    pub fn resolve(&mut self, request: &SolveRequest) -> Result<Solution, BuildError> {
        self.packages()?;
        let installed = self.packages.as_deref().unwrap_or_default();
        Ok(self.pm.resolve(request, installed)?)
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
        let solution = self.resolve(request)?;
        self.advance(&solution, note)?;
        Ok(solution)
    }

    /// Applies a solution: by another layer while nobody has written to the root, else in place.
    /// What builds left in the home and the temporary directories stays.
    pub fn advance(&mut self, solution: &Solution, note: &str) -> Result<(), BuildError> {
        if solution.is_empty() {
            return Ok(());
        }
        let installed = self.packages()?.to_vec();
        if self.has_company() {
            self.session.mark_dirty()?;
            let root = self.session.root().clone();
            self.pm.apply_inside(self.running()?, &root, solution)?;
            self.packages = Some(pm::after(&installed, solution));
            return Ok(());
        }
        self.stop()?;
        self.hook("hook_preyum", |root| match root.session.top().cloned() {
            Some(top) if !root.session.is_touched() => {
                let layer = root.pm.extend(&top, &installed, solution, note)?;
                root.session.remember(root.pm.tool_root()?);
                Ok::<_, BuildError>(root.session.move_to(&layer)?)
            }
            _ => {
                root.session.mark_dirty()?;
                root.pm.apply(root.session.root(), solution)?;
                // It may be mounted again.
                Ok(root.session.refresh()?)
            }
        })?;
        self.packages = Some(pm::after(&installed, solution));
        Ok(())
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
        Run {
            argv,
            env,
            cwd: PathBuf::from("/"),
            user,
            timeout: None,
            limits: Vec::new(),
            log: Some(Log::Root),
            stdin: Stdin::Null,
            // Without ids of their own builds would own every file of the root.
            read_only_root: user != RunAs::Root && !self.engine.mode().has_ids(),
            stderr_prefix: self.settings.build.stderr_line_prefix.clone(),
        }
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
        for (name, place, _) in VOLUMES {
            let place = if name == "builddir" {
                &s.chroot.chroothome
            } else {
                place
            };
            spec.mounts
                .push(Mount::bind(self.session.volume(name), place));
        }
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
        let events = self.engine.events();
        Ok(traced(
            &self.settings.plugins.overlayfs,
            events,
            "hook_umount_root",
            || self.session.close(),
        )?)
    }

    /// Ends the work and drops everything written since the current snapshot.
    pub fn discard(mut self) -> Result<(), BuildError> {
        if let Some(container) = self.container.take() {
            container.stop()?;
        }
        let events = self.engine.events();
        Ok(traced(
            &self.settings.plugins.overlayfs,
            events,
            "hook_postclean",
            || self.session.discard(),
        )?)
    }
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
        || chroot.open(),
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
