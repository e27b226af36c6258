//! Packages: a store on disk keyed by digest, shared by all chroots and processes.
//!
//! ```text
//! packages/store-1/ab/sha256-abcd…/NAME-VERSION-RELEASE.ARCH.rpm
//! packages/store-1/ab/sha256-abcd….part
//! ```
//! A file in its place had the digest of its directory when it got there, by rename, after it was
//! hashed while it came in. Packages of `file://` repositories stay where they are. That a file has
//! the right digest is remembered of this very file, as long as nobody touches it (see
//! [`super::memo`]); any other is hashed before it is used, and one in the store that is not as it
//! should be is dropped and fetched again.

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use super::{
    conf::{RepoSet, Repository},
    disk::with_suffix,
    error::RepoError,
    fetcher::{Fetcher, as_cause},
    gpg,
    keys::Keys,
    memo::Look,
    parallel,
    progress::Meter,
    verified::VerifiedPackage,
};
use rpmkit_fetch::{
    Address, FetchCause, Mirrors, TransportOptions,
    transfer::{self, Expect},
};
use rpmkit_openpgp::SignatureProblem;
use rpmkit_rpmfile::{PackageFile, RpmFileError};
use rpmkit_types::{Checksum, ChecksumKind, Hasher, Location, Package, VerifyLevel, event::Phase};

impl Fetcher {
    /// Gets the files of these packages, in the same order. What is there already, and was looked at
    /// before, costs a `stat`.
    /// Every file has been checked against the digest in its repository's metadata and, where
    /// `gpgcheck` asks for it, against its signature.
    ///
    /// A package without a repository is a local file (its `location` is the path); it is checked
    /// when `localpkg_gpgcheck` is on, against the keys of all enabled repositories.
    pub fn download(
        &self,
        packages: &[Package],
        set: &RepoSet,
    ) -> Result<Vec<VerifiedPackage>, RepoError> {
        let mut work = Vec::with_capacity(packages.len());
        let mut bytes = 0;
        let mut threads = None;
        for package in packages {
            let repo = match package.repo.as_str() {
                "" => None,
                id => Some(set.find(id).ok_or_else(|| RepoError::UnknownRepository {
                    package: package.nevra.to_string(),
                    repo: id.to_owned(),
                })?),
            };
            if repo.is_some() && self.stored(package).is_none() {
                bytes += package.size;
            }
            if let Some(wish) = repo.and_then(|r| r.common.transport.max_parallel_downloads) {
                threads = Some(threads.map_or(wish, |t: usize| t.max(wish)));
            }
            work.push((package, repo));
        }
        let meter = Meter::new(&self.events, Phase::Download, "packages", bytes);
        let stop = AtomicBool::new(false);
        let threads = threads.unwrap_or(self.options.parallel);
        let outcomes = parallel::map(threads.max(1), &work, |(package, repo)| {
            // After a failure nothing more is begun; what is done stays done for the next time.
            if stop.load(Ordering::Relaxed) {
                return None;
            }
            let outcome = self.trust(package, set).and_then(|trust| {
                let path = match repo {
                    Some(repo) => self.package(package, repo, set.main.verify_level, &meter),
                    None => self.local_package(package, set),
                }?;
                Ok(VerifiedPackage::new(path, trust))
            });
            stop.fetch_or(outcome.is_err(), Ordering::Relaxed);
            Some(outcome)
        });
        self.memo.save()?;
        let verified = outcomes.into_iter().flatten().collect::<Result<_, _>>()?;
        meter.finish();
        Ok(verified)
    }

    /// The URL of a package file at the first of its repository's addresses.
    pub fn package_url(&self, location: &Location, repo: &Repository) -> Result<String, RepoError> {
        let bad = |reason: String| RepoError::Metadata {
            repo: repo.id.clone(),
            url: location.href.clone(),
            reason,
        };
        let base = match &location.base {
            Some(base) => super::fetcher::address(&repo.id, base)?,
            None => {
                let mirrors = self.mirrors_of(repo)?;
                let first = mirrors.addresses().next().cloned();
                first.ok_or_else(|| bad("the repository has no address".to_owned()))?
            }
        };
        let file = base.join(&location.href).map_err(bad)?;
        Ok(match file.local() {
            Some(path) => format!("file://{}", path.display()),
            None => file.shown(),
        })
    }

    /// Where the package's file is, or would be, in the store.
    fn place(&self, package: &Package) -> Option<PathBuf> {
        let sum = package.checksum.as_ref()?;
        if !sum.hex.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        Some(self.package_dir(sum)?.join(package.nevra.file_name()))
    }

    /// The directory of the package with this digest; `None` for what is no digest.
    pub(super) fn package_dir(&self, sum: &Checksum) -> Option<PathBuf> {
        let shard = sum.hex.get(..2)?;
        let name = format!("{}-{}", sum.kind.name(), sum.hex);
        Some(self.store().join(shard).join(name))
    }

    fn store(&self) -> PathBuf {
        self.dirs.packages.join("store-1")
    }

    /// The package's file in the store, if it is there, sound or not.
    fn stored(&self, package: &Package) -> Option<PathBuf> {
        let path = self.place(package)?;
        path.is_file().then_some(path)
    }

    /// The package's file in the store, if it is there and as it should be. One that is not is
    /// dropped, and that is said.
    fn sound(&self, package: &Package) -> Result<Option<PathBuf>, RepoError> {
        let Some(path) = self.stored(package) else {
            return Ok(None);
        };
        let expect = expected(package);
        let (Err(_), Some(sum)) = (self.is_sound(&path, expect), expect.checksum) else {
            return Ok(Some(path));
        };
        let _lock = self.lock_for(&self.store(), sum)?;
        // Another process may have brought a good one while we waited.
        match self.is_sound(&path, expect) {
            Ok(()) => Ok(Some(path)),
            Err(FetchCause::Missing) => Ok(None),
            Err(cause) => {
                self.events.warn(format!(
                    "package {} in the cache is damaged and is fetched again: `{}`: {cause}",
                    package.nevra,
                    path.display()
                ));
                std::fs::remove_file(&path).map_err(RepoError::io("remove", &path))?;
                Ok(None)
            }
        }
    }

    fn package(
        &self,
        package: &Package,
        repo: &Repository,
        level: VerifyLevel,
        meter: &Meter<'_>,
    ) -> Result<PathBuf, RepoError> {
        let path = match self.sound(package)? {
            Some(path) => {
                if let Some(dir) = path.parent() {
                    super::prune::mark_used(dir);
                }
                path
            }
            None => self.obtain(package, repo, meter)?,
        };
        if repo.common.gpgcheck {
            let keys = self.keys(repo, "gpgcheck")?;
            self.check_signed(&path, (&keys, level), repo, &repo.id, || {
                self.mirrors_of(repo)
                    .ok()
                    .and_then(|mirrors| {
                        let first = mirrors.addresses().next()?;
                        first.join(&package.location.href).ok()
                    })
                    .map_or_else(|| package.location.href.clone(), |a| a.shown())
            })?;
        }
        Ok(path)
    }

    fn obtain(
        &self,
        package: &Package,
        repo: &Repository,
        meter: &Meter<'_>,
    ) -> Result<PathBuf, RepoError> {
        let bad = |reason: &str| RepoError::Metadata {
            repo: repo.id.clone(),
            url: package.location.href.clone(),
            reason: reason.to_owned(),
        };
        let sum = package
            .checksum
            .as_ref()
            .ok_or_else(|| bad("metadata has no digest of this package"))?;
        let place = self
            .place(package)
            .filter(|_| !package.nevra.file_name().contains('/'))
            .ok_or_else(|| bad("metadata has no usable digest or name of this package"))?;
        let mirrors = match &package.location.base {
            Some(base) => {
                std::sync::Arc::new(Mirrors::new(vec![super::fetcher::address(&repo.id, base)?]))
            }
            None => self.mirrors_of(repo)?,
        };
        let remote = |address: &Address| address.local().is_none();
        if sum.kind == ChecksumKind::Md5 && !repo.common.gpgcheck && mirrors.addresses().any(remote)
        {
            return Err(bad(
                "metadata vouches for this package with MD5 only, which can be forged, and \
                 `gpgcheck` is off",
            ));
        }
        if self.options.offline && mirrors.addresses().all(remote) {
            return Err(RepoError::Offline {
                repo: repo.id.clone(),
                what: package.nevra.to_string(),
            });
        }
        let expect = Expect {
            checksum: Some(sum),
            ..expected(package)
        };
        let href = &package.location.href;
        let fetched = mirrors.each(href, &repo.common.transport, self.options.wait, |base| {
            let file = base
                .join(&package.location.href)
                .map_err(FetchCause::Content)?;
            match &file {
                Address::Local(path) => {
                    self.is_sound(path, expect)?;
                    meter.add(i64::try_from(package.size).unwrap_or(0));
                    Ok(path.clone())
                }
                Address::Remote(_) => {
                    self.to_store(
                        package,
                        &file,
                        &repo.common.transport,
                        &place,
                        expect,
                        meter,
                    )?;
                    Ok(place.clone())
                }
            }
        });
        match fetched {
            Ok((path, _)) => Ok(path),
            Err(failures) => Err(RepoError::Unavailable {
                repo: repo.id.clone(),
                what: package.nevra.to_string(),
                failures,
            }),
        }
    }

    fn to_store(
        &self,
        package: &Package,
        file: &Address,
        options: &TransportOptions,
        place: &Path,
        expect: Expect<'_>,
        meter: &Meter<'_>,
    ) -> Result<(), FetchCause> {
        let (Some(sum), Some(dir)) = (expect.checksum, place.parent()) else {
            return Err(FetchCause::Content(
                "it has no place in the store".to_owned(),
            ));
        };
        let _lock = self.lock_for(&self.store(), sum).map_err(as_cause)?;
        // Another process may have brought it while we waited.
        if self.is_sound(place, expect).is_ok() {
            meter.add(i64::try_from(package.size).unwrap_or(0));
            return Ok(());
        }
        std::fs::create_dir_all(dir).map_err(|e| as_cause(RepoError::io("create", dir)(e)))?;
        let part = with_suffix(dir, ".part");
        transfer::to_part(&self.agents, file, options, &part, expect, &|n| {
            meter.add(n)
        })?;
        std::fs::rename(&part, place).map_err(|e| as_cause(RepoError::io("rename", &part)(e)))?;
        // It was hashed on its way.
        if let Ok(file) = Look::at_own(place) {
            self.memo.note(&file, &sum.to_string());
        }
        Ok(())
    }

    /// Checks a file's length and digest, unless this very file was checked before.
    fn is_sound(&self, path: &Path, expect: Expect<'_>) -> Result<(), FetchCause> {
        let missing = |e: std::io::Error| match e.kind() {
            std::io::ErrorKind::NotFound => FetchCause::Missing,
            _ => FetchCause::Connection(e.to_string()),
        };
        let file = Look::at(path).map_err(missing)?;
        if let Some(size) = expect.size
            && size != file.meta.len()
        {
            return Err(FetchCause::Length {
                expected: size,
                found: file.meta.len(),
            });
        }
        let Some(sum) = expect.checksum else {
            return Ok(());
        };
        let claim = sum.to_string();
        if self.memo.holds(&file, &claim) {
            return Ok(());
        }
        let found = hash_file(path, sum).map_err(missing)?;
        if found != *sum {
            return Err(FetchCause::Digest {
                expected: claim,
                found,
            });
        }
        self.memo.note(&file, &claim);
        Ok(())
    }

    /// Checks a package's signature, unless this very file was checked with these keys before.
    fn check_signed(
        &self,
        path: &Path,
        (keys, level): (&Keys, VerifyLevel),
        owner: &Repository,
        repo: &str,
        url: impl Fn() -> String,
    ) -> Result<(), RepoError> {
        let file = Look::at(path).map_err(RepoError::io("read", path))?;
        let claim = match level {
            VerifyLevel::All => keys.claim(),
            VerifyLevel::Signature => format!("gpg-{}-one:{}", gpg::POLICY, keys.name),
        };
        if self.memo.holds(&file, &claim) {
            return Ok(());
        }
        let refused = |problem| RepoError::Signature {
            repo: repo.to_owned(),
            url: url(),
            problem,
        };
        match gpg::verify_package(self.ring(owner, keys)?, path, level) {
            Ok(Ok(warnings)) => {
                self.weak(repo, warnings);
                self.memo.note(&file, &claim);
                Ok(())
            }
            Ok(Err(problem)) => Err(refused(problem)),
            Err(reason) => Err(RepoError::NotRpm {
                path: path.to_owned(),
                reason,
            }),
        }
    }

    /// Holds a package that no repository vouches for against its own digests, unless this very file was
    /// checked before. The rpm that installs it is told to check nothing.
    fn is_whole(&self, path: &Path) -> Result<(), RepoError> {
        const CLAIM: &str = "own-digests-1";
        let file = Look::at(path).map_err(RepoError::io("read", path))?;
        if self.memo.holds(&file, CLAIM) {
            return Ok(());
        }
        PackageFile::open(path)
            .and_then(PackageFile::check)
            .map_err(|error| match error {
                RpmFileError::Header { reason, .. } | RpmFileError::Payload { reason, .. } => {
                    RepoError::NotRpm {
                        path: path.to_owned(),
                        reason: format!("it is damaged: {reason}"),
                    }
                }
                error @ RpmFileError::Room { .. } => RepoError::NotRpm {
                    path: path.to_owned(),
                    reason: error.to_string(),
                },
                RpmFileError::Read { path, source }
                | RpmFileError::Write {
                    target: path,
                    source,
                    ..
                } => RepoError::io("read", &path)(source),
            })?;
        self.memo.note(&file, CLAIM);
        Ok(())
    }

    fn local_package(&self, package: &Package, set: &RepoSet) -> Result<PathBuf, RepoError> {
        let path = PathBuf::from(&package.location.href);
        self.is_sound(&path, expected(package))
            .map_err(|cause| RepoError::Unavailable {
                repo: String::new(),
                what: package.nevra.to_string(),
                failures: super::fetcher::failed(&Address::Local(path.clone()), cause),
            })?;
        self.is_whole(&path)?;
        if set.main.localpkg_gpgcheck {
            let mut problem = None;
            for repo in set.enabled().filter(|repo| !repo.gpgkey.is_empty()) {
                let keys = match self.keys(repo, "localpkg_gpgcheck") {
                    Ok(keys) => keys,
                    Err(error) => {
                        problem.get_or_insert(error);
                        continue;
                    }
                };
                let asked = (&*keys, set.main.verify_level);
                match self.check_signed(&path, asked, repo, "", || path.display().to_string()) {
                    Ok(()) => return Ok(path),
                    Err(error) => problem = Some(error),
                }
            }
            return Err(problem.unwrap_or_else(|| RepoError::Signature {
                repo: String::new(),
                url: path.display().to_string(),
                problem: SignatureProblem::UnknownKey {
                    found: Vec::new(),
                    known: Vec::new(),
                },
            }));
        }
        Ok(path)
    }
}

/// What the record of a package says of its file.
fn expected(package: &Package) -> Expect<'_> {
    Expect {
        checksum: package.checksum.as_ref(),
        size: (package.size > 0).then_some(package.size),
        at_most: None,
    }
}

/// Digest of a file, of the kind `like` has.
pub(super) fn hash_file(path: &Path, like: &Checksum) -> std::io::Result<Checksum> {
    use std::io::Read;
    let mut file = std::fs::File::open(path)?;
    let mut hasher = Hasher::new(like.kind);
    let mut buffer = vec![0; 1 << 18];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.finish()),
            n => hasher.update(&buffer[..n]),
        }
    }
}
