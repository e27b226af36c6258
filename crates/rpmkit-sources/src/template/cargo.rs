//! Facts of Rust projects, through cargo.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use cargo_metadata::{Metadata, MetadataCommand, Package, TargetKind};

use super::{Facts, ProjectKind, TemplateError, read, repo};
use rpmkit_types::event::Events;
use rpmkit_vcs::{
    ArchiveOptions, CommandEnv,
    archive::{DirTimes, archive_dir},
};

/// When cargo itself dates the files in its packages: 2006-07-24. One time for all makes the bytes
/// of an archive depend on their content alone.
const MTIME: i64 = 1_153_704_088;

/// The host's cargo.
#[derive(Debug, Clone)]
pub struct CargoTool {
    /// The program.
    pub program: PathBuf,
}

pub(super) fn inspect(dir: &Path, tool: &CargoTool) -> Result<Facts, TemplateError> {
    let manifest = dir.join("Cargo.toml");
    // cargo's message about a manifest it cannot parse is a picture; ours is a line.
    read::toml(&manifest)?;
    let metadata = metadata(&manifest, dir, tool)?;
    same_place(dir, &metadata)?;
    inside(&metadata)?;
    let chosen = Chosen::of(&metadata).ok_or_else(|| TemplateError::NoBinary {
        path: manifest.clone(),
    })?;
    let main = chosen.main;
    let mut facts = Facts::new(ProjectKind::Rust);
    facts.name = chosen.name(&metadata);
    facts.library = chosen.library;
    facts.version = main.version.to_string();
    facts.summary = main.description.clone().unwrap_or_default();
    facts.description = facts.summary.clone();
    facts.license = main
        .license
        .clone()
        // The old way to write a choice.
        .map(|license| license.replace('/', " OR "))
        .unwrap_or_default();
    facts.url = main
        .homepage
        .clone()
        .or_else(|| main.repository.clone())
        .unwrap_or_default();
    facts.toolchain = main
        .rust_version
        .as_ref()
        .map(ToString::to_string)
        .unwrap_or_default();
    facts.binaries = chosen
        .packages
        .iter()
        .flat_map(|one| programs(one))
        .collect();
    facts.binaries.sort();
    facts.binaries.dedup();
    if metadata.root_package().is_none() || metadata.workspace_packages().len() > 1 {
        facts.members = chosen
            .packages
            .iter()
            .map(|package| package.name.to_string())
            .collect();
    }
    facts.has_vendor = dir.join("vendor").is_dir();
    let external = metadata.workspace_packages().iter().any(|package| {
        package
            .dependencies
            .iter()
            .any(|dependency| dependency.path.is_none())
    });
    facts.vendored = external && !facts.has_vendor;
    // The archive of crates brings the lock file of a project that keeps none.
    facts.locked =
        facts.vendored || (dir.join("Cargo.lock").exists() && !repo::ignored(dir, "Cargo.lock"));
    Ok(facts)
}

fn metadata(manifest: &Path, dir: &Path, tool: &CargoTool) -> Result<Metadata, TemplateError> {
    MetadataCommand::new()
        .cargo_path(&tool.program)
        .manifest_path(manifest)
        .current_dir(dir)
        .no_deps()
        .other_options(["--offline".to_owned()])
        .exec()
        .map_err(|error| {
            let text = match &error {
                cargo_metadata::Error::CargoMetadata { stderr } => stderr.clone(),
                other => other.to_string(),
            };
            TemplateError::Cargo {
                path: manifest.to_owned(),
                reason: words(&text),
            }
        })
}

/// cargo's chain of causes on one line, without its drawings.
fn words(text: &str) -> String {
    let lines: Vec<&str> = text
        .lines()
        .map(|line| line.trim().trim_start_matches("error: "))
        .filter(|line| !line.is_empty() && *line != "Caused by:")
        .filter(|line| !line.contains('|') && !line.starts_with("note:"))
        .collect();
    lines.join(": ")
}

/// A member of a workspace cannot be built without the rest of it.
fn same_place(dir: &Path, metadata: &Metadata) -> Result<(), TemplateError> {
    let (here, root) = (
        fs::canonicalize(dir).unwrap_or_else(|_| dir.to_owned()),
        metadata.workspace_root.as_std_path(),
    );
    if here == fs::canonicalize(root).unwrap_or_else(|_| root.to_owned()) {
        return Ok(());
    }
    Err(TemplateError::Member {
        path: dir.to_owned(),
        workspace: root.to_owned(),
    })
}

/// What is not in the tree will not be in the archive made of it.
fn inside(metadata: &Metadata) -> Result<(), TemplateError> {
    for package in metadata.workspace_packages() {
        for dependency in &package.dependencies {
            if let Some(path) = &dependency.path
                && !path.starts_with(&metadata.workspace_root)
            {
                return Err(TemplateError::Outside {
                    path: package.manifest_path.clone().into_std_path_buf(),
                    name: dependency.name.clone(),
                    dependency: path.clone().into_std_path_buf(),
                });
            }
        }
    }
    Ok(())
}

fn programs(package: &Package) -> Vec<String> {
    package
        .targets
        .iter()
        .filter(|target| target.kind.contains(&TargetKind::Bin))
        .map(|target| target.name.clone())
        .collect()
}

/// What of a workspace is packaged.
struct Chosen<'m> {
    main: &'m Package,
    packages: Vec<&'m Package>,
    library: bool,
}

impl<'m> Chosen<'m> {
    fn of(metadata: &'m Metadata) -> Option<Self> {
        let members = metadata.workspace_packages();
        if let Some(root) = metadata
            .root_package()
            .filter(|root| !programs(root).is_empty())
        {
            return Some(Self {
                main: root,
                packages: vec![root],
                library: false,
            });
        }
        // Programs that only help to develop are not meant for anybody else.
        let meant = |package: &&&Package| {
            let published = package.publish.as_ref().is_none_or(|list| !list.is_empty());
            !programs(package).is_empty()
                && package.name.as_str() != "xtask"
                && (published || members.len() == 1)
        };
        let mut packages: Vec<&Package> = members.iter().filter(meant).copied().collect();
        if packages.is_empty() {
            // Nothing of a private workspace is published, and its programs are meant after all.
            packages = members
                .iter()
                .filter(|package| !programs(package).is_empty() && package.name.as_str() != "xtask")
                .copied()
                .collect();
        }
        let titles = titles(metadata);
        if let Some(first) = packages.first().copied() {
            let main = packages
                .iter()
                .find(|package| titles.iter().any(|title| title == package.name.as_str()))
                .copied()
                .unwrap_or(first);
            return Some(Self {
                main,
                packages,
                library: false,
            });
        }
        let library = metadata.root_package().filter(|root| {
            root.targets.iter().any(|target| {
                [TargetKind::Lib, TargetKind::RLib, TargetKind::ProcMacro]
                    .iter()
                    .any(|kind| target.kind.contains(kind))
            })
        })?;
        Some(Self {
            main: library,
            packages: vec![library],
            library: true,
        })
    }

    /// Several programs that none of the names stands for go by the workspace's.
    fn name(&self, metadata: &Metadata) -> String {
        let titles = titles(metadata);
        let own = self.main.name.to_string();
        if self.packages.len() < 2 || titles.contains(&own) {
            return own;
        }
        titles.into_iter().next().unwrap_or(own)
    }
}

/// What a workspace is called: as its repository, or as its directory.
fn titles(metadata: &Metadata) -> Vec<String> {
    let root = metadata.workspace_root.as_std_path();
    let page = metadata
        .workspace_packages()
        .iter()
        .find_map(|package| package.repository.clone())
        .or_else(|| repo::url(root));
    let last = page
        .as_deref()
        .map(|page| page.trim_end_matches('/').trim_end_matches(".git"))
        .and_then(|page| page.rsplit('/').next())
        .map(str::to_owned);
    let dir = root
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    last.into_iter()
        .chain(dir)
        .filter(|name| !name.is_empty())
        .collect()
}

/// Vendors the crates of `dir` and writes them as `vendor/…` to `dest`, the same bytes every time;
/// with them the lock file, if the project has none. Answers with the configuration that tells
/// cargo to use them. May use the network, as cargo does.
///
/// # Errors
/// When cargo is missing or fails, or `dest` cannot be written.
pub fn vendor_archive(
    dir: &Path,
    dest: &Path,
    host: &CommandEnv,
    events: &Events,
) -> Result<String, TemplateError> {
    let scratch = tempfile::tempdir().map_err(|error| TemplateError::read(dest, error))?;
    let vendor = scratch.path().join("vendor");
    let lock = dir.join("Cargo.lock");
    let locked = lock.exists();
    let mut argv = ["cargo", "vendor", "--versioned-dirs"]
        .map(str::to_owned)
        .to_vec();
    if locked {
        argv.push("--locked".to_owned());
    }
    argv.push(vendor.display().to_string());
    let said = host.output(&argv, dir, events)?;
    if !locked || repo::ignored(dir, "Cargo.lock") {
        let copy = scratch.path().join("Cargo.lock");
        fs::copy(&lock, &copy).map_err(|error| TemplateError::read(&lock, error))?;
    }
    if !locked {
        // Made by cargo just now; the project itself is left as it was.
        fs::remove_file(&lock).map_err(|error| TemplateError::read(&lock, error))?;
    }
    archive_vendored(scratch.path(), dest)?;
    let said = String::from_utf8_lossy(&said);
    Ok(said
        .replace(&vendor.display().to_string(), "vendor")
        .trim()
        .to_owned())
}

/// Vendors the modules of a Go project, likewise.
///
/// # Errors
/// When there is no `go` or it fails, or `dest` cannot be written.
pub fn go_vendor_archive(
    dir: &Path,
    dest: &Path,
    host: &CommandEnv,
    events: &Events,
) -> Result<(), TemplateError> {
    let scratch = tempfile::tempdir().map_err(|error| TemplateError::read(dest, error))?;
    let vendor = scratch.path().join("vendor");
    let argv = ["go", "mod", "vendor", "-o"].map(str::to_owned).to_vec();
    let argv: Vec<String> = argv
        .into_iter()
        .chain([vendor.display().to_string()])
        .collect();
    host.run(&argv, dir, events)?;
    archive_vendored(scratch.path(), dest)
}

/// The archive of what was vendored into `dir`: the same bytes for the same content.
fn archive_vendored(dir: &Path, dest: &Path) -> Result<(), TemplateError> {
    let times = DirTimes::Each(HashMap::new(), MTIME);
    archive_dir(dir, dest, &ArchiveOptions::with_prefix(""), &times, false)?;
    Ok(())
}
