//! `system_monitor`: how much memory a build takes, in all and the greediest of its processes. Read from the
//! processes of the chroot, so that no cgroup is needed.

#![allow(clippy::disallowed_methods, reason = "files of the kernel's")]

use std::{
    fs,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, RecvTimeoutError, Sender},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use super::{BuildError, Buildroot, write};
use rpmkit_store::chroot::Chroot;
use rpmkit_types::event::Level;

/// The highest that was seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Peak {
    /// Bytes of all processes together.
    total: u64,
    /// Bytes of the largest one.
    top: u64,
    /// Its command line.
    command: String,
}

impl Peak {
    /// Takes one look at all processes: bytes and command line of each.
    fn see(&mut self, processes: &[(u64, String)]) {
        self.total = self
            .total
            .max(processes.iter().map(|(bytes, _)| bytes).sum());
        if let Some((bytes, command)) = processes.iter().max_by_key(|(bytes, _)| bytes)
            && *bytes > self.top
        {
            (self.top, self.command) = (*bytes, command.clone());
        }
    }

    /// mock's file.
    fn json(&self) -> String {
        serde_json::json!({
            "total_max_memory": self.total,
            "top_process_memory": self.top,
            "top_process_cmdline": self.command,
        })
        .to_string()
    }
}

/// A watch that is going on.
#[derive(Debug)]
pub(in crate::build) struct Monitor {
    peak: Arc<Mutex<Peak>>,
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

/// mock's name of it, which is misspelt.
const FILE: &str = "system_monior.json";

const MIB: f64 = 1_048_576.0;

impl Monitor {
    /// Starts to look at the processes of `chroot` every `interval`.
    pub fn start(chroot: Chroot, interval: Duration) -> Self {
        let peak = Arc::new(Mutex::new(Peak::default()));
        let (stop, stopped) = mpsc::channel();
        let seen = Arc::clone(&peak);
        let thread = thread::spawn(move || {
            loop {
                if let Ok(processes) = chroot.processes() {
                    let sizes: Vec<(u64, String)> = processes
                        .iter()
                        .filter(|process| !process.is_init)
                        .filter_map(|process| {
                            let pid = i64::from(process.pid);
                            Some((resident(pid)?, process.command.clone()))
                        })
                        .collect();
                    seen.lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .see(&sizes);
                }
                match stopped.recv_timeout(interval) {
                    Err(RecvTimeoutError::Timeout) => {}
                    _ => return,
                }
            }
        });
        Self { peak, stop, thread }
    }

    fn end(self) -> Peak {
        // The thread may have ended already.
        let _ = self.stop.send(());
        let _ = self.thread.join();
        let peak = self.peak.lock().unwrap_or_else(PoisonError::into_inner);
        peak.clone()
    }
}

/// Bytes of a process that are in memory.
fn resident(pid: i64) -> Option<u64> {
    let statm = fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
    let pages: u64 = statm.split(' ').nth(1)?.parse().ok()?;
    let size = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE).ok()??;
    Some(pages * u64::try_from(size).ok()?)
}

/// After the requirements: starts where the plugin is on.
pub(in crate::build) fn begin(root: &mut Buildroot) {
    let plugins = &root.settings().plugins;
    if !plugins.enabled("system_monitor") {
        return;
    }
    let seconds = plugins
        .option("system_monitor", "interval")
        .and_then(|value| value.to_string().parse::<f64>().ok())
        .filter(|seconds| seconds.is_finite() && *seconds > 0.0)
        .unwrap_or(2.0);
    let chroot = root.chroot();
    root.monitor = Some(Monitor::start(chroot, Duration::from_secs_f64(seconds)));
    let events = root.engine().events();
    events.narrate(
        Level::Debug,
        "SYSMON: Monitoring thread started via callback.",
    );
}

/// When the build is over: writes what was seen.
pub(in crate::build) fn end(root: &mut Buildroot, dir: &std::path::Path) -> Result<(), BuildError> {
    let Some(monitor) = root.monitor.take() else {
        return Ok(());
    };
    let peak = monitor.end();
    #[expect(clippy::cast_precision_loss, reason = "two digits are shown")]
    let text = format!(
        "SYSMON: Total Memory Peak {:.2} MiB | Top process: RSS:{:.2} MiB [{}]",
        peak.total as f64 / MIB,
        peak.top as f64 / MIB,
        peak.command
    );
    root.engine().events().narrate(Level::Info, text);
    write(dir.join(FILE), peak.json())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_kept() {
        let mut peak = Peak::default();
        peak.see(&[(5, "a".into()), (7, "b".into())]);
        peak.see(&[(6, "c".into())]);
        peak.see(&[]);
        let json: serde_json::Value = serde_json::from_str(&peak.json()).unwrap_or_default();
        assert_eq!(
            json,
            serde_json::json!({
                "total_max_memory": 12, "top_process_memory": 7, "top_process_cmdline": "b"
            })
        );
    }

    #[test]
    fn memory_of_a_process_is_bytes() {
        let own = resident(i64::from(std::process::id())).unwrap_or(0);
        assert!(own > 1 << 16, "{own}");
    }
}
