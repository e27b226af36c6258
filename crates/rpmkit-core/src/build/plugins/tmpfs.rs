//! `tmpfs`: a chroot that is gone when the run is over, unless it is to be kept, and that takes only so much.
//!
//! mock mounts a file system in memory. Layers make a new root as fast, and what a build writes stays in the
//! page cache as long as there is room, so it is the rules that are kept here: content goes, `max_fs_size`
//! holds for every file that is written.

use rpmkit_config::{Plugins, Value};
use rpmkit_sandbox::{Limit, Resource};
use rpmkit_types::event::{Events, Level};

use crate::build::plugins::mounts::bytes;

const NAME: &str = "tmpfs";

/// What the plugin asks of a chroot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::build) struct TmpfsRules {
    /// Content stays after the run.
    pub keep: bool,
    /// Bytes a file may have.
    pub size: Option<u64>,
}

impl TmpfsRules {
    /// What the configuration says, if the plugin is on and the host has the memory it asks for.
    pub fn of(plugins: &Plugins) -> Option<Self> {
        if !plugins.enabled(NAME) || lacks_memory(plugins, memory()).is_some() {
            return None;
        }
        let size = plugins.option(NAME, "max_fs_size");
        let size = size.filter(|value| value.truth()).map(ToString::to_string);
        Some(Self {
            keep: plugins
                .option(NAME, "keep_mounted")
                .is_some_and(Value::truth),
            size: size.and_then(|text| bytes(&text)),
        })
    }

    /// The limits of every command in the chroot.
    pub fn limits(self) -> Vec<Limit> {
        let limit = |bytes: u64| Limit {
            resource: Resource::FileSize,
            soft: Some(bytes),
            hard: Some(bytes),
        };
        self.size.map(limit).into_iter().collect()
    }
}

/// Says what mock's plugin says when it is loaded.
pub(in crate::build) fn loaded(plugins: &Plugins, events: &Events) {
    match lacks_memory(plugins, memory()) {
        None => events.narrate(Level::Info, "tmpfs initialized"),
        Some(sentence) => events.narrate(Level::Warning, sentence),
    }
}

/// Why the plugin is off though the configuration has it on: the host has less memory than it asks for.
fn lacks_memory(plugins: &Plugins, has: u64) -> Option<String> {
    let wanted = plugins
        .option(NAME, "required_ram_mb")
        .and_then(|value| value.to_string().parse::<u64>().ok())
        .unwrap_or(900);
    (has <= wanted).then(|| {
        format!(
            "Tmpfs plugin disabled. System does not have the required amount of RAM to enable the tmpfs plugin. \
             System has {has}MB RAM, but the config specifies the minimum required is {wanted}MB RAM. "
        )
    })
}

/// Memory of the host in MiB.
fn memory() -> u64 {
    use nix::unistd::{SysconfVar, sysconf};
    let value = |name| sysconf(name).ok().flatten().unwrap_or(0);
    let bytes = value(SysconfVar::PAGE_SIZE).saturating_mul(value(SysconfVar::_PHYS_PAGES));
    u64::try_from(bytes).unwrap_or(0) >> 20
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_with_too_little_memory_is_told() {
        let plugins = Plugins::default();
        assert_eq!(lacks_memory(&plugins, 901), None);
        let sentence = lacks_memory(&plugins, 900).unwrap_or_default();
        assert!(
            sentence.contains(
                "System has 900MB RAM, but the config specifies the minimum required is 900MB"
            ),
            "{sentence}"
        );
        assert!(memory() > 0);
        assert_eq!(TmpfsRules::of(&plugins), None, "it is off");
    }
}
