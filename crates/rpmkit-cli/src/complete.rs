//! Completions that are worked out when TAB is pressed.

use std::{ffi::OsStr, path::Path};

use clap_complete::CompletionCandidate;

use crate::host::Host;

/// Names of chroots: every configuration file in the places configurations are looked for.
pub fn chroots(current: &OsStr) -> Vec<CompletionCandidate> {
    let Ok(host) = Host::read() else {
        return Vec::new();
    };
    let Some(typed) = current.to_str() else {
        return Vec::new();
    };
    let config = &host.dirs.config_home;
    let mut names = Vec::new();
    for dir in [
        config.join("rpmkit"),
        config.join("rpmkit/chroots"),
        config.join("mock"),
        "/etc/rpmkit".into(),
        "/etc/rpmkit/chroots".into(),
        "/etc/mock".into(),
    ] {
        names.extend(configs_in(&dir));
    }
    names.sort();
    names.dedup();
    names
        .into_iter()
        .filter(|name| name.starts_with(typed))
        .map(CompletionCandidate::new)
        .collect()
}

/// Configurations in one directory, without their endings. Shared pieces do not count.
fn configs_in(dir: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let stem = name
                .strip_suffix(".cfg")
                .or_else(|| name.strip_suffix(".toml"))?;
            let shared = ["site-defaults", "chroot-aliases", "config", "logging"];
            (!shared.contains(&stem) && !stem.starts_with('.')).then(|| stem.to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn only_chroots_are_offered() {
        let dir = tempfile::tempdir().unwrap();
        for name in [
            "fedora-43-x86_64.cfg",
            "mine.toml",
            "site-defaults.cfg",
            "logging.ini",
            "templates",
        ] {
            std::fs::write(dir.path().join(name), "").unwrap();
        }
        let mut found = configs_in(dir.path());
        found.sort();
        assert_eq!(found, ["fedora-43-x86_64", "mine"]);
        assert!(configs_in(Path::new("/nonexistent")).is_empty());
    }
}
