//! What mock says while it prepares a chroot: programs look for these lines on its console and in its logs.
//! Each is said where the same thing happens here.

use super::{BuildError, Buildroot, engine::Engine};
use rpmkit_config::Settings;
use rpmkit_solve::SolveError;
use rpmkit_store::LayerKind;
use rpmkit_types::event::{Events, Level};

/// How a chroot came to have its packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Prepared {
    /// They were installed.
    Installed,
    /// From a layer that was there.
    Unpacked,
    /// It had them.
    Present,
}

/// What plugins say when they are loaded, between `Start: init plugins` and its end.
pub fn plugins_loaded(settings: &Settings, events: &Events) {
    let plugins = &settings.plugins;
    let boot = settings.repositories.use_bootstrap;
    let load = |own: bool| {
        let mut said = Vec::new();
        for name in plugins.names() {
            match name.as_str() {
                "selinux" => said.push("selinux disabled".to_owned()),
                "tmpfs" => super::plugins::tmpfs::loaded(plugins, events),
                "chroot_scan" | "compress_logs" | "expand_spec" => {
                    said.push(format!("{name}: initialized"));
                }
                "rpkg_preprocessor" | "rpmautospec" => said.push(format!("{name}: initialized")),
                "sign" => said.push("enabled package signing".to_owned()),
                "system_monitor" if own => said.push("SYSMON: Starting system monitor".to_owned()),
                _ => {}
            }
        }
        said.into_iter()
            .for_each(|line| events.narrate(Level::Info, line));
    };
    if boot {
        events.narrate_state("Start(bootstrap): init plugins");
        load(false);
        events.narrate_state("Finish(bootstrap): init plugins");
    }
    events.in_state("init plugins", || load(true));
}

/// What is said before a root is looked at.
pub(super) fn preinit(settings: &Settings, engine: &Engine) {
    let events = engine.events();
    let say = |text: &str| events.narrate(Level::Info, text);
    say("calling preinit hooks");
    for name in settings.plugins.names() {
        match name.as_str() {
            "root_cache" => say("enabled root cache"),
            "yum_cache" => {
                say("enabled package manager cache");
                if settings.repositories.online {
                    // Ours prunes itself, in the background.
                    events.in_state("cleaning package manager metadata", || ());
                }
            }
            "ccache" => say("enabled ccache"),
            "hw_info" => say("enabled HW Info plugin"),
            _ => {}
        }
    }
    let name = rpmkit_pm::Dialect::of(&settings.repositories.package_manager).name();
    let how = if settings.repositories.use_bootstrap {
        "direct choice"
    } else {
        "fallback"
    };
    say(&format!("Package manager {name} detected and used ({how})"));
    events.narrate(
        Level::Debug,
        format!("rootdir = {}", settings.chroot.rootdir.display()),
    );
    events.narrate(
        Level::Debug,
        format!("resultdir = {}", settings.build.resultdir.display()),
    );
}

impl Buildroot {
    /// What the root's own package tools are, as mock says before a build.
    pub(super) fn tell_package_management(&mut self) -> Result<(), BuildError> {
        const TOOLS: [&str; 8] = [
            "rpm",
            "rpm-sequoia",
            "python3-dnf",
            "python3-dnf-plugins-core",
            "yum",
            "yum-utils",
            "dnf5",
            "dnf5-plugins",
        ];
        let Ok(layer) = self.package_manager().tool_root() else {
            return Ok(());
        };
        let packages = layer.packages()?;
        let mut text =
            "Buildroot is handled by package management installed into bootstrap:".to_owned();
        for tool in TOOLS {
            let found = packages.iter().find(|package| package.nevra.name == tool);
            if let Some(package) = found {
                text.push_str(&format!("\n  {}", package.nevra));
            }
        }
        self.engine().events().narrate(Level::Info, text);
        Ok(())
    }

    /// `Installed packages:`, which mock says of a chroot it has just made.
    pub(super) fn tell_installed(&mut self) -> Result<(), BuildError> {
        let mut names: Vec<String> = self
            .packages()?
            .iter()
            .map(|package| {
                let nevra = &package.nevra;
                format!(
                    "{}-{}-{}.{}",
                    nevra.name, nevra.evr.version, nevra.evr.release, nevra.arch
                )
            })
            .collect();
        names.sort();
        let events = self.engine().events();
        events.narrate(Level::Info, "Installed packages:");
        events.narrate(Level::Info, names.join("\n"));
        Ok(())
    }

    /// Says what dnf would say of a request that cannot be met, in root.log and in the log files of the
    /// chroot. The failure itself is told by others.
    pub(super) fn tell_refusal(&mut self, error: &BuildError) {
        let BuildError::Pm(rpmkit_pm::PmError::Solve(SolveError::Unsolvable(problems))) = error
        else {
            return;
        };
        let said = self.package_manager().dialect().refusal(problems);
        self.package_manager().say(&said);
        let ours = |layer: &rpmkit_store::Layer| {
            matches!(layer.meta().kind, LayerKind::Base | LayerKind::BuildDeps)
        };
        if !self.top_is(ours) {
            return;
        }
        for (path, text) in self.package_manager().journal_of(&said) {
            // What the chroot's own shell cannot write is lost, and no reason for another failure.
            let script = "mkdir -p \"${1%/*}\" && printf %s \"$2\" >>\"$1\"";
            let argv = ["/bin/sh", "-c", script, "sh", &path, &text];
            let _ = self.quietly(argv.map(str::to_owned).to_vec());
        }
    }
}
