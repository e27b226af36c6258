//! The user's own plugins: programs of the host that the configuration's option `hooks` names for points of a
//! run. Each gets a JSON object on its standard input, and speaks into root.log.

use std::path::Path;

use rpmkit_config::{Settings, Value, to_json};
use rpmkit_host::{Environment, HostCommand};
use rpmkit_types::event::{Event, Events, Log};

use super::BuildError;

/// Version of the object's layout; raised when a member changes its meaning.
const FORMAT: u32 = 1;

/// mock's points of a run, in the order of a build in a new chroot.
pub const HOOKS: [&str; 26] = [
    "clean",
    "scrub",
    "umount_root",
    "postclean",
    "mount_root",
    "preinit",
    "preyum",
    "postyum",
    "postinit",
    "postupdate",
    "initfailed",
    "earlyprebuild",
    "pre_srpm_build",
    "prebuild",
    "postdeps",
    "postbuild",
    "process_logs",
    "preshell",
    "postshell",
    "prechroot",
    "postchroot",
    "make_snapshot",
    "rollback_to",
    "remove_snapshot",
    "list_snapshots",
    "postumount",
];

/// What hooks of one run are called with.
pub struct HookCaller<'a> {
    /// The configuration.
    pub settings: &'a Settings,
    /// What the caller's environment is.
    pub environment: &'a Environment,
    /// Where to talk.
    pub events: &'a Events,
}

impl HookCaller<'_> {
    /// The command lines for a hook.
    fn lines(&self, hook: &str) -> &[String] {
        let hooks = &self.settings.build.hooks;
        let own = hooks.iter().find(|(name, _)| name == hook);
        own.map_or(&[], |(_, lines)| lines)
    }

    /// Calls the programs of `hook`, in order. The first that fails ends the run, as an exception of a
    /// plugin of mock's does. `details` are what mock's hook gets as arguments.
    pub fn call(&self, hook: &'static str, details: &serde_json::Value) -> Result<(), BuildError> {
        let lines = self.lines(hook);
        if lines.is_empty() {
            return Ok(());
        }
        let chroot = &self.settings.chroot;
        let input = serde_json::json!({
            "format": FORMAT,
            "hook": hook,
            "chroot": chroot.chroot_name,
            "root": chroot.root,
            "rootdir": chroot.rootdir,
            "resultdir": self.settings.build.resultdir,
            "cache_topdir": chroot.cache_topdir,
            "home": chroot.chroothome,
            "uid": chroot.chrootuid,
            "gid": chroot.chrootgid,
            "details": details,
            "config": to_json(&Value::Dict(self.settings.build.all.clone())),
        })
        .to_string();
        for line in lines {
            self.one(hook, line, input.as_bytes())?;
        }
        Ok(())
    }

    fn one(&self, hook: &'static str, line: &str, input: &[u8]) -> Result<(), BuildError> {
        let fail = |reason: String| BuildError::Hook {
            hook,
            line: line.to_owned(),
            reason,
        };
        let ended = HostCommand::line(line, hook, [Path::new(hook)], self.environment)
            .and_then(|command| command.converse(input))
            .map_err(|error| fail(error.to_string()))?;
        for text in [&ended.stdout, &ended.stderr] {
            for line in text.split(|byte| *byte == b'\n').filter(|l| !l.is_empty()) {
                self.events.emit(Event::output(Log::Root, line));
            }
        }
        if ended.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&ended.stderr);
        let last = said
            .lines()
            .rfind(|line| !line.is_empty())
            .unwrap_or_default();
        Err(fail(format!("{} {last}", ended.status).trim().to_owned()))
    }
}

/// A hook the configuration names and mock does not have.
pub(super) fn unknown(settings: &Settings) -> Option<&str> {
    let names = settings.build.hooks.iter().map(|(name, _)| name.as_str());
    names.into_iter().find(|name| !HOOKS.contains(name))
}
