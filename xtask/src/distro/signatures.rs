//! One package for every kind of signature, the keys, and what the suite's own rpm makes of each.
//!
//! ```text
//! signatures/Packages/testdist-signed-KIND-…  one package each; `-v4` are those in format 4 where 6 is the default
//! signatures/keys/KIND.asc                    certificates; the one of `unknown` is left out
//! signatures/verified                         `rpmkeys -Kv` of every package with all keys and `_pkgverify_level all`
//! ```
//!
//! | kind | signed by |
//! |---|---|
//! | `rsa` | the primary key of an RSA certificate |
//! | `ed25519` | an Ed25519 subkey, as sq makes certificates |
//! | `subkey` | an RSA subkey |
//! | `v6key` | a certificate of OpenPGP v6; only where rpm can sign with one (6 and later) |
//! | `expired` | a key that was good then and has expired since |
//! | `revoked` | a key that has been revoked since |
//! | `unknown` | a key nobody has |
//! | `two` | two keys; before rpm 6 the second over header and payload |
//! | `half` | two keys, one of which nobody has (rpm 6 and later) |
//! | `none` | nobody |

use std::path::Path;

use anyhow::{Context, Result};

use super::native::Native;
use super::suites::Profile;
use super::variants::{self, Build};
use super::{repodata, root::Root};

/// Makes keys, signs and asks rpm; run by the shell of the root.
pub const SCRIPT: &str = include_str!("../../data/variants/sign.sh");

/// Kinds every rpm can make.
const KINDS: &[&str] = &[
    "rsa", "ed25519", "subkey", "expired", "revoked", "unknown", "two", "none",
];

/// Kinds of packages in format 6, and of the same rpm's packages in format 4.
const KINDS_OF_6: &[&str] = &[
    "v6key",
    "half",
    "rsa-v4",
    "ed25519-v4",
    "v6key-v4",
    "two-v4",
];

/// Kinds a suite has.
fn kinds(profile: &Profile) -> impl Iterator<Item = &'static str> {
    let more = if profile.formats.contains(&6) {
        KINDS_OF_6
    } else {
        &[]
    };
    KINDS.iter().chain(more).copied()
}

/// Names of the certificates a suite has; none where it has no packages like these.
pub fn keys(profile: &Profile) -> impl Iterator<Item = &'static str> {
    let all: &[&str] = match (profile.tools, profile.formats.contains(&6)) {
        ([], _) => &[],
        (_, true) => &[
            "rsa", "ed25519", "subkey", "second", "expired", "revoked", "v6key",
        ],
        (_, false) => &["rsa", "ed25519", "subkey", "second", "expired", "revoked"],
    };
    all.iter().copied()
}

/// Writes the repository `repository`.
pub fn make(
    native: &Native<'_>,
    root: &Root,
    profile: &Profile,
    repository: &Path,
    comps: &str,
) -> Result<()> {
    let packages = repository.join("Packages");
    std::fs::create_dir_all(&packages)?;
    for kind in kinds(profile) {
        let build = Build {
            of: Some(kind),
            ..variants::SIGNED
        };
        let format = profile
            .formats
            .contains(&6)
            .then(|| if kind.ends_with("-v4") { 4 } else { 6 });
        native.build(&build, format, &packages)?;
    }
    root.run(
        &[(repository, "/signatures")],
        &["sh", "-c", SCRIPT, "sign.sh", profile.name],
    )
    .context("cannot sign packages in every way there is")?;
    repodata::of(Some(root), repository, repodata::Packing::Zstd, comps)
}
