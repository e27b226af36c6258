//! What a run left behind in the process table and the mount table.

use std::fs;

/// Command lines of processes that mention `text`, our own left out.
pub fn mentioning(text: &str) -> Vec<String> {
    let own = std::process::id().to_string();
    let listing = fs::read_dir("/proc").expect("/proc is there");
    listing
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let pid = entry.file_name().to_string_lossy().into_owned();
            let line = fs::read(entry.path().join("cmdline")).ok()?;
            let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            let seen = line.contains(text) || String::from_utf8_lossy(&environment).contains(text);
            (pid != own && seen && !line.is_empty()).then(|| format!("{pid} {line}"))
        })
        .collect()
}

/// Mounts of this mount namespace that mention `text`.
pub fn mounts_mentioning(text: &str) -> Vec<String> {
    let table = fs::read_to_string("/proc/self/mountinfo").expect("/proc is there");
    table
        .lines()
        .filter(|line| line.contains(text))
        .map(str::to_owned)
        .collect()
}
