//! `cargo xtask licences`: every dependency may be distributed as part of an MIT-licensed program.
//!
//! Judged by what the crates' manifests declare. One carries more than it declares: the C code in
//! `libgit2-sys` is under the GPL with an exception for linking, which allows it here.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use cargo_metadata::MetadataCommand;
use spdx::{Expression, LicenseReq, ParseMode};

/// Licences without conditions that a binary package could not meet.
const ALLOWED: [&str; 14] = [
    "0BSD",
    "Apache-2.0",
    "BSD-1-Clause",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "bzip2-1.0.6",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Unicode-DFS-2016",
    "Zlib",
];

/// Checks the lock file's packages; gives how many there are.
pub fn check(root: &Path) -> Result<usize> {
    let metadata = MetadataCommand::new()
        .manifest_path(root.join("Cargo.toml"))
        .other_options(["--locked".to_owned()])
        .exec()
        .context("cannot ask cargo for the dependencies")?;
    let mut wrong = Vec::new();
    for package in &metadata.packages {
        let verdict = match &package.license {
            Some(text) => judge(text),
            None => Err("declares no licence".to_owned()),
        };
        if let Err(why) = verdict {
            wrong.push(format!("{} {}: {why}", package.name, package.version));
        }
    }
    ensure!(
        wrong.is_empty(),
        "licences that do not fit (see xtask/src/licences.rs):\n  {}",
        wrong.join("\n  ")
    );
    Ok(metadata.packages.len())
}

fn judge(text: &str) -> std::result::Result<(), String> {
    // Old manifests write `MIT/Apache-2.0`.
    let expression = Expression::parse_mode(text, ParseMode::LAX)
        .map_err(|e| format!("`{text}` is no licence expression: {}", e.reason))?;
    if expression.evaluate(allowed) {
        Ok(())
    } else {
        Err(format!("`{text}` is not allowed"))
    }
}

fn allowed(licence: &LicenseReq) -> bool {
    licence
        .license
        .id()
        .is_some_and(|id| ALLOWED.contains(&id.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_way_to_comply_is_enough_and_all_of_an_and_are_needed() {
        for good in [
            "MIT",
            "MIT/Apache-2.0",
            "LGPL-2.1-or-later OR MIT",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception",
        ] {
            assert_eq!(judge(good), Ok(()), "{good}");
        }
        for bad in ["GPL-3.0-only", "MIT AND AGPL-3.0-only", "my own"] {
            assert!(judge(bad).is_err(), "{bad}");
        }
    }
}
