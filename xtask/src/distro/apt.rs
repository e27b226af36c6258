//! Debian packages through the host's own apt, with lists and caches of our own: it works where `apt-get update`
//! never ran, and for any user.
//!
//! The host's sources (one-line and deb822) are copied, so that a list of source packages can be asked for even
//! where the host has none configured.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use sha2::{Digest, Sha256};

use super::jobs;
use super::sources;
use super::suites::Suite;

/// apt with private state below a directory.
pub struct Apt {
    dir: PathBuf,
    config: PathBuf,
}

/// apt has the suite's lists, but what they say cannot be installed: a day on which a moving suite is broken.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Unavailable {
    reason: String,
}

impl std::fmt::Display for Unavailable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "apt cannot install the suite today: {}", self.reason)
    }
}

impl std::error::Error for Unavailable {}

impl Unavailable {
    /// Reads apt's message; `None` where it speaks of something else, such as the network.
    fn read(message: &str) -> Option<Self> {
        let unmet = [
            "unmet dependencies",
            "held broken packages",
            "no installation candidate",
            "Unable to satisfy dependencies",
        ];
        let line = message
            .lines()
            .find(|line| unmet.iter().any(|text| line.contains(text)))?;
        let detail = message
            .lines()
            .find(|line| line.contains(" : Depends:") || line.contains(" : PreDepends:"))
            .unwrap_or_default();
        Some(Self {
            reason: format!("{} {}", line.trim(), detail.trim())
                .trim_end()
                .to_owned(),
        })
    }
}

/// A package apt would install.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// File name in the archives directory.
    pub file: String,
    /// Size in bytes.
    pub size: u64,
    /// SHA-256 in hexadecimal, where the archive tells it.
    pub sha256: String,
}

impl Apt {
    /// Sets up below `dir` with the host's sources; `sources` adds lists of source packages.
    pub fn new(dir: &Path, sources: bool) -> Result<Self> {
        Self::with(dir, |etc| copy_sources(Path::new("/etc/apt"), etc, sources))
    }

    /// Sets up below `dir` for a suite: the host's sources where the host is of that suite and it is the one whose
    /// packages the host could install too, else the suite from the same archive.
    pub fn of_suite(dir: &Path, suite: Suite) -> Result<Self> {
        let host = sources::host_codename();
        if suite == Suite::Bookworm && host.as_deref().is_none_or(|name| name == "bookworm") {
            return Self::new(dir, false);
        }
        Self::with(dir, |etc| {
            let text =
                sources::for_suite(Path::new("/etc/apt"), host.as_deref(), suite.profile().name)?;
            std::fs::write(etc.join("sources.list"), "")?;
            std::fs::write(etc.join("sources.list.d/suite.sources"), &text)?;
            Ok(std::fs::write(etc.join("fingerprint"), text)?)
        })
    }

    /// As [`Self::of_suite`], for another machine, in Debian's word for it.
    pub fn of_machine(dir: &Path, suite: Suite, machine: &str) -> Result<Self> {
        let apt = Self::of_suite(dir, suite)?;
        let mut text = std::fs::read_to_string(&apt.config)?;
        text += &format!(
            "APT::Architecture \"{machine}\";\n#clear APT::Architectures;\n\
             APT::Architectures {{ \"{machine}\"; }};\n"
        );
        std::fs::write(&apt.config, text)?;
        Ok(apt)
    }

    fn with(dir: &Path, sources: impl FnOnce(&Path) -> Result<()>) -> Result<Self> {
        let dir = std::path::absolute(dir)?;
        for below in [
            "state/lists/partial",
            "cache/archives/partial",
            "etc/sources.list.d",
            "etc/parts",
        ] {
            std::fs::create_dir_all(dir.join(below))?;
        }
        std::fs::write(dir.join("status"), "")?;
        sources(&dir.join("etc"))?;
        let config = dir.join("apt.conf");
        std::fs::write(&config, configuration(&dir))?;
        Ok(Self { dir, config })
    }

    fn command(&self, tool: &str) -> Command {
        let mut command = Command::new(tool);
        command
            .arg("-c")
            .arg(&self.config)
            .env("LC_ALL", "C")
            .env("DEBIAN_FRONTEND", "noninteractive");
        command
    }

    fn run(&self, arguments: &[&str], words: &[String], cwd: Option<&Path>) -> Result<String> {
        let mut command = self.command("apt-get");
        command.args(arguments).args(words);
        if let Some(cwd) = cwd {
            command.current_dir(cwd);
        }
        let output = command
            .output()
            .context("cannot run `apt-get`: the test distribution is made of Debian packages")?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            let error = String::from_utf8_lossy(&output.stderr);
            if let Some(broken) = Unavailable::read(&format!("{text}\n{error}")) {
                return Err(broken.into());
            }
            bail!(
                "`apt-get {}` failed ({}):\n{}",
                arguments.join(" "),
                output.status,
                error.trim()
            );
        }
        Ok(text)
    }

    /// Fetches the package lists if they are missing or older than a day.
    pub fn update(&self) -> Result<()> {
        let stamp = self.dir.join("updated");
        let sources = std::fs::read(self.dir.join("etc/fingerprint")).unwrap_or_default();
        let fresh = std::fs::metadata(&stamp)
            .and_then(|meta| meta.modified())
            .is_ok_and(|time| {
                time.elapsed()
                    .is_ok_and(|age| age < Duration::from_secs(24 * 3600))
            });
        if fresh && std::fs::read(&stamp).is_ok_and(|text| text == sources) {
            return Ok(());
        }
        self.run(&["update", "--quiet"], &[], None)?;
        super::write_whole(&stamp, &sources)
    }

    /// `apt-cache madison`-like question: the names among `wanted` that apt knows.
    pub fn known(&self, wanted: &[&str]) -> Result<Vec<String>> {
        let output = self
            .command("apt-cache")
            .arg("pkgnames")
            .output()
            .context("cannot run `apt-cache`")?;
        ensure!(
            output.status.success(),
            "`apt-cache pkgnames` failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let text = String::from_utf8_lossy(&output.stdout);
        let all: std::collections::HashSet<&str> = text.lines().collect();
        Ok(wanted
            .iter()
            .filter(|name| all.contains(*name))
            .map(|name| (*name).to_owned())
            .collect())
    }

    /// Everything that installing `names` into an empty system would download.
    pub fn closure(&self, names: &[String]) -> Result<Vec<Item>> {
        let text = self.run(
            &["install", "--print-uris", "--quiet=2", "--reinstall"],
            names,
            None,
        )?;
        let mut items: Vec<Item> = text
            .lines()
            .chain(self.held(names)?.lines())
            .filter_map(item)
            .collect();
        items.sort_by(|a, b| a.file.cmp(&b.file));
        items.dedup_by(|a, b| a.file == b.file);
        ensure!(!items.is_empty(), "apt names nothing to download");
        Ok(items)
    }

    /// apt leaves out of `--print-uris` what lies in its cache already: ask again as if the cache were empty.
    fn held(&self, names: &[String]) -> Result<String> {
        let empty = self.dir.join("empty");
        std::fs::create_dir_all(empty.join("partial"))?;
        let option = format!("Dir::Cache::archives={}/", empty.display());
        self.run(
            &["install", "--print-uris", "--quiet=2", "-o", &option],
            names,
            None,
        )
    }

    /// Where the files of `items` lie, if all of them lie in the cache and are what they shall be.
    pub fn cached(&self, items: &[Item]) -> Result<Option<Vec<PathBuf>>> {
        let archives = self.archives();
        let same = jobs::parallel("looking at the cache", items, |item| {
            let Ok(bytes) = std::fs::read(archives.join(&item.file)) else {
                return Ok(false);
            };
            Ok(bytes.len() as u64 == item.size
                && hex::encode(Sha256::digest(&bytes)) == item.sha256)
        })?;
        Ok(same
            .iter()
            .all(|same| *same)
            .then(|| items.iter().map(|item| archives.join(&item.file)).collect()))
    }

    /// Downloads the closure; returns the paths in the order of `items`.
    pub fn download(&self, names: &[String], items: &[Item]) -> Result<Vec<PathBuf>> {
        let archives = self.archives();
        let paths: Vec<PathBuf> = items.iter().map(|item| archives.join(&item.file)).collect();
        let have = || {
            let in_dir = |dir: &Path, item: &Item| {
                std::fs::metadata(dir.join(&item.file)).map_or(0, |meta| meta.len())
            };
            items
                .iter()
                .map(|item| in_dir(&archives, item).max(in_dir(&archives.join("partial"), item)))
                .sum::<u64>()
        };
        let total: u64 = items.iter().map(|item| item.size).sum();
        if paths
            .iter()
            .zip(items)
            .any(|(path, item)| std::fs::metadata(path).map_or(0, |meta| meta.len()) != item.size)
        {
            let bar = jobs::bar("downloading (bytes)", total);
            let done = std::sync::atomic::AtomicBool::new(false);
            let result = std::thread::scope(|scope| {
                scope.spawn(|| {
                    while !done.load(std::sync::atomic::Ordering::Relaxed) {
                        bar.set_position(have());
                        std::thread::sleep(Duration::from_millis(200));
                    }
                });
                let result = self.run(&["install", "--download-only", "--quiet=2"], names, None);
                done.store(true, std::sync::atomic::Ordering::Relaxed);
                result
            });
            bar.finish_and_clear();
            result?;
        }
        for (path, item) in paths.iter().zip(items) {
            let size = std::fs::metadata(path).map_or(0, |meta| meta.len());
            ensure!(
                size == item.size,
                "`{}`: {size} bytes after the download, expected {}",
                path.display(),
                item.size
            );
        }
        Ok(paths)
    }

    /// Downloads the upstream archives of a source package into `dir`, unpacking nothing.
    pub fn source(&self, name: &str, dir: &Path) -> Result<()> {
        self.run(
            &["source", "--download-only", "--tar-only", "--quiet=2"],
            &[name.to_owned()],
            Some(dir),
        )
        .map(drop)
    }

    /// Installs packages on this machine, with our lists and the machine's own package database. Needs root.
    pub fn install_on_host(
        &self,
        apt_get: &mut Command,
        names: &[String],
    ) -> Result<std::process::ExitStatus> {
        apt_get
            .arg("-c")
            .arg(&self.config)
            .args([
                "-o",
                "Dir::State::status=/var/lib/dpkg/status",
                "-o",
                "Dir::Cache::pkgcache=",
                "install",
                "--no-install-recommends",
                "--quiet",
            ])
            .args(names)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .status()
            .context("cannot run `apt-get`")
    }

    fn archives(&self) -> PathBuf {
        self.dir.join("cache/archives")
    }
}

/// One line of `--print-uris`: `'URI' FILE SIZE HASH`.
fn item(line: &str) -> Option<Item> {
    let rest = line.strip_prefix('\'')?.split_once("' ")?.1;
    let mut words = rest.split(' ');
    Some(Item {
        file: words.next()?.to_owned(),
        size: words.next()?.parse().ok()?,
        sha256: words
            .next()
            .and_then(|hash| hash.strip_prefix("SHA256:"))
            .unwrap_or_default()
            .to_owned(),
    })
}

fn configuration(dir: &Path) -> String {
    // Hooks of the host's configuration are for the host's system, not for ours.
    let hooks = [
        "APT::Update::Pre-Invoke",
        "APT::Update::Post-Invoke",
        "APT::Update::Post-Invoke-Success",
    ]
    .map(|hook| format!("#clear {hook};\n"))
    .concat()
        + "#clear DPkg;\n#clear Acquire::IndexTargets::deb::DEP-11;\n#clear Acquire::IndexTargets::deb::DEP-11-icons;\n\
           #clear Acquire::IndexTargets::deb::DEP-11-icons-small;\n#clear Acquire::IndexTargets::deb::DEP-11-icons-large;\n\
           #clear Acquire::IndexTargets::deb::DEP-11-icons-hidpi;\n#clear Acquire::IndexTargets::deb::DEP-11-icons-large-hidpi;\n";
    let at = dir.display();
    format!(
        "{hooks}Dir::State \"{at}/state\";\nDir::State::status \"{at}/status\";\nDir::Cache \"{at}/cache\";\n\
         Dir::Cache::archives \"archives/\";\nDir::Cache::pkgcache \"pkgcache.bin\";\n\
         Dir::Cache::srcpkgcache \"srcpkgcache.bin\";\nDir::Etc::sourcelist \"{at}/etc/sources.list\";\n\
         Dir::Etc::sourceparts \"{at}/etc/sources.list.d\";\nDir::Etc::preferences \"/dev/null\";\n\
         Dir::Etc::preferencesparts \"{at}/etc/parts\";\nDir::Log \"{at}\";\nAcquire::Languages \"none\";\n\
         Acquire::Retries \"3\";\nAcquire::ForceHash \"SHA256\";\nAPT::Sandbox::User \"\";\nAPT::Install-Recommends \"false\";\n\
         APT::Install-Suggests \"false\";\nAPT::Get::Assume-Yes \"true\";\nAPT::Keep-Downloaded-Packages \"true\";\n"
    )
}

fn copy_sources(from: &Path, to: &Path, sources: bool) -> Result<()> {
    let mut seen = String::new();
    let mut put = |path: PathBuf, text: &str, deb822: bool| -> Result<()> {
        let copy = if deb822 {
            deb822_types(text, sources)
        } else {
            one_line_types(text, sources)
        };
        seen += &copy;
        Ok(std::fs::write(path, copy)?)
    };
    put(
        to.join("sources.list"),
        &std::fs::read_to_string(from.join("sources.list")).unwrap_or_default(),
        false,
    )?;
    let parts = to.join("sources.list.d");
    std::fs::remove_dir_all(&parts)?;
    std::fs::create_dir_all(&parts)?;
    let mut files: Vec<PathBuf> = std::fs::read_dir(from.join("sources.list.d"))
        .map(|entries| {
            entries
                .filter_map(|entry| Some(entry.ok()?.path()))
                .collect()
        })
        .unwrap_or_default();
    files.sort();
    for file in files {
        let kind = file.extension().and_then(|kind| kind.to_str());
        if let (Some(kind @ ("list" | "sources")), Some(name)) = (kind, file.file_name()) {
            put(
                parts.join(name),
                &std::fs::read_to_string(&file).unwrap_or_default(),
                kind == "sources",
            )?;
        }
    }
    ensure!(
        !seen.trim().is_empty(),
        "apt has no sources: nothing in `{}` names an archive",
        from.display()
    );
    Ok(std::fs::write(to.join("fingerprint"), seen)?)
}

fn one_line_types(text: &str, sources: bool) -> String {
    let mut out = String::new();
    for line in text.lines().map(str::trim) {
        if line.starts_with("deb ") || line.starts_with("deb\t") {
            out += &format!("{line}\n");
            if sources {
                out += &format!("deb-src{}\n", &line[3..]);
            }
        }
    }
    out
}

fn deb822_types(text: &str, sources: bool) -> String {
    let types = if sources {
        "Types: deb deb-src"
    } else {
        "Types: deb"
    };
    text.lines()
        .map(|line| {
            if line.to_ascii_lowercase().starts_with("types:") {
                types
            } else {
                line
            }
        })
        .map(|line| format!("{line}\n"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_apt_are_read() {
        let line =
            "'http://m/debian/pool/g/g%2b%2b_1_amd64.deb' g++_4%3a12_amd64.deb 1234 SHA256:00";
        assert_eq!(
            item(line),
            Some(Item {
                file: "g++_4%3a12_amd64.deb".into(),
                size: 1234,
                sha256: "00".into()
            })
        );
        assert_eq!(item("Reading package lists..."), None);
    }

    #[test]
    fn a_broken_suite_is_told_from_other_failures() {
        let message = "Some packages could not be installed.\nThe following packages have unmet dependencies:\n \
                       rpm : Depends: librpm10 (= 6.1.0-1) but 6.1.0-2 is to be installed\nE: Unable to correct \
                       problems, you have held broken packages.\n";
        let broken = Unavailable::read(message).map(|broken| broken.to_string());
        assert!(
            broken
                .is_some_and(|text| text.contains("librpm10 (= 6.1.0-1)") && !text.contains('\n'))
        );
        assert_eq!(
            Unavailable::read("E: Failed to fetch: Temporary failure resolving"),
            None
        );
    }

    #[test]
    fn sources_are_rewritten() {
        assert_eq!(
            one_line_types(
                "# no\ndeb [arch=amd64] http://m s main\ndeb-src http://m s main\n",
                true
            ),
            "deb [arch=amd64] http://m s main\ndeb-src [arch=amd64] http://m s main\n"
        );
        assert_eq!(
            deb822_types("Types: deb-src\nURIs: x", false),
            "Types: deb\nURIs: x\n"
        );
    }
}
