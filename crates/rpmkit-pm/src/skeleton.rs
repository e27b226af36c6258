//! What a buildroot gets besides packages: mount points, the build user, a few files in `/etc`.
//!
//! Applied inside the store's user namespace (see [`OPS`]), because directories of a
//! finished root may be unwritable to anybody but root.

use std::{
    fs, io,
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::{Path, PathBuf},
};

use rpmkit_fs::{FsError, WriteOptions};
use serde::{Deserialize, Serialize};

use rpmkit_types::{ChrootPath, rooted::Rooted};

/// A file to be written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkeletonFile {
    /// Where in the chroot.
    pub path: ChrootPath,
    /// Its text.
    pub content: String,
    /// Leave an existing file as it is.
    pub only_if_absent: bool,
}

/// Additions to a root; part of a layer's key, so everything in it must be deterministic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skeleton {
    /// Name of the build user.
    pub user: String,
    /// Its id.
    pub uid: u32,
    /// Name of its group.
    pub group: String,
    /// Its id.
    pub gid: u32,
    /// Its home, where builds happen.
    pub home: ChrootPath,
    /// Directories to make besides the usual ones.
    pub directories: Vec<ChrootPath>,
    /// Files to write once packages are installed.
    pub files: Vec<SkeletonFile>,
    /// Accounts besides the build user's. Not part of the key where there are none, as ever.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accounts: Vec<Account>,
}

/// A user of the host that the chroot has, too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Name.
    pub name: String,
    /// Its id.
    pub uid: u32,
    /// Id of its group.
    pub gid: u32,
    /// Its home.
    pub home: String,
    /// Its shell.
    pub shell: String,
}

/// Directories every root has, with their modes.
const DIRECTORIES: [(&str, u32); 18] = [
    ("proc", 0o555),
    ("sys", 0o555),
    ("dev", 0o755),
    ("run", 0o755),
    ("etc", 0o755),
    ("tmp", 0o1777),
    ("var", 0o755),
    ("var/tmp", 0o1777),
    ("var/lib/rpm", 0o755),
    // mock makes these in every root.
    ("var/lib/dbus", 0o755),
    ("var/lib/yum", 0o755),
    ("var/log", 0o755),
    ("var/cache/dnf", 0o755),
    ("var/cache/yum", 0o755),
    ("etc/rpm", 0o755),
    ("etc/dnf/vars", 0o755),
    ("etc/yum", 0o755),
    ("etc/yum.repos.d", 0o755),
];

/// Files that are there, if only empty ones.
const EMPTY: [&str; 3] = ["etc/os-release", "etc/yum/yum.conf", "var/log/yum.log"];

impl Skeleton {
    /// Makes the mount points an installing rpm needs in an empty root.
    pub fn prepare(root: &Path) -> io::Result<()> {
        for (dir, mode) in &DIRECTORIES[..5] {
            let path = root.join(dir);
            fs::create_dir_all(&path)?;
            fs::set_permissions(&path, fs::Permissions::from_mode(*mode))?;
        }
        Ok(())
    }

    /// Completes a root whose packages are installed.
    pub fn finish(&self, root: &Path) -> io::Result<()> {
        let mut rooted = Rooted::new(root);
        for (dir, mode) in DIRECTORIES {
            let existed = fs::symlink_metadata(root.join(dir)).is_ok();
            let path = rooted.directory(Path::new(dir))?;
            if !existed {
                fs::set_permissions(&path, fs::Permissions::from_mode(mode))?;
            }
        }
        for dir in &self.directories {
            rooted.directory(relative(dir))?;
        }
        let home = rooted.directory(relative(&self.home))?;
        chown_unless_single(&home, self.uid, self.gid)?;
        self.add_account(&mut rooted)?;
        // A link to something outside the root would make the file unreachable for a bind mount.
        let resolver = rooted.file(Path::new("etc/resolv.conf"))?;
        if fs::symlink_metadata(&resolver).is_ok_and(|meta| meta.is_symlink()) {
            fs::remove_file(&resolver)?;
        }
        let default_files = [
            ("etc/resolv.conf", ""),
            ("etc/fstab", ""),
            (
                "etc/hosts",
                "127.0.0.1 localhost localhost.localdomain\n::1 localhost localhost.localdomain\n",
            ),
        ];
        for (path, content) in default_files {
            write_file(&mut rooted, Path::new(path), content, true)?;
        }
        let mtab = rooted.file(Path::new("etc/mtab"))?;
        if fs::symlink_metadata(&mtab).is_err() {
            std::os::unix::fs::symlink("../proc/self/mounts", &mtab)?;
        }
        for path in EMPTY {
            write_file(&mut rooted, Path::new(path), "", true)?;
        }
        let short = rooted.file(Path::new("etc/yum.conf"))?;
        if fs::symlink_metadata(&short).is_err() {
            std::os::unix::fs::symlink("yum/yum.conf", &short)?;
        }
        for file in &self.files {
            write_file(
                &mut rooted,
                relative(&file.path),
                &file.content,
                file.only_if_absent,
            )?;
        }
        Ok(())
    }

    /// Adds user and group by text, as `useradd -o` would: an id that is taken is no obstacle, a
    /// name that is taken is replaced.
    fn add_account(&self, rooted: &mut Rooted) -> io::Result<()> {
        let passwd = format!(
            "{}:x:{}:{}::{}:/bin/bash",
            self.user, self.uid, self.gid, self.home
        );
        let group = format!("{}:x:{}:", self.group, self.gid);
        for Account {
            name,
            uid,
            gid,
            home,
            shell,
        } in &self.accounts
        {
            let passwd = format!("{name}:x:{uid}:{gid}::{home}:{shell}");
            replace_line(rooted, "etc/passwd", name, &passwd)?;
        }
        replace_line(rooted, "etc/group", &self.group, &group)?;
        // Without a line there, PAM lets nobody become that user: `su - mockbuild`.
        replace_secret_line(rooted, "etc/shadow", &self.user, "!!:::::::")?;
        replace_secret_line(rooted, "etc/gshadow", &self.group, "!::")?;
        replace_line(rooted, "etc/passwd", &self.user, &passwd)
    }
}

fn relative(path: &ChrootPath) -> &Path {
    path.as_path()
        .strip_prefix("/")
        .unwrap_or_else(|_| path.as_path())
}

/// With a single mapped id every chown fails with EINVAL, and everything belongs to the one id
/// anyway.
fn chown_unless_single(path: &Path, uid: u32, gid: u32) -> io::Result<()> {
    match chown(path, Some(uid), Some(gid)) {
        Err(e) if e.raw_os_error() == Some(nix::libc::EINVAL) => Ok(()),
        other => other,
    }
}

fn replace_line(rooted: &mut Rooted, file: &str, name: &str, line: &str) -> io::Result<()> {
    let path = rooted.file(Path::new(file))?;
    let old = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == io::ErrorKind::NotFound => String::new(),
        Err(e) => return Err(e),
    };
    let prefix = format!("{name}:");
    let mut text: String = old
        .lines()
        .filter(|l| !l.starts_with(&prefix))
        .flat_map(|l| [l, "\n"])
        .collect();
    text.push_str(line);
    text.push('\n');
    write_new(&path, &text)
}

/// In a file that only root reads, where the root has it: what is after the name.
fn replace_secret_line(rooted: &mut Rooted, file: &str, name: &str, rest: &str) -> io::Result<()> {
    let path = rooted.file(Path::new(file))?;
    let old = match fs::symlink_metadata(&path) {
        Ok(meta) if meta.is_file() => meta,
        _ => return Ok(()),
    };
    let prefix = format!("{name}:");
    let mut text: String = fs::read_to_string(&path)?
        .lines()
        .filter(|l| !l.starts_with(&prefix))
        .flat_map(|l| [l, "\n"])
        .collect();
    text.push_str(&format!("{prefix}{rest}\n"));
    let options = WriteOptions {
        exact_mode: true,
        ..WriteOptions::with_mode(old.mode() & 0o777)
    };
    rpmkit_fs::write_file(&path, &text, &options).map_err(FsError::into_system)?;
    chown_unless_single(&path, old.uid(), old.gid())
}

fn write_file(
    rooted: &mut Rooted,
    path: &Path,
    content: &str,
    only_if_absent: bool,
) -> io::Result<()> {
    let host: PathBuf = rooted.file(path)?;
    if only_if_absent && fs::symlink_metadata(&host).is_ok() {
        return Ok(());
    }
    write_new(&host, content)
}

/// Replaces by rename: the present file may be a hard link into another layer.
fn write_new(path: &Path, content: &str) -> io::Result<()> {
    rpmkit_fs::write_file(path, content, &WriteOptions::with_mode(0o644))
        .map_err(FsError::into_system)
}

/// A request for the `skeleton` operation.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SkeletonJob {
    pub root: PathBuf,
    /// Absent: only [`Skeleton::prepare`].
    pub finish: Option<Skeleton>,
}

/// The operation itself, run inside the namespace.
/// The operations of this crate by name, for the program's whole table.
pub const OPS: &[(&str, rpmkit_sandbox::OpFn)] = &[("skeleton", operation)];

fn operation(input: &[u8]) -> Result<Vec<u8>, String> {
    let job: SkeletonJob = serde_json::from_slice(input).map_err(|e| e.to_string())?;
    let done = match &job.finish {
        None => Skeleton::prepare(&job.root),
        Some(skeleton) => skeleton.finish(&job.root),
    };
    done.map(|()| Vec::new())
        .map_err(|e| format!("cannot complete `{}`: {e}", job.root.display()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_root_is_completed_once_and_stays_so() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        Skeleton::prepare(root).unwrap();
        fs::write(
            root.join("etc/passwd"),
            "root:x:0:0::/root:/bin/sh\nmockbuild:x:7:7::/:\n",
        )
        .unwrap();
        let shadow = root.join("etc/shadow");
        fs::write(&shadow, "root:*:1::::::\nmockbuild:x:1::::::\n").unwrap();
        fs::set_permissions(&shadow, fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink("/run/stub", root.join("etc/resolv.conf")).unwrap();
        let skeleton = Skeleton {
            user: "mockbuild".into(),
            uid: nix::unistd::getuid().as_raw(),
            group: "mock".into(),
            gid: nix::unistd::getgid().as_raw(),
            home: ChrootPath::new("/builddir"),
            directories: vec![ChrootPath::new("/srv/x")],
            files: vec![SkeletonFile {
                path: ChrootPath::new("/etc/motd"),
                content: "hi\n".into(),
                only_if_absent: false,
            }],
            accounts: vec![Account {
                name: "bob".into(),
                uid: 5,
                gid: 6,
                home: "/home/bob".into(),
                shell: "/bin/sh".into(),
            }],
        };
        for _ in 0..2 {
            skeleton.finish(root).unwrap();
            let passwd = fs::read_to_string(root.join("etc/passwd")).unwrap();
            assert_eq!(passwd.lines().count(), 3, "{passwd}");
            assert!(passwd.contains("\nbob:x:5:6::/home/bob:/bin/sh\n"));
            assert!(passwd.ends_with(":/builddir:/bin/bash\n"));
            let text = fs::read_to_string(&shadow).unwrap();
            assert_eq!(text, "root:*:1::::::\nmockbuild:!!:::::::\n");
            assert_eq!(fs::metadata(&shadow).unwrap().mode() & 0o777, 0o640);
            assert!(!root.join("etc/gshadow").exists() && root.join("var/log").is_dir());
            assert!(
                fs::metadata(root.join("etc/resolv.conf"))
                    .unwrap()
                    .is_file()
            );
            assert!(root.join("builddir").is_dir() && root.join("srv/x").is_dir());
            assert!(root.join("etc/dnf/vars").is_dir() && root.join("var/log/yum.log").is_file());
            assert!(
                root.join("etc/yum.conf").is_file(),
                "a link to yum/yum.conf"
            );
            assert_eq!(fs::read_to_string(root.join("etc/motd")).unwrap(), "hi\n");
        }
    }
}
