//! Hostile trees. Run as root they also hold device nodes; as an ordinary user also directories that
//! are closed to us.
#![allow(clippy::unwrap_used, missing_docs)]

mod copy;
mod links;
mod race;
mod read;
mod remove;
mod temp;
mod walk;
mod write;

use std::{
    ffi::{OsStr, OsString},
    fs,
    os::unix::{ffi::OsStrExt, fs::symlink},
    path::{Path, PathBuf},
};

use rpmkit_fs::{HostDir, Links, UntrustedTree};
use rustix::fs::{CWD, FileType, Gid, Mode, OFlags, Uid, mkdirat, mknodat, openat};

/// `outside/secret` and an empty `tree` beside it.
struct Case {
    dir: tempfile::TempDir,
}

impl Case {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("tree")).unwrap();
        fs::create_dir(dir.path().join("outside")).unwrap();
        fs::write(dir.path().join("outside/secret"), "secret").unwrap();
        Self { dir }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("tree")
    }

    fn outside(&self) -> PathBuf {
        self.dir.path().join("outside")
    }

    fn secret(&self) -> PathBuf {
        self.outside().join("secret")
    }

    fn link(&self, target: impl AsRef<Path>, name: &str) {
        symlink(target, self.path().join(name)).unwrap();
    }

    fn file(&self, name: impl AsRef<OsStr>, content: &str) {
        let path = self.path().join(name.as_ref());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn fifo(&self, name: &str) {
        let path = self.path().join(name);
        mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    }

    fn tree(&self, links: Links) -> UntrustedTree {
        UntrustedTree::open(self.path(), links).unwrap()
    }

    /// With openat2, and without.
    fn both(&self, links: Links) -> [UntrustedTree; 2] {
        [self.tree(links), self.tree(links).without_openat2()]
    }

    /// A directory of ours beside the tree.
    fn host(&self) -> HostDir {
        HostDir::create(self.dir.path().join("host"), 0o755).unwrap()
    }

    fn unharmed(&self) {
        assert_eq!(fs::read_to_string(self.secret()).unwrap(), "secret");
        assert_eq!(fs::read_dir(self.outside()).unwrap().count(), 1);
    }

    /// `levels` directories below one another, `name` each, and a file `f` in the last.
    fn deep(&self, top: &str, name: &str, levels: usize) {
        fs::create_dir(self.path().join(top)).unwrap();
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        let mut fd = openat(CWD, self.path().join(top), flags, Mode::empty()).unwrap();
        for _ in 0..levels {
            mkdirat(&fd, name, Mode::RWXU).unwrap();
            fd = openat(&fd, name, flags, Mode::empty()).unwrap();
        }
        openat(&fd, "f", OFlags::CREATE | OFlags::WRONLY, Mode::RUSR).unwrap();
    }
}

/// Names that are legal and unusual.
fn odd_names() -> Vec<OsString> {
    let mut names: Vec<OsString> = [
        &b"\xff\xfe"[..],
        b"a\nb",
        b"-rf",
        b" ",
        b"\x1b[31m",
        b"...",
        b"a\\b",
    ]
    .iter()
    .map(|name| OsStr::from_bytes(name).to_owned())
    .collect();
    names.push("n".repeat(255).into());
    names
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Does `work` as an ordinary user, to whom `tree` and what is in it belongs, but for what `not` names.
fn as_ordinary_user<T: Send>(case: &Case, not: &[&str], work: impl FnOnce() -> T + Send) -> T {
    const NOBODY: u32 = 65534;
    if !is_root() {
        return work();
    }
    for entry in walkdir::WalkDir::new(case.path()) {
        let path = entry.unwrap().into_path();
        let inside = path.strip_prefix(case.path()).unwrap();
        if !not.iter().any(|name| inside.starts_with(name)) {
            std::os::unix::fs::lchown(&path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
    }
    std::thread::scope(|scope| {
        let user = scope.spawn(|| {
            rustix::thread::set_thread_groups(&[]).unwrap();
            rustix::thread::set_thread_gid(Gid::from_raw(NOBODY)).unwrap();
            rustix::thread::set_thread_uid(Uid::from_raw(NOBODY)).unwrap();
            work()
        });
        match user.join() {
            Ok(value) => value,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}
