//! Filling repositories, and their binary caches.

use std::{ffi::c_int, fs::File, os::fd::IntoRawFd, path::Path};

use crate::{
    ffi as c,
    pool::{Id, Pool, PoolError, RepoId, SolvId, cstring},
};

/// The kinds of dependency a package may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DepKind {
    /// What it offers.
    Provides,
    /// What it needs.
    Requires,
    /// What its `%pre` needs.
    PreRequires,
    /// What it cannot stand.
    Conflicts,
    /// What it replaces.
    Obsoletes,
    /// What should come with it.
    Recommends,
    /// What might come with it.
    Suggests,
    /// What it should come with.
    Supplements,
    /// What it might come with.
    Enhances,
}

/// One package as [`Pool::add_package`] takes it.
#[derive(Debug, Clone, Default)]
pub struct PackageData<'a> {
    /// Name.
    pub name: &'a str,
    /// `[epoch:]version-release`, a zero epoch left out.
    pub evr: &'a str,
    /// Architecture.
    pub arch: &'a str,
    /// Vendor; may be empty.
    pub vendor: &'a str,
    /// Path of the file in its repository.
    pub href: &'a str,
    /// `xml:base`; may be empty.
    pub base: &'a str,
    /// Algorithm name (md5, sha1, sha224 … sha512) and hexadecimal digits.
    pub checksum: Option<(&'a str, &'a str)>,
    /// Name of the source package's file; may be empty.
    pub source_rpm: &'a str,
    /// Bytes of the file.
    pub size: u64,
    /// Bytes of what it installs.
    pub installed_size: u64,
    /// Seconds since 1970.
    pub build_time: u64,
    /// Dependencies, in the order metadata gives them.
    pub deps: &'a [(DepKind, Id)],
    /// Absolute paths.
    pub files: &'a [&'a str],
}

impl Pool {
    /// Starts (or continues) filling a repository; returns the handle [`Pool::add_package`] needs.
    pub fn begin(&mut self, repo: RepoId) {
        self.unready();
        // SAFETY: the repository is live; the new data area is its last one and found again by
        // `repo_last_repodata`.
        unsafe { c::repo_add_repodata(self.repo_ptr(repo), 0) };
    }

    /// Adds one package to a repository [`Pool::begin`] was called on.
    pub fn add_package(
        &mut self,
        repo: RepoId,
        package: &PackageData<'_>,
    ) -> Result<SolvId, PoolError> {
        self.unready();
        let href = cstring(package.href)?;
        let base = cstring(package.base)?;
        let source = cstring(package.source_rpm)?;
        let checksum = match package.checksum {
            Some((kind, hex)) => self.checksum_type(kind).zip(Some(cstring(hex)?)),
            None => None,
        };
        let files = split_files(package.files)?;
        let (name, evr, arch) = (
            self.intern(package.name),
            self.intern(package.evr),
            self.intern(package.arch),
        );
        let vendor = (!package.vendor.is_empty()).then(|| self.intern(package.vendor));
        let myself = self.rel(name, crate::RelOp::Eq, evr);
        let repo_ptr = self.repo_ptr(repo);
        let known = self.known;
        // SAFETY: the repository is live; the id is that of a new solvable in it.
        let id = unsafe { c::repo_add_solvable(repo_ptr) };
        let solvable = self.checked(SolvId(id));
        // SAFETY: `solvable` stays valid as no solvable is added below; strings end in NUL and are
        // copied by libsolv; the last data area exists since `begin` and covers new solvables.
        unsafe {
            (*solvable).name = name.0;
            (*solvable).evr = evr.0;
            (*solvable).arch = arch.0;
            (*solvable).vendor = vendor.map_or(0, |v| v.0);
            let data = c::repo_last_repodata(repo_ptr);
            if !package.href.is_empty() {
                c::repodata_set_location(data, id, 0, std::ptr::null(), href.as_ptr());
            }
            if !package.base.is_empty() {
                c::repodata_set_poolstr(data, id, known.base, base.as_ptr());
            }
            if !package.source_rpm.is_empty() {
                c::repodata_set_sourcepkg(data, id, source.as_ptr());
            }
            if let Some((kind, hex)) = &checksum {
                c::repodata_set_checksum(data, id, known.checksum, *kind, hex.as_ptr());
            }
            for (key, value) in [
                (known.size, package.size),
                (known.installed_size, package.installed_size),
                (known.build_time, package.build_time),
            ] {
                if value != 0 {
                    c::repodata_set_num(data, id, key, value);
                }
            }
            for (dir, base) in &files {
                let dir = c::repodata_str2dir(data, dir.as_ptr(), 1);
                c::repodata_add_dirstr(data, id, known.filelist, dir, base.as_ptr());
            }
        }
        for &(kind, dep) in package.deps {
            self.add_dep(solvable, repo_ptr, kind, dep);
        }
        if !self.is_source(SolvId(id)) {
            // rpm gives every package a provide of its own name; metadata may lack it.
            self.add_dep(solvable, repo_ptr, DepKind::Provides, myself);
        }
        // SAFETY: the solvable belongs to a live repository.
        unsafe { c::repo_rewrite_suse_deps(solvable, 0) };
        Ok(SolvId(id))
    }

    fn add_dep(&self, s: *mut c::Solvable, repo: *mut c::Repo, kind: DepKind, dep: Id) {
        let pre = self.known.prereq_marker;
        // SAFETY: the caller passes a solvable of this pool and its own repository. A negative
        // marker means "before the marker", a positive one "behind it", zero "no marker".
        unsafe {
            let (slot, marker) = match kind {
                DepKind::Provides => (&raw mut (*s).provides, 0),
                DepKind::Requires => (&raw mut (*s).requires, -pre),
                DepKind::PreRequires => (&raw mut (*s).requires, pre),
                DepKind::Conflicts => (&raw mut (*s).conflicts, 0),
                DepKind::Obsoletes => (&raw mut (*s).obsoletes, 0),
                DepKind::Recommends => (&raw mut (*s).recommends, 0),
                DepKind::Suggests => (&raw mut (*s).suggests, 0),
                DepKind::Supplements => (&raw mut (*s).supplements, 0),
                DepKind::Enhances => (&raw mut (*s).enhances, 0),
            };
            *slot = c::repo_addid_dep(repo, *slot, dep.0, marker);
        }
    }

    /// Says that a package holds a file its repository's primary metadata does not list.
    pub fn add_file_provide(&mut self, solvable: SolvId, path: &str) {
        self.unready();
        let id = self.intern(path);
        let marker = self.known.file_marker;
        let s = self.checked(solvable);
        // SAFETY: the solvable is of this pool, its repository is live; libsolv's own search for
        // file provides stores its finds the same way.
        unsafe {
            if !(*s).repo.is_null() {
                (*s).provides = c::repo_addid_dep((*s).repo, (*s).provides, id.0, marker);
            }
        }
    }

    /// Ends filling: attributes become readable.
    pub fn finish(&mut self, repo: RepoId) {
        // SAFETY: the repository is live.
        unsafe { c::repo_internalize(self.repo_ptr(repo)) }
    }

    /// Packages of one repository, in id order.
    pub fn packages_of(&self, repo: RepoId) -> Vec<SolvId> {
        let ptr = self.repo_ptr(repo);
        // SAFETY: the repository is live.
        let (start, end) = unsafe { ((*ptr).start, (*ptr).end) };
        (start.max(2)..end)
            .map(SolvId)
            // SAFETY: `checked` bounds the index.
            .filter(|&s| unsafe { (*self.checked(s)).repo } == ptr)
            .collect()
    }

    /// Writes a repository in libsolv's binary form to an open file.
    pub fn write_solv(&mut self, repo: RepoId, file: File) -> Result<(), PoolError> {
        let stream = FileStream::open(file, c"w")?;
        // SAFETY: the repository is live and the stream is open for writing.
        let failed = unsafe { c::repo_write(self.repo_ptr(repo), stream.0.cast()) } != 0;
        let closed = stream.close();
        if failed || !closed {
            return Err(PoolError::Cache(format!(
                "writing failed: {}",
                std::io::Error::last_os_error()
            )));
        }
        Ok(())
    }

    /// Reads what [`Pool::write_solv`] wrote into an empty repository. Only for files this program
    /// wrote itself: libsolv does not defend itself against hostile ones.
    pub fn read_solv(&mut self, repo: RepoId, path: &Path) -> Result<(), PoolError> {
        self.unready();
        let file = File::open(path).map_err(|e| PoolError::Cache(e.to_string()))?;
        let stream = FileStream::open(file, c"r")?;
        // SAFETY: the repository is live and the stream is open for reading; libsolv duplicates the
        // descriptor for pages it reads later.
        let failed = unsafe { c::repo_add_solv(self.repo_ptr(repo), stream.0.cast(), 0) } != 0;
        stream.close();
        if failed {
            return Err(PoolError::Cache("libsolv refused it".to_owned()));
        }
        Ok(())
    }

    fn checksum_type(&self, kind: &str) -> Option<c::Id> {
        let k = &self.known;
        Some(match kind {
            "md5" => k.md5,
            "sha1" => k.sha1,
            "sha224" => k.sha224,
            "sha256" => k.sha256,
            "sha384" => k.sha384,
            "sha512" => k.sha512,
            _ => return None,
        })
    }
}

type DirAndName = (std::ffi::CString, std::ffi::CString);

fn split_files(files: &[&str]) -> Result<Vec<DirAndName>, PoolError> {
    files
        .iter()
        .map(|path| {
            let (dir, name) = path.rsplit_once('/').unwrap_or(("", path));
            let dir = if dir.is_empty() { "/" } else { dir };
            Ok((cstring(dir)?, cstring(name)?))
        })
        .collect()
}

/// A C stream over a file of ours.
struct FileStream(*mut libc::FILE);

impl FileStream {
    fn open(file: File, mode: &std::ffi::CStr) -> Result<Self, PoolError> {
        let fd: c_int = file.into_raw_fd();
        // SAFETY: the descriptor is open and ours alone; the mode ends in NUL.
        let stream = unsafe { libc::fdopen(fd, mode.as_ptr()) };
        if stream.is_null() {
            let error = std::io::Error::last_os_error();
            // SAFETY: fdopen failed, so the descriptor is still ours to close.
            unsafe { libc::close(fd) };
            return Err(PoolError::Cache(error.to_string()));
        }
        Ok(Self(stream))
    }

    /// Flushes and closes; false when that failed.
    fn close(self) -> bool {
        // SAFETY: the stream is open, and `self` is used up.
        unsafe { libc::fclose(self.0) == 0 }
    }
}
