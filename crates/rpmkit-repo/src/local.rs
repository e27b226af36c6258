//! Package files on disk: their headers as [`Package`] records.

use std::{
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
};

use rpm::{Dependency, DependencyFlags, IndexTag, PackageMetadata};

use super::{error::RepoError, packages::hash_file};
use rpmkit_types::{
    Checksum, ChecksumKind, Dep, DepFlag, Evr, Location, Nevra, Package, Requirement,
};

/// Reads the header of a binary or source package and hashes the whole file. `location` of the
/// result is the file's absolute path and `files` has every path the package holds. Requirements
/// on rpm itself (`rpmlib(…)`) are left out, as in repository metadata, but for the mark of a source
/// package that generates build requirements. For a source package,
/// `requires` are its static BuildRequires and `nevra.arch` is `src` or `nosrc`.
///
/// # Errors
/// [`RepoError::NotRpm`] for a file that is no package, [`RepoError::Io`] when it cannot be read.
pub fn read_package(path: &Path) -> Result<Package, RepoError> {
    let mut package = read_header(path)?;
    let like = Checksum::new(ChecksumKind::Sha256, "");
    package.checksum = Some(hash_file(path, &like).map_err(RepoError::io("read", path))?);
    Ok(package)
}

/// As [`read_package`] without reading more than the header: there is no `checksum`.
pub fn read_header(path: &Path) -> Result<Package, RepoError> {
    let (meta, size) = open(path)?;
    let mut package = record(&meta).map_err(|e| not_rpm(path, &e))?;
    let absolute = std::path::absolute(path).map_err(RepoError::io("resolve", path))?;
    package.location.href = absolute.to_string_lossy().into_owned();
    package.size = size;
    Ok(package)
}

/// The header and the file's length.
pub(super) fn open(path: &Path) -> Result<(PackageMetadata, u64), RepoError> {
    let file = File::open(path).map_err(RepoError::io("open", path))?;
    let meta = file.metadata().map_err(RepoError::io("read", path))?;
    if !meta.is_file() {
        return Err(RepoError::NotRpm {
            path: path.to_owned(),
            reason: "it is not a regular file".to_owned(),
        });
    }
    let parsed = rpmkit_rpmfile::read_metadata(&mut BufReader::with_capacity(1 << 16, file));
    parsed
        .map(|header| (header, meta.len()))
        .map_err(|e| RepoError::NotRpm {
            path: path.to_owned(),
            reason: e.to_string(),
        })
}

pub(super) fn not_rpm(path: &Path, error: &rpm::Error) -> RepoError {
    RepoError::NotRpm {
        path: PathBuf::from(path),
        reason: error.to_string(),
    }
}

/// What the header says; location, size and digest are the caller's.
pub(super) fn record(meta: &PackageMetadata) -> Result<Package, rpm::Error> {
    let source = meta.is_source_package();
    let arch = match source {
        false => meta.get_arch()?.to_owned(),
        true if lacks_sources(meta) => "nosrc".to_owned(),
        true => "src".to_owned(),
    };
    let evr = Evr::new(
        meta.get_epoch().unwrap_or(0),
        meta.get_version()?,
        meta.get_release()?,
    );
    let deps = |list: Vec<Dependency>| list.iter().map(dep).collect::<Vec<_>>();
    Ok(Package {
        nevra: Nevra::new(meta.get_name()?, evr, arch),
        repo: String::new(),
        checksum: None,
        location: Location {
            href: String::new(),
            base: None,
        },
        size: 0,
        installed_size: meta.get_installed_size().unwrap_or(0),
        build_time: meta.get_build_time().unwrap_or(0),
        source_rpm: if source {
            String::new()
        } else {
            meta.get_source_rpm().unwrap_or_default().to_owned()
        },
        vendor: meta.get_vendor().unwrap_or_default().to_owned(),
        provides: deps(meta.get_provides()?),
        requires: requirements(&meta.get_requires()?),
        conflicts: deps(meta.get_conflicts()?),
        obsoletes: deps(meta.get_obsoletes()?),
        recommends: deps(meta.get_recommends()?),
        suggests: deps(meta.get_suggests()?),
        supplements: deps(meta.get_supplements()?),
        enhances: deps(meta.get_enhances()?),
        files: meta
            .get_file_paths_split()?
            .into_iter()
            .map(|(dir, base)| format!("{dir}{base}"))
            .collect(),
    })
}

fn lacks_sources(meta: &PackageMetadata) -> bool {
    meta.header.entry_is_present(IndexTag::RPMTAG_NOSOURCE)
        || meta.header.entry_is_present(IndexTag::RPMTAG_NOPATCH)
}

/// How a source package says that `%generate_buildrequires` has to run.
const DYNAMIC_BUILDREQUIRES: &str = "rpmlib(DynamicBuildRequires)";

/// Requirements without those on rpm itself and without repetitions; one that is needed by a
/// scriptlet and otherwise as well is marked.
fn requirements(list: &[Dependency]) -> Vec<Requirement> {
    let mut out: Vec<Requirement> = Vec::with_capacity(list.len());
    let mut seen: std::collections::HashMap<Dep, usize> = std::collections::HashMap::new();
    for one in list {
        let dep = dep(one);
        if dep.is_rpmlib() && dep.name != DYNAMIC_BUILDREQUIRES {
            continue;
        }
        // The scriptlets that run before the package counts as installed, as createrepo has it.
        let early =
            DependencyFlags::PREREQ | DependencyFlags::SCRIPT_PRE | DependencyFlags::SCRIPT_POST;
        let pre = one.flags.intersects(early);
        match seen.get(&dep) {
            Some(at) => out[*at].pre |= pre,
            None => {
                seen.insert(dep.clone(), out.len());
                out.push(Requirement { dep, pre });
            }
        }
    }
    out
}

fn dep(one: &Dependency) -> Dep {
    let has = |flag| one.flags.contains(flag);
    let less = has(DependencyFlags::LESS);
    let greater = has(DependencyFlags::GREATER);
    let flag = match (less, greater, has(DependencyFlags::EQUAL)) {
        (true, false, false) => Some(DepFlag::Lt),
        (true, false, true) => Some(DepFlag::Le),
        (false, false, true) => Some(DepFlag::Eq),
        (false, true, true) => Some(DepFlag::Ge),
        (false, true, false) => Some(DepFlag::Gt),
        _ => None,
    };
    Dep {
        name: one.name.clone(),
        version: flag
            .filter(|_| !one.version.is_empty())
            .map(|flag| (flag, Evr::parse(&one.version))),
    }
}
