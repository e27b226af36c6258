//! What rpm calls to make the users that packages declare, as part of the tool root.
//!
//! rpm 4.19 and later turn the `sysusers.d` lines of a package into users before they unpack it, by the
//! program that the macro `%__systemd_sysusers` names, run outside of the root being changed: by
//! `systemd-sysusers`, or by a script that calls `useradd` and `groupadd`. rpm requires neither, so
//! the solver is asked for them.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use nix::{
    fcntl::{OFlag, OpenHow, ResolveFlag, openat2},
    sys::stat::Mode,
};
use rpmkit_fs::{FsError, WriteOptions};
use rpmkit_sandbox::{Command, Container, ContainerSpec, Emulation, IdMode, Mount, RootFs, Stream};
use serde::{Deserialize, Serialize};

use super::{PmError, transaction::environment};
use rpmkit_types::{Evr, LayerId, Package};

/// The first rpm that knows the macro: the alpha of 4.19.
const FIRST: &str = "4.18.90";
/// systemd's own program for it.
const SYSTEMD: &str = "systemd-sysusers";
/// What it opens at run time and so does not require, but fails without where it was built for SELinux and
/// `--root` is given (systemd 258); by what the library provides on 64-bit machines and by its package's usual name.
const LOADED: [&str; 2] = ["libselinux.so.1()(64bit)", "libselinux"];
/// Small, and without the rest of systemd.
const STANDALONE: &str = "systemd-standalone-sysusers";
/// Words of a shell script after which a command follows.
const BEFORE: [&str; 11] = [
    "if", "elif", "then", "else", "while", "until", "do", "exec", "command", "xargs", "!",
];
/// What the shell does itself, of what such scripts use.
const BUILTIN: [&str; 47] = [
    "alias", "bg", "break", "builtin", "case", "cd", "command", "continue", "declare", "do",
    "done", "echo", "elif", "else", "esac", "eval", "exec", "exit", "export", "false", "fi", "for",
    "function", "getopts", "hash", "if", "in", "kill", "local", "printf", "pwd", "read",
    "readonly", "return", "set", "shift", "source", "test", "then", "trap", "true", "type",
    "umask", "unset", "until", "wait", "while",
];
/// Programs asked for at most; the known script calls three.
const MOST: usize = 64;
/// What rpm runs the program with.
const SHELL: &str = "/bin/sh";
/// Where programs are; metadata lists all files of these directories.
const PLACES: [&str; 4] = ["/usr/bin", "/usr/sbin", "/bin", "/sbin"];
/// Bytes read of a script; the known one has 4000.
const LONGEST: u64 = 1 << 18;

/// Version of the file an answer is kept in.
const FORMAT: u32 = 4;

/// What an rpm was found to need, besides what it requires.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Needs {
    format: u32,
    /// Specs to ask the solver for, of which those that exist count. Empty: nothing is missing.
    pub specs: Vec<String>,
}

/// Whether the rpm among these packages has the macro.
pub(super) fn known_by(packages: &[Package]) -> bool {
    let first = Evr::new(0, FIRST, "");
    packages
        .iter()
        .filter(|package| package.nevra.name == "rpm")
        .any(|rpm| Evr::new(0, rpm.nevra.evr.version.as_str(), "") >= first)
}

impl Needs {
    /// Asks the rpm of an unpacked tool root.
    pub fn ask(mode: &IdMode, emulation: Option<&Emulation>, tree: &Path) -> Result<Self, PmError> {
        let mut spec = ContainerSpec::new(mode.clone(), RootFs::Dir(tree.to_path_buf()));
        spec.read_only_root = true;
        spec.emulation = emulation.cloned();
        spec.mounts = vec![Mount::tmpfs("/tmp", 0o1777)];
        let container = Container::start(&spec)?;
        let mut command = Command::new(["rpm", "--eval", "%{?__systemd_sysusers}"]);
        command.env = environment(tree)
            .map(|(k, v)| (k.into(), v.into()))
            .to_vec();
        let mut text = Vec::new();
        container.run_to_end(&command, |stream, bytes| {
            if stream == Stream::Stdout {
                text.extend_from_slice(bytes);
            }
        })?;
        container.stop()?;
        Ok(Self::of(&String::from_utf8_lossy(&text), tree))
    }

    /// What the program needs that the macro expands to, in a tool root that has rpm's own needs.
    fn of(expanded: &str, tree: &Path) -> Self {
        let mut specs = Vec::new();
        if let Some(word) = expanded.split_whitespace().next() {
            if word.rsplit('/').next() == Some(SYSTEMD) {
                specs.extend(LOADED.map(str::to_owned));
            }
            match read(tree, &places(word)) {
                None => {
                    let places = places(word);
                    if word.rsplit('/').next() == Some(SYSTEMD) {
                        specs.push(STANDALONE.to_owned());
                    }
                    specs.extend(places);
                }
                Some(script) if script.starts_with("#!") => {
                    let interpreter = script[2..].split_whitespace().next();
                    let missing = called(&script)
                        .into_iter()
                        .map(places)
                        .chain(interpreter.map(places))
                        .filter(|places| !places.iter().any(|path| exists(tree, path)))
                        .flatten();
                    specs.extend(missing);
                }
                Some(_) => {}
            }
            // rpm starts whatever the macro names by way of the shell, which it need not require either.
            let shell = places(SHELL);
            if !shell
                .iter()
                .any(|path| exists(tree, path) || specs.contains(path))
            {
                specs.extend(shell);
            }
        }
        Self {
            format: FORMAT,
            specs,
        }
    }

    /// What was found earlier of the tool root with this id.
    pub fn read(dir: &Path, id: &LayerId) -> Option<Self> {
        let text = std::fs::read(Self::path(dir, id)).ok()?;
        let needs: Self = serde_json::from_slice(&text).ok()?;
        (needs.format == FORMAT).then_some(needs)
    }

    /// Keeps it. What is lost is asked again.
    pub fn write(&self, dir: &Path, id: &LayerId) -> io::Result<()> {
        std::fs::create_dir_all(dir)?;
        let options = WriteOptions::with_mode(0o600);
        rpmkit_fs::write_file(Self::path(dir, id), serde_json::to_vec(self)?, &options)
            .map_err(FsError::into_system)
    }

    fn path(dir: &Path, id: &LayerId) -> PathBuf {
        dir.join(format!("sysusers-{id}.json"))
    }
}

/// Programs a shell script calls: the words that stand where a command stands. A word too many does no harm, as
/// what no package has is not installed.
fn called(script: &str) -> BTreeSet<&str> {
    let mut found = BTreeSet::new();
    let of_names = |c: char| c.is_ascii_alphanumeric() || "-_./+".contains(c);
    for line in script.lines().filter(|line| !line.starts_with('#')) {
        for part in line.split(['|', ';', '&', '(', '`', '{', ')']) {
            let mut words = part.split_whitespace().map(|word| word.trim_matches('"'));
            let mut here = true;
            while let (true, Some(word)) = (here, words.next()) {
                // `x=1 command`, `command -v x` and `xargs -r x` have it later.
                here = BEFORE.contains(&word)
                    || word.starts_with('-')
                    || word
                        .split_once('=')
                        .is_some_and(|(name, _)| is_variable(name));
                let name = word.rsplit('/').next().unwrap_or_default();
                if !BUILTIN.contains(&word)
                    && word.chars().all(of_names)
                    && name.starts_with(|c: char| c.is_ascii_alphabetic())
                    && found.len() < MOST
                {
                    found.insert(word);
                }
            }
        }
    }
    found
}

fn is_variable(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Where a program may be, when directories were merged since its path was written down or not yet.
fn places(word: &str) -> Vec<String> {
    let name = word.rsplit('/').next().unwrap_or(word);
    let of_programs = PLACES.iter().map(|dir| format!("{dir}/{name}"));
    let usual = !word.contains('/') || of_programs.clone().any(|path| path == word);
    if usual {
        of_programs.collect()
    } else {
        vec![word.to_owned()]
    }
}

/// Opens a file of the tree without ever leaving it.
fn open(tree: &Path, path: &str) -> Option<File> {
    let root = File::open(tree).ok()?;
    let how = OpenHow::new()
        .flags(OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)
        .mode(Mode::empty())
        .resolve(ResolveFlag::RESOLVE_IN_ROOT | ResolveFlag::RESOLVE_NO_MAGICLINKS);
    openat2(root, path, how).ok().map(File::from)
}

fn exists(tree: &Path, path: &str) -> bool {
    open(tree, path).is_some()
}

/// The beginning of the first of these files that is there; nothing of one that is no text.
fn read(tree: &Path, paths: &[String]) -> Option<String> {
    let file = paths.iter().find_map(|path| open(tree, path))?;
    let mut text = Vec::new();
    file.take(LONGEST).read_to_end(&mut text).ok()?;
    Some(String::from_utf8(text).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fs;

    use super::*;

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        dir
    }

    #[test]
    fn a_script_needs_what_it_calls_and_what_is_missing() {
        let script = "#!/bin/bash\n# useradd_more\ngroupadd -r \"$1\" || grep x\n";
        let tree = tree(&[
            ("usr/lib/rpm/sysusers.sh", script),
            ("usr/bin/grep", ""),
            ("bin/sh", ""),
        ]);
        let specs = Needs::of("/usr/lib/rpm/sysusers.sh\n", tree.path()).specs;
        let of = |name: &str| PLACES.map(|dir| format!("{dir}/{name}"));
        assert_eq!(specs, [of("groupadd"), of("bash")].concat());
    }

    #[test]
    fn what_a_script_calls_is_read_from_it() {
        let script = r#"#!/bin/sh -e
# comment
add() {
    if ! /usr/sbin/useradd -r "$1"; then echo no >&2; exit 1; fi
    id=$(getent passwd "$1" | cut -d: -f3) && test -n "$id"
    case "$type" in u|m) LC_ALL=C usermod -a -G "$2" "$1" ;; esac
    printf '%s\n' x | xargs -r adduser.local
}
while read -r line; do my-tool "$line" || groupadd+ x; done
"#;
        let found: Vec<&str> = called(script).into_iter().collect();
        let wanted = [
            "/usr/sbin/useradd",
            "adduser.local",
            "cut",
            "getent",
            "groupadd+",
            "my-tool",
            "usermod",
        ];
        for one in wanted {
            assert!(found.contains(&one), "{one}: {found:?}");
        }
        for none in ["echo", "if", "printf", "LC_ALL=C", "comment", "-r"] {
            assert!(!found.contains(&none), "{none}: {found:?}");
        }
    }

    #[test]
    fn a_program_is_asked_for_when_it_is_not_there() {
        let of = |text: &str, tree: &Path| Needs::of(text, tree).specs;
        let empty = tree(&[]);
        let standalone = of("/usr/bin/systemd-sysusers", empty.path());
        assert_eq!(standalone[..2], LOADED);
        assert_eq!(standalone[2..4], [STANDALONE, "/usr/bin/systemd-sysusers"]);
        assert_eq!(
            of("/opt/x/make-users --fast", empty.path())[0],
            "/opt/x/make-users"
        );
        assert!(of("", empty.path()).is_empty());
        let there = tree(&[("usr/bin/systemd-sysusers", "\u{7f}ELF"), ("bin/sh", "")]);
        assert_eq!(of("/usr/bin/systemd-sysusers", there.path()), LOADED);
    }

    #[test]
    fn the_shell_that_starts_it_is_asked_for_too() {
        let there = tree(&[("usr/bin/systemd-sysusers", "\u{7f}ELF")]);
        let specs = Needs::of("/usr/bin/systemd-sysusers", there.path()).specs;
        assert_eq!(specs[LOADED.len()..], PLACES.map(|dir| format!("{dir}/sh")));
    }

    #[test]
    fn the_hosts_files_are_not_looked_at() {
        let outside = tree(&[("script", "#!/bin/sh\nuseradd\n")]);
        let tree = tree(&[("usr/lib/x", "")]);
        let link = tree.path().join("usr/lib/s");
        std::os::unix::fs::symlink(outside.path().join("script"), link).unwrap();
        assert_eq!(Needs::of("/usr/lib/s", tree.path()).specs[0], "/usr/lib/s");
    }

    #[test]
    fn answers_are_kept_by_tool_root() {
        let dir = tempfile::tempdir().unwrap();
        let (id, other) = (LayerId::of(b"a"), LayerId::of(b"b"));
        let needs = Needs {
            format: FORMAT,
            specs: vec!["x".into()],
        };
        needs.write(dir.path(), &id).unwrap();
        assert_eq!(Needs::read(dir.path(), &id), Some(needs));
        assert_eq!(Needs::read(dir.path(), &other), None);
    }
}
