//! Files into and out of a chroot's private directories.
//!
//! Both directions run inside the store's user namespace: what goes in must come to belong to the
//! build user, and what comes out may be readable only there. The tree was written by an untrusted
//! build, so no symbolic link of its is ever followed.

#![allow(
    clippy::disallowed_methods,
    reason = "where an item that the user named leads; everything else goes by descriptor"
)]

use std::{
    ffi::OsString,
    fs, io,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use rpmkit_fs::{
    CopyMode, CopyOptions, Dir, EntryKind, FsError, IfThere, LinkCopy, Links, Owner, RemoveOptions,
    TreeCopyOptions, UntrustedTree, WriteOptions,
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
    /// Which links are copied as what they point to.
    pub follow: Follow,
}

/// Which links in what is brought in are copied as what they point to; the others stay links.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Follow {
    /// None.
    #[default]
    Nothing,
    /// Those to files that lie in the same directory of the host, at any depth: it may be a stranger's.
    Within,
    /// All, because the user asked for that.
    Anywhere,
}

/// Directories in one another when all links are followed: they may lead round in circles.
const DEEPEST: usize = 64;

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
    let shown = |error: FsError| error.to_string();
    let base = UntrustedTree::open(&job.base, Links::Never).map_err(shown)?;
    own(&base, Path::new(""), job.owner)?;
    for dir in &job.directories {
        make_directories(&base, dir, job.owner)?;
    }
    for item in &job.items {
        if let Some(parent) = item.to.parent() {
            make_directories(&base, parent, job.owner)?;
        }
        bring_in(item, &base, &job, 0)?;
    }
    for (path, text) in &job.texts {
        base.remove_all(path, RemoveOptions::default())
            .map_err(shown)?;
        base.write(path, text, &WriteOptions::with_mode(0o666))
            .map_err(shown)?;
        own(&base, path, job.owner)?;
    }
    Ok(Vec::new())
}

/// What is in the way of a directory is removed: the build may have put anything there.
fn make_directories(base: &Dir, dir: &Path, owner: ItemOwner) -> Result<(), String> {
    let mut path = PathBuf::new();
    for part in dir.components() {
        path.push(part);
        if !base.lstat(&path).is_ok_and(|meta| meta.is_dir()) {
            base.remove_all(&path, RemoveOptions::default())
                .and_then(|_| base.mkdir(&path, 0o777))
                .map_err(|error| error.to_string())?;
            own(base, &path, owner)?;
        }
    }
    Ok(())
}

/// With a single mapped id chown fails with EINVAL, and everything is the one user's anyway.
fn own(base: &Dir, path: &Path, owner: ItemOwner) -> Result<(), String> {
    match base.set_owner(path, owner.uid, owner.gid) {
        Err(error) if error.os_error() == Some(nix::libc::EINVAL) => Ok(()),
        other => other.map_err(|error| error.to_string()),
    }
}

/// Copies one item. Of a directory, links that are to be followed count while they stay in it: it may be
/// a stranger's checkout. Sockets and device nodes are no sources.
fn bring_in(item: &CopyItem, base: &Dir, job: &CopyIn, depth: usize) -> Result<(), String> {
    let shown = |error: FsError| error.to_string();
    let file = CopyOptions {
        there: IfThere::Replace,
        owner: Some(Owner {
            uid: job.owner.uid,
            gid: job.owner.gid,
            if_mapped: true,
        }),
        ..CopyOptions::default()
    };
    let (dir, name) = place_of(&item.from, job.follow != Follow::Nothing)?;
    let meta = dir.lstat(&name).map_err(shown)?;
    match meta.kind() {
        EntryKind::Dir => {
            let from = dir.subtree(&name).map_err(shown)?;
            if job.follow == Follow::Anywhere {
                if depth > DEEPEST {
                    let from = item.from.display();
                    return Err(format!("cannot copy `{from}`: its links lead too deep"));
                }
                make_directories(base, &item.to, job.owner)?;
                for entry in from.list("", usize::MAX).map_err(shown)? {
                    let inner = CopyItem {
                        from: item.from.join(&entry.name),
                        to: item.to.join(&entry.name),
                    };
                    bring_in(&inner, base, job, depth + 1)?;
                }
                return Ok(());
            }
            let from = from.with_links(Links::Beneath).map_err(shown)?;
            let options = TreeCopyOptions {
                file,
                links: match job.follow {
                    Follow::Nothing => LinkCopy::Copy,
                    _ => LinkCopy::Follow,
                },
                ..TreeCopyOptions::default()
            };
            if base.lstat(&item.to).is_ok_and(|meta| !meta.is_dir()) {
                base.remove_file(&item.to).map_err(shown)?;
            }
            from.copy_tree("", base, &item.to, &options)
                .map_err(shown)?;
            // One that was there is the project's, too.
            own(base, &item.to, job.owner)
        }
        EntryKind::Link => {
            let target = dir.read_link(&name).map_err(shown)?;
            base.remove_all(&item.to, RemoveOptions::default())
                .and_then(|_| base.symlink(target, &item.to))
                .map_err(shown)?;
            own(base, &item.to, job.owner)
        }
        EntryKind::File => {
            base.remove_all(&item.to, RemoveOptions::default())
                .map_err(shown)?;
            dir.copy_file_itself(&name, base, &item.to, &file)
                .map_err(shown)
                .map(drop)
        }
        _ => Ok(()),
    }
}

/// The directory an item is in, and its name. Where links are to be followed, that of what it leads to:
/// each item was named by the user or looked at before.
fn place_of(from: &Path, follow: bool) -> Result<(UntrustedTree, PathBuf), String> {
    let real = match follow {
        true => at("read", from, fs::canonicalize(from))?,
        false => from.to_owned(),
    };
    let parent = real.parent().unwrap_or(Path::new("/"));
    let name = real.file_name().unwrap_or_default().into();
    let dir = UntrustedTree::open(parent, Links::Never).map_err(|error| error.to_string())?;
    Ok((dir, name))
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
    #![allow(clippy::unwrap_used, clippy::disallowed_methods)]
    use std::os::unix::fs::symlink;

    use rpmkit_fs::HostDir;

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
            follow: Follow::Nothing,
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

    /// Brings `from` in as `SOURCES` of a home whose build has put links where things go.
    fn into_hostile_home(dir: &Path, follow: Follow) -> PathBuf {
        let home = dir.join(format!("home-{follow:?}"));
        fs::create_dir_all(home.join("build")).unwrap();
        for name in ["build/SOURCES", ".rpmmacros", "build/RPMS"] {
            symlink(dir.join("host"), home.join(name)).unwrap();
        }
        let job = CopyIn {
            base: home.clone(),
            items: vec![CopyItem {
                from: dir.join("from"),
                to: "build/SOURCES".into(),
            }],
            texts: vec![(".rpmmacros".into(), "%a 1\n".into())],
            directories: vec!["build/RPMS".into()],
            wipe: None,
            owner: me(),
            follow,
        };
        copy_in(&serde_json::to_vec(&job).unwrap()).unwrap();
        home.join("build/SOURCES")
    }

    #[test]
    fn links_are_followed_as_far_as_is_asked_and_never_written_through() {
        let dir = tempfile::tempdir().unwrap();
        let (from, host) = (dir.path().join("from"), dir.path().join("host"));
        fs::create_dir_all(from.join("sub")).unwrap();
        fs::create_dir(&host).unwrap();
        fs::write(host.join("secret"), "hunter2").unwrap();
        fs::write(from.join("sub/a"), "a").unwrap();
        symlink("sub/a", from.join("in")).unwrap();
        symlink(host.join("secret"), from.join("out")).unwrap();
        symlink("../host", from.join("dir")).unwrap();
        let is_link = |path: PathBuf| fs::symlink_metadata(path).unwrap().is_symlink();
        for (follow, links) in [
            (Follow::Nothing, [true, true, true]),
            (Follow::Within, [false, true, true]),
            (Follow::Anywhere, [false, false, false]),
        ] {
            let sources = into_hostile_home(dir.path(), follow);
            let found = ["in", "out", "dir"].map(|name| is_link(sources.join(name)));
            assert_eq!(found, links, "{follow:?}");
            assert_eq!(fs::read(sources.join("sub/a")).unwrap(), b"a");
            let home = sources.parent().unwrap().parent().unwrap();
            assert!(!is_link(home.join(".rpmmacros")) && !is_link(home.join("build/RPMS")));
            let left: Vec<_> = fs::read_dir(&host).unwrap().collect();
            assert_eq!(left.len(), 1, "{left:?}");
        }
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
            follow: Follow::Nothing,
        };
        copy_in(&serde_json::to_vec(&job).unwrap()).unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
