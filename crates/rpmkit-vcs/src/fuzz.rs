//! The parsers of foreign bytes, for tests that feed them anything. No part of the interface.
#![allow(missing_docs)]

pub fn packets(mut data: &[u8]) {
    crate::git::references(&mut &*data);
    while let Ok(true) = crate::git::packet(&mut data) {}
}

/// `.gitmodules` of a working tree, as far as a clone without a network reads it.
pub fn modules(path: &std::path::Path) {
    if let Ok(repo) = crate::git::discover(path) {
        let _ = crate::archive::worktree_state(&repo);
        if crate::git::modules::check_worktree(&repo).is_ok() {
            let _ = repo.submodules().map(|list| list.len());
        }
    }
}

pub fn attributes(data: &[u8]) {
    crate::archive::look_up_attributes(data);
}
