//! `cargo xtask own-srpm`: what rpmkit's own source package needs besides the tree.
//!
//! `packaging/rpmkit.spec` is an ordinary spec, so `rpmkit srpm` and `rpmkit build` in this
//! repository make rpmkit's packages, vendored crates included. Where they run without cargo (or
//! something else than rpmkit builds the package) the archive of crates has to lie beside the
//! spec, where git ignores it: this makes it, the same bytes for the same `Cargo.lock`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use walkdir::WalkDir;

/// The time every vendored file gets: what cargo itself writes into its packages.
const MTIME: u64 = 1_153_704_088;

/// Compression: vendored crates are large, and made for one machine.
const ZSTD_LEVEL: i32 = 6;

/// The workspace's version, which the spec has to have too.
pub fn check_version(root: &Path) -> Result<String> {
    let metadata = cargo_metadata::MetadataCommand::new()
        .manifest_path(root.join("Cargo.toml"))
        .no_deps()
        .exec()
        .context("cannot read the workspace")?;
    let version = metadata
        .packages
        .iter()
        .find(|package| package.name.as_str() == "rpmkit")
        .map(|package| package.version.to_string())
        .context("the workspace has no package `rpmkit`")?;
    let spec = root.join("packaging/rpmkit.spec");
    let text =
        fs::read_to_string(&spec).with_context(|| format!("cannot read `{}`", spec.display()))?;
    let written = text
        .lines()
        .find_map(|line| line.strip_prefix("Version:"))
        .unwrap_or_default()
        .trim();
    if written != version {
        bail!(
            "`{}` has version {written}, the workspace {version}",
            spec.display()
        );
    }
    Ok(version)
}

/// Vendors the crates of the workspace and writes the archive. Gives its path.
pub fn prepare(root: &Path) -> Result<PathBuf> {
    let version = check_version(root)?;
    let packaging = root.join("packaging");
    let scratch = tempfile::tempdir().context("cannot make a temporary directory")?;
    let vendor = scratch.path().join("vendor");
    let status = Command::new("cargo")
        .args(["vendor", "--quiet", "--locked", "--versioned-dirs"])
        .arg(&vendor)
        .current_dir(root)
        .stdout(std::process::Stdio::null())
        .status()
        .context("cannot run `cargo vendor`")?;
    if !status.success() {
        bail!("`cargo vendor` failed: {status}");
    }
    let dest = packaging.join(format!("rpmkit-{version}-vendor.tar.zst"));
    let part = dest.with_extension("zst.part");
    write(&vendor, &part)?;
    fs::rename(&part, &dest).with_context(|| format!("cannot create `{}`", dest.display()))?;
    Ok(dest)
}

/// Sorted, owner 0, one time for all: the same crates give the same bytes.
fn write(vendor: &Path, dest: &Path) -> Result<()> {
    let file =
        fs::File::create(dest).with_context(|| format!("cannot create `{}`", dest.display()))?;
    let mut tar = tar::Builder::new(zstd::stream::write::Encoder::new(file, ZSTD_LEVEL)?);
    for entry in WalkDir::new(vendor).sort_by_file_name() {
        let entry = entry?;
        let relative = entry.path().strip_prefix(vendor)?;
        let path = Path::new("vendor").join(relative);
        let data = entry.metadata()?;
        let mut header = tar::Header::new_gnu();
        header.set_mtime(MTIME);
        header.set_uid(0);
        header.set_gid(0);
        if data.is_dir() {
            header.set_entry_type(tar::EntryType::Directory);
            header.set_mode(0o755);
            header.set_size(0);
            tar.append_data(&mut header, path.join(""), std::io::empty())?;
        } else if data.is_file() {
            let executable = std::os::unix::fs::PermissionsExt::mode(&data.permissions()) & 0o100;
            header.set_mode(if executable != 0 { 0o755 } else { 0o644 });
            header.set_size(data.len());
            tar.append_data(&mut header, path, fs::File::open(entry.path())?)?;
        }
    }
    tar.into_inner()?.finish()?;
    Ok(())
}
