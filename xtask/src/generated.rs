//! `cargo xtask completions` and `cargo xtask man`: what is made from the definitions of the
//! arguments. This program cannot link them (it must build before cmake is there), so it builds
//! `rpmkit` and lets that write them.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

/// The parts of what is generated: where `rpmkit` writes it, and where it belongs in the workspace.
pub const COMPLETIONS: &[(&str, &str)] = &[
    ("bash", "completions/bash"),
    ("zsh", "completions/zsh"),
    ("fish", "completions/fish"),
];
/// Man pages, and the page of documentation that is a table of the code's.
pub const MAN: &[(&str, &str)] = &[("man", "completions/man"), ("docs", "docs")];

/// Brings `parts` up to date, or with `check` fails when they are not.
pub fn update(root: &Path, target: &Path, parts: &[(&str, &str)], check: bool) -> Result<()> {
    let program = build(root, target)?;
    let fresh = tempfile::tempdir().context("cannot make a temporary directory")?;
    let status = Command::new(&program)
        .arg("__generate")
        .arg(fresh.path())
        .status()
        .with_context(|| format!("cannot run `{}`", program.display()))?;
    if !status.success() {
        bail!("`{} __generate` failed: {status}", program.display());
    }
    let mut stale = Vec::new();
    for (from, to) in parts {
        let wanted = files(&fresh.path().join(from))?;
        let dir = root.join(to);
        // Only directories that hold nothing else may lose files.
        let ours = to.starts_with("completions/");
        let present = if dir.is_dir() {
            files(&dir)?
        } else {
            BTreeMap::new()
        };
        for (name, bytes) in &wanted {
            if present.get(name) != Some(bytes) {
                stale.push(format!("{to}/{name}"));
                if !check {
                    fs::create_dir_all(&dir)
                        .and_then(|()| fs::write(dir.join(name), bytes))
                        .with_context(|| format!("cannot write `{to}/{name}`"))?;
                }
            }
        }
        for name in present
            .keys()
            .filter(|name| ours && !wanted.contains_key(*name))
        {
            stale.push(format!("{to}/{name} (no longer made)"));
            if !check {
                fs::remove_file(dir.join(name))
                    .with_context(|| format!("cannot remove `{to}/{name}`"))?;
            }
        }
    }
    if check && !stale.is_empty() {
        bail!(
            "stale: {}\nrun `cargo xtask completions` and `cargo xtask man`, and commit what they write",
            stale.join(", ")
        );
    }
    Ok(())
}

/// Builds `rpmkit` and says where it is.
fn build(root: &Path, target: &Path) -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--quiet", "--package", "rpmkit"])
        .current_dir(root)
        .status()
        .context("cannot run cargo")?;
    if !status.success() {
        bail!("`rpmkit` does not build");
    }
    Ok(target.join("debug/rpmkit"))
}

/// Names and contents of the files in a directory.
fn files(dir: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let list = fs::read_dir(dir).with_context(|| format!("cannot list `{}`", dir.display()))?;
    let mut found = BTreeMap::new();
    for entry in list {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|n| n.to_str()) else {
            continue;
        };
        if path.is_file() && name != ".gitkeep" {
            let bytes =
                fs::read(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
            found.insert(name.to_owned(), bytes);
        }
    }
    Ok(found)
}
