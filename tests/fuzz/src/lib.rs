//! Every parser of foreign bytes as a function of bytes, with something to begin from.
//!
//! Three things use this: the tests, which replay what is kept in `seeds/` and `finds/`; the program of
//! this package, which changes seeds at random and needs nothing but cargo; and `fuzz/` at the top of
//! the repository, which hands the same functions to libFuzzer.

pub mod mutate;
mod packages;
pub mod targets;

pub use packages::small_package;
pub use targets::{TARGETS, Target};

use std::path::{Path, PathBuf};

/// The directory of what is kept for a target: `seeds` or `finds`.
pub fn kept(kind: &str, target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(kind)
        .join(target)
}

/// All a target can begin from: what is kept, and what is made.
pub fn beginnings(target: &Target) -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = target
        .texts
        .iter()
        .map(|text| text.as_bytes().to_vec())
        .collect();
    all.extend((target.made)());
    for kind in ["seeds", "finds"] {
        let Ok(entries) = std::fs::read_dir(kept(kind, target.name)) else {
            continue;
        };
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        all.extend(paths.iter().filter_map(|path| std::fs::read(path).ok()));
    }
    all
}
