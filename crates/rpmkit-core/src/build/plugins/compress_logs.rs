//! `compress_logs`: the logs of a finished build, packed by a command of the host.

#![allow(clippy::disallowed_methods, reason = "whether a log is there")]

use std::path::Path;

use rpmkit_config::Plugins;
use rpmkit_host::{Environment, HostCommand};
use rpmkit_types::event::Events;

/// The logs mock knows.
const LOGS: [&str; 8] = [
    "root.log",
    "build.log",
    "state.log",
    "available_pkgs.log",
    "installed_pkgs.log",
    "hw_info.log",
    "procenv.log",
    "showrc.log",
];

/// Packs the logs in `dir` where the plugin is on. To be called when nobody writes to them any more. A
/// command that fails is a warning: the logs are there all the same.
pub fn compress_logs(plugins: &Plugins, dir: &Path, env: &Environment, events: &Events) {
    if !plugins.enabled("compress_logs") {
        return;
    }
    let command = plugins.option("compress_logs", "command");
    let command = command.map_or_else(|| "gzip".to_owned(), ToString::to_string);
    for name in LOGS {
        let path = dir.join(name);
        if !path.exists() {
            continue;
        }
        // A log of an earlier build in the same directory may be packed already: gzip would ask.
        let status = HostCommand::line(&format!("{command} \"$1\""), "sh", [&path], env)
            .and_then(|command| command.output());
        let trouble = match status {
            Ok(output) if output.status.success() => continue,
            Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            Err(error) => error.to_string(),
        };
        events.warn(format!(
            "plugin compress_logs: `{command} {}` failed: {trouble}",
            path.display()
        ));
    }
}
