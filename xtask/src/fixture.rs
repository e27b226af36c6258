//! `cargo xtask fixture NAME DIR`: a git checkout of a real upstream project with a spec of ours in it.
//!
//! The source is what the host's apt has as source package; the specs and patches lie in `tests/fixtures/NAME`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use clap::ValueEnum;

use crate::distro::Apt;

/// A project that can be laid out.
pub struct Fixture {
    /// Directory below `tests/fixtures`.
    pub name: &'static str,
    /// Debian source package.
    pub source: &'static str,
    /// What it is there for.
    pub about: &'static str,
    /// Whether its build is meant to fail.
    pub fails: bool,
}

/// All of them.
pub const ALL: &[Fixture] = &[
    Fixture {
        name: "hello",
        source: "hello",
        about: "autotools, translations, info pages, %check",
        fails: false,
    },
    Fixture {
        name: "jansson",
        source: "jansson",
        about: "autotools from autoreconf on, a library with -devel",
        fails: false,
    },
    Fixture {
        name: "cjson",
        source: "cjson",
        about: "CMake, ctest, a library with -devel",
        fails: false,
    },
    Fixture {
        name: "tree",
        source: "tree",
        about: "a plain Makefile",
        fails: false,
    },
    Fixture {
        name: "python-colorama",
        source: "python-colorama",
        about: "Python, dynamic BuildRequires, noarch",
        fails: false,
    },
    Fixture {
        name: "bash-completion",
        source: "bash-completion",
        about: "autotools, noarch, an epoch",
        fails: false,
    },
    Fixture {
        name: "figlet",
        source: "figlet",
        about: "a plain Makefile, a noarch part of a program",
        fails: false,
    },
    Fixture {
        name: "lz4",
        source: "lz4",
        about: "a plain Makefile, a program and its library",
        fails: false,
    },
    Fixture {
        name: "python-toml",
        source: "python-toml",
        about: "Python, setup.py and nothing else, noarch",
        fails: false,
    },
    Fixture {
        name: "hello-broken",
        source: "hello",
        about: "fails in %build: a patch breaks it",
        fails: true,
    },
];

/// How the checkout is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Style {
    /// The upstream tree with the spec in it: the source archive is to be made from the tree.
    Tree,
    /// Spec, patches and the upstream archive side by side, as in dist-git after fetching the sources.
    DistGit,
}

/// Lays out `name` in `dir`, which must not exist or be empty. `work` is where apt's state lies.
pub fn lay_out(name: &str, dir: &Path, style: Style, work: &Path) -> Result<()> {
    let fixture = ALL.iter().find(|one| one.name == name).with_context(|| {
        let names: Vec<&str> = ALL.iter().map(|one| one.name).collect();
        format!("no fixture `{name}`; there are: {}", names.join(", "))
    })?;
    let empty = !dir.exists() || fs::read_dir(dir)?.next().is_none();
    ensure!(
        empty,
        "`{}` is not empty: give a directory that does not exist yet",
        dir.display()
    );
    let archive = archive(fixture.source, work)?;
    let version = version(&archive)?;
    fs::create_dir_all(dir)?;
    if style == Style::Tree {
        unpack(&archive, dir)?;
    }
    let ours = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/fixtures")
        .join(name);
    for entry in fs::read_dir(&ours).with_context(|| format!("cannot read `{}`", ours.display()))? {
        let path = entry?.path();
        let Some(file) = path.file_name() else {
            continue;
        };
        if path.extension().is_some_and(|kind| kind == "spec") {
            let spec = with_version(&fs::read_to_string(&path)?, &version);
            if style == Style::DistGit {
                fs::copy(&archive, dir.join(source_name(&spec)?))?;
            }
            fs::write(dir.join(file), spec)?;
        } else {
            fs::copy(&path, dir.join(file))?;
        }
    }
    commit(dir, &format!("{name} {version}"))
}

/// The upstream archive, downloaded once.
fn archive(source: &str, work: &Path) -> Result<PathBuf> {
    let cache = work.join("sources").join(source);
    fs::create_dir_all(&cache)?;
    let found = |dir: &Path| -> Result<Option<PathBuf>> {
        for entry in fs::read_dir(dir)? {
            let path = entry?.path();
            let name = path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default();
            if name.contains(".orig.tar.") && !name.ends_with(".asc") {
                return Ok(Some(path));
            }
        }
        Ok(None)
    };
    if let Some(path) = found(&cache)? {
        return Ok(path);
    }
    let apt = Apt::new(&work.join("apt-sources"), true)?;
    apt.update()?;
    // Into a directory of its own first: what is in the cache is whole.
    let fresh = tempfile::tempdir_in(work)?;
    apt.source(source, fresh.path())?;
    let path = found(fresh.path())?
        .with_context(|| format!("source package `{source}` has no upstream archive"))?;
    let target = cache.join(path.file_name().unwrap_or_default());
    fs::rename(&path, &target)?;
    Ok(target)
}

/// `2.10` of `hello_2.10.orig.tar.gz`.
fn version(archive: &Path) -> Result<String> {
    let name = archive
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    name.split_once('_')
        .and_then(|(_, rest)| rest.split_once(".orig.tar."))
        .map(|(version, _)| version.to_owned())
        .with_context(|| format!("`{name}` names no version"))
}

/// The spec for the version apt has.
fn with_version(spec: &str, version: &str) -> String {
    spec.lines()
        .map(|line| match line.strip_prefix("Version:") {
            Some(rest) => format!(
                "Version:{}{version}\n",
                &rest[..rest.len() - rest.trim_start().len()]
            ),
            None => format!("{line}\n"),
        })
        .collect()
}

/// The file name `Source0` means.
fn source_name(spec: &str) -> Result<String> {
    let field = |key: &str| {
        spec.lines()
            .find_map(|line| line.strip_prefix(key))
            .map(str::trim)
    };
    let (Some(source), Some(name), Some(version)) =
        (field("Source0:"), field("Name:"), field("Version:"))
    else {
        bail!("the spec lacks a name, a version or a source");
    };
    Ok(source
        .replace("%{name}", name)
        .replace("%{version}", version))
}

/// Unpacks an archive without its single top directory.
fn unpack(archive: &Path, dir: &Path) -> Result<()> {
    let file = fs::File::open(archive)?;
    let reader: Box<dyn std::io::Read> = match archive.extension().and_then(|kind| kind.to_str()) {
        Some("gz") => Box::new(flate2::read::GzDecoder::new(file)),
        Some("xz") => Box::new(liblzma::read::XzDecoder::new(file)),
        Some("zst") => Box::new(zstd::Decoder::new(file)?),
        other => bail!(
            "`{}`: compression {other:?} is not known",
            archive.display()
        ),
    };
    let mut tar = tar::Archive::new(reader);
    for entry in tar.entries()? {
        let mut entry = entry?;
        let path: PathBuf = entry.path()?.components().skip(1).collect();
        if path.as_os_str().is_empty()
            || path
                .components()
                .any(|part| part == std::path::Component::ParentDir)
        {
            continue;
        }
        let target = dir.join(&path);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        entry
            .unpack(&target)
            .with_context(|| format!("cannot unpack `{}`", path.display()))?;
    }
    Ok(())
}

/// Makes `dir` a git repository with one commit of everything, ignored files included.
fn commit(dir: &Path, message: &str) -> Result<()> {
    let date = "2025-06-16T12:00:00Z";
    let git = |arguments: &[&str]| -> Result<()> {
        let output = Command::new("git")
            .arg("-C")
            .arg(dir)
            .args([
                "-c",
                "user.name=rpmkit",
                "-c",
                "user.email=rpmkit@localhost",
                "-c",
                "init.defaultBranch=main",
            ])
            .args([
                "-c",
                "core.autocrlf=false",
                "-c",
                "commit.gpgSign=false",
                "-c",
                "core.hooksPath=/dev/null",
            ])
            .args(arguments)
            .env("GIT_AUTHOR_DATE", date)
            .env("GIT_COMMITTER_DATE", date)
            .output()
            .context("cannot run `git`")?;
        let error = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success(),
            "`git {}` failed: {}",
            arguments.join(" "),
            error.trim()
        );
        Ok(())
    };
    git(&["init", "--quiet"])?;
    git(&["add", "--all", "--force"])?;
    git(&["commit", "--quiet", "--message", message])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_fixture_has_one_spec_that_names_its_source() {
        for fixture in ALL {
            let dir = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("../tests/fixtures")
                .join(fixture.name);
            let specs: Vec<PathBuf> = fs::read_dir(&dir)
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .filter(|path| path.extension().is_some_and(|kind| kind == "spec"))
                .collect();
            assert_eq!(specs.len(), 1, "{}", fixture.name);
            let text = with_version(&fs::read_to_string(&specs[0]).unwrap(), "9.9");
            assert!(
                source_name(&text).unwrap().contains("9.9"),
                "{}",
                fixture.name
            );
        }
    }

    #[test]
    fn versions_are_read_from_file_names() {
        assert_eq!(
            version(Path::new("/x/hello_2.10.orig.tar.gz")).unwrap(),
            "2.10"
        );
        assert!(version(Path::new("hello.tar.gz")).is_err());
        assert_eq!(
            with_version("Name: a\nVersion:   1\n", "2"),
            "Name: a\nVersion:   2\n"
        );
    }
}
