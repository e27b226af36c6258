//! One rpm transaction, run by the target's own rpm from the tool root.
//!
//! The tool root is `/`, read-only; the tree being changed is mounted at [`TARGET`] with its own
//! `/proc` and `/dev`, and `rpm --root` does the rest: scriptlets and triggers run inside the
//! target. Digests and signatures were checked when the packages came in, so rpm need not do it
//! again.

use std::{collections::BTreeMap, ffi::OsString, path::Path, time::Duration};

use rpmkit_sandbox::{
    Command, Container, ContainerSpec, Exit, Filters, IdMode, Limit, Lines, Mount, Network, Output,
    RootFs, Stdin,
};

use super::PmError;
use crate::{
    event::{Event, Events, Level, Log, Phase, Unit},
    repo::VerifiedPackage,
    store::Root,
    types::Nevra,
};

/// Where the tree being changed is mounted.
const TARGET: &str = "/mnt/target";
/// Directories with package files are mounted below this one, numbered.
const PACKAGES: &str = "/mnt/packages";
/// A scriptlet that hangs must not hang us for ever; the longest real transactions take minutes.
const LIMIT: Duration = Duration::from_secs(4 * 3600);

/// What rpm shall do besides the package list.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct TransactionOptions {
    /// Leave out files marked as documentation (dnf's `tsflags=nodocs`).
    pub nodocs: bool,
    /// Run no scriptlets (`tsflags=noscripts`).
    pub noscripts: bool,
    /// Translations to install, as `%_install_langs`; all when absent.
    pub langs: Option<String>,
    /// Macros for the installing rpm, name and value.
    pub macros: BTreeMap<String, String>,
}

/// A transaction to be run.
pub(super) struct Transaction<'a> {
    pub mode: &'a IdMode,
    /// Host path of the tool root's tree.
    pub tool_root: &'a Path,
    /// The tree to change.
    pub root: &'a Root,
    /// Package files, in any order.
    pub install: &'a [VerifiedPackage],
    /// Packages to remove that nothing replaces.
    pub erase: &'a [Nevra],
    pub options: &'a TransactionOptions,
    pub phase: Phase,
    pub events: &'a Events,
}

impl Transaction<'_> {
    /// Runs it. On failure the target tree may be half changed: the caller drops it.
    pub fn run(&self) -> Result<(), PmError> {
        let mut spec =
            ContainerSpec::new(self.mode.clone(), RootFs::Dir(self.tool_root.to_path_buf()));
        spec.network = Network::None;
        spec.read_only_root = true;
        spec.filters = Filters::for_packages(self.mode);
        spec.limits = vec![Limit::PACKAGE_NOFILE];
        spec.mounts = vec![
            Mount::tmpfs("/tmp", 0o1777),
            Mount::tmpfs("/mnt", 0o755),
            mount_target(self.root),
        ];
        let names = self.mount_packages(&mut spec.mounts);
        for kernel in ["/proc", "/sys", "/dev"] {
            spec.mounts
                .push(Mount::inner(kernel, format!("{TARGET}{kernel}")));
        }
        let container = Container::start(&spec)?;
        let outcome = self.both_halves(&container, &names);
        let stopped = container.stop();
        outcome?;
        stopped?;
        Ok(())
    }

    /// What nothing replaces goes first: it may be in the way of what comes.
    fn both_halves(&self, container: &Container, names: &[String]) -> Result<(), PmError> {
        if !self.erase.is_empty() {
            let mut words = self.words("-e");
            words.push("--nodeps".into());
            words.extend(self.erase.iter().map(ToString::to_string));
            self.rpm(container, words, Stdin::Null)?;
        }
        if !names.is_empty() {
            // A list by standard input has no length limit, unlike a command line.
            let mut words = self.words("-U");
            words.extend(["--oldpackage", "--replacepkgs", "--ignoresize"].map(Into::into));
            words.push("/dev/stdin".into());
            let manifest = names.join("\n").into_bytes();
            self.rpm(container, words, Stdin::Bytes(manifest))?;
        }
        Ok(())
    }

    /// Binds every directory that holds a wanted package and returns the names inside.
    fn mount_packages(&self, mounts: &mut Vec<Mount>) -> Vec<String> {
        let mut places: BTreeMap<&Path, usize> = BTreeMap::new();
        let mut names = Vec::with_capacity(self.install.len());
        for path in self.install.iter().map(VerifiedPackage::path) {
            let dir = path.parent().unwrap_or_else(|| Path::new("/"));
            let fresh = places.len();
            let number = *places.entry(dir).or_insert(fresh);
            let place = format!("{PACKAGES}/{number}");
            if number == fresh && places.len() > fresh {
                mounts.push(Mount::bind_ro(dir, &place));
            }
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            names.push(format!("{place}/{name}"));
        }
        names
    }

    fn words(&self, action: &str) -> Vec<String> {
        let mut words: Vec<String> = ["rpm", "--root", TARGET, action, "--verbose"]
            .map(Into::into)
            .to_vec();
        words.extend(["--nodigest", "--nosignature"].map(Into::into));
        let mut define = |name: &str, value: &str| {
            words.extend(["--define".into(), format!("{name} {value}")]);
        };
        // The mounted kernel file systems cannot be given owners.
        define("_netsharedpath", "/proc:/sys:/dev");
        define("_pkgverify_level", "none");
        if let Some(langs) = &self.options.langs {
            define("_install_langs", langs);
        }
        for (name, value) in &self.options.macros {
            define(name.trim_start_matches('%'), value);
        }
        if self.options.nodocs {
            words.push("--excludedocs".into());
        }
        if self.options.noscripts {
            words.push("--noscripts".into());
        }
        words
    }

    fn rpm(&self, container: &Container, words: Vec<String>, stdin: Stdin) -> Result<(), PmError> {
        let env = [
            ("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"),
            ("HOME", "/"),
            ("LC_ALL", "C.UTF-8"),
            ("TERM", "dumb"),
        ];
        self.events.emit(Event::Command {
            log: Log::Root,
            argv: words.clone(),
            env: env.map(|(k, v)| (k.to_owned(), v.to_owned())).to_vec(),
        });
        let mut command = Command::new(words.iter().map(OsString::from))
            .stdin(stdin)
            .output(Output::Merged)
            .timeout(LIMIT);
        command.env = env.map(|(k, v)| (k.into(), v.into())).to_vec();
        let mut watch = Watch::new(self);
        let mut lines = Lines::default();
        let finished = container.run_to_end(&command, |_, bytes| {
            lines.feed(bytes, |line| watch.line(&String::from_utf8_lossy(line)));
        })?;
        lines.finish(|line| watch.line(&String::from_utf8_lossy(line)));
        let status = finished.exit.shell_code();
        self.events.emit(Event::CommandEnd {
            log: Log::Root,
            status,
        });
        for killed in &finished.killed {
            self.events.message(
                Level::Warning,
                Some(Log::Root),
                format!("killed a process a scriptlet left behind: {killed}"),
            );
        }
        watch.verdict(finished.exit)
    }
}

fn mount_target(root: &Root) -> Mount {
    match RootFs::from(root) {
        RootFs::Dir(dir) => Mount::bind(dir, TARGET),
        RootFs::Overlay(overlay) => Mount::Overlay {
            target: TARGET.into(),
            overlay,
        },
    }
}

/// Reads along with rpm: progress for people, failed scriptlets for the verdict.
struct Watch<'a> {
    events: &'a Events,
    phase: Phase,
    total: u64,
    done: u64,
    scriptlets: Vec<String>,
    tail: Vec<String>,
}

/// Lines kept for an error message.
const TAIL: usize = 30;

impl<'a> Watch<'a> {
    fn new(transaction: &Transaction<'a>) -> Self {
        Self {
            events: transaction.events,
            phase: transaction.phase,
            total: transaction.install.len() as u64,
            done: 0,
            scriptlets: Vec::new(),
            tail: Vec::new(),
        }
    }

    fn line(&mut self, line: &str) {
        if line.is_empty() {
            return;
        }
        if line.contains("scriptlet failed") {
            self.scriptlets.push(line.to_owned());
        }
        // `--verbose` prints one bare name-version-release a package.
        if self.done < self.total && !line.contains([' ', ':']) {
            self.done += 1;
            self.events.emit(Event::Progress {
                phase: self.phase,
                label: line.to_owned(),
                done: self.done,
                total: self.total,
                unit: Unit::Items,
            });
        }
        if self.tail.len() == TAIL {
            self.tail.remove(0);
        }
        self.tail.push(line.to_owned());
        self.events.emit(Event::Output {
            log: Log::Root,
            line: line.to_owned(),
        });
    }

    fn verdict(self, exit: Exit) -> Result<(), PmError> {
        if !self.scriptlets.is_empty() {
            return Err(PmError::Scriptlet {
                scriptlets: self.scriptlets,
                output: self.tail,
            });
        }
        if exit.success() {
            return Ok(());
        }
        Err(PmError::Transaction {
            status: exit.shell_code(),
            output: self.tail,
        })
    }
}
