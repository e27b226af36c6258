//! An archive of a plain directory, for checkouts that are not git's.

use std::{collections::HashMap, os::unix::ffi::OsStrExt, path::Path};

use rpmkit_fs::{Links, Meta, UntrustedTree, WalkOptions};

use super::{
    ArchiveOptions, MODE_DIR, MODE_EXEC, MODE_FILE, MODE_LINK, ScmError, join,
    tar::{TarEntry, TarKind},
    write_archive,
};

/// Names GNU tar leaves out with `--exclude-vcs` (its manual, "Excluding Some Files").
const VCS_NAMES: &[&str] = &[
    "CVS",
    "RCS",
    "SCCS",
    ".git",
    ".gitignore",
    ".gitmodules",
    ".gitattributes",
    ".cvsignore",
    ".svn",
    ".arch-ids",
    "{arch}",
    "=RELEASE-ID",
    "=meta-update",
    "=update",
    ".bzr",
    ".bzrignore",
    ".bzrtags",
    ".hg",
    ".hgignore",
    ".hgtags",
    "_darcs",
];

/// Where a directory's modification times come from.
#[derive(Debug, Clone)]
pub enum DirTimes {
    /// The files' own.
    Disk,
    /// By path relative to the directory; files not in the map have the second field's time.
    Each(HashMap<Vec<u8>, i64>, i64),
}

/// Writes everything below `dir` to `dest`. Of `options`, prefix, dereference and exclude
/// count. A directory's time is that of the youngest thing in it, so that it says something
/// about the content and nothing about the checkout.
///
/// # Errors
/// When something cannot be read, or `dest` cannot be written.
pub fn archive_dir(
    dir: &Path,
    dest: &Path,
    options: &ArchiveOptions,
    times: &DirTimes,
    exclude_vcs: bool,
) -> Result<(), ScmError> {
    let tree = UntrustedTree::open(dir, Links::Beneath)?;
    // A link counts as what it leads to only where that is a file of the tree, and none of git's own.
    let linked = tree.with_links(Links::Beneath)?.without(".git");
    let mut found = Vec::new();
    let mut walk = tree.walk("", WalkOptions::default())?;
    while let Some(entry) = walk.next() {
        let entry = entry?;
        let name = entry.name().to_string_lossy();
        if exclude_vcs && VCS_NAMES.contains(&&*name) || entry.shown() == dest {
            walk.skip();
            continue;
        }
        let mut path = entry.path().as_os_str().as_bytes().to_vec();
        if options.excludes(&path) {
            continue;
        }
        let mut metadata = entry.metadata()?;
        if metadata.is_link()
            && options.dereference
            && let Ok(target) = linked.stat(entry.path())
            && target.is_file()
        {
            metadata = target;
        }
        let mtime = match times {
            DirTimes::Disk => metadata.mtime().0,
            DirTimes::Each(times, other) => times.get(&path).copied().unwrap_or(*other),
        };
        let at = entry.path().to_owned();
        if metadata.is_dir() {
            path.push(b'/');
        }
        found.push((path, at, metadata, mtime));
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    date_directories(&mut found);
    write_archive(dest, |tar| {
        let top = found.iter().map(|entry| entry.3).max().unwrap_or(0);
        let error = || ScmError::io("write", dest);
        if !options.prefix.is_empty() {
            let path = [&options.prefix, b"/".as_slice()].concat();
            let entry = plain(&path, TarKind::Dir, MODE_DIR, top);
            tar.append(&entry).map_err(error())?;
        }
        for (path, at, metadata, mtime) in &found {
            let full = join(&options.prefix, path);
            if metadata.is_dir() {
                let entry = plain(&full, TarKind::Dir, MODE_DIR, *mtime);
                tar.append(&entry).map_err(error())?;
            } else if metadata.is_link() {
                let target = tree.read_link(at)?;
                let mut entry = plain(&full, TarKind::Symlink, MODE_LINK, *mtime);
                entry.link = target.as_os_str().as_bytes();
                tar.append(&entry).map_err(error())?;
            } else if metadata.is_file() {
                let executable = metadata.mode() & 0o100 != 0;
                let mode = if executable { MODE_EXEC } else { MODE_FILE };
                let mut entry = plain(&full, TarKind::File, mode, *mtime);
                let mut file = if tree.lstat(at)?.is_link() {
                    linked.open_file(at)?
                } else {
                    tree.open_file_itself(at)?
                };
                let read = ScmError::io("read", dir);
                entry.size = file.metadata().map_err(read)?.len();
                tar.append_data(&entry, &mut file).map_err(error())?;
            }
        }
        Ok(())
    })
}

type Found = (Vec<u8>, std::path::PathBuf, Meta, i64);

/// Gives each directory the time of the youngest thing in it.
fn date_directories(found: &mut [Found]) {
    // Sorted, so a directory comes before what is in it: going backwards sees the content first.
    for at in (0..found.len()).rev() {
        if found[at].2.is_dir() {
            let youngest = found[at + 1..]
                .iter()
                .take_while(|entry| entry.0.starts_with(&found[at].0))
                .map(|entry| entry.3)
                .max();
            if let Some(youngest) = youngest {
                found[at].3 = youngest;
            }
        }
    }
}

fn plain(path: &[u8], kind: TarKind, mode: u32, mtime: i64) -> TarEntry<'_> {
    TarEntry {
        path,
        kind,
        mode,
        mtime,
        size: 0,
        link: b"",
        // Only names pax headers; any constant does.
        id: "0000000000000000000000000000000000000000",
    }
}
