//! One chroot of one configuration: prepared, changed, entered.
//!
//! A buildroot is a session on a stack of layers. Installing into an untouched one means mounting
//! (and, the first time, making) another layer; only a root somebody has already written to is
//! changed in place.

#![allow(
    clippy::disallowed_methods,
    reason = "whether a file is there, in a directory of ours"
)]

mod container;
mod preparing;
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

    /// The layer that is all there is of the root, unless somebody has written to it.
    pub(super) fn untouched_top(&self) -> Option<Layer> {
        let top = self.session.top().cloned();
        top.filter(|_| !self.session.is_touched())
    }

    /// Whether the layer right below the session is one that `is` takes.
    pub(super) fn top_is(&self, is: impl Fn(&Layer) -> bool) -> bool {
        self.session.top().is_some_and(is)
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
