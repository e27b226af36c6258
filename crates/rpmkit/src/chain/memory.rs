//! The peak of memory of a build: of all processes below this one, looked at while it runs.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

/// How often. A peak shorter than that is not seen.
const LOOK: Duration = Duration::from_millis(200);
/// How deep processes are followed.
const DEPTH: usize = 64;

/// Watches until it is asked.
pub struct MemoryWatch {
    stop: Arc<AtomicBool>,
    peak: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl MemoryWatch {
    /// Begins.
    pub fn start() -> Self {
        let (stop, peak) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicU64::new(0)),
        );
        let (told, kept) = (stop.clone(), peak.clone());
        let thread = std::thread::spawn(move || {
            let me = std::process::id();
            while !told.load(Ordering::Relaxed) {
                kept.fetch_max(below(me, DEPTH), Ordering::Relaxed);
                std::thread::park_timeout(LOOK);
            }
        });
        Self {
            stop,
            peak,
            thread: Some(thread),
        }
    }

    /// Bytes at the peak.
    pub fn finish(mut self) -> u64 {
        self.end();
        self.peak.load(Ordering::Relaxed)
    }

    fn end(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // It ends by itself and has nothing to say.
            let _ = thread.join();
        }
    }
}

impl Drop for MemoryWatch {
    fn drop(&mut self) {
        self.end();
    }
}

/// Resident bytes of a process and all below it. One that ends meanwhile counts as nothing.
fn below(pid: u32, depth: usize) -> u64 {
    const PAGE: u64 = 4096;
    let pages = fs::read_to_string(format!("/proc/{pid}/statm"))
        .ok()
        .and_then(|text| text.split_whitespace().nth(1)?.parse::<u64>().ok());
    let mut bytes = pages.unwrap_or(0) * PAGE;
    if depth == 0 {
        return bytes;
    }
    let tasks = fs::read_dir(format!("/proc/{pid}/task"));
    for task in tasks.into_iter().flatten().flatten() {
        let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        let children = children
            .split_whitespace()
            .filter_map(|one| one.parse().ok());
        bytes += children.map(|child| below(child, depth - 1)).sum::<u64>();
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_takes_some_memory() {
        let watch = MemoryWatch::start();
        while watch.peak.load(Ordering::Relaxed) == 0 {
            std::thread::yield_now();
        }
        assert!(watch.finish() > 1 << 20);
    }
}
