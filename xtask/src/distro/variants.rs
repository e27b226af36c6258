//! Packages that show one thing each, as specs of ours (`xtask/data/variants`), written by the suite's own rpmbuild:
//! accounts of sysusers.d, triggers, scripts that fail, weak and rich dependencies, files of every kind, versions,
//! two architectures at once, streams of a module, and every kind of signature.
//!
//! ```text
//! zst, gz, signed    have all but the last two
//! modular/           the streams, with modules.yaml
//! signatures/        one package per kind of signature, and keys/ that made them; see [`super::signatures`]
//! ```

use std::path::Path;

use anyhow::{Context, Result};

use super::native::Native;
use super::{jobs, repodata, root::Root};

/// One build of a spec.
#[derive(Debug, Clone, Copy)]
pub struct Build {
    /// For messages.
    pub name: &'static str,
    /// The spec.
    pub text: &'static str,
    /// Value of its macro `of`, if it has one.
    pub of: Option<&'static str>,
    /// The architecture where it is not the machine's.
    pub arch: Option<&'static str>,
}

/// Reads a spec of ours.
macro_rules! build {
    ($name:literal) => {
        build!($name, None, None)
    };
    ($name:literal, $of:literal) => {
        build!($name, Some($of), None)
    };
    ($name:literal, $of:expr, $arch:expr) => {
        Build {
            name: $name,
            text: include_str!(concat!("../../data/variants/", $name, ".spec")),
            of: $of,
            arch: $arch,
        }
    };
}

/// Those every repository has.
const EVERYWHERE: &[Build] = &[
    build!("accounts"),
    build!("triggers"),
    build!("swap", "1"),
    build!("swap", "2"),
    build!("weak"),
    build!("files"),
    build!("failing"),
    build!("versions", "1.0~rc1"),
    build!("versions", "1.0"),
    build!("versions", "1.0^post1"),
    build!("multilib"),
];

/// The other architecture of the same machine, where there is one.
const MULTILIB: Build = build!("multilib", None, Some("i686"));

const STREAMS: &[Build] = &[build!("stream", "1"), build!("stream", "2")];

/// Of one package for one kind of signature.
pub const SIGNED: Build = build!("signed");

const MODULES: &str = include_str!("../../data/variants/modules.yaml");

/// Texts of all specs, for the recipe.
pub fn texts() -> impl Iterator<Item = &'static &'static str> {
    EVERYWHERE
        .iter()
        .chain(STREAMS)
        .map(|build| &build.text)
        .chain([&MODULES, &SIGNED.text, &super::signatures::SCRIPT])
}

/// Writes those that belong into every repository.
pub fn write(
    native: &Native<'_>,
    arch: &str,
    format: impl Fn(usize) -> Option<u8> + Sync,
    target: &Path,
) -> Result<()> {
    let mut builds = EVERYWHERE.to_vec();
    if arch == "x86_64" {
        builds.push(MULTILIB);
    }
    let builds: Vec<(usize, Build)> = builds.into_iter().enumerate().collect();
    jobs::parallel("packages that show things", &builds, |(index, build)| {
        native.build(build, format(*index), target)
    })
    .map(drop)
}

/// Writes the repository with a module in two streams.
pub fn modular(native: &Native<'_>, root: &Root, repository: &Path, comps: &str) -> Result<()> {
    let packages = repository.join("Packages");
    std::fs::create_dir_all(&packages)?;
    for build in STREAMS {
        native.build(build, None, &packages)?;
    }
    repodata::of(Some(root), repository, repodata::Packing::Zstd, comps)?;
    std::fs::write(repository.join("modules.yaml"), MODULES)?;
    root.run(
        &[(repository, "/repository")],
        &[
            "modifyrepo_c",
            "--mdtype=modules",
            "/repository/modules.yaml",
            "/repository/repodata",
        ],
    )
    .map(drop)
    .context("cannot add modules to the metadata")
}
