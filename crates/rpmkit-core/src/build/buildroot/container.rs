//! The container of a buildroot, and the commands in it.

use super::*;

impl Buildroot {
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
    pub(in crate::build) fn limited_command(
        &self,
        argv: Vec<String>,
        user: RunAs,
    ) -> Result<Run, BuildError> {
        let build = &self.settings.build;
        let mut run = self.command(argv, user);
        run.timeout = build.rpmbuild_timeout;
        run.limits
            .extend(crate::build::limits::limits(&build.macros)?);
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
    pub(super) fn show(&self, container: &Container) {
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
    pub(super) fn touch_rpmdb(&self) -> Result<(), BuildError> {
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

    pub(super) fn running(&self) -> Result<&Container, BuildError> {
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

    pub(super) fn has_network(&self) -> bool {
        self.settings.build.rpmbuild_networking
    }

    pub(super) fn container_spec(&self) -> ContainerSpec {
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
        spec.budget = crate::build::limits::budget(&s.build.limits, places);
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
        spec.emulation = crate::build::emulation::of(&s.chroot);
        if thirty_two_bit(&s.chroot.target_arch) {
            spec.personality = Personality::Linux32;
        }
        spec
    }

    /// What the host's root may write in a root that stays visible: the volumes, and a directory at the top that kojid makes.
    /// In the rest of it, which is an overlay of another user namespace, it can make nothing.
    pub(super) fn add_plain_places(&self, spec: &mut ContainerSpec) {
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
}
