//! Facts of Rust projects, through cargo.

use std::path::{Path, PathBuf};

use cargo_metadata::{MetadataCommand, Package, TargetKind};

use super::{Facts, Kind, TemplateError};
use crate::{
    Events,
    scm::{
        ArchiveOptions, Host,
        archive::{DirTimes, archive_dir},
    },
};

/// The host's cargo.
#[derive(Debug, Clone)]
pub struct CargoTool {
    /// The program.
    pub program: PathBuf,
}

pub(super) fn inspect(dir: &Path, tool: &CargoTool) -> Result<Facts, TemplateError> {
    let manifest = dir.join("Cargo.toml");
    let metadata = MetadataCommand::new()
        .cargo_path(&tool.program)
        .manifest_path(&manifest)
        .current_dir(dir)
        .no_deps()
        .other_options(["--offline".to_owned()])
        .exec()
        .map_err(|error| TemplateError::read(&manifest, error))?;
    let programs = |package: &Package| -> Vec<String> {
        package
            .targets
            .iter()
            .filter(|target| target.kind.contains(&TargetKind::Bin))
            .map(|target| target.name.clone())
            .collect()
    };
    // Programs that only help to develop are not meant for anybody else.
    let with_programs: Vec<&Package> = metadata
        .workspace_packages()
        .into_iter()
        .filter(|package| !programs(package).is_empty() && !package.name.starts_with("xtask"))
        .collect();
    let root = metadata
        .root_package()
        .filter(|package| !programs(package).is_empty());
    let Some(main) = root.or_else(|| with_programs.first().copied()) else {
        return Err(TemplateError::NoBinary { path: manifest });
    };
    let packages = match root {
        Some(root) => vec![root],
        None => with_programs.clone(),
    };
    let mut facts = Facts::new(Kind::Rust);
    let workspace = metadata.workspace_root.file_name().unwrap_or_default();
    // Several programs in a workspace go by the workspace's name if a crate has that name, or
    // else by the first's.
    let named = packages
        .iter()
        .find(|package| package.name.as_str() == workspace)
        .copied()
        .unwrap_or(main);
    facts.name = named.name.to_string();
    facts.version = named.version.to_string();
    facts.summary = named.description.clone().unwrap_or_default();
    facts.description = facts.summary.clone();
    facts.license = named
        .license
        .clone()
        // The old way to write a choice.
        .map(|license| license.replace('/', " OR "))
        .unwrap_or_default();
    facts.url = named
        .homepage
        .clone()
        .or_else(|| named.repository.clone())
        .unwrap_or_default();
    facts.binaries = packages.iter().copied().flat_map(programs).collect();
    facts.binaries.sort();
    facts.binaries.dedup();
    if root.is_none() || metadata.workspace_packages().len() > 1 {
        facts.members = packages
            .iter()
            .map(|package| package.name.to_string())
            .collect();
    }
    facts.locked = dir.join("Cargo.lock").exists();
    facts.has_vendor = dir.join("vendor").is_dir();
    let external = metadata.workspace_packages().iter().any(|package| {
        package
            .dependencies
            .iter()
            .any(|dependency| dependency.path.is_none())
    });
    facts.vendored = external && !facts.has_vendor;
    Ok(facts)
}

/// Vendors the crates of `dir` and writes them as `vendor/…` to `dest`, the same bytes every time.
/// May use the network, as cargo does.
///
/// # Errors
/// When cargo is missing or fails, or `dest` cannot be written.
pub fn vendor_archive(
    dir: &Path,
    dest: &Path,
    host: &Host,
    events: &Events,
) -> Result<(), TemplateError> {
    let scratch = tempfile::tempdir().map_err(|error| TemplateError::read(dest, error))?;
    let vendor = scratch.path().join("vendor");
    let argv = [
        "cargo".to_owned(),
        "vendor".to_owned(),
        "--quiet".to_owned(),
        "--versioned-dirs".to_owned(),
        vendor.display().to_string(),
    ];
    host.output(&argv, dir, events)?;
    let options = ArchiveOptions::with_prefix("vendor");
    // Crates carry no times worth keeping: one and the same for all makes the bytes depend on
    // their content alone. 2006-07-24 is when cargo itself dates files in its packages.
    let times = DirTimes::Each(std::collections::HashMap::new(), 1_153_704_088);
    archive_dir(&vendor, dest, &options, &times, false)?;
    Ok(())
}
