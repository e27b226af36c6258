//! The hooks of mock's overlayfs plugin: nothing is called here, but who set `trace_hooks` is told.

use rpmkit_config::Overlayfs;
use rpmkit_types::event::Events;

/// Does what mock's plugin does in `hook`, and says so in `root.log` where the configuration asks for it.
pub fn traced<T>(options: &Overlayfs, events: &Events, hook: &str, work: impl FnOnce() -> T) -> T {
    if !options.trace_hooks {
        return work();
    }
    events.info(format!("overlayfs plugin: {hook}: begin"));
    let out = work();
    events.info(format!("overlayfs plugin: {hook}: end"));
    out
}
