//! Repositories made on the spot, for tests.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::disallowed_types
)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// A directory with a git repository in it, made with the real git at fixed times.
pub struct TestRepo {
    /// Where it is; gone with this value.
    pub dir: tempfile::TempDir,
    clock: std::cell::Cell<i64>,
}

impl Default for TestRepo {
    fn default() -> Self {
        Self::new()
    }
}

impl TestRepo {
    /// An empty repository whose branch is `main`.
    pub fn new() -> Self {
        let repo = Self::empty();
        repo.git(&["init", "-q", "-b", "main", "."]);
        repo
    }

    /// An empty directory.
    pub fn empty() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            clock: std::cell::Cell::new(1_600_000_000),
        }
    }

    /// Its directory.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Writes a file below it and gives its path.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let full = self.path().join(path);
        fs::create_dir_all(full.parent().unwrap()).unwrap();
        fs::write(&full, content).unwrap();
        full
    }

    /// Runs git here and gives its output.
    pub fn git(&self, args: &[&str]) -> Vec<u8> {
        git_in(self.path(), args, self.clock.get())
    }

    /// Commits everything; each commit is a hundred seconds after the one before.
    pub fn commit(&self, message: &str) -> String {
        self.clock.set(self.clock.get() + 100);
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", message]);
        String::from_utf8(self.git(&["rev-parse", "HEAD"]))
            .unwrap()
            .trim()
            .to_owned()
    }

    /// The repository, opened.
    pub fn repository(&self) -> git2::Repository {
        git2::Repository::open(self.path()).unwrap()
    }
}

/// Runs git in a directory with a name, a mail address and a time of its own.
pub fn git_in(dir: &Path, args: &[&str], clock: i64) -> Vec<u8> {
    let output = Command::new("git")
        .args([
            "-c",
            "protocol.file.allow=always",
            "-c",
            "core.autocrlf=false",
        ])
        .args(args)
        .current_dir(dir)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .env("GIT_AUTHOR_NAME", "Ada Tester")
        .env("GIT_AUTHOR_EMAIL", "ada@example.org")
        .env("GIT_COMMITTER_NAME", "Carl Committer")
        .env("GIT_COMMITTER_EMAIL", "carl@example.org")
        .env("GIT_AUTHOR_DATE", format!("{} +0200", clock - 50))
        .env("GIT_COMMITTER_DATE", format!("{clock} -0330"))
        .output()
        .expect("git is installed");
    assert!(
        output.status.success(),
        "git {args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}
