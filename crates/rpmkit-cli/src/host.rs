//! The one place that reads the environment. Everything below receives values.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    io::IsTerminal,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use nix::unistd::{AccessFlags, Gid, Uid, User, access};
use rpmkit_host::Environment;

use rpmkit_core::build::{TempDir, scratch};

use crate::failure::Failure;

/// What the process was started with and on.
#[derive(Debug, Clone)]
pub struct Host {
    /// Effective user id.
    pub uid: u32,
    /// Effective group id.
    pub gid: u32,
    /// Login name, from the password entry; `uid` in decimal when there is none.
    pub login: String,
    /// Home directory, from the password entry as mock does it; `$HOME` only when there is none.
    pub home: PathBuf,
    /// Who called `sudo`: results belong to them.
    pub invoking: Option<(u32, u32)>,
    /// Where configuration, caches and state are.
    pub dirs: Dirs,
    /// Working directory at the start.
    pub cwd: PathBuf,
    /// This program's file.
    pub exe: PathBuf,
    /// Every argument, the program's name first.
    pub args: Vec<OsString>,
    /// The kernel's node name.
    pub hostname: String,
    /// `uname -m`.
    pub machine: String,
    /// `uname -r`.
    pub kernel: String,
    /// Processors this process may use.
    pub cpus: usize,
    /// What the standard streams are.
    pub terminal: Terminal,
    /// The service running us, if one says so.
    pub ci: Option<Ci>,
    /// The whole environment; bytes that are no UTF-8 replaced.
    pub env: BTreeMap<String, String>,
}

/// Directories, each absolute; not necessarily there yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dirs {
    /// `$XDG_CONFIG_HOME`: holds `rpmkit/` and `mock/`.
    pub config_home: PathBuf,
    /// Packages, metadata, layers. May be deleted when nothing runs.
    pub cache: PathBuf,
    /// Chroots, locks, records.
    pub state: PathBuf,
    /// Sockets and such; gone after logout. `None` without `$XDG_RUNTIME_DIR`.
    pub runtime: Option<PathBuf>,
    /// For big temporary files.
    pub temp: PathBuf,
}

/// What the standard streams are connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terminal {
    /// Standard input is a terminal.
    pub stdin: bool,
    /// Standard output is a terminal.
    pub stdout: bool,
    /// Standard error is a terminal.
    pub stderr: bool,
    /// Neither `TERM=dumb` nor no `TERM` at all.
    pub capable: bool,
    /// `NO_COLOR` is absent or empty.
    pub color_wanted: bool,
    /// `CLICOLOR_FORCE` or `FORCE_COLOR` asks for colour even without a terminal.
    pub color_forced: bool,
}

/// A continuous-integration service whose log understands annotations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ci {
    /// GitHub Actions, and what imitates it (Forgejo, Gitea).
    GitHub {
        /// The file a job summary in Markdown is appended to.
        summary: Option<PathBuf>,
        /// The repository's directory, which paths of annotations start from.
        workspace: Option<PathBuf>,
    },
    /// GitLab: collapsible sections, and a report of code quality among the results.
    GitLab {
        /// The repository's directory, which paths of the report start from.
        project: Option<PathBuf>,
    },
    /// `CI` is set by something else: no progress bars, no questions.
    Other,
}

impl Host {
    /// Reads everything once, at the start of the program.
    pub fn read() -> Result<Self, Failure> {
        let env: BTreeMap<String, String> = std::env::vars_os()
            .map(|(k, v)| (lossy(&k), lossy(&v)))
            .collect();
        let (uid, gid) = (Uid::effective(), Gid::effective());
        let entry = User::from_uid(uid).ok().flatten();
        let home = match &entry {
            Some(user) if user.dir.is_absolute() => user.dir.clone(),
            _ => env
                .get("HOME")
                .map_or_else(|| PathBuf::from("/"), PathBuf::from),
        };
        let uname = nix::sys::utsname::uname()
            .map_err(|e| Failure::general(format!("cannot ask the kernel for its name: {e}")))?;
        let cwd = std::env::current_dir()
            .map_err(|e| Failure::general(format!("cannot tell the working directory: {e}")))?;
        let dirs = Dirs::new(uid.as_raw(), &place_for_files(&home, &env), &env);
        let number = |name: &str| env.get(name).and_then(|v| v.parse::<u32>().ok());
        Ok(Self {
            uid: uid.as_raw(),
            gid: gid.as_raw(),
            login: entry.map_or_else(|| uid.to_string(), |user| user.name),
            invoking: number("SUDO_UID")
                .zip(number("SUDO_GID"))
                .filter(|_| uid.is_root()),
            dirs,
            cwd,
            exe: std::env::current_exe().unwrap_or_default(),
            args: std::env::args_os().collect(),
            hostname: lossy(uname.nodename()),
            machine: lossy(uname.machine()),
            kernel: lossy(uname.release()),
            cpus: std::thread::available_parallelism().map_or(1, usize::from),
            terminal: Terminal::read(&env),
            ci: Ci::read(&env),
            home,
            env,
        })
    }

    /// A word nobody can guess, another one for each run.
    pub fn run_id(&self) -> String {
        let uuid = std::fs::read_to_string("/proc/sys/kernel/random/uuid").unwrap_or_default();
        format!("rpmkit-{}", uuid.trim())
    }

    /// The environment as programs of the host may get it.
    pub fn environment(&self) -> Environment {
        self.env.iter().collect()
    }

    /// Whether this is root, as far as this process can tell.
    pub fn is_root(&self) -> bool {
        self.uid == 0
    }

    /// The name this program was called by, without directories.
    pub fn called_as(&self) -> String {
        self.args
            .first()
            .and_then(|a| Path::new(a).file_name())
            .map_or_else(|| "rpmkit".to_owned(), lossy)
    }

    /// A variable, unless empty.
    pub fn var(&self, name: &str) -> Option<&str> {
        self.env
            .get(name)
            .map(String::as_str)
            .filter(|v| !v.is_empty())
    }

    /// The proxy variables that are set, lower-case names first, as HTTP libraries prefer them.
    pub fn proxies(&self) -> Vec<(String, String)> {
        let names = [
            "http_proxy",
            "https_proxy",
            "ftp_proxy",
            "all_proxy",
            "no_proxy",
        ];
        let upper = names.iter().map(|n| n.to_uppercase());
        names
            .iter()
            .map(|n| (*n).to_owned())
            .chain(upper)
            .filter_map(|name| Some((name.clone(), self.var(&name)?.to_owned())))
            .collect()
    }

    /// Replaces a leading `~` or `~user` as a shell does; other paths come back as they are.
    pub fn expand_user(&self, path: &str) -> PathBuf {
        let Some(rest) = path.strip_prefix('~') else {
            return PathBuf::from(path);
        };
        let (user, below) = rest.split_once('/').unwrap_or((rest, ""));
        let home = if user.is_empty() {
            Some(self.home.clone())
        } else {
            User::from_name(user).ok().flatten().map(|u| u.dir)
        };
        match home {
            Some(home) if below.is_empty() => home,
            Some(home) => home.join(below),
            None => PathBuf::from(path),
        }
    }
}

/// The directory that the XDG defaults lie in: `$HOME`, as their specification has it. Where that is
/// not ours to write to (a changed user with the environment of the one before), the home of the
/// password entry.
fn place_for_files(home: &Path, env: &BTreeMap<String, String>) -> PathBuf {
    let ours = |dir: &Path| dir.is_dir() && access(dir, AccessFlags::W_OK).is_ok();
    let named = env.get("HOME").map(PathBuf::from);
    match named.filter(|dir| dir.is_absolute()) {
        Some(dir) if ours(&dir) || !ours(home) => dir,
        _ => home.to_owned(),
    }
}

impl Dirs {
    fn new(uid: u32, home: &Path, env: &BTreeMap<String, String>) -> Self {
        // The XDG specification says to ignore relative paths.
        let absolute = |name: &str| {
            env.get(name)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
        };
        let (cache, state) = if uid == 0 {
            ("/var/cache/rpmkit".into(), "/var/lib/rpmkit".into())
        } else {
            let xdg = |name, below: &str| absolute(name).unwrap_or_else(|| home.join(below));
            (
                xdg("XDG_CACHE_HOME", ".cache").join("rpmkit"),
                xdg("XDG_STATE_HOME", ".local/state").join("rpmkit"),
            )
        };
        Self {
            config_home: absolute("XDG_CONFIG_HOME").unwrap_or_else(|| home.join(".config")),
            cache: absolute("RPMKIT_CACHE_DIR").unwrap_or(cache),
            state: absolute("RPMKIT_STATE_DIR").unwrap_or(state),
            runtime: absolute("XDG_RUNTIME_DIR").map(|dir| dir.join("rpmkit")),
            temp: absolute("TMPDIR").unwrap_or_else(|| large_temp(Path::new("/"))),
        }
    }

    /// A directory that goes away with the value, in [`Self::temp`], which is made where there is
    /// none. What killed runs have left there goes first.
    ///
    /// # Errors
    /// When there is no such place and none can be made, or it cannot be written to.
    pub fn scratch(&self) -> Result<TempDir, Failure> {
        // What is wrong with it, the next line says.
        let _ = self.make_temp();
        scratch(&self.temp)
            .map_err(|error| Failure::from(rpmkit_core::Error::from(error)))
            .map_err(|failure| failure.hint("`TMPDIR` names another place for them"))
    }

    /// Makes [`Self::temp`] where there is none, for everybody like `/var/tmp`.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn make_temp(&self) -> std::io::Result<()> {
        if self.temp.is_dir() {
            return Ok(());
        }
        std::fs::create_dir_all(&self.temp)?;
        std::fs::set_permissions(&self.temp, std::fs::Permissions::from_mode(0o1777))
    }
}

/// `/var/tmp`, which is not in memory; in a root so small that it has none, `/tmp` where that is.
fn large_temp(root: &Path) -> PathBuf {
    let usual = root.join("var/tmp");
    let small = root.join("tmp");
    if !usual.is_dir() && small.is_dir() {
        return small;
    }
    usual
}

impl Terminal {
    fn read(env: &BTreeMap<String, String>) -> Self {
        let set = |name: &str| env.get(name).is_some_and(|v| !v.is_empty());
        Self {
            stdin: std::io::stdin().is_terminal(),
            stdout: std::io::stdout().is_terminal(),
            stderr: std::io::stderr().is_terminal(),
            capable: env
                .get("TERM")
                .is_some_and(|term| !term.is_empty() && term != "dumb"),
            color_wanted: !set("NO_COLOR"),
            color_forced: ["CLICOLOR_FORCE", "FORCE_COLOR"]
                .iter()
                .any(|name| env.get(*name).is_some_and(|v| !v.is_empty() && v != "0")),
        }
    }

    /// Nothing is a terminal: for pipes, tests and services.
    pub const NONE: Self = Self {
        stdin: false,
        stdout: false,
        stderr: false,
        capable: false,
        color_wanted: false,
        color_forced: false,
    };
}

impl Ci {
    fn read(env: &BTreeMap<String, String>) -> Option<Self> {
        let truthy = |name: &str| {
            env.get(name)
                .is_some_and(|v| !v.is_empty() && v != "0" && v != "false")
        };
        if truthy("GITHUB_ACTIONS") {
            Some(Self::GitHub {
                summary: env
                    .get("GITHUB_STEP_SUMMARY")
                    .filter(|v| !v.is_empty())
                    .map(PathBuf::from),
                workspace: env
                    .get("GITHUB_WORKSPACE")
                    .map(PathBuf::from)
                    .filter(|path| path.is_absolute()),
            })
        } else if truthy("GITLAB_CI") {
            Some(Self::GitLab {
                project: env
                    .get("CI_PROJECT_DIR")
                    .map(PathBuf::from)
                    .filter(|path| path.is_absolute()),
            })
        } else {
            truthy("CI").then_some(Self::Other)
        }
    }
}

fn lossy(text: &OsStr) -> String {
    text.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect()
    }

    #[test]
    fn a_users_directories_follow_xdg_and_ignore_relative_values() {
        let home = Path::new("/home/pat");
        let plain = Dirs::new(1000, home, &env(&[]));
        assert_eq!(plain.cache, Path::new("/home/pat/.cache/rpmkit"));
        assert_eq!(plain.state, Path::new("/home/pat/.local/state/rpmkit"));
        assert_eq!(plain.temp, Path::new("/var/tmp"));
        let set = Dirs::new(
            1000,
            home,
            &env(&[
                ("XDG_CACHE_HOME", "/fast"),
                ("XDG_STATE_HOME", "not/absolute"),
            ]),
        );
        assert_eq!(set.cache, Path::new("/fast/rpmkit"));
        assert_eq!(set.state, plain.state);
    }

    #[test]
    fn a_root_without_var_tmp_uses_tmp_or_gets_one() {
        let root = tempfile::tempdir().unwrap();
        let usual = root.path().join("var/tmp");
        let mut dirs = Dirs::new(0, Path::new("/root"), &env(&[]));
        dirs.temp = large_temp(root.path());
        assert_eq!(dirs.temp, usual);
        let made = dirs.scratch().unwrap();
        assert!(made.path().starts_with(&usual) && made.path().is_dir());
        let mode = usual.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o1777);
        // One that a killed run has left: nobody holds its lock.
        let left = usual.join("rpmkit-work-left");
        std::fs::create_dir_all(left.join("deep")).unwrap();
        std::fs::write(usual.join(".rpmkit-work-left.lock"), "").unwrap();
        let other = dirs.scratch().unwrap();
        assert!(!left.exists() && made.path().is_dir());
        drop((made, other));
        std::fs::create_dir(root.path().join("tmp")).unwrap();
        assert_eq!(large_temp(root.path()), usual);
        std::fs::remove_dir(&usual).unwrap();
        assert_eq!(large_temp(root.path()), root.path().join("tmp"));
        dirs.temp = "/dev/null/no".into();
        let said = dirs.scratch().unwrap_err();
        assert!(said.message.contains("`/dev/null/no`"), "{}", said.message);
    }

    #[test]
    fn files_go_below_home_where_that_is_ours() {
        let mine = tempfile::tempdir().unwrap();
        let other = tempfile::tempdir().unwrap();
        let named = |dir: &Path| env(&[("HOME", dir.to_str().unwrap())]);
        assert_eq!(
            place_for_files(other.path(), &named(mine.path())),
            mine.path()
        );
        let gone = Path::new("/no/such/home");
        assert_eq!(place_for_files(mine.path(), &named(gone)), mine.path());
        assert_eq!(place_for_files(mine.path(), &env(&[])), mine.path());
        assert_eq!(
            place_for_files(mine.path(), &named(Path::new("x"))),
            mine.path()
        );
    }

    #[test]
    fn root_uses_var_unless_told_otherwise() {
        let root = Dirs::new(0, Path::new("/root"), &env(&[("XDG_CACHE_HOME", "/fast")]));
        assert_eq!(root.cache, Path::new("/var/cache/rpmkit"));
        let told = Dirs::new(
            0,
            Path::new("/root"),
            &env(&[("RPMKIT_CACHE_DIR", "/there")]),
        );
        assert_eq!(
            (told.cache, told.state),
            ("/there".into(), "/var/lib/rpmkit".into())
        );
    }

    #[test]
    fn services_are_told_apart() {
        assert_eq!(Ci::read(&env(&[])), None);
        assert_eq!(Ci::read(&env(&[("CI", "false")])), None);
        assert_eq!(Ci::read(&env(&[("CI", "true")])), Some(Ci::Other));
        assert_eq!(
            Ci::read(&env(&[
                ("CI", "1"),
                ("GITHUB_ACTIONS", "true"),
                ("GITHUB_STEP_SUMMARY", "/s.md")
            ])),
            Some(Ci::GitHub {
                summary: Some("/s.md".into()),
                workspace: None
            })
        );
        assert_eq!(
            Ci::read(&env(&[("GITLAB_CI", "true"), ("CI_PROJECT_DIR", "/p")])),
            Some(Ci::GitLab {
                project: Some("/p".into())
            })
        );
    }

    #[test]
    fn the_real_host_is_read() {
        let host = Host::read().unwrap();
        assert!(host.cwd.is_absolute() && host.dirs.cache.is_absolute() && host.cpus > 0);
        assert_eq!(host.expand_user("~/x"), host.home.join("x"));
        assert_eq!(
            host.expand_user("~nobody-of-this-name/x"),
            Path::new("~nobody-of-this-name/x")
        );
        assert_eq!(host.expand_user("/a~b"), Path::new("/a~b"));
    }
}
