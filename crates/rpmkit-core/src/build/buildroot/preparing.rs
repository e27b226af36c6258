//! The minimal buildroot: made, found, or brought up to date.

use super::*;

impl Buildroot {
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
    pub(in crate::build) fn init_for_build(&mut self) -> Result<(), BuildError> {
        let short = self.settings.build.short_circuit.is_some();
        self.prepare_for(Purpose::Work, !short)
    }

    pub(super) fn prepare_for(&mut self, purpose: Purpose, build: bool) -> Result<(), BuildError> {
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
    pub(super) fn update_before_build(&mut self) -> Result<(), BuildError> {
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

    pub(super) fn prepare(&mut self, purpose: Purpose) -> Result<Prepared, BuildError> {
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
    pub(super) fn setup_request(&self) -> Result<SolveRequest, BuildError> {
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
    pub(super) fn with_modules(&self, request: &mut SolveRequest) {
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
    pub(super) fn modules_of_root(&mut self, request: &mut SolveRequest) -> Result<(), BuildError> {
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
}
