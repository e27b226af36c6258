//! The stage for end-to-end tests: who runs rpmkit, with which chroots, on which checkouts.
//!
//! `cargo xtask test` prepares a directory everybody may read and tells us of it by environment
//! variables; without them the tests fail and say so.

pub mod procs;

use std::{
    ffi::OsStr,
    fs,
    os::unix::{fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// Directory with `bin/`, `conf/` (chroot definitions) and `fixtures/` (checkouts).
pub const STAGE: &str = "RPMKIT_TEST_STAGE";
/// `uid:gid` of a user with sub-ids; set when the tests run as root.
pub const SUB: &str = "RPMKIT_TEST_SUB";
/// `uid:gid` of a user without.
pub const SINGLE: &str = "RPMKIT_TEST_SINGLE";
/// Name of the chroot of the test distribution.
pub const CHROOT: &str = "RPMKIT_TEST_CHROOT";
/// Suite the test distribution is made of: `bookworm`, `trixie` or `sid`.
pub const SUITE: &str = "RPMKIT_TEST_SUITE";

/// A user rpmkit is run as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    /// For messages: `root`, `sub`, `single` or `me`.
    pub name: &'static str,
    ids: Option<(u32, u32)>,
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: run the end-to-end tests with `cargo xtask test`")
    })
}

fn ids(name: &str) -> Option<(u32, u32)> {
    let text = std::env::var(name).ok()?;
    let (uid, gid) = text.split_once(':')?;
    Some((uid.parse().ok()?, gid.parse().ok()?))
}

/// Everybody the tests can be. As root: root, a user with sub-ids and one without; otherwise only
/// the caller.
pub fn everybody() -> Vec<Who> {
    if !nix::unistd::getuid().is_root() {
        return vec![Who {
            name: "me",
            ids: None,
        }];
    }
    let user = |name, variable_name| Who {
        name,
        ids: Some(ids(variable_name).unwrap_or_else(|| {
            panic!("{variable_name} is not set: run the end-to-end tests with `cargo xtask test`")
        })),
    };
    vec![
        Who {
            name: "root",
            ids: None,
        },
        user("sub", SUB),
        user("single", SINGLE),
    ]
}

/// One user, the least privileged there is.
pub fn somebody() -> Who {
    everybody().pop().unwrap_or(Who {
        name: "me",
        ids: None,
    })
}

/// The directory `cargo xtask test` prepared.
pub fn stage() -> PathBuf {
    PathBuf::from(variable(STAGE))
}

/// Name of the chroot.
pub fn chroot() -> String {
    variable(CHROOT)
}

/// Suite the distribution is made of: `bookworm` (rpm 4.18), `trixie` (4.20) or `sid` (6).
pub fn suite() -> String {
    variable(SUITE)
}

/// A user's home, caches and working directory, gone when dropped. Caches of downloads and layers
/// can be shared between worlds of one user, because that is what users have.
pub struct World {
    who: Who,
    dir: tempfile::TempDir,
    cache: PathBuf,
}

/// What a program printed and how it ended.
#[derive(Debug)]
pub struct Ran {
    /// Exit status; 128 + signal for a killed one.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl World {
    /// A fresh home; the cache is the user's common one.
    pub fn of(who: &Who) -> Self {
        let cache = stage().join(format!("cache-{}", who.name));
        Self::with_cache(who, Some(cache))
    }

    /// A fresh home and a cache of its own, for tests that break things.
    pub fn alone(who: &Who) -> Self {
        Self::with_cache(who, None)
    }

    fn with_cache(who: &Who, cache: Option<PathBuf>) -> Self {
        let dir = tempfile::Builder::new()
            .prefix("world-")
            .tempdir_in(stage().join("worlds"))
            .expect("the stage is writable");
        let cache = cache.unwrap_or_else(|| dir.path().join("cache"));
        let world = Self {
            who: who.clone(),
            dir,
            cache,
        };
        for path in [
            world.dir.path().to_owned(),
            world.cache.clone(),
            world.path("home"),
        ] {
            fs::create_dir_all(&path).expect("directories can be made");
            world.own(&path);
        }
        world
    }

    /// A path in this world.
    pub fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.dir.path().join(relative)
    }

    /// The cache directory rpmkit uses here.
    pub fn cache(&self) -> &Path {
        &self.cache
    }

    /// Gives a file to the user.
    pub fn own(&self, path: &Path) {
        if let Some((uid, gid)) = self.who.ids {
            chown(path, Some(uid), Some(gid)).expect("root may give files away");
        }
    }

    /// Writes a file the user owns.
    pub fn write(&self, relative: &str, text: &str) -> PathBuf {
        let path = self.path(relative);
        let parent = path.parent().expect("it lies below the world");
        fs::create_dir_all(parent).expect("directories can be made");
        self.own(parent);
        fs::write(&path, text).expect("files can be written");
        self.own(&path);
        path
    }

    /// A private copy of a checkout.
    pub fn checkout(&self, fixture: &str) -> PathBuf {
        let (from, to) = (stage().join("fixtures").join(fixture), self.path(fixture));
        for entry in walkdir::WalkDir::new(&from) {
            let entry = entry.expect("fixtures are readable");
            let target = to.join(entry.path().strip_prefix(&from).expect("it lies below"));
            let kind = entry.file_type();
            if kind.is_dir() {
                fs::create_dir_all(&target).expect("directories can be made");
            } else if kind.is_symlink() {
                let link = fs::read_link(entry.path()).expect("links are readable");
                std::os::unix::fs::symlink(link, &target).expect("links can be made");
                continue;
            } else {
                fs::copy(entry.path(), &target).expect("files can be copied");
            }
            self.own(&target);
        }
        to
    }

    /// A program of the suite, ready to run as the user.
    pub fn command(&self, program: &str) -> Command {
        self.host(stage().join("bin").join(program))
    }

    /// A program of the host, ready to run as the user.
    pub fn host(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env(
                "PATH",
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            )
            .env("HOME", self.path("home"))
            .env("XDG_CONFIG_HOME", self.path("home/.config"))
            .env("XDG_CACHE_HOME", &self.cache)
            .env("XDG_STATE_HOME", self.path("home/.state"))
            .env("RPMKIT_CACHE_DIR", self.cache.join("rpmkit"))
            .env("LC_ALL", "C.UTF-8")
            .current_dir(self.dir.path())
            .stdin(Stdio::null());
        if let Some((uid, gid)) = self.who.ids {
            command.uid(uid).gid(gid);
        }
        command
    }

    /// Makes a directory of this world a git repository with one commit, made at a fixed time.
    pub fn commit(&self, dir: &Path) {
        for args in [
            &["init", "-q", "-b", "main", "."][..],
            &["add", "-A"],
            &["commit", "-q", "-m", "all of it"],
        ] {
            let mut git = self.host("git");
            git.args(args).current_dir(dir);
            for who in ["AUTHOR", "COMMITTER"] {
                git.env(format!("GIT_{who}_NAME"), "Ada Tester")
                    .env(format!("GIT_{who}_EMAIL"), "ada@example.org")
                    .env(format!("GIT_{who}_DATE"), "1600000000 +0200");
            }
            finish(git).expect(0);
        }
    }

    /// Runs a program of the suite to its end.
    pub fn run<S: AsRef<OsStr>>(&self, program: &str, args: &[S]) -> Ran {
        let mut command = self.command(program);
        command.args(args);
        finish(command)
    }

    /// `rpmkit VERB … -r CHROOT` with the test distribution's configuration.
    pub fn rpmkit(&self, args: &[&str]) -> Ran {
        let mut all = args.to_vec();
        let (conf, chroot) = (stage().join("conf"), chroot());
        let conf = conf.display().to_string();
        all.extend(["--configdir", conf.as_str(), "-r", chroot.as_str()]);
        self.run("rpmkit", &all)
    }

    /// `mock -r CHROOT …` with the test distribution's configuration.
    pub fn mock(&self, args: &[&str]) -> Ran {
        let (conf, chroot) = (stage().join("conf"), chroot());
        let conf = conf.display().to_string();
        let mut all = vec!["--configdir", conf.as_str(), "-r", chroot.as_str()];
        all.extend(args);
        self.run("mock", &all)
    }

    /// Starts a program without waiting for it.
    pub fn start(&self, program: &str, args: &[&str]) -> Child {
        let mut command = self.command(program);
        command
            .args(args)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command.spawn().expect("the program starts")
    }
}

/// Runs a command to its end and keeps what it printed.
pub fn finish(mut command: Command) -> Ran {
    use std::os::unix::process::ExitStatusExt;
    let output = command.output().expect("the program starts");
    let status = output.status;
    Ran {
        code: status
            .code()
            .unwrap_or_else(|| 128 + status.signal().unwrap_or(0)),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

impl Ran {
    /// Fails the test, showing everything, unless the status is `code`.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(
            self.code, code,
            "status\n--- stdout\n{}\n--- stderr\n{}",
            self.stdout, self.stderr
        );
        self
    }

    /// Fails the test unless standard error contains each text.
    #[track_caller]
    pub fn says(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(
                self.stderr.contains(text),
                "`{text}` is not in\n{}",
                self.stderr
            );
        }
        self
    }
}
