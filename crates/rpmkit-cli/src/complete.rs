//! Completions that are worked out when TAB is pressed.

use std::ffi::OsStr;

use clap_complete::CompletionCandidate;
use rpmkit_core::config::{self, LoadRequest};

use crate::{host::Host, setup};

/// Names of chroots: every definition in the places they are looked for, compiled-in ones included.
pub fn chroots(current: &OsStr) -> Vec<CompletionCandidate> {
    let (Ok(host), Some(typed)) = (Host::read(), current.to_str()) else {
        return Vec::new();
    };
    config::names(&LoadRequest::new("default", setup::config_host(&host)))
        .into_iter()
        .filter(|name| name.starts_with(typed))
        .map(CompletionCandidate::new)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compiled_in_chroots_are_offered() {
        let names: Vec<_> = chroots(OsStr::new("fedora-rawhide-"))
            .iter()
            .map(|candidate| candidate.get_value().to_string_lossy().into_owned())
            .collect();
        assert!(
            names.contains(&"fedora-rawhide-x86_64".to_owned()),
            "{names:?}"
        );
        assert!(chroots(OsStr::new("no-such-")).is_empty());
    }
}
