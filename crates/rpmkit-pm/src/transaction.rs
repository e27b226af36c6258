//! One rpm transaction, run by the target's own rpm from the tool root.
//!
//! The tool root is `/`, read-only but for `/tmp` and [`TMPPATH`]; the tree being changed is mounted
//! at [`TARGET`] with its own `/proc` and `/dev`, and `rpm --root` does the rest: scriptlets and
//! triggers run inside the target. Only users that packages declare are made from outside (rpm 4.19
//! and later), by a script in [`TMPPATH`]. Digests and signatures were checked when the packages came
//! in, so rpm need not do it again.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    os::fd::{AsFd, BorrowedFd},
    path::Path,
    time::Duration,
};

use rpmkit_sandbox::{
    Command, Container, ContainerSpec, Emulation, Exit, Filters, IdMode, Limit, Lines, Mount,
    Network, Output, RootFs, Stdin,
};

use super::PmError;
use rpmkit_repo::VerifiedPackage;
use rpmkit_store::Root;
use rpmkit_types::{
    Nevra,
    event::{Event, Events, Level, Log, Phase, Unit},
};

/// Where the tree being changed is mounted.
const TARGET: &str = "/mnt/target";
/// Directories with package files are mounted below this one, numbered.
const PACKAGES: &str = "/mnt/packages";
/// Where rpm writes the scripts it runs, inside the target as well as outside: its `%_tmppath`, given
/// on every command line, so that a distribution's own value cannot name a place that is read-only.
const TMPPATH: &str = "/var/tmp";
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
pub(super) struct RpmTransaction<'a> {
    pub mode: &'a IdMode,
    /// For targets of another architecture.
    pub emulation: Option<&'a Emulation>,
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

impl RpmTransaction<'_> {
    /// Runs it. On failure the target tree may be half changed: the caller drops it.
    pub fn run(&self) -> Result<(), PmError> {
        self.run_on(mount_target(self.root), &[])
    }

    /// Runs it on the root of a container that others may be working in: a tree cannot be put together a second time
    /// meanwhile, so the container's own is used.
    pub fn run_inside(&self, container: &Container) -> Result<(), PmError> {
        let tree = container.root_tree()?;
        let target = Mount::Given {
            target: TARGET.into(),
            held: 0,
        };
        self.run_on(target, &[tree.as_fd()])
    }

    fn run_on(&self, target: Mount, held: &[BorrowedFd<'_>]) -> Result<(), PmError> {
        let mut spec =
            ContainerSpec::new(self.mode.clone(), RootFs::Dir(self.tool_root.to_path_buf()));
        spec.network = Network::None;
        spec.emulation = self.emulation.cloned();
        spec.read_only_root = true;
        spec.filters = Filters::for_packages(self.mode);
        spec.limits = vec![Limit::PACKAGE_NOFILE];
        spec.mounts = vec![
            Mount::tmpfs("/tmp", 0o1777),
            Mount::tmpfs(TMPPATH, 0o1777),
            Mount::tmpfs("/mnt", 0o755),
            target,
        ];
        let names = self.mount_packages(&mut spec.mounts);
        for kernel in ["/proc", "/sys", "/dev"] {
            spec.mounts
                .push(Mount::inner(kernel, format!("{TARGET}{kernel}")));
        }
        let container = Container::start_with(&spec, held, None)?;
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
        define("_tmppath", TMPPATH);
        if self.options.nodocs {
            words.push("--excludedocs".into());
        }
        if self.options.noscripts {
            words.push("--noscripts".into());
        }
        words
    }

    fn rpm(&self, container: &Container, words: Vec<String>, stdin: Stdin) -> Result<(), PmError> {
        let env = environment(self.tool_root);
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
        let removing = words.iter().any(|word| word == "-e");
        let mut watch = Watch::new(self, removing);
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

/// What programs of a tool root find in their environment.
///
/// `LANG` and not `LC_ALL`: a shell that runs a scriptlet before the target has the locale would
/// complain of the latter.
pub(super) fn environment(tool_root: &Path) -> [(&'static str, &'static str); 4] {
    // Where glibc looks for it; before 2.35 only distributions that added it themselves have it.
    let utf8 = ["C.utf8", "C.UTF-8"]
        .iter()
        .any(|name| tool_root.join("usr/lib/locale").join(name).exists());
    [
        ("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"),
        ("HOME", "/"),
        ("LANG", if utf8 { "C.UTF-8" } else { "C" }),
        ("TERM", "dumb"),
    ]
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

/// Reads along with rpm: progress and warnings for people, reasons for a failure. What it means is
/// for rpm's exit status to say: a failed `%post` is a warning to rpm 4.18 and an error to rpm 6.
struct Watch<'a> {
    events: &'a Events,
    phase: Phase,
    removing: bool,
    total: u64,
    done: u64,
    errors: Vec<String>,
    tail: Vec<String>,
}

/// What `--verbose` begins with.
const PREPARING: &str = "Preparing packages...";
/// Lines kept for an error message.
const TAIL: usize = 30;
/// Lines of rpm's own about what went wrong. The first ones are the cause.
const ERRORS: usize = 20;

impl<'a> Watch<'a> {
    fn new(transaction: &RpmTransaction<'a>, removing: bool) -> Self {
        Self {
            events: transaction.events,
            phase: transaction.phase,
            removing,
            total: transaction.install.len() as u64,
            done: 0,
            errors: Vec::new(),
            tail: Vec::new(),
        }
    }

    fn line(&mut self, line: &str) {
        if line.is_empty() {
            return;
        }
        self.events.emit(Event::Output {
            log: Log::Root,
            line: line.to_owned(),
        });
        // `--verbose` prints one bare name-version-release a package.
        if !line.contains([' ', ':']) {
            if self.done < self.total {
                self.done += 1;
                self.events.emit(Event::Progress {
                    phase: self.phase,
                    label: line.to_owned(),
                    done: self.done,
                    total: self.total,
                    unit: Unit::Items,
                });
            }
            if line.matches('-').count() > 1 {
                return;
            }
        }
        if line.starts_with("error: ") {
            if self.errors.len() < ERRORS && !self.errors.iter().any(|known| known == line) {
                self.errors.push(line.to_owned());
            }
            return;
        }
        // To the screen only: root.log has the line as rpm wrote it.
        if let Some(warning) = line.strip_prefix("warning: ")
            && warning.contains("scriptlet failed")
        {
            self.events.warn(format!("rpm: {warning}"));
        }
        if line == PREPARING {
            return;
        }
        if self.tail.len() == TAIL {
            self.tail.remove(0);
        }
        self.tail.push(line.to_owned());
    }

    fn verdict(self, exit: Exit) -> Result<(), PmError> {
        if exit.success() {
            return Ok(());
        }
        Err(PmError::Transaction {
            removing: self.removing,
            status: exit.shell_code(),
            errors: self.errors,
            output: self.tail,
        })
    }
}

#[cfg(test)]
mod tests;
