//! Facts of Rust projects, through cargo.

#![allow(
    clippy::disallowed_methods,
    reason = "looks whether files are there; what is read goes through `read::bytes`"
)]

use std::{collections::BTreeSet, ffi::OsStr, fs, path::Path};

use cargo_metadata::{Metadata, MetadataCommand, Package, TargetKind};

use super::{Facts, ProjectKind, TemplateError, read, repo};
use rpmkit_host::{HostCommand, Tool};
use rpmkit_vcs::CommandEnv;

pub(super) fn inspect(dir: &Path, host: &CommandEnv) -> Result<Facts, TemplateError> {
    let manifest = dir.join("Cargo.toml");
    // cargo's message about a manifest it cannot parse is a picture; ours is a line.
    read::toml(&manifest)?;
    let metadata = metadata(&manifest, host)?;
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
    if facts.vendored && fs::symlink_metadata(dir.join("Cargo.lock")).is_ok() {
        facts
            .crates
            .push_str(&git_sources(&read::toml(&dir.join("Cargo.lock"))?));
    }
    // The archive of crates brings the lock file of a project that keeps none.
    facts.locked =
        facts.vendored || (dir.join("Cargo.lock").exists() && !repo::ignored(dir, "Cargo.lock"));
    Ok(facts)
}

/// What tells cargo that crates from git repositories are in the archive too, by a lock file's `source`
/// fields: `git+URL?branch=NAME#COMMIT`.
fn git_sources(lock: &toml::Table) -> String {
    let packages = lock.get("package").and_then(toml::Value::as_array);
    let sources: BTreeSet<&str> = packages
        .into_iter()
        .flatten()
        .filter_map(|package| package.get("source")?.as_str())
        .filter(|source| source.starts_with("git+"))
        .map(|source| source.split('#').next().unwrap_or(source))
        .collect();
    let quoted = |text: &str| toml::Value::from(text).to_string();
    let mut out = String::new();
    for source in sources {
        let (url, query) = source.split_once('?').unwrap_or((source, ""));
        let url = url.trim_start_matches("git+");
        out.push_str(&format!(
            "\n\n[source.{}]\ngit = {}\n",
            quoted(source),
            quoted(url)
        ));
        for (key, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            if ["branch", "tag", "rev"].contains(&key) {
                out.push_str(&format!("{key} = {}\n", quoted(value)));
            }
        }
        out.push_str("replace-with = \"vendored-sources\"");
    }
    out
}

fn metadata(manifest: &Path, host: &CommandEnv) -> Result<Metadata, TemplateError> {
    let failed = |reason: &dyn std::fmt::Display| TemplateError::Cargo {
        path: manifest.to_owned(),
        reason: words(&reason.to_string()),
    };
    // Outside the project: settings in it (`.cargo/config.toml`, `rust-toolchain.toml`) name programs.
    let ended = HostCommand::new(Tool::Vendor, "cargo", &host.env)
        .map_err(|error| TemplateError::read(manifest, error))?
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .args([OsStr::new("--manifest-path"), manifest.as_os_str()])
        .output()
        .map_err(|error| failed(&error))?;
    if !ended.status.success() {
        return Err(failed(&String::from_utf8_lossy(&ended.stderr)));
    }
    MetadataCommand::parse(String::from_utf8_lossy(&ended.stdout)).map_err(|error| failed(&error))
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

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::disallowed_methods,
        clippy::disallowed_types
    )]

    #[test]
    fn crates_of_git_come_from_the_archive_too() {
        let lock = "[[package]]\nname = 'a'\nsource = 'registry+https://h'\n\
                    [[package]]\nname = 'b'\nsource = 'git+https://h/b?branch=x#0a'\n\
                    [[package]]\nname = 'c'\nsource = 'git+https://h/b?branch=x#0a'\n";
        assert_eq!(
            super::git_sources(&lock.parse().unwrap()),
            "\n\n[source.\"git+https://h/b?branch=x\"]\ngit = \"https://h/b\"\nbranch = \"x\"\n\
             replace-with = \"vendored-sources\""
        );
    }
}
