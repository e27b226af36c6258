//! Files into and out of a chroot's private directories.
//!
//! Both directions run inside the store's user namespace: what goes in must come to belong to the
//! build user, and what comes out may be readable only there. The tree was written by an untrusted
//! build, so no symbolic link of its is ever followed.

use std::{
    ffi::OsString,
    fs::{self, File},
    io,
    os::unix::{ffi::OsStrExt, fs::symlink},
    path::{Path, PathBuf},
};

use rpmkit_fs::{
    CopyMode, CopyOptions, EntryKind, FsError, HostDir, IfThere, Links, RemoveOptions,
    UntrustedTree,
};
use serde::{Deserialize, Serialize};

/// Who files in the chroot shall belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemOwner {
    /// User id inside.
    pub uid: u32,
    /// Group id inside.
    pub gid: u32,
}

/// One file or directory to bring in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyItem {
    /// Host path; a directory is taken with all below it.
    pub from: PathBuf,
    /// Path below the destination directory; its parents are made.
    pub to: PathBuf,
}

/// A request for the `copy-in` operation.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CopyIn {
    /// Host path of the chroot's directory.
    pub base: PathBuf,
    pub items: Vec<CopyItem>,
    /// Texts to write, after the items.
    pub texts: Vec<(PathBuf, String)>,
    /// Directories (relative) to make first.
    pub directories: Vec<PathBuf>,
    /// Entries of the base directory to remove first, unless kept.
    pub wipe: Option<Wipe>,
    pub owner: ItemOwner,
    /// Copy what links point to instead of the links.
    pub dereference: bool,
}

/// What of the base directory goes before anything is copied.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Wipe {
    /// Relative paths that stay.
    pub keep: Vec<PathBuf>,
}

/// A request for the `copy-out` operation.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CopyOut {
    pub base: PathBuf,
    /// Directories relative to the base whose plain files are wanted.
    pub directories: Vec<PathBuf>,
    /// Only names that end so.
    pub suffix: String,
    /// Host directory they go to; each is written under a temporary name and renamed.
    pub to: PathBuf,
}

/// How `copy-out` ended, where who asked has to tell one end from another.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum CopiedOut {
    /// The names written.
    Done(Vec<String>),
    /// A name that is a link: what it points to is nothing a build has made there.
    Link(PathBuf),
    /// The host's directory could not be written.
    Unwritten { path: PathBuf, errno: i32 },
}

fn at<T>(what: &str, path: &Path, result: io::Result<T>) -> Result<T, String> {
    result.map_err(|e| format!("cannot {what} `{}`: {e}", path.display()))
}

/// The `copy-in` operation.
/// The operations of this module by name, for the program's whole table.
pub(crate) const OPS: &[(&str, rpmkit_sandbox::OpFn)] = &[
    ("copy-in", copy_in),
    ("copy-out", copy_out),
    ("remove-files", remove_files),
];

fn copy_in(input: &[u8]) -> Result<Vec<u8>, String> {
    let job: CopyIn = serde_json::from_slice(input).map_err(|e| e.to_string())?;
    if let Some(wipe) = &job.wipe {
        // A build may leave directories of any depth, and such as their owner cannot enter.
        let cleared = UntrustedTree::open(&job.base, Links::Never)
            .and_then(|base| base.clear("", &wipe.keep, RemoveOptions::default()));
        cleared.map_err(|error| error.to_string())?;
    }
    at("own", &job.base, own(&job.base, job.owner))?;
    for dir in &job.directories {
        make_directories(&job, dir)?;
    }
    for item in &job.items {
        if let Some(parent) = item.to.parent() {
            make_directories(&job, parent)?;
        }
        copy_tree(&item.from, &job.base.join(&item.to), &job)?;
    }
    for (path, text) in &job.texts {
        let target = job.base.join(path);
        at("remove", &target, remove_any(&target))?;
        at("write", &target, fs::write(&target, text))?;
        at("own", &target, own(&target, job.owner))?;
    }
    Ok(Vec::new())
}

fn make_directories(job: &CopyIn, dir: &Path) -> Result<(), String> {
    let mut path = job.base.clone();
    for part in dir.components() {
        path.push(part);
        if !fs::symlink_metadata(&path).is_ok_and(|meta| meta.is_dir()) {
            at("remove", &path, remove_any(&path))?;
            at("create", &path, fs::create_dir(&path))?;
            at("own", &path, own(&path, job.owner))?;
        }
    }
    Ok(())
}

/// With a single mapped id chown fails with EINVAL, and everything is the one user's anyway.
fn own(path: &Path, owner: ItemOwner) -> io::Result<()> {
    let done = std::os::unix::fs::lchown(path, Some(owner.uid), Some(owner.gid));
    match done {
        Err(e) if e.raw_os_error() == Some(nix::libc::EINVAL) => Ok(()),
        other => other,
    }
}

fn remove_any(path: &Path) -> io::Result<()> {
    let (parent, name) = (path.parent(), path.file_name());
    let parent = HostDir::open(parent.unwrap_or(Path::new("/")))?;
    parent.remove_all(name.unwrap_or_default(), RemoveOptions::default())?;
    Ok(())
}

fn copy_tree(from: &Path, to: &Path, job: &CopyIn) -> Result<(), String> {
    let meta = at(
        "read",
        from,
        if job.dereference {
            fs::metadata(from)
        } else {
            fs::symlink_metadata(from)
        },
    )?;
    if meta.is_symlink() {
        let link = at("read", from, fs::read_link(from))?;
        at("remove", to, remove_any(to))?;
        at("create", to, symlink(link, to))?;
    } else if meta.is_dir() {
        if !fs::symlink_metadata(to).is_ok_and(|m| m.is_dir()) {
            at("remove", to, remove_any(to))?;
            at("create", to, fs::create_dir(to))?;
        }
        for entry in at("read", from, fs::read_dir(from))? {
            let entry = at("read", from, entry)?;
            copy_tree(&entry.path(), &to.join(entry.file_name()), job)?;
        }
        at("change", to, fs::set_permissions(to, meta.permissions()))?;
    } else if meta.is_file() {
        at("remove", to, remove_any(to))?;
        at("copy", from, fs::copy(from, to).map(drop))?;
        keep_time(to, &meta);
    }
    // Sockets and device nodes are no sources.
    if fs::symlink_metadata(to).is_ok() {
        at("own", to, own(to, job.owner))?;
    }
    Ok(())
}

fn keep_time(to: &Path, meta: &fs::Metadata) {
    if let (Ok(time), Ok(file)) = (meta.modified(), File::options().write(true).open(to)) {
        let _ = file.set_modified(time);
    }
}

/// A request for the `remove-files` operation.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RemoveFiles {
    pub base: PathBuf,
    /// Directories relative to the base.
    pub directories: Vec<PathBuf>,
    /// Only names that end so.
    pub suffix: String,
}

/// The `remove-files` operation.
fn remove_files(input: &[u8]) -> Result<Vec<u8>, String> {
    let job: RemoveFiles = serde_json::from_slice(input).map_err(|e| e.to_string())?;
    for dir in &job.directories {
        let Some((tree, names)) = list_below(&job.base, dir, &job.suffix)? else {
            continue;
        };
        for name in names {
            tree.remove_file(&name).map_err(|error| error.to_string())?;
        }
    }
    Ok(Vec::new())
}

/// A directory opened without following links, and its names that end in `suffix`, sorted; `None`
/// when it does not exist.
fn list_below(
    base: &Path,
    dir: &Path,
    suffix: &str,
) -> Result<Option<(UntrustedTree, Vec<OsString>)>, String> {
    let opened = UntrustedTree::open(base, Links::Never).and_then(|base| base.subtree(dir));
    let tree = match opened {
        Err(error) if error.is_not_found() => return Ok(None),
        other => other.map_err(|error| error.to_string())?,
    };
    let mut found: Vec<OsString> = tree
        .list("", usize::MAX)
        .map_err(|error| error.to_string())?
        .into_iter()
        .map(|entry| entry.name)
        .filter(|name| name.as_bytes().ends_with(suffix.as_bytes()))
        .collect();
    found.sort();
    Ok(Some((tree, found)))
}

/// The `copy-out` operation. Answers with [`CopiedOut`], as JSON.
fn copy_out(input: &[u8]) -> Result<Vec<u8>, String> {
    let job: CopyOut = serde_json::from_slice(input).map_err(|e| e.to_string())?;
    serde_json::to_vec(&copied_out(&job)?).map_err(|e| e.to_string())
}

fn copied_out(job: &CopyOut) -> Result<CopiedOut, String> {
    let mut names = Vec::new();
    // The directory may be another user's: a link of its is replaced, not written through.
    let to = match UntrustedTree::open(&job.to, Links::Never) {
        Ok(to) => to,
        Err(error) => return unwritten(&job.to, error),
    };
    let options = CopyOptions {
        mode: CopyMode::Fixed(0o644),
        there: IfThere::Replace,
        ..CopyOptions::default()
    };
    for dir in &job.directories {
        let Some((tree, found)) = list_below(&job.base, dir, &job.suffix)? else {
            continue;
        };
        for name in found {
            let meta = tree.lstat(&name).map_err(|error| error.to_string())?;
            match meta.kind() {
                EntryKind::Link => return Ok(CopiedOut::Link(dir.join(&name))),
                EntryKind::File => {}
                _ => continue,
            }
            // Opened first, so that what fails afterwards fails at the host's directory.
            tree.open_file_itself(&name)
                .map_err(|error| error.to_string())?;
            if let Err(error) = tree.copy_file_itself(&name, &to, &name, &options) {
                return unwritten(&job.to.join(&name), error);
            }
            names.push(name.to_string_lossy().into_owned());
        }
    }
    Ok(CopiedOut::Done(names))
}

/// The host's directory could not be written, or the error where no errno tells why.
fn unwritten(path: &Path, error: FsError) -> Result<CopiedOut, String> {
    match error.os_error() {
        Some(errno) => Ok(CopiedOut::Unwritten {
            path: path.to_owned(),
            errno,
        }),
        None => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn me() -> ItemOwner {
        ItemOwner {
            uid: nix::unistd::getuid().as_raw(),
            gid: nix::unistd::getgid().as_raw(),
        }
    }

    #[test]
    fn a_home_is_wiped_but_for_what_stays_and_filled() {
        let dir = tempfile::tempdir().unwrap();
        let (home, host) = (dir.path().join("home"), dir.path().join("host"));
        fs::create_dir_all(home.join("build/SOURCES")).unwrap();
        fs::create_dir_all(home.join("build/BUILD/x")).unwrap();
        fs::write(home.join("build/SOURCES/kept"), "1").unwrap();
        fs::create_dir(&host).unwrap();
        fs::write(host.join("a.tar"), "tar").unwrap();
        symlink("a.tar", host.join("link")).unwrap();
        let job = CopyIn {
            base: home.clone(),
            items: vec![CopyItem {
                from: host,
                to: "build/SOURCES".into(),
            }],
            texts: vec![(".rpmmacros".into(), "%a 1\n".into())],
            directories: vec!["build/RPMS".into()],
            wipe: Some(Wipe {
                keep: vec!["build/SOURCES".into()],
            }),
            owner: me(),
            dereference: false,
        };
        copy_in(&serde_json::to_vec(&job).unwrap()).unwrap();
        assert!(!home.join("build/BUILD").exists());
        assert!(home.join("build/SOURCES/kept").exists() && home.join("build/RPMS").is_dir());
        assert_eq!(
            fs::read_link(home.join("build/SOURCES/link")).unwrap(),
            Path::new("a.tar")
        );
        assert_eq!(
            fs::read_to_string(home.join(".rpmmacros")).unwrap(),
            "%a 1\n"
        );
    }

    #[test]
    fn results_come_out_and_links_do_not() {
        let dir = tempfile::tempdir().unwrap();
        let (base, to) = (dir.path().join("b"), dir.path().join("r"));
        fs::create_dir_all(base.join("RPMS")).unwrap();
        fs::create_dir(&to).unwrap();
        fs::write(base.join("RPMS/a.rpm"), "a").unwrap();
        fs::write(base.join("RPMS/a.txt"), "a").unwrap();
        symlink("/etc", base.join("SRPMS")).unwrap();
        let mut job = CopyOut {
            base: base.clone(),
            directories: vec!["RPMS".into(), "gone".into()],
            suffix: ".rpm".into(),
            to: to.clone(),
        };
        let done =
            |names: &[&str]| CopiedOut::Done(names.iter().map(ToString::to_string).collect());
        assert_eq!(copied_out(&job).unwrap(), done(&["a.rpm"]));
        assert_eq!(fs::read_dir(&to).unwrap().count(), 1);
        symlink("a.rpm", base.join("RPMS/b.rpm")).unwrap();
        let link = CopiedOut::Link("RPMS/b.rpm".into());
        assert_eq!(copied_out(&job).unwrap(), link);
        fs::remove_file(base.join("RPMS/b.rpm")).unwrap();
        job.to = dir.path().join("gone");
        let unwritten = CopiedOut::Unwritten {
            path: job.to.clone(),
            errno: nix::libc::ENOENT,
        };
        assert_eq!(copied_out(&job).unwrap(), unwritten);
        job.directories = vec!["SRPMS".into()];
        job.to = to;
        assert!(copy_out(&serde_json::to_vec(&job).unwrap()).is_err());
    }

    #[test]
    fn nothing_is_written_through_a_link_of_the_result_directory() {
        let dir = tempfile::tempdir().unwrap();
        let (base, to) = (dir.path().join("b"), dir.path().join("r"));
        let victim = dir.path().join("victim");
        fs::create_dir_all(base.join("RPMS")).unwrap();
        fs::create_dir(&to).unwrap();
        fs::write(base.join("RPMS/a.rpm"), "new").unwrap();
        fs::write(&victim, "mine").unwrap();
        // Both names are guessed: the result's, and the one it was written under.
        for name in ["a.rpm", ".rpmkit-a.rpm"] {
            symlink(&victim, to.join(name)).unwrap();
        }
        let job = CopyOut {
            base,
            directories: vec!["RPMS".into()],
            suffix: ".rpm".into(),
            to: to.clone(),
        };
        assert!(matches!(copied_out(&job), Ok(CopiedOut::Done(_))));
        assert_eq!(fs::read_to_string(&victim).unwrap(), "mine");
        assert!(!fs::symlink_metadata(to.join("a.rpm")).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(to.join("a.rpm")).unwrap(), "new");
    }

    #[test]
    fn a_home_of_any_depth_is_wiped() {
        let dir = tempfile::tempdir().unwrap();
        let mut at = HostDir::open(dir.path()).unwrap();
        let name = "d".repeat(200);
        for _ in 0..300 {
            at.mkdir(&name, 0o755).unwrap();
            at = at.dir(&name).unwrap();
        }
        let job = CopyIn {
            base: dir.path().to_owned(),
            items: Vec::new(),
            texts: Vec::new(),
            directories: Vec::new(),
            wipe: Some(Wipe { keep: Vec::new() }),
            owner: me(),
            dereference: false,
        };
        copy_in(&serde_json::to_vec(&job).unwrap()).unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
