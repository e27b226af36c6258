//! Unpacking a set of packages into one tree, in parallel.

use std::{
    collections::HashMap,
    fs,
    io::{self, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use rpmkit_types::rooted::Rooted;

use super::{
    FileKind, FileRecord, PackageFile, RpmFileError,
    budget::{Budget, room},
    cpio::{EntryName, Walker},
};

/// What was unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UnpackReport {
    /// Packages read.
    pub packages: usize,
    /// Regular files written.
    pub files: usize,
}

struct UnpackJob {
    package: PackageFile,
    files: Vec<FileRecord>,
}

impl UnpackJob {
    /// Bytes its header declares.
    fn size(&self) -> u64 {
        self.files
            .iter()
            .fold(0, |sum, file| sum.saturating_add(file.size))
    }
}

/// Unpacks `packages` below `root`, which must exist. All files come to belong to the caller;
/// setuid and setgid bits are dropped; documentation, manual pages and translations are left out;
/// device nodes are not made. A path that several packages own is written once or more, last
/// writer winning, which for a consistent set makes no difference.
///
/// Links between directories (`/lib` → `usr/lib`) are made before anything else, so that packages
/// that name files through them land in the right place whatever their order.
pub fn unpack_set(
    packages: &[PathBuf],
    root: &Path,
    threads: usize,
) -> Result<UnpackReport, RpmFileError> {
    let mut jobs = Vec::with_capacity(packages.len());
    for path in packages {
        let package = PackageFile::open(path)?;
        let files = package.files()?;
        jobs.push(UnpackJob { package, files });
    }
    if let Some(largest) = jobs.iter().max_by_key(|job| job.size()) {
        let all = jobs.iter().flat_map(|job| &job.files);
        room(
            all.filter(|file| wanted(file)),
            root,
            largest.package.path(),
        )?;
    }
    let directories = make_skeleton(&jobs, root)?;
    // The biggest packages first, so that no thread is left alone with one at the end.
    jobs.sort_by_key(|job| std::cmp::Reverse(job.size()));
    let total = jobs.len();
    let queue = Mutex::new(jobs.into_iter());
    let files = AtomicUsize::new(0);
    let failure = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                loop {
                    let job = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
                    let Some(job) = job else { break };
                    match unpack_one(job, root) {
                        Ok(count) => {
                            files.fetch_add(count, Ordering::Relaxed);
                        }
                        Err(e) => {
                            let mut slot = failure.lock().unwrap_or_else(PoisonError::into_inner);
                            slot.get_or_insert(e);
                            break;
                        }
                    }
                }
            });
        }
    });
    if let Some(e) = failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(e);
    }
    // Final modes last: a directory without write permission could not have been filled.
    for (path, mode) in directories.into_iter().rev() {
        // Owner keeps full access: the tree must stay removable by the ordinary user who owns it.
        let _ = fs::set_permissions(&path, fs::Permissions::from_mode(mode | 0o700));
    }
    Ok(UnpackReport {
        packages: total,
        files: files.into_inner(),
    })
}

/// Makes links first (shallow ones before deep ones), then directories; returns the directories
/// with the modes they shall have in the end, parents before children.
fn make_skeleton(jobs: &[UnpackJob], root: &Path) -> Result<Vec<(PathBuf, u32)>, RpmFileError> {
    let mut links: Vec<(&FileRecord, &Path)> = Vec::new();
    let mut directories: Vec<(&FileRecord, &Path)> = Vec::new();
    for job in jobs {
        for file in job.files.iter().filter(|f| !f.ghost) {
            match file.kind {
                FileKind::Symlink => links.push((file, job.package.path())),
                FileKind::Directory => directories.push((file, job.package.path())),
                _ => {}
            }
        }
    }
    let depth = |file: &FileRecord| file.path.components().count();
    links.sort_by_key(|(file, _)| (depth(file), file.path.clone()));
    directories.sort_by(|a, b| a.0.path.cmp(&b.0.path));
    let directory_names: std::collections::HashSet<&Path> =
        directories.iter().map(|(f, _)| f.path.as_path()).collect();
    let mut rooted = Rooted::new(root);
    let error = |action, target: &Path, package: &Path| {
        let (target, package) = (target.to_owned(), package.to_owned());
        move |source| RpmFileError::Write {
            action,
            target,
            package,
            source,
        }
    };
    for (file, package) in links {
        if directory_names.contains(file.path.as_path()) {
            continue;
        }
        let target = rooted
            .file(&file.path)
            .map_err(error("resolve", &file.path, package))?;
        match symlink(&file.link, &target) {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists => {
                return Err(error("link", &target, package)(e));
            }
            _ => {}
        }
    }
    let mut made = Vec::with_capacity(directories.len());
    for (file, package) in directories {
        let target = rooted
            .directory(&file.path)
            .map_err(error("create", &file.path, package))?;
        made.push((target, file.mode));
    }
    Ok(made)
}

fn wanted(file: &FileRecord) -> bool {
    file.kind == FileKind::Regular
        && !file.doc
        && !["usr/share/man", "usr/share/locale", "usr/share/doc"]
            .iter()
            .any(|skip| file.path.starts_with(skip))
}

/// One file with several names: the entry's own number for it, or the last of its names in header order.
#[derive(Debug, PartialEq, Eq, Hash)]
enum LinkSet {
    Inode(u32),
    Last(usize),
}

fn unpack_one(job: UnpackJob, root: &Path) -> Result<usize, RpmFileError> {
    let package_path = job.package.path().to_owned();
    let files = job.files;
    let by_path: HashMap<&Path, usize> = files
        .iter()
        .enumerate()
        .map(|(n, f)| (f.path.as_path(), n))
        .collect();
    let mut rooted = Rooted::new(root);
    let mut walker = Walker::new(job.package.payload()?, Budget::of(&files));
    let mut pending_links: HashMap<LinkSet, Vec<PathBuf>> = HashMap::new();
    let mut count = 0;
    let payload = |e: io::Error| RpmFileError::Payload {
        path: package_path.clone(),
        reason: e.to_string(),
    };
    let write = |action: &'static str, target: &Path, source: io::Error| RpmFileError::Write {
        action,
        target: target.to_owned(),
        package: package_path.clone(),
        source,
    };
    while let Some(entry) = walker
        .next(|index| FileRecord::payload_size(&files, index))
        .map_err(payload)?
    {
        let index = match &entry.name {
            EntryName::Index(index) => *index,
            EntryName::Path(path) => match by_path.get(Path::new(path)) {
                Some(index) => *index,
                None => {
                    return Err(payload(io::Error::other(format!(
                        "`{path}` is in the payload but not in the header"
                    ))));
                }
            },
        };
        let Some(file) = files.get(index) else {
            return Err(payload(io::Error::other(format!(
                "no file has the index {index}"
            ))));
        };
        let (links, comes_later) = match entry.name {
            EntryName::Index(_) => (LinkSet::Last(file.content_at), file.content_at != index),
            EntryName::Path(_) => (
                LinkSet::Inode(entry.inode),
                entry.links > 1 && entry.size == 0 && file.size > 0,
            ),
        };
        let mut names = match comes_later {
            true => Vec::new(),
            false => pending_links.remove(&links).unwrap_or_default(),
        };
        if wanted(file) {
            let target = rooted
                .file(&file.path)
                .map_err(|e| write("resolve", &file.path, e))?;
            names.insert(0, target);
        }
        if comes_later {
            walker.skip(entry.size).map_err(payload)?;
            pending_links.entry(links).or_default().append(&mut names);
            continue;
        }
        let Some((target, others)) = names.split_first() else {
            walker.skip(entry.size).map_err(payload)?;
            continue;
        };
        let mut out = create(target, file.mode).map_err(|e| write("create", target, e))?;
        let mut write_error = None;
        let copied = walker.copy(entry.size, |piece| {
            if write_error.is_none() {
                write_error = out.write_all(piece).err();
            }
            Ok(())
        });
        if let Some(e) = write_error {
            return Err(write("write", target, e));
        }
        copied.map_err(payload)?;
        let mtime = SystemTime::UNIX_EPOCH + Duration::from_secs(file.mtime.unsigned_abs());
        let _ = out.set_modified(mtime);
        count += 1;
        for link in others {
            let _ = fs::remove_file(link);
            fs::hard_link(target, link).map_err(|e| write("link", link, e))?;
            count += 1;
        }
    }
    if let Some(name) = pending_links.values().flatten().next() {
        let name = name.strip_prefix(root).unwrap_or(name).display();
        return Err(payload(io::Error::other(format!(
            "the content of `{name}`, which has several names, is not in it"
        ))));
    }
    Ok(count)
}

/// A fresh file: an existing one may be a hard link, or a program another thread is reading.
fn create(target: &Path, mode: u32) -> io::Result<fs::File> {
    let open = || {
        fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode & 0o777 | 0o400)
            .open(target)
    };
    match open() {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
            fs::remove_file(target)?;
            open()
        }
        other => other,
    }
}

#[cfg(test)]
mod tests;
